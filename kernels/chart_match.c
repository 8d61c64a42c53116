/* Reads notes against their patients' charts and writes the spans that it finds; memory is bounded by the longest note. */
#include <stdlib.h>

#include "chart.h"

typedef struct {
    int64_t capacity, count;
    int32_t *note, *start, *end;
    uint8_t *label, *strength;
} Spans;

enum { ADDRESS_REACH = 80 };

static int is_wire(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
           c == '+' || c == '@' || c == '%' || c >= 128;
}

/* A name inside an e-mail address or handle takes the whole of it. */
static uint8_t widen_to_address(const Scene *scene, int32_t *start, int32_t *end, uint8_t label) {
    int64_t from = *start, to = *end;
    int at = 0;
    while (from > 0 && *start - from < ADDRESS_REACH && is_wire(scene->bytes[from - 1])) at |= scene->bytes[--from] == '@';
    while (to < scene->size && to - *end < ADDRESS_REACH && is_wire(scene->bytes[to])) at |= scene->bytes[to++] == '@';
    for (int64_t i = *start; i < *end; i++) at |= scene->bytes[i] == '@';
    if (!at) return label;
    while (to > *end && (scene->bytes[to - 1] == '.' || scene->bytes[to - 1] == '-')) to--;
    *start = (int32_t)from;
    *end = (int32_t)to;
    return CONTACT;
}

static int goes_on(const Scene *scene, int32_t k) {
    const Mark *left = &scene->marks[k], *right = left + 1;
    const Atom *atom = &scene->atoms[k + 1];
    if (right->strength != STRONG) return 0;
    if (left->group && left->group == right->group) return 1;
    if (left->label != right->label || left->form == F_ID || right->form == F_ID || left->label == DATE) return 0;
    if (atom->gap == FAR || (atom->context & APART)) return 0;
    if (left->label == NAME && (atom->context & COMMA) && (left->role != FAMILY || right->role != GIVEN)) return 0;
    if (left->label != NAME && left->label != LOCATION && (atom->context & COMMA)) return 0;
    if (left->label == NAME) return !(atom->context & STARTS) || (atom->gap == LINE && !(atom[-1].context & DOTTED));
    return atom->gap <= SPACED && !(atom->context & STARTS);
}

static void add_span(Spans *spans, int32_t note, int32_t start, int32_t end, uint8_t label, uint8_t strength) {
    if (spans->count < spans->capacity) {
        spans->note[spans->count] = note;
        spans->start[spans->count] = start;
        spans->end[spans->count] = end;
        spans->label[spans->count] = label;
        spans->strength[spans->count] = strength;
    }
    spans->count++;
}

static void write_span(Spans *spans, const Scene *scene, int32_t note, int32_t first, int32_t last, int32_t *written) {
    int32_t start = scene->atoms[first].start, end = scene->atoms[last].end;
    uint8_t label = scene->marks[first].label;
    if (label == NAME || label == CONTACT) label = widen_to_address(scene, &start, &end, label);
    if (end <= *written) return;
    if (start < *written) start = *written;
    *written = end;
    add_span(spans, note, start, end, label, STRONG);
}

static int is_weak_name(const Scene *scene, int32_t k) {
    const Mark *mark = &scene->marks[k];
    return mark->strength == WEAK && mark->label == NAME && scene->atoms[k].kind == LETTERS && mark->form != F_INITIALS && scene->atoms[k].length > 1;
}

/* What only might be the chart's: somebody who knows the sentence decides. */
static void write_weak(Spans *spans, const Scene *scene, int32_t note) {
    for (int32_t k = 0; k < scene->count; k++) {
        const Mark *mark = &scene->marks[k];
        if (mark->strength == WEAK && mark->form == F_INITIALS) add_span(spans, note, scene->atoms[k].start, scene->atoms[k].end, NAME, NONE);
        if (!is_weak_name(scene, k)) continue;
        int32_t first = k;
        while (k + 1 < scene->count && is_weak_name(scene, k + 1) && scene->atoms[k + 1].gap <= SPACED && !(scene->atoms[k + 1].context & (APART | COMMA | STARTS))) k++;
        add_span(spans, note, scene->atoms[first].start, scene->atoms[k].end, NAME, WEAK);
    }
}

