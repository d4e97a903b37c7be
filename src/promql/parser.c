/* parser.c: the parser's tools: lookahead, messages, nodes (see parser.h).                                    */
#include "promql/parser.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "promql/parse.h"
#include <stdarg.h>
#include <stdio.h>

static const expectation nothing = { "", "" };

/* Of the longest text in Go quotes: 4 bytes for each and the quotes. */
#define QUOTED_MAX (4 * LIMIT_QUERY_TEXT + 64)

static bool closes(enum token_kind k)
{
    return k == TOK_RIGHT_BRACE || k == TOK_RIGHT_PAREN || k == TOK_RIGHT_BRACKET || k == TOK_DURATION
        || k == TOK_NUMBER;
}

enum token_kind parser_peek(parser *p)
{
    if (p->has_next)
        return p->next.kind;
    p->next = p->read = lexer_next(&p->lex);
    p->has_next = true;
    if (p->next.kind == TOK_ERROR)
        parser_fail(p, p->lex.start, "%s", p->lex.error);
    else if (closes(p->next.kind))
        p->last_closing = token_end(&p->next);
    return p->next.kind;
}

token parser_take(parser *p)
{
    p->has_next = false;
    return p->next;
}

bool parser_expect(parser *p, enum token_kind kind)
{
    if (parser_peek(p) != kind)
        return parser_unexpected(p);
    parser_take(p);
    return true;
}

bytes promql_position(bytes text, int32_t at, arena *a)
{
    if (text.len == 0)
        return BYTES("unknown position");
    size_t end = at < 0 ? 0 : (size_t)at < text.len ? (size_t)at : text.len, line_start = 0;
    int line = 1;
    for (size_t i = 0; i < end; i++) {
        if (text.p[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return arena_bytesf(a, "%d:%zu", line, end - line_start + 1);
}

bool parser_fail(parser *p, int32_t at, const char *fmt, ...)
{
    if (p->failed)
        return false;
    p->failed = true;
    char text[sizeof p->e->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bytes place = promql_position(p->lex.in, at, p->a);
    return err_set(p->e, ERR_BAD_DATA, "%.*s: parse error: %s", BYTES_ARG(place), text);
}

bool parser_unexpected(parser *p)
{
    const expectation *w = p->where ? p->where : &nothing;
    if (p->failed)
        return false;
    buf b;
    buf_init(&b, QUOTED_MAX);
    token_describe(&p->read, &b);
    parser_fail(p, p->read.start, "unexpected %.*s%s%s%s%s", BYTES_ARG(buf_bytes(&b)), w->context[0] ? " in " : "",
                w->context, w->expected[0] ? ", expected " : "", w->expected);
    buf_release(&b);
    return false;
}

const char *parser_quote(parser *p, bytes s)
{
    buf b;
    buf_init(&b, QUOTED_MAX);
    utf8_quote(&b, s);
    const char *text = arena_cstr(p->a, buf_bytes(&b));
    buf_release(&b);
    return text;
}

static bool too_deep(parser *p)
{
    return parser_fail(p, p->read.start, "expression is nested too deeply");
}

ast_node *parser_node(parser *p, enum ast_kind kind, enum value_type type, int32_t deepest)
{
    if (deepest >= LIMIT_QUERY_DEPTH) {
        too_deep(p);
        return NULL;
    }
    ast_node *n = ARENA_NEW(p->a, ast_node);
    n->kind = kind;
    n->type = type;
    n->depth = deepest + 1;
    return n;
}

bool parser_descend(parser *p)
{
    return ++p->depth <= LIMIT_QUERY_DEPTH || too_deep(p);
}

void *parser_grow(parser *p, void *array, size_t n, size_t size)
{
    if (n == 0)
        return arena_array(p->a, 4, size);
    if (n >= 4 && (n & (n - 1)) == 0)
        return arena_grow(p->a, array, n * size, 2 * n * size);
    return array;
}
