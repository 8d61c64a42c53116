/* Training of the sequence model: features written out, sums over rows, their gradients, the chain's likelihood.
   Floating point is allowed here: what decides a release is the integer model that comes out. */
#include <math.h>
#include <stdlib.h>

#include "notes_features.h"

#define STATES 16

/* Write features: ids and groups of the lexical ones (begin[t]..begin[t + 1]), CONTEXTS ids each of the others.
   Returns how many lexical ids there are, -1 if they do not fit, -2 without memory. */
EXPORT int64_t notes_features(const uint8_t *bytes, const int64_t *at, int64_t notes, const int64_t *first, const int32_t *start,
                              const int32_t *end, const uint8_t *kind, const uint8_t *shape, const uint64_t *hash,
                              const uint64_t *mask, const uint32_t *said, int64_t capacity, uint32_t *ids, uint8_t *group, int64_t *begin,
                              uint32_t *context) {
    Notes in = {bytes, at, first, start, end, kind, shape, hash, mask, said};
    int64_t count = 0, longest = 0;
    for (int64_t n = 0; n < notes; n++) longest = first[n + 1] - first[n] > longest ? first[n + 1] - first[n] : longest;
    uint8_t *echo = malloc((size_t)echo_size(longest));
    if (!echo) return -2;
    for (int64_t n = 0; n < notes; n++) {
        Walk walk;
        walk_start(&in, first[n], first[n + 1], echo, &walk);
        for (int64_t t = first[n]; t < first[n + 1]; t++) {
            Lexical lexical;
            lexical_features(&in, t, &lexical);
            if (count + lexical.count > capacity) {
                free(echo);
                return -1;
            }
            begin[t] = count;
            memcpy(ids + count, lexical.ids, (size_t)lexical.count * sizeof *ids);
            memcpy(group + count, lexical.group, (size_t)lexical.count);
            count += lexical.count;
            context_features(&in, n, t, &walk, context + t * CONTEXTS);
        }
    }
    begin[first[notes]] = count;
    free(echo);
    return count;
}

/* Sum rows of a table for each token, leaving out the groups in its `drop`. */
EXPORT void notes_gather(const uint32_t *ids, const uint8_t *group, const int64_t *begin, const uint8_t *drop, int64_t tokens,
                         const float *table, uint32_t rows, int64_t width, float *out) {
    for (int64_t t = 0; t < tokens; t++) {
        float *sum = out + t * width;
        for (int64_t f = begin[t]; f < begin[t + 1]; f++) {
            if (group[f] & drop[t]) continue;
            const float *row = table + (int64_t)(ids[f] & (rows - 1)) * width;
            for (int64_t i = 0; i < width; i++) sum[i] += row[i];
        }
    }
}

#define OFTEN 200 /* uses of a row in one batch, beyond which its steps are made shorter */

/* Take a step down the gradient of each such row, its length set by what the row has seen, its size kept in bounds.
   All steps of a batch go by gradients of its beginning, so a row that is used very often would overshoot.
   Returns 0, or -1 without memory. */
EXPORT int64_t notes_scatter(const uint32_t *ids, const uint8_t *group, const int64_t *begin, const uint8_t *drop, int64_t tokens,
                             const float *gradient, float *table, float *seen, uint32_t rows, int64_t width, float rate,
                             float most) {
    uint32_t *uses = calloc(rows, sizeof *uses);
    if (!uses) return -1;
    for (int64_t t = 0; t < tokens; t++)
        for (int64_t f = begin[t]; f < begin[t + 1]; f++) uses[ids[f] & (rows - 1)] += !(group[f] & drop[t]);
    for (int64_t t = 0; t < tokens; t++) {
        const float *g = gradient + t * width;
        float size = 0;
        for (int64_t i = 0; i < width; i++) size += g[i] * g[i];
        if (size == 0) continue;
        size /= (float)width;
        for (int64_t f = begin[t]; f < begin[t + 1]; f++) {
            if (group[f] & drop[t]) continue;
            int64_t r = ids[f] & (rows - 1);
            float *row = table + r * width;
            seen[r] += size;
            float step = rate / (sqrtf(seen[r]) + 1e-6f);
            if (uses[r] > OFTEN) step *= (float)OFTEN / (float)uses[r];
            for (int64_t i = 0; i < width; i++) {
                float value = row[i] - step * g[i];
                row[i] = value > most ? most : value < -most ? -most : value;
            }
        }
    }
    free(uses);
    return 0;
}

