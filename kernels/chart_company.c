/* Names that are words as well, and initials without a point, in notes whose case tells nothing: told by their company. */
#include "chart.h"

static int is_name_role(uint8_t role) { return role == GIVEN || role == FAMILY; }
static int is_inside(const Scene *scene, int32_t k) { return k >= 0 && k < scene->count; }
static uint32_t bits_at(const Scene *scene, int32_t k) { return is_inside(scene, k) ? scene->bits[k] : 0; }

static int is_word(const Scene *scene, int32_t k, const char *word) {
    size_t length = strlen(word);
    if (!is_inside(scene, k) || scene->atoms[k].kind != LETTERS || scene->atoms[k].length != length) return 0;
    for (size_t i = 0; i < length; i++)
        if (lower_letter(scene->bytes[scene->atoms[k].start + (int32_t)i]) != (uint8_t)word[i]) return 0;
    return 1;
}

/* The atom k belongs to the same line of thought as the one before it. */
static int follows(const Scene *scene, int32_t k) {
    return is_inside(scene, k) && scene->atoms[k].gap != FAR && !(scene->atoms[k].context & STARTS);
}

static int is_candidate(const Scene *scene, int32_t k) {
    if (!is_inside(scene, k)) return 0;
    const Mark *mark = &scene->marks[k];
    return mark->strength == WEAK && mark->word >= 0 && is_name_role(mark->role) && scene->atoms[k].kind == LETTERS && scene->atoms[k].length > 1;
}

static int is_strong_name(const Scene *scene, int32_t k) {
    return is_inside(scene, k) && scene->marks[k].strength == STRONG && scene->marks[k].label == NAME;
}

static void make_name(Scene *scene, int32_t k) {
    Mark *mark = &scene->marks[k];
    *mark = (Mark){mark->word, ++scene->groups, 1, STRONG, NAME, mark->word >= 0 ? mark->role : GIVEN, F_EXACT};
}

/* The only mark, blanks aside, between the atoms k - 1 and k; 0 if there is none or are several. */
static uint8_t mark_before(const Scene *scene, int32_t k) {
    int64_t from = k > 0 ? scene->atoms[k - 1].end : 0, to = is_inside(scene, k) ? scene->atoms[k].start : scene->size;
    uint8_t found = 0;
    for (int64_t at = from; at < to; at++) {
        if (scene->bytes[at] <= ' ') continue;
        if (found) return 0;
        found = scene->bytes[at];
    }
    return found;
}

static int has_age(const Scene *scene, int32_t k) {
    return is_inside(scene, k) && scene->atoms[k].kind == DIGITS && (scene->atoms[k].context & BRACKET);
}

/* Case, and again case: he answers; norm, norm. */
static int is_repeated(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    if (follows(scene, k + 1) && (atom[1].context & COMMA) && atom[1].hash == atom->hash) return 1;
    if (k > 0 && (atom->context & COMMA) && atom[-1].hash == atom->hash) return 1;
    return k > 2 && is_word(scene, k - 1, "again") && (scene->atoms[k - 3].hash == atom->hash || scene->marks[k - 3].strength == STRONG);
}

/* A word alone in a cell of a table or in brackets, before letters of an office, or before a number to call. */
static int is_apart(const Scene *scene, int32_t k) {
    if (mark_before(scene, k) == '|' && mark_before(scene, k + 1) == '|') return 1;
    if (mark_before(scene, k) == '(' && mark_before(scene, k + 1) == ')') return 1;
    if (mark_before(scene, k + 1) == ',' && (bits_at(scene, k + 1) & ABBREVIATION) && ((bits_at(scene, k + 1) & TITLES) || is_word(scene, k + 1, "crna"))) return 1;
    if (is_inside(scene, k + 1) && scene->marks[k + 1].strength == STRONG && scene->marks[k + 1].label == ID && !follows(scene, k)) return 1;
    if (mark_before(scene, k + 1) == '/' && scene->atoms[k + 1].length <= 3 && (bits_at(scene, k + 2) & TITLES)) return 1; /* per v.o. near/gs rn */
    return is_word(scene, k + 1, "pin") && is_inside(scene, k + 2) && scene->atoms[k + 2].kind == DIGITS && scene->atoms[k + 2].length >= 4;
}

