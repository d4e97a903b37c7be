/* op_binary.h: what op_binary.c and op_match.c share: the operators on columns. Private to the room. */
#ifndef PROMQL_OP_BINARY_H
#define PROMQL_OP_BINARY_H
#include "promql/plan.h"

typedef struct binary_rule {   /* one of both is set; none: </ and >/, which know histograms only */
    void (*arithmetic)(size_t n, const double *l, const double *r, double *out);
    void (*comparison)(size_t n, const double *l, const double *r, uint64_t *holds);
} binary_rule;
extern const binary_rule binary_rules[OP_N];

/* Columns of one operation; keep: what a filter leaves standing. out may be any of them. */
typedef struct binary_sides {
    const double *lhs, *rhs, *keep;
    double *out;
} binary_sides;

/* Computes out for n steps; of a comparison also where it holds. Slots without values are computed as well. */
void binary_values(const binary_rule *b, bool as_bool, size_t n, binary_sides s, uint64_t *holds);
/* The info that the operator does not know floats, where that is so. */
void binary_note_types(eval *ev, const binary_rule *b, enum ast_op o, place at);

/* The labels that two vectors are matched by. */
typedef struct match_key {
    bytes *names;              /* sorted, distinct; with ignoring also __name__ */
    size_t n;
    bool on;
} match_key;
match_key match_key_of(eval *ev, const ast_binary *b);
/* The match group of a set, built in a. */
const labels *match_group(const match_key *k, const labels *l, arena *a);
#endif