static float log_sum(const float *values) {
    float top = values[0], sum = 0;
    for (int s = 1; s < STATES; s++) top = values[s] > top ? values[s] : top;
    for (int s = 0; s < STATES; s++) sum += expf(values[s] - top);
    return top + logf(sum);
}

/* Forward and backward over one chain restricted to `allowed` states; adds sign * marginals to the gradients.
   Returns the log of the sum over all paths. */
static double chain(const float *score, const uint16_t *allowed, int64_t n, const float *step, const float *power, float sign,
                    float *alpha, float *d_score, float *d_step) {
    const float never = -1e9f;
    double total = 0;
    for (int64_t t = 0; t < n; t++) {
        float *now = alpha + t * STATES;
        for (int s = 0; s < STATES; s++) {
            float reach = 0;
            if (t) for (int p = 0; p < STATES; p++) reach += now[p - STATES] * power[p * STATES + s];
            int open = !allowed || (allowed[t] >> s & 1);
            now[s] = open ? score[t * STATES + s] + (t ? logf(reach + 1e-30f) : 0) : never;
        }
        float norm = log_sum(now);
        total += norm;
        for (int s = 0; s < STATES; s++) now[s] = expf(now[s] - norm);
    }
    float beta[STATES], weighted[STATES];
    for (int s = 0; s < STATES; s++) beta[s] = 1;
    for (int64_t t = n - 1; t >= 0; t--) {
        float *now = alpha + t * STATES, sum = 1e-30f;
        for (int s = 0; s < STATES; s++) sum += now[s] * beta[s];
        for (int s = 0; s < STATES; s++) d_score[t * STATES + s] += sign * now[s] * beta[s] / sum;
        if (t == 0) break;
        /* weights of entering each state at t, scaled so that they stay in range */
        float top = never;
        for (int s = 0; s < STATES; s++) {
            int open = !allowed || (allowed[t] >> s & 1);
            weighted[s] = open ? score[t * STATES + s] : never;
            top = weighted[s] > top ? weighted[s] : top;
        }
        for (int s = 0; s < STATES; s++) weighted[s] = expf(weighted[s] - top) * beta[s];
        const float *before = now - STATES;
        float next[STATES], mass = 1e-30f, most = 1e-30f;
        for (int p = 0; p < STATES; p++) {
            next[p] = 0;
            for (int s = 0; s < STATES; s++) next[p] += power[p * STATES + s] * weighted[s];
            mass += before[p] * next[p];
            most = next[p] > most ? next[p] : most;
        }
        for (int p = 0; p < STATES; p++)
            for (int s = 0; s < STATES; s++)
                d_step[p * STATES + s] += sign * before[p] * power[p * STATES + s] * weighted[s] / mass;
        for (int p = 0; p < STATES; p++) beta[p] = next[p] / most;
    }
    (void)step;
    return total;
}

/* Negative log likelihood of the allowed states, and its gradients (added up). Returns it, or a negative number without memory. */
EXPORT double notes_chain(const float *score, const uint16_t *allowed, const int64_t *first, int64_t notes, const float *step,
                          float *d_score, float *d_step) {
    int64_t longest = 0;
    float power[STATES * STATES];
    for (int i = 0; i < STATES * STATES; i++) power[i] = expf(step[i]);
    for (int64_t n = 0; n < notes; n++) longest = first[n + 1] - first[n] > longest ? first[n + 1] - first[n] : longest;
    float *alpha = malloc((size_t)(longest * STATES + 1) * sizeof *alpha);
    if (!alpha) return -1;
    double loss = 0;
    for (int64_t n = 0; n < notes; n++) {
        int64_t from = first[n], size = first[n + 1] - from;
        const float *scores = score + from * STATES;
        float *gradient = d_score + from * STATES;
        loss += chain(scores, NULL, size, step, power, 1, alpha, gradient, d_step);
        loss -= chain(scores, allowed + from, size, step, power, -1, alpha, gradient, d_step);
    }
    free(alpha);
    return loss;
}
