/* Names that are written apart, together or as letters only, and names that only their company gives away. */
#include "chart.h"

static int is_name_role(uint8_t role) { return role == GIVEN || role == FAMILY; }
static int is_single(const Atom *atom) { return atom->kind == LETTERS && atom->length == 1; }

static int mark_whole(Scene *scene, int32_t first, int32_t last, uint64_t hash, int32_t length) {
    const Slot *slot = length >= 4 ? find_form(scene->table, hash, F_EXACT) : NULL;
    if (!slot && length >= 5) slot = find_form(scene->table, hash, F_GLUE);
    if (!slot || scene->charts->role[slot->item] == WIRE) return 0;
    if (scene->charts->count[slot->item] > 1 && slot->kind == F_EXACT && !is_name_role(scene->charts->role[slot->item]) &&
        (scene->charts->bits[slot->item] & (ORDINARY | GENERIC)))
        return 0;
    mark_range(scene, first, last, slot->item, scene->charts->label[slot->item], F_GLUE);
    return 1;
}

/* Atoms without anything between them: McDonald, jsmith1961, Wi11iam. */
static int32_t read_run(Scene *scene, int32_t k) {
    int32_t last = k;
    uint64_t hash = scene->atoms[k].hash;
    uint8_t letters[LONGEST_WORD];
    int32_t length = scene->atoms[k].length, lettered = scene->atoms[k].kind == LETTERS;
    while (last + 1 < scene->count && scene->atoms[last + 1].gap == GLUED) {
        const Atom *atom = &scene->atoms[++last];
        hash = join_hash(hash, atom->hash, atom->length);
        length += atom->length;
        lettered += atom->kind == LETTERS;
        if (length > LONGEST_WORD) {
            while (last + 1 < scene->count && scene->atoms[last + 1].gap == GLUED) last++;
            return last;
        }
    }
    if (last == k || !lettered || scene->atoms[k].kind == GLYPH) return last;
    if (mark_whole(scene, k, last, hash, length)) return last;
    if (length < 4 || copy_letters(scene->bytes, &scene->atoms[k], &scene->atoms[last], letters) != length) return last;
    const Slot *slot = find_form(scene->table, shape_of(letters, length), F_SHAPE);
    if (slot) mark_range(scene, k, last, slot->item, scene->charts->label[slot->item], F_SHAPE);
    else if (length >= 5 && lettered == last - k + 1) { /* CAtOL: pieces that only their case parts */
        int32_t item = near_letters(scene, letters, length, hash);
        if (item >= 0) mark_range(scene, k, last, item, NAME, F_SHAPE);
    }
    return last;
}

/* One word in two pieces: Smi-\nth, Smi th. */
static void read_halves(Scene *scene, int32_t k) {
    const Atom *left = &scene->atoms[k], *right = left + 1;
    if (left->kind != LETTERS || right->kind != LETTERS || right->gap == GLUED || right->gap == FAR || right->gap == TIGHT) return;
    int32_t length = left->length + right->length;
    int dashed = right->gap == HYPHEN || (right->context & DASHED);
    int split = right->gap == LINE || (right->context & ONE_BLANK);
    if (length < 5 || length > LONGEST_WORD || (!dashed && !split)) return;
    if (!dashed && right->shape != SMALL && left->shape != CAPITALS) return;
    if (!dashed && (scene->bits[k] & scene->bits[k + 1] & ORDINARY)) return;
    mark_whole(scene, k, k + 1, join_hash(left->hash, right->hash, right->length), length);
}

/* S M I T H, S-M-I-T-H. */
static int32_t read_spaced(Scene *scene, int32_t k) {
    uint64_t hash = scene->atoms[k].hash;
    int32_t length = 1, last = k, best = k, best_length = 0;
    uint64_t best_hash = 0;
    if (!is_single(&scene->atoms[k])) return k;
    while (last + 1 < scene->count && length < 24) {
        const Atom *atom = &scene->atoms[last + 1];
        if (!is_single(atom) || !((atom->context & ONE_BLANK) || atom->gap == HYPHEN || atom->gap == TIGHT)) break;
        hash = join_hash(hash, atom->hash, 1);
        last++;
        if (++length >= 4 && (find_form(scene->table, hash, F_EXACT) || find_form(scene->table, hash, F_GLUE)))
            best = last, best_hash = hash, best_length = length;
    }
    return best > k && mark_whole(scene, k, best, best_hash, best_length) ? best : k;
}

static int is_upper_initial(const Atom *atom) { return is_single(atom) && atom->shape == CAPITAL; }

/* J.D. alone. */
static void read_initials(Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    uint64_t hash = atom->hash;
    int32_t last = k;
    if (!is_upper_initial(atom) || !(atom->context & DOTTED)) return;
    for (int32_t letters = 2; letters <= 3; letters++) {
        const Atom *next = &scene->atoms[last + 1];
        if (last + 1 >= scene->count || !is_upper_initial(next) || next->gap > SPACED || (next->gap == SPACED && !(atom->context & DOTTED)))
            return;
        if (letters == 2 && !(next->context & DOTTED) && next->gap != TIGHT) return;
        hash = join_hash(hash, next->hash, 1);
        last++;
        uint8_t spelt[3];
        copy_letters(scene->bytes, atom, &scene->atoms[last], spelt);
        int longer = last + 1 < scene->count && is_upper_initial(next + 1) && next[1].gap == TIGHT;
        if (longer || (bits_of(scene->lexicon, word_hash(spelt, letters)) & (ABBREVIATION | TITLES))) continue;
        const Slot *slot = find_form(scene->table, hash, F_INITIALS);
        if (slot) mark_range(scene, k, last, slot->item, NAME, F_INITIALS);
    }
}

