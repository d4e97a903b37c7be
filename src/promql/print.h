/* print.h: a tree as text again, and as the JSON of /api/v1/parse_query. */
#ifndef PROMQL_PRINT_H
#define PROMQL_PRINT_H
#include "base/json_write.h"
#include "promql/ast.h"

/* On one line, as Prometheus' Expr.String(): parsing it again gives the same tree. */
void promql_print(buf *out, const ast_node *n);
/* As /api/v1/format_query: parts of more than 100 bytes are broken into lines. */
void promql_print_pretty(buf *out, const ast_node *n);
/* As /api/v1/parse_query. The writer's depth limit does not matter: deeper levels are written by hand. */
void promql_ast_json(json_writer *w, const ast_node *n);
#endif
