/* Looks each word of a note up in its patient's chart, and weighs by case and company whether a common word is a name. */
#include "chart.h"

static int is_name_role(uint8_t role) { return role == GIVEN || role == FAMILY; }
static int is_capital(const Atom *atom) { return atom->shape != SMALL; }

/* Atoms that were found together are one group; a longer group takes atoms from a shorter one. */
void mark_range(Scene *scene, int32_t first, int32_t last, int32_t word, uint8_t label, uint8_t form) {
    int32_t size = last - first + 1, group = ++scene->groups;
    for (int32_t k = first; k <= last; k++) {
        Mark *mark = &scene->marks[k];
        if (mark->strength == STRONG && mark->size >= size) continue;
        *mark = (Mark){word, group, size, STRONG, label, word >= 0 && form != F_ID ? scene->charts->role[word] : 0, form};
    }
}

/* In a run of capitals case tells nothing: is the neighbour, itself no name of the chart, in capitals too? */
static int shouts(const Scene *scene, int32_t k) {
    if (scene->atoms[k].shape != CAPITALS) return 0;
    for (int32_t other = k - 2; other <= k + 2; other++) {
        if (other < 0 || other >= scene->count || other == k) continue;
        const Atom *atom = &scene->atoms[other];
        if (atom->shape == CAPITALS && atom->kind == LETTERS && scene->marks[other].strength == NONE &&
            !(scene->bits[other] & (TITLES | ABBREVIATION)) && !(scene->bits[other] >> MONTH_SHIFT & 15))
            return 1;
    }
    return 0;
}

static int is_titled(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    int discussed = k > 1 && atom[-1].length == 1 && (scene->bytes[atom[-1].start] | 32) == 'w' && atom[-1].gap == TIGHT &&
                    (scene->bytes[atom[-2].start] | 32) == 'd'; /* d/w */
    return k > 0 && (discussed || (scene->bits[k - 1] & TITLES)) && atom->gap <= LINE;
}

/* The atom after k and the names that hang on it (Wolff-Parkinson-White), past a possessive s. */
static int32_t after_name(const Scene *scene, int32_t k) {
    int32_t next = k + 1;
    while (next < scene->count && next < k + 4 && scene->atoms[next].gap == HYPHEN && scene->atoms[next].shape == CAPITAL) next++;
    if (next < scene->count && scene->atoms[next].length == 1 && (scene->atoms[next].context & POSSESSIVE)) next++;
    return next;
}

/* Parkinson's disease, Foley catheter: the word is medicine, whoever bears it. */
static int is_eponym(const Scene *scene, int32_t k) {
    if (scene->point == STRICT || is_titled(scene, k)) return 0;
    if (k > 0 && scene->marks[k - 1].strength != NONE && is_name_role(scene->marks[k - 1].role) &&
        scene->atoms[k].gap <= LINE && scene->atoms[k].gap != HYPHEN && !(scene->atoms[k].context & STARTS))
        return 0;
    int32_t next = after_name(scene, k);
    if (next >= scene->count || (scene->atoms[next].context & (STARTS | COMMA | APART | BRACKET))) return 0;
    if (scene->atoms[next].shape != SMALL && scene->marks[next].strength != NONE && is_name_role(scene->marks[next].role)) return 0;
    if (next + 1 < scene->count && scene->atoms[next + 1].kind == DIGITS &&
        (scene->atoms[next + 1].length >= 4 || (scene->atoms[next + 1].context & BRACKET))) return 0; /* PIN 4711, cell (617) */
    if (scene->plain && scene->atoms[next].start - scene->atoms[next - 1].end > 1) return 0; /* a sentence ended here */
    return scene->atoms[next].gap <= SPACED && (scene->bits[next] & EPONYMIC);
}

/* In May, May 2020: the month. */
static int is_month(const Scene *scene, int32_t k) {
    if (!(scene->bits[k] >> MONTH_SHIFT & 15)) return 0;
    if (k && (scene->bits[k - 1] & WHEN) && scene->atoms[k].gap <= LINE) return 1;
    return k + 1 < scene->count && scene->atoms[k + 1].kind == DIGITS && scene->atoms[k + 1].gap <= SPACED;
}

/* Where a sentence starts the next word decides: a verb of people, no word in small letters, or 's. */
static int starts_with_name(const Scene *scene, int32_t k) {
    const Atom *next = &scene->atoms[k + 1];
    if (k + 1 >= scene->count) return 1;
    if (next->length == 1 && (next->context & POSSESSIVE)) return 1;
    if (next->gap != SPACED || (next->context & (APART | COMMA | BRACKET))) return 1;
    if (k + 2 < scene->count && (scene->bits[k + 2] & WHOSE) && next->length == 3) return 1; /* and his, and her */
    return (scene->bits[k + 1] & VERBS) || next->kind != LETTERS || next->shape != SMALL;
}

