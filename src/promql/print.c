/* print.c: a tree as one line of PromQL (see print.h). pretty.c breaks long ones.
 *
 * Follows promql/parser/printer.go of Prometheus 3.14: one space around operators, matchers sorted as text,
 * modifiers in the order @, anchored/smoothed, offset for selectors and anchored/smoothed, @, offset for ranges.
 * Every function stops early where the buffer is full, so that pretty.c can ask cheaply whether 100 bytes suffice. */
#include "promql/print_impl.h"
#include "base/num.h"
#include "base/utf8.h"
#include "promql/funcs.h"
#include <stdlib.h>

static const struct {
    const char *name;
    int64_t ms;
    bool exact;   /* printed only where nothing remains: 90d, not 12w6d */
} units[] = {
    { "y", INT64_C(31536000000), true }, { "w", 604800000, true }, { "d", 86400000, false }, { "h", 3600000, false },
    { "m", 60000, false },               { "s", 1000, false },     { "ms", 1, false },
};

/* Whole milliseconds of it, largest unit first; "0s" for none. */
static void print_duration(buf *out, int64_t ns)
{
    int64_t ms = ast_ms(ns);
    if (ms <= 0)
        buf_putz(out, ms == 0 ? "0s" : "-");
    ms = ms < 0 ? -ms : ms;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t n = ms / units[i].ms;
        if (n <= 0 || (units[i].exact && ms % units[i].ms != 0))
            continue;
        buf_printf(out, "%lld%s", (long long)n, units[i].name);
        ms %= units[i].ms;
    }
}

/* Seconds as Go converts them: cut to nanoseconds, out of range as amd64 does. */
static int64_t seconds_to_ns(double sec)
{
    double ns = sec * 1e9;
    return ns >= -0x1p63 && ns < 0x1p63 ? (int64_t)ns : INT64_MIN;
}

static void print_number(buf *out, const ast_node *n)
{
    double v = n->number.value;
    char text[NUM_MAX_TEXT];
    if (!n->number.is_duration) {
        buf_put(out, text, num_format_f(v, text));
        return;
    }
    if (v < 0)
        buf_putc(out, '-');
    print_duration(out, seconds_to_ns(v < 0 ? -v : v));
}

/* ---- duration expressions ---- */

static void print_duration_expr(buf *out, const ast_node *n);

static void print_duration_body(buf *out, const ast_duration *d)
{
    switch (d->op) {
    case OP_STEP: case OP_RANGE:
        buf_printf(out, "%s()", ast_op_text(d->op));
        return;
    case OP_MIN_OF: case OP_MAX_OF:
        buf_printf(out, "%s(", ast_op_text(d->op));
        print_duration_expr(out, d->lhs);
        buf_putz(out, ", ");
        print_duration_expr(out, d->rhs);
        buf_putc(out, ')');
        return;
    default: break;
    }
    if (d->lhs) {
        print_duration_expr(out, d->lhs);
        buf_printf(out, " %s ", ast_op_text(d->op));
    } else if (d->op == OP_SUB) {
        buf_putc(out, '-');
    }
    print_duration_expr(out, d->rhs);
}

static void print_duration_expr(buf *out, const ast_node *n)
{
    if (out->overflow)
        return;
    if (n->kind == AST_NUMBER) {
        print_number(out, n);
        return;
    }
    if (n->duration.wrapped)
        buf_putc(out, '(');
    print_duration_body(out, &n->duration);
    if (n->duration.wrapped)
        buf_putc(out, ')');
}

static void print_duration_or_expr(buf *out, int64_t ns, const ast_node *expr)
{
    if (expr)
        print_duration_expr(out, expr);
    else
        print_duration(out, ns);
}

/* ---- selectors ---- */

static void print_at(buf *out, const ast_when *w)
{
    if (w->at == AT_TIME)
        buf_printf(out, " @ %.3f", (double)w->at_ms / 1000.0);
    else if (w->at != AT_NONE)
        buf_putz(out, w->at == AT_START ? " @ start()" : " @ end()");
}

static void print_offset(buf *out, const ast_when *w)
{
    if (w->offset_expr || w->offset_ns > 0) {
        buf_putz(out, " offset ");
        print_duration_or_expr(out, w->offset_ns, w->offset_expr);
    } else if (w->offset_ns < 0) {
        buf_putz(out, " offset -");
        print_duration(out, w->offset_ns == INT64_MIN ? INT64_MIN : -w->offset_ns);
    }
}

static void print_extended(buf *out, const ast_selector *s)
{
    if (s->anchored || s->smoothed)
        buf_putz(out, s->anchored ? " anchored" : " smoothed");
}

static int by_text(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

/* The name in front of the braces is not said again inside. */
static bool is_shown(const ast_selector *s, const matcher *m)
{
    return m->op != MATCH_EQ || m->value.len == 0 || !bytes_eq(m->name, LABEL_NAME) || !bytes_eq(m->value, s->name);
}

/* {a="b",c!="d"}, sorted as text. */
static void print_matchers(buf *out, const ast_selector *s)
{
    buf text;
    size_t n = 0;
    if (s->n_matchers == 0)
        return;
    size_t *ends = xcalloc(s->n_matchers, sizeof *ends);
    bytes *parts = xcalloc(s->n_matchers, sizeof *parts);
    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < s->n_matchers; i++) {
        if (!is_shown(s, &s->matchers[i]))
            continue;
        matcher_print(&text, &s->matchers[i]);
        ends[n++] = text.len;
    }
    for (size_t i = 0, from = 0; i < n; from = ends[i++])
        parts[i] = bytes_n(text.p + from, ends[i] - from);
    qsort(parts, n, sizeof *parts, by_text);
    for (size_t i = 0; i < n; i++) {
        buf_putc(out, i == 0 ? '{' : ',');
        buf_puts(out, parts[i]);
    }
    if (n > 0)
        buf_putc(out, '}');
    buf_release(&text);
    free(parts);
    free(ends);
}

