/* Rules over the tokens of notes: words to symbols, and one lazily built automaton of all rules run over them.
   A symbol is a word, one digit, one mark, or a run of blanks; every symbol has a class, every class a column of
   the automaton. All memory is the caller's; when the automaton's room is full it is emptied and built anew. */
#include "notes_text.h"

/* Classes that are always there: digits 0-9, blanks, then marks by their byte, then words as they are met. */
enum { ONE_BLANK = 10, WIDE_BLANK, LINE_END, PARAGRAPH, EDGE, MARKS = 16, WORDS = 144 };
/* Bits of a word's features above those of the word lists. */
enum { BIT_LOWER = 44, BIT_CAPITAL, BIT_UPPER, BIT_LETTER, BIT_MIXED, BIT_FOREIGN, BIT_LONG, BIT_HEX, BIT_ROMAN, BIT_TWO,
       BIT_THREE, BIT_FIVE, BIT_VOWEL, BIT_STREET, BIT_CARE, BIT_KIND, BIT_TERM, BIT_NUMBER, BIT_DISEASE };

typedef struct {
    const uint8_t *op;      /* 0 take a symbol, 1 split, 2 jump, 3 save, 4 accept */
    const int32_t *x, *y;   /* take: atom; split: two places; jump: place; save: slot; accept: rule */
    int64_t size;
    const uint8_t *truth;   /* truth[column * atoms + atom] */
    int64_t atoms;
} Program;

typedef struct {
    int16_t *next;          /* next[state * DENSE + column]: a state, 0 nothing, -1 not yet known */
    uint64_t *sparse;       /* the same for columns from DENSE on: state << 48 | column << 32 | next + 1, open table */
    int32_t *first, *count; /* each state's places in `pool` */
    int32_t *accept;        /* rule, or -1 */
    int32_t *table;         /* open table of states by hash, 0 is free */
    int32_t *pool;
    int32_t *stack, *mark, *list;
    int64_t state_room, pool_room, table_room, sparse_room; /* the last two are powers of two, and more than twice what they hold */
    int64_t *used;          /* states, places of pool, generation of marks, times emptied, places of sparse */
} Automaton;

/* Columns of the commonest classes, which are met first, have their own place in every state. */
enum { DENSE = 512 };

static uint64_t spread(uint64_t h) { return hash_end(h * UINT64_C(0x9E3779B97F4A7C15)); }

/* Put words into an open table by hash; the masks of a word that comes twice are joined. Returns -1 if it is full. */
EXPORT int64_t patterns_fill(const uint8_t *text, const int64_t *start, const int64_t *end, const uint64_t *mask, int64_t n,
                             uint64_t *keys, uint64_t *masks, int32_t bits) {
    uint64_t room = (uint64_t)1 << bits;
    int64_t added = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t h = HASH_START;
        for (int64_t c = start[i]; c < end[i]; c++) h = hash_byte(h, lowered(text[c]));
        h = hash_end(h);
        uint64_t at = spread(h) & (room - 1);
        while (keys[at] && keys[at] != h) at = (at + 1) & (room - 1);
        if (!keys[at]) {
            if ((uint64_t)++added >= room) return -1;
            keys[at] = h;
        }
        masks[at] |= mask[i];
    }
    return added;
}

static uint64_t masked(uint64_t h, const uint64_t *keys, const uint64_t *masks, int32_t bits) {
    uint64_t room = (uint64_t)1 << bits, at = spread(h) & (room - 1);
    while (keys[at]) {
        if (keys[at] == h) return masks[at];
        at = (at + 1) & (room - 1);
    }
    return 0;
}

/* Ends of German compounds, of family names, and of terms; a rule cannot list all such words. */
typedef struct {
    const char *text;
    int64_t length;
} Ending;

#define E(text) {text, sizeof text - 1}

static const Ending street_ends[] = {
    E("strasse"), E("str"), E("weg"), E("platz"), E("allee"), E("gasse"), E("ring"), E("damm"), E("ufer"), E("chaussee"),
    E("steig"), E("markt"), E("promenade"), E("straat"), E("laan"), E("gata"), E("vagen")};
static const Ending care_ends[] = {
    E("klinik"), E("klinikum"), E("kliniken"), E("krankenhaus"), E("hospital"), E("spital"), E("hospiz"), E("zentrum"),
    E("praxis"), E("apotheke"), E("pflegeheim"), E("altenheim"), E("stift")};
