/* Cuts spans out of notes and puts other text in their place: code points to bytes, gathering, splicing. */
#include "bailee.h"

static int64_t continuations(const uint8_t *bytes) {
    uint64_t eight;
    memcpy(&eight, bytes, 8);
    eight = (eight >> 7) & ~(eight >> 6) & UINT64_C(0x0101010101010101);
    return (int64_t)((eight * UINT64_C(0x0101010101010101)) >> 56);
}

/* Moves *at on to the start of code point `target`, or to the end; *point counts the code points that start before. */
static void advance(const uint8_t *bytes, int64_t size, int64_t target, int64_t *at, int64_t *point) {
    while (*at + 8 <= size) {
        int64_t points = 8 - continuations(bytes + *at);
        if (*point + points > target) break;
        *point += points;
        *at += 8;
    }
    for (; *at < size; (*at)++) {
        if ((bytes[*at] & 0xC0) == 0x80) continue;
        if (*point == target) return;
        (*point)++;
    }
}

/* Bytes of spans that are given in code points; spans sorted by note and start, `first` as offsets by note.
 * Returns 0, or -1 - span where a span is not sorted, overlaps, or leaves its note. */
EXPORT int64_t splice_places(const uint8_t *bytes, const int64_t *offsets, int64_t notes, const int64_t *first,
                             const int32_t *start, const int32_t *end, int64_t *from, int64_t *to) {
    for (int64_t n = 0; n < notes; n++) {
        const uint8_t *note = bytes + offsets[n];
        int64_t size = offsets[n + 1] - offsets[n], at = 0, point = 0;
        for (int64_t s = first[n]; s < first[n + 1]; s++) {
            if (start[s] < point || end[s] < start[s]) return -1 - s;
            advance(note, size, start[s], &at, &point);
            from[s] = offsets[n] + at;
            advance(note, size, end[s], &at, &point);
            to[s] = offsets[n] + at;
            if (point != end[s]) return -1 - s;
        }
    }
    return 0;
}

/* Copies slices one after the other; `into` receives their offsets. The caller sums the lengths for `out`. */
EXPORT void splice_gather(const uint8_t *bytes, const int64_t *from, const int64_t *to, int64_t slices, uint8_t *out, int64_t *into) {
    int64_t at = 0;
    for (int64_t s = 0; s < slices; s++) {
        into[s] = at;
        memcpy(out + at, bytes + from[s], (size_t)(to[s] - from[s]));
        at += to[s] - from[s];
    }
    into[slices] = at;
}

/* Writes every note with its spans replaced: span s by the text `which[s]` of a pool. The caller sizes `out`. */
EXPORT void splice_notes(const uint8_t *bytes, const int64_t *offsets, int64_t notes, const int64_t *first, const int64_t *from,
                         const int64_t *to, const int32_t *which, const uint8_t *pool, const int64_t *pool_at, uint8_t *out,
                         int64_t *out_at) {
    int64_t at = 0;
    for (int64_t n = 0; n < notes; n++) {
        int64_t read = offsets[n];
        out_at[n] = at;
        for (int64_t s = first[n]; s < first[n + 1]; s++) {
            int64_t kept = from[s] - read, new = pool_at[which[s] + 1] - pool_at[which[s]];
            memcpy(out + at, bytes + read, (size_t)kept);
            memcpy(out + at + kept, pool + pool_at[which[s]], (size_t)new);
            at += kept + new;
            read = to[s];
        }
        memcpy(out + at, bytes + read, (size_t)(offsets[n + 1] - read));
        at += offsets[n + 1] - read;
    }
    out_at[notes] = at;
}
