/* What the chart kernels share: atoms of text, words of a chart, the table of a chart's forms.
 *
 * An atom is a run of letters or of digits, or one glyph of a script that is written without blanks. Text and chart
 * are cut by the same function, so that a value meets its own spelling whatever stands between its parts. Both are
 * UTF-8 that `notes_fold` has brought to plain Latin letters where there are such.
 */
#ifndef CHART_H
#define CHART_H

#include "bailee.h"

enum { LETTERS = 1, DIGITS = 2, GLYPH = 3 };                                       /* Atom.kind */
enum { SMALL = 0, CAPITAL = 1, CAPITALS = 2 };                                          /* Atom.shape */
enum { GLUED = 0, HYPHEN = 1, TIGHT = 2, SPACED = 3, LINE = 4, FAR = 5 };           /* Atom.gap: what stands before */
enum { STARTS = 1, DASHED = 2, DOTTED = 4, MASKED = 8, POSSESSIVE = 16, ONE_BLANK = 32, COMMA = 64, APART = 128,
       AFTER_DOT = 256, BRACKET = 512 }; /* Atom.context */

/* Word lists: bits 0-7 of Lexicon.bits; 8-11 number a month, 12-19 a street word that has a short form. */
enum { ORDINARY = 1, GENERIC = 2, TITLES = 4, EPONYMIC = 8, VERBS = 16, CUES = 32, LAST_FOUR = 64, ABBREVIATION = 128 };
enum { MONTH_SHIFT = 8, ALIAS_SHIFT = 12, KNOWN = 1 << 20, ABROAD = 1 << 21, HONORIFIC = 1 << 22, WHEN = 1 << 23,
       STOPS_SHORT = 1 << 24, WHOSE = 1 << 25, THING = 1 << 26, HUMAN = 1 << 27, BEARER = 1 << 28, AT_WORK = 1 << 29, INTO = 1 << 30 };

/* What a word of a chart belongs to. */
enum { GIVEN = 1, FAMILY = 2, PLACE = 3, STREET = 4, BODY = 5, WIRE = 6 };

/* What a form in the table is. */
enum { F_EXACT = 1, F_NEAR, F_SOUND, F_SHAPE, F_GLUE, F_ID, F_LAST4, F_DATE, F_INITIAL, F_INITIALS };

/* Flags of an identifier: its last four characters tell it; it is so short that it needs a cue beside it. */
enum { I_LAST4 = 1, I_SHORT = 2 };

enum { NAME = 0, DATE = 1, LOCATION = 3, ID = 4, CONTACT = 5 }; /* labels that rules speak of */
enum { STRICT = 0, BALANCED = 1, READABLE = 2 };

enum { LONGEST_WORD = 40, LONGEST_ID = 96 };
#define HASH_BASE 0x9E3779B97F4A7C15ull

typedef struct {
    int32_t start, end; /* bytes from the note's start */
    uint64_t hash;      /* of the letters, lower case */
    uint64_t code;      /* as hash, with o as 0 and i, l as 1: identifiers are compared by it */
    uint64_t word;      /* hash by which word lists know it */
    uint16_t length;    /* bytes, at most 65535 */
    uint16_t context;
    uint8_t kind, shape, gap;
} Atom;

typedef struct {
    const uint64_t *keys; /* open addressing, 0 = free */
    const uint32_t *bits;
    uint64_t mask;
} Lexicon;

/* All charts as columns. Words, identifiers and dates are sorted by chart; words of a value stand together in order. */
typedef struct {
    const uint64_t *hash;
    const int32_t *letter; /* start in letters */
    const uint16_t *length;
    const uint16_t *position, *count; /* place in its value, words of its value */
    const int32_t *person;
    const uint8_t *kind, *role, *label; /* of its atom; GIVEN…; index of the label */
    const uint32_t *bits; /* of word lists */
    const uint8_t *letters;  /* lower case */
    const int64_t *first;    /* chart → its first word */
    const uint64_t *id_code; /* hash of an identifier's characters */
    const uint8_t *id_length, *id_label, *id_flags;
    const uint64_t *id_last4; /* hash of its last four characters */
    const int64_t *id_first;
    const int32_t *day; /* days since 1970 */
    const int64_t *day_first;
} Charts;

typedef struct {
    uint64_t key;
    int32_t item; /* index of a word or identifier */
    int32_t kind; /* F_* */
} Slot;

typedef struct {
    Slot *slots;
    uint64_t mask, room;    /* capacity - 1; slots allocated */
    uint64_t lengths[2];    /* bit n: an identifier of n characters exists */
    int32_t dates;          /* how many dates the chart has */
} Table;