static uint8_t weigh_ordinary(const Scene *scene, int32_t k, int is_name) {
    const Atom *atom = &scene->atoms[k];
    int cased = is_capital(atom) && !shouts(scene, k);
    if (is_name && is_titled(scene, k) && (is_capital(atom) || (scene->bits[k - 1] & HONORIFIC) || atom[-1].length == 1)) return STRONG;
    if (cased && scene->point == STRICT) return STRONG;
    if (is_month(scene, k)) return is_name ? WEAK : NONE;
    if (cased && !(atom->context & STARTS)) return STRONG;
    if ((is_name || scene->marks[k].role == PLACE) && cased && (scene->marks[k].form == F_EXACT || (scene->marks[k].form == F_NEAR && !scene->bits[k])) && starts_with_name(scene, k)) return STRONG;
    int known = is_name && scene->marks[k].form == F_EXACT && atom->length > 2 && !(scene->bits[k] & (THING | WHEN));
    if (known && scene->point == STRICT) return STRONG; /* in small letters, too: it might name somebody */
    int town = scene->marks[k].role == PLACE && scene->marks[k].form == F_EXACT;
    if (town && is_whereabouts(scene, k)) return STRONG;
    return is_name || town ? WEAK : NONE;
}

static uint8_t weigh_name(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    const Mark *mark = &scene->marks[k];
    uint32_t bits = scene->bits[k];
    if (atom->length == 1 && atom->kind == LETTERS) return WEAK;
    if (atom->kind == DIGITS) return WEAK;
    if (atom->kind == GLYPH) return WEAK;
    if (is_eponym(scene, k)) return NONE;
    if (mark->form != F_EXACT && mark->word >= 0) bits |= scene->charts->bits[mark->word];
    if (bits & ORDINARY) return weigh_ordinary(scene, k, 1);
    if (is_titled(scene, k)) return STRONG;
    if ((bits & ABROAD) && !scene->english && !is_capital(atom)) return WEAK;
    if (atom->length <= 3 && k + 1 < scene->count && atom[1].gap == GLUED) return WEAK;
    if (mark->form == F_NEAR) return is_capital(atom) || atom->length >= 6 || (scene->plain && !scene->bits[k]) ? STRONG : WEAK;
    if (mark->form == F_SOUND) return is_capital(atom) ? STRONG : WEAK;
    if (mark->form == F_SHAPE) return is_capital(atom) || atom->length >= 6 ? STRONG : WEAK;
    if (atom->length >= 4) return STRONG;
    if (bits & ABBREVIATION)
        return atom->shape == CAPITAL && (!(atom->context & STARTS) || starts_with_name(scene, k)) ? STRONG : WEAK;
    return is_capital(atom) && (!(bits & KNOWN) || !shouts(scene, k)) ? STRONG : WEAK;
}

static uint8_t weigh_other(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    const Mark *mark = &scene->marks[k];
    const Charts *charts = scene->charts;
    int alone = charts->count[mark->word] == 1;
    uint32_t bits = scene->bits[k] | (mark->form == F_EXACT ? 0 : charts->bits[mark->word]);
    if (atom->kind != LETTERS || (bits & GENERIC) || is_eponym(scene, k)) return NONE;
    if (mark->role == WIRE) return alone && atom->length >= 5 && !(bits & ORDINARY) ? STRONG : NONE;
    if (bits & ORDINARY) return alone ? weigh_ordinary(scene, k, 0) : NONE;
    if (bits & ABBREVIATION) return alone && atom->shape == CAPITALS && scene->point == STRICT ? STRONG : NONE;
    if (alone && mark->form == F_EXACT) return atom->length >= 4 || (is_capital(atom) && atom->length >= 3) ? STRONG : NONE;
    return atom->length >= 5 && (is_capital(atom) || atom->length >= 7) ? STRONG : NONE;
}

/* Turns candidates into weak or strong marks. */
void weigh_words(Scene *scene) {
    for (int32_t k = 0; k < scene->count; k++) {
        Mark *mark = &scene->marks[k];
        if (mark->strength != WEAK || mark->word < 0) continue;
        mark->strength = is_name_role(mark->role) ? weigh_name(scene, k) : weigh_other(scene, k);
    }
}

typedef struct {
    int32_t first, last; /* atoms */
    int32_t words, letters, special, capitals, numbers, generic;
} Stretch;

