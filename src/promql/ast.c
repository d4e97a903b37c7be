/* ast.c: names of operators and types, walking a tree (see ast.h).                                            */
#include "promql/ast.h"

static const char *const op_texts[OP_N] = {
    [OP_NONE] = "",         [OP_ADD] = "+",          [OP_SUB] = "-",     [OP_MUL] = "*",     [OP_DIV] = "/",
    [OP_MOD] = "%",         [OP_POW] = "^",          [OP_EQ] = "==",     [OP_NE] = "!=",     [OP_LT] = "<",
    [OP_LE] = "<=",         [OP_GT] = ">",           [OP_GE] = ">=",     [OP_AND] = "and",   [OP_OR] = "or",
    [OP_UNLESS] = "unless", [OP_ATAN2] = "atan2",    [OP_STEP] = "step", [OP_RANGE] = "range",
    [OP_MIN_OF] = "min_of", [OP_MAX_OF] = "max_of",  [OP_TRIM_UPPER] = "</", [OP_TRIM_LOWER] = ">/",
};

static const struct {
    const char *text;
    bool has_param, is_experimental;
} aggs[AGG_N] = {
    [AGG_AVG] = { "avg", false, false },
    [AGG_BOTTOMK] = { "bottomk", true, false },
    [AGG_COUNT] = { "count", false, false },
    [AGG_COUNT_VALUES] = { "count_values", true, false },
    [AGG_GROUP] = { "group", false, false },
    [AGG_LIMITK] = { "limitk", true, true },
    [AGG_LIMIT_RATIO] = { "limit_ratio", true, true },
    [AGG_MAX] = { "max", false, false },
    [AGG_MIN] = { "min", false, false },
    [AGG_QUANTILE] = { "quantile", true, false },
    [AGG_STDDEV] = { "stddev", false, false },
    [AGG_STDVAR] = { "stdvar", false, false },
    [AGG_SUM] = { "sum", false, false },
    [AGG_TOPK] = { "topk", true, false },
};

static const struct {
    const char *text, *doc;
} types[] = {
    [VALUE_NONE] = { "none", "none" },
    [VALUE_SCALAR] = { "scalar", "scalar" },
    [VALUE_VECTOR] = { "vector", "instant vector" },
    [VALUE_MATRIX] = { "matrix", "range vector" },
    [VALUE_STRING] = { "string", "string" },
};

static const char *const card_texts[] = {
    [CARD_ONE_TO_ONE] = "one-to-one",
    [CARD_MANY_TO_ONE] = "many-to-one",
    [CARD_ONE_TO_MANY] = "one-to-many",
    [CARD_MANY_TO_MANY] = "many-to-many",
};

const char *ast_op_text(enum ast_op op)
{
    return op_texts[op];
}

const char *agg_op_text(enum agg_op op)
{
    return aggs[op].text;
}

bool agg_op_has_param(enum agg_op op)
{
    return aggs[op].has_param;
}

bool agg_op_is_experimental(enum agg_op op)
{
    return aggs[op].is_experimental;
}

const char *match_card_text(enum match_card card)
{
    return card_texts[card];
}

const char *value_type_text(enum value_type t)
{
    return types[t].text;
}

const char *value_type_doc(enum value_type t)
{
    return types[t].doc;
}

ast_node *ast_child(const ast_node *n, size_t i)
{
    switch (n->kind) {
    case AST_MATRIX: return i == 0 ? n->matrix.selector : NULL;
    case AST_SUBQUERY: return i == 0 ? n->subquery.expr : NULL;
    case AST_UNARY: return i == 0 ? n->unary.expr : NULL;
    case AST_PAREN: return i == 0 ? n->paren : NULL;
    case AST_BINARY: return i == 0 ? n->binary.lhs : i == 1 ? n->binary.rhs : NULL;
    case AST_AGGREGATE: return i == 0 ? n->aggregate.expr : i == 1 ? n->aggregate.param : NULL;
    case AST_CALL: return i < n->call.n_args ? n->call.args[i] : NULL;
    case AST_NUMBER: case AST_STRING: case AST_SELECTOR: case AST_DURATION: return NULL;
    }
    return NULL;
}

const ast_node *ast_unparen(const ast_node *n)
{
    while (n->kind == AST_PAREN)
        n = n->paren;
    return n;
}

void ast_release(ast_node *root)
{
    ast_node *child;
    if (!root)
        return;
    if (root->kind == AST_SELECTOR)
        for (size_t i = 0; i < root->selector.n_matchers; i++)
            matcher_release(&root->selector.matchers[i]);
    for (size_t i = 0; (child = ast_child(root, i)); i++)
        ast_release(child);
}
