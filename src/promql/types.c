/* types.c: what fits together: argument types, operators, matching clauses, empty selectors.
 *
 * The parser has set every node's own type; here each parent looks at its children, children first, and the first
 * complaint ends it. Order and words follow checkAST in promql/parser/parse.go of Prometheus 3.14. */
#include "base/map.h"
#include "promql/funcs.h"
#include "promql/parser.h"

static bool check(parser *p, ast_node *n);

static bool check_type(parser *p, ast_node *n, enum value_type want, const char *context)
{
    return check(p, n)
        && (n->type == want
            || parser_fail(p, n->start, "expected type %s in %s, got %s", value_type_doc(want), context,
                           value_type_doc(n->type)));
}

static bool check_aggregate(parser *p, ast_aggregate *agg)
{
    enum value_type param = agg->op == AGG_COUNT_VALUES ? VALUE_STRING : VALUE_SCALAR;
    return check_type(p, agg->expr, VALUE_VECTOR, "aggregation expression")
        && (!agg->param || check_type(p, agg->param, param, "aggregation parameter"));
}

/* ---- binary operators ---- */

/* Where the operator stands: behind the left side and white space. */
static int32_t operator_at(const parser *p, const ast_binary *b)
{
    int32_t at = b->lhs->end;
    while ((size_t)at < p->lex.in.len && lex_is_space(p->lex.in.p[at]))
        at++;
    return at;
}

static bool check_operator(parser *p, const ast_binary *b)
{
    if (b->return_bool && !ast_op_is_comparison(b->op))
        return parser_fail(p, operator_at(p, b), "bool modifier can only be used on comparison operators");
    if (ast_op_is_comparison(b->op) && !b->return_bool && b->lhs->type == VALUE_SCALAR && b->rhs->type == VALUE_SCALAR)
        return parser_fail(p, operator_at(p, b), "comparisons between scalars must use BOOL modifier");
    return true;
}

/* The first of `on` that `include` has too, or NULL. By a map, since a hostile query has a hundred thousand of each. */
static const bytes *shared_label(const ast_labels *on, const ast_labels *include)
{
    map names;
    const bytes *found = NULL;
    map_init(&names, MAP_BORROWED_KEYS);
    for (size_t i = 0; i < include->n; i++)
        map_put(&names, include->names[i], NULL);
    for (size_t i = 0; i < on->n && !found; i++)
        found = map_get(&names, on->names[i]) ? &on->names[i] : NULL;
    map_release(&names);
    return found;
}

/* on(a) group_left(a) */
static bool check_labels(parser *p, const ast_binary *b)
{
    const bytes *twice = b->on && b->include.n > 0 ? shared_label(&b->labels, &b->include) : NULL;
    return !twice
        || parser_fail(p, operator_at(p, b), "label %s must not occur in ON and GROUP clause at once",
                       parser_quote(p, *twice));
}

static bool is_number_like(enum value_type t)
{
    return t == VALUE_SCALAR || t == VALUE_VECTOR;
}

static bool check_sides(parser *p, const ast_binary *b)
{
    const ast_node *wrong = !is_number_like(b->lhs->type) ? b->lhs : !is_number_like(b->rhs->type) ? b->rhs : NULL;
    return !wrong
        || parser_fail(p, wrong->start, "binary expression must contain only scalar and instant vector types");
}

/* Not both sides are vectors: nothing to match. */
static bool check_without_matching(parser *p, ast_binary *b, int32_t at)
{
    if (b->labels.n > 0)
        return parser_fail(p, at, "vector matching only allowed between instant vectors");
    if (b->has_fill_left || b->has_fill_right)
        return parser_fail(p, at, "filling in missing series only allowed between instant vectors");
    b->matching = false;
    if (ast_op_is_set(b->op))
        return parser_fail(p, at, "set operator \"%s\" not allowed in binary scalar expression", ast_op_text(b->op));
    return true;
}

static bool check_set(parser *p, const ast_binary *b, int32_t at)
{
    if (b->card != CARD_MANY_TO_MANY)
        return parser_fail(p, at, "no grouping allowed for \"%s\" operation", ast_op_text(b->op));
    if (b->has_fill_left || b->has_fill_right)
        return parser_fail(p, at, "filling in missing series not allowed for set operators");
    return true;
}

