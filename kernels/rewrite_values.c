/* The rewriter's actions on one value. All deciding is done on decoded text and in integers. */
#include "rewrite.h"

#include "dates.h"

#include <stdlib.h>

static const span NOTHING = {NULL, 0};

span rewrite_text(rewriter *w, const json_token *value) {
  uint32_t size = value->end - value->start;
  if (!(value->flags & JSON_ESCAPED)) return (span){w->text + value->start, size};
  if (size > w->scratch_size) {
    uint8_t *fresh = realloc(w->scratch, size);
    if (!fresh) {
      w->failed = JSON_NO_MEMORY;
      return (span){w->text, 0};
    }
    w->scratch = fresh;
    w->scratch_size = size;
  }
  return (span){w->scratch, json_decode(w->text + value->start, size, w->scratch)};
}

static void put_span(rewriter *w, span text) { put(w, text.bytes, text.size); }

static void put_word(rewriter *w, const char *word) { put(w, word, (int64_t)strlen(word)); }

static int put_quoted(rewriter *w, span text) {
  put_byte(w, '"');
  put_span(w, text);
  put_byte(w, '"');
  return 1;
}

/* Write text as a JSON string. It is UTF-8: it comes from Arrow. */
static int put_escaped(rewriter *w, span text) {
  static const uint8_t SHORT[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
  put_byte(w, '"');
  uint32_t from = 0;
  for (uint32_t i = 0; i < text.size; i++) {
    uint8_t c = text.bytes[i];
    if (c >= ' ' && c != '"' && c != '\\') continue;
    put(w, text.bytes + from, i - from);
    from = i + 1;
    put_byte(w, '\\');
    if (c >= ' ' || SHORT[c]) {
      put_byte(w, c >= ' ' ? c : SHORT[c]);
    } else {
      put_word(w, "u00");
      put_byte(w, (uint8_t)"0123456789abcdef"[c >> 4]);
      put_byte(w, (uint8_t)"0123456789abcdef"[c & 15]);
    }
  }
  put(w, text.bytes + from, text.size - from);
  put_byte(w, '"');
  return 1;
}

static void put_raw_members(rewriter *w, const json_tape *tape, const uint8_t *text, uint32_t at) {
  const json_token *value = &tape->tokens[at];
  int is_object = value->kind == JSON_OBJECT;
  put_byte(w, is_object ? '{' : '[');
  uint32_t item = at + 1;
  for (int first = 1; item < value->next; first = 0) {
    if (!first) put_byte(w, ',');
    if (is_object) {
      const json_token *key = &tape->tokens[item++];
      put(w, text + key->start - 1, (int64_t)key->end - key->start + 2);
      put_byte(w, ':');
    }
    rewrite_raw(w, tape, text, item);
    item = json_after(tape, item);
  }
  put_byte(w, is_object ? '}' : ']');
}

void rewrite_raw(rewriter *w, const json_tape *tape, const uint8_t *text, uint32_t at) {
  const json_token *value = &tape->tokens[at];
  if (value->kind <= JSON_ARRAY && tape->flags & JSON_HAS_SPACE) {
    put_raw_members(w, tape, text, at);
  } else {
    uint32_t quote = value->kind == JSON_STRING;
    put(w, text + value->start - quote, (int64_t)value->end - value->start + 2 * quote);
  }
}

static int fits_shape(span text, span shape) {
  if (text.size != shape.size) return 0;
  for (uint32_t i = 0; i < text.size; i++) {
    uint8_t c = text.bytes[i], s = shape.bytes[i];
    int digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    int ok = s == '#' ? digit : s == '@' ? upper : s == '&' ? upper || digit : s == '~' ? lower : c == s;
    if (!ok) return 0;
  }
  return 1;
}

static int all_in(span text, const uint64_t chars[2]) {
  for (uint32_t i = 0; i < text.size; i++) {
    uint8_t c = text.bytes[i];
    if (c >= 128 || !(chars[c >> 6] >> (c & 63) & 1)) return 0;
  }
  return 1;
}

static int passes(rewriter *w, int32_t check_number, const json_token *value) {
  const plan_check *check = &w->plan->checks[check_number];
  if (check->kind == CHECK_NUMBER) return value->kind == JSON_NUMBER;
  if (check->kind == CHECK_BOOLEAN) return value->kind == JSON_TRUE || value->kind == JSON_FALSE;
  if (value->kind != JSON_STRING) return 0;
  span text = rewrite_text(w, value);
  if (check->kind == CHECK_ONE_OF) {
    return name_find(&w->plan->names, check->values, text.bytes, text.size, 0, json_hash(text.bytes, text.size)) != NULL;
  }
  if (check->kind == CHECK_CHARS) return text.size >= 1 && text.size <= (uint32_t)check->longest && all_in(text, check->chars);
  for (int32_t i = 0; check->kind == CHECK_SHAPE && i < check->count; i++) {
    if (fits_shape(text, plan_text(w->plan, check->first + i))) return 1;
  }
  return 0;
}

static int do_year(rewriter *w, span text, span suffix) {
  if (!date_length(text.bytes, text.size)) return 0;
  put_byte(w, '"');
  put(w, text.bytes, 4);
  put_span(w, suffix);
  put_byte(w, '"');
  return 1;
}

static int do_shift(rewriter *w, span text) {
  uint8_t moved[10];
  uint32_t length = date_length(text.bytes, text.size);
  if (!length || w->patient < 0 || !date_shift(text.bytes, length, w->people->shift_days[w->patient], moved)) return 0;
  put_byte(w, '"');
  put(w, moved, length);
  put(w, text.bytes + length, text.size - length);
  put_byte(w, '"');
  return 1;
}

static int do_zip3(rewriter *w, span text) {
  if (text.size != 5 && text.size != 9 && text.size != 10) return 0;
  uint32_t number = 0;
  for (uint32_t i = 0; i < text.size; i++) {
    uint8_t c = text.bytes[i];
    if (text.size == 10 && i == 5 ? c != '-' : c < '0' || c > '9') return 0;
    if (i < 3) number = number * 10 + (uint32_t)(c - '0');
  }
  return put_quoted(w, w->zip3[number] ? (span){text.bytes, 3} : (span){(const uint8_t *)"000", 3});
}

static void digits_of(span text, span *whole, int *has_fraction) {
  uint32_t from = 0, end = 0;
  while (end < text.size && text.bytes[end] != '.') end++;
  while (from < end && text.bytes[from] == '0') from++;
  *whole = (span){text.bytes + from, end - from};
  *has_fraction = 0;
  for (uint32_t i = end + 1; i < text.size; i++) *has_fraction |= text.bytes[i] != '0';
}

/* Above argument - 1 becomes the argument (a whole number without sign); a sign or an exponent is no age. */
static int do_age(rewriter *w, const plan_step *step, const json_token *value, int *changed) {
  span text = {w->text + value->start, value->end - value->start}, whole, fold = plan_text(w->plan, step->argument);
  for (uint32_t i = 0; i < text.size; i++) {
    if (text.bytes[i] != '.' && (text.bytes[i] < '0' || text.bytes[i] > '9')) return 0;
  }
  int fraction;
  digits_of(text, &whole, &fraction);
  uint64_t limit = 0, years = 0;
  for (uint32_t i = 0; i < fold.size; i++) limit = limit * 10 + (uint64_t)(fold.bytes[i] - '0');
  for (uint32_t i = 0; i < whole.size && i < 18; i++) years = years * 10 + (uint64_t)(whole.bytes[i] - '0');
  *changed = whole.size > 18 || years >= limit || (years + 1 == limit && fraction);
  put_span(w, *changed ? fold : text);
  return 1;
}

static void hash_parts(const blake2b_state *keyed, span a, span b, span c, uint8_t hex[64]) {
  blake2b_state state = *keyed;
  blake2b_update(&state, a.bytes, a.size);
  blake2b_update(&state, b.bytes, b.size);
  blake2b_update(&state, c.bytes, c.size);
  blake2b_hex(&state, hex);
}

static int put_hashed(rewriter *w, const blake2b_state *keyed, span a, span b, span c) {
  if (w->listing) return 1;
  uint8_t hex[64];
  hash_parts(keyed, a, b, c, hex);
  put(w, hex, 64);
  return 1;
}

static span word(const char *text) { return (span){(const uint8_t *)text, (uint32_t)strlen(text)}; }

static int is_word(span text, const char *other) { return text.size == strlen(other) && memcmp(text.bytes, other, text.size) == 0; }

/* The number of a patient whom this record may name, or -1. */
static int32_t patient_named(rewriter *w, span id) {
  const name_slot *slot = name_find(&w->people->ids, w->people->table, id.bytes, id.size, 0, json_hash(id.bytes, id.size));
  if (!slot) return -1;
  return slot->value == w->patient || w->plan->keeps_other_patients ? slot->value : -1;
}

static int put_pseudonym(rewriter *w, span id) {
  int32_t person = patient_named(w, id);
  if (person < 0) return 0;
  const int64_t *offsets = w->people->pseudonym_offsets + person;
  put(w, w->people->pseudonyms + offsets[0], offsets[1] - offsets[0]);
  return 1;
}

int rewrite_knows_patient(rewriter *w, uint32_t resource) {
  uint32_t at = json_member(w->tape, w->text, resource, "id", json_hash((const uint8_t *)"id", 2));
  return at && w->tape->tokens[at].kind == JSON_STRING && patient_named(w, rewrite_text(w, &w->tape->tokens[at])) >= 0;
}

static int do_own_id(rewriter *w, span text) {
  span type = plan_name(w->plan, w->type_name);
  put_byte(w, '"');
  int done = w->contained             ? put_hashed(w, &w->ids, word("#"), text, NOTHING)
             : is_word(type, "Patient") ? put_pseudonym(w, text)
                                        : put_hashed(w, &w->ids, type, word("/"), text);
  put_byte(w, '"');
  return done;
}

static int is_id(span text) {
  if (text.size < 1 || text.size > 64) return 0;
  for (uint32_t i = 0; i < text.size; i++) {
    uint8_t c = text.bytes[i], low = c | 0x20;
    if (!((c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '-' || c == '.')) return 0;
  }
  return 1;
}

/* Split off what follows the last slash. */
static int cut_last(span *text, span *last) {
  uint32_t at = text->size;
  while (at > 0 && text->bytes[at - 1] != '/') at--;
  *last = (span){text->bytes + at, text->size - at};
  if (at == 0) {
    text->size = 0;
    return 0;
  }
  text->size = at - 1;
  return 1;
}

/* What stands before Type/id: nothing, or a base that ends at the slash already cut off. */
static int is_base(span text) {
  uint32_t scheme = text.size >= 8 && memcmp(text.bytes, "https://", 8) == 0 ? 8 : text.size >= 7 && memcmp(text.bytes, "http://", 7) == 0 ? 7 : 0;
  if (!scheme) return 0;
  for (uint32_t i = scheme; i < text.size; i++) {
    if (text.bytes[i] == '?' || text.bytes[i] == '#') return 0;
  }
  return 1;
}

static int do_literal(rewriter *w, span text) {
  span id, type, last;
  int more = cut_last(&text, &id);
  if (!is_id(id) || !more) return 0;
  more = cut_last(&text, &type);
  if (is_word(type, "_history") && more) {
    more = cut_last(&text, &last);
    id = last;
    if (!is_id(id) || !more) return 0;
    more = cut_last(&text, &type);
  }
  if (more && !is_base(text)) return 0;
  if (!name_find(&w->plan->names, w->plan->types, type.bytes, type.size, 0, json_hash(type.bytes, type.size))) return 0;
  put_byte(w, '"');
  put_span(w, type);
  put_byte(w, '/');
  int done = is_word(type, "Patient") ? put_pseudonym(w, id) : put_hashed(w, &w->ids, type, word("/"), id);
  put_byte(w, '"');
  return done;
}

static int do_uuid(rewriter *w, span text) {
  uint8_t hex[64], uuid[36];
  if (w->listing) return 1;
  hash_parts(&w->ids, text, NOTHING, NOTHING, hex);
  for (uint32_t i = 0, from = 0; i < 36; i++) uuid[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : hex[from++];
  put_word(w, "\"urn:uuid:");
  put(w, uuid, sizeof uuid);
  put_byte(w, '"');
  return 1;
}

static int do_reference(rewriter *w, span text) {
  if (is_word(text, "#")) return put_quoted(w, text);
  if (text.size && text.bytes[0] == '#') {
    put_word(w, "\"#");
    put_hashed(w, &w->ids, text, NOTHING, NOTHING);
    put_byte(w, '"');
    return 1;
  }
  if (text.size > 9 && (memcmp(text.bytes, "urn:uuid:", 9) == 0 || memcmp(text.bytes, "urn:oid:", 8) == 0)) return do_uuid(w, text);
  return do_literal(w, text);
}

/* Remember a value that is handed out, or write what came back for it. */
static int do_hole(rewriter *w, const plan_step *step, const json_token *value) {
  rewrite_holes *holes = w->holes;
  int64_t hole = w->hole++;
  if (w->listing) {
    if (hole >= holes->capacity) return 0;
    holes->record[hole] = w->record;
    holes->argument[hole] = step->argument;
    holes->kind[hole] = (uint8_t)step->action;
    holes->start[hole] = w->base + value->start - (step->action == ACTION_METHOD && value->kind == JSON_STRING);
    holes->end[hole] = w->base + value->end + (step->action == ACTION_METHOD && value->kind == JSON_STRING);
    return 0;
  }
  int32_t number = hole < holes->capacity ? holes->value[hole] : -1;
  if (number < 0) return 0;
  span given = {holes->bytes + holes->offsets[number], (uint32_t)(holes->offsets[number + 1] - holes->offsets[number])};
  if (step->action == ACTION_TEXT) return given.size && put_escaped(w, given);
  int problem = json_read_value(given.bytes, given.size, &w->value_tape);
  if (problem) {
    w->failed = problem < 0 ? problem : REWRITE_BAD_VALUE;
    return 0;
  }
  const json_token *root = &w->value_tape.tokens[0];
  if (root->kind == JSON_NULL || (root->kind == JSON_STRING && root->start == root->end) || (root->kind <= JSON_ARRAY && root->next == 1)) return 0;
  rewrite_raw(w, &w->value_tape, given.bytes, 0);
  return 1;
}

static int on_text(rewriter *w, const plan_step *step, span text) {
  switch (step->action) {
    case ACTION_YEAR: return do_year(w, text, plan_text(w->plan, step->argument));
    case ACTION_BIRTH_YEAR: return w->patient >= 0 && !w->people->ninety[w->patient] && do_year(w, text, NOTHING);
    case ACTION_SHIFT: return w->patient >= 0 ? do_shift(w, text) : do_year(w, text, plan_text(w->plan, step->argument));
    case ACTION_ZIP3: return do_zip3(w, text);
    case ACTION_OWN_ID: return do_own_id(w, text);
    case ACTION_REFERENCE: return do_reference(w, text);
    case ACTION_HASH: return put_byte(w, '"'), put_hashed(w, &w->hashes, text, NOTHING, NOTHING), put_byte(w, '"'), 1;
    default: return 0;
  }
}

static int act(rewriter *w, const plan_step *step, uint32_t at, enum outcome *outcome) {
  const json_token *value = &w->tape->tokens[at];
  int changed;
  *outcome = OUTCOME_CHANGED;
  switch (step->action) {
    case ACTION_KEEP:
    case ACTION_TEXT:
      if (step->action == ACTION_TEXT && value->kind != JSON_STRING) return 0;
      if (step->check < 0 ? step->action == ACTION_KEEP : passes(w, step->check, value)) {
        if (value->kind == JSON_OBJECT && value->next == at + 1) return 0;
        *outcome = OUTCOME_KEPT;
        rewrite_raw(w, w->tape, w->text, at);
        return 1;
      }
      return step->action == ACTION_TEXT && do_hole(w, step, value);
    case ACTION_AGE:
      if (value->kind != JSON_NUMBER || !do_age(w, step, value, &changed)) return 0;
      *outcome = changed ? OUTCOME_CHANGED : OUTCOME_KEPT;
      return 1;
    case ACTION_CONSTANT: return put_span(w, plan_text(w->plan, step->argument)), 1;
    case ACTION_ATTACHMENT: return value->kind == JSON_OBJECT && do_hole(w, step, value);
    case ACTION_METHOD: return do_hole(w, step, value);
    default: return value->kind == JSON_STRING && on_text(w, step, rewrite_text(w, value));
  }
}

int rewrite_value(rewriter *w, const plan_step *step, uint32_t at) {
  if (w->listing && step->action < ACTION_TEXT) return 0;
  enum outcome outcome;
  int64_t mark = w->at;
  int written = act(w, step, at, &outcome);
  if (!written) w->at = mark;
  count(w, step, written ? outcome : OUTCOME_REMOVED);
  return written;
}
