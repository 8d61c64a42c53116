/* How two spellings may differ and still be one name: one edit, the same sound, the same look after a scanner. */
#include "chart.h"

static int is_vowel(uint8_t c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'; }

static uint8_t at_or_zero(const uint8_t *letters, int32_t length, int32_t at) {
    return at >= 0 && at < length ? letters[at] : 0;
}

/* One consonant sound at `i`; sets how many letters it took. 0 = silent. */
static uint8_t consonant(const uint8_t *w, int32_t n, int32_t i, int32_t *took) {
    uint8_t c = w[i], next = at_or_zero(w, n, i + 1);
    *took = 1;
    switch (c) {
    case 'p': if (next == 'h') { *took = 2; return 'f'; } return 'p';
    case 'g': if (next == 'h') { *took = 2; return i ? 0 : 'g'; } return 'g';
    case 'k': if (next == 'n' && !i) return 0; return 'k';
    case 'w': if (next == 'r' && !i) return 0; return is_vowel(next) && i == 0 ? 'w' : 0;
    case 'c':
        if (next == 'k' || next == 'h') { *took = 2; return 'k'; }
        return next == 'e' || next == 'i' || next == 'y' ? 's' : 'k';
    case 's': if (next == 'c' && at_or_zero(w, n, i + 2) == 'h') { *took = 3; return 's'; }
              if (next == 'h') *took = 2;
              return 's';
    case 't': if (next == 'h') *took = 2; return 't';
    case 'q': return 'k';
    case 'x': return 'k';
    case 'z': return 's';
    case 'v': return 'f';
    case 'j': return 'j';
    case 'h': return i ? 0 : 'h';
    default: return c;
    }
}

/* Hash of how a name sounds: first sound, then consonants, doubles once. 0 for other scripts and short words. */
uint64_t sound_of(const uint8_t *letters, int32_t length) {
    uint64_t hash = 0;
    uint8_t last = 0;
    int32_t sounds = 0;
    if (length < 4) return 0;
    for (int32_t i = 0; i < length;) {
        uint8_t c = letters[i];
        int32_t took = 1;
        if (c < 'a' || c > 'z') return 0;
        uint8_t sound = is_vowel(c) ? (i ? 0 : 'a') : consonant(letters, length, i, &took);
        if (sound && sound != last) {
            hash = hash * HASH_BASE + sound;
            sounds++;
        }
        last = is_vowel(c) ? 0 : sound;
        i += took;
    }
    return sounds >= 3 ? hash : 0;
}

/* Hash of how a word looks to a scanner: rn as m, cl as d, vv as w, 0 as o, 1, i and j as l, 2 as z, 5 as s, 8 as b, 9 as g. */
uint64_t shape_of(const uint8_t *letters, int32_t length) {
    uint64_t hash = 0;
    for (int32_t i = 0; i < length; i++) {
        uint8_t c = letters[i], next = at_or_zero(letters, length, i + 1);
        if (c == 'r' && next == 'n') c = 'm', i++;
        else if (c == 'c' && next == 'l') c = 'd', i++;
        else if (c == 'v' && next == 'v') c = 'w', i++;
        else if (c == '0') c = 'o';
        else if (c == '1' || c == 'i' || c == 'j') c = 'l';
        else if (c == '9') c = 'g';
        else if (c == '2') c = 'z';
        else if (c == '5') c = 's';
        else if (c == '8') c = 'b';
        hash = hash * HASH_BASE + c;
    }
    return hash;
}

/* Tells whether one insertion, deletion, substitution or swap of neighbours turns a into b (or none is needed). */
int within_one_edit(const uint8_t *a, int32_t m, const uint8_t *b, int32_t n) {
    if (m > n) {
        const uint8_t *t = a;
        int32_t k = m;
        a = b, b = t, m = n, n = k;
    }
    if (n - m > 1) return 0;
    int32_t i = 0, tail = 0;
    while (i < m && a[i] == b[i]) i++;
    while (tail < m - i && a[m - 1 - tail] == b[n - 1 - tail]) tail++;
    int32_t left = m - i - tail, right = n - i - tail;
    if (left <= 1 && right <= 1) return 1;
    return left == 2 && right == 2 && a[i] == b[i + 1] && a[i + 1] == b[i];
}

/* Tells whether a and b are at most `most` plain edits apart. */
int within_edits(const uint8_t *a, int32_t m, const uint8_t *b, int32_t n, int32_t most) {
    int32_t row[LONGEST_WORD + 1];
    if (m > LONGEST_WORD || n > LONGEST_WORD || m - n > most || n - m > most) return 0;
    for (int32_t j = 0; j <= n; j++) row[j] = j;
    for (int32_t i = 1; i <= m; i++) {
        int32_t corner = row[0];
        row[0] = i;
        for (int32_t j = 1; j <= n; j++) {
            int32_t above = row[j], change = corner + (a[i - 1] != b[j - 1]);
            int32_t least = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = change < least ? change : least;
            corner = above;
        }
    }
    return row[n] <= most;
}

/* Hashes of a word with each letter left out in turn. */
void hashes_without(const uint8_t *letters, int32_t length, uint64_t *out) {
    uint64_t tail = 0, power = 1;
    out[0] = 0;
    for (int32_t i = 1; i < length; i++) out[i] = out[i - 1] * HASH_BASE + letters[i - 1] + 1;
    for (int32_t i = length - 1; i >= 0; i--) {
        out[i] = out[i] * power + tail;
        tail += (letters[i] + 1) * power;
        power *= HASH_BASE;
    }
}