/* What only people do, have or are stands beside the word. */
static int acts(const Scene *scene, int32_t k) {
    uint32_t next = bits_at(scene, k + 1);
    const Atom *after = &scene->atoms[k + 1];
    if (!is_inside(scene, k + 1)) return 0;
    if (after->length == 1 && (after->context & POSSESSIVE) && scene->bytes[after->start] != 'o') return 1;
    if (!follows(scene, k + 1)) return mark_before(scene, k + 1) == ':' && (is_word(scene, k + 1, "he") || is_word(scene, k + 1, "she"));
    if (after->context & (APART | BRACKET)) return 0;
    if (next & HUMAN) return !(after->context & COMMA) && !is_word(scene, k + 2, "were") && !is_word(scene, k + 2, "of"); /* case reports of */
    if (is_word(scene, k + 1, "and") || is_word(scene, k + 1, "with")) return (bits_at(scene, k + 2) & WHOSE) != 0;
    if ((is_word(scene, k + 1, "is") || is_word(scene, k + 1, "was")) && !is_word(scene, k + 2, "a") && !is_word(scene, k + 2, "an"))
        return is_word(scene, k + 2, "well") || is_word(scene, k + 2, "seen") || is_word(scene, k + 2, "present") || is_word(scene, k + 2, "accompanied") ||
               (is_word(scene, k + 2, "in") && is_word(scene, k + 3, "good"));
    if (is_word(scene, k + 1, "who")) return 1;
    if (is_word(scene, k + 1, "is") && (is_word(scene, k + 2, "a") || is_word(scene, k + 2, "an")) && is_inside(scene, k + 3) && scene->atoms[k + 3].kind == DIGITS) return 1;
    if (is_word(scene, k + 1, "no")) return is_word(scene, k + 2, "showed") || is_word(scene, k + 2, "show");
    return is_word(scene, k + 1, "here") && is_word(scene, k + 2, "for");
}

static int is_of_person(const Scene *scene, int64_t word, int32_t person) {
    return word >= scene->first_word && word < scene->end_word && scene->charts->person[word] == person;
}

/* Does the person whose name the chart's word is have a given name that begins with the letter? Persons' words stand together. */
static int has_initial(const Scene *scene, int64_t word, uint8_t letter) {
    const Charts *charts = scene->charts;
    int64_t from = word;
    while (is_of_person(scene, from - 1, charts->person[word]) && word - from < 64) from--;
    for (int64_t w = from; is_of_person(scene, w, charts->person[word]) && w < from + 128; w++)
        if (charts->role[w] == GIVEN && charts->letters[charts->letter[w]] == letter) return 1;
    return 0;
}

static int is_initial(const Scene *scene, int32_t k) { return is_inside(scene, k) && scene->atoms[k].kind == LETTERS && scene->atoms[k].length == 1; }

/* Dr. a. little; explained to d. stein; subramaniam m. cur. */
static int has_initial_before(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    if (!is_initial(scene, k - 1) || atom->gap > SPACED) return 0;
    if ((bits_at(scene, k - 2) & HONORIFIC) || is_strong_name(scene, k - 2)) return 1;
    int told = (atom[-1].context & DOTTED) || (scene->plain && atom->start - atom[-1].end > 1);
    return told && has_initial(scene, scene->marks[k].word, lower_letter(scene->bytes[atom[-1].start]));
}

static int is_kin(const Scene *scene, int32_t k) {
    return is_word(scene, k, "siblings") || is_word(scene, k, "brothers") || is_word(scene, k, "sisters") || is_word(scene, k, "boys") || is_word(scene, k, "girls");
}

/* What may follow a name that a title or a kinship stands before, and hardly follows a word. */
static int goes_on_as_name(const Scene *scene, int32_t k) {
    static const char *const words[] = {"can", "cell", "who", "in", "and", "at", "phone", "by"};
    if (!follows(scene, k + 1) || (scene->atoms[k + 1].context & (COMMA | BRACKET))) return 1;
    if (scene->plain && scene->atoms[k + 1].start - scene->atoms[k].end > 1) return 1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(scene, k + 1, words[i])) return 1;
    return 0;
}

