/* The reader: RFC 8259 grammar, and what it leaves open closed: one name once, 64 levels, no lone surrogate. */
#include "json.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef struct {
  const uint8_t *text;
  uint32_t size, at;
  json_tape *tape;
  uint32_t depth, names;           /* names in use on the tape's stack */
  uint32_t open[JSON_MAX_DEPTH];   /* token of each open container */
  uint32_t first[JSON_MAX_DEPTH];  /* where the names of each open object begin */
} reader;

static int fail(reader *r, int problem, uint32_t at) {
  r->tape->position = at;
  return problem;
}

static int grow(void **block, uint32_t *capacity, size_t item) {
  uint32_t wanted = *capacity ? *capacity * 2 : 1024;
  if (wanted <= *capacity) return JSON_NO_MEMORY;
  void *fresh = realloc(*block, (size_t)wanted * item);
  if (!fresh) return JSON_NO_MEMORY;
  *block = fresh;
  *capacity = wanted;
  return JSON_OK;
}

void json_free(json_tape *tape) {
  free(tape->tokens);
  free(tape->names);
  memset(tape, 0, sizeof *tape);
}

static inline int push(reader *r, uint8_t kind, uint32_t start, uint32_t end, uint32_t next, uint8_t flags) {
  json_tape *tape = r->tape;
  if (tape->count == tape->capacity && grow((void **)&tape->tokens, &tape->capacity, sizeof(json_token))) return JSON_NO_MEMORY;
  tape->tokens[tape->count++] = (json_token){start, end, next, kind, flags, 0};
  return JSON_OK;
}

static inline int is_blank(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/* Skip blanks; returns the byte there, or 0 at the end (a zero byte in the text is a syntax error everywhere). */
static inline uint8_t peek(reader *r) {
  uint32_t at = r->at;
  if (at < r->size && r->text[at] > ' ') return r->text[at];
  while (at < r->size && is_blank(r->text[at])) at++;
  if (at > r->at) r->tape->flags |= JSON_HAS_SPACE;
  r->at = at;
  return at < r->size ? r->text[at] : 0;
}

static int unexpected(reader *r) { return fail(r, r->at >= r->size ? JSON_TRUNCATED : JSON_SYNTAX, r->at); }

/* The next byte that is not plain ASCII text: a quote, a backslash, a control, or a byte of a longer sequence. */
static inline uint32_t plain_end(const uint8_t *text, uint32_t at, uint32_t size) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
  while (size - at >= 16) {
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
    __m128i odd = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, slash)), _mm_cmplt_epi8(block, space));
    int mask = _mm_movemask_epi8(odd);
    if (mask) return at + (uint32_t)__builtin_ctz((unsigned)mask);
    at += 16;
  }
#endif
  while (at < size && text[at] != '"' && text[at] != '\\' && text[at] >= ' ' && text[at] < 0x80) at++;
  return at;
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629: no overlong forms, no surrogates), 0 where there is none. */
static inline uint32_t utf8_length(const uint8_t *p, uint32_t left) {
  uint8_t a = p[0];
  if (a >= 0xc2 && a <= 0xdf) return left >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    if (left < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) return 0;
    return (a == 0xe0 && p[1] < 0xa0) || (a == 0xed && p[1] > 0x9f) ? 0 : 3;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    if (left < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80) return 0;
    return (a == 0xf0 && p[1] < 0x90) || (a == 0xf4 && p[1] > 0x8f) ? 0 : 4;
  }
  return 0;
}

static int hex4(const uint8_t *p) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t c = p[i], low = c | 0x20;
    if (c >= '0' && c <= '9') value = value << 4 | (c - '0');
    else if (low >= 'a' && low <= 'f') value = value << 4 | (low - 'a' + 10);
    else return -1;
  }
  return value;
}

/* At a backslash: check the escape and step over it. */
static int escape(reader *r) {
  const uint8_t *p = r->text + r->at;
  uint32_t left = r->size - r->at;
  if (left < 2) return fail(r, JSON_TRUNCATED, r->size);
  if (p[1] != 'u') {
    if (p[1] == 0 || !strchr("\"\\/bfnrt", p[1])) return fail(r, JSON_ESCAPE, r->at);
    r->at += 2;
    return JSON_OK;
  }
  if (left < 6) return fail(r, JSON_TRUNCATED, r->size);
  int unit = hex4(p + 2);
  if (unit < 0) return fail(r, JSON_ESCAPE, r->at);
  if ((unit & 0xf800) != 0xd800) {
    r->at += 6;
    return JSON_OK;
  }
  int low = left >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
  if (unit >= 0xdc00 || (low & 0xfc00) != 0xdc00 || low < 0) return fail(r, JSON_SURROGATE, r->at);
  r->at += 12;
  return JSON_OK;
}

