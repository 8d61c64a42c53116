/* Features of tokens for the sequence model, the same for training and for tagging.
   Lexical features depend on the written form alone, so their sum can be kept per form; context features do not. */
#ifndef BAILEE_NOTES_FEATURES_H
#define BAILEE_NOTES_FEATURES_H

#include "notes_text.h"

#define LEXICAL_MOST 72
#define CONTEXTS 23
#define CHUNK_REACH 32
#define ECHO_MOST (1 << 20) /* bytes of the table of how words stand elsewhere in a note */
/* Groups of lexical features, as bits, so that training can leave some out. */
enum { OF_WORD = 1, OF_PIECES = 2, OF_LISTS = 4, OF_SHAPE = 8 };

typedef struct {
    const uint8_t *bytes;
    const int64_t *at;
    const int64_t *first;
    const int32_t *start, *end;
    const uint8_t *kind, *shape;
    const uint64_t *hash;
    const uint64_t *mask;
    const uint32_t *said; /* what the rules say of each token, 0 for nothing */
} Notes;

static inline uint32_t mix(uint64_t a, uint64_t b) {
    uint64_t h = (a + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9) ^ b;
    h ^= h >> 30;
    h *= UINT64_C(0x94D049BB133111EB);
    return (uint32_t)(h >> 32);
}

typedef struct {
    uint32_t ids[LEXICAL_MOST];
    uint8_t group[LEXICAL_MOST];
    int count;
} Lexical;

static inline void add(Lexical *out, int group, uint64_t salt, uint64_t value) {
    if (out->count == LEXICAL_MOST) return;
    out->ids[out->count] = mix(salt, value);
    out->group[out->count++] = (uint8_t)group;
}

static inline uint64_t piece(const uint8_t *bytes, int64_t from, int64_t to) {
    uint64_t h = HASH_START;
    for (int64_t i = from; i < to; i++) h = hash_byte(h, lowered(bytes[i]));
    return h;
}

static inline void word_features(const uint8_t *b, int64_t n, uint64_t hash, uint8_t shape, uint64_t mask, Lexical *out) {
    int64_t size = n < 14 ? n : 14;
    add(out, OF_WORD, 1, hash);
    add(out, OF_SHAPE, 2, shape);
    add(out, OF_SHAPE, 3, (uint64_t)size << 8 | shape);
    for (int64_t k = 2; k <= 4 && k < n; k++) {
        add(out, OF_PIECES, 4 + (uint64_t)k, piece(b, 0, k));
        add(out, OF_PIECES, 10 + (uint64_t)k, piece(b, n - k, n));
    }
    if (n > 5) add(out, OF_PIECES, 16, piece(b, n - 5, n));
    for (int64_t i = 0; i + 3 <= n && i < 14; i++) add(out, OF_PIECES, 17, piece(b, i, i + 3));
    add(out, OF_LISTS, 18, mask != 0);
    for (uint64_t bit = 0; bit < 64; bit++)
        if (mask >> bit & 1) {
            add(out, OF_LISTS, 19, bit);
            add(out, OF_LISTS, 20, bit << 8 | shape);
        }
}

static inline void number_features(const uint8_t *b, int64_t n, uint8_t shape, Lexical *out) {
    int64_t value = 0;
    for (int64_t i = 0; i < n && i < 9; i++) value = value * 10 + (b[i] - '0');
    int zero = b[0] == '0';
    int class = n > 4 ? 0 : value == 0 ? 1 : value <= 12 ? 2 : value <= 24 ? 3 : value <= 31 ? 4 : value <= 59 ? 5
              : value < 90 ? 6 : value <= 120 ? 7 : value < 1000 ? 8 : value < 1900 ? 9 : value < 1960 ? 10
              : value < 2000 ? 11 : value <= 2040 ? 12 : 13;
    add(out, OF_SHAPE, 30, shape);
    add(out, OF_SHAPE, 31, (uint64_t)class << 8 | (uint64_t)zero << 7 | shape);
    if (n <= 4) add(out, OF_WORD, 32, piece(b, 0, n));
    else add(out, OF_PIECES, 33, piece(b, 0, 2) ^ shape);
}

/* All lexical features of token t. */
static inline void lexical_features(const Notes *in, int64_t t, Lexical *out) {
    const uint8_t *b = in->bytes + in->start[t];
    int64_t n = in->end[t] - in->start[t];
    out->count = 0;
    add(out, OF_SHAPE, 34, in->kind[t]);
    if (in->kind[t] == WORD) word_features(b, n, in->hash[t], in->shape[t], in->mask[t], out);
    else if (in->kind[t] == NUMBER) number_features(b, n, in->shape[t], out);
    else add(out, OF_SHAPE, 35, (uint64_t)in->kind[t] << 8 | in->shape[t]);
}

