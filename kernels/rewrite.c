/* Walks records by a compiled plan: first to find the values that are handed out, then to write what leaves.
 *
 * Both passes take the same path. Output is rewound where nothing is left of a value, so that no empty object,
 * empty array or stray null is written. Recursion is bounded by the reader's 64 levels.
 */
#include "rewrite.h"

#include <stdlib.h>

typedef struct {
  const rewrite_plan *plan;
  const rewrite_people *people;
  const uint8_t *zip3, *ids_key, *hash_key; /* 1000 flags, 32 bytes, 32 bytes */
  const uint8_t *buffer;
  const int64_t *offsets;
  const int32_t *patients; /* of each record: its patient's number, or -1 */
  int64_t first, count;
  int32_t *status, *detail, *types; /* of each record; types: name of its resourceType */
  int64_t *positions;
  int64_t *hole_first; /* [count + 1] */
  rewrite_holes *holes;
  rewrite_counts *counts;
  uint8_t *out;
  int64_t capacity;
  int64_t *out_offsets; /* [count + 1] */
  int64_t *id_start, *id_end;
  int64_t counted; /* this record was counted already, by a call that ran out of room; -1: none */
  int64_t next, needed;
} rewrite_job;

static int write_object(rewriter *w, uint32_t at, int32_t node_number, int32_t type_name, int contained);

static int is_name(const rewriter *w, const json_token *key, const char *name) {
  return json_equals(w->text + key->start, key->end - key->start, key->flags & JSON_ESCAPED, (const uint8_t *)name,
                     (uint32_t)strlen(name));
}

/* Count a member that no rule names. Its name is told only if FHIR has it; a site's own may carry an identifier. */
static void drop(rewriter *w, int32_t node, int32_t name) {
  if (!w->counting) return;
  rewrite_counts *counts = w->counts;
  uint64_t key = (uint64_t)(uint32_t)w->type_name << 44 | (uint64_t)(uint32_t)node << 22 | (uint32_t)(name + 2);
  uint64_t at = (key * 0x9e3779b97f4a7c15ull) >> 20;
  for (int tries = 0; tries < 64; tries++, at++) {
    dropped_slot *slot = &counts->dropped[at & (uint64_t)counts->dropped_mask];
    if (slot->key == 0) slot->key = key;
    if (slot->key == key) {
      slot->count++;
      return;
    }
  }
  counts->dropped_rest++;
}

static void drop_key(rewriter *w, int32_t node, const json_token *key) {
  if (!w->counting) return;
  const name_slot *slot = name_find_key(&w->plan->names, w->plan->known, w->text, key);
  drop(w, node, slot ? slot->name : -1);
}

static int write_resource(rewriter *w, const plan_step *step, uint32_t at) {
  const json_token *value = &w->tape->tokens[at];
  uint32_t type_at = 0;
  if (value->kind == JSON_OBJECT) type_at = json_member(w->tape, w->text, at, "resourceType", json_hash((const uint8_t *)"resourceType", 12));
  const json_token *type = &w->tape->tokens[type_at];
  const name_slot *slot = NULL;
  if (type_at && type->kind == JSON_STRING) slot = name_find_value(&w->plan->names, w->plan->roots, w->text, type);
  int stranger = slot && !step->contained && is_name(w, type, "Patient") && !rewrite_knows_patient(w, at);
  if (!slot || stranger) {
    count(w, step, OUTCOME_REMOVED);
    return 0;
  }
  return write_object(w, at, slot->value, slot->name, step->contained);
}

/* Write one value, or nothing. */
static int write_one(rewriter *w, const plan_step *step, uint32_t at) {
  const json_token *value = &w->tape->tokens[at];
  if (value->kind == JSON_NULL) return 0;
  w->rule = step->rule;
  if (value->kind != JSON_ARRAY) {
    if (step->action == ACTION_RESOURCE) return write_resource(w, step, at);
    if (step->action != ACTION_DESCEND) return rewrite_value(w, step, at);
    if (value->kind == JSON_OBJECT) return write_object(w, at, step->node, -1, 0);
  }
  count(w, step, OUTCOME_REMOVED);
  return 0;
}