static void write_spans(Spans *spans, const Scene *scene, int32_t note) {
    int32_t written = 0;
    for (int32_t k = 0; k < scene->count; k++) {
        if (scene->marks[k].strength != STRONG) continue;
        int32_t last = k;
        while (last + 1 < scene->count && goes_on(scene, last)) last++;
        write_span(spans, scene, note, k, last, &written);
        k = last;
    }
}

/* A full stop ends a sentence unless an initial or a title stands before it. Most words tell the note's language. */
static void learn_context(Scene *scene, Atom *atoms) {
    int64_t english = 0, abroad = 0, words = 0, capitals = 0;
    for (int32_t k = 0; k < scene->count; k++) {
        uint32_t bits = scene->bits[k];
        english += (bits & KNOWN) != 0;
        words += atoms[k].kind == LETTERS;
        capitals += atoms[k].kind == LETTERS && atoms[k].shape != SMALL;
        abroad += (bits & (ABROAD | KNOWN)) == ABROAD;
        if (!k || !(atoms[k].context & AFTER_DOT)) continue;
        int initial = atoms[k - 1].kind == LETTERS && atoms[k - 1].length == 1 && atoms[k - 1].shape != SMALL;
        if (!initial && !(scene->bits[k - 1] & (HONORIFIC | STOPS_SHORT))) atoms[k].context |= STARTS;
    }
    scene->english = english >= 3 * abroad;
    scene->plain = capitals * 50 < words;
}

static void read_note(Scene *scene, Atom *atoms) {
    scene->count = (int32_t)cut_atoms(scene->bytes, scene->size, atoms);
    scene->groups = 0;
    for (int32_t k = 0; k < scene->count; k++) {
        scene->bits[k] = atoms[k].kind == LETTERS ? bits_of(scene->lexicon, atoms[k].word) : 0;
        scene->marks[k] = (Mark){-1, 0, 0, NONE, 0, 0, 0};
    }
    learn_context(scene, atoms);
    find_ids(scene);
    find_dates(scene);
    find_words(scene);
    find_broken(scene);
    weigh_words(scene);
    join_names(scene);
    find_initials(scene);
}

static int64_t longest_note(const int64_t *offsets, int64_t notes) {
    int64_t longest = 1;
    for (int64_t n = 0; n < notes; n++)
        if (offsets[n + 1] - offsets[n] > longest) longest = offsets[n + 1] - offsets[n];
    return longest;
}

/* Match notes in the given order (by chart, so that each table is built once); chart_of[note] < 0: no chart.
 * Spans are places from the note's start, in note order: STRONG ones sorted and apart from each other, then names that are
 * words (WEAK) and, atom by atom, initials that may stand for anything (NONE).
 * Returns how many there are: if more than `capacity`, call again with room; -1 without memory; -2 if one person of a chart
 * has more names than anybody has. */
EXPORT int64_t chart_match(const uint8_t *bytes, const int64_t *offsets, int64_t notes, const int32_t *order,
                           const int32_t *chart_of, const Charts *charts, const Lexicon *lexicon, int32_t point,
                           int64_t capacity, int32_t *note, int32_t *start, int32_t *end, uint8_t *label,
                           uint8_t *strength) {
    int64_t longest = longest_note(offsets, notes);
    Atom *atoms = malloc((size_t)longest * sizeof *atoms);
    Mark *marks = malloc((size_t)longest * sizeof *marks);
    uint32_t *bits = malloc((size_t)longest * sizeof *bits);
    Table table = {0};
    Spans spans = {capacity, 0, note, start, end, label, strength};
    int64_t built = -1, failed = !atoms || !marks || !bits ? -1 : 0;
    for (int64_t i = 0; i < notes && !failed; i++) {
        int32_t n = order[i], chart = chart_of[n];
        if (chart < 0) continue;
        if (chart != built) failed = build_table(&table, charts, chart);
        if (failed) break;
        built = chart;
        Scene scene = {bytes + offsets[n], offsets[n + 1] - offsets[n], atoms, marks, bits, 0, 0, point, 1, 0,
                       charts->first[chart], charts->first[chart + 1], charts, &table, lexicon};
        read_note(&scene, atoms);
        write_spans(&spans, &scene, n);
        write_weak(&spans, &scene, n);
    }
    free(atoms), free(marks), free(bits), free(table.slots);
    return failed ? failed : spans.count;
}