/* What was seen so far in a note; walks over its tokens in order. */
typedef struct {
    int64_t line, lines;           /* number of the present line, and of all */
    int64_t line_start;            /* its first token */
    int64_t field_start;           /* token after the last separator in the line, or its first */
    uint64_t header, line_first;   /* words before the last separator; first word of the line */
    int64_t header_at;             /* where the field under `header` begins */
    uint64_t above, section;       /* label that ended the line above; last heading */
    uint64_t field;                /* hash of the last words since the field began */
    uint64_t last[3];              /* the last three words of the field */
    int words;                     /* how many words the field has so far */
    uint8_t *echo;                 /* how the words of the note stand in it, by the low bits of their hash; see walk_start */
    uint64_t echo_last;            /* size of that table less one */
    int style;                     /* how the note uses capitals */
    int upper_only;                /* whether the present line has only capitals so far */
} Walk;

static inline int case_style(const Notes *in, int64_t from, int64_t to) {
    int64_t lower = 0, capital = 0, upper = 0;
    for (int64_t t = from; t < to; t++) {
        if (in->kind[t] != WORD) continue;
        lower += in->shape[t] == ALL_LOWER || in->shape[t] == ONE_LOWER;
        capital += in->shape[t] == CAPITALISED || in->shape[t] == MIXED_CASE;
        upper += in->shape[t] == ALL_UPPER || in->shape[t] == ONE_UPPER;
    }
    int64_t words = lower + capital + upper;
    if (words == 0) return 0;
    if (upper * 10 > words * 7) return 1;
    if (capital * 10 > words * 6) return 2;
    if (capital + upper == 0) return 3;
    if ((capital + upper) * 50 < words) return 4;
    return 5;
}

/* Bits of a word's echo: in small letters, with a capital inside a sentence, all in capitals, after a title, before a
   credential, after a given name, more than once, as a field of its own. */
enum { SMALL = 1, INSIDE = 2, LOUD = 4, TITLED = 8, CREDENTIALED = 16, AFTER_GIVEN = 32, AGAIN = 64, CUED = 128 };
#define IS_GIVEN (UINT64_C(3) << 0)
#define IS_TITLE (UINT64_C(1) << 16)
#define IS_CREDENTIAL (UINT64_C(1) << 17)
#define IS_LISTED (UINT64_C(0xFFFFFF0000) | UINT64_C(0xFFFF))

static inline int64_t echo_size(int64_t tokens) {
    int64_t size = 64;
    while (size < 4 * tokens && size < ECHO_MOST) size *= 2;
    return size;
}

static inline int is_mark(const Notes *in, int64_t t, uint8_t sign) { return in->kind[t] == MARK && in->shape[t] == sign; }

/* How the word at t stands there. */
static inline uint8_t echo_of(const Notes *in, int64_t from, int64_t to, int64_t t) {
    uint8_t shape = in->shape[t], bits = 0;
    int64_t before = t - 1;
    int opens = before < from || in->kind[before] == BREAK;
    if (shape == ALL_LOWER) bits |= SMALL;
    if (shape == ALL_UPPER) bits |= LOUD;
    if (!opens && is_mark(in, before, ':')) bits |= CUED;
    if (!opens && in->kind[before] != MARK && (shape == CAPITALISED || shape == MIXED_CASE)) bits |= INSIDE;
    if (!opens && is_mark(in, before, '.') && before > from) before--;
    if (!opens && in->kind[before] == WORD) {
        if (in->mask[before] & IS_TITLE) bits |= TITLED;
        if (before == t - 1 && (in->mask[before] & IS_GIVEN) && in->shape[before] != ALL_LOWER) bits |= AFTER_GIVEN;
    }
    int64_t after = t + 1 < to && is_mark(in, t + 1, ',') ? t + 2 : t + 1;
    if (after < to && in->kind[after] == WORD && in->shape[after] == ALL_UPPER && (in->mask[after] & IS_CREDENTIAL)) bits |= CREDENTIALED;
    return bits;
}

static inline uint8_t echo_at(const Walk *w, const Notes *in, int64_t t) {
    return in->kind[t] == WORD && in->end[t] - in->start[t] > 1 ? w->echo[in->hash[t] & w->echo_last] : 0;
}