/* Her father will had: a word of grammar where none can stand. */
static int is_ungrammatical(const Scene *scene, int32_t k) {
    if (!is_candidate(scene, k) || !(bits_at(scene, k - 1) & TITLES) || (bits_at(scene, k - 1) & BEARER)) return 0;
    return is_word(scene, k, "will") && (is_word(scene, k + 1, "had") || is_word(scene, k + 1, "has") || is_word(scene, k + 1, "is"));
}

/* Her twin job both; his dad art is; as you know per has; today for ana:; the care of bill. */
static int is_phrase(const Scene *scene, int32_t k) {
    uint32_t next = follows(scene, k + 1) ? scene->bits[k + 1] : 0;
    if ((next & (VERBS | HUMAN)) && ((bits_at(scene, k - 1) & TITLES) || is_word(scene, k - 1, "know"))) return 1;
    if (is_word(scene, k - 1, "of") && is_word(scene, k - 2, "care")) return !follows(scene, k + 1);
    if (is_word(scene, k - 1, "for") && is_word(scene, k - 2, "today"))
        return mark_before(scene, k + 1) == ':' || (is_inside(scene, k + 1) && scene->atoms[k + 1].kind == DIGITS);
    if (is_word(scene, k - 1, "with") && (is_word(scene, k - 2, "stay") || is_word(scene, k - 2, "stays"))) return !follows(scene, k + 1);
    if (is_word(scene, k - 1, "that") && is_word(scene, k - 2, "asked")) return 1;
    if (is_word(scene, k - 1, "to") && (is_word(scene, k - 2, "explained") || is_word(scene, k - 2, "assigned"))) return 1;
    if (is_word(scene, k - 1, "from") && is_word(scene, k - 2, "received")) return 1;
    if (is_word(scene, k - 1, "out") && is_word(scene, k - 2, "sign")) return !follows(scene, k + 1);
    if (is_word(scene, k - 1, "law") && scene->atoms[k - 1].gap == HYPHEN && goes_on_as_name(scene, k)) return 1;
    if (is_word(scene, k - 1, "you") && mark_before(scene, k) == ',') return !follows(scene, k + 1);
    if (mark_before(scene, k + 1) == ':' && !follows(scene, k) && (scene->plain || scene->atoms[k].shape == CAPITALS))
        return is_inside(scene, k + 1) && scene->atoms[k + 1].kind == LETTERS;
    if ((bits_at(scene, k - 1) & TITLES) && scene->atoms[k].gap <= SPACED && !(bits_at(scene, k - 1) & BEARER) && goes_on_as_name(scene, k)) return 1;
    return has_age(scene, k + 1) && scene->atoms[k + 1].length <= 2 && is_inside(scene, k - 1) && (scene->atoms[k - 1].kind == DIGITS || is_word(scene, k - 1, "and"));
}

/* Pt cur resting; the boys min and jie; drs valavanis, little; Chip "Chippy" Prince. */
static int is_introduced(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    int64_t word = scene->marks[k].word;
    if (has_initial_before(scene, k)) return 1;
    if (k > 0 && atom->gap <= SPACED && (scene->bits[k - 1] & BEARER)) return scene->charts->person[word] == 0;
    uint8_t after = mark_before(scene, k + 1);
    if (k > 0 && atom->gap <= SPACED && is_kin(scene, k - 1)) return after == ',' || after == '&' || is_word(scene, k + 1, "and");
    if (k > 1 && is_word(scene, k - 2, "drs") && (mark_before(scene, k) == ',' || mark_before(scene, k) == '/')) return 1;
    if (is_phrase(scene, k)) return 1;
    for (int32_t other = k + 2; other <= k + 4 && is_inside(scene, other) && (atom[1].context & BRACKET); other++)
        if ((is_strong_name(scene, other) || is_candidate(scene, other)) && is_of_person(scene, scene->marks[other].word, scene->charts->person[word])) return 1;
    return 0;
}

