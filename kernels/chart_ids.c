/* Identifiers of a chart with any separators: telephone numbers, record numbers, postal codes, their last four digits. */
#include "chart.h"

enum { LONG = 7, CUE_REACH = 4 };

static int has_length(const Table *table, int32_t length) {
    return length < 128 && (table->lengths[length >> 6] >> (length & 63) & 1);
}

static int is_cued(const Scene *scene, int32_t k, uint32_t cue) {
    if (scene->atoms[k].context & MASKED) return 1;
    for (int32_t back = k - 1; back >= 0 && back >= k - CUE_REACH; back--) {
        if (scene->bits[back] & cue) return 1;
        if (scene->atoms[back + 1].gap == FAR) return 0;
    }
    return 0;
}

/* A number begins with digits, or with letters that hang on digits (AB-1234). */
static int may_start(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    if (atom->kind == DIGITS) return 1;
    if (atom->kind != LETTERS || (k && atom->gap == GLUED && scene->atoms[k - 1].kind == DIGITS)) return 0;
    for (int32_t next = k + 1; next < scene->count && next <= k + 4; next++) {
        if (scene->atoms[next].gap > TIGHT) return 0;
        if (scene->atoms[next].kind == DIGITS) return 1;
    }
    return 0;
}

static int allows(const Scene *scene, int32_t k, int32_t length) {
    uint8_t gap = scene->atoms[k].gap;
    if (gap == GLUED || gap == HYPHEN) return 1;
    if (length < LONG) return 0;
    return gap <= LINE;
}

/* The longest identifier that begins at atom k. Returns its last atom, or -1. */
static int32_t longest_from(const Scene *scene, int32_t k, int32_t *item) {
    uint64_t code = 0;
    int32_t length = 0, best = -1, loose = 0, from_loose = 0;
    for (int32_t at = k; at < scene->count && length <= LONGEST_ID; at++) {
        const Atom *atom = &scene->atoms[at];
        if (at > k) {
            if (atom->gap == FAR || atom->kind == GLYPH) break;
            if (!allows(scene, at, 0)) loose = 1;
        }
        code = join_hash(code, atom->code, atom->length);
        length += atom->length;
        from_loose = loose && length < LONG;
        if (from_loose || !has_length(scene->table, length)) continue;
        const Slot *slot = find_form(scene->table, code, F_ID);
        if (!slot) continue;
        if ((scene->charts->id_flags[slot->item] & I_SHORT) && !is_cued(scene, k, CUES)) continue;
        best = at;
        *item = slot->item;
    }
    return best;
}

/* XXX-XX-1234, ending in 1234. */
static void try_last_four(Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    if (atom->length != 4 || atom->kind != DIGITS) return;
    int crossed = k > 0 && atom->gap <= HYPHEN && scene->atoms[k - 1].kind == LETTERS && (scene->bytes[scene->atoms[k - 1].start] | 32) == 'x';
    if (!crossed && !is_cued(scene, k, LAST_FOUR)) return;
    const Slot *slot = find_form(scene->table, atom->code, F_LAST4);
    if (slot) mark_range(scene, k, k, slot->item, scene->charts->id_label[slot->item], F_ID);
}

void find_ids(Scene *scene) {
    if (!scene->table->lengths[0] && !scene->table->lengths[1]) return;
    for (int32_t k = 0; k < scene->count; k++) {
        int32_t item = -1;
        if (!may_start(scene, k)) continue;
        int32_t last = longest_from(scene, k, &item);
        if (last < 0) {
            try_last_four(scene, k);
            continue;
        }
        mark_range(scene, k, last, item, scene->charts->id_label[item], F_ID);
        k = last;
    }
}
