/* What the notes' kernels share: classes of folded bytes, token kinds, the hash of a word. */
#ifndef BAILEE_NOTES_TEXT_H
#define BAILEE_NOTES_TEXT_H

#include "bailee.h"

enum { BLANK, LOWER, UPPER, DIGIT, PUNCT, NEWLINE, FOREIGN };
enum { WORD, NUMBER, MARK, BREAK };
/* Shapes of words; numbers have 16 + their length (at most 31), marks their own byte, breaks 1 or 2. */
enum { ALL_LOWER, CAPITALISED, ALL_UPPER, ONE_UPPER, MIXED_CASE, ONE_LOWER, OTHER_SCRIPT };

static inline int byte_class(uint8_t c) {
    if (c >= 128) return FOREIGN;
    if (c >= 'a' && c <= 'z') return LOWER;
    if (c >= 'A' && c <= 'Z') return UPPER;
    if (c >= '0' && c <= '9') return DIGIT;
    if (c == '\n' || c == '\r' || c == '\f' || c == '\v') return NEWLINE;
    if (c <= ' ' || c == 127) return BLANK;
    return PUNCT;
}

static inline uint8_t lowered(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 32) : c; }

#define HASH_START UINT64_C(14695981039346656037)

static inline uint64_t hash_byte(uint64_t h, uint8_t c) { return (h ^ c) * UINT64_C(1099511628211); }

static inline uint64_t hash_end(uint64_t h) {
    h ^= h >> 32;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

#endif
