/* The sequence model: hashed features, a window over neighbours, one hidden layer, best path. Integers only. */
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "notes_features.h"

#define WIDTH 48   /* numbers that a word form is summed up in */
#define HIDDEN 128
#define REACH 4    /* neighbours on each side */
#define SPAN (2 * REACH + 1)
#define RING 16 /* tokens whose sums are open at a time: SPAN and one more, rounded up */
#define STATES 16
#define FORMS 8192 /* pairs of word forms kept at a time */
#define TOP 8191   /* bound of a hidden number, so that 32-bit sums cannot overflow */
#define MOST 2800  /* bound of one neighbour's share, so that 16-bit sums cannot overflow */

#include "notes_wide.h" /* for these sizes */

_Static_assert(HIDDEN % 32 == 0 && STATES == 16, "the wide loops are written for such sizes");

typedef struct {
    const int8_t *form;         /* [form_rows][WIDTH] */
    const int8_t *context;      /* [context_rows][HIDDEN], in units of two */
    const int16_t *window;      /* [SPAN][WIDTH / 2][HIDDEN][2] */
    const int16_t *form_bias;   /* [WIDTH] */
    const int16_t *hidden_bias; /* [HIDDEN] */
    const int16_t *out;         /* [STATES][HIDDEN] */
    const int32_t *out_bias;    /* [STATES] */
    const int32_t *step;        /* [STATES from][STATES to] */
    uint32_t form_rows, context_rows; /* powers of two */
    int32_t window_shift;
    int wide; /* use the loops of notes_wide.h */
    int32_t least[STATES][STATES]; /* [best state][other]: a state further behind the best can no longer lead to the best path */
} Model;

typedef struct {
    uint64_t key;
    int16_t share[SPAN][HIDDEN];
} Form;

/* The numbers of a form that are not both nothing, two by two, with their place. */
typedef struct {
    int place[WIDTH / 2];
    int32_t pair[WIDTH / 2];
    int count;
} Pairs;

static void pairs_of(const int16_t *sum, Pairs *out) {
    out->count = 0;
    for (int i = 0; i < WIDTH; i += 2)
        if (sum[i] | sum[i + 1]) {
            out->place[out->count] = i * HIDDEN;
            out->pair[out->count++] = (int32_t)((uint32_t)(uint16_t)sum[i + 1] << 16 | (uint16_t)sum[i]);
        }
}

/* share[h] = sum over the pairs of weights times numbers, shifted right, kept in bounds; sixteen of them */
static void share_block(const int16_t *weights, const Pairs *pairs, int shift, int16_t *share) {
#ifdef __SSE2__
    __m128i total[4] = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
    for (int i = 0; i < pairs->count; i++) {
        const __m128i *row = (const __m128i *)(weights + pairs->place[i]);
        __m128i pair = _mm_set1_epi32(pairs->pair[i]);
        for (int k = 0; k < 4; k++) total[k] = _mm_add_epi32(total[k], _mm_madd_epi16(_mm_loadu_si128(row + k), pair));
    }
    const __m128i most = _mm_set1_epi16(MOST), least = _mm_set1_epi16(-MOST), by = _mm_cvtsi32_si128(shift);
    for (int k = 0; k < 4; k += 2) {
        __m128i both = _mm_packs_epi32(_mm_sra_epi32(total[k], by), _mm_sra_epi32(total[k + 1], by));
        _mm_storeu_si128((__m128i *)(share + 4 * k), _mm_max_epi16(_mm_min_epi16(both, most), least));
    }
#else
    for (int h = 0; h < 16; h++) {
        int32_t total = 0;
        for (int i = 0; i < pairs->count; i++) {
            const int16_t *row = weights + pairs->place[i] + 2 * h;
            total += (int32_t)row[0] * (int16_t)pairs->pair[i] + (int32_t)row[1] * (int16_t)(pairs->pair[i] >> 16);
        }
        total >>= shift;
        share[h] = (int16_t)(total > MOST ? MOST : total < -MOST ? -MOST : total);
    }
#endif
}

