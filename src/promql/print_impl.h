/* print_impl.h: what print.c and pretty.c share: the parts of a node that are not its children. */
#ifndef PROMQL_PRINT_IMPL_H
#define PROMQL_PRINT_IMPL_H
#include "promql/print.h"

void print_aggregate_operator(buf *out, const ast_aggregate *agg);   /* `sum by (a) `, `sum` */
void print_binary_operator(buf *out, const ast_binary *b);           /* `== bool on (a) group_left ()` */
void print_subquery_suffix(buf *out, const ast_subquery *s);         /* `[5m:1m] @ end() offset 1m` */
#endif
