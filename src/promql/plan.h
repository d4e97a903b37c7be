/* plan.h: from the tree of an expression to the tree of operators that computes it. Private to the room.
 *
 * Planning fixes all times: the steps of every part, the time range of every selector (which it registers in
 * eval.selectors), `@`, offsets, and what depends on no step and is computed once. It reads no data.            */
#ifndef PROMQL_PLAN_H
#define PROMQL_PLAN_H
#include "promql/ast.h"
#include "promql/eval.h"
#include "promql/funcs.h"

/* The operator for n (a scalar or instant vector) on the steps of g; NULL: eval.err is set. */
op *plan_expr(eval *ev, const ast_node *n, grid g);
/* Could n be computed once for all steps? */
bool plan_is_invariant(const ast_node *n);
/* The place of n for annotations of what is being planned now. */
place plan_place(const eval *ev, const ast_node *n);

/* When the samples of step i are looked up: start + i * step; step 0 where @ fixes it. */
typedef struct data_time {
    int64_t start, step;
} data_time;

static inline int64_t data_time_at(data_time t, size_t i) { return t.start + (int64_t)i * t.step; }
data_time plan_data_time(const eval *ev, const ast_when *when, grid g);
/* From i on, the first sample later than t; n where there is none. In strides, since most steps pass several samples.
 */
static inline size_t skip_until(const int64_t *ts, size_t i, size_t n, int64_t t)
{
    while (i + 8 <= n && ts[i + 7] <= t)
        i += 8;
    while (i < n && ts[i] <= t)
        i++;
    return i;
}
/* Saturating. */
int64_t time_add(int64_t a, int64_t b);

/* Registers a selector over (time of the first step - back, time of the last step + ahead]; its number. */
uint32_t plan_selector(eval *ev, const ast_selector *s, data_time t, size_t n_steps, int64_t back, int64_t ahead);
sample_columns *plan_columns(eval *ev);

/* ---- calls: what stands behind the callbacks of the function table ---- */

struct func_call {
    eval *ev;
    const ast_node *node;         /* AST_CALL */
    const ast_node **args;        /* without parentheses */
    size_t n_args;
    grid g;
    op *out;                      /* to be set by the callback */
};
typedef struct func_call func_call;

/* The operator of argument i. */
op *call_arg(func_call *c, size_t i);
bytes call_string(const func_call *c, size_t i);

/* ---- operators of other files ---- */
op *select_new(eval *ev, const ast_node *n, grid g, bool want_time);            /* op_select.c */
op *select_of(eval *ev, const ast_selector *sel, grid g, bool want_time);
op *binary_new(eval *ev, const ast_node *n, grid g);                            /* op_binary.c */
op *match_new(eval *ev, const ast_node *n, op *lhs, op *rhs);                   /* op_match.c */
op *set_new(eval *ev, const ast_node *n, op *lhs, op *rhs);                     /* op_set.c */
op *aggregate_new(eval *ev, const ast_node *n, grid g);                         /* op_aggregate.c */
#endif
