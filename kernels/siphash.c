/* SipHash-2-4 with a 128-bit result, over every slice of a buffer. Source: Aumasson and Bernstein 2012. */
#include "bailee.h"

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define ROUND                                                                                                          \
    do {                                                                                                               \
        v0 += v1; v1 = ROTL(v1, 13); v1 ^= v0; v0 = ROTL(v0, 32);                                                      \
        v2 += v3; v3 = ROTL(v3, 16); v3 ^= v2;                                                                         \
        v0 += v3; v3 = ROTL(v3, 21); v3 ^= v0;                                                                         \
        v2 += v1; v1 = ROTL(v1, 17); v1 ^= v2; v2 = ROTL(v2, 32);                                                      \
    } while (0)

static uint64_t word(const uint8_t *at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void siphash128(const uint8_t *at, size_t size, uint64_t k0, uint64_t k1, uint64_t out[2]) {
    uint64_t v0 = k0 ^ 0x736f6d6570736575ULL, v1 = k1 ^ 0x646f72616e646f6dULL ^ 0xee;
    uint64_t v2 = k0 ^ 0x6c7967656e657261ULL, v3 = k1 ^ 0x7465646279746573ULL;
    size_t whole = size & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t m = word(at + i, 8);
        v3 ^= m; ROUND; ROUND; v0 ^= m;
    }
    uint64_t last = word(at + whole, size - whole) | ((uint64_t)(size & 0xff) << 56);
    v3 ^= last; ROUND; ROUND; v0 ^= last;
    v2 ^= 0xee; ROUND; ROUND; ROUND; ROUND;
    out[0] = v0 ^ v1 ^ v2 ^ v3;
    v1 ^= 0xdd; ROUND; ROUND; ROUND; ROUND;
    out[1] = v0 ^ v1 ^ v2 ^ v3;
}

/* out: 2 x n words. Slice i is buffer[offsets[i], offsets[i + 1]). Returns 0, or -1 if an offset leaves the buffer. */
EXPORT int32_t bailee_siphash128(const uint8_t *buffer, int64_t size, const int64_t *offsets, int64_t n,
                                 const uint8_t *key, uint64_t *out) {
    uint64_t k0 = word(key, 8), k1 = word(key + 8, 8);
    for (int64_t i = 0; i < n; i++) {
        if (offsets[i] < 0 || offsets[i + 1] < offsets[i] || offsets[i + 1] > size) return -1;
        siphash128(buffer + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), k0, k1, out + 2 * i);
    }
    return 0;
}
