/* op_range.h: functions over range vectors: a window of samples slides over each series. Private to the room.
 *
 * The samples come from a selector, or from the rows of a subquery; a function sees the windows of one series at all
 * steps at once and is free to carry what it knows from one to the next.                                        */
#ifndef PROMQL_OP_RANGE_H
#define PROMQL_OP_RANGE_H
#include "promql/plan.h"

enum { RANGE_MAX_ARGS = 2 };

typedef struct windows {
    const int64_t *t;          /* the series' samples without staleness markers, ascending */
    const double *v;
    size_t n;
    const uint32_t *lo, *hi;   /* window i holds the samples lo[i] .. hi[i] - 1; both ascend */
    size_t n_steps;
    data_time end;             /* window i ends at data_time_at(end, i), inclusive */
    int64_t range_ms;          /* and begins range_ms before, exclusive */
    grid g;                    /* evaluation times */
    bool anchored, smoothed;   /* then n more samples stand around the windows: range_outer() */
    const double *args[RANGE_MAX_ARGS];   /* values per step of the scalar arguments */
    const labels *labels;
    row *out;                  /* empty; to be filled */
    eval *ev;
    place at, arg0;            /* of the range vector, of the first argument */
    double *scratch;           /* room for 2 * n numbers */
} windows;

/* Fills w->out. May fail the query (w->ev). */
typedef void (*window_fn)(windows *w);

/* f(range vector, scalar...) in any order of arguments. Name dropping and counter warnings go by the flags of the
 * table's row. */
bool range_call(func_call *c, window_fn fn);

/* ---- anchored and smoothed windows ---- */
typedef struct extended_window {
    size_t first, last;        /* samples strictly inside the bounds: first .. last - 1 */
    size_t outer_first;        /* the one that `left` goes by */
    double left, right;        /* values at the bounds */
} extended_window;
/* Of n > 0 samples around the window (start, end]. false: none lies behind start. is_counter: interpolation across a
 * reset starts at 0. */
bool window_extend(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, bool smoothed,
                   bool is_counter, extended_window *out);

/* ---- the samples of a range vector, series by series ---- */
typedef struct range_series {
    const labels *labels;
    const int64_t *t;
    const double *v;
    size_t n;
    bool drop_name;
} range_series;

typedef struct range_source range_source;
/* arg: AST_MATRIX or AST_SUBQUERY. NULL: eval.err is set. */
range_source *range_source_new(eval *ev, const ast_node *arg, grid g);
/* The next series, valid until the following call; false at the end and after an error. Series without samples are
 * left out. */
bool range_source_next(range_source *s, range_series *out);
/* The operator below a subquery; NULL for a selector. */
op *range_source_rows(const range_source *s);
data_time range_source_end(const range_source *s);
int64_t range_source_ms(const range_source *s);
#endif
