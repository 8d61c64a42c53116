/* What the rewriter and its actions share. The structures mirror bailee.deid.structure.tables. */
#ifndef BAILEE_REWRITE_H
#define BAILEE_REWRITE_H

#include "blake2b.h"
#include "names.h"

/* bailee.deid.structure.plan.Action; numbers are never reused. */
enum action {
  ACTION_REMOVE = 0,
  ACTION_KEEP = 1,
  ACTION_DESCEND = 2,
  ACTION_RESOURCE = 3,
  ACTION_YEAR = 4,
  ACTION_BIRTH_YEAR = 5,
  ACTION_SHIFT = 6,
  ACTION_ZIP3 = 7,
  ACTION_AGE = 8,
  ACTION_OWN_ID = 9,
  ACTION_REFERENCE = 10,
  ACTION_HASH = 11,
  ACTION_CONSTANT = 12,
  ACTION_TEXT = 13,
  ACTION_ATTACHMENT = 14,
  ACTION_METHOD = 15
};

enum check_kind { CHECK_NUMBER = 1, CHECK_BOOLEAN = 2, CHECK_ONE_OF = 3, CHECK_CHARS = 4, CHECK_SHAPE = 5 };

/* bailee.deid.structure.tally.Status */
enum status { STATUS_OK = 0, STATUS_MALFORMED = 1, STATUS_TYPE = 2, STATUS_MODIFIER = 3 };

enum outcome { OUTCOME_KEPT = 0, OUTCOME_CHANGED = 1, OUTCOME_REMOVED = 2 };

typedef struct {
  int32_t action, rule, node, argument, check, name, contained;
  int32_t absent; /* text, or -1 */
} plan_step;

/* A step on the way to the text that selects: the member `name`, then `next`. Where no text on it selects: `otherwise`. */
typedef struct {
  int32_t name;
  uint32_t hash;
  int32_t next, otherwise; /* steps, or -1 */
} plan_way;

typedef struct {
  name_table steps;
  name_table select;
  int32_t select_on; /* name of the first member looked at, or -1 */
  int32_t way;       /* the first step */
  int32_t otherwise;
  int32_t refuse;
  int32_t alone; /* name, or -1 */
} plan_node;

typedef struct {
  int32_t kind, longest;
  name_table values;       /* ONE_OF */
  int32_t first, count;    /* SHAPE: texts of the plan */
  uint64_t chars[2];       /* CHARS: a bit for each ASCII character */
} plan_check;

typedef struct {
  name_space names;
  const plan_step *steps;
  const plan_node *nodes;
  const plan_check *checks;
  const plan_way *ways;
  const uint8_t *texts; /* arguments and shapes */
  const int64_t *text_offsets;
  name_table roots; /* resource type → node */
  name_table types; /* every R4 resource type */
  name_table known; /* every name that may be told: R4's elements and the plan's */
  int32_t meta;     /* text, or -1 */
  int32_t keeps_other_patients;
} rewrite_plan;

/* The patients of a batch. */
typedef struct {
  name_space ids;
  name_table table;
  const uint8_t *pseudonyms;
  const int64_t *pseudonym_offsets;
  const int32_t *shift_days;
  const uint8_t *ninety;
} rewrite_people;

typedef struct {
  uint64_t key; /* type << 44 | node << 22 | name + 1; 0: free */
  int64_t count;
} dropped_slot;

/* The values that are handed out, in the order of meeting them; and what came back. */
typedef struct {
  int32_t *record, *argument;
  int64_t *start, *end;
  uint8_t *kind;
  int64_t capacity;
  const int32_t *value; /* of each hole, when writing: which of the values that came back; -1: remove */
  const uint8_t *bytes;
  const int64_t *offsets;
} rewrite_holes;

typedef struct {
  int64_t *rules;       /* [rule][outcome] */
  dropped_slot *dropped;
  int64_t dropped_mask;
  int64_t dropped_rest; /* what found no free slot */
} rewrite_counts;

typedef struct {
  const rewrite_plan *plan;
  const rewrite_people *people;
  const uint8_t *zip3; /* 1000 flags */
  blake2b_state ids, hashes;
  const uint8_t *text;
  json_tape *tape;
  int32_t record, patient;
  int64_t base;
  int listing;  /* only find the holes */
  int counting;
  int refused;
  int failed; /* JSON_NO_MEMORY, or a hole's value is no JSON */
  int32_t rule;      /* of the step that was entered last */
  int32_t type_name; /* name of the resource that ids belong to; -1 before the record's own */
  int contained;     /* whether that resource is a contained one */
  /* output */
  uint8_t *out;
  int64_t at, capacity, id_start, id_end;
  rewrite_holes *holes;
  int64_t hole;
  rewrite_counts *counts;
  uint8_t *scratch;
  uint32_t scratch_size;
  json_tape value_tape; /* JSON that a callback gave */
} rewriter;

#define REWRITE_BAD_VALUE (-3)

/* A string's text, decoded. */
typedef struct {
  const uint8_t *bytes;
  uint32_t size;
} span;

span rewrite_text(rewriter *w, const json_token *value);

/* Treat one scalar (or a value of an action that hands it out whole): write its replacement and return 1, or 0. */
int rewrite_value(rewriter *w, const plan_step *step, uint32_t at);

/* Whether this record may name the patient that a resource is. */
int rewrite_knows_patient(rewriter *w, uint32_t resource);

/* Write a value as it is, without blanks. */
void rewrite_raw(rewriter *w, const json_tape *tape, const uint8_t *text, uint32_t at);

static inline void put(rewriter *w, const void *bytes, int64_t size) {
  if (w->listing) return;
  if (w->at + size <= w->capacity && size) memcpy(w->out + w->at, bytes, (size_t)size);
  w->at += size; /* past the capacity nothing is written, but the need is known */
}

static inline void put_byte(rewriter *w, uint8_t byte) {
  if (w->listing) return;
  if (w->at < w->capacity) w->out[w->at] = byte;
  w->at++;
}

static inline void count(rewriter *w, const plan_step *step, enum outcome outcome) {
  if (w->counting) w->counts->rules[3 * step->rule + (int32_t)outcome]++;
}

static inline span plan_text(const rewrite_plan *plan, int32_t text) {
  return (span){plan->texts + plan->text_offsets[text], (uint32_t)(plan->text_offsets[text + 1] - plan->text_offsets[text])};
}

static inline span plan_name(const rewrite_plan *plan, int32_t name) {
  return (span){plan->names.bytes + plan->names.offsets[name], (uint32_t)(plan->names.offsets[name + 1] - plan->names.offsets[name])};
}

#endif
