/* parse.h: query text -> checked tree, with Prometheus' error texts and positions.
 *
 * Errors are ERR_BAD_DATA and read "LINE:COL: parse error: ..." (column in bytes from 1); the first one only, in the
 * order in which Prometheus finds them: a syntax error before any type error.
 * Limits: LIMIT_QUERY_TEXT bytes, LIMIT_QUERY_DEPTH levels.                                                    */
#ifndef PROMQL_PARSE_H
#define PROMQL_PARSE_H
#include "promql/ast.h"

/* --enable-feature, as bits. Duration expressions need none since 3.14. */
enum promql_feature {
    PROMQL_EXPERIMENTAL_FUNCTIONS = 1u << 0,     /* promql-experimental-functions */
    PROMQL_EXTENDED_SELECTORS = 1u << 1,         /* promql-extended-range-selectors: anchored, smoothed */
    PROMQL_FILL_MODIFIERS = 1u << 2,             /* promql-binop-fill-modifiers */
    PROMQL_DELAYED_NAME_REMOVAL = 1u << 3,       /* promql-delayed-name-removal: the evaluator's */
    PROMQL_TYPE_AND_UNIT_LABELS = 1u << 4,       /* type-and-unit-labels: the evaluator's */
};

/* Parses and checks. text must outlive the tree (names are borrowed from it where they need no unquoting). On success
 * *out is the root: ast_release() it. On failure nothing is to be released. */
bool promql_parse(bytes text, uint32_t features, arena *a, ast_node **out, err *e);

/* One vector selector without modifiers, as match[] takes it: name{a="b"}. *out is an AST_SELECTOR to be released;
 * an empty matcher set is not refused here. */
bool promql_parse_selector(bytes text, arena *a, ast_node **out, err *e);

/* "LINE:COL" of a byte offset, both from 1. Offsets past the end count as the end. */
bytes promql_position(bytes text, int32_t at, arena *a);
#endif