/* Write an array's items; those that leave nothing become null where positions matter, and go where they do not. */
static int write_items(rewriter *w, const plan_step *step, uint32_t array, int with_nulls) {
  int64_t start = w->at;
  uint32_t end = w->tape->tokens[array].next;
  int survivors = 0, written = 0;
  put_byte(w, '[');
  for (uint32_t item = array + 1; item < end; item = json_after(w->tape, item)) {
    int64_t mark = w->at;
    if (written) put_byte(w, ',');
    int survives = write_one(w, step, item);
    if (w->refused || w->failed) return 0;
    survivors += survives;
    if (!survives && with_nulls) {
      w->at = mark;
      put(w, written ? ",null" : "null", written ? 5 : 4);
    } else if (!survives) {
      w->at = mark;
      continue;
    }
    written = 1;
  }
  put_byte(w, ']');
  if (!survivors) w->at = start;
  return survivors > 0;
}

/* The members of an object so far. */
typedef struct {
  int count;
  int32_t last; /* name */
} members;

static void put_key(rewriter *w, int32_t name, members *so_far) {
  span text = plan_name(w->plan, name);
  put(w, so_far->count ? ",\"" : "\"", so_far->count ? 2 : 1);
  put(w, text.bytes, text.size);
  put(w, "\":", 2);
  so_far->count++;
  so_far->last = name;
}

/* Write a member, or its stand-in. Returns whether anything of its own survives. */
static int write_member(rewriter *w, const plan_step *step, uint32_t value, int with_nulls, members *so_far) {
  int64_t mark = w->at;
  members before = *so_far;
  put_key(w, step->name, so_far);
  int is_array = w->tape->tokens[value].kind == JSON_ARRAY;
  if (is_array ? write_items(w, step, value, with_nulls) : write_one(w, step, value)) return 1;
  w->at = mark;
  *so_far = before;
  if (step->absent >= 0) {
    span absent = plan_text(w->plan, step->absent);
    put_key(w, step->name, so_far);
    if (is_array) put_byte(w, '[');
    put(w, absent.bytes, absent.size);
    if (is_array) put_byte(w, ']');
  }
  return 0;
}

/* The key of the array that runs beside this one (`given` beside `_given`), or 0. */
static uint32_t partner_of(const rewriter *w, uint32_t object, const plan_node *node, span name) {
  uint32_t end = w->tape->tokens[object].next;
  int shadow = name.size && name.bytes[0] == '_';
  for (uint32_t k = object + 1; k < end; k = json_after(w->tape, k + 1)) {
    const json_token *key = &w->tape->tokens[k];
    if (w->tape->tokens[k + 1].kind != JSON_ARRAY) continue;
    const name_slot *slot = name_find_key(&w->plan->names, node->steps, w->text, key);
    if (!slot) continue;
    span other = plan_name(w->plan, slot->name);
    const span *longer = shadow ? &name : &other, *shorter = shadow ? &other : &name;
    if (longer->size == shorter->size + 1 && longer->bytes[0] == '_' && !memcmp(longer->bytes + 1, shorter->bytes, shorter->size)) return k;
  }
  return 0;
}

/* Write two arrays whose items belong together by position: the shadow first, since it decides about the gaps. */
static void write_pair(rewriter *w, const plan_node *node, uint32_t plain, uint32_t shadow, members *so_far) {
  const plan_step *steps = w->plan->steps;
  const name_slot *one = name_find_key(&w->plan->names, node->steps, w->text, &w->tape->tokens[shadow]);
  const name_slot *two = name_find_key(&w->plan->names, node->steps, w->text, &w->tape->tokens[plain]);
  if (!one || !two) return;
  int aligned = write_member(w, &steps[one->value], shadow + 1, 1, so_far);
  if (!w->refused && !w->failed) write_member(w, &steps[two->value], plain + 1, aligned, so_far);
}

/* A member's value by its name, or 0. */
static uint32_t member_of(const rewriter *w, uint32_t object, const plan_way *way) {
  span name = plan_name(w->plan, way->name);
  uint32_t end = w->tape->tokens[object].next;
  for (uint32_t k = object + 1; k < end; k = json_after(w->tape, k + 1)) {
    const json_token *key = &w->tape->tokens[k];
    if (key->next == way->hash && json_equals(w->text + key->start, key->end - key->start, key->flags & JSON_ESCAPED, name.bytes, name.size)) return k + 1;
  }
  return 0;
}

