/* plan.c: see plan.h.
 *
 * A part whose value is the same at every step (all its selectors are fixed by `@`, and nothing in it asks for the
 * evaluation time) is planned on a grid of one step and repeated, at the highest place where that holds. Range vectors
 * and subqueries are never repeated: a function over them reads the same window at each step, which costs nothing, and
 * may depend on another argument. Below a subquery the steps are the multiples of its own step in the union of all
 * windows, so its inner part is computed once for all outer steps; see op_range.c for how the windows are cut.
 * Follows promql/engine.go (PreprocessExpr, subqueryTimeRange, getTimeRangesForSelector) of Prometheus 3.14. */
#include "promql/plan.h"
#include "promql/func_impl.h"
#include "promql/op_each.h"

int64_t time_add(int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_add_overflow(a, b, &r))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return r;
}

static bool call_is_invariant(const ast_call *c)
{
    for (size_t i = 0; i < c->n_args; i++)
        if (!plan_is_invariant(c->args[i]))
            return false;
    if (!(c->func->flags & FUNC_NOT_INVARIANT))
        return true;
    /* timestamp(m @ 1) is the sample's own time, timestamp(abs(m @ 1)) that of the step */
    return strcmp(c->func->name, "timestamp") == 0 && ast_unparen(c->args[0])->kind == AST_SELECTOR;
}

bool plan_is_invariant(const ast_node *n)
{
    n = ast_unparen(n);
    switch (n->kind) {
    case AST_NUMBER:
    case AST_STRING: return true;
    case AST_SELECTOR: return n->selector.when.at != AT_NONE;
    case AST_MATRIX: return plan_is_invariant(n->matrix.selector);
    case AST_SUBQUERY: return n->subquery.when.at != AT_NONE;
    case AST_CALL: return call_is_invariant(&n->call);
    default: break;
    }
    for (size_t i = 0; ast_child(n, i); i++)
        if (!plan_is_invariant(ast_child(n, i)))
            return false;
    return true;
}

place plan_place(const eval *ev, const ast_node *n)
{
    return (place){ n->start, ev->rank };
}

data_time plan_data_time(const eval *ev, const ast_when *when, grid g)
{
    int64_t offset = ast_ms(when->offset_ns);
    int64_t fixed = when->at == AT_START ? ev->g.start : when->at == AT_END ? ev->range_end : when->at_ms;
    if (when->at == AT_NONE)
        return (data_time){ time_add(g.start, -offset), g.step };
    return (data_time){ time_add(fixed, -offset), 0 };
}

uint32_t plan_selector(eval *ev, const ast_selector *s, data_time t, size_t n_steps, int64_t back, int64_t ahead)
{
    db_selector sel = {
        .ms = s->matchers,
        .n = s->n_matchers,
        .mint = time_add(time_add(t.start, -back), 1),
        .maxt = time_add(data_time_at(t, n_steps - 1), ahead),
    };
    vec_push(&ev->selectors, sel);
    return (uint32_t)(ev->selectors.len - 1);
}

sample_columns *plan_columns(eval *ev)
{
    sample_columns *c = ARENA_NEW(ev->a, sample_columns);
    vec_push(&ev->columns, c);
    return c;
}

op *call_arg(func_call *c, size_t i)
{
    return plan_expr(c->ev, c->args[i], c->g);
}

bytes call_string(const func_call *c, size_t i)
{
    return c->args[i]->string;
}

static op *plan_call(eval *ev, const ast_node *n, grid g)
{
    const promql_func *f = n->call.func;
    func_call c = { .ev = ev, .node = n, .n_args = n->call.n_args, .g = g };
    if (!f->eval) {
        eval_fail(ev, ERR_EXECUTION, "function \"%s\" is not supported yet", f->name);
        return NULL;
    }
    c.args = ARENA_ARRAY(ev->a, const ast_node *, c.n_args);
    for (size_t i = 0; i < c.n_args; i++)
        c.args[i] = ast_unparen(n->call.args[i]);
    return f->eval(&c) ? c.out : NULL;
}

static op *plan_unary(eval *ev, const ast_node *n, grid g)
{
    op *src = plan_expr(ev, n->unary.expr, g);
    if (!src || n->unary.op == OP_ADD)
        return src;
    return each_new(ev, src, each_negate, NULL, 0);
}

static op *plan_here(eval *ev, const ast_node *n, grid g)
{
    switch (n->kind) {
    case AST_NUMBER: return number_new(ev, g, n->number.value);
    case AST_SELECTOR: return select_new(ev, n, g, false);
    case AST_UNARY: return plan_unary(ev, n, g);
    case AST_BINARY: return binary_new(ev, n, g);
    case AST_AGGREGATE: return aggregate_new(ev, n, g);
    case AST_CALL: return plan_call(ev, n, g);
    default: break;
    }
    BUG("promql: node kind %d has no values at steps", (int)n->kind);
}

op *plan_expr(eval *ev, const ast_node *n, grid g)
{
    n = ast_unparen(n);
    bool once = g.n > 1 && n->kind != AST_NUMBER && plan_is_invariant(n);
    op *o = plan_here(ev, n, once ? (grid){ g.start, g.step, 1 } : g);
    ev->rank++;
    if (!o || eval_failed(ev))
        return NULL;
    return once ? repeat_new(ev, o, g) : o;
}
