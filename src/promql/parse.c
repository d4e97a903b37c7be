/* parse.c: expressions, by precedence climbing.
 *
 * Precedence, weakest first: or; and unless; comparisons; + -; * / % atan2; ^ (to the right). A sign binds like `*`, so
 * -2^2 is -(2^2). offset, @, anchored, smoothed and brackets stand behind an operand and bind strongest.
 *
 * The grammar and its messages are those of promql/parser/generated_parser.y of Prometheus 3.14, an LALR grammar
 * with conflicts that yacc settles silently. Where that shows, a comment says so; tests/promql/ has a case for each. */
#include "promql/parse.h"
#include "base/limits.h"
#include "base/num.h"
#include "promql/funcs.h"
#include "promql/parser.h"
#include <math.h>
#include <stdio.h>

static const expectation in_aggregation = { "aggregation", "" };
static const expectation want_offset = { "offset", "number, duration, step(), or range()" };
static const expectation want_timestamp = { "@", "timestamp" };
static const expectation want_range = { "subquery or range selector", "number, duration, step(), or range()" };
static const expectation want_range_end = { "subquery or range", "\":\" or \"]\"" };
static const expectation want_step = { "subquery selector", "number, duration, step(), range(), or \"]\"" };
static const expectation want_step_end = { "subquery selector", "\"]\"" };

enum { PRECEDENCE_POW = 6 };
static const struct {
    enum ast_op op;
    int precedence;   /* 0: no binary operator */
} binary_ops[TOK_N] = {
    [TOK_OR] = { OP_OR, 1 },
    [TOK_AND] = { OP_AND, 2 },
    [TOK_UNLESS] = { OP_UNLESS, 2 },
    [TOK_EQLC] = { OP_EQ, 3 },
    [TOK_NEQ] = { OP_NE, 3 },
    [TOK_LSS] = { OP_LT, 3 },
    [TOK_LTE] = { OP_LE, 3 },
    [TOK_GTR] = { OP_GT, 3 },
    [TOK_GTE] = { OP_GE, 3 },
    [TOK_TRIM_UPPER] = { OP_TRIM_UPPER, 3 },
    [TOK_TRIM_LOWER] = { OP_TRIM_LOWER, 3 },
    [TOK_ADD] = { OP_ADD, 4 },
    [TOK_SUB] = { OP_SUB, 4 },
    [TOK_MUL] = { OP_MUL, 5 },
    [TOK_DIV] = { OP_DIV, 5 },
    [TOK_MOD] = { OP_MOD, 5 },
    [TOK_ATAN2] = { OP_ATAN2, 5 },
    [TOK_POW] = { OP_POW, PRECEDENCE_POW },
};

static ast_node *parse_expr(parser *p, int min_precedence);

static int32_t deeper(const ast_node *a, const ast_node *b)
{
    int32_t x = a ? a->depth : 0, y = b ? b->depth : 0;
    return x > y ? x : y;
}

/* ---- operands ---- */

typedef struct arguments {
    ast_node **list;
    size_t n;
    int32_t deepest;
} arguments;

static bool starts_expr(enum token_kind k)
{
    switch (k) {
    case TOK_LEFT_PAREN: case TOK_LEFT_BRACE: case TOK_ADD: case TOK_SUB: case TOK_NUMBER: case TOK_DURATION:
    case TOK_STRING:
        return true;
    default: return token_is_metric(k);
    }
}

/* "(" [ expr { "," expr } ] ")" */
static bool parse_arguments(parser *p, arguments *args)
{
    if (!parser_expect(p, TOK_LEFT_PAREN))
        return false;
    while (args->n > 0 || parser_peek(p) != TOK_RIGHT_PAREN) {
        args->list = parser_grow(p, args->list, args->n, sizeof *args->list);
        ast_node *arg = args->list[args->n++] = parse_expr(p, 1);
        if (!arg)
            return false;
        args->deepest = arg->depth > args->deepest ? arg->depth : args->deepest;
        if (parser_peek(p) != TOK_COMMA)
            break;
        int32_t comma = parser_take(p).start;
        if (!starts_expr(parser_peek(p)))   /* whatever it is, upstream takes the comma for a trailing one */
            return parser_fail(p, comma, "trailing commas not allowed in function call args");
    }
    return parser_expect(p, TOK_RIGHT_PAREN);
}