/* sum[i] += row[i] << twice, for a multiple of 16 numbers */
static inline void add_row(const int8_t *restrict row, int16_t *restrict sum, int count, int twice) {
#ifdef __SSE2__
    const __m128i zero = _mm_setzero_si128();
    for (int i = 0; i < count; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(row + i));
        __m128i *low = (__m128i *)(sum + i), *high = (__m128i *)(sum + i + 8);
        _mm_storeu_si128(low, _mm_add_epi16(_mm_loadu_si128(low), _mm_srai_epi16(_mm_unpacklo_epi8(zero, bytes), 8 - twice)));
        _mm_storeu_si128(high, _mm_add_epi16(_mm_loadu_si128(high), _mm_srai_epi16(_mm_unpackhi_epi8(zero, bytes), 8 - twice)));
    }
#else
    for (int i = 0; i < count; i++) sum[i] = (int16_t)(sum[i] + row[i] * (1 << twice));
#endif
}

/* What a word form adds to the hidden sums of the tokens around it. */
static void form_shares(const Model *m, const Notes *in, int64_t t, Form *out) {
    Lexical features;
    int16_t sum[WIDTH];
    lexical_features(in, t, &features);
    memcpy(sum, m->form_bias, sizeof sum);
    for (int f = 0; f < features.count; f++)
        add_row(m->form + (int64_t)(features.ids[f] & (m->form_rows - 1)) * WIDTH, sum, WIDTH, 0);
    for (int i = 0; i < WIDTH; i++) sum[i] = sum[i] > 0 ? sum[i] : 0;
    Pairs pairs;
    pairs_of(sum, &pairs);
    for (int p = 0; p < SPAN; p++) {
        const int16_t *weights = m->window + (int64_t)p * HIDDEN * WIDTH;
        if (m->wide) {
            for (int h = 0; h < HIDDEN; h += 32)
                wide_share(weights + 2 * h, pairs.place, pairs.pair, pairs.count, m->window_shift, MOST, out->share[p] + h);
            continue;
        }
        for (int h = 0; h < HIDDEN; h += 16) share_block(weights + 2 * h, &pairs, m->window_shift, out->share[p] + h);
    }
}

/* Two forms with one key have the same features: of a long number these hang on its shape and its first two digits. */
static inline uint64_t form_key(const Notes *in, int64_t t) {
    int64_t size = in->end[t] - in->start[t];
    const uint8_t *b = in->bytes + in->start[t];
    if (in->kind[t] == NUMBER && size > 4) return (((uint64_t)b[0] << 8 | b[1]) * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)in->shape[t] << 56) | 1;
    return (in->hash[t] ^ (uint64_t)in->shape[t] << 56 ^ (uint64_t)in->kind[t] << 53) | 1;
}

/* Forms are kept in pairs, the last used one first. */
static const Form *form_of(const Model *m, const Notes *in, int64_t t, Form *forms, uint8_t *newer) {
    uint64_t key = form_key(in, t);
    uint64_t slot = (key >> 20) % FORMS;
    Form *pair = forms + 2 * slot;
    if (pair[newer[slot]].key == key) return &pair[newer[slot]];
    newer[slot] ^= 1;
    Form *form = &pair[newer[slot]];
    if (form->key != key) {
        form_shares(m, in, t, form);
        form->key = key;
    }
    return form;
}

/* Scores of the states from a token's hidden sums and context features. */
static void state_scores(const Model *m, const int16_t *restrict sums, const uint32_t *ids, int32_t *restrict score) {
    if (m->wide) {
        wide_scores(m->context, ids, CONTEXTS, m->context_rows - 1, sums, m->out, m->out_bias, TOP, score);
        return;
    }
    int16_t hidden[HIDDEN];
    memcpy(hidden, sums, sizeof hidden);
    for (int f = 0; f < CONTEXTS; f++)
        add_row(m->context + (int64_t)(ids[f] & (m->context_rows - 1)) * HIDDEN, hidden, HIDDEN, 1);
    for (int h = 0; h < HIDDEN; h++) hidden[h] = hidden[h] > TOP ? TOP : hidden[h] > 0 ? hidden[h] : 0;
    for (int s = 0; s < STATES; s++) {
        const int16_t *restrict weights = m->out + s * HIDDEN;
        int32_t total = 0;
        for (int h = 0; h < HIDDEN; h++) total += (int32_t)weights[h] * hidden[h];
        score[s] = (total >> 8) + m->out_bias[s];
    }
}

static void path_start(const int32_t *score, int32_t *best) {
    int32_t top = score[0];
    for (int s = 1; s < STATES; s++) top = score[s] > top ? score[s] : top;
    for (int s = 0; s < STATES; s++) best[s] = score[s] - top;
}