/* Find the first text at the end of a way that selects. Returns whether there is anything at its end. */
static int follow(const rewriter *w, const plan_node *node, uint32_t object, int32_t number, const name_slot **slot) {
  const plan_way *way = &w->plan->ways[number];
  uint32_t value = member_of(w, object, way);
  if (!value) return 0;
  const json_token *token = &w->tape->tokens[value];
  if (way->next < 0) {
    if (token->kind == JSON_STRING) *slot = name_find_value(&w->plan->names, node->select, w->text, token);
    return 1;
  }
  if (token->kind == JSON_OBJECT) return follow(w, node, value, way->next, slot);
  int found = 0;
  for (uint32_t item = value + 1; token->kind == JSON_ARRAY && item < token->next && !*slot; item = json_after(w->tape, item)) {
    if (w->tape->tokens[item].kind == JSON_OBJECT) found |= follow(w, node, item, way->next, slot);
  }
  return found;
}

/* The node whose steps this object meets, or -1: it does not leave. */
static int32_t select_node(rewriter *w, uint32_t object, int32_t node_number) {
  const plan_node *node = &w->plan->nodes[node_number];
  if (node->select_on < 0) return node_number;
  const name_slot *slot = NULL;
  int found = 0;
  for (int32_t way = node->way; way >= 0 && !slot; way = w->plan->ways[way].otherwise) found |= follow(w, node, object, way, &slot);
  if (!found) slot = name_find(&w->plan->names, node->select, (const uint8_t *)"", 0, 0, json_hash((const uint8_t *)"", 0));
  int32_t chosen = slot ? slot->value : node->otherwise;
  if (chosen < 0 && node->refuse) w->refused = 1;
  else if (chosen < 0) drop(w, node_number, node->select_on);
  return chosen;
}

/* One member of an object: its key is token k. */
static void write_key(rewriter *w, uint32_t object, const plan_node *node, int32_t node_number, uint32_t k, members *so_far) {
  const json_token *key = &w->tape->tokens[k];
  const name_slot *slot = name_find_key(&w->plan->names, node->steps, w->text, key);
  if (!slot) {
    drop_key(w, node_number, key);
    return;
  }
  const plan_step *step = &w->plan->steps[slot->value];
  if (w->tape->flags & JSON_HAS_SHADOW && w->tape->tokens[k + 1].kind == JSON_ARRAY) {
    span name = plan_name(w->plan, slot->name);
    uint32_t partner = partner_of(w, object, node, name);
    int is_shadow = name.size && name.bytes[0] == '_';
    if (partner > k) write_pair(w, node, is_shadow ? partner : k, is_shadow ? k : partner, so_far);
    if (partner) return;
  }
  write_member(w, step, k + 1, 0, so_far);
}

static void put_type(rewriter *w, int32_t type_name, int outermost) {
  span type = plan_name(w->plan, type_name);
  put(w, "\"resourceType\":\"", 16);
  put(w, type.bytes, type.size);
  put_byte(w, '"');
  if (outermost && w->plan->meta >= 0) {
    span meta = plan_text(w->plan, w->plan->meta);
    put(w, ",\"meta\":", 8);
    put(w, meta.bytes, meta.size);
  }
}

/* Remember where the record's own id was written, as `,"id":"…"` from `before` on. */
static void note_id(rewriter *w, int64_t before) {
  if (w->listing || w->at < before + 8 || w->at > w->capacity || w->out[before + 6] != '"') return;
  w->id_start = before + 7;
  w->id_end = w->at - 1;
}