/* At the first byte inside a string: step behind its closing quote. */
static int string(reader *r, uint8_t *flags) {
  *flags = 0;
  for (;;) {
    r->at = plain_end(r->text, r->at, r->size);
    if (r->at >= r->size) return fail(r, JSON_TRUNCATED, r->size);
    uint8_t c = r->text[r->at];
    if (c == '"') {
      r->at++;
      return JSON_OK;
    }
    if (c == '\\') {
      *flags = JSON_ESCAPED;
      int problem = escape(r);
      if (problem) return problem;
    } else if (c < ' ') {
      return fail(r, JSON_CONTROL, r->at);
    } else {
      uint32_t n = utf8_length(r->text + r->at, r->size - r->at);
      if (!n) return fail(r, JSON_UTF8, r->at);
      r->at += n;
    }
  }
}

static inline uint32_t digits(reader *r) {
  uint32_t from = r->at;
  while (r->at < r->size && (uint8_t)(r->text[r->at] - '0') <= 9) r->at++;
  return r->at - from;
}

static int number(reader *r) {
  uint32_t from = r->at;
  if (r->text[r->at] == '-') r->at++;
  if (r->at < r->size && (r->text[r->at] == 'I' || r->text[r->at] == 'N')) return fail(r, JSON_NOT_A_NUMBER, from);
  uint32_t whole = r->at, n = digits(r);
  if (!n || (n > 1 && r->text[whole] == '0')) return fail(r, r->at >= r->size && !n ? JSON_TRUNCATED : JSON_BAD_NUMBER, from);
  if (r->at < r->size && r->text[r->at] == '.') {
    r->at++;
    if (!digits(r)) return fail(r, JSON_BAD_NUMBER, from);
  }
  if (r->at < r->size && (r->text[r->at] | 0x20) == 'e') {
    r->at++;
    if (r->at < r->size && (r->text[r->at] == '+' || r->text[r->at] == '-')) r->at++;
    if (!digits(r)) return fail(r, JSON_BAD_NUMBER, from);
  }
  return push(r, JSON_NUMBER, from, r->at, 0, 0);
}

static int literal(reader *r, const char *word, uint8_t kind) {
  uint32_t size = (uint32_t)strlen(word), from = r->at;
  uint32_t have = r->size - from < size ? r->size - from : size;
  if (memcmp(r->text + from, word, have) != 0) return fail(r, JSON_SYNTAX, from);
  if (have < size) return fail(r, JSON_TRUNCATED, r->size);
  r->at += size;
  return push(r, kind, from, r->at, 0, 0);
}

static int name_order(const reader *r, json_name a, json_name b) {
  if (a.hash != b.hash) return a.hash < b.hash ? -1 : 1;
  const json_token *x = &r->tape->tokens[a.token], *y = &r->tape->tokens[b.token];
  const uint8_t *p = r->text + x->start, *q = r->text + y->start;
  uint32_t m = x->end - x->start, n = y->end - y->start;
  if (!((x->flags | y->flags) & JSON_ESCAPED)) {
    int order = memcmp(p, q, m < n ? m : n);
    return order ? order : m < n ? -1 : m > n;
  }
  return json_order_escaped(p, m, q, n);
}

static void sift(const reader *r, json_name *names, uint32_t root, uint32_t count) {
  for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && name_order(r, names[child], names[child + 1]) < 0) child++;
    if (name_order(r, names[root], names[child]) >= 0) return;
    json_name swap = names[root];
    names[root] = names[child];
    names[child] = swap;
  }
}

#define FEW_NAMES 24u

/* Objects with many names are sorted (heap sort: no stack, no worst case) when they close. */
static int check_many_names(reader *r, json_name *names, uint32_t count) {
  for (uint32_t i = count / 2; i-- > 0;) sift(r, names, i, count);
  for (uint32_t i = count; i-- > 1;) {
    json_name swap = names[0];
    names[0] = names[i];
    names[i] = swap;
    sift(r, names, 0, i);
  }
  for (uint32_t i = 1; i < count; i++) {
    if (name_order(r, names[i - 1], names[i])) continue;
    uint32_t a = r->tape->tokens[names[i - 1].token].start, b = r->tape->tokens[names[i].token].start;
    return fail(r, JSON_DUPLICATE_KEY, a > b ? a : b);
  }
  return JSON_OK;
}

static inline int remember_name(reader *r, uint32_t token, uint32_t hash) {
  json_tape *tape = r->tape;
  if (r->names == tape->names_capacity && grow((void **)&tape->names, &tape->names_capacity, sizeof(json_name))) return JSON_NO_MEMORY;
  json_name *names = tape->names + r->first[r->depth - 1], fresh = {token, hash};
  uint32_t count = r->names - r->first[r->depth - 1];
  if (count < FEW_NAMES) {
    for (uint32_t i = 0; i < count; i++) {
      if (names[i].hash == hash && name_order(r, names[i], fresh) == 0) return fail(r, JSON_DUPLICATE_KEY, tape->tokens[token].start);
    }
  }
  names[count] = fresh;
  r->names++;
  return JSON_OK;
}

