/* parser.h: the parser's own state, shared by parse*.c and types.c. Not for other rooms.
 *
 * 1. One token of lookahead, read only when the grammar needs it: upstream's generated parser does the same, and
 *    what was read decides which of two mistakes is reported and where a call or selector ends (`last_closing`).
 * 2. The first mistake stays; parser_fail() and parser_unexpected() do nothing after it, and the parse functions
 *    return NULL or false up to the top.
 * 3. `where` is what the innermost rule with a message of its own was waiting for: upstream's yacc grammar finds it
 *    by popping its stack to a rule with `error`; here each such rule sets it and gives the outer one back when it
 *    is done.
 * 4. Matchers made are remembered until the end, so that a failed parse gives back their regular expressions.   */
#ifndef PROMQL_PARSER_H
#define PROMQL_PARSER_H
#include "promql/ast.h"
#include "promql/lex.h"

typedef struct expectation {
    const char *context;    /* "unexpected x in CONTEXT" */
    const char *expected;   /* ", expected EXPECTED"; both may be empty */
} expectation;

typedef struct parser {
    lexer lex;
    token next;                   /* lookahead, if has_next */
    token read;                   /* the token read last, be it lookahead or taken */
    bool has_next;
    bool failed;                  /* (2) */
    int32_t last_closing;         /* end of the last ) ] } number or duration read */
    const expectation *where;     /* (3) */
    uint32_t features;
    int depth;                    /* of expressions being parsed */
    arena *a;
    err *e;
    struct made_matchers *made;   /* (4) */
} parser;

/* Kind of the lookahead, reading it if need be. TOK_ERROR: failed. */
enum token_kind parser_peek(parser *p);
/* The lookahead, which must have been peeked at. */
token parser_take(parser *p);
/* Takes a token of this kind, or reports another as unexpected. */
bool parser_expect(parser *p, enum token_kind kind);

/* "LINE:COL: parse error: ..." of the byte `at`. Always false. */
bool parser_fail(parser *p, int32_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Reports the token read last. Always false. */
bool parser_unexpected(parser *p);
/* s in Go quotes, for messages; the arena's. */
const char *parser_quote(parser *p, bytes s);

/* A zeroed node. NULL (and failed) where the tree gets too deep; deepest is the depth of its deepest child, 0 for
 * leaves. */
ast_node *parser_node(parser *p, enum ast_kind kind, enum value_type type, int32_t deepest);
/* One level further down; false (and failed) where that is too deep. Leave with p->depth--. */
bool parser_descend(parser *p);
/* Room for one more element behind n; the array is the arena's. */
void *parser_grow(parser *p, void *array, size_t n, size_t size);

/* number_duration_literal: the token, a number or duration, as a node. */
ast_node *parse_number(parser *p, token t);
/* A range or step: > 0 where it is a number already. */
ast_node *parse_positive_duration(parser *p);
/* What stands behind `offset`: an AST_NUMBER or AST_DURATION. */
ast_node *parse_offset_duration(parser *p);
/* The selector whose name, if any, has been taken; a `{` may follow. */
ast_node *parse_vector_selector(parser *p, const token *name);
/* (4), after a failure. */
void parser_release_matchers(parser *p);
/* "(" labels ")" behind by, without, on, ignoring, group_left, group_right. */
bool parse_grouping(parser *p, ast_labels *out);
/* Seconds as nanoseconds, rounded; out of range as amd64 converts: INT64_MIN. */
int64_t duration_to_ns(double seconds);
/* Is the token a word that may stand for a metric outside of braces? */
bool token_is_metric(enum token_kind k);

/* Type rules; also settles `matching` and `card` of binary expressions. */
bool types_check(parser *p, ast_node *root);
#endif
