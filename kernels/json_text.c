/* JSON strings: decoding, comparing, hashing. The reader has checked them, so escapes here are well formed. */
#include "json.h"

static uint32_t hex4(const uint8_t *p) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t c = p[i];
    uint32_t digit = c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
    value = value << 4 | (digit & 15u);
  }
  return value;
}

static uint32_t put_utf8(uint32_t point, uint8_t *out) {
  if (point < 0x80) {
    out[0] = (uint8_t)point;
    return 1;
  }
  if (point < 0x800) {
    out[0] = (uint8_t)(0xc0 | point >> 6);
    out[1] = (uint8_t)(0x80 | (point & 63));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = (uint8_t)(0xe0 | point >> 12);
    out[1] = (uint8_t)(0x80 | (point >> 6 & 63));
    out[2] = (uint8_t)(0x80 | (point & 63));
    return 3;
  }
  out[0] = (uint8_t)(0xf0 | point >> 18);
  out[1] = (uint8_t)(0x80 | (point >> 12 & 63));
  out[2] = (uint8_t)(0x80 | (point >> 6 & 63));
  out[3] = (uint8_t)(0x80 | (point & 63));
  return 4;
}

/* Decode the unit at text[*at], which may be an escape; 1 to 4 bytes into out. Stays inside size whatever comes. */
static uint32_t decode_unit(const uint8_t *text, uint32_t size, uint32_t *at, uint8_t *out) {
  uint32_t i = *at;
  if (text[i] != '\\' || i + 1 >= size) {
    out[0] = text[i];
    *at = i + 1;
    return 1;
  }
  uint8_t c = text[i + 1];
  *at = i + 2;
  switch (c) {
    case 'b': out[0] = '\b'; return 1;
    case 'f': out[0] = '\f'; return 1;
    case 'n': out[0] = '\n'; return 1;
    case 'r': out[0] = '\r'; return 1;
    case 't': out[0] = '\t'; return 1;
    case 'u': break;
    default: out[0] = c; return 1;
  }
  if (i + 6 > size) {
    *at = size;
    return 0;
  }
  uint32_t point = hex4(text + i + 2);
  *at = i + 6;
  if ((point & 0xfc00) == 0xd800 && i + 12 <= size) {
    point = 0x10000 + ((point & 0x3ff) << 10) + (hex4(text + i + 8) & 0x3ff);
    *at = i + 12;
  }
  return put_utf8(point, out);
}

uint32_t json_decode(const uint8_t *text, uint32_t size, uint8_t *out) {
  uint32_t at = 0, written = 0;
  while (at < size) {
    const uint8_t *slash = memchr(text + at, '\\', size - at);
    uint32_t plain = (slash ? (uint32_t)(slash - text) : size) - at;
    if (plain) memcpy(out + written, text + at, plain);
    written += plain;
    at += plain;
    if (at < size) {
      uint8_t unit[4];
      uint32_t n = decode_unit(text, size, &at, unit);
      memcpy(out + written, unit, n);
      written += n;
    }
  }
  return written;
}

int json_equals(const uint8_t *text, uint32_t size, int escaped, const uint8_t *other, uint32_t other_size) {
  if (!escaped) return size == other_size && memcmp(text, other, size) == 0;
  uint32_t at = 0, seen = 0;
  while (at < size) {
    uint8_t unit[4];
    uint32_t n = decode_unit(text, size, &at, unit);
    if (other_size - seen < n || memcmp(unit, other + seen, n) != 0) return 0;
    seen += n;
  }
  return seen == other_size;
}

int json_order_escaped(const uint8_t *text, uint32_t size, const uint8_t *other, uint32_t other_size) {
  uint32_t at = 0, other_at = 0, i = 0, j = 0, m = 0, n = 0;
  uint8_t a[4], b[4];
  for (;;) {
    if (i == m && at < size) i = 0, m = decode_unit(text, size, &at, a);
    if (j == n && other_at < other_size) j = 0, n = decode_unit(other, other_size, &other_at, b);
    if (i == m || j == n) return i < m ? 1 : j < n ? -1 : 0;
    int order = (int)a[i++] - (int)b[j++];
    if (order) return order;
  }
}

static inline uint64_t load(const uint8_t *p, uint32_t n) {
  uint64_t value = 0;
  memcpy(&value, p, n);
  return value;
}

static inline uint64_t mix(uint64_t state, uint64_t word) {
  state = (state ^ word) * 0x9e3779b97f4a7c15ull;
  return state ^ state >> 29;
}

/* Names hash by their first bytes only, so that plain and escaped spellings agree; equality is decided by comparing. */
#define HASHED 252u

uint32_t json_hash(const uint8_t *p, uint32_t size) {
  if (size > HASHED) size = HASHED;
  uint64_t state = mix(0x2545f4914f6cdd1dull, size);
  uint32_t left = size;
  for (; left > 8; left -= 8, p += 8) state = mix(state, load(p, 8));
  if (left >= 4) {
    state = mix(state, load(p, 4) << 32 | load(p + left - 4, 4));
  } else if (left) {
    state = mix(state, (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1]);
  }
  return (uint32_t)(state >> 32);
}

uint32_t json_hash_escaped(const uint8_t *text, uint32_t size) {
  uint8_t name[HASHED + 4];
  uint32_t at = 0, written = 0;
  while (at < size && written < HASHED) written += decode_unit(text, size, &at, name + written);
  return json_hash(name, written);
}

uint32_t json_member(const json_tape *tape, const uint8_t *text, uint32_t object, const char *name, uint32_t hash) {
  uint32_t size = (uint32_t)strlen(name), end = tape->tokens[object].next;
  for (uint32_t at = object + 1; at < end; at = json_after(tape, at + 1)) {
    const json_token *key = &tape->tokens[at];
    if (key->next != hash) continue;
    if (json_equals(text + key->start, key->end - key->start, key->flags & JSON_ESCAPED, (const uint8_t *)name, size)) {
      return at + 1;
    }
  }
  return 0;
}

/* Decode many string slices into one Arrow string column. `needed` = sum of (end - start) bounds the output.
 * Returns the bytes written, or -1 for a slice outside the buffer, or -2 where capacity is too small. */
EXPORT int64_t bailee_json_strings(const uint8_t *buffer, int64_t size, const int64_t *start, const int64_t *end, int64_t count,
                                   int32_t *offsets, uint8_t *out, int64_t capacity) {
  int64_t written = 0;
  offsets[0] = 0;
  for (int64_t i = 0; i < count; i++) {
    if (start[i] < 0 || end[i] < start[i] || end[i] > size) return -1;
    if (end[i] - start[i] > capacity - written) return -2;
    written += json_decode(buffer + start[i], (uint32_t)(end[i] - start[i]), out + written);
    offsets[i + 1] = (int32_t)written;
  }
  return written;
}

/* Hash many names, for tables that the walkers look names up in. */
EXPORT void bailee_json_hashes(const uint8_t *bytes, const int64_t *offsets, int64_t count, uint32_t *hashes) {
  for (int64_t i = 0; i < count; i++) hashes[i] = json_hash(bytes + offsets[i], (uint32_t)(offsets[i + 1] - offsets[i]));
}