/* One of a list of people: min, jie, and shufen; bell and perales; mathuquist/little. */
static int is_listed(const Scene *scene, int32_t k) {
    uint8_t before = mark_before(scene, k), after = mark_before(scene, k + 1);
    if (is_strong_name(scene, k + 1) && (after == ',' || after == '/' || after == '&')) return 1;
    if (is_strong_name(scene, k - 1) && (before == '/' || before == '&')) return 1;
    if (follows(scene, k + 2) && is_word(scene, k + 1, "and") && is_strong_name(scene, k + 2)) return 1;
    if (is_strong_name(scene, k - 1) && before == ',' && is_word(scene, k + 1, "and")) return 1;
    if (k > 1 && is_word(scene, k - 1, "and") && is_strong_name(scene, k - 2) && follows(scene, k))
        return !follows(scene, k + 1) || (scene->atoms[k + 1].context & COMMA) || is_word(scene, k + 1, "both") || (bits_at(scene, k + 1) & HUMAN);
    return 0;
}

/* Given name, then family name of one person, both of them words: wade child; or turned, apart: close,  victor. */
static int is_pair(const Scene *scene, int32_t k) {
    if (!is_candidate(scene, k) || !is_candidate(scene, k + 1) || !follows(scene, k + 1) || scene->atoms[k + 1].gap > LINE) return 0;
    const Mark *left = &scene->marks[k], *right = left + 1;
    int parted = (scene->atoms[k + 1].context & COMMA) || scene->atoms[k + 1].start - scene->atoms[k].end > 1;
    int turned = left->role == FAMILY && right->role == GIVEN && parted;
    int straight = left->role == GIVEN && right->role == FAMILY && !(scene->atoms[k + 1].context & COMMA);
    if ((!turned && !straight) || (scene->atoms[k + 1].context & APART)) return 0;
    if (scene->bits[k] & scene->bits[k + 1] & THING) return 0;
    return scene->charts->person[left->word] == scene->charts->person[right->word] && left->form == F_EXACT && right->form == F_EXACT;
}

/* The judge asked; no case. */
static int is_determined(const Scene *scene, int32_t k) {
    static const char *const words[] = {"the", "a", "an", "this", "that", "no", "any", "each", "one"};
    if (is_word(scene, k - 2, "asked")) return 0; /* asked that hope not be told */
    for (size_t i = 0; k > 0 && scene->atoms[k].gap <= LINE && !(scene->atoms[k - 1].context & DOTTED) && i < sizeof words / sizeof *words; i++)
        if (is_word(scene, k - 1, words[i])) return 1;
    return 0;
}

static int may_be_named(const Scene *scene, int32_t k) {
    return !is_determined(scene, k) && is_candidate(scene, k) && scene->marks[k].form == F_EXACT && scene->atoms[k].length > 2 && !(scene->bits[k] & THING);
}

static void make_with_initial(Scene *scene, int32_t k) {
    make_name(scene, k);
    if (has_initial_before(scene, k) && !(bits_at(scene, k - 1) & (TITLES | HONORIFIC)) && scene->marks[k - 1].strength != STRONG) make_name(scene, k - 1);
}

/* Rice, j.: a family name, a comma and the initial of its bearer. */
static int has_initial_after(const Scene *scene, int32_t k) {
    if (!may_be_named(scene, k) || !is_initial(scene, k + 1) || !follows(scene, k + 1)) return 0;
    const Atom *atom = &scene->atoms[k + 1];
    return (atom->context & COMMA) && (atom->context & DOTTED) && has_initial(scene, scene->marks[k].word, lower_letter(scene->bytes[atom->start]));
}

void find_company(Scene *scene) {
    for (int32_t k = 0; k < scene->count; k++) {
        if (has_initial_after(scene, k)) {
            make_name(scene, k);
            make_name(scene, k + 1);
            continue;
        }
        if (is_pair(scene, k)) {
            make_name(scene, k);
            make_name(scene, k + 1);
        } else if (is_candidate(scene, k) && (((scene->bits[k] & THING) && has_initial_before(scene, k)) || is_ungrammatical(scene, k))) {
            make_with_initial(scene, k);
        } else if (may_be_named(scene, k) && (acts(scene, k) || is_repeated(scene, k) || is_apart(scene, k) || is_introduced(scene, k)))
            make_with_initial(scene, k);
    }
}

