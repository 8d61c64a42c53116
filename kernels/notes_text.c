/* Folding of notes to plain Latin letters with a map back to code points, and cutting them into tokens. */
#include "notes_text.h"

#define PAGES 4352 /* of 256 code points each: 0x110000 / 256 */

/* Decode one code point; a byte that belongs to no sequence counts as one. Returns the bytes eaten. */
static int decode(const uint8_t *b, int64_t left, uint32_t *point) {
    int want = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : b[0] >= 0xC2 ? 2 : 1;
    *point = 0xFFFD;
    if (b[0] < 0x80) { *point = b[0]; return 1; }
    if (want == 1 || want > left || b[0] > 0xF4) return 1;
    uint32_t value = b[0] & (0x7F >> want);
    for (int i = 1; i < want; i++) {
        if ((b[i] & 0xC0) != 0x80) return 1;
        value = value << 6 | (b[i] & 0x3F);
    }
    if (value >= 0x110000) return 1;
    *point = value;
    return want;
}

/* Which pages of 256 code points occur, and how many bytes of each note are outside ASCII. */
EXPORT int64_t notes_pages(const uint8_t *bytes, const int64_t *offsets, int64_t notes, uint8_t *seen, int32_t *high) {
    int64_t total = 0;
    for (int64_t n = 0; n < notes; n++) {
        int64_t at = offsets[n], end = offsets[n + 1], count = 0;
        while (at < end) {
            if (at + 8 <= end) {
                uint64_t eight;
                memcpy(&eight, bytes + at, 8);
                if (!(eight & UINT64_C(0x8080808080808080))) { at += 8; continue; }
            }
            if (bytes[at] < 0x80) { at++; continue; }
            uint32_t point;
            int eaten = decode(bytes + at, end - at, &point);
            seen[point >> 8] = 1;
            count += eaten;
            at += eaten;
        }
        high[n] = (int32_t)count;
        total += count;
    }
    return total;
}

/* Fold every note. `page_of` gives the row of `entries` for a page; an entry is pool offset << 8 | length.
   `origin` holds, for each folded byte of a note that is not plain ASCII, its code point's place in the note,
   and one more at the note's end. With `folded` null only the sizes are told: folded_at and origin_at are
   written in both rounds (origin_at is -1 for plain notes). Returns the total of folded bytes. */
EXPORT int64_t notes_fold(const uint8_t *bytes, const int64_t *offsets, int64_t notes, const int32_t *high,
                          const int32_t *page_of, const uint32_t *entries, const uint8_t *pool, uint8_t *folded,
                          int64_t *folded_at, int32_t *origin, int64_t *origin_at) {
    int64_t out = 0, mapped = 0;
    for (int64_t n = 0; n < notes; n++) {
        int64_t at = offsets[n], end = offsets[n + 1];
        folded_at[n] = out;
        origin_at[n] = -1;
        if (!high[n]) {
            if (folded) memcpy(folded + out, bytes + at, (size_t)(end - at));
            out += end - at;
            continue;
        }
        origin_at[n] = mapped;
        int32_t place = 0;
        for (; at < end; place++) {
            if (bytes[at] < 0x80) {
                if (folded) { folded[out] = bytes[at]; origin[mapped] = place; }
                out++; mapped++; at++;
                continue;
            }
            uint32_t point;
            at += decode(bytes + at, end - at, &point);
            uint32_t entry = entries[(int64_t)page_of[point >> 8] * 256 + (point & 255)];
            int64_t length = entry & 255;
            if (folded) {
                memcpy(folded + out, pool + (entry >> 8), (size_t)length);
                for (int64_t i = 0; i < length; i++) origin[mapped + i] = place;
            }
            out += length; mapped += length;
        }
        if (folded) origin[mapped] = place;
        mapped++;
    }
    folded_at[notes] = out;
    origin_at[notes] = mapped;
    return out;
}

EXPORT void notes_lower(const uint8_t *bytes, int64_t length, uint8_t *out) {
    for (int64_t i = 0; i < length; i++) out[i] = (uint8_t)(bytes[i] + ((uint8_t)(bytes[i] - 'A') < 26 ? 32 : 0));
}

static uint8_t word_shape(int64_t length, int64_t upper, int foreign, int first_upper) {
    if (foreign) return OTHER_SCRIPT;
    if (upper == 0) return length == 1 ? ONE_LOWER : ALL_LOWER;
    if (length == 1) return ONE_UPPER;
    if (upper == length) return ALL_UPPER;
    return upper == 1 && first_upper ? CAPITALISED : MIXED_CASE;
}

/* Cut notes into tokens: runs of letters, runs of digits, single marks, runs of line ends. Blanks are no tokens.
   Returns the number of tokens, or -1 if they do not fit into `capacity`. */
EXPORT int64_t notes_tokens(const uint8_t *bytes, const int64_t *offsets, int64_t notes, int64_t capacity, int32_t *start,
                            int32_t *end, uint8_t *kind, uint8_t *shape, uint64_t *hash, int64_t *first) {
    uint8_t class[256];
    for (int c = 0; c < 256; c++) class[c] = (uint8_t)byte_class((uint8_t)c);
    int64_t count = 0;
    for (int64_t n = 0; n < notes; n++) {
        int64_t at = offsets[n], stop = offsets[n + 1];
        first[n] = count;
        while (at < stop) {
            int kindly = class[bytes[at]];
            if (kindly == BLANK) { at++; continue; }
            if (count == capacity) return -1;
            int64_t from = at;
            uint64_t h = HASH_START;
            uint8_t look;
            if (kindly == PUNCT) {
                look = bytes[at];
                h = hash_byte(h, bytes[at++]);
                kind[count] = MARK;
            } else if (kindly == NEWLINE) {
                int lines = 0;
                for (; at < stop && (class[bytes[at]] == NEWLINE || class[bytes[at]] == BLANK); at++) {
                    if (bytes[at] != '\r' && class[bytes[at]] == NEWLINE) lines++;
                    if (bytes[at] == '\r' && (at + 1 == stop || bytes[at + 1] != '\n')) lines++;
                }
                look = lines > 1 ? 2 : 1;
                h = hash_byte(hash_byte(h, '\n'), look);
                kind[count] = BREAK;
            } else if (kindly == DIGIT) {
                for (; at < stop && class[bytes[at]] == DIGIT; at++) h = hash_byte(h, bytes[at]);
                look = (uint8_t)(16 + (at - from < 15 ? at - from : 15));
                kind[count] = NUMBER;
            } else {
                int64_t upper = 0;
                int foreign = 0;
                for (; at < stop; at++) {
                    int c = class[bytes[at]];
                    if (c != LOWER && c != UPPER && c != FOREIGN) break;
                    upper += c == UPPER;
                    foreign |= c == FOREIGN;
                    h = hash_byte(h, lowered(bytes[at]));
                }
                look = word_shape(at - from, upper, foreign, kindly == UPPER);
                kind[count] = WORD;
            }
            start[count] = (int32_t)from;
            end[count] = (int32_t)at;
            shape[count] = look;
            hash[count++] = hash_end(h);
        }
    }
    first[notes] = count;
    return count;
}

/* The hash that a token of each of these (folded) words would have. */
EXPORT void notes_hash(const uint8_t *bytes, const int64_t *start, const int64_t *end, int64_t words, uint64_t *hash) {
    for (int64_t w = 0; w < words; w++) {
        uint64_t h = HASH_START;
        for (int64_t i = start[w]; i < end[w]; i++) h = hash_byte(h, lowered(bytes[i]));
        hash[w] = hash_end(h);
    }
}