static bool check_binary(parser *p, ast_node *n)
{
    ast_binary *b = &n->binary;
    if (!check(p, b->lhs) || !check(p, b->rhs) || !check_operator(p, b))
        return false;
    if (ast_op_is_set(b->op) && b->card == CARD_ONE_TO_ONE)
        b->card = CARD_MANY_TO_MANY;
    if (!check_labels(p, b) || !check_sides(p, b))
        return false;
    if (b->lhs->type != VALUE_VECTOR || b->rhs->type != VALUE_VECTOR)
        return check_without_matching(p, b, n->start);
    return !ast_op_is_set(b->op) || check_set(p, b, n->start);
}

/* ---- calls ---- */

static bool check_count(parser *p, const ast_node *n)
{
    const promql_func *f = n->call.func;
    size_t n_types = strlen(f->args), got = n->call.n_args;
    if (f->variadic == 0)
        return n_types == got
            || parser_fail(p, n->start, "expected %zu argument(s) in call to \"%s\", got %zu", n_types, f->name, got);
    if (got < n_types - 1)
        return parser_fail(p, n->start, "expected at least %zu argument(s) in call to \"%s\", got %zu", n_types - 1,
                           f->name, got);
    size_t most = n_types - 1 + (size_t)(f->variadic > 0 ? f->variadic : 0);
    return f->variadic < 0 || got <= most
        || parser_fail(p, n->start, "expected at most %zu argument(s) in call to \"%s\", got %zu", most, f->name, got);
}

/* The second argument of info() is a selector without a name; it may match everything. */
static bool check_info(parser *p, const ast_node *n)
{
    ast_node *sel = n->call.args[1];
    if (sel->type != VALUE_VECTOR)
        return parser_fail(p, n->start, "expected type %s in call to function \"info\", got %s",
                           value_type_doc(VALUE_VECTOR), value_type_doc(sel->type));
    if (sel->kind != AST_SELECTOR)
        return parser_fail(p, sel->start, "expected label selectors only");
    if (sel->selector.name.len > 0)
        return parser_fail(p, sel->start, "expected label selectors only, got vector selector instead");
    sel->selector.may_be_empty = true;
    return true;
}

static bool check_call(parser *p, ast_node *n)
{
    const promql_func *f = n->call.func;
    if (!check_count(p, n))
        return false;
    if (strcmp(f->name, "info") == 0 && n->call.n_args > 1 && !check_info(p, n))
        return false;
    const char *context = arena_printf(p->a, "call to function \"%s\"", f->name);
    for (size_t i = 0; i < n->call.n_args; i++)
        if (!check_type(p, n->call.args[i], promql_func_arg(f, i), context))
            return false;
    return true;
}

/* ---- the rest ---- */

static bool check_selector(parser *p, const ast_node *n)
{
    const ast_selector *s = &n->selector;
    if (s->name.len > 0) {
        for (size_t i = 0; i + 1 < s->n_matchers; i++)
            if (bytes_eq(s->matchers[i].name, LABEL_NAME))
                return parser_fail(p, n->start, "metric name must not be set twice: %s or %s", parser_quote(p, s->name),
                                   parser_quote(p, s->matchers[i].value));
        return true;
    }
    for (size_t i = 0; i < s->n_matchers; i++)
        if (!matcher_matches_empty(&s->matchers[i]))
            return true;
    return s->may_be_empty
        || parser_fail(p, n->start, "vector selector must contain at least one non-empty matcher");
}

static bool check_unary(parser *p, const ast_node *n)
{
    return check(p, n->unary.expr)
        && (is_number_like(n->type)
            || parser_fail(p, n->start,
                           "unary expression only allowed on expressions of type scalar or instant vector, got \"%s\"",
                           value_type_doc(n->type)));
}

static bool check_subquery(parser *p, const ast_node *n)
{
    ast_node *inner = n->subquery.expr;
    return check(p, inner)
        && (inner->type == VALUE_VECTOR
            || parser_fail(p, n->start, "subquery is only allowed on instant vector, got %s instead",
                           value_type_text(inner->type)));
}

static bool check(parser *p, ast_node *n)
{
    switch (n->kind) {
    case AST_AGGREGATE: return check_aggregate(p, &n->aggregate);
    case AST_BINARY: return check_binary(p, n);
    case AST_CALL: return check_call(p, n);
    case AST_PAREN: return check(p, n->paren);
    case AST_UNARY: return check_unary(p, n);
    case AST_SUBQUERY: return check_subquery(p, n);
    case AST_MATRIX: return check(p, n->matrix.selector);
    case AST_SELECTOR: return check_selector(p, n);
    case AST_NUMBER: case AST_STRING: case AST_DURATION: return true;
    }
    return true;
}

bool types_check(parser *p, ast_node *root)
{
    return check(p, root);
}
