/* ast.h: a PromQL expression as a tree.
 *
 * promql_parse() (parse.h) makes the tree; it is type-checked: every node's `type` is set and children have the types
 * their parent asks for. Nodes and all they point to live in the arena given to the parser, but for compiled regular
 * expressions, which are counted: ast_release() gives them back before the arena dies.
 *
 * 1. `start` and `end` are byte offsets into the query text, end exclusive; annotations and errors print `start` by
 *    promql_position().
 * 2. Durations are int64 nanoseconds, as in Prometheus, since `[0.0005]` is legal; evaluation uses whole milliseconds,
 *    ast_ms(). Where a duration is an expression (`[step() * 3]`), `*_expr` is set and the number next to it is 0 until
 *    ast_resolve_durations() has filled it in.
 * 3. The tree is as written: parentheses and unary operators are nodes; only a sign in front of a number is folded.
 *    Wrapping of step-invariant parts and all other rewriting is the plan's, on its own tree.
 * 4. Depth is at most LIMIT_QUERY_DEPTH, so walking by recursion is safe.
 *
 * Follows promql/parser/ast.go of Prometheus 3.14.                                                            */
#ifndef PROMQL_AST_H
#define PROMQL_AST_H
#include "base/arena.h"
#include "base/err.h"
#include "model/matcher.h"

enum value_type { VALUE_NONE, VALUE_SCALAR, VALUE_VECTOR, VALUE_MATRIX, VALUE_STRING };

enum ast_kind {
    AST_NUMBER,      /* 1.5, 5m, -3 */
    AST_STRING,      /* "x" */
    AST_SELECTOR,    /* up{job="x"} offset 5m @ end() */
    AST_MATRIX,      /* up[5m]: .matrix.selector carries offset and @ */
    AST_SUBQUERY,    /* rate(x[1m])[1h:5m] */
    AST_UNARY,
    AST_PAREN,
    AST_BINARY,
    AST_AGGREGATE,
    AST_CALL,
    AST_DURATION,    /* only below *_expr: step() * 2 + 1m */
};

enum ast_op {
    OP_NONE,
    OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_POW, OP_ATAN2,
    OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
    OP_TRIM_UPPER, OP_TRIM_LOWER,              /* </ and >/: cut histograms */
    OP_AND, OP_OR, OP_UNLESS,
    OP_STEP, OP_RANGE, OP_MIN_OF, OP_MAX_OF,   /* of AST_DURATION only */
    OP_N
};

enum agg_op {
    AGG_AVG, AGG_BOTTOMK, AGG_COUNT, AGG_COUNT_VALUES, AGG_GROUP, AGG_LIMITK, AGG_LIMIT_RATIO, AGG_MAX, AGG_MIN,
    AGG_QUANTILE, AGG_STDDEV, AGG_STDVAR, AGG_SUM, AGG_TOPK,
    AGG_N
};

/* Result cardinality of a vector/vector operation; set operators are many-to-many. */
enum match_card { CARD_ONE_TO_ONE, CARD_MANY_TO_ONE /* group_left */, CARD_ONE_TO_MANY /* group_right */,
                  CARD_MANY_TO_MANY };

enum ast_at { AT_NONE, AT_TIME, AT_START, AT_END };

typedef struct ast_node ast_node;
struct promql_func;

/* The offset and @ of a selector or subquery. */
typedef struct ast_when {
    int64_t offset_ns;          /* as written: positive looks back */
    ast_node *offset_expr;      /* AST_DURATION, or NULL */
    enum ast_at at;
    int64_t at_ms;              /* AT_TIME */
} ast_when;

typedef struct ast_selector {
    bytes name;                 /* outside the braces; empty where there is none */
    matcher *matchers;          /* as written; a name outside the braces comes last, as __name__="name" */
    size_t n_matchers;
    ast_when when;
    bool anchored, smoothed;
    bool may_be_empty;          /* second argument of info(): may match everything */
} ast_selector;

typedef struct ast_matrix {
    ast_node *selector;         /* AST_SELECTOR */
    int64_t range_ns;           /* > 0 once resolved */
    ast_node *range_expr;       /* AST_DURATION, or NULL */
} ast_matrix;