/* name "(" ... ")" */
static ast_node *parse_call(parser *p, token name)
{
    arguments args = { 0 };
    if (!parse_arguments(p, &args))
        return NULL;
    const promql_func *f = promql_func_find(name.text);
    if (!f) {
        parser_fail(p, name.start, "unknown function with name %s", parser_quote(p, name.text));
        return NULL;
    }
    if ((f->flags & FUNC_EXPERIMENTAL) && !(p->features & PROMQL_EXPERIMENTAL_FUNCTIONS))
        parser_fail(p, name.start, "function %s is not enabled", parser_quote(p, name.text));
    ast_node *n = p->failed ? NULL : parser_node(p, AST_CALL, f->returns, args.deepest);
    if (!n)
        return NULL;
    n->start = name.start;
    n->end = p->last_closing;
    n->call = (ast_call){ f, args.list, args.n };
    return n;
}

/* ( "by" | "without" ) "(" labels ")" */
static bool is_modifier(enum token_kind k)
{
    return k == TOK_BY || k == TOK_WITHOUT;
}

static bool parse_modifier(parser *p, ast_aggregate *agg)
{
    agg->without = parser_take(p).kind == TOK_WITHOUT;
    return parse_grouping(p, &agg->grouping);
}

/* An aggregation without trailing modifier ends at its parenthesis, but by the time we know the next token has been
 * read, which may be another one: go back to ours over white space. As upstream, comments defeat it. */
static int32_t end_before_lookahead(const parser *p)
{
    bytes in = p->lex.in;
    int32_t end = p->last_closing, last = p->lex.last;
    if (last <= 0 || (size_t)last >= in.len || in.p[last] != ')')
        return end;
    for (int32_t i = last - 1; i > 0; i--) {
        if (in.p[i] == ')')
            return i + 1;
        if (!lex_is_space(in.p[i]))
            break;
    }
    return end;
}

/* Takes parameter and expression from the arguments. */
static bool set_arguments(parser *p, ast_aggregate *agg, const arguments *args, int32_t at)
{
    size_t wanted = agg_op_has_param(agg->op) ? 2 : 1;
    if (args->n == 0)
        return parser_fail(p, at, "no arguments for aggregate expression provided");
    if (agg_op_is_experimental(agg->op) && !(p->features & PROMQL_EXPERIMENTAL_FUNCTIONS))
        return parser_fail(p, at,
                           "%s() is experimental and must be enabled with "
                           "--enable-feature=promql-experimental-functions",
                           agg_op_text(agg->op));
    if (args->n != wanted)
        return parser_fail(p, at,
                           "wrong number of arguments for aggregate expression provided, expected %zu, got %zu",
                           wanted, args->n);
    agg->param = wanted == 2 ? args->list[0] : NULL;
    agg->expr = args->list[wanted - 1];
    return true;
}

/* op [ modifier ] "(" ... ")" | op "(" ... ")" modifier */
static ast_node *parse_aggregate(parser *p, token op)
{
    const expectation *outer = p->where;
    ast_aggregate agg = { .op = (enum agg_op)(op.kind - TOK_FIRST_AGGREGATOR) };
    arguments args = { 0 };
    bool leads = is_modifier(parser_peek(p));
    p->where = &in_aggregation;
    if ((leads && !parse_modifier(p, &agg)) || !parse_arguments(p, &args))
        return NULL;
    bool trails = !leads && is_modifier(parser_peek(p));
    if (trails && !parse_modifier(p, &agg))
        return NULL;
    p->where = outer;
    int32_t end = leads || trails ? p->last_closing : end_before_lookahead(p);
    if (!set_arguments(p, &agg, &args, op.start) || p->failed)
        return NULL;
    ast_node *n = parser_node(p, AST_AGGREGATE, VALUE_VECTOR, args.deepest);
    if (!n)
        return NULL;
    n->start = op.start;
    n->end = end;
    n->aggregate = agg;
    return n;
}

/* A word: what follows decides whether it is a call, an aggregation or a metric. */
static ast_node *parse_word(parser *p)
{
    token word = parser_take(p);
    enum token_kind next = parser_peek(p);
    bool is_callable = word.kind == TOK_IDENTIFIER || (word.kind >= TOK_START && word.kind <= TOK_MIN_OF);
    if (is_callable && next == TOK_LEFT_PAREN)
        return parse_call(p, word);
    if (token_is_aggregator(word.kind) && (next == TOK_LEFT_PAREN || is_modifier(next)))
        return parse_aggregate(p, word);
    return parse_vector_selector(p, &word);
}