static int write_object(rewriter *w, uint32_t at, int32_t node_number, int32_t type_name, int contained) {
  int32_t outer_type = w->type_name, chosen = select_node(w, at, node_number);
  int outer_contained = w->contained, is_resource = type_name >= 0, outermost = is_resource && outer_type < 0;
  if (chosen < 0) return 0;
  const plan_node *node = &w->plan->nodes[chosen];
  members so_far = {0, -1};
  int64_t start = w->at;
  uint32_t end = w->tape->tokens[at].next;
  put_byte(w, '{');
  if (is_resource) {
    w->type_name = type_name;
    w->contained = contained;
    put_type(w, type_name, outermost);
    so_far.count = 1;
  }
  for (uint32_t k = at + 1; k < end; k = json_after(w->tape, k + 1)) {
    const json_token *key = &w->tape->tokens[k];
    if (is_resource && is_name(w, key, "resourceType")) continue;
    if (outermost && w->plan->meta >= 0 && is_name(w, key, "meta")) continue;
    int64_t before = w->at;
    write_key(w, at, node, chosen, k, &so_far);
    if (w->refused || w->failed) return 0;
    if (outermost && is_name(w, key, "id")) note_id(w, before);
  }
  put_byte(w, '}');
  w->type_name = outer_type;
  w->contained = outer_contained;
  int survives = so_far.count > 1 || (so_far.count == 1 && (is_resource || so_far.last != node->alone));
  if (!survives) w->at = start;
  return survives;
}

/* Read a record and find its root. Returns a status. */
static int open_record(rewriter *w, rewrite_job *job, int64_t i, const name_slot **root) {
  int problem = json_read(job->buffer + job->offsets[i], (uint64_t)(job->offsets[i + 1] - job->offsets[i]), w->tape);
  if (problem < 0) w->failed = problem;
  if (problem) {
    job->detail[i] = problem;
    job->positions[i] = w->tape->position;
    return STATUS_MALFORMED;
  }
  w->text = job->buffer + job->offsets[i];
  uint32_t at = json_member(w->tape, w->text, 0, "resourceType", json_hash((const uint8_t *)"resourceType", 12));
  const json_token *type = &w->tape->tokens[at];
  *root = at && type->kind == JSON_STRING ? name_find_value(&w->plan->names, w->plan->roots, w->text, type) : NULL;
  return *root ? STATUS_OK : STATUS_TYPE;
}

static void do_record(rewriter *w, rewrite_job *job, int64_t i) {
  const name_slot *root = NULL;
  w->record = (int32_t)i;
  w->patient = job->patients[i];
  w->base = job->offsets[i];
  w->type_name = -1;
  w->contained = w->refused = 0;
  w->id_start = w->id_end = w->at;
  w->counting = !w->listing && job->counted != i;
  int64_t hole = w->hole;
  if (w->listing) job->status[i] = open_record(w, job, i, &root);
  else if (job->status[i] == STATUS_OK) open_record(w, job, i, &root);
  if (job->status[i] != STATUS_OK || w->failed) return;
  job->types[i] = root->name;
  write_object(w, 0, root->value, root->name, 0);
  if (w->refused) {
    job->status[i] = STATUS_MODIFIER;
    job->detail[i] = w->rule;
    w->hole = hole; /* nothing of it is handed out */
  }
}

static int run(rewrite_job *job, int listing) {
  json_tape tape = {0};
  rewriter w = {.plan = job->plan, .people = job->people, .zip3 = job->zip3, .tape = &tape, .listing = listing};
  w.out = job->out;
  w.capacity = job->capacity;
  w.holes = job->holes;
  w.counts = job->counts;
  w.at = listing ? 0 : job->out_offsets[job->first];
  w.hole = job->hole_first[job->first];
  blake2b_keyed(&w.ids, job->ids_key, 32);
  blake2b_keyed(&w.hashes, job->hash_key, 32);
  for (job->next = job->first; job->next < job->count; job->next++) {
    int64_t i = job->next;
    if (!listing) w.hole = job->hole_first[i];
    do_record(&w, job, i);
    if (w.failed || (listing ? w.hole > job->holes->capacity : w.at > w.capacity)) break;
    if (listing) {
      job->hole_first[i + 1] = w.hole;
    } else {
      job->out_offsets[i + 1] = w.at;
      job->id_start[i] = w.id_start;
      job->id_end[i] = w.id_end;
    }
  }
  job->needed = listing ? w.hole : w.at;
  json_free(&tape);
  json_free(&w.value_tape);
  free(w.scratch);
  return w.failed;
}

/* Find the values that are handed out, and the records that do not leave. Stops where the holes' capacity ends. */
EXPORT int32_t bailee_rewrite_list(rewrite_job *job) { return run(job, 1); }

/* Write the records. Stops before the first that does not fit; `needed` is the size that would have held it. */
EXPORT int32_t bailee_rewrite_write(rewrite_job *job) { return run(job, 0); }
