/* The sequence model's inner loops for processors with AVX2: the same numbers as the plain loops of notes_model.c, sooner. */
#ifndef BAILEE_NOTES_WIDE_H
#define BAILEE_NOTES_WIDE_H

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <cpuid.h>
#include <immintrin.h>
#define WIDE __attribute__((target("avx2"), noinline))

/* Whether the processor has AVX2 and the system saves its registers. */
static int is_wide(void) {
    uint32_t a, b, c, d, saved;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (1u << 27 | 1u << 28)) != (1u << 27 | 1u << 28)) return 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
    if ((saved & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return b >> 5 & 1;
}

/* As share_block, for 32 numbers. */
static WIDE void wide_share(const int16_t *weights, const int *place, const int32_t *pairs, int count, int shift, int16_t most, int16_t *share) {
    __m256i total[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int i = 0; i < count; i++) {
        const __m256i *row = (const __m256i *)(weights + place[i]);
        __m256i pair = _mm256_set1_epi32(pairs[i]);
        for (int k = 0; k < 4; k++) total[k] = _mm256_add_epi32(total[k], _mm256_madd_epi16(_mm256_loadu_si256(row + k), pair));
    }
    const __m256i high = _mm256_set1_epi16(most), low = _mm256_set1_epi16((int16_t)-most);
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int k = 0; k < 4; k += 2) {
        __m256i both = _mm256_packs_epi32(_mm256_sra_epi32(total[k], by), _mm256_sra_epi32(total[k + 1], by));
        both = _mm256_permute4x64_epi64(both, 0xD8); /* packing works in halves */
        _mm256_storeu_si256((__m256i *)(share + 8 * k), _mm256_max_epi16(_mm256_min_epi16(both, high), low));
    }
}

/* sums[h] += share[h] for all hidden numbers */
static WIDE void wide_add(const int16_t *share, int16_t *sums) {
    for (int h = 0; h < HIDDEN; h += 16) {
        __m256i *place = (__m256i *)(sums + h);
        _mm256_storeu_si256(place, _mm256_add_epi16(_mm256_loadu_si256(place), _mm256_loadu_si256((const __m256i *)(share + h))));
    }
}

/* As state_scores, for 16 states. */
static WIDE void wide_scores(const int8_t *context, const uint32_t *ids, int count, uint32_t last, const int16_t *sums, const int16_t *out,
                             const int32_t *bias, int16_t top, int32_t *score) {
    __m256i hidden[HIDDEN / 16];
    for (int k = 0; k < HIDDEN / 16; k++) hidden[k] = _mm256_setzero_si256();
    for (int f = 0; f < count; f++) {
        const __m128i *row = (const __m128i *)(context + (int64_t)(ids[f] & last) * HIDDEN);
        for (int k = 0; k < HIDDEN / 16; k++) hidden[k] = _mm256_add_epi16(hidden[k], _mm256_cvtepi8_epi16(_mm_loadu_si128(row + k)));
    }
    for (int k = 0; k < HIDDEN / 16; k++) {
        __m256i sum = _mm256_add_epi16(_mm256_slli_epi16(hidden[k], 1), _mm256_loadu_si256((const __m256i *)(sums + 16 * k)));
        hidden[k] = _mm256_max_epi16(_mm256_min_epi16(sum, _mm256_set1_epi16(top)), _mm256_setzero_si256());
    }
    for (int s = 0; s < 16; s += 4) {
        __m256i total[4];
        for (int i = 0; i < 4; i++) {
            const __m256i *weights = (const __m256i *)(out + (s + i) * HIDDEN);
            total[i] = _mm256_madd_epi16(_mm256_loadu_si256(weights), hidden[0]);
            for (int k = 1; k < HIDDEN / 16; k++) total[i] = _mm256_add_epi32(total[i], _mm256_madd_epi16(_mm256_loadu_si256(weights + k), hidden[k]));
        }
        __m256i four = _mm256_hadd_epi32(_mm256_hadd_epi32(total[0], total[1]), _mm256_hadd_epi32(total[2], total[3]));
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
        _mm_storeu_si128((__m128i *)(score + s), _mm_add_epi32(_mm_srai_epi32(sum, 8), _mm_loadu_si128((const __m128i *)(bias + s))));
    }
}

/* As path_step; `least` says from where on each state can still lead to the best path. */
static WIDE void wide_step(const int32_t *steps, const int32_t *least, const int32_t *score, int32_t *best, uint8_t *back) {
    __m256i next[2], come[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int k = 0; k < 2; k++) next[k] = _mm256_add_epi32(_mm256_set1_epi32(best[0]), _mm256_loadu_si256((const __m256i *)steps + k));
    uint32_t open = 0;
    for (int k = 0; k < 2; k++) {
        __m256i behind = _mm256_cmpgt_epi32(_mm256_loadu_si256((const __m256i *)least + k), _mm256_loadu_si256((const __m256i *)best + k));
        open |= (uint32_t)(uint8_t)~_mm256_movemask_ps(_mm256_castsi256_ps(behind)) << 8 * k;
    }
    for (open &= ~1u; open; open &= open - 1) {
        int from = __builtin_ctz(open);
        __m256i value = _mm256_set1_epi32(best[from]), here = _mm256_set1_epi32(from);
        for (int k = 0; k < 2; k++) {
            __m256i reached = _mm256_add_epi32(value, _mm256_loadu_si256((const __m256i *)(steps + 16 * from) + k));
            come[k] = _mm256_blendv_epi8(come[k], here, _mm256_cmpgt_epi32(reached, next[k]));
            next[k] = _mm256_max_epi32(next[k], reached);
        }
    }
    for (int k = 0; k < 2; k++) next[k] = _mm256_add_epi32(next[k], _mm256_loadu_si256((const __m256i *)score + k));
    __m256i high = _mm256_max_epi32(next[0], next[1]);
    high = _mm256_max_epi32(high, _mm256_permute2x128_si256(high, high, 1));
    high = _mm256_max_epi32(high, _mm256_shuffle_epi32(high, 0x4E));
    high = _mm256_max_epi32(high, _mm256_shuffle_epi32(high, 0xB1));
    for (int k = 0; k < 2; k++) _mm256_storeu_si256((__m256i *)best + k, _mm256_sub_epi32(next[k], high));
    __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi32(come[0], come[1]), 0xD8);
    _mm_storeu_si128((__m128i *)back, _mm_packus_epi16(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
}
#else
#define is_wide() 0
#define wide_share(...) ((void)0)
#define wide_add(...) ((void)0)
#define wide_scores(...) ((void)0)
#define wide_step(...) ((void)0)
#endif

#endif
