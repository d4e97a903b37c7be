/* op_set.c: and, or, unless. They decide per step and match group; values and labels come from the side they stem
 * from.
 *
 * Of the side that only decides, nothing but the groups' presence bits are kept: the right one of `and` and `unless`;
 * of `or` the left one, whose rows have passed on before the right one's come.
 * Follows promql/engine.go (VectorAnd, VectorOr, VectorUnless) of Prometheus 3.14. */
#include "promql/op_binary.h"

typedef struct set_op {
    op o;
    enum ast_op kind;
    op *lhs, *rhs;
    match_key key;
    bool is_open;
    bool right;               /* `or`: the right side's rows come now */
    label_bits groups;        /* steps at which the deciding side has them */
} set_op;

static const labels *group_of(set_op *s, const row *r)
{
    eval *ev = s->o.ev;
    arena_reset(&ev->scratch);
    return match_group(&s->key, row_labels(ev, r, &ev->scratch), &ev->scratch);
}

/* Marks the row's steps as had by its group. */
static bool remember(set_op *s, const row *r)
{
    eval *ev = s->o.ev;
    size_t words = bit_words(s->o.g.n);
    uint64_t *has = label_bits_put(ev, &s->groups, group_of(s, r), s->o.g.n);
    for (size_t w = 0; has && w < words; w++)
        has[w] |= r->has[w];
    return has != NULL;
}

static bool set_open(set_op *s)
{
    row r;
    s->is_open = true;
    while (s->kind != OP_OR && op_next(s->rhs, &r))
        if (!remember(s, &r))
            return false;
    return !eval_failed(s->o.ev) || fail_earlier(s->lhs);
}

/* Leaves the row only the steps at which the other side has its group (`inside`), or has not. */
static bool decide(set_op *s, row *r, bool inside)
{
    size_t words = bit_words(s->o.g.n);
    const uint64_t *has = label_bits_get(&s->groups, group_of(s, r));
    for (size_t w = 0; w < words; w++) {
        uint64_t other = has ? has[w] : 0;
        r->has[w] &= inside ? other : ~other;
    }
    return bits_any(r->has, words);
}

static bool set_next(op *o, row *out)
{
    set_op *s = (set_op *)o;
    if (!s->is_open && !set_open(s))
        return false;
    while (!s->right && eval_poll(o->ev)) {
        if (!op_next(s->lhs, out)) {
            s->right = true;
            break;
        }
        if (s->kind == OP_OR)
            return remember(s, out);
        if (decide(s, out, s->kind == OP_AND))
            return true;
    }
    while (s->kind == OP_OR && eval_poll(o->ev) && op_next(s->rhs, out))
        if (decide(s, out, false))
            return true;
    return false;
}

op *set_new(eval *ev, const ast_node *n, op *lhs, op *rhs)
{
    set_op *s = op_new(ev, sizeof *s, lhs->g, set_next);
    s->kind = n->binary.op;
    s->lhs = lhs;
    s->rhs = rhs;
    s->key = match_key_of(ev, &n->binary);
    s->o.may_repeat = s->kind == OP_OR || lhs->may_repeat;
    return &s->o;
}