static ast_node *parse_string(parser *p)
{
    token t = parser_take(p);
    ast_node *n = parser_node(p, AST_STRING, VALUE_STRING, 0);
    n->start = t.start;
    n->end = token_end(&t);
    if (string_unquote(t.text, p->a, &n->string))
        return n;
    parser_fail(p, t.start, "error unquoting string %s: invalid syntax", parser_quote(p, t.text));
    return NULL;
}

static ast_node *parse_paren(parser *p)
{
    int32_t start = parser_take(p).start;
    ast_node *inner = parse_expr(p, 1);
    if (!inner || !parser_expect(p, TOK_RIGHT_PAREN))
        return NULL;
    ast_node *n = parser_node(p, AST_PAREN, inner->type, inner->depth);
    if (!n)
        return NULL;
    n->start = start;
    n->end = token_end(&p->read);
    n->paren = inner;
    return n;
}

/* ( "+" | "-" ) expr; a sign before a number becomes part of it. */
static ast_node *parse_unary(parser *p)
{
    token sign = parser_take(p);
    ast_node *inner = parse_expr(p, PRECEDENCE_POW);
    if (!inner)
        return NULL;
    if (inner->kind == AST_NUMBER) {
        if (sign.kind == TOK_SUB)
            inner->number.value *= -1;
        inner->start = sign.start;
        return inner;
    }
    ast_node *n = parser_node(p, AST_UNARY, inner->type, inner->depth);
    if (!n)
        return NULL;
    n->start = sign.start;
    n->end = inner->end;
    n->unary.op = sign.kind == TOK_SUB ? OP_SUB : OP_ADD;
    n->unary.expr = inner;
    return n;
}

static ast_node *parse_operand(parser *p)
{
    enum token_kind k = parser_peek(p);
    switch (k) {
    case TOK_NUMBER: case TOK_DURATION: return parse_number(p, parser_take(p));
    case TOK_STRING: return parse_string(p);
    case TOK_LEFT_PAREN: return parse_paren(p);
    case TOK_LEFT_BRACE: return parse_vector_selector(p, NULL);
    case TOK_ADD: case TOK_SUB: return parse_unary(p);
    default:
        if (token_is_metric(k))
            return parse_word(p);
        parser_unexpected(p);
        return NULL;
    }
}

/* ---- behind an operand ---- */

/* Offset and @ of what they may stand behind, else NULL. A range's are its selector's. */
static ast_when *when_of(ast_node *n)
{
    switch (n->kind) {
    case AST_SELECTOR: return &n->selector.when;
    case AST_MATRIX: return &n->matrix.selector->selector.when;
    case AST_SUBQUERY: return &n->subquery.when;
    default: return NULL;
    }
}

#define WHERE_ALLOWED "must be preceded by an instant vector selector or range vector selector or a subquery"

static ast_node *parse_offset(parser *p, ast_node *n)
{
    const expectation *outer = p->where;
    parser_take(p);
    p->where = &want_offset;
    ast_node *d = parse_offset_duration(p);
    p->where = outer;
    ast_when *w = when_of(n);
    if (!d || p->failed)
        return NULL;
    if (!w)
        parser_fail(p, n->start, "offset modifier " WHERE_ALLOWED);
    else if (w->offset_ns != 0 || w->offset_expr)
        parser_fail(p, n->start, "offset may not be set multiple times");
    if (p->failed)
        return NULL;
    if (d->kind == AST_NUMBER)
        w->offset_ns = duration_to_ns(d->number.value);
    else
        w->offset_expr = d;
    n->end = p->last_closing;
    return n;
}

/* Go's %f, which writes out what is no number. */
static const char *format_f(double v, char out[NUM_MAX_TEXT])
{
    if (isnan(v))
        return "NaN";
    if (isinf(v))
        return v > 0 ? "+Inf" : "-Inf";
    snprintf(out, NUM_MAX_TEXT, "%f", v);
    return out;
}

