/* rows.c: see rows.h. */
#include "promql/rows.h"

span span_of(const uint64_t *has, size_t n_steps)
{
    size_t first = 0, end = bit_words(n_steps);
    while (first < end && has[first] == 0)
        first++;
    while (end > first && has[end - 1] == 0)
        end--;
    size_t last = end * 64 < n_steps ? end * 64 : n_steps;
    return (span){ first * 64, last > first * 64 ? last - first * 64 : 0 };
}

span span_join(span a, span b)
{
    if (a.n == 0 || b.n == 0)
        return a.n ? a : b;
    size_t from = a.from < b.from ? a.from : b.from;
    size_t end = a.from + a.n > b.from + b.n ? a.from + a.n : b.from + b.n;
    return (span){ from, end - from };
}

/* Columns of the given steps, nothing present. */
static bool kept_row_alloc(eval *ev, kept_row *r, span steps)
{
    row columns;
    if (!row_alloc(ev, &columns, steps.n))
        return false;
    r->v = columns.v;
    r->has = columns.has;
    r->h = columns.h;
    r->steps = steps;
    return true;
}

row kept_row_load(const kept_row *r, const row *columns, size_t n_steps)
{
    row out = *columns;
    row_clear(&out, n_steps);
    memcpy(out.v + r->steps.from, r->v, r->steps.n * sizeof *out.v);
    memcpy(out.has + r->steps.from / 64, r->has, bit_words(r->steps.n) * sizeof *out.has);
    out.labels = r->labels;
    out.drop_name = r->drop_name;
    return out;
}

static kept_row *row_list_room(eval *ev, row_list *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        kept_row *rows = EVAL_ARRAY(ev, kept_row, cap);
        if (!rows)
            return NULL;
        if (l->n)
            memcpy(rows, l->rows, l->n * sizeof *rows);
        l->rows = rows;
        l->cap = cap;
    }
    return &l->rows[l->n];
}

bool row_list_add(eval *ev, row_list *l, const row *r, size_t n_steps)
{
    span steps = span_of(r->has, n_steps);
    const double *v = r->v + steps.from;
    const uint64_t *has = r->has + steps.from / 64;
    kept_row *to = row_list_room(ev, l);
    if (!to || !kept_row_alloc(ev, to, steps) || !eval_points(ev, bits_count(has, bit_words(steps.n)), 0))
        return false;
    to->labels = row_labels(ev, r, ev->a);
    to->drop_name = r->drop_name;
    memcpy(to->v, v, steps.n * sizeof *v);
    memcpy(to->has, has, bit_words(steps.n) * sizeof *has);
    l->n++;
    return true;
}

bool row_list_drain(op *o, row_list *l)
{
    row r;
    while (op_next(o, &r))
        if (bits_any(r.has, bit_words(o->g.n)) && !row_list_add(o->ev, l, &r, o->g.n))
            return false;
    return !eval_failed(o->ev);
}

/* Puts the values of r into to, which covers its steps and has the same labels. */
static bool join_values(eval *ev, kept_row *to, const kept_row *r)
{
    size_t shift = r->steps.from - to->steps.from;
    uint64_t *has = to->has + shift / 64;
    if (bits_meet(has, r->has, bit_words(r->steps.n)))
        return fail_same_labels(ev, NULL);
    for (size_t i = 0; i < r->steps.n; i++)
        if (bit_get(r->has, i))
            to->v[shift + i] = r->v[i];
    for (size_t w = 0; w < bit_words(r->steps.n); w++)
        has[w] |= r->has[w];
    return true;
}

static bool join_rows(eval *ev, kept_row *to, const kept_row *r)
{
    span both = span_join(to->steps, r->steps);
    if (both.n != to->steps.n) {
        kept_row wider = *to;
        if (!kept_row_alloc(ev, &wider, both) || !join_values(ev, &wider, to))
            return false;
        *to = wider;
    }
    return join_values(ev, to, r);
}

bool row_list_merge(eval *ev, row_list *l)
{
    label_map seen = { 0 };
    size_t n = 0;
    for (size_t i = 0; l->n > 1 && i < l->n; i++) {
        size_t at = label_map_find(&seen, l->rows[i].labels);
        if (at == SIZE_MAX) {
            label_map_add(ev, &seen, l->rows[i].labels);
            l->rows[n++] = l->rows[i];
        } else if (!join_rows(ev, &l->rows[at], &l->rows[i])) {
            return false;
        }
    }
    l->n = l->n > 1 ? n : l->n;
    return true;
}

/* ---- merging as an operator ---- */

typedef struct merge_op {
    op o;
    op *src;           /* to be drained and merged first; NULL: done */
    row_list rows;
    size_t at;
    row buf;
} merge_op;

static bool merge_next(op *o, row *out)
{
    merge_op *m = (merge_op *)o;
    if (m->src) {
        op *src = m->src;
        m->src = NULL;
        if (!row_list_drain(src, &m->rows) || !row_list_merge(o->ev, &m->rows) || !row_alloc(o->ev, &m->buf, o->g.n))
            return false;
    }
    if (eval_failed(o->ev) || m->at == m->rows.n)
        return false;
    *out = kept_row_load(&m->rows.rows[m->at++], &m->buf, o->g.n);
    return true;
}

op *merge_new(op *src)
{
    if (!src->may_repeat)
        return src;
    merge_op *m = op_new(src->ev, sizeof *m, src->g, merge_next);
    m->src = src;
    return &m->o;
}
