/* pretty.c: /api/v1/format_query: what does not fit into 100 bytes is broken into indented lines.
 *
 * A node whose one-line text is at most 100 bytes, indentation not counted, stays on its line. Otherwise a call,
 * aggregation or parenthesis puts each part on its own line, one level further in; a binary operator gets a line of
 * its own between its sides. Selectors and literals are never broken. Oddities are upstream's
 * (promql/parser/prettier.go): a subquery that fits is not indented at all. */
#include "promql/print_impl.h"
#include "promql/funcs.h"

enum { LINE_MAX_BYTES = 100 };

static void indent(buf *out, int level)
{
    for (int i = 0; i < level && !out->overflow; i++)
        buf_putz(out, "  ");
}

/* Does the one-line text exceed the line? */
static bool needs_split(const ast_node *n)
{
    buf line;
    buf_init(&line, LINE_MAX_BYTES + 1);   /* one more: formatted pieces need room for a terminator */
    promql_print(&line, n);
    bool is_long = line.overflow || line.len > LINE_MAX_BYTES;
    buf_release(&line);
    return is_long;
}

static void pretty(buf *out, const ast_node *n, int level);

/* The inner node on lines of its own and the closing parenthesis below. */
static void pretty_block(buf *out, const ast_node *const *parts, size_t n, int level)
{
    buf_putz(out, "(\n");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putz(out, ",\n");
        pretty(out, parts[i], level + 1);
    }
    buf_putc(out, '\n');
    indent(out, level);
    buf_putc(out, ')');
}

static void pretty_aggregate(buf *out, const ast_aggregate *agg, int level)
{
    const ast_node *parts[] = { agg->param, agg->expr };
    size_t from = agg->param ? 0 : 1;
    indent(out, level);
    print_aggregate_operator(out, agg);
    pretty_block(out, parts + from, 2 - from, level);
}

static void pretty_binary(buf *out, const ast_binary *b, int level)
{
    pretty(out, b->lhs, level + 1);
    buf_putc(out, '\n');
    indent(out, level);
    print_binary_operator(out, b);
    buf_putc(out, '\n');
    pretty(out, b->rhs, level + 1);
}

static void pretty_call(buf *out, const ast_call *c, int level)
{
    indent(out, level);
    buf_putz(out, c->func->name);
    pretty_block(out, (const ast_node *const *)c->args, c->n_args, level);
}

/* The sign stands where the operand's indentation would end. */
static void pretty_unary(buf *out, const ast_node *n, int level)
{
    buf inner;
    buf_init(&inner, out->max);
    pretty(&inner, n->unary.expr, level);
    bytes text = bytes_trim(buf_bytes(&inner));
    indent(out, level);
    buf_putz(out, ast_op_text(n->unary.op));
    buf_puts(out, text);
    buf_release(&inner);
}

static void pretty_short(buf *out, const ast_node *n, int level)
{
    if (n->kind != AST_SUBQUERY)
        indent(out, level);
    promql_print(out, n);
}

static void pretty(buf *out, const ast_node *n, int level)
{
    if (out->overflow)
        return;
    if (n->kind == AST_UNARY) {
        pretty_unary(out, n, level);
        return;
    }
    if (!ast_child(n, 0) || n->kind == AST_MATRIX || !needs_split(n)) {
        pretty_short(out, n, level);
        return;
    }
    switch (n->kind) {
    case AST_AGGREGATE: pretty_aggregate(out, &n->aggregate, level); break;
    case AST_BINARY: pretty_binary(out, &n->binary, level); break;
    case AST_CALL: pretty_call(out, &n->call, level); break;
    case AST_PAREN:
        indent(out, level);
        pretty_block(out, (const ast_node *const *)&n->paren, 1, level);
        break;
    case AST_SUBQUERY:
        pretty(out, n->subquery.expr, level);
        print_subquery_suffix(out, &n->subquery);
        break;
    default: BUG("pretty: node kind %d", (int)n->kind);
    }
}

void promql_print_pretty(buf *out, const ast_node *n)
{
    pretty(out, n, 0);
}
