/* op_aggregate.h: what op_aggregate.c and op_rank.c share. Private to the room. */
#ifndef PROMQL_OP_AGGREGATE_H
#define PROMQL_OP_AGGREGATE_H
#include "promql/plan.h"

/* How rows fall into groups. */
typedef struct grouping {
    bytes *names;              /* sorted, distinct; with without also __name__ */
    size_t n;
    bool without;
    bool by_name;              /* a name among them that name dropping takes away */
    label_map groups;          /* numbered in order of their coming */
} grouping;

grouping grouping_new(eval *ev, const ast_aggregate *a, bytes extra);
/* The number of r's group; *is_new where it was made just now. Builds in eval.scratch. */
size_t grouping_of(eval *ev, grouping *g, const row *r, bool *is_new);

/* Values of an aggregation's parameter over all steps. */
typedef struct param_range {
    double min, max;
    bool has_nan;
} param_range;
param_range param_range_of(const double *v, size_t n);

/* topk, bottomk, limitk, limit_ratio, quantile; count_values */
op *rank_new(eval *ev, const ast_node *n, op *src, op *param);
op *count_values_new(eval *ev, const ast_node *n, op *src);
#endif