/* Runs after sure names are known; from the end, so that a list is taken from its last name on. */
void find_listed(Scene *scene) {
    for (int32_t k = scene->count - 1; k >= 0; k--) {
        int listed = is_candidate(scene, k) && is_strong_name(scene, k - 1) && mark_before(scene, k) == ',' && is_word(scene, k + 1, "and") &&
                     (scene->atoms[k + 1].context & COMMA) && is_strong_name(scene, k + 2); /* wednesday, will, and ivy */
        if (listed) make_name(scene, k);
        int short_name = is_candidate(scene, k) && scene->atoms[k].length == 2 && scene->atoms[k].shape != SMALL;
        if ((may_be_named(scene, k) || short_name) && is_listed(scene, k)) make_name(scene, k);
    }
    for (int32_t k = 0; k < scene->count; k++)
        if (may_be_named(scene, k) && is_listed(scene, k)) make_name(scene, k);
}

/* The words of a chart stand together by person. */
static void find_beside(Scene *scene, int32_t k, int32_t known) {
    const Charts *charts = scene->charts;
    const Atom *atom = &scene->atoms[k];
    uint8_t letters[LONGEST_WORD];
    int64_t from = scene->marks[known].word, to = from;
    if (from < 0 || atom->kind != LETTERS || scene->marks[k].strength == STRONG) return;
    int32_t person = charts->person[from], length = copy_letters(scene->bytes, atom, atom, letters);
    while (is_of_person(scene, from - 1, person)) from--;
    while (is_of_person(scene, to + 1, person)) to++;
    for (int64_t w = from; w <= to && w < from + 64; w++) {
        const uint8_t *other = charts->letters + charts->letter[w];
        if (!is_name_role(charts->role[w]) || charts->kind[w] != LETTERS || charts->hash[w] == scene->atoms[known].hash) continue;
        int initial = length == 1 && other[0] == letters[0] && charts->role[w] == GIVEN;
        int misspelt = length >= 4 && charts->length[w] >= 4 && charts->length[w] <= LONGEST_WORD && within_one_edit(letters, length, other, charts->length[w]);
        if (!initial && !misspelt) continue;
        scene->marks[k] = (Mark){(int32_t)w, ++scene->groups, 1, STRONG, NAME, charts->role[w], F_EXACT};
        return;
    }
}

/* Goodwin, d.; t. dawson: the letter begins a given name of the person beside it. */
static int is_dotted_initial(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    uint8_t letter = lower_letter(scene->bytes[atom->start]);
    int after = is_strong_name(scene, k - 1) && (atom->context & COMMA) && atom->gap == SPACED && scene->marks[k - 1].word >= 0;
    if (after && (scene->marks[k - 1].role == FAMILY || has_initial(scene, scene->marks[k - 1].word, letter))) return 1;
    int32_t next = k + 1;
    while (is_initial(scene, next) && scene->atoms[next].gap <= SPACED && next < k + 3) next++;
    int before = is_strong_name(scene, next) && scene->atoms[next].gap <= SPACED && scene->marks[next].word >= 0;
    return before && has_initial(scene, scene->marks[next].word, letter);
}

/* An initial or a misspelt name beside another name of the same person, though the word be a word. */
void find_neighbours(Scene *scene) {
    for (int32_t k = 0; k < scene->count; k++) {
        const Atom *atom = &scene->atoms[k];
        int wide = is_inside(scene, k + 1) && atom[1].start - atom->end > 1;
        int article = is_initial(scene, k) && !(atom->context & DOTTED) && !wide && (is_word(scene, k, "a") || is_word(scene, k, "i"));
        int barred = is_initial(scene, k) ? article : (scene->bits[k] & (TITLES | THING)) != 0;
        if (scene->marks[k].strength == STRONG || barred) continue;
        int only_blank = follows(scene, k) && !(atom->context & (COMMA | APART | BRACKET)) && atom->gap <= LINE;
        if (is_initial(scene, k) && (atom->context & DOTTED) && is_dotted_initial(scene, k)) {
            make_name(scene, k);
            continue;
        }
        if (only_blank && is_strong_name(scene, k - 1)) {
            if (is_initial(scene, k) && (atom->context & DOTTED) && atom->gap == SPACED) make_name(scene, k);
            else find_beside(scene, k, k - 1);
        }
        int next_blank = follows(scene, k + 1) && !(atom[1].context & (COMMA | APART | BRACKET)) && atom[1].gap <= SPACED;
        if (next_blank && is_strong_name(scene, k + 1)) find_beside(scene, k, k + 1);
    }
}