static const Ending name_ends[] = {
    E("ez"), E("son"), E("sson"), E("sen"), E("ski"), E("ska"), E("sky"), E("wicz"), E("icz"), E("vic"), E("evic"), E("ovic"),
    E("off"), E("enko"), E("chuk"), E("ova"), E("eva"), E("opoulos"), E("idis"), E("akis"), E("dottir"), E("mann"), E("berg"),
    E("stein"), E("feld"), E("meier"), E("mayer"), E("bauer"), E("escu"), E("eanu"), E("yan"), E("ian"), E("oglu"), E("zadeh"),
    E("pour"), E("wala"), E("singh"), E("ford"), E("worth"), E("shaw"), E("ham"), E("ton"), E("field"), E("bury"), E("quist"),
    E("strom"), E("nen"), E("vich"), E("vych"), E("shvili"), E("dze")};

static const Ending term_ends[] = {
    E("oma"), E("omas"), E("itis"), E("osis"), E("emia"), E("aemia"), E("oid"), E("ous"), E("ical"), E("tion"), E("tions"),
    E("sion"), E("ment"), E("ness"), E("ity"), E("ism"), E("pathy"), E("ectomy"), E("otomy"), E("ostomy"), E("plasty"),
    E("scopy"), E("graphy"), E("gram"), E("lysis"), E("trophy"), E("genic"), E("cyte"), E("cytic"), E("blast"), E("blastic"),
    E("plasia"), E("plastic"), E("mycin"), E("cillin"), E("azole"), E("pril"), E("sartan"), E("statin"), E("olol"), E("mab"),
    E("nib"), E("lar"), E("nary"), E("nal"), E("eal"), E("ial"), E("atic"), E("etic"), E("itic"), E("otic"), E("rhea"),
    E("uria"), E("algia"), E("phagia"), E("pnea"), E("esis"), E("asis"), E("ium"), E("ase"), E("ologic"), E("ology"), E("tive"),
    E("ing"), E("ed"), E("ated"), E("ally"), E("oscopic"), E("idine"), E("amine"), E("zine"), E("zole"), E("vir")};

static const Ending disease_ends[] = {
    E("oma"), E("omas"), E("omata"), E("itis"), E("osis"), E("oses"), E("emia"), E("aemia"), E("emie"), E("amie"), E("ectomy"),
    E("ectomia"), E("ectomie"), E("otomy"), E("otomia"), E("otomie"), E("ostomy"), E("plasty"), E("plastia"), E("plastie"),
    E("scopy"), E("scopia"), E("scopie"), E("pathy"), E("patia"), E("pathie"), E("plasia"), E("plasie"), E("trophy"),
    E("trofia"), E("trophie"), E("algia"), E("algie"), E("uria"), E("urie"), E("cytes"), E("cytosis"), E("lysis"), E("lisis"),
    E("penia"), E("penie"), E("cillin"), E("cilina"), E("mycin"), E("micina"), E("azole"), E("azol"), E("statin"), E("statina"),
    E("sartan"), E("olol"), E("umab"), E("imab"), E("zumab"), E("tinib"), E("ciclib"), E("gliptin"), E("floxacin"),
    E("cycline"), E("ciclina"), E("dipine"), E("pril"), E("rrhea"), E("phobia"), E("ergic"), E("fibrate"), E("parin"),
    E("toxin"), E("nephritis")};
static const Ending number_ends[] = {
    E("nummer"), E("nr")};

static int ends_in(const uint8_t *word, int64_t length, const Ending *ends, size_t count) {
    uint8_t last = lowered(word[length - 1]);
    for (size_t e = 0; e < count; e++) {
        int64_t n = ends[e].length, i = 0;
        if ((uint8_t)ends[e].text[n - 1] != last || length < n + 2) continue;
        while (i < n && lowered(word[length - n + i]) == (uint8_t)ends[e].text[i]) i++;
        if (i == n) return 1;
    }
    return 0;
}

#define ENDS_IN(ends) ends_in(word, length, ends, sizeof ends / sizeof *ends)