void find_broken(Scene *scene) {
    for (int32_t k = 0; k < scene->count; k = read_run(scene, k) + 1) continue;
    for (int32_t k = 0; k + 1 < scene->count; k++) {
        read_halves(scene, k);
        read_initials(scene, k);
        k = read_spaced(scene, k);
    }
}

static int is_strong_name(const Scene *scene, int32_t k) {
    return k >= 0 && k < scene->count && scene->marks[k].strength == STRONG && scene->marks[k].label == NAME;
}

static int is_initial_of_chart(const Scene *scene, int32_t k) {
    return is_upper_initial(&scene->atoms[k]) &&
           ((scene->atoms[k].context & DOTTED) || find_form(scene->table, scene->atoms[k].hash, F_INITIAL));
}

/* Nothing but a blank, comma, hyphen or line end stands between k - 1 and k. */
static int touches(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    if (atom->gap == FAR) return 0;
    return !(atom->context & APART) && (atom->gap == LINE || !(atom->context & STARTS));
}

static void strengthen(Scene *scene, int32_t k) {
    Mark *mark = &scene->marks[k];
    int32_t word = mark->strength == WEAK ? mark->word : -1;
    *mark = (Mark){word, ++scene->groups, 1, STRONG, NAME, word >= 0 ? mark->role : GIVEN, F_EXACT};
}

/* A weak mark beside a sure name is a name, and so is an initial. */
static void join_one(Scene *scene, int32_t k, int32_t neighbour, int32_t boundary) {
    Mark *mark = &scene->marks[k];
    if (mark->strength == STRONG || !is_strong_name(scene, neighbour) || !touches(scene, boundary)) return;
    int weak = mark->strength == WEAK && is_name_role(mark->role) && scene->atoms[k].length > 1;
    if (weak && scene->atoms[k].shape == SMALL && scene->atoms[boundary].gap == LINE) return;
    int short_form = (scene->bits[k] & ABBREVIATION) && scene->atoms[k].shape == CAPITALS && scene->atoms[neighbour].shape != CAPITALS;
    int before_comma = neighbour > k && (scene->atoms[boundary].context & COMMA);
    if (short_form || (!weak && before_comma)) return;
    if (weak || (is_initial_of_chart(scene, k) && scene->atoms[boundary].gap != LINE)) strengthen(scene, k);
}

/* Two weak marks make a name where they are given and family name of one person. */
static void join_pair(Scene *scene, int32_t k) {
    Mark *left = &scene->marks[k], *right = left + 1;
    const Charts *charts = scene->charts;
    if (!touches(scene, k + 1) || left->strength == STRONG || right->strength == STRONG) return;
    int left_name = left->strength == WEAK && is_name_role(left->role), right_name = right->strength == WEAK && is_name_role(right->role);
    int left_initial = is_initial_of_chart(scene, k), right_initial = is_initial_of_chart(scene, k + 1);
    int capital = scene->atoms[k].shape != SMALL && scene->atoms[k + 1].shape != SMALL;
    int long_enough = scene->atoms[k].length > 1 && scene->atoms[k + 1].length > 1;
    if (scene->bits[k] & scene->bits[k + 1] & ORDINARY && !capital && scene->point != STRICT) return;
    int pair = left_name && right_name && long_enough && left->word >= 0 && right->word >= 0 && left->word != right->word &&
               (left->role != right->role || capital) && charts->person[left->word] == charts->person[right->word];
    int initial = capital && ((left_initial && right_name && scene->atoms[k + 1].length > 1) ||
                              (right_initial && left_name && scene->atoms[k].length > 1));
    if (pair || (initial && scene->atoms[k + 1].gap != LINE)) {
        strengthen(scene, k);
        strengthen(scene, k + 1);
    }
}

/* Beverly | Hospital: the common words after a sure name of a facility belong to it. */
static void join_heads(Scene *scene) {
    for (int32_t k = 1; k < scene->count; k++) {
        const Mark *before = &scene->marks[k - 1];
        const Atom *atom = &scene->atoms[k];
        if (before->strength != STRONG || before->role != BODY || scene->marks[k].strength == STRONG) continue;
        if (atom->gap != SPACED || (atom->context & (STARTS | COMMA | APART)) || atom->shape == SMALL) continue;
        if (scene->bits[k] & GENERIC) scene->marks[k] = *before;
    }
}

static void join_all(Scene *scene) {
    for (int32_t k = 1; k < scene->count; k++) join_one(scene, k, k - 1, k);
    for (int32_t k = scene->count - 2; k >= 0; k--) join_one(scene, k, k + 1, k + 1);
    for (int32_t k = 1; k < scene->count; k++) join_one(scene, k, k - 1, k);
}

void join_names(Scene *scene) {
    join_heads(scene);
    for (int32_t k = 0; k + 1 < scene->count; k++) join_pair(scene, k);
    find_company(scene);
    join_all(scene);
    find_listed(scene);
    find_towns(scene);
    find_neighbours(scene);
    join_all(scene);
}