static int is_same(const Scene *scene, int64_t word, int32_t k) {
    const Charts *charts = scene->charts;
    const Atom *atom = &scene->atoms[k];
    if (charts->hash[word] == atom->hash) return 1;
    uint32_t alias = charts->bits[word] >> ALIAS_SHIFT & 0xFF;
    return alias && alias == (scene->bits[k] >> ALIAS_SHIFT & 0xFF) && charts->role[word] == STREET;
}

static void count_word(const Scene *scene, Stretch *stretch, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    stretch->words++;
    stretch->numbers += atom->kind == DIGITS;
    if (atom->kind == DIGITS) return;
    stretch->letters++;
    stretch->special += !(scene->bits[k] & (ORDINARY | GENERIC)) && atom->length > 2;
    stretch->capitals += is_capital(atom) || atom->length <= 3;
    stretch->generic += (scene->bits[k] & GENERIC) != 0 || atom->length <= 2;
}

/* How far the value of a word goes on around its occurrence at atom k. */
static Stretch stretch_of(const Scene *scene, int64_t word, int32_t k) {
    const Charts *charts = scene->charts;
    Stretch stretch = {k, k, 0, 0, 0, 0, 0, 0};
    int64_t first = word - charts->position[word], end = first + charts->count[word];
    count_word(scene, &stretch, k);
    for (int64_t w = word - 1; w >= first && stretch.first > 0 && scene->atoms[stretch.first].gap <= LINE; w--) {
        if (!is_same(scene, w, stretch.first - 1)) break;
        count_word(scene, &stretch, --stretch.first);
    }
    for (int64_t w = word + 1; w < end && stretch.last + 1 < scene->count && scene->atoms[stretch.last + 1].gap <= LINE; w++) {
        if (!is_same(scene, w, stretch.last + 1)) break;
        count_word(scene, &stretch, ++stretch.last);
    }
    return stretch;
}

static int accepts(const Scene *scene, int64_t word, const Stretch *stretch) {
    uint8_t role = scene->charts->role[word];
    int whole = stretch->words == scene->charts->count[word];
    int telling = stretch->special > 0 || stretch->capitals == stretch->letters;
    if (stretch->words < 2) return 0;
    if (role == WIRE) return whole;
    if (is_name_role(role)) return whole && (telling || scene->atoms[stretch->last].gap <= HYPHEN || (scene->atoms[stretch->last].context & POSSESSIVE));
    if (role == STREET && stretch->numbers && stretch->letters && stretch->letters > stretch->generic) return 1;
    int named = role == BODY && stretch->generic && stretch->generic < stretch->letters; /* sunrise health */
    if (role == PLACE && whole && stretch->first > 0) named = (scene->bits[stretch->first - 1] & INTO) != 0; /* at las vegas */
    if (whole && stretch->letters) return telling || named || stretch->words >= 3 || scene->point == STRICT;
    return telling && stretch->generic < stretch->letters && stretch->letters >= 2;
}

static int rank(uint8_t role) { return is_name_role(role) ? 3 : role == PLACE ? 2 : 1; }

/* Remembers the best single reading of an atom; company decides about it later. */
static void propose(Scene *scene, int32_t k, int32_t word, uint8_t form) {
    Mark *mark = &scene->marks[k];
    uint8_t role = scene->charts->role[word];
    if (mark->strength == STRONG) return;
    if (mark->strength == WEAK && (rank(mark->role) > rank(role) ||
        (rank(mark->role) == rank(role) && scene->charts->count[mark->word] <= scene->charts->count[word])))
        return;
    *mark = (Mark){word, 0, 1, WEAK, scene->charts->label[word], role, form};
}

/* Tells whether the word itself says what it is; a word out of an address may be a misspelt name as well. */
static int find_exact(Scene *scene, int32_t k) {
    uint64_t hash = scene->atoms[k].hash, key = scramble(hash, F_EXACT), at = key;
    const Slot *slot;
    int found = 0;
    while ((slot = next_form(scene->table, key, F_EXACT, &at))) {
        found |= is_name_role(scene->charts->role[slot->item]) || scene->charts->count[slot->item] == 1;
        if (scene->charts->count[slot->item] > 1) {
            Stretch stretch = stretch_of(scene, slot->item, k);
            if (accepts(scene, slot->item, &stretch))
                mark_range(scene, stretch.first, stretch.last, slot->item, scene->charts->label[slot->item], F_EXACT);
        }
        propose(scene, k, slot->item, F_EXACT);
    }
    return found;
}

