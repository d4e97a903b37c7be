/* parse_duration.c: numbers, and durations in brackets and behind `offset`, which since 3.14 may be expressions.
 *
 * duration = number | duration-literal | ("+" | "-") duration | duration OP duration | "(" duration ")"
 *          | "step" "(" ")" | "range" "(" ")" | ("min_of" | "max_of") "(" duration "," duration ")"
 * Numbers stay numbers as long as only signs are put before them; everything else becomes an AST_DURATION that
 * ast_resolve_durations() computes. Behind `offset` the grammar is narrower, see parse_offset_duration().        */
#include "promql/parser.h"
#include "base/duration.h"
#include "base/num.h"
#include <math.h>

#define DURATION_MAX_SEC 9223372036.854775808   /* 2^63 ns */

static const struct {
    enum token_kind token;
    enum ast_op op;
    int precedence;
} duration_ops[] = {
    { TOK_ADD, OP_ADD, 1 }, { TOK_SUB, OP_SUB, 1 }, { TOK_MUL, OP_MUL, 2 },
    { TOK_DIV, OP_DIV, 2 }, { TOK_MOD, OP_MOD, 2 }, { TOK_POW, OP_POW, 3 },
};
enum { N_DURATION_OPS = sizeof duration_ops / sizeof *duration_ops, PRECEDENCE_POW = 3 };

/* ---- literals ---- */

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Underscores stand between digits, or behind the 0x. */
static bool underscores_ok(bytes s)
{
    bool is_hex = s.len >= 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x';
    char saw = is_hex ? '0' : '^';
    for (size_t i = is_hex ? 2 : 0; i < s.len; i++) {
        char c = s.p[i];
        bool is_digit = (c >= '0' && c <= '9') || (is_hex && is_hex_digit(c));
        if (c == '_' ? saw != '0' : !is_digit && saw == '_')
            return false;
        saw = is_digit ? '0' : c == '_' ? '_' : '!';
    }
    return saw != '_';
}

/* An integer as Go's ParseInt(s, 0, 64) takes it, without underscores: 0x is hexadecimal, a leading 0 octal. */
static bool read_integer(bytes s, int64_t *out)
{
    unsigned base = 10;
    uint64_t v = 0;
    size_t i = 0;
    if (s.len >= 3 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x') {
        base = 16;
        i = 2;
    } else if (s.len >= 1 && s.p[0] == '0') {
        base = 8;
        i = 1;
    }
    for (; i < s.len; i++) {
        char c = s.p[i];
        unsigned d = !is_hex_digit(c) ? 99 : c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
        if (d >= base || v > ((uint64_t)INT64_MAX - d) / base)
            return false;
        v = v * base + d;
    }
    *out = (int64_t)v;
    return s.len > 0;
}

static bool number_value(parser *p, token t, double *out)
{
    char *plain = arena_text(p->a, t.text.len);
    size_t len = 0;
    int64_t integer;
    bool range = false;
    for (size_t i = 0; i < t.text.len; i++)
        if (t.text.p[i] != '_')
            plain[len++] = t.text.p[i];
    bool ok = len == t.text.len || underscores_ok(t.text);
    if (ok && read_integer(bytes_n(plain, len), &integer)) {
        *out = (double)integer;
        return true;
    }
    if (ok && num_parse(bytes_n(plain, len), out, &range))
        return true;
    return parser_fail(p, t.start, "error parsing number: strconv.ParseFloat: parsing %s: %s",
                       parser_quote(p, t.text), range ? "value out of range" : "invalid syntax");
}

static bool duration_value(parser *p, token t, double *out)
{
    err e = { 0 };
    int64_t ms = 0;
    if (!duration_parse(t.text, &ms, &e))
        return parser_fail(p, t.start, "%s", e.msg);
    *out = (double)(ms / 1000) + (double)(ms % 1000) / 1e3;
    return true;
}

ast_node *parse_number(parser *p, token t)
{
    double v = 0;
    if (!(t.kind == TOK_NUMBER ? number_value(p, t, &v) : duration_value(p, t, &v)))
        return NULL;
    ast_node *n = parser_node(p, AST_NUMBER, VALUE_SCALAR, 0);
    n->start = t.start;
    n->end = token_end(&t);
    n->number.value = v;
    n->number.is_duration = t.kind == TOK_DURATION;
    return n;
}

