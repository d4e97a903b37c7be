/* rows.h: rows kept, each only from its first value to its last. Private to the room.
 *
 * Series come and go, so of many rows most steps are empty; keeping the whole of them would cost as much as if all
 * series lived all the time. A kept row begins at a step that is a multiple of 64, so presence words stay aligned. */
#ifndef PROMQL_ROWS_H
#define PROMQL_ROWS_H
#include "promql/eval.h"

/* Steps from .. from + n - 1; from is a multiple of 64. */
typedef struct span {
    size_t from, n;
} span;
/* The words with a bit set, as steps of n_steps; n == 0: none. */
span span_of(const uint64_t *has, size_t n_steps);
/* What covers both; an empty one covers nothing. */
span span_join(span a, span b);

typedef struct kept_row {
    const labels *labels;
    double *v;              /* of steps.n entries */
    uint64_t *has;
    struct histogram **h;   /* NULL: floats only */
    span steps;
    bool drop_name;
} kept_row;

static inline bool kept_has(const kept_row *r, size_t i)
{
    return i - r->steps.from < r->steps.n && bit_get(r->has, i - r->steps.from);
}
/* Where kept_has(). */
static inline double kept_value(const kept_row *r, size_t i) { return r->v[i - r->steps.from]; }
/* As a row of all n_steps steps, in the given columns. */
row kept_row_load(const kept_row *r, const row *columns, size_t n_steps);

typedef struct row_list {
    kept_row *rows;
    size_t n, cap;
} row_list;
/* Copies the row (labels as row_labels gives them) to the end. false: over a budget. */
bool row_list_add(eval *ev, row_list *l, const row *r, size_t n_steps);
/* All rows of o that have a value. */
bool row_list_drain(op *o, row_list *l);
/* Merges rows with equal labels; one step with two values is the same-labelset error. */
bool row_list_merge(eval *ev, row_list *l);

/* src, or where it may repeat: each label set once. */
op *merge_new(op *src);
#endif