static uint64_t looks(const uint8_t *word, int64_t length, uint8_t shape) {
    static const uint8_t bit[] = {BIT_LOWER, BIT_CAPITAL, BIT_UPPER, BIT_LETTER, BIT_MIXED, BIT_LOWER, BIT_FOREIGN};
    uint64_t look = UINT64_C(1) << bit[shape > 6 ? 6 : shape];
    int hex = 1, roman = 1, vowel = 0;
    for (int64_t i = 0; i < length; i++) {
        uint8_t c = lowered(word[i]);
        if (!(c >= 'a' && c <= 'f')) hex = 0;
        if (c != 'i' && c != 'v' && c != 'x') roman = 0;
        if (c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y') vowel = 1;
    }
    if (length == 1 && shape == ONE_LOWER) look |= UINT64_C(1) << BIT_LETTER;
    if (hex) look |= UINT64_C(1) << BIT_HEX;
    if (roman) look |= UINT64_C(1) << BIT_ROMAN;
    if (vowel) look |= UINT64_C(1) << BIT_VOWEL;
    if (length >= 5 && shape != ALL_LOWER) {
        if (ENDS_IN(street_ends)) look |= UINT64_C(1) << BIT_STREET;
        if (ENDS_IN(care_ends)) look |= UINT64_C(1) << BIT_CARE;
        if (ENDS_IN(name_ends)) look |= UINT64_C(1) << BIT_KIND;
        if (ENDS_IN(term_ends)) look |= UINT64_C(1) << BIT_TERM;
        if (ENDS_IN(disease_ends)) look |= UINT64_C(1) << BIT_DISEASE;
    }
    if (length >= 5 && ENDS_IN(number_ends)) look |= UINT64_C(1) << BIT_NUMBER;
    if (length == 2) look |= UINT64_C(1) << BIT_TWO;
    if (length == 3) look |= UINT64_C(1) << BIT_THREE;
    if (length >= 4) look |= UINT64_C(1) << BIT_LONG;
    if (length >= 5) look |= UINT64_C(1) << BIT_FIVE;
    return look;
}

/* The class of a word: features and literal as a pair, numbered as met. Returns -1 when `room` classes are taken. */
static int32_t class_of(uint64_t feature, uint64_t literal, uint64_t *features, uint64_t *literals, int32_t *slots, int64_t slot_room,
                        int64_t room, int64_t *classes) {
    uint64_t at = spread(feature ^ spread(literal + 1)) & (uint64_t)(slot_room - 1);
    for (; slots[at]; at = (at + 1) & (uint64_t)(slot_room - 1)) {
        int32_t known = slots[at] - 1;
        if (features[known] == feature && literals[known] == literal) return known;
    }
    if (*classes >= room) return -1;
    int32_t fresh = (int32_t)(*classes)++;
    features[fresh] = feature;
    literals[fresh] = literal;
    slots[at] = fresh + 1;
    return fresh;
}

/* Turn tokens into symbols; `said` is what the word lists say of each. `memo` keeps the classes of the words met last. Every note begins and ends with EDGE. Returns the number of symbols; -1: more than
   `capacity`; -2: more classes than there is room for (the caller starts again with an empty table of classes). */
EXPORT int64_t patterns_symbols(const uint8_t *bytes, const int64_t *at, int64_t notes, const int64_t *first, const int32_t *start,
                                const int32_t *end, const uint8_t *kind, const uint8_t *shape, const uint64_t *hash,
                                const uint64_t *said, const uint64_t *literal_keys, const uint64_t *literal_ids,
                                int32_t literal_bits, uint64_t *features, uint64_t *literals, int32_t *slots,
                                int64_t slot_room, int64_t class_room, int64_t *classes, uint64_t *memo,
                                int32_t *memo_class, int64_t memo_room, int64_t capacity,
                                uint16_t *symbol, int32_t *from, int32_t *to, int64_t *begin) {
    int64_t n = 0;
    for (int64_t note = 0; note < notes; note++) {
        int64_t last = at[note];
        begin[note] = n;
        if (n >= capacity) return -1;
        symbol[n] = EDGE; from[n] = to[n] = (int32_t)last; n++;
        for (int64_t t = first[note]; t < first[note + 1]; t++) {
            if (n + 2 + (kind[t] == NUMBER ? end[t] - start[t] : 1) > capacity) return -1;
            if (start[t] > last && kind[t] != BREAK && n && symbol[n - 1] != LINE_END && symbol[n - 1] != PARAGRAPH) {
                int wide = start[t] - last > 1 || bytes[last] == '\t';
                symbol[n] = wide ? WIDE_BLANK : ONE_BLANK; from[n] = (int32_t)last; to[n] = start[t]; n++;
            }
            last = end[t];
            if (kind[t] == NUMBER) {
                for (int32_t c = start[t]; c < end[t]; c++) {
                    symbol[n] = (uint16_t)(bytes[c] - '0'); from[n] = c; to[n] = c + 1; n++;
                }
                continue;
            }
            if (kind[t] == BREAK) symbol[n] = shape[t] > 1 ? PARAGRAPH : LINE_END;
            else if (kind[t] == MARK) symbol[n] = (uint16_t)(MARKS + (bytes[start[t]] & 127));
            else {
                uint64_t word = spread(hash[t] + shape[t]) | 1;
                uint64_t seat = word >> 20 & (uint64_t)(memo_room - 1);
                if (memo[seat] != word) {
                    uint64_t feature = said[t] | looks(bytes + start[t], end[t] - start[t], shape[t]);
                    int32_t known = class_of(feature, masked(hash[t], literal_keys, literal_ids, literal_bits), features, literals,
                                             slots, slot_room, class_room, classes);
                    if (known < 0) return -2;
                    memo[seat] = word;
                    memo_class[seat] = known;
                }
                symbol[n] = (uint16_t)(WORDS + memo_class[seat]);
            }
            from[n] = start[t]; to[n] = end[t]; n++;
        }
        if (n >= capacity) return -1;
        symbol[n] = EDGE; from[n] = to[n] = (int32_t)at[note + 1]; n++;
    }
    begin[notes] = n;
    return n;
}

static int joins(uint16_t symbol) { return symbol < 10 || symbol >= WORDS; }

/* A digit that a point, comma or slash ties to the digit before it, or after it. */
static int tied(const uint16_t *symbol, int64_t place, int64_t step) {
    uint16_t mark = symbol[place];
    return (mark == MARKS + '.' || mark == MARKS + ',' || mark == MARKS + '/') && symbol[place + step] < 10;
}

static void follow(const Program *p, Automaton *a, int32_t place, int64_t *held) {
    int64_t top = 0;
    a->stack[top++] = place;
    while (top) {
        int32_t pc = a->stack[--top];
        if (a->mark[pc] == (int32_t)a->used[2]) continue;
        a->mark[pc] = (int32_t)a->used[2];
        switch (p->op[pc]) {
        case 1: a->stack[top++] = p->x[pc]; a->stack[top++] = p->y[pc]; break;
        case 2: a->stack[top++] = p->x[pc]; break;
        case 3: a->stack[top++] = pc + 1; break;
        default: a->list[(*held)++] = pc;
        }
    }
}

static void empty(Automaton *a) {
    memset(a->table, 0, (size_t)a->table_room * sizeof *a->table);
    a->used[0] = 1;
    a->used[1] = 0;
    a->used[3]++;
    a->used[4] = 0;
    memset(a->sparse, 0, (size_t)a->sparse_room * sizeof *a->sparse);
    a->first[0] = a->count[0] = 0;
    a->accept[0] = -1;
}

static void sort(int32_t *list, int64_t n) {
    for (int64_t i = 1; i < n; i++) {
        int32_t value = list[i];
        int64_t j = i;
        for (; j && list[j - 1] > value; j--) list[j] = list[j - 1];
        list[j] = value;
    }
}

/* The state of a set of places (a->list, `held` of them). -1: there is no room left. */
static int32_t state_of(const Program *p, Automaton *a, int64_t held) {
    if (!held) return 0;
    sort(a->list, held);
    uint64_t h = HASH_START;
    for (int64_t i = 0; i < held; i++) h = (h ^ (uint64_t)a->list[i]) * UINT64_C(1099511628211);
    uint64_t at = spread(h) & (uint64_t)(a->table_room - 1);
    for (; a->table[at]; at = (at + 1) & (uint64_t)(a->table_room - 1)) {
        int32_t known = a->table[at];
        if (a->count[known] == held && !memcmp(a->pool + a->first[known], a->list, (size_t)held * sizeof *a->list)) return known;
    }
    if (a->used[0] >= a->state_room || a->used[1] + held > a->pool_room) return -1;
    int32_t fresh = (int32_t)a->used[0]++;
    a->table[at] = fresh;
    a->first[fresh] = (int32_t)a->used[1];
    a->count[fresh] = (int32_t)held;
    a->accept[fresh] = -1;
    for (int64_t i = 0; i < held; i++) {
        int32_t pc = a->list[i];
        a->pool[a->used[1]++] = pc;
        if (p->op[pc] == 4 && (a->accept[fresh] < 0 || p->x[pc] < a->accept[fresh])) a->accept[fresh] = p->x[pc];
    }
    memset(a->next + (int64_t)fresh * DENSE, 255, DENSE * sizeof *a->next);
    return fresh;
}

static uint64_t *sparse_place(const Automaton *a, int32_t state, int32_t column) {
    uint64_t key = (uint64_t)state << 16 | (uint64_t)column;
    uint64_t at = (key * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (uint64_t)(a->sparse_room - 1);
    while (a->sparse[at] && a->sparse[at] >> 32 != key) at = (at + 1) & (uint64_t)(a->sparse_room - 1);
    return a->sparse + at;
}

/* Where a state goes from here if that is known already, else -1. */
static inline int32_t known_step(const Automaton *a, int32_t state, int32_t column) {
    if (column < DENSE) return a->next[(int64_t)state * DENSE + column];
    return (int32_t)(*sparse_place(a, state, column) & UINT64_C(0xFFFFFFFF)) - 1;
}

static int32_t step(const Program *p, Automaton *a, int32_t state, int32_t column) {
    int64_t held = 0;
    if (column >= DENSE && a->used[4] * 2 > a->sparse_room) return -1;
    a->used[2]++;
    for (int32_t i = 0; i < a->count[state]; i++) {
        int32_t pc = a->pool[a->first[state] + i];
        if (p->op[pc] == 0 && p->truth[(int64_t)column * p->atoms + p->x[pc]]) follow(p, a, pc + 1, &held);
    }
    int32_t reached = state_of(p, a, held);
    if (reached < 0) return -1;
    if (column < DENSE) a->next[(int64_t)state * DENSE + column] = (int16_t)reached;
    else {
        *sparse_place(a, state, column) = ((uint64_t)state << 16 | (uint64_t)column) << 32 | (uint64_t)(reached + 1);
        a->used[4]++;
    }
    return reached;
}

static int32_t begin_state(const Program *p, Automaton *a) {
    int64_t held = 0;
    a->used[2]++;
    follow(p, a, 0, &held);
    return state_of(p, a, held);
}

/* The part of symbols[from..to) that a rule marks, by one backtracking run of the rule alone that visits every pair
   of place and symbol once. `seen` holds size * (to - from + 1) bits, all zero before and after; `touched` as many
   places. Does nothing if the rule does not match. */
static void marked(const Program *p, const uint16_t *columns, int32_t entry, int64_t from, int64_t to, uint8_t *seen, int32_t *touched,
                   int64_t *jobs, int64_t *part) {
    int64_t width = to - from + 1, top = 0, count = 0;
    int done = 0;
    part[0] = from; part[1] = to;
    jobs[top++] = entry; jobs[top++] = from; jobs[top++] = from; jobs[top++] = to;
    while (top && !done) {
        int64_t end = jobs[--top], begin = jobs[--top], at = jobs[--top], pc = jobs[--top];
        for (;;) {
            int64_t bit = (pc - entry) * width + (at - from);
            if (seen[bit >> 3] & 1 << (bit & 7)) break;
            if (!seen[bit >> 3]) touched[count++] = (int32_t)(bit >> 3);
            seen[bit >> 3] |= (uint8_t)(1 << (bit & 7));
            if (p->op[pc] == 0) {
                if (at >= to || !p->truth[(int64_t)columns[at] * p->atoms + p->x[pc]]) break;
                at++; pc++;
            } else if (p->op[pc] == 1) {
                jobs[top++] = p->y[pc]; jobs[top++] = at; jobs[top++] = begin; jobs[top++] = end;
                pc = p->x[pc];
            } else if (p->op[pc] == 2) pc = p->x[pc];
            else if (p->op[pc] == 3) {
                if (p->x[pc]) end = at;
                else begin = at;
                pc++;
            } else {
                if (at != to) break;
                part[0] = begin; part[1] = end;
                done = 1;
                break;
            }
        }
    }
    while (count) seen[touched[--count]] = 0;
}

typedef struct {
    const uint16_t *symbol, *column;
    int64_t symbols, limit;
    const uint8_t *traits;
} Input;

/* The longest match that begins at one symbol: its end and rule (-1 if none). Returns 0, or -2 if one state is
   larger than the automaton's room. */
static int longest(const Program *p, Automaton *a, const Input *in, int32_t *root, int64_t i, int64_t *best, int32_t *rule) {
    const uint16_t *symbol = in->symbol;
    int64_t emptied = 0, stop = in->symbols - i < in->limit ? in->symbols : i + in->limit;
    int loose = i > 1 && symbol[i] < 10 && tied(symbol, i - 1, -1);
    int32_t state = *root;
    *rule = -1;
    *best = i;
    for (int64_t j = i; j < stop; j++) {
        int32_t reached = known_step(a, state, in->column[j]);
        if (reached < 0) {
            reached = step(p, a, state, in->column[j]);
            if (reached < 0) { /* no room: empty it and run this start again */
                empty(a);
                *root = begin_state(p, a);
                if (*root < 0 || emptied++) return -2;
                state = *root; *rule = -1; *best = i; j = i - 1;
                continue;
            }
        }
        if (!reached) break;
        state = reached;
        int32_t found = a->accept[state];
        if (found < 0 || (j + 1 < in->symbols && joins(symbol[j]) && joins(symbol[j + 1]))) continue;
        if (!(in->traits[found] & 1) && (loose || (j + 2 < in->symbols && symbol[j] < 10 && tied(symbol, j + 1, 1)))) continue;
        *best = j + 1;
        *rule = found;
    }
    return 0;
}

/* Run the automaton from every symbol that may begin something; the longest match wins, then the earlier rule. Where
   a rule marks a later part of its match, a rule that begins at that part and reaches further wins over it. Matches
   do not overlap: the next begins after what the last one marked. Rules with trait 1 may begin or end beside a digit
   tied by a point or slash, those with trait 2 mark a part, which with trait 4 is not yielded to a rule with trait 8
   (clinical language: `Mrs. Jones point` is no anatomy). Returns the number of hits; -1: more than `capacity`;
   -2: no room for one state; -3: tables whose search would not end. */
EXPORT int64_t patterns_scan(const uint8_t *op, const int32_t *x, const int32_t *y, int64_t size, const uint8_t *truth, int64_t atoms,
                             const int32_t *entry, const uint8_t *traits, int16_t *next, uint64_t *sparse, int32_t *first,
                             int32_t *count, int32_t *accept, int32_t *table, int32_t *pool, int32_t *stack, int32_t *mark,
                             int32_t *list, int64_t state_room, int64_t pool_room, int64_t table_room,
                             int64_t sparse_room, int64_t *used, int64_t limit,
                             const uint16_t *symbol, const uint16_t *column, int64_t symbols, uint8_t *seen, int32_t *touched, int64_t *jobs,
                             int64_t capacity, int32_t *hit_from, int32_t *hit_to, int32_t *hit_rule) {
    Program p = {op, x, y, size, truth, atoms};
    Automaton a = {next, sparse, first, count, accept, table, pool, stack, mark, list, state_room, pool_room, table_room, sparse_room, used};
    Input in = {symbol, column, symbols, limit, traits};
    int64_t hits = 0;
    if (table_room & (table_room - 1) || table_room < 2 * state_room || sparse_room & (sparse_room - 1)) return -3;
    if (!used[0]) empty(&a);
    if (used[2] > 1000000000) { memset(mark, 0, (size_t)size * sizeof *mark); used[2] = 0; }
    int32_t root = begin_state(&p, &a);
    if (root < 0) return -2;
    for (int64_t i = 0; i < symbols;) {
        if (i && joins(symbol[i]) && joins(symbol[i - 1])) { i++; continue; }
        int32_t rule;
        int64_t best, part[2];
        if (longest(&p, &a, &in, &root, i, &best, &rule)) return -2;
        if (rule < 0) { i++; continue; }
        part[0] = i; part[1] = best;
        if (traits[rule] & 2) {
            marked(&p, column, entry[rule], i, best, seen, touched, jobs, part);
            int32_t inner;
            int64_t reach, apart[2];
            if (part[0] > i && part[1] > part[0]) {
                if (longest(&p, &a, &in, &root, part[0], &reach, &inner)) return -2;
                apart[0] = part[0]; apart[1] = reach;
                if (inner >= 0 && traits[inner] & 2)
                    marked(&p, column, entry[inner], part[0], reach, seen, touched, jobs, apart);
                int firm = inner >= 0 && traits[rule] & 4 && traits[inner] & 8;
                if (inner >= 0 && !firm && apart[0] == part[0] && apart[1] > part[1]) { part[1] = apart[1]; rule = inner; }
            }
        }
        if (hits == capacity) return -1;
        hit_from[hits] = (int32_t)part[0]; hit_to[hits] = (int32_t)part[1]; hit_rule[hits] = rule; hits++;
        i = part[1] > i ? part[1] : i + 1;
    }
    return hits;
}