int64_t duration_to_ns(double seconds)
{
    double ns = round(seconds * 1e9);
    return ns >= -0x1p63 && ns < 0x1p63 ? (int64_t)ns : INT64_MIN;
}

/* ---- nodes ---- */

static ast_node *in_range(parser *p, ast_node *n, int32_t at)
{
    if (n && (n->number.value > DURATION_MAX_SEC || n->number.value < -DURATION_MAX_SEC)) {
        parser_fail(p, at, "duration out of range");
        return NULL;
    }
    return n;
}

/* start and end count where there are no operands; otherwise the operands say where the node ends, and a left one
 * where it starts. */
static ast_node *duration_node(parser *p, ast_duration d, int32_t start, int32_t end)
{
    int32_t l = d.lhs ? d.lhs->depth : 0, r = d.rhs ? d.rhs->depth : 0;
    ast_node *n = p->failed ? NULL : parser_node(p, AST_DURATION, VALUE_SCALAR, l > r ? l : r);
    if (!n)
        return NULL;
    n->start = d.lhs ? d.lhs->start : start;
    n->end = d.rhs ? d.rhs->end : end;
    n->duration = d;
    return n;
}

/* A number in parentheses has to stay distinct from one without, so it becomes a unary plus. */
static ast_node *wrap(parser *p, ast_node *n, int32_t start, int32_t end)
{
    if (n->kind == AST_NUMBER)
        return duration_node(p, (ast_duration){ .op = OP_ADD, .rhs = n, .wrapped = true }, start, end);
    n->duration.wrapped = true;
    return n;
}

static ast_node *apply_sign(parser *p, token sign, ast_node *n)
{
    if (!n)
        return NULL;
    if (n->kind == AST_DURATION)
        return sign.kind == TOK_ADD
                   ? n
                   : duration_node(p, (ast_duration){ .op = OP_SUB, .rhs = n }, sign.start, 0);
    if (sign.kind == TOK_SUB)
        n->number.value *= -1;
    if (!in_range(p, n, sign.start))
        return NULL;
    n->start = sign.start;
    return n;
}

/* ---- grammar ---- */

static ast_node *parse_duration(parser *p, int min_precedence);

static ast_node *parse_literal(parser *p)
{
    ast_node *n = parse_number(p, parser_take(p));
    return n ? in_range(p, n, n->start) : NULL;
}

/* "step" "(" ")" | "range" "(" ")" */
static ast_node *parse_step_or_range(parser *p)
{
    token word = parser_take(p);
    if (!parser_expect(p, TOK_LEFT_PAREN) || !parser_expect(p, TOK_RIGHT_PAREN))
        return NULL;
    enum ast_op op = word.kind == TOK_STEP ? OP_STEP : OP_RANGE;
    return duration_node(p, (ast_duration){ .op = op }, word.start, token_end(&p->read));
}

/* ("min_of" | "max_of") "(" duration "," duration ")" */
static ast_node *parse_min_max(parser *p)
{
    token word = parser_take(p);
    ast_duration d = { .op = word.kind == TOK_MIN_OF ? OP_MIN_OF : OP_MAX_OF };
    if (!parser_expect(p, TOK_LEFT_PAREN) || !(d.lhs = parse_duration(p, 0)) || !parser_expect(p, TOK_COMMA)
        || !(d.rhs = parse_duration(p, 0)) || !parser_expect(p, TOK_RIGHT_PAREN))
        return NULL;
    return duration_node(p, d, word.start, token_end(&p->read));
}

/* "(" duration ")", with the parentheses' places; the caller wraps. */
static ast_node *parse_parens(parser *p, int32_t *start, int32_t *end)
{
    *start = parser_take(p).start;
    ast_node *n = parse_duration(p, 0);
    if (!n || !parser_expect(p, TOK_RIGHT_PAREN))
        return NULL;
    *end = token_end(&p->read);
    return n;
}

static ast_node *parse_wrapped(parser *p)
{
    int32_t start, end;
    ast_node *n = parse_parens(p, &start, &end);
    return n ? wrap(p, n, start, end) : NULL;
}

/* ("+" | "-") duration, binding like "*": -5m ^ 2 is -(5m ^ 2) */
static ast_node *parse_signed(parser *p)
{
    token sign = parser_take(p);
    return apply_sign(p, sign, parse_duration(p, PRECEDENCE_POW));
}

