/* op_each.h: functions from a row to a row, value by value. Private to the room. */
#ifndef PROMQL_OP_EACH_H
#define PROMQL_OP_EACH_H
#include "promql/eval.h"

/* Changes the n values of r in place; it may take values away (r->has). Slots without a value hold any number and may
 * be computed as well. args: the values per step of the scalar arguments, in their order. */
typedef void (*each_fn)(row *r, size_t n, double *const *args);

/* The rows of src through fn, without the metric name. args: scalar operators, at most EACH_MAX_ARGS. */
enum { EACH_MAX_ARGS = 4 };
op *each_new(eval *ev, op *src, each_fn fn, op *const *args, size_t n_args);
void each_negate(row *r, size_t n, double *const *args);
#endif