/* Begin a note. `echo` has echo_size(tokens of the note) bytes. */
static inline void walk_start(const Notes *in, int64_t from, int64_t to, uint8_t *echo, Walk *w) {
    memset(w, 0, sizeof *w);
    w->echo = echo;
    w->echo_last = (uint64_t)echo_size(to - from) - 1;
    memset(echo, 0, (size_t)w->echo_last + 1);
    for (int64_t t = from; t < to; t++) {
        if (in->kind[t] != WORD || in->end[t] - in->start[t] < 2) continue;
        uint8_t *seen = echo + (in->hash[t] & w->echo_last);
        *seen |= echo_of(in, from, to, t) | (*seen ? AGAIN : 0);
    }
    w->style = case_style(in, from, to);
    w->line_start = w->field_start = w->header_at = from;
    for (int64_t t = from; t < to; t++) w->lines += in->kind[t] == BREAK;
    w->upper_only = 1;
}

static inline uint64_t field_hash(const Walk *w) {
    return w->words == 0 ? 0 : w->last[0] * 3 + w->last[1] * 5 + w->last[2] * 7 + 1;
}

static inline void end_field(Walk *w, int64_t t) {
    if (w->words) w->header = field_hash(w), w->header_at = t;
    w->words = 0;
    w->last[0] = w->last[1] = w->last[2] = 0;
    w->field_start = t;
}

/* Whether a wide gap (a tab, or two blanks) lies before token t in its line. */
static inline int gap_before(const Notes *in, int64_t t, int64_t from) {
    if (t == from || in->kind[t - 1] == BREAK) return 4;
    int64_t gap = in->start[t] - in->end[t - 1];
    if (gap == 0) return 0;
    if (gap == 1) return in->bytes[in->start[t] - 1] == '\t' ? 3 : 1;
    return 2;
}

static inline int at_end(const Notes *in, int64_t t, int64_t to) { return t + 1 >= to || in->kind[t + 1] == BREAK; }

/* Hash of the form of the run of non-blank bytes around token t: letters and digits by class, other bytes as such. */
static inline void chunk_forms(const Notes *in, int64_t note, int64_t t, uint64_t *exact, uint64_t *rough) {
    int64_t low = in->start[t], high = in->end[t], floor = in->at[note], ceiling = in->at[note + 1];
    if (low - floor > CHUNK_REACH) floor = low - CHUNK_REACH;
    if (ceiling - high > CHUNK_REACH) ceiling = high + CHUNK_REACH;
    while (low > floor && in->bytes[low - 1] > ' ') low--;
    while (high < ceiling && in->bytes[high] > ' ') high++;
    /* closing punctuation belongs to the sentence, not to the run */
    while (high > in->end[t] && (in->bytes[high - 1] == '.' || in->bytes[high - 1] == ',' || in->bytes[high - 1] == ';')) high--;
    uint64_t e = HASH_START, r = HASH_START;
    uint8_t last = 0;
    for (int64_t i = low; i < high; i++) {
        int class = byte_class(in->bytes[i]);
        uint8_t sign = class == LOWER || class == FOREIGN ? 'a' : class == UPPER ? 'A' : class == DIGIT ? '9' : in->bytes[i];
        if (i == in->start[t]) e = hash_byte(e, 1), r = hash_byte(r, 1), last = 0;
        if (i == in->end[t]) e = hash_byte(e, 2), r = hash_byte(r, 2), last = 0;
        if (sign != last || sign == '9') e = hash_byte(e, sign);
        if (sign != last) r = hash_byte(r, sign);
        last = sign;
    }
    *exact = e;
    *rough = r;
}

static inline uint64_t bucket(int64_t n) {
    return (uint64_t)(n < 4 ? n : n < 6 ? 4 : n < 9 ? 5 : n < 14 ? 6 : n < 30 ? 7 : 8);
}