static int try_near(Scene *scene, int32_t k, uint64_t hash, const uint8_t *letters, int32_t length) {
    uint64_t key = scramble(hash, F_NEAR), at = key;
    const Slot *slot;
    int found = 0;
    while ((slot = next_form(scene->table, key, F_NEAR, &at))) {
        const uint8_t *other = scene->charts->letters + scene->charts->letter[slot->item];
        if (!within_one_edit(letters, length, other, scene->charts->length[slot->item])) continue;
        propose(scene, k, slot->item, F_NEAR);
        found = 1;
    }
    return found;
}

/* Looks letters that no atom holds alone up with one wrong one. Returns a word of the chart, or -1. */
int32_t near_letters(const Scene *scene, const uint8_t *letters, int32_t length, uint64_t hash) {
    uint64_t without[LONGEST_WORD + 1];
    hashes_without(letters, length, without);
    without[length] = hash;
    for (int32_t i = length; i >= 0; i--) {
        uint64_t key = scramble(without[i], F_NEAR), at = key;
        const Slot *slot;
        while ((slot = next_form(scene->table, key, F_NEAR, &at)))
            if (is_name_role(scene->charts->role[slot->item]) &&
                within_one_edit(letters, length, scene->charts->letters + scene->charts->letter[slot->item], scene->charts->length[slot->item]))
                return slot->item;
    }
    return -1;
}

static int find_near(Scene *scene, int32_t k, const uint8_t *letters, int32_t length) {
    uint64_t without[LONGEST_WORD];
    int found = try_near(scene, k, scene->atoms[k].hash, letters, length);
    hashes_without(letters, length, without);
    for (int32_t i = 0; i < length; i++) found |= try_near(scene, k, without[i], letters, length);
    return found;
}

static void find_alike(Scene *scene, int32_t k, const uint8_t *letters, int32_t length) {
    uint64_t sound = sound_of(letters, length);
    const Slot *slot = find_form(scene->table, shape_of(letters, length), F_SHAPE);
    if (slot) {
        propose(scene, k, slot->item, F_SHAPE);
        return;
    }
    uint64_t key = scramble(sound, F_SOUND), at = key;
    while (sound && is_capital(&scene->atoms[k]) && (slot = next_form(scene->table, key, F_SOUND, &at))) {
        const uint8_t *other = scene->charts->letters + scene->charts->letter[slot->item];
        if (within_edits(letters, length, other, scene->charts->length[slot->item], length >= 8 ? 3 : 2))
            propose(scene, k, slot->item, F_SOUND);
    }
}

static int ends_with(const uint8_t *letters, int32_t length, const char *ending) {
    int32_t size = (int32_t)strlen(ending);
    return length > size + 2 && !memcmp(letters + length - size, ending, (size_t)size);
}

/* Words that end like these are medicine more often than misspelt names. */
static int looks_clinical(const uint8_t *letters, int32_t length) {
    static const char *const endings[] = {"itis", "osis", "emia", "ectomy", "algia", "pathy", "plasty", "scopy", "gram",
        "graphy", "mycin", "cillin", "olol", "pril", "sartan", "statin", "azole", "idine", "amide", "oxacin", "uria", "otomy",
        "ology", "trophy", "plegia", "phasia", "tension", "cardia", "pnea", "rrhea", "mab", "tinib", "azepam", "phylline"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(letters, length, endings[i])) return 1;
    return 0;
}

/* A word that a dictionary has is no misspelt name; in small letters that goes for other languages, too. */
static int is_known(const Scene *scene, int32_t k) {
    uint32_t bits = scene->bits[k];
    return (bits & (ORDINARY | GENERIC | TITLES | VERBS | EPONYMIC | KNOWN)) || ((bits & ABROAD) && !scene->english && !is_capital(&scene->atoms[k]));
}

static void find_misspelt(Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    uint8_t letters[LONGEST_WORD];
    if (atom->kind != LETTERS || atom->length < 4 || is_known(scene, k)) return;
    int32_t length = copy_letters(scene->bytes, atom, atom, letters);
    if (length < 0 || looks_clinical(letters, length)) return;
    const Slot *glued = length >= 5 ? find_form(scene->table, atom->hash, F_GLUE) : NULL;
    if (glued) mark_range(scene, k, k, glued->item, scene->charts->label[glued->item], F_GLUE);
    else if ((length < 5 && scene->bits[k]) || !find_near(scene, k, letters, length)) find_alike(scene, k, letters, length);
}

/* Looks every atom up: as written, then as misspelt. */
void find_words(Scene *scene) {
    for (int32_t k = 0; k < scene->count; k++)
        if (scene->marks[k].strength != STRONG && !find_exact(scene, k)) find_misspelt(scene, k);
}