typedef struct {
    int32_t word;   /* index of a chart's word, -1 */
    int32_t group;  /* atoms that were found together, 0 = alone */
    int32_t size;   /* atoms of the group */
    uint8_t strength, label, role, form;
} Mark;

enum { NONE = 0, WEAK = 1, STRONG = 2 };

/* One note being read. */
typedef struct {
    const uint8_t *bytes;
    int64_t size;
    const Atom *atoms;
    Mark *marks;
    uint32_t *bits;
    int32_t count, groups, point, english, plain; /* plain: next to no capitals */
    int64_t first_word, end_word; /* the chart's words */
    const Charts *charts;
    const Table *table;
    const Lexicon *lexicon;
} Scene;

static inline uint64_t scramble(uint64_t hash, uint64_t kind) {
    uint64_t x = hash + kind * 0xD6E8FEB86659FD93ull;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93ull;
    x ^= x >> 32;
    x *= 0xD6E8FEB86659FD93ull;
    x ^= x >> 32;
    return x ? x : 1;
}

static inline uint64_t power_of_base(uint32_t exponent) {
    uint64_t result = 1, base = HASH_BASE;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}

static inline uint64_t join_hash(uint64_t left, uint64_t right, uint32_t right_length) {
    return left * power_of_base(right_length) + right;
}

/* Word lists know words by the hash of the notes' tokens. */
static inline uint32_t bits_of(const Lexicon *lexicon, uint64_t word) {
    for (uint64_t at = word & lexicon->mask; lexicon->keys[at]; at = (at + 1) & lexicon->mask)
        if (lexicon->keys[at] == word) return lexicon->bits[at];
    return 0;
}

static inline uint8_t lower_letter(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 32) : c; }

/* The byte at `at` of a run of letters, lower case. Of the letters that folding leaves, open o, schwa and open e have case. */
static inline uint8_t lower_byte(const uint8_t *bytes, int64_t at, int64_t start, int64_t end) {
    uint8_t c = bytes[at];
    if (c < 128) return lower_letter(c);
    if (c == 0xC6 && at + 1 < end && (bytes[at + 1] == 0x86 || bytes[at + 1] == 0x8F || bytes[at + 1] == 0x90)) return 0xC9;
    if (at == start || bytes[at - 1] != 0xC6) return c;
    return c == 0x86 ? 0x94 : c == 0x8F ? 0x99 : c == 0x90 ? 0x9B : c;
}

int64_t cut_atoms(const uint8_t *bytes, int64_t size, Atom *atoms);
uint64_t word_hash(const uint8_t *letters, int64_t length);
int32_t copy_letters(const uint8_t *bytes, const Atom *first, const Atom *last, uint8_t *letters);

uint64_t sound_of(const uint8_t *letters, int32_t length);
uint64_t shape_of(const uint8_t *letters, int32_t length);
int within_one_edit(const uint8_t *a, int32_t m, const uint8_t *b, int32_t n);
int within_edits(const uint8_t *a, int32_t m, const uint8_t *b, int32_t n, int32_t most);
void hashes_without(const uint8_t *letters, int32_t length, uint64_t *out);


int build_table(Table *table, const Charts *charts, int64_t chart);

/* Gives the next slot of a form from *at on, or NULL; *at moves past it. */
static inline const Slot *next_form(const Table *table, uint64_t key, int32_t kind, uint64_t *at) {
    for (;; ++*at) {
        const Slot *slot = &table->slots[*at & table->mask];
        if (!slot->key) return NULL;
        if (slot->key == key && slot->kind == kind) {
            ++*at;
            return slot;
        }
    }
}

static inline const Slot *find_form(const Table *table, uint64_t hash, int32_t kind) {
    uint64_t key = scramble(hash, (uint64_t)kind), at = key;
    return next_form(table, key, kind, &at);
}

void mark_range(Scene *scene, int32_t first, int32_t last, int32_t word, uint8_t label, uint8_t form);
int32_t near_letters(const Scene *scene, const uint8_t *letters, int32_t length, uint64_t hash);
void find_words(Scene *scene);
void find_broken(Scene *scene);
void find_ids(Scene *scene);
void find_dates(Scene *scene);
void weigh_words(Scene *scene);
void join_names(Scene *scene);
void find_company(Scene *scene);
void find_listed(Scene *scene);
void find_neighbours(Scene *scene);
void find_initials(Scene *scene);
void find_towns(Scene *scene);
int is_whereabouts(const Scene *scene, int32_t k);

#endif
