/* Collects the values at given element paths out of many records, in one pass, without building a document. */
#include "names.h"

/* Built by bailee.records.walk.Paths. */
typedef struct {
  name_space names;
  const name_table *children; /* of each node: the next segment → node */
  const int32_t *tag_first;   /* node n has tags[tag_first[n]] … tags[tag_first[n + 1] - 1] */
  const int32_t *tags;
  name_table types;   /* resource type → node */
  int32_t other_type; /* node for types not in the table, or -1 */
  int32_t anywhere;   /* node whose children match at any depth, or -1 */
  int32_t contained;  /* 1: contained resources are walked by their own type */
} path_plan;

typedef struct {
  int32_t *record, *tag, *parent;
  int64_t *start, *end;
  uint8_t *kind;
  int32_t *up;
  int64_t capacity, objects_capacity;
} collected;

typedef struct {
  const path_plan *plan;
  const uint8_t *text;
  const json_tape *tape;
  collected *out;
  int64_t base, count, objects;
  int32_t record;
  uint8_t inside;
  uint32_t contained_hash, type_hash;
} walker;

#define ESCAPED_KIND 32u /* added to a kind: the string holds escapes */
#define INSIDE_KIND 64u  /* added to a kind: the value lies in a contained resource */

static void emit(walker *w, const json_token *value, int32_t node, int32_t parent) {
  const path_plan *plan = w->plan;
  for (int32_t i = plan->tag_first[node]; i < plan->tag_first[node + 1]; i++, w->count++) {
    if (w->count >= w->out->capacity) continue; /* counted, so that the caller learns what it needs */
    w->out->record[w->count] = w->record;
    w->out->tag[w->count] = plan->tags[i];
    w->out->parent[w->count] = parent;
    w->out->start[w->count] = w->base + value->start;
    w->out->end[w->count] = w->base + value->end;
    w->out->kind[w->count] = (uint8_t)(value->kind | (value->flags & JSON_ESCAPED ? ESCAPED_KIND : 0) | w->inside);
  }
}

static void emit_items(walker *w, uint32_t at, int32_t node, int32_t parent) {
  const json_token *value = &w->tape->tokens[at];
  if (value->kind == JSON_ARRAY) {
    for (uint32_t item = at + 1; item < value->next; item = json_after(w->tape, item)) emit_items(w, item, node, parent);
  } else if (value->kind != JSON_NULL) {
    emit(w, value, node, parent);
  }
}

static void walk_resource(walker *w, uint32_t object, int32_t parent);

/* Meet one value with a node of the path plan (-1: only `anywhere` applies). Depth is bounded by the reader's cap. */
static void walk_value(walker *w, uint32_t at, int32_t node, int32_t parent, int is_resource) {
  const json_token *value = &w->tape->tokens[at];
  const path_plan *plan = w->plan;
  if (value->kind == JSON_ARRAY) {
    for (uint32_t item = at + 1; item < value->next; item = json_after(w->tape, item)) walk_value(w, item, node, parent, 0);
    return;
  }
  if (value->kind == JSON_NULL) return;
  if (node >= 0) emit(w, value, node, parent);
  if (value->kind != JSON_OBJECT) return;
  int has_children = node >= 0 && plan->children[node].mask >= 0;
  if (!has_children && plan->anywhere < 0 && !(is_resource && plan->contained)) return;
  int32_t self = (int32_t)w->objects++;
  if (self < w->out->objects_capacity) w->out->up[self] = parent;
  for (uint32_t k = at + 1; k < value->next; k = json_after(w->tape, k + 1)) {
    const json_token *key = &w->tape->tokens[k];
    if (is_resource && plan->contained && key->next == w->contained_hash &&
        json_equals(w->text + key->start, key->end - key->start, key->flags, (const uint8_t *)"contained", 9)) {
      const json_token *list = &w->tape->tokens[k + 1];
      if (list->kind == JSON_OBJECT) walk_resource(w, k + 1, self);
      for (uint32_t i = k + 2; list->kind == JSON_ARRAY && i < list->next; i = json_after(w->tape, i)) walk_resource(w, i, self);
      continue;
    }
    const name_slot *slot = has_children ? name_find_key(&plan->names, plan->children[node], w->text, key) : NULL;
    if (plan->anywhere >= 0) {
      const name_slot *any = name_find_key(&plan->names, plan->children[plan->anywhere], w->text, key);
      if (any) emit_items(w, k + 1, any->value, self);
    }
    if (slot || plan->anywhere >= 0) walk_value(w, k + 1, slot ? slot->value : -1, self, 0);
  }
}

static int32_t root_of(const walker *w, uint32_t object) {
  uint32_t at = json_member(w->tape, w->text, object, "resourceType", w->type_hash);
  const json_token *type = &w->tape->tokens[at];
  if (!at || type->kind != JSON_STRING) return w->plan->other_type;
  const name_slot *slot = name_find_value(&w->plan->names, w->plan->types, w->text, type);
  return slot ? slot->value : w->plan->other_type;
}

/* A resource inside `contained`; `parent` is the object that holds it. */
static void walk_resource(walker *w, uint32_t object, int32_t parent) {
  if (w->tape->tokens[object].kind != JSON_OBJECT) return;
  uint8_t before = w->inside;
  w->inside = INSIDE_KIND;
  walk_value(w, object, root_of(w, object), parent, 1);
  w->inside = before;
}

/* Collect from records first … count - 1 until they are done or the output is full.
 *
 * Each record's problem goes to codes and positions; a record with a problem yields nothing. `done` receives
 * {next record, values, objects}; values may exceed the capacity: then the record `next record` did not fit.
 * Returns 0, or JSON_NO_MEMORY. */
EXPORT int32_t bailee_walk_collect(const uint8_t *buffer, const int64_t *offsets, int64_t first, int64_t count, const path_plan *plan,
                                   int32_t *codes, int64_t *positions, collected *out, int64_t *done) {
  json_tape tape = {0};
  walker w = {.plan = plan, .tape = &tape, .out = out};
  w.contained_hash = json_hash((const uint8_t *)"contained", 9);
  w.type_hash = json_hash((const uint8_t *)"resourceType", 12);
  int problem = 0;
  done[0] = first;
  done[1] = done[2] = 0;
  for (int64_t i = first; i < count; i++) {
    problem = json_read(buffer + offsets[i], (uint64_t)(offsets[i + 1] - offsets[i]), &tape);
    if (problem < 0) break;
    codes[i] = problem;
    positions[i] = problem ? tape.position : 0;
    if (!problem) {
      w.record = (int32_t)i;
      w.base = offsets[i];
      w.text = buffer + offsets[i];
      walk_value(&w, 0, root_of(&w, 0), -1, 1);
    }
    done[1] = w.count;
    done[2] = w.objects;
    if (w.count > out->capacity || w.objects > out->objects_capacity) break;
    done[0] = i + 1;
  }
  json_free(&tape);
  return problem < 0 ? problem : 0;
}
