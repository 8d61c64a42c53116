/* Cuts text into atoms: runs of letters or digits, single glyphs; knows case, what stands between, sentence starts. */
#include "chart.h"
#include "notes_text.h"

enum { N_OTHER, N_BLANK, N_LINE, N_DIGIT, N_LOWER, N_UPPER, N_FOREIGN };

static inline int nature(uint8_t c) {
    if (c >= 'a' && c <= 'z') return N_LOWER;
    if (c >= 'A' && c <= 'Z') return N_UPPER;
    if (c >= '0' && c <= '9') return N_DIGIT;
    if (c >= 128) return N_FOREIGN;
    if (c == '\n' || c == '\r' || c == '\f' || c == '\v') return N_LINE;
    return c <= ' ' || c == 127 ? N_BLANK : N_OTHER;
}

static inline uint8_t as_identifier(uint8_t letter) {
    return letter == 'o' ? '0' : (letter == 'i' || letter == 'l') ? '1' : letter;
}

typedef struct {
    int32_t blanks, lines, marks, dots, stops, hyphens, masks, apostrophes, commas, soft, quoted;
} Between;

static inline void note_separator(Between *between, uint8_t c, int kind) {
    between->quoted = c == '\'';
    if (kind == N_LINE) between->lines += c != '\r';
    else if (kind == N_BLANK) between->blanks++;
    else {
        between->marks++;
        between->dots += c == '.';
        between->stops += c == '!' || c == '?' || c == ';' || c == ':';
        between->commas += c == ',';
        between->hyphens += c == '-' || c == '_';
        between->masks += c == '*' || c == '#';
        between->apostrophes += c == '\'';
        between->soft += c == '"' || c == '(' || c == ')' || c == '`';
    }
}

static inline uint8_t gap_of(const Between *between) {
    int32_t blanks = between->blanks, marks = between->marks;
    if (between->lines) return between->lines <= 2 && marks <= 3 && blanks <= 40 ? LINE : FAR;
    if (!blanks && !marks) return GLUED;
    if (!blanks) return marks == 1 && between->hyphens ? HYPHEN : marks <= 3 ? TIGHT : FAR;
    return marks <= 3 && blanks <= 20 ? SPACED : FAR;
}

static inline uint16_t context_of(const Between *between, const Atom *previous) {
    uint16_t context = 0;
    if (!previous || between->lines) context |= STARTS;
    else if (between->stops && between->blanks) context |= STARTS;
    else if (between->dots && between->blanks) context |= AFTER_DOT;
    if (between->lines && between->hyphens == 1 && between->marks == 1) context |= DASHED;
    if (between->masks) context |= MASKED;
    if (between->apostrophes == 1 && between->marks == 1 && !between->blanks && !between->lines) context |= POSSESSIVE;
    if (between->blanks == 1 && !between->marks && !between->lines) context |= ONE_BLANK;
    if (between->commas) context |= COMMA;
    if (between->soft || (between->quoted && between->blanks)) context |= BRACKET;
    if (between->marks > between->dots + between->commas + between->hyphens + between->apostrophes + between->soft) context |= APART;
    return context;
}

static inline void seal(const uint8_t *bytes, Atom *atom) {
    uint64_t hash = 0, code = 0, word = HASH_START;
    int32_t length = atom->end - atom->start;
    for (int32_t at = atom->start; at < atom->end; at++) {
        uint8_t letter = lower_byte(bytes, at, atom->start, atom->end);
        hash = hash * HASH_BASE + letter + 1;
        code = code * HASH_BASE + as_identifier(letter) + 1;
        word = hash_byte(word, lower_letter(bytes[at]));
    }
    atom->word = hash_end(word);
    atom->hash = hash;
    atom->code = code;
    atom->length = (uint16_t)(length < 65535 ? length : 65535);
}

/* A letter of a script that is written without blanks between words takes three or four bytes from 0xE3 on. */
static inline int64_t glyph_bytes(const uint8_t *bytes, int64_t at, int64_t size) {
    int64_t want = bytes[at] >= 0xF0 ? 4 : 3;
    if (bytes[at] < 0xE3 || at + want > size) return 0;
    for (int64_t i = 1; i < want; i++)
        if ((bytes[at + i] & 0xC0) != 0x80) return 0;
    return want;
}

/* Where a run of letters ends: at another class, or where the case says that a new word begins (JohnSmith). */
static int64_t letters_end(const uint8_t *bytes, int64_t from, int64_t size, uint8_t *shape) {
    int64_t at = from;
    int32_t uppers = 0, lowers = 0, foreign = 0;
    for (; at < size; at++) {
        int kind = nature(bytes[at]);
        if (kind < N_LOWER || (kind == N_FOREIGN && glyph_bytes(bytes, at, size))) break;
        if (kind == N_UPPER) {
            if (lowers) break;
            uppers++;
        } else if (kind == N_LOWER) {
            if (uppers > 1 && !lowers) {
                *shape = CAPITALS;
                return at - 1;
            }
            lowers++;
        } else foreign++;
    }
    *shape = foreign ? CAPITAL : !uppers ? SMALL : lowers || uppers == 1 ? CAPITAL : CAPITALS;
    return at;
}