static int64_t seconds_to_ms(double sec)
{
    double ms = round(sec * 1000);
    return ms >= -0x1p63 && ms < 0x1p63 ? (int64_t)ms : INT64_MIN;
}

/* [ "+" | "-" ] number | ( "start" | "end" ) "(" ")" */
static bool parse_timestamp(parser *p, enum ast_at *at, double *sec)
{
    enum token_kind k = parser_peek(p);
    double sign = k == TOK_SUB ? -1 : 1;
    if (k == TOK_START || k == TOK_END) {
        parser_take(p);
        *at = k == TOK_START ? AT_START : AT_END;
        return parser_expect(p, TOK_LEFT_PAREN) && parser_expect(p, TOK_RIGHT_PAREN);
    }
    if (k == TOK_ADD || k == TOK_SUB) {
        parser_take(p);
        k = parser_peek(p);
    }
    if (k != TOK_NUMBER && k != TOK_DURATION)
        return parser_unexpected(p);
    ast_node *n = parse_number(p, parser_take(p));
    *at = AT_TIME;
    *sec = n ? sign * n->number.value : 0;
    return n != NULL;
}

static ast_node *parse_at(parser *p, ast_node *n)
{
    const expectation *outer = p->where;
    enum ast_at at = AT_NONE;
    double sec = 0;
    char text[NUM_MAX_TEXT];
    parser_take(p);
    p->where = &want_timestamp;
    if (!parse_timestamp(p, &at, &sec))
        return NULL;
    p->where = outer;
    ast_when *w = when_of(n);
    if (!(sec < 0x1p63 && sec > -0x1p63))
        parser_fail(p, n->start, "timestamp out of bounds for @ modifier: %s", format_f(sec, text));
    else if (!w)
        parser_fail(p, n->start, "@ modifier " WHERE_ALLOWED);
    else if (w->at != AT_NONE)
        parser_fail(p, n->start, "@ <timestamp> may not be set multiple times");
    if (p->failed)
        return NULL;
    w->at = at;
    w->at_ms = at == AT_TIME ? seconds_to_ms(sec) : 0;
    n->end = p->last_closing;
    return n;
}

/* anchored, smoothed */
static ast_node *parse_extended(parser *p, ast_node *n)
{
    bool is_anchored = parser_take(p).kind == TOK_ANCHORED;
    const char *word = is_anchored ? "anchored" : "smoothed";
    ast_node *v = n->kind == AST_MATRIX ? n->matrix.selector : n;
    if (!(p->features & PROMQL_EXTENDED_SELECTORS))
        parser_fail(p, n->start, "%s modifier is experimental and not enabled", word);
    else if (n->kind == AST_SUBQUERY)
        parser_fail(p, n->start, "%s modifier is not supported for subqueries", word);
    else if (v->kind != AST_SELECTOR)
        parser_fail(p, n->start, "%s modifier not implemented", word);
    else if (is_anchored ? v->selector.smoothed : v->selector.anchored)
        parser_fail(p, n->start, "anchored and smoothed modifiers cannot be used together");
    if (p->failed)
        return NULL;
    *(is_anchored ? &v->selector.anchored : &v->selector.smoothed) = true;
    return n;
}

static void set_duration(ast_node *d, int64_t *ns, ast_node **expr)
{
    if (d && d->kind == AST_NUMBER)
        *ns = duration_to_ns(d->number.value);
    else
        *expr = d;
}

static ast_node *make_matrix(parser *p, ast_node *n, ast_node *range, int32_t bracket)
{
    if (n->kind != AST_SELECTOR)
        parser_fail(p, bracket, "ranges only allowed for vector selectors");
    else if (n->selector.when.offset_ns != 0 || n->selector.when.offset_expr)
        parser_fail(p, bracket, "no offset modifiers allowed before range");
    else if (n->selector.when.at != AT_NONE)
        parser_fail(p, bracket, "no @ modifiers allowed before range");
    ast_node *m = p->failed ? NULL : parser_node(p, AST_MATRIX, VALUE_MATRIX, n->depth);
    if (!m)
        return NULL;
    m->start = n->start;
    m->end = p->last_closing;
    m->matrix.selector = n;
    set_duration(range, &m->matrix.range_ns, &m->matrix.range_expr);
    return m;
}

