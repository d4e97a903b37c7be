/* resolve.c: duration expressions become durations, once step and range of the query are known.
 *
 * Computed in seconds as doubles, kept as whole milliseconds. A range and a subquery's step must be positive, an
 * offset need not. Parents before children, and in a subquery offset, step, range: so the first complaint is the
 * same as that of promql/durations.go of Prometheus 3.14, whose words and byte positions ("start:end", from 0) these
 * are. */
#include "promql/ast.h"
#include <math.h>

#define DURATION_MAX_SEC 9223372036.854775808   /* 2^63 ns */

typedef struct resolver {
    double step_sec, range_sec;
    err *e;
} resolver;

static bool complain(const resolver *r, const ast_node *n, const char *what)
{
    return err_set(r->e, ERR_BAD_DATA, "%d:%d: %s", n->start, n->end, what);
}

static bool compute(const resolver *r, const ast_node *n, double *out);

/* Go's: an infinity on the winning side beats NaN, which beats the rest. */
static double least(double a, double b)
{
    if (a == -INFINITY || b == -INFINITY)
        return -INFINITY;
    return isnan(a) || isnan(b) ? NAN : fmin(a, b);
}

static bool compute_binary(const resolver *r, const ast_node *n, double a, double b, double *out)
{
    switch (n->duration.op) {
    case OP_ADD: *out = a + b; return true;
    case OP_SUB: *out = a - b; return true;
    case OP_MUL: *out = a * b; return true;
    case OP_POW: *out = pow(a, b); return true;
    case OP_DIV:
        if (b == 0)
            return complain(r, n, "division by zero");
        *out = a / b;
        return true;
    case OP_MOD:
        if (b == 0)
            return complain(r, n, "modulo by zero");
        *out = fmod(a, b);
        return true;
    case OP_MIN_OF: *out = least(a, b); return true;
    case OP_MAX_OF: *out = -least(-a, -b); return true;
    default: BUG("resolve: operator %d in a duration", (int)n->duration.op);
    }
}

static bool compute(const resolver *r, const ast_node *n, double *out)
{
    if (n->kind == AST_NUMBER) {
        *out = n->number.value;
        return true;
    }
    const ast_duration *d = &n->duration;
    double a = 0, b = 0;
    if (d->op == OP_STEP || d->op == OP_RANGE) {
        *out = d->op == OP_STEP ? r->step_sec : r->range_sec;
        return true;
    }
    if ((d->lhs && !compute(r, d->lhs, &a)) || !compute(r, d->rhs, &b))
        return false;
    if (d->lhs)
        return compute_binary(r, n, a, b, out);
    *out = d->op == OP_SUB ? -b : b;
    return true;
}

static bool resolve(const resolver *r, const ast_node *expr, bool may_be_negative, int64_t *ns)
{
    double sec = 0;
    if (!expr)
        return true;
    if (!compute(r, expr, &sec))
        return false;
    if (!isfinite(sec))
        return complain(r, expr, "duration is NaN or infinite");
    if (sec <= 0 && !may_be_negative)
        return complain(r, expr, "duration must be greater than 0");
    if (sec > DURATION_MAX_SEC || sec < -DURATION_MAX_SEC)
        return complain(r, expr, "duration is out of range");
    double ms = trunc(sec * 1000);
    *ns = ms >= -0x1p63 / 1e6 && ms < 0x1p63 / 1e6 ? (int64_t)ms * 1000000 : INT64_MIN;
    return true;
}

static bool resolve_node(const resolver *r, ast_node *n)
{
    switch (n->kind) {
    case AST_SELECTOR:
        return resolve(r, n->selector.when.offset_expr, true, &n->selector.when.offset_ns);
    case AST_MATRIX:
        return resolve(r, n->matrix.range_expr, false, &n->matrix.range_ns);
    case AST_SUBQUERY:
        return resolve(r, n->subquery.when.offset_expr, true, &n->subquery.when.offset_ns)
            && resolve(r, n->subquery.step_expr, false, &n->subquery.step_ns)
            && resolve(r, n->subquery.range_expr, false, &n->subquery.range_ns);
    default: return true;
    }
}

static bool resolve_tree(const resolver *r, ast_node *n)
{
    ast_node *child;
    if (!resolve_node(r, n))
        return false;
    for (size_t i = 0; (child = ast_child(n, i)); i++)
        if (!resolve_tree(r, child))
            return false;
    return true;
}

bool ast_resolve_durations(ast_node *root, int64_t step_ms, int64_t range_ms, err *e)
{
    resolver r = { (double)step_ms / 1000, (double)range_ms / 1000, e };
    return resolve_tree(&r, root);
}
