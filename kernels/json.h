/* A strict JSON reader: one record in, a tape of tokens out. No recursion, no read outside the record.
 *
 * A tape is flat: an object token is followed by key, value, key, value …; an array token by its values; `next`
 * of a container is the index of the first token after it, so that a whole subtree is skipped in one step.
 */
#ifndef BAILEE_JSON_H
#define BAILEE_JSON_H

#include "bailee.h"

enum json_kind {
  JSON_OBJECT = 1, /* start at its brace, end after its brace */
  JSON_ARRAY = 2,
  JSON_KEY = 3,    /* start and end inside the quotes; `next` is the hash of the decoded name */
  JSON_STRING = 4, /* start and end inside the quotes */
  JSON_NUMBER = 5,
  JSON_TRUE = 6,
  JSON_FALSE = 7,
  JSON_NULL = 8
};

/* Shared with bailee.records.walk.Problem; numbers are never reused. */
enum json_problem {
  JSON_OK = 0,
  JSON_EMPTY = 1,
  JSON_SYNTAX = 2,
  JSON_TRUNCATED = 3,
  JSON_TRAILING = 4,
  JSON_DEPTH = 5,
  JSON_DUPLICATE_KEY = 6,
  JSON_UTF8 = 7,
  JSON_ESCAPE = 8,
  JSON_SURROGATE = 9,
  JSON_CONTROL = 10,
  JSON_BAD_NUMBER = 11,
  JSON_NOT_A_NUMBER = 12,
  JSON_NOT_AN_OBJECT = 13,
  JSON_TOO_LONG = 14,
  JSON_BYTE_ORDER_MARK = 15
};

#define JSON_MAX_DEPTH 64
#define JSON_MAX_RECORD 0x7fffffffu
#define JSON_NO_MEMORY (-1)

/* Token flags. */
#define JSON_ESCAPED 1u

/* Tape flags: what the record holds anywhere. */
#define JSON_HAS_SPACE 1u  /* blanks between tokens */
#define JSON_HAS_SHADOW 2u /* a name that may start with an underscore: `_birthDate` */

typedef struct {
  uint32_t start, end, next;
  uint8_t kind, flags;
  uint16_t unused;
} json_token;

typedef struct {
  uint32_t token, hash;
} json_name;

typedef struct {
  json_token *tokens;
  uint32_t count, capacity, flags;
  json_name *names; /* names of the objects that are open */
  uint32_t names_capacity;
  uint32_t position; /* where a problem was found */
} json_tape;

/* Read one record. Returns a json_problem, or JSON_NO_MEMORY. Start from a zeroed tape; it grows and is reused. */
int json_read(const uint8_t *text, uint64_t size, json_tape *tape);

/* As json_read, for any JSON value. */
int json_read_value(const uint8_t *text, uint64_t size, json_tape *tape);
void json_free(json_tape *tape);

/* Decode the inside of a checked string. `out` needs size bytes at most. Returns the bytes written. */
uint32_t json_decode(const uint8_t *text, uint32_t size, uint8_t *out);

/* Compare the inside of a checked string, decoded, with plain bytes. */
int json_equals(const uint8_t *text, uint32_t size, int escaped, const uint8_t *other, uint32_t other_size);

/* Order of the insides of two checked strings, decoded: negative, 0, positive. */
int json_order_escaped(const uint8_t *text, uint32_t size, const uint8_t *other, uint32_t other_size);

/* Hash of plain bytes, and of the inside of a checked string with escapes. */
uint32_t json_hash(const uint8_t *bytes, uint32_t size);
uint32_t json_hash_escaped(const uint8_t *text, uint32_t size);

/* The value token of a member, or 0. `object` is the index of an object token. */
uint32_t json_member(const json_tape *tape, const uint8_t *text, uint32_t object, const char *name, uint32_t hash);

static inline uint32_t json_after(const json_tape *tape, uint32_t token) {
  const json_token *t = &tape->tokens[token];
  return t->kind <= JSON_ARRAY ? t->next : token + 1;
}

#endif
