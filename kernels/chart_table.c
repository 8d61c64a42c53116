/* The forms of one chart in one small table: built when the reading comes to the patient, so it stays in the cache. */
#include <stdlib.h>

#include "chart.h"

enum { MOST_PAIRS = 1 << 16, MOST_LETTERS = 80 }; /* of one person; a letter is told by its first byte */

static void put(Table *table, uint64_t hash, int32_t kind, int32_t item) {
    uint64_t key = scramble(hash, (uint64_t)kind), at = key & table->mask;
    int every = kind == F_EXACT || kind == F_NEAR || kind == F_SOUND; /* of the others the first one is asked for */
    for (; table->slots[at].key; at = (at + 1) & table->mask)
        if (table->slots[at].key == key && table->slots[at].kind == kind && (!every || table->slots[at].item == item)) return;
    table->slots[at] = (Slot){key, item, kind};
}

static int is_name(const Charts *charts, int64_t word) {
    return charts->role[word] == GIVEN || charts->role[word] == FAMILY;
}

static int misspells(const Charts *charts, int64_t word) {
    return charts->kind[word] == LETTERS && charts->length[word] >= 5 && charts->length[word] <= LONGEST_WORD &&
           charts->role[word] != WIRE;
}

static int is_part(const Charts *charts, int64_t word, uint8_t role) {
    return charts->role[word] == role && charts->kind[word] == LETTERS;
}

/* Names run together of one person, and initials; words are sorted by person within a chart. -1: more than anybody has. */
static int64_t count_joint(const Charts *charts, int64_t first, int64_t end) {
    int64_t pairs = 0, initials = 0;
    for (int64_t from = first, to = first; from < end; from = to) {
        int64_t given = 0, family = 0;
        for (; to < end && charts->person[to] == charts->person[from]; to++) {
            given += is_part(charts, to, GIVEN);
            family += is_part(charts, to, FAMILY);
        }
        if (given * family > MOST_PAIRS) return -1;
        pairs += given * family;
        int64_t g = given < MOST_LETTERS ? given : MOST_LETTERS, f = family < MOST_LETTERS ? family : MOST_LETTERS;
        initials += g * f * (2 + g);
    }
    return 4 * pairs + initials;
}

/* How many forms the chart can have at most; -1 if there are more pairs of names than anybody has. */
static int64_t most_forms(const Charts *charts, int64_t chart) {
    int64_t forms = 1, joint = count_joint(charts, charts->first[chart], charts->first[chart + 1]);
    for (int64_t w = charts->first[chart]; w < charts->first[chart + 1]; w++)
        forms += 5 + (misspells(charts, w) ? charts->length[w] : 0);
    if (joint < 0) return -1;
    return forms + joint + 2 * (charts->id_first[chart + 1] - charts->id_first[chart]) +
           (charts->day_first[chart + 1] - charts->day_first[chart]);
}

static int make_room(Table *table, int64_t forms) {
    uint64_t capacity = 64;
    while (capacity < (uint64_t)forms * 2) capacity *= 2;
    if (capacity > table->room) {
        Slot *slots = realloc(table->slots, capacity * sizeof *slots);
        if (!slots) return -1;
        table->slots = slots;
        table->room = capacity;
    }
    memset(table->slots, 0, capacity * sizeof *table->slots);
    table->mask = capacity - 1;
    return 0;
}

/* A value of several words is looked for from its telling words; from any word if it has none. */
static int is_anchor(const Charts *charts, int64_t w) {
    int64_t from = w - charts->position[w], to = from + charts->count[w];
    if (charts->count[w] == 1 || (charts->kind[w] != DIGITS && !(charts->bits[w] & GENERIC) && charts->length[w] > 2)) return 1;
    for (int64_t other = from; other < to && other < from + 32; other++)
        if (charts->kind[other] != DIGITS && !(charts->bits[other] & GENERIC) && charts->length[other] > 2) return 0;
    return 1;
}

static void put_word(Table *table, const Charts *charts, int64_t w) {
    const uint8_t *letters = charts->letters + charts->letter[w];
    int32_t length = charts->length[w], item = (int32_t)w;
    if (!is_anchor(charts, w)) return;
    put(table, charts->hash[w], F_EXACT, item);
    if (is_name(charts, w) && charts->kind[w] == LETTERS) put(table, (uint64_t)letters[0] + 1, F_INITIAL, item);
    if (!misspells(charts, w)) {
        if (charts->kind[w] == LETTERS && length == 4 && is_name(charts, w)) {
            put(table, shape_of(letters, length), F_SHAPE, item);
            if (sound_of(letters, length)) put(table, sound_of(letters, length), F_SOUND, item);
        }
        return;
    }
    uint64_t without[LONGEST_WORD];
    hashes_without(letters, length, without);
    put(table, charts->hash[w], F_NEAR, item);
    for (int32_t i = 0; i < length; i++) put(table, without[i], F_NEAR, item);
    put(table, shape_of(letters, length), F_SHAPE, item);
    if (is_name(charts, w) && sound_of(letters, length)) put(table, sound_of(letters, length), F_SOUND, item);
}