/* A town after a street of the chart, or before its postal code, though it is a word in small letters. */
void find_towns(Scene *scene) {
    for (int32_t k = 0; k < scene->count; k++) {
        Mark *mark = &scene->marks[k];
        if (mark->strength != WEAK || mark->role != PLACE) continue;
        int told = 0;
        for (int32_t other = k - 4; other <= k + 2 && !told; other++)
            told = other != k && is_inside(scene, other) && scene->marks[other].strength == STRONG && scene->marks[other].label == LOCATION && scene->atoms[k].gap <= SPACED;
        if (told) *mark = (Mark){mark->word, ++scene->groups, 1, STRONG, LOCATION, PLACE, F_EXACT};
    }
}

/* In Pittsburgh, though the word stands in the name of a scale, too. */
int is_whereabouts(const Scene *scene, int32_t k) {
    if (!follows(scene, k) || scene->atoms[k].gap > LINE || (scene->bits[k] & THING)) return 0;
    if (mark_before(scene, k) == ',' && (!follows(scene, k + 1) || mark_before(scene, k + 1) == ',')) return 1;
    return (bits_at(scene, k - 1) & INTO) != 0 && (!follows(scene, k + 1) || !(bits_at(scene, k + 1) & EPONYMIC) || !(scene->atoms[k + 1].context & ONE_BLANK));
}

/* Notified, one wrong letter allowed. */
static int is_told(const Scene *scene, int32_t k) {
    uint8_t letters[LONGEST_WORD];
    if (!is_inside(scene, k) || scene->atoms[k].gap > LINE || scene->atoms[k].kind != LETTERS || scene->atoms[k].length < 7 || scene->atoms[k].length > 9) return 0;
    int32_t length = copy_letters(scene->bytes, &scene->atoms[k], &scene->atoms[k], letters);
    return within_one_edit(letters, length, (const uint8_t *)"notified", 8);
}

/* Pt. MD c/o; Patient RS (77M); CW is a 93 yo; DB was seen: nobody but a person, whatever the letters stand for elsewhere. */
static int is_surely_somebody(const Scene *scene, int32_t k) {
    uint32_t before = k > 0 && scene->atoms[k].gap <= LINE ? scene->bits[k - 1] : 0;
    int aged = has_age(scene, k + 1), cased = scene->atoms[k].shape != SMALL;
    if (is_word(scene, k + 1, "c") && is_word(scene, k + 2, "o") && scene->atoms[k + 2].gap == TIGHT) return 1;
    if (aged && (is_word(scene, k + 2, "m") || is_word(scene, k + 2, "f") || (before & BEARER))) return 1;
    int office = is_word(scene, k, "md") || is_word(scene, k, "rn") || is_word(scene, k, "np") || is_word(scene, k, "pa");
    if (is_told(scene, k + 1) && !office) return 1;
    if (is_word(scene, k - 1, "per") && is_inside(scene, k + 1) && (scene->atoms[k + 1].context & COMMA) && !(scene->bits[k] & TITLES)) return 1;
    int pronoun = is_word(scene, k, "he") || is_word(scene, k, "she") || is_word(scene, k, "it") || is_word(scene, k, "who");
    int seen = is_word(scene, k + 1, "was") && is_word(scene, k + 2, "seen") && is_word(scene, k + 3, "today");
    if ((scene->bits[k] & THING) && !cased) return (is_word(scene, k + 3, "pleasant") || seen) && !pronoun;
    if ((before & BEARER) && (bits_at(scene, k + 1) & HUMAN)) return 1;
    if (is_word(scene, k + 1, "going") && is_word(scene, k + 2, "to")) return 1;
    if (is_word(scene, k + 1, "was") && is_word(scene, k + 2, "seen")) return cased || (seen && !pronoun) || !scene->bits[k] || !follows(scene, k) || (scene->atoms[k].context & AFTER_DOT);
    if (!is_word(scene, k + 1, "is") || !(is_word(scene, k + 2, "a") || is_word(scene, k + 2, "an"))) return 0;
    return is_inside(scene, k + 3) && (scene->atoms[k + 3].kind == DIGITS || is_word(scene, k + 3, "pleasant"));
}