static ast_node *make_subquery(parser *p, ast_node *n, ast_node *range, ast_node *step)
{
    ast_node *s = parser_node(p, AST_SUBQUERY, VALUE_MATRIX, n->depth);
    if (!s)
        return NULL;
    s->start = n->start;
    s->end = p->last_closing;
    s->subquery.expr = n;
    set_duration(range, &s->subquery.range_ns, &s->subquery.range_expr);
    set_duration(step, &s->subquery.step_ns, &s->subquery.step_expr);
    return s;
}

/* ":" [ duration ] "]" */
static bool parse_step(parser *p, ast_node **step)
{
    parser_take(p);
    p->where = &want_step;
    if (parser_peek(p) != TOK_RIGHT_BRACKET && !(*step = parse_positive_duration(p)))
        return false;
    p->where = *step ? &want_step_end : &want_step;
    return parser_expect(p, TOK_RIGHT_BRACKET);
}

/* "[" duration "]" | "[" duration ":" [ duration ] "]" */
static ast_node *parse_brackets(parser *p, ast_node *n)
{
    const expectation *outer = p->where;
    int32_t bracket = parser_take(p).start;
    p->where = &want_range;
    ast_node *range = parse_positive_duration(p), *step = NULL;
    if (!range)
        return NULL;
    p->where = &want_range_end;
    bool is_subquery = parser_peek(p) == TOK_COLON;
    if (is_subquery ? !parse_step(p, &step) : !parser_expect(p, TOK_RIGHT_BRACKET))
        return NULL;
    p->where = outer;
    return is_subquery ? make_subquery(p, n, range, step) : make_matrix(p, n, range, bracket);
}

/* ---- binary operators ---- */

/* "(" [ sign ] number ")" */
static bool parse_fill_value(parser *p, double *out)
{
    if (!parser_expect(p, TOK_LEFT_PAREN))
        return false;
    enum token_kind k = parser_peek(p);
    bool is_negative = k == TOK_SUB;
    if (k == TOK_ADD || k == TOK_SUB) {
        parser_take(p);
        k = parser_peek(p);
    }
    if (k != TOK_NUMBER && k != TOK_DURATION)
        return parser_unexpected(p);
    ast_node *n = parse_number(p, parser_take(p));
    if (!n || !parser_expect(p, TOK_RIGHT_PAREN))
        return false;
    *out = is_negative ? -n->number.value : n->number.value;
    return true;
}

static bool parse_fill_side(parser *p, ast_binary *b)
{
    bool is_left = parser_take(p).kind == TOK_FILL_LEFT;
    *(is_left ? &b->has_fill_left : &b->has_fill_right) = true;
    return parse_fill_value(p, is_left ? &b->fill_left : &b->fill_right);
}

/* [ "fill" value | ( "fill_left" value ) and/or ( "fill_right" value ), in any order ] */
static bool parse_fill(parser *p, ast_binary *b)
{
    enum token_kind first = parser_peek(p);
    if (first == TOK_FILL) {
        parser_take(p);
        b->has_fill_left = b->has_fill_right = true;
        bool ok = parse_fill_value(p, &b->fill_left);
        b->fill_right = b->fill_left;
        return ok;
    }
    if (first != TOK_FILL_LEFT && first != TOK_FILL_RIGHT)
        return true;
    enum token_kind other = first == TOK_FILL_LEFT ? TOK_FILL_RIGHT : TOK_FILL_LEFT;
    return parse_fill_side(p, b) && (parser_peek(p) != other || parse_fill_side(p, b));
}

/* ( "on" | "ignoring" ) labels [ ( "group_left" | "group_right" ) [ labels ] ]
 * A "(" behind group_left is always its label list, never the right operand; what can start neither is missing a
 * list. */
static bool parse_matching(parser *p, ast_binary *b)
{
    enum token_kind k = parser_peek(p);
    if (k != TOK_ON && k != TOK_IGNORING)
        return true;
    parser_take(p);
    b->on = k == TOK_ON;
    if (!parse_grouping(p, &b->labels))
        return false;
    k = parser_peek(p);
    if (k != TOK_GROUP_LEFT && k != TOK_GROUP_RIGHT)
        return true;
    parser_take(p);
    b->card = k == TOK_GROUP_LEFT ? CARD_MANY_TO_ONE : CARD_ONE_TO_MANY;
    k = parser_peek(p);
    bool goes_on = k != TOK_LEFT_PAREN && (starts_expr(k) || (k >= TOK_FILL && k <= TOK_FILL_RIGHT));
    return goes_on || parse_grouping(p, &b->include);
}

