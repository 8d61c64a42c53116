/* Building tables of names. */
#include "names.h"

static void place(name_slot *slots, int32_t mask, name_slot fresh) {
  uint32_t at = fresh.hash;
  while (slots[at & (uint32_t)mask].name >= 0) at++;
  slots[at & (uint32_t)mask] = fresh;
}

/* Fill one table: `count` names, all different, in more slots than names. */
EXPORT void bailee_names_fill(name_slot *slots, int32_t mask, const uint32_t *hashes, const int32_t *names, const int32_t *values,
                              int64_t count) {
  for (int64_t i = 0; i <= mask; i++) slots[i] = (name_slot){0, -1, -1};
  for (int64_t i = 0; i < count; i++) place(slots, mask, (name_slot){hashes[i], names[i], values[i]});
}

/* Fill a table over texts that lie end to end; each maps to its number. Returns 0, or -1 where a text comes twice. */
EXPORT int32_t bailee_names_index(const uint8_t *bytes, const int64_t *offsets, int64_t count, name_slot *slots, int32_t mask) {
  name_space space = {bytes, offsets, slots};
  name_table table = {0, mask};
  for (int64_t i = 0; i <= mask; i++) slots[i] = (name_slot){0, -1, -1};
  for (int64_t i = 0; i < count; i++) {
    uint32_t size = (uint32_t)(offsets[i + 1] - offsets[i]), hash = json_hash(bytes + offsets[i], size);
    if (name_find(&space, table, bytes + offsets[i], size, 0, hash)) return -1;
    place(slots, mask, (name_slot){hash, (int32_t)i, (int32_t)i});
  }
  return 0;
}

/* Copy slices of a buffer end to end. `offsets` receives count + 1 numbers. Returns 0, or -1 for a slice outside. */
EXPORT int32_t bailee_gather(const uint8_t *buffer, int64_t size, const int64_t *start, const int64_t *end, int64_t count,
                             int64_t *offsets, uint8_t *out, int64_t capacity) {
  offsets[0] = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t length = end[i] - start[i];
    if (start[i] < 0 || length < 0 || end[i] > size || length > capacity - offsets[i]) return -1;
    if (length) memcpy(out + offsets[i], buffer + start[i], (size_t)length);
    offsets[i + 1] = offsets[i] + length;
  }
  return 0;
}

/* Copy slices of a buffer, each with a line end after it. Returns 0, or -1 for a slice outside or too little room. */
EXPORT int32_t bailee_lines(const uint8_t *buffer, int64_t size, const int64_t *start, const int64_t *end, int64_t count,
                            uint8_t *out, int64_t capacity) {
  int64_t at = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t length = end[i] - start[i];
    if (start[i] < 0 || length < 0 || end[i] > size || length >= capacity - at) return -1;
    if (length) memcpy(out + at, buffer + start[i], (size_t)length);
    at += length;
    out[at++] = '\n';
  }
  return 0;
}