static ast_node *parse_operand(parser *p)
{
    switch (parser_peek(p)) {
    case TOK_NUMBER: case TOK_DURATION: return parse_literal(p);
    case TOK_ADD: case TOK_SUB: return parse_signed(p);
    case TOK_STEP: case TOK_RANGE: return parse_step_or_range(p);
    case TOK_MIN_OF: case TOK_MAX_OF: return parse_min_max(p);
    case TOK_LEFT_PAREN: return parse_wrapped(p);
    default: parser_unexpected(p); return NULL;
    }
}

static bool is_zero(const ast_node *n)
{
    return n->kind == AST_NUMBER && n->number.value == 0;
}

static ast_node *duration_binary(parser *p, enum ast_op op, int32_t at, ast_node *lhs, ast_node *rhs)
{
    if ((op == OP_DIV || op == OP_MOD) && is_zero(rhs) && !p->failed) {
        parser_fail(p, at, op == OP_DIV ? "division by zero" : "modulo by zero");
        return NULL;
    }
    return duration_node(p, (ast_duration){ .op = op, .lhs = lhs, .rhs = rhs }, 0, 0);
}

/* Operators of at least min_precedence behind lhs. */
static ast_node *parse_operators(parser *p, ast_node *lhs, int min_precedence)
{
    while (lhs) {
        enum token_kind k = parser_peek(p);
        int i = 0;
        while (i < N_DURATION_OPS && duration_ops[i].token != k)
            i++;
        if (p->failed)
            return NULL;
        if (i == N_DURATION_OPS || duration_ops[i].precedence < min_precedence)
            break;
        int32_t at = parser_take(p).start;
        bool is_right = duration_ops[i].precedence == PRECEDENCE_POW;
        ast_node *rhs = parse_duration(p, duration_ops[i].precedence + !is_right);
        lhs = rhs ? duration_binary(p, duration_ops[i].op, at, lhs, rhs) : NULL;
    }
    return lhs;
}

static ast_node *parse_duration(parser *p, int min_precedence)
{
    if (!parser_descend(p))
        return NULL;
    ast_node *n = parse_operators(p, parse_operand(p), min_precedence);
    p->depth--;
    return n;
}

ast_node *parse_positive_duration(parser *p)
{
    ast_node *n = parse_duration(p, 0);
    if (n && n->kind == AST_NUMBER && n->number.value <= 0) {
        parser_fail(p, n->start, "duration must be greater than 0");
        return NULL;
    }
    return n;
}

/* Behind `offset` and a sign. */
static ast_node *parse_offset_signed(parser *p)
{
    token sign = parser_take(p);
    enum ast_op op = sign.kind == TOK_ADD ? OP_ADD : OP_SUB;
    ast_node *n;
    int32_t start, end;
    switch (parser_peek(p)) {
    case TOK_NUMBER: case TOK_DURATION:
        return apply_sign(p, sign, parse_number(p, parser_take(p)));
    case TOK_STEP: case TOK_RANGE: case TOK_MIN_OF: case TOK_MAX_OF:
        n = parse_operand(p);
        return n ? duration_node(p, (ast_duration){ .op = op, .rhs = n }, sign.start, 0) : NULL;
    case TOK_LEFT_PAREN:
        n = parse_parens(p, &start, &end);
        n = n ? wrap(p, n, n->start, n->end) : NULL;
        return apply_sign(p, sign, n);
    case TOK_ADD: case TOK_SUB:
        n = apply_sign(p, sign, parse_duration(p, PRECEDENCE_POW));
        return parse_operators(p, n, 0);
    default: parser_unexpected(p); return NULL;
    }
}

/* A number, step() and the like end the offset, so that `a offset 5m + 1` adds to a; parentheses and a double sign
 * start an expression that takes what follows: `a offset (5m) + 1` shifts by 5m + 1. So it is upstream. */
ast_node *parse_offset_duration(parser *p)
{
    switch (parser_peek(p)) {
    case TOK_ADD: case TOK_SUB: return parse_offset_signed(p);
    case TOK_LEFT_PAREN: return parse_operators(p, parse_wrapped(p), 0);
    default: return parse_operand(p);
    }
}