/* A value of several words written as one: OBrien, Maryann. */
static void put_run(Table *table, const Charts *charts, int64_t w) {
    uint64_t hash = charts->hash[w];
    int32_t length = charts->length[w];
    for (int64_t next = w + 1; next < w + charts->count[w] && charts->role[w] != WIRE; next++) {
        if (charts->kind[next] == DIGITS) return;
        hash = join_hash(hash, charts->hash[next], charts->length[next]);
        length += charts->length[next];
        if (length > LONGEST_WORD) return;
    }
    if (length >= 5) put(table, hash, F_GLUE, (int32_t)w);
}

static uint64_t letter_of(const Charts *charts, int64_t w) { return (uint64_t)charts->letters[charts->letter[w]] + 1; }

/* Names of one person run together: jsmith, SmithJohn. */
static void put_pair(Table *table, const Charts *charts, int64_t given, int64_t family) {
    uint64_t g = charts->hash[given], f = charts->hash[family];
    uint32_t m = charts->length[given], n = charts->length[family];
    uint64_t g1 = letter_of(charts, given);
    int32_t item = (int32_t)family;
    if (m + n >= 5) {
        put(table, join_hash(g, f, n), F_GLUE, item);
        put(table, join_hash(f, g, m), F_GLUE, item);
    }
    if (n >= 4) {
        put(table, join_hash(g1, f, n), F_GLUE, item);
        put(table, join_hash(f, g1, 1), F_GLUE, item);
    }
}

/* Which words of first..end are the first of their role with their first letter? Writes them; there are at most 256. */
static int32_t first_letters(const Charts *charts, int64_t first, int64_t end, uint8_t role, int32_t *out) {
    uint8_t seen[256] = {0};
    int32_t count = 0;
    for (int64_t w = first; w < end; w++) {
        uint8_t letter = charts->letters[charts->letter[w]];
        if (!is_part(charts, w, role) || seen[letter]) continue;
        seen[letter] = 1;
        out[count++] = (int32_t)w;
    }
    return count;
}

/* JD, DJ, JAD: of first..end, which is one person. */
static void put_initials(Table *table, const Charts *charts, int64_t first, int64_t end) {
    int32_t given[256], family[256], middle[256];
    int32_t n = first_letters(charts, first, end, GIVEN, given), m = first_letters(charts, first, end, FAMILY, family);
    for (int32_t g = 0; g < n; g++) {
        uint64_t g1 = letter_of(charts, given[g]);
        int32_t k = first_letters(charts, given[g] + 1, end, GIVEN, middle);
        for (int32_t f = 0; f < m; f++) {
            uint64_t f1 = letter_of(charts, family[f]);
            put(table, join_hash(g1, f1, 1), F_INITIALS, family[f]);
            put(table, join_hash(f1, g1, 1), F_INITIALS, family[f]);
            for (int32_t w = 0; w < k; w++)
                put(table, join_hash(join_hash(g1, letter_of(charts, middle[w]), 1), f1, 1), F_INITIALS, family[f]);
        }
    }
}

/* first..end is one person. */
static void put_pairs(Table *table, const Charts *charts, int64_t first, int64_t end) {
    for (int64_t g = first; g < end; g++) {
        if (!is_part(charts, g, GIVEN)) continue;
        for (int64_t f = first; f < end; f++)
            if (is_part(charts, f, FAMILY)) put_pair(table, charts, g, f);
    }
}

static void put_people(Table *table, const Charts *charts, int64_t first, int64_t end) {
    for (int64_t from = first, to = first; from < end; from = to) {
        while (to < end && charts->person[to] == charts->person[from]) to++;
        put_pairs(table, charts, from, to);
        put_initials(table, charts, from, to);
    }
}

static void put_id(Table *table, const Charts *charts, int64_t i) {
    uint8_t length = charts->id_length[i];
    put(table, charts->id_code[i], F_ID, (int32_t)i);
    if (length < 128) table->lengths[length >> 6] |= 1ull << (length & 63);
    if (charts->id_flags[i] & I_LAST4) put(table, charts->id_last4[i], F_LAST4, (int32_t)i);
}

/* Fills the table with the chart's forms. Returns -1 if there is no memory, -2 if one person has names without end. */
int build_table(Table *table, const Charts *charts, int64_t chart) {
    int64_t first = charts->first[chart], end = charts->first[chart + 1];
    int64_t forms = most_forms(charts, chart);
    if (forms < 0) return -2;
    if (make_room(table, forms)) return -1;
    table->lengths[0] = table->lengths[1] = 0;
    for (int64_t w = first; w < end; w++) {
        put_word(table, charts, w);
        if (!charts->position[w]) put_run(table, charts, w);
    }
    put_people(table, charts, first, end);
    for (int64_t i = charts->id_first[chart]; i < charts->id_first[chart + 1]; i++) put_id(table, charts, i);
    for (int64_t i = charts->day_first[chart]; i < charts->day_first[chart + 1]; i++)
        put(table, (uint64_t)(uint32_t)charts->day[i], F_DATE, (int32_t)i);
    table->dates = (int32_t)(charts->day_first[chart + 1] - charts->day_first[chart]);
    return 0;
}