/* One step of the best path: `best` holds the scores so far, the best of them 0, `back` gets where each came from. */
static void path_step(const Model *m, const int32_t *restrict score, int32_t *restrict best, uint8_t *restrict back) {
    int lead = 0;
    while (best[lead]) lead++;
    const int32_t *least = m->least[lead];
    if (m->wide) {
        wide_step(m->step, least, score, best, back);
        return;
    }
    int32_t next[STATES], come[STATES] = {0}, top = INT32_MIN;
    for (int to = 0; to < STATES; to++) next[to] = best[0] + m->step[to];
    for (int from = 1; from < STATES; from++) {
        if (best[from] < least[from]) continue;
        const int32_t *restrict step = m->step + from * STATES;
        for (int to = 0; to < STATES; to++) {
            int32_t value = best[from] + step[to];
            come[to] = value > next[to] ? from : come[to];
            next[to] = value > next[to] ? value : next[to];
        }
    }
    for (int s = 0; s < STATES; s++) {
        back[s] = (uint8_t)come[s];
        next[s] += score[s];
        top = next[s] > top ? next[s] : top;
    }
    for (int s = 0; s < STATES; s++) best[s] = next[s] - top;
}

/* By how much the best label's score is above that of nothing, the neighbours' labels left aside. */
static int16_t margin_of(const int32_t *score) {
    int32_t top = score[1];
    for (int s = 2; s < STATES; s++) top = score[s] > top ? score[s] : top;
    top -= score[0];
    return (int16_t)(top > INT16_MAX ? INT16_MAX : top < INT16_MIN ? INT16_MIN : top);
}

/* Ask for memory that will be needed soon. */
static inline void fetch(const void *place, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)place + i);
}

static void fetch_form(const Notes *in, int64_t t, const Form *forms, const uint8_t *newer) {
    uint64_t slot = (form_key(in, t) >> 20) % FORMS;
    fetch(&forms[2 * slot + newer[slot]], sizeof *forms);
}

/* Add a form's shares to the sums of the tokens around token t; share[p] goes to the one REACH - p places after it. */
static void add_shares(const Model *m, const Form *form, int64_t t, int64_t from, int16_t ring[RING][HIDDEN]) {
    for (int p = 0; p < SPAN; p++) {
        int64_t target = t + REACH - p;
        if (target < from) continue;
        if (m->wide) {
            wide_add(form->share[p], ring[target % RING]);
            continue;
        }
        int16_t *restrict sums = ring[target % RING];
        const int16_t *restrict share = form->share[p];
        for (int h = 0; h < HIDDEN; h++) sums[h] = (int16_t)(sums[h] + share[h]);
    }
}

static void tag_note(const Model *m, const Notes *in, int64_t note, const int32_t *raise, const uint8_t *class, Form *forms, uint8_t *newer,
                     uint8_t *back, uint8_t *echo, uint8_t *state, int16_t *margin) {
    int64_t from = in->first[note], to = in->first[note + 1];
    int16_t ring[RING][HIDDEN];
    int32_t best[STATES] = {0}, score[STATES];
    uint32_t ids[2][CONTEXTS];
    Walk walk;
    if (to == from) return;
    walk_start(in, from, to, echo, &walk);
    for (int p = 0; p < RING; p++) memcpy(ring[p], m->hidden_bias, sizeof ring[p]);
    /* three stages follow each other: shares of t, context features of t - REACH, scores and path of t - REACH - 1 */
    for (int64_t t = from; t < to + REACH + 1; t++) {
        if (t + 2 < to) fetch_form(in, t + 2, forms, newer);
        if (t < to) add_shares(m, form_of(m, in, t, forms, newer), t, from, ring);
        int64_t seen = t - REACH, done = seen - 1;
        if (seen >= from && seen < to) {
            context_features(in, note, seen, &walk, ids[seen & 1]);
            for (int f = 0; f < CONTEXTS; f++)
                __builtin_prefetch(m->context + (int64_t)(ids[seen & 1][f] & (m->context_rows - 1)) * HIDDEN);
        }
        if (done < from) continue;
        state_scores(m, ring[done % RING], ids[done & 1], score);
        margin[done] = margin_of(score);
        for (int s = 0; s < STATES; s++) score[s] += raise[class[done] * STATES + s];
        if (done == from) path_start(score, best);
        else path_step(m, score, best, back + (done - from) * STATES);
        memcpy(ring[done % RING], m->hidden_bias, sizeof ring[0]);
    }
    int top = 0;
    for (int s = 1; s < STATES; s++) if (best[s] > best[top]) top = s;
    for (int64_t t = to - 1; t >= from; t--) {
        state[t] = (uint8_t)top;
        top = back[(t - from) * STATES + top];
    }
}