/* Context features of token t (exactly CONTEXTS), after which the walk stands behind t. */
static inline void context_features(const Notes *in, int64_t note, int64_t t, Walk *w, uint32_t ids[CONTEXTS]) {
    int64_t from = in->first[note], to = in->first[note + 1];
    int gap = gap_before(in, t, from);
    if (in->kind[t] == BREAK) {
        uint64_t label = in->kind[t > from ? t - 1 : t] == MARK ? w->header : field_hash(w);
        int64_t length = t - w->line_start;
        int heading = length > 0 && length <= 6 && (in->shape[t - 1] == ':' || w->upper_only);
        w->above = length > 0 && length <= 5 ? label : 0;
        if (heading) w->section = label;
    } else if (gap == 2 || gap == 3) {
        end_field(w, t);
    }
    int after = at_end(in, t, to) ? 4 : in->start[t + 1] - in->end[t] == 0 ? 0 : in->start[t + 1] - in->end[t] == 1 ? 1 : 2;
    uint64_t exact = 0, rough = 0;
    if (in->kind[t] != BREAK) chunk_forms(in, note, t, &exact, &rough);
    uint64_t shape = (uint64_t)in->kind[t] << 8 | (in->kind[t] == WORD ? in->shape[t] : in->kind[t] == NUMBER ? 99 : in->shape[t]);
    uint64_t since = bucket(t - w->header_at), place = bucket(t - w->line_start);
    int n = 0;
    ids[n++] = mix(101, (uint64_t)gap << 4 | (uint64_t)after);
    ids[n++] = mix(102, exact);
    ids[n++] = mix(103, rough);
    ids[n++] = mix(104, w->header * 16 + since);
    ids[n++] = mix(105, w->header * 16 + shape * 3);
    ids[n++] = mix(106, w->above * 16 + (place < 5 ? place : 5));
    ids[n++] = mix(107, place << 4 | bucket(w->line));
    ids[n++] = mix(108, bucket(w->lines - w->line) << 4 | (place < 3 ? place : 3));
    ids[n++] = mix(109, (uint64_t)w->style << 16 | shape);
    ids[n++] = mix(110, w->section);
    ids[n++] = mix(111, w->line_first * 16 + (place < 5 ? place : 5));
    ids[n++] = mix(112, (uint64_t)(w->words < 7 ? w->words : 7) << 4 | (uint64_t)(w->header != 0) << 3 | (uint64_t)w->upper_only);
    ids[n++] = mix(113, t > from ? (in->mask[t - 1] & UINT64_C(0xFFFFFF0000)) ^ shape << 50 : 1);
    ids[n++] = mix(114, t + 1 < to ? (in->mask[t + 1] & UINT64_C(0xFFFFFF0000)) ^ shape << 50 : 1);
    ids[n++] = mix(115, t > from && in->kind[t] == WORD ? in->hash[t - 1] ^ in->hash[t] * 3 : shape);
    ids[n++] = mix(116, t + 1 < to && in->kind[t] == WORD ? in->hash[t + 1] ^ in->hash[t] * 5 : shape);
    uint64_t own = echo_at(w, in, t), size = in->kind[t] == WORD ? (uint64_t)(in->end[t] - in->start[t] < 4 ? 1 : 2) : 0;
    uint64_t listed = in->kind[t] == WORD ? (in->mask[t] & IS_LISTED) ^ size << 60 : shape << 44;
    ids[n++] = mix(117, own << 16 | shape);
    ids[n++] = mix(118, t > from ? (uint64_t)echo_at(w, in, t - 1) << 16 | shape : 1);
    ids[n++] = mix(119, t + 1 < to ? (uint64_t)echo_at(w, in, t + 1) << 16 | shape : 1);
    ids[n++] = mix(120, t > from ? in->hash[t - 1] * 3 ^ in->kind[t - 1] << 8 ^ in->shape[t - 1] ^ listed * 7 : listed);
    ids[n++] = mix(121, t + 1 < to ? in->hash[t + 1] * 5 ^ in->kind[t + 1] << 8 ^ in->shape[t + 1] ^ listed * 11 : listed);
    ids[n++] = mix(122, in->said[t]);
    ids[n++] = mix(123, (uint64_t)in->said[t] << 24 ^ (listed + 1) * 13 ^ own << 16 ^ shape);
    if (in->kind[t] == BREAK) {
        w->line++;
        w->line_start = t + 1;
        w->header = w->line_first = 0;
        w->words = 0;
        w->last[0] = w->last[1] = w->last[2] = 0;
        w->field_start = w->header_at = t + 1;
        w->upper_only = 1;
        return;
    }
    if (in->kind[t] == WORD) {
        if (t == w->line_start) w->line_first = in->hash[t];
        w->last[2] = w->last[1], w->last[1] = w->last[0], w->last[0] = in->hash[t];
        w->words++;
        w->upper_only &= in->shape[t] == ALL_UPPER || in->shape[t] == ONE_UPPER;
    }
    if (in->kind[t] == MARK && (in->shape[t] == ':' || in->shape[t] == '=' || in->shape[t] == '|' || in->shape[t] == '#'))
        end_field(w, t + 1);
}

#endif