/* 6/18 - TTB: in a log, a date and a dash before, a colon or a wide blank after. */
static int signs_log(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    if (k < 1 || mark_before(scene, k) != '-' || atom->gap != SPACED) return 0;
    int dated = atom[-1].kind == DIGITS || (scene->bits[k - 1] >> MONTH_SHIFT & 15) || (k > 1 && atom[-1].gap == GLUED && atom[-2].kind == DIGITS);
    if (!dated || !is_inside(scene, k + 1)) return 0;
    return scene->bytes[atom->end] == ':' || (atom[1].kind != DIGITS && atom->end + 1 < scene->size && scene->bytes[atom->end] == ' ' && scene->bytes[atom->end + 1] == ' ');
}

static int has_slash(const Scene *scene, int32_t k, int after) {
    const Atom *atom = &scene->atoms[k];
    if (after) return atom->end < scene->size && scene->bytes[atom->end] == '/';
    return atom->start > 0 && scene->bytes[atom->start - 1] == '/';
}

/* Who spoke and who typed, with the dates of both below: CMS/BVB, V.M./VH; or who wrote a letter: Ref CR/AC/1072. */
static int signs_dictation(const Scene *scene, int32_t k) {
    int left = has_slash(scene, k, 0), right = has_slash(scene, k, 1);
    if (left && is_strong_name(scene, k - 1) && (right || !(scene->bits[k] & (TITLES | ABBREVIATION)))) return 1;
    if (left && (bits_at(scene, k + 1) & (TITLES | ABBREVIATION)) == (TITLES | ABBREVIATION) && follows(scene, k + 1)) return 1; /* Black/PC RN */
    if (is_word(scene, k - 1, "ref")) return right && scene->atoms[k].shape != SMALL;
    if (!left && !right) return 0;
    if (right && is_initial(scene, k + 1) && !follows(scene, k)) return 1; /* bs/y. g. */
    int32_t after = left ? k + 1 : k + 2;
    while (is_inside(scene, after) && scene->atoms[after].gap == TIGHT && scene->atoms[after].length == 1) after++;
    if (is_word(scene, after, "d") || is_word(scene, after, "t")) return scene->atoms[after].gap > TIGHT;
    return right && scene->atoms[k].shape != SMALL && !(scene->bits[k] & (TITLES | ABBREVIATION)) && is_inside(scene, k + 1) &&
           find_form(scene->table, scene->atoms[k + 1].hash, F_INITIALS);
}

/* Reviewed TB: the whole of a line. */
static int signs_line(const Scene *scene, int32_t k) {
    if (k < 1 || !(scene->bits[k - 1] & AT_WORK) || !(scene->atoms[k - 1].context & STARTS) || scene->atoms[k].gap != SPACED) return 0;
    return !is_inside(scene, k + 1) || scene->atoms[k + 1].gap >= LINE;
}

static int is_somebody(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    uint32_t bits = scene->bits[k], before = k > 0 && atom->gap <= LINE ? scene->bits[k - 1] : 0;
    if ((bits & THING) && atom->shape == SMALL && !is_word(scene, k - 1, "per")) return 0;
    if ((before & BEARER) && !(atom->context & (COMMA | APART)) && (!(bits & TITLES) || is_word(scene, k - 1, "per"))) return 1;
    if ((bits & TITLES) || (bits & ABBREVIATION)) return 0;
    if (before & AT_WORK) return !is_inside(scene, k + 1) || atom[1].kind != DIGITS || !(atom[1].context & ONE_BLANK);
    if (before & (TITLES | HONORIFIC)) return !(bits & ORDINARY);
    if (atom->shape != CAPITALS || (bits & (ORDINARY | KNOWN))) return 0;
    return atom->length == 3 || scene->point == STRICT || (bits_at(scene, k + 1) & (VERBS | HUMAN));
}

/* In a run of capitals any short word would do. */
static int is_shouted(const Scene *scene, int32_t k) {
    int32_t near = 0, loud = 0;
    for (int32_t other = k - 3; other <= k + 3; other++) {
        if (!is_inside(scene, other) || other == k || scene->atoms[other].kind != LETTERS || scene->atoms[other].length < 3) continue;
        near++;
        loud += scene->atoms[other].shape == CAPITALS;
    }
    return near && loud == near;
}