/* Whether this machine has what notes_wide.h needs. */
EXPORT int32_t notes_wide(void) {
    return is_wide();
}

/* How many bytes `kept` has. */
EXPORT int64_t notes_kept(void) { return 2 * FORMS * (int64_t)sizeof(Form) + FORMS; }

/* Tag every token of every note; `margin` tells how near each was to a label. Row class[t] of `raise` is added to the states' scores of
   token t. `kept` is all zero before the first call with a model, and as that call left it for the next ones.
   Returns 0, or -1 if there was no memory. */
EXPORT int64_t notes_tag(const uint8_t *bytes, const int64_t *at, int64_t notes, const int64_t *first, const int32_t *start,
                         const int32_t *end, const uint8_t *kind, const uint8_t *shape, const uint64_t *hash,
                         const uint64_t *mask, const uint32_t *said, const void *const *parts, const int32_t *sizes, const int32_t *raise,
                         const uint8_t *class, uint8_t *kept, uint8_t *state, int16_t *margin) {
    Notes in = {bytes, at, first, start, end, kind, shape, hash, mask, said};
    Model m = {parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7],
               (uint32_t)sizes[0], (uint32_t)sizes[1], sizes[2], sizes[3] && is_wide(), {{0}}};
    for (int lead = 0; lead < STATES; lead++)
        for (int other = 0; other < STATES; other++) {
            int32_t gain = INT32_MIN;
            for (int to = 0; to < STATES; to++) {
                int32_t over = m.step[other * STATES + to] - m.step[lead * STATES + to];
                gain = over > gain ? over : gain;
            }
            m.least[lead][other] = -gain;
        }
    int64_t longest = 0;
    for (int64_t n = 0; n < notes; n++) longest = first[n + 1] - first[n] > longest ? first[n + 1] - first[n] : longest;
    Form *forms = (Form *)kept;
    uint8_t *newer = kept + 2 * FORMS * sizeof *forms;
    uint8_t *back = malloc((size_t)longest * STATES + 1);
    uint8_t *echo = malloc((size_t)echo_size(longest));
    int64_t answer = back && echo ? 0 : -1;
    if (answer == 0)
        for (int64_t n = 0; n < notes; n++) tag_note(&m, &in, n, raise, class, forms, newer, back, echo, state, margin);
    free(back);
    free(echo);
    return answer;
}

#define AHEAD 16 /* how many words ahead their places are asked for */

/* What the word lists say of each token. The table is open: pairs of key and mask, 1 << bits of them, key 0 is empty. */
EXPORT void notes_lookup(const uint64_t *hash, int64_t n, const uint64_t *table, int32_t bits, uint64_t *out) {
    uint64_t last = (UINT64_C(1) << bits) - 1;
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(table + 2 * (hash[i + AHEAD] & last));
        uint64_t place = hash[i] & last;
        while (table[2 * place] && table[2 * place] != hash[i]) place = (place + 1) & last;
        out[i] = table[2 * place] ? table[2 * place + 1] : 0;
    }
}

/* Put words into such a table, adding their masks. Returns the entries, or -1 if it would be more than three quarters full. */
EXPORT int64_t notes_insert(const uint64_t *hash, const uint64_t *mask, int64_t n, uint64_t *table, int32_t bits) {
    uint64_t last = (UINT64_C(1) << bits) - 1;
    int64_t added = 0, most = (INT64_C(3) << bits) / 4;
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(table + 2 * (hash[i + AHEAD] & last), 1);
        uint64_t place = hash[i] & last;
        while (table[2 * place] && table[2 * place] != hash[i]) place = (place + 1) & last;
        if (!table[2 * place] && ++added > most) return -1;
        table[2 * place] = hash[i];
        table[2 * place + 1] |= mask[i];
    }
    return added;
}