static bool parse_bool(parser *p, ast_binary *b)
{
    b->return_bool = parser_peek(p) == TOK_BOOL;
    if (b->return_bool)
        parser_take(p);
    return true;
}

/* OP [ "bool" ] [ matching ] [ fill ] expr */
static ast_node *parse_binary(parser *p, ast_node *lhs)
{
    enum token_kind k = parser_take(p).kind;
    int precedence = binary_ops[k].precedence;
    ast_binary b = { .op = binary_ops[k].op, .lhs = lhs, .matching = true };
    if (!parse_bool(p, &b) || !parse_matching(p, &b) || !parse_fill(p, &b))
        return NULL;
    b.rhs = parse_expr(p, precedence == PRECEDENCE_POW ? precedence : precedence + 1);
    if (!b.rhs)
        return NULL;
    if ((b.has_fill_left || b.has_fill_right) && !(p->features & PROMQL_FILL_MODIFIERS)) {
        parser_fail(p, lhs->start, "binop fill modifiers are experimental and not enabled");
        return NULL;
    }
    bool is_scalar = lhs->type == VALUE_SCALAR && b.rhs->type == VALUE_SCALAR;
    ast_node *n = parser_node(p, AST_BINARY, is_scalar ? VALUE_SCALAR : VALUE_VECTOR, deeper(lhs, b.rhs));
    if (!n)
        return NULL;
    n->start = lhs->start;
    n->end = b.rhs->end;
    n->binary = b;
    return n;
}

static ast_node *parse_expr(parser *p, int min_precedence)
{
    ast_node *n = parser_descend(p) ? parse_operand(p) : NULL;
    while (n) {
        enum token_kind k = parser_peek(p);
        if (p->failed)
            return NULL;
        if (k == TOK_LEFT_BRACKET)
            n = parse_brackets(p, n);
        else if (k == TOK_OFFSET)
            n = parse_offset(p, n);
        else if (k == TOK_AT)
            n = parse_at(p, n);
        else if (k == TOK_ANCHORED || k == TOK_SMOOTHED)
            n = parse_extended(p, n);
        else if (binary_ops[k].precedence >= min_precedence)
            n = parse_binary(p, n);
        else
            break;
    }
    p->depth--;
    return n;
}

/* ---- whole texts ---- */

static bool parser_begin(parser *p, bytes text, uint32_t features, arena *a, err *e)
{
    *p = (parser){ .features = features, .a = a, .e = e };
    lexer_init(&p->lex, text);
    return text.len <= LIMIT_QUERY_TEXT
        || parser_fail(p, 0, "query text is longer than %zu bytes", LIMIT_QUERY_TEXT);
}

static bool parser_finish(parser *p, ast_node *root, ast_node **out)
{
    bool ok = root && !p->failed && (parser_peek(p) == TOK_EOF || parser_unexpected(p)) && !p->failed;
    if (ok)
        *out = root;
    return ok;
}

bool promql_parse(bytes text, uint32_t features, arena *a, ast_node **out, err *e)
{
    parser p;
    err scratch = { 0 };
    if (!parser_begin(&p, text, features, a, e ? e : &scratch))
        return false;
    if (parser_peek(&p) == TOK_EOF)
        return parser_fail(&p, 0, "no expression found in input");
    bool ok = parser_finish(&p, parse_expr(&p, 1), out) && types_check(&p, *out);
    if (!ok)
        parser_release_matchers(&p);
    return ok;
}

bool promql_parse_selector(bytes text, arena *a, ast_node **out, err *e)
{
    parser p;
    err scratch = { 0 };
    ast_node *n = NULL;
    if (!parser_begin(&p, text, 0, a, e ? e : &scratch))
        return false;
    enum token_kind k = parser_peek(&p);
    if (token_is_metric(k)) {
        token name = parser_take(&p);
        n = parse_vector_selector(&p, &name);
    } else if (k == TOK_LEFT_BRACE) {
        n = parse_vector_selector(&p, NULL);
    } else {
        parser_unexpected(&p);
    }
    bool ok = parser_finish(&p, n, out);
    if (!ok)
        parser_release_matchers(&p);
    return ok;
}
