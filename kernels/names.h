/* Tables of names, built by bailee.records.names: open addressing over the hash of the decoded name. */
#ifndef BAILEE_NAMES_H
#define BAILEE_NAMES_H

#include "json.h"

typedef struct {
  uint32_t hash;
  int32_t name;  /* index into the names' offsets; -1: free slot */
  int32_t value; /* what the table maps the name to */
} name_slot;

typedef struct {
  int32_t first; /* first slot */
  int32_t mask;  /* slots - 1, a power of two less one; -1: empty table */
} name_table;

typedef struct {
  const uint8_t *bytes;
  const int64_t *offsets;
  const name_slot *slots;
} name_space;

/* Find plain or escaped text in a table. Returns the slot, or NULL. A table always has a free slot. */
static inline const name_slot *name_find(const name_space *space, name_table table, const uint8_t *text, uint32_t size, int escaped,
                                         uint32_t hash) {
  if (table.mask < 0) return NULL;
  for (uint32_t i = hash;; i++) {
    const name_slot *slot = &space->slots[table.first + (int32_t)(i & (uint32_t)table.mask)];
    if (slot->name < 0) return NULL;
    if (slot->hash == hash) {
      const uint8_t *name = space->bytes + space->offsets[slot->name];
      uint32_t length = (uint32_t)(space->offsets[slot->name + 1] - space->offsets[slot->name]);
      if (json_equals(text, size, escaped, name, length)) return slot;
    }
  }
}

static inline const name_slot *name_find_key(const name_space *space, name_table table, const uint8_t *text, const json_token *key) {
  return name_find(space, table, text + key->start, key->end - key->start, key->flags & JSON_ESCAPED, key->next);
}

/* As name_find_key, for the text of a string value, which carries no hash. */
static inline const name_slot *name_find_value(const name_space *space, name_table table, const uint8_t *text, const json_token *value) {
  uint32_t size = value->end - value->start;
  int escaped = value->flags & JSON_ESCAPED;
  uint32_t hash = escaped ? json_hash_escaped(text + value->start, size) : json_hash(text + value->start, size);
  return name_find(space, table, text + value->start, size, escaped, hash);
}

#endif