static int is_dotted(const Scene *scene, int32_t k) { return is_initial(scene, k) && (scene->atoms[k].context & DOTTED); }

/* Per t.c., hold; c . m . is a pleasant lady. */
static void read_small_initials(Scene *scene, int32_t k) {
    uint64_t hash = scene->atoms[k].hash;
    int32_t last = k;
    if (!is_dotted(scene, k) || scene->atoms[k].shape != SMALL || scene->marks[k].strength == STRONG) return;
    while (last < k + 2 && is_dotted(scene, last + 1) && scene->atoms[last + 1].gap <= SPACED)
        hash = join_hash(hash, scene->atoms[++last].hash, 1);
    const Slot *slot = last > k ? find_form(scene->table, hash, F_INITIALS) : NULL;
    if (!slot) return;
    int before = k > 0 && scene->atoms[k].gap <= SPACED && (scene->bits[k - 1] & (BEARER | AT_WORK));
    int is_a = is_word(scene, last + 1, "is") && is_word(scene, last + 2, "a");
    int typed = has_slash(scene, k, 0) || (is_word(scene, last + 1, "was") && is_word(scene, last + 2, "seen"));
    if (before || is_a || typed) mark_range(scene, k, last, slot->item, NAME, F_INITIALS);
}

/* What may be initials of the chart, or anything else: D.C., RM. */
static void doubt(Scene *scene, int32_t first, int32_t last, const Slot *slot) {
    for (int32_t k = first; slot && k <= last; k++)
        if (scene->marks[k].strength != STRONG) scene->marks[k] = (Mark){slot->item, 0, 0, WEAK, NAME, 0, F_INITIALS};
}

static void doubt_dotted(Scene *scene, int32_t k) {
    if (!is_dotted(scene, k) || scene->atoms[k].shape == SMALL || !is_dotted(scene, k + 1) || scene->atoms[k + 1].gap > SPACED) return;
    const Slot *slot = find_form(scene->table, join_hash(scene->atoms[k].hash, scene->atoms[k + 1].hash, 1), F_INITIALS);
    if (slot && is_surely_somebody(scene, k + 1)) mark_range(scene, k, k + 1, slot->item, NAME, F_INITIALS);
    else doubt(scene, k, k + 1, slot);
}

/* JD where somebody is spoken of; the chart has such initials. */
void find_initials(Scene *scene) {
    for (int32_t k = 0; k < scene->count; k++) read_small_initials(scene, k);
    for (int32_t k = 0; k < scene->count; k++) {
        const Atom *atom = &scene->atoms[k];
        if (atom->kind != LETTERS || atom->length > 3 || scene->marks[k].strength == STRONG) continue;
        int32_t last = k;
        uint64_t hash = atom->hash;
        if (atom->gap == GLUED) continue;
        if (k + 1 < scene->count && atom[1].gap == GLUED && atom[1].kind == LETTERS && atom->shape != SMALL) { /* SCv */
            last = k + 1;
            hash = join_hash(hash, atom[1].hash, atom[1].length);
        }
        if (scene->atoms[last].end - atom->start > 3 || (last + 1 < scene->count && scene->atoms[last + 1].gap == GLUED)) continue;
        if (last == k && atom->length < 2) continue;
        const Slot *slot = find_form(scene->table, hash, F_INITIALS);
        if (!slot) continue;
        if (last > k) {
            mark_range(scene, k, last, slot->item, NAME, F_INITIALS);
            continue;
        }
        int told = is_surely_somebody(scene, k) || signs_log(scene, k) || signs_dictation(scene, k) || signs_line(scene, k);
        if (told || (!is_shouted(scene, k) && is_somebody(scene, k))) mark_range(scene, k, k, slot->item, NAME, F_INITIALS);
        else if (atom->shape == CAPITALS && atom->gap != HYPHEN && !(is_inside(scene, k + 1) && atom[1].gap == HYPHEN)) doubt(scene, k, k, slot);
    }
    for (int32_t k = 0; k < scene->count; k++) doubt_dotted(scene, k);
}