/* At a quote that opens a name: read it and its colon. */
static int name(reader *r) {
  if (peek(r) != '"') return unexpected(r);
  uint32_t from = ++r->at;
  uint8_t flags;
  int problem = string(r, &flags);
  if (problem) return problem;
  uint32_t size = r->at - 1 - from;
  if (flags & JSON_ESCAPED || r->text[from] == '_') r->tape->flags |= JSON_HAS_SHADOW;
  uint32_t hash = flags & JSON_ESCAPED ? json_hash_escaped(r->text + from, size) : json_hash(r->text + from, size);
  if ((problem = push(r, JSON_KEY, from, from + size, hash, flags)) != 0) return problem;
  if ((problem = remember_name(r, r->tape->count - 1, hash)) != 0) return problem;
  if (peek(r) != ':') return unexpected(r);
  r->at++;
  return JSON_OK;
}

static int open_container(reader *r, uint8_t kind) {
  if (r->depth == JSON_MAX_DEPTH) return fail(r, JSON_DEPTH, r->at);
  int problem = push(r, kind, r->at, 0, 0, 0);
  if (problem) return problem;
  r->open[r->depth] = r->tape->count - 1;
  r->first[r->depth++] = r->names;
  r->at++;
  return JSON_OK;
}

static int close_container(reader *r) {
  json_token *token = &r->tape->tokens[r->open[--r->depth]];
  uint32_t first = r->first[r->depth], count = r->names - first;
  r->at++;
  token->end = r->at;
  token->next = r->tape->count;
  r->names = first;
  return count > FEW_NAMES ? check_many_names(r, r->tape->names + first, count) : JSON_OK;
}

/* Read a scalar, or open a container. `*opened` tells which. */
static int value(reader *r, int *opened) {
  uint8_t c = peek(r), flags;
  uint32_t from;
  int problem;
  *opened = 0;
  switch (c) {
    case '"':
      from = ++r->at;
      if ((problem = string(r, &flags)) != 0) return problem;
      return push(r, JSON_STRING, from, r->at - 1, 0, flags);
    case '{': *opened = 1; return open_container(r, JSON_OBJECT);
    case '[': *opened = 1; return open_container(r, JSON_ARRAY);
    case 't': return literal(r, "true", JSON_TRUE);
    case 'f': return literal(r, "false", JSON_FALSE);
    case 'n': return literal(r, "null", JSON_NULL);
    case 'N':
    case 'I': return fail(r, JSON_NOT_A_NUMBER, r->at);
    case '-': return number(r);
    default: return c >= '0' && c <= '9' ? number(r) : unexpected(r);
  }
}

/* After a container was opened: its first name, or nothing to do, or its end at once (`*ended`). */
static int begin(reader *r, int *ended) {
  int is_object = r->tape->tokens[r->open[r->depth - 1]].kind == JSON_OBJECT;
  *ended = peek(r) == (is_object ? '}' : ']');
  if (*ended) return close_container(r);
  return is_object ? name(r) : JSON_OK;
}

/* After a value: the comma and next name, or the ends of all containers that end here. */
static int proceed(reader *r) {
  while (r->depth) {
    int is_object = r->tape->tokens[r->open[r->depth - 1]].kind == JSON_OBJECT;
    uint8_t c = peek(r);
    if (c == ',') {
      r->at++;
      return is_object ? name(r) : JSON_OK;
    }
    if (c != (is_object ? '}' : ']')) return unexpected(r);
    int problem = close_container(r);
    if (problem) return problem;
  }
  return JSON_OK;
}

static int read(const uint8_t *text, uint64_t size, json_tape *tape, int any) {
  tape->count = tape->flags = tape->position = 0;
  if (size > JSON_MAX_RECORD) return JSON_TOO_LONG;
  reader r = {.text = text, .size = (uint32_t)size, .tape = tape};
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) return JSON_BYTE_ORDER_MARK;
  uint8_t c = peek(&r);
  tape->flags = 0; /* blanks around a record do not count */
  if (r.at >= r.size) return fail(&r, JSON_EMPTY, r.at);
  if (c != '{' && !any) return fail(&r, JSON_NOT_AN_OBJECT, r.at);
  do {
    int opened, ended = 0, problem = value(&r, &opened);
    if (!problem && opened) problem = begin(&r, &ended);
    if (!problem && (!opened || ended)) problem = proceed(&r);
    if (problem) return problem;
  } while (r.depth);
  uint32_t flags = tape->flags;
  peek(&r);
  tape->flags = flags;
  return r.at < r.size ? fail(&r, JSON_TRAILING, r.at) : JSON_OK;
}

int json_read(const uint8_t *text, uint64_t size, json_tape *tape) { return read(text, size, tape, 0); }

int json_read_value(const uint8_t *text, uint64_t size, json_tape *tape) { return read(text, size, tape, 1); }

/* Check records: a problem and its position for each. Returns 0, or JSON_NO_MEMORY. */
EXPORT int32_t bailee_json_check(const uint8_t *buffer, const int64_t *offsets, int64_t count, int32_t *codes, int64_t *positions) {
  json_tape tape = {0};
  int problem = 0;
  for (int64_t i = 0; i < count && problem >= 0; i++) {
    problem = json_read(buffer + offsets[i], (uint64_t)(offsets[i + 1] - offsets[i]), &tape);
    codes[i] = problem;
    positions[i] = problem ? tape.position : 0;
  }
  json_free(&tape);
  return problem < 0 ? problem : 0;
}