typedef struct ast_subquery {
    ast_node *expr;
    int64_t range_ns;
    ast_node *range_expr;
    int64_t step_ns;            /* 0: the default evaluation interval */
    ast_node *step_expr;
    ast_when when;
} ast_subquery;

typedef struct ast_labels {     /* names in a by, without, on, ignoring, group_left list; as written, may repeat */
    bytes *names;
    size_t n;
} ast_labels;

typedef struct ast_binary {
    enum ast_op op;
    ast_node *lhs, *rhs;
    bool return_bool;
    bool matching;              /* both sides are vectors: the fields below count */
    bool on;                    /* else ignoring */
    enum match_card card;
    ast_labels labels;          /* of on / ignoring */
    ast_labels include;         /* of group_left / group_right */
    bool has_fill_left, has_fill_right;
    double fill_left, fill_right;
} ast_binary;

typedef struct ast_aggregate {
    enum agg_op op;
    ast_node *expr;
    ast_node *param;            /* NULL for operators without */
    bool without;
    ast_labels grouping;
} ast_aggregate;

typedef struct ast_call {
    const struct promql_func *func;   /* funcs.h */
    ast_node **args;
    size_t n_args;
} ast_call;

typedef struct ast_duration {
    enum ast_op op;             /* arithmetic, or OP_STEP, OP_RANGE, OP_MIN_OF, OP_MAX_OF */
    ast_node *lhs;              /* NULL: unary OP_ADD or OP_SUB, step() and range() */
    ast_node *rhs;              /* AST_NUMBER or AST_DURATION; NULL for step() and range() */
    bool wrapped;               /* in parentheses */
    int32_t op_start, op_end;   /* where the operator or keyword stands, as far as it is known */
} ast_duration;

struct ast_node {
    enum ast_kind kind;
    enum value_type type;
    int32_t start, end;         /* (1) */
    int32_t depth;              /* longest way down from here, leaves are 1; (4) */
    union {
        struct {
            double value;
            bool is_duration;   /* written as 5m: prints so */
        } number;
        bytes string;           /* unquoted */
        ast_selector selector;
        ast_matrix matrix;
        ast_subquery subquery;
        struct {
            enum ast_op op;     /* OP_ADD, OP_SUB */
            ast_node *expr;
        } unary;
        ast_node *paren;
        ast_binary binary;
        ast_aggregate aggregate;
        ast_call call;
        ast_duration duration;
    };
};

static inline int64_t ast_ms(int64_t ns)
{
    return ns / 1000000;
}

/* Gives back the regular expressions of all matchers below root (NULL is fine). The nodes stay the arena's. */
void ast_release(ast_node *root);

/* Computes every duration expression below root: step_ms is step(), range_ms is range() (end - start), both 0 for an
 * instant query. May be called again with other values. Fails with ERR_BAD_DATA where one is not positive, not
 * finite or out of range ("4:13: duration must be greater than 0": start and end bytes, as Prometheus words it). */
bool ast_resolve_durations(ast_node *root, int64_t step_ms, int64_t range_ms, err *e);

/* The i-th child, or NULL behind the last. An aggregate's expression comes before its parameter; duration
 * expressions are no children. */
ast_node *ast_child(const ast_node *n, size_t i);
/* The node inside any number of parentheses. */
const ast_node *ast_unparen(const ast_node *n);

const char *ast_op_text(enum ast_op op);            /* "+", "and", "step" */
const char *agg_op_text(enum agg_op op);            /* "sum" */
const char *match_card_text(enum match_card card);  /* "one-to-one" */
const char *value_type_text(enum value_type t);     /* "vector": the API's resultType */
const char *value_type_doc(enum value_type t);      /* "instant vector": in messages */
static inline bool ast_op_is_comparison(enum ast_op op) { return op >= OP_EQ && op <= OP_GE; }
static inline bool ast_op_is_set(enum ast_op op) { return op >= OP_AND && op <= OP_UNLESS; }
/* Does the operator take a parameter: topk, bottomk, limitk, limit_ratio, quantile, count_values? */
bool agg_op_has_param(enum agg_op op);
bool agg_op_is_experimental(enum agg_op op);
#endif
