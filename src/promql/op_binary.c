/* op_binary.c: binary operators, value by value; scalar with scalar, vector with scalar. Two vectors: op_match.c,
 * op_set.c.
 *
 * Arithmetic changes the values of a row; a comparison filters it (the vector's value stays, on whichever side it
 * stands), or with `bool` replaces its values by 0 and 1. A comparison with NaN is false but for !=. */
#include "promql/op_binary.h"
#include "promql/go_math.h"

#define ARITHMETIC(name, expr)                                                                       \
    static void name(size_t n, const double *l, const double *r, double *out)                        \
    {                                                                                                \
        for (size_t i = 0; i < n; i++)                                                               \
            out[i] = expr;                                                                           \
    }

ARITHMETIC(do_add, l[i] + r[i])
ARITHMETIC(do_sub, l[i] - r[i])
ARITHMETIC(do_mul, l[i] * r[i])
ARITHMETIC(do_div, l[i] / r[i])
ARITHMETIC(do_mod, fmod(l[i], r[i]))
ARITHMETIC(do_pow, pow(l[i], r[i]))
ARITHMETIC(do_atan2, atan2(l[i], r[i]))

#define COMPARISON(name, sign)                                                                       \
    static void name(size_t n, const double *l, const double *r, uint64_t *holds)                    \
    {                                                                                                \
        for (size_t i = 0; i < n; i += 64) {                                                         \
            uint64_t bits = 0;                                                                       \
            for (size_t j = 0; j < 64 && i + j < n; j++)                                             \
                bits |= (uint64_t)(l[i + j] sign r[i + j]) << j;                                     \
            holds[i / 64] = bits;                                                                    \
        }                                                                                            \
    }

COMPARISON(is_eq, ==)
COMPARISON(is_ne, !=)
COMPARISON(is_lt, <)
COMPARISON(is_le, <=)
COMPARISON(is_gt, >)
COMPARISON(is_ge, >=)

const binary_rule binary_rules[OP_N] = {
    [OP_ADD] = { .arithmetic = do_add },
    [OP_SUB] = { .arithmetic = do_sub },
    [OP_MUL] = { .arithmetic = do_mul },
    [OP_DIV] = { .arithmetic = do_div },
    [OP_MOD] = { .arithmetic = do_mod },
    [OP_POW] = { .arithmetic = do_pow },
    [OP_ATAN2] = { .arithmetic = do_atan2 },
    [OP_EQ] = { .comparison = is_eq },
    [OP_NE] = { .comparison = is_ne },
    [OP_LT] = { .comparison = is_lt },
    [OP_LE] = { .comparison = is_le },
    [OP_GT] = { .comparison = is_gt },
    [OP_GE] = { .comparison = is_ge },
};

void binary_values(const binary_rule *b, bool as_bool, size_t n, binary_sides s, uint64_t *holds)
{
    if (b->arithmetic) {
        b->arithmetic(n, s.lhs, s.rhs, s.out);
        return;
    }
    if (b->comparison) {
        b->comparison(n, s.lhs, s.rhs, holds);
    } else {
        memset(holds, 0, bit_words(n) * sizeof *holds);   /* trimming: only histograms have what could be trimmed */
    }
    for (size_t i = 0; i < n; i++)
        s.out[i] = as_bool ? (double)bit_get(holds, i) : s.keep[i];
}

void binary_note_types(eval *ev, const binary_rule *b, enum ast_op o, place at)
{
    if (!b->arithmetic && !b->comparison)
        annotations_add(&ev->notes, NOTE_INFO, at,
                        "incompatible sample types encountered for binary operator %s: float %s float",
                        format_q(ev->a, bytes_of(ast_op_text(o))), ast_op_text(o));
}

/* One side is a scalar, or both are. */
typedef struct scalar_op {
    op o;
    const binary_rule *rule;
    enum ast_op kind;
    bool scalar_left;
    bool as_bool;             /* comparisons: of scalars always */
    bool is_scalar;           /* both are */
    op *rows, *scalar;
    double *values;           /* of the scalar */
    uint64_t *holds;
    place at;
    label_bits seen;
} scalar_op;

static bool scalar_open(scalar_op *s)
{
    s->holds = EVAL_ARRAY(s->o.ev, uint64_t, bit_words(s->o.g.n));
    return s->holds && (s->values = scalar_values(s->scalar));
}

static bool scalar_next(op *o, row *out)
{
    scalar_op *s = (scalar_op *)o;
    if (!s->values && !scalar_open(s))
        return false;
    while (op_next(s->rows, out)) {
        double *v = out->v;
        binary_sides sides = { s->scalar_left ? s->values : v, s->scalar_left ? v : s->values, v, v };
        binary_values(s->rule, s->as_bool, o->g.n, sides, s->holds);
        binary_note_types(o->ev, s->rule, s->kind, s->at);
        for (size_t w = 0; !s->rule->arithmetic && !s->as_bool && w < bit_words(o->g.n); w++)
            out->has[w] &= s->holds[w];
        if (s->is_scalar)
            return true;
        if (!bits_any(out->has, bit_words(o->g.n)))
            continue;
        out->drop_name = out->drop_name || s->rule->arithmetic || s->as_bool;
        return row_seen_add(o, s->rows, &s->seen, out);
    }
    return false;
}

static op *scalar_binary_new(const ast_node *n, op *lhs, op *rhs)
{
    scalar_op *s = op_new(lhs->ev, sizeof *s, lhs->g, scalar_next);
    s->kind = n->binary.op;
    s->rule = &binary_rules[s->kind];
    s->is_scalar = n->type == VALUE_SCALAR;
    s->as_bool = n->binary.return_bool || s->is_scalar;
    s->scalar_left = n->binary.lhs->type == VALUE_SCALAR && !s->is_scalar;
    s->rows = s->scalar_left ? rhs : lhs;
    s->scalar = s->scalar_left ? lhs : rhs;
    s->at = plan_place(lhs->ev, n);
    s->o.may_repeat = !s->is_scalar;
    return &s->o;
}

op *binary_new(eval *ev, const ast_node *n, grid g)
{
    const ast_binary *b = &n->binary;
    op *lhs = plan_expr(ev, b->lhs, g);
    op *rhs = lhs ? plan_expr(ev, b->rhs, g) : NULL;
    if (!rhs)
        return NULL;
    if (n->type == VALUE_SCALAR && !binary_rules[b->op].arithmetic && !binary_rules[b->op].comparison) {
        eval_fail(ev, ERR_EXECUTION, "operator \"%s\" not allowed for Scalar operations", ast_op_text(b->op));
        return NULL;
    }
    if (b->lhs->type == VALUE_SCALAR || b->rhs->type == VALUE_SCALAR)
        return scalar_binary_new(n, lhs, rhs);
    return ast_op_is_set(b->op) ? set_new(ev, n, lhs, rhs) : match_new(ev, n, lhs, rhs);
}
