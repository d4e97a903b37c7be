/* op_each.c: see op_each.h. */
#include "promql/op_each.h"
#include <assert.h>

typedef struct each_op {
    op o;
    op *src;
    each_fn fn;
    op *args[EACH_MAX_ARGS];
    double *vals[EACH_MAX_ARGS];
    size_t n_args;
    bool is_open;
    label_bits seen;
} each_op;

static bool each_next(op *o, row *out)
{
    each_op *m = (each_op *)o;
    for (size_t i = 0; !m->is_open && i < m->n_args; i++)
        if (!(m->vals[i] = scalar_values(m->args[i])))
            return false;
    m->is_open = true;
    while (op_next(m->src, out)) {
        m->fn(out, o->g.n, m->vals);
        if (!bits_any(out->has, bit_words(o->g.n)) && o->g.n)
            continue;
        out->drop_name = true;
        return row_seen_add(o, m->src, &m->seen, out);
    }
    return false;
}

op *each_new(eval *ev, op *src, each_fn fn, op *const *args, size_t n_args)
{
    assert(n_args <= EACH_MAX_ARGS);
    each_op *m = op_new(ev, sizeof *m, src->g, each_next);
    m->o.may_repeat = true;
    m->src = src;
    m->fn = fn;
    m->n_args = n_args;
    for (size_t i = 0; i < n_args; i++)
        m->args[i] = args[i];
    return &m->o;
}

void each_negate(row *r, size_t n, double *const *args)
{
    (void)args;
    for (size_t i = 0; i < n; i++)
        r->v[i] = -r->v[i];
}