static void print_selector(buf *out, const ast_selector *s)
{
    buf_puts(out, s->name);
    print_matchers(out, s);
    print_at(out, &s->when);
    print_extended(out, s);
    print_offset(out, &s->when);
}

static void print_matrix(buf *out, const ast_matrix *m)
{
    const ast_selector *s = &m->selector->selector;
    buf_puts(out, s->name);
    print_matchers(out, s);
    buf_putc(out, '[');
    print_duration_or_expr(out, m->range_ns, m->range_expr);
    buf_putc(out, ']');
    print_extended(out, s);
    print_at(out, &s->when);
    print_offset(out, &s->when);
}

void print_subquery_suffix(buf *out, const ast_subquery *s)
{
    buf_putc(out, '[');
    print_duration_or_expr(out, s->range_ns, s->range_expr);
    buf_putc(out, ':');
    if (s->step_ns != 0 || s->step_expr)
        print_duration_or_expr(out, s->step_ns, s->step_expr);
    buf_putc(out, ']');
    print_at(out, &s->when);
    print_offset(out, &s->when);
}

/* ---- operators ---- */

static void print_labels(buf *out, const ast_labels *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            buf_putz(out, ", ");
        if (label_is_legacy_name(l->names[i]))
            buf_puts(out, l->names[i]);
        else
            utf8_quote(out, l->names[i]);
    }
}

static void print_clause(buf *out, const char *word, const ast_labels *l)
{
    buf_printf(out, " %s (", word);
    print_labels(out, l);
    buf_putc(out, ')');
}

static void print_fill_value(buf *out, const char *word, double v)
{
    char text[NUM_MAX_TEXT];
    size_t len = num_format_g(v, text);
    buf_printf(out, " %s (%.*s)", word, (int)len, text);
}

static void print_fill(buf *out, const ast_binary *b)
{
    if (b->has_fill_left && b->has_fill_right && b->fill_left == b->fill_right) {
        print_fill_value(out, "fill", b->fill_left);
        return;
    }
    if (b->has_fill_left)
        print_fill_value(out, "fill_left", b->fill_left);
    if (b->has_fill_right)
        print_fill_value(out, "fill_right", b->fill_right);
}

void print_binary_operator(buf *out, const ast_binary *b)
{
    bool is_grouped = b->card == CARD_MANY_TO_ONE || b->card == CARD_ONE_TO_MANY;
    buf_putz(out, ast_op_text(b->op));
    if (b->return_bool)
        buf_putz(out, " bool");
    if (!b->matching)
        return;
    if (b->labels.n > 0 || b->on || is_grouped)
        print_clause(out, b->on ? "on" : "ignoring", &b->labels);
    if (is_grouped)
        print_clause(out, b->card == CARD_MANY_TO_ONE ? "group_left" : "group_right", &b->include);
    print_fill(out, b);
}

void print_aggregate_operator(buf *out, const ast_aggregate *agg)
{
    buf_putz(out, agg_op_text(agg->op));
    if (!agg->without && agg->grouping.n == 0)
        return;
    print_clause(out, agg->without ? "without" : "by", &agg->grouping);
    buf_putc(out, ' ');
}

static void print_aggregate(buf *out, const ast_aggregate *agg)
{
    print_aggregate_operator(out, agg);
    buf_putc(out, '(');
    if (agg->param) {
        promql_print(out, agg->param);
        buf_putz(out, ", ");
    }
    promql_print(out, agg->expr);
    buf_putc(out, ')');
}

static void print_call(buf *out, const ast_call *c)
{
    buf_printf(out, "%s(", c->func->name);
    for (size_t i = 0; i < c->n_args; i++) {
        if (i > 0)
            buf_putz(out, ", ");
        promql_print(out, c->args[i]);
    }
    buf_putc(out, ')');
}

static void print_binary(buf *out, const ast_binary *b)
{
    promql_print(out, b->lhs);
    buf_putc(out, ' ');
    print_binary_operator(out, b);
    buf_putc(out, ' ');
    promql_print(out, b->rhs);
}

void promql_print(buf *out, const ast_node *n)
{
    if (out->overflow)
        return;
    switch (n->kind) {
    case AST_NUMBER: print_number(out, n); break;
    case AST_STRING: utf8_quote(out, n->string); break;
    case AST_SELECTOR: print_selector(out, &n->selector); break;
    case AST_MATRIX: print_matrix(out, &n->matrix); break;
    case AST_AGGREGATE: print_aggregate(out, &n->aggregate); break;
    case AST_BINARY: print_binary(out, &n->binary); break;
    case AST_CALL: print_call(out, &n->call); break;
    case AST_DURATION: print_duration_expr(out, n); break;
    case AST_SUBQUERY:
        promql_print(out, n->subquery.expr);
        print_subquery_suffix(out, &n->subquery);
        break;
    case AST_UNARY:
        buf_putz(out, ast_op_text(n->unary.op));
        promql_print(out, n->unary.expr);
        break;
    case AST_PAREN:
        buf_putc(out, '(');
        promql_print(out, n->paren);
        buf_putc(out, ')');
        break;
    }
}