static inline int64_t atom_end(const uint8_t *bytes, int64_t from, int64_t size, Atom *atom) {
    int kind = nature(bytes[from]);
    int64_t at = from;
    atom->shape = CAPITAL;
    if (kind == N_DIGIT) {
        atom->kind = DIGITS;
        while (at < size && nature(bytes[at]) == N_DIGIT) at++;
        return at;
    }
    int64_t glyph = kind == N_FOREIGN ? glyph_bytes(bytes, at, size) : 0;
    atom->kind = glyph ? GLYPH : LETTERS;
    return glyph ? at + glyph : letters_end(bytes, from, size, &atom->shape);
}

/* Cuts one note. The caller gives room for one atom a byte. Returns how many there are. */
int64_t cut_atoms(const uint8_t *bytes, int64_t size, Atom *atoms) {
    int64_t count = 0;
    Between between = {0};
    for (int64_t at = 0; at < size;) {
        int kind = nature(bytes[at]);
        if (kind < N_DIGIT) {
            note_separator(&between, bytes[at], kind);
            if (count && bytes[at] == '.' && (at == atoms[count - 1].end || (at == atoms[count - 1].end + 1 && bytes[at - 1] == ' ')))
                atoms[count - 1].context |= DOTTED;
            at++;
            continue;
        }
        Atom *atom = &atoms[count];
        atom->gap = count ? gap_of(&between) : FAR;
        atom->context = context_of(&between, count ? atom - 1 : NULL);
        atom->start = (int32_t)at;
        at = atom_end(bytes, at, size, atom);
        atom->end = (int32_t)at;
        seal(bytes, atom);
        count++;
        memset(&between, 0, sizeof between);
    }
    return count;
}

uint64_t word_hash(const uint8_t *letters, int64_t length) {
    uint64_t word = HASH_START;
    for (int64_t i = 0; i < length; i++) word = hash_byte(word, lower_letter(letters[i]));
    return hash_end(word);
}

/* Writes the letters of the atoms first..last one after another, lower case. Returns how many, -1 if too many. */
int32_t copy_letters(const uint8_t *bytes, const Atom *first, const Atom *last, uint8_t *letters) {
    int32_t length = 0;
    for (const Atom *atom = first; atom <= last; atom++) {
        if (length + (atom->end - atom->start) > LONGEST_WORD) return -1;
        for (int32_t at = atom->start; at < atom->end; at++) letters[length++] = lower_byte(bytes, at, atom->start, atom->end);
    }
    return length;
}

/* Cuts the values of charts, one row an atom; every array of the caller, `scratch` too, holds one row a byte.
 * Returns the number of rows. */
EXPORT int64_t chart_cut(const uint8_t *bytes, const int64_t *offsets, int64_t values, Atom *scratch, int32_t *value,
                         uint64_t *hash, uint64_t *word, uint8_t *kind, int32_t *letter, uint16_t *length,
                         uint8_t *letters) {
    int64_t rows = 0;
    int32_t used = 0;
    for (int64_t v = 0; v < values; v++) {
        const uint8_t *from = bytes + offsets[v];
        int64_t count = cut_atoms(from, offsets[v + 1] - offsets[v], scratch);
        for (int64_t i = 0; i < count; i++, rows++) {
            const Atom *atom = &scratch[i];
            value[rows] = (int32_t)v;
            hash[rows] = atom->hash;
            word[rows] = atom->word;
            kind[rows] = atom->kind;
            letter[rows] = used;
            length[rows] = atom->length;
            for (int32_t at = atom->start; at < atom->end; at++) letters[used++] = lower_byte(from, at, atom->start, atom->end);
        }
    }
    return rows;
}

/* Hashes the letters and digits of identifiers, and of their last four. Writes how many characters each has. */
EXPORT void chart_codes(const uint8_t *bytes, const int64_t *offsets, int64_t values, uint64_t *code, uint64_t *last4,
                        int32_t *length) {
    for (int64_t v = 0; v < values; v++) {
        code[v] = last4[v] = 0;
        length[v] = 0;
        for (int64_t at = offsets[v]; at < offsets[v + 1]; at++) {
            if (nature(bytes[at]) < N_DIGIT) continue;
            code[v] = code[v] * HASH_BASE + as_identifier(lower_letter(bytes[at])) + 1;
            length[v]++;
        }
        int32_t left = 4;
        uint64_t power = 1;
        for (int64_t at = offsets[v + 1] - 1; at >= offsets[v] && left; at--) {
            if (nature(bytes[at]) < N_DIGIT) continue;
            last4[v] += (as_identifier(lower_letter(bytes[at])) + 1) * power;
            power *= HASH_BASE;
            left--;
        }
    }
}

/* The list bits of words that are known by their hashes. */
EXPORT void chart_bits(const Lexicon *lexicon, const uint64_t *word, int64_t words, uint32_t *bits) {
    for (int64_t w = 0; w < words; w++) bits[w] = bits_of(lexicon, word[w]);
}

/* Puts words into a lexicon; a word that comes twice has the bits of both. The table must be at most half full. */
EXPORT void chart_learn(uint64_t *keys, uint32_t *bits, uint64_t mask, const uint64_t *word, const uint32_t *add, int64_t words) {
    for (int64_t w = 0; w < words; w++) {
        uint64_t at = word[w] & mask;
        while (keys[at] && keys[at] != word[w]) at = (at + 1) & mask;
        keys[at] = word[w];
        int numbered = (bits[at] >> MONTH_SHIFT & 0xFFF) != 0;
        bits[at] |= numbered ? add[w] & ~(0xFFFu << MONTH_SHIFT) : add[w];
    }
}

EXPORT int32_t chart_atom_bytes(void) { return (int32_t)sizeof(Atom); }
