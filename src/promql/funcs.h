/* funcs.h: THE function table. The checker, the printer of /parse_query, the evaluator, /api/v1/features and the
 * docs read the same rows; a function exists where it has a row, and can be evaluated where its row has a callback. */
#ifndef PROMQL_FUNCS_H
#define PROMQL_FUNCS_H
#include "promql/ast.h"

/* How a function is evaluated: plans one call (plan.h). */
struct func_call;
typedef bool (*promql_func_eval)(struct func_call *call);

enum promql_func_flag {
    FUNC_EXPERIMENTAL = 1u << 0,   /* needs PROMQL_EXPERIMENTAL_FUNCTIONS */
    FUNC_KEEP_NAME = 1u << 1,      /* the result keeps the metric name */
    FUNC_COUNTER = 1u << 2,        /* warns where the name does not look like a counter's */
    FUNC_OVER_TIME = 1u << 3,      /* one value per window of a range vector */
    FUNC_NOT_INVARIANT = 1u << 4,  /* depends on the evaluation time even where its arguments do not */
};

/* args: one letter each: s scalar, v instant vector, m range vector, t string.
 * variadic as Prometheus: 0: exactly these; n > 0: the last may be missing or come up to n times; -1: any number of
 * times. */
typedef struct promql_func {
    const char *name;
    const char *args;
    int variadic;
    enum value_type returns;
    uint32_t flags;
    promql_func_eval eval;         /* NULL: known, but not evaluated yet */
} promql_func;

/* Sorted by name. */
extern const promql_func promql_funcs[];
extern const size_t promql_n_funcs;

/* Names are case-sensitive. NULL: no such function. */
const promql_func *promql_func_find(bytes name);
/* The type of argument i, the last letter standing for all after it. */
enum value_type promql_func_arg(const promql_func *f, size_t i);
#endif
