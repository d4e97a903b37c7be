/* func_vector.c: functions of a vector as a whole: absent, scalar, vector, and the sorts of instant queries.
 * Follows promql/functions.go of Prometheus 3.14.                                                              */
#include "promql/func_impl.h"
#include "promql/go_math.h"
#include "promql/natsort.h"
#include "promql/op_range.h"
#include "promql/rows.h"
#include <stdlib.h>

/* ---- absent ---- */

typedef struct absent_op {
    op o;
    op *src;                   /* of absent() */
    range_source *range;       /* of absent_over_time() */
    const labels *labels;
    bool is_done;
} absent_op;

/* The labels that the selector matches exactly, but for the name. One that a second matcher names is no certainty and
 * goes, though a later `=` after other operators brings it in, as in Prometheus. */
static const labels *absent_labels(eval *ev, const ast_node *arg)
{
    const ast_node *n = arg->kind == AST_MATRIX ? arg->matrix.selector : arg;
    if (n->kind != AST_SELECTOR)
        return &labels_empty;
    const matcher *ms = n->selector.matchers;
    size_t n_out = 0;
    label *out = ARENA_ARRAY(ev->a, label, n->selector.n_matchers);
    map equal;   /* name -> place in out and 1 */
    map_init(&equal, MAP_BORROWED_KEYS);
    for (size_t i = 0; i < n->selector.n_matchers; i++) {
        if (bytes_eq(ms[i].name, LABEL_NAME))
            continue;
        uint64_t *at = map_get(&equal, ms[i].name);
        if (ms[i].op == MATCH_EQ && !at) {
            *map_put(&equal, ms[i].name, NULL) = n_out + 1;
            out[n_out++] = (label){ ms[i].name, ms[i].value };
        } else if (at) {
            out[*at - 1].value = (bytes){ 0 };   /* an empty value is none */
        }
    }
    map_release(&equal);
    return labels_from(ev->a, out, n_out);
}

/* Marks the steps whose window holds a sample of the series. */
static void mark_windows(const absent_op *a, const range_series *s, uint64_t *has)
{
    data_time end = range_source_end(a->range);
    size_t lo = 0, hi = 0;
    for (size_t i = 0; i < a->o.g.n; i++) {
        int64_t t = data_time_at(end, i);
        while (hi < s->n && s->t[hi] <= t)
            hi++;
        while (lo < hi && s->t[lo] <= t - range_source_ms(a->range))
            lo++;
        if (lo < hi)
            bit_set(has, i);
    }
}

static bool absent_next(op *o, row *out)
{
    absent_op *a = (absent_op *)o;
    size_t words = bit_words(o->g.n);
    row r;
    range_series s;
    if (a->is_done || !row_alloc(o->ev, out, o->g.n))
        return false;
    a->is_done = true;
    while (a->src && op_next(a->src, &r))
        for (size_t w = 0; w < words; w++)
            out->has[w] |= r.has[w];
    while (a->range && range_source_next(a->range, &s))
        mark_windows(a, &s, out->has);
    if (eval_failed(o->ev))
        return false;
    for (size_t i = 0; i < o->g.n; i++) {
        out->v[i] = 1;
        out->has[i / 64] ^= UINT64_C(1) << (i % 64);
    }
    out->labels = a->labels;
    out->drop_name = false;
    return bits_any(out->has, words);
}

static absent_op *absent_new(func_call *c)
{
    absent_op *a = op_new(c->ev, sizeof *a, c->g, absent_next);
    a->labels = absent_labels(c->ev, c->args[0]);
    c->out = &a->o;
    return a;
}

bool fn_absent(func_call *c)
{
    absent_op *a = absent_new(c);
    return (a->src = call_arg(c, 0)) != NULL;
}

bool fn_absent_over_time(func_call *c)
{
    absent_op *a = absent_new(c);
    return (a->range = range_source_new(c->ev, c->args[0], c->g)) != NULL;
}

/* ---- scalar and vector ---- */

typedef struct scalar_op {
    op o;
    op *src;
    bool is_done;
} scalar_op;

static bool scalar_next(op *o, row *out)
{
    scalar_op *s = (scalar_op *)o;
    row r;
    if (s->is_done || !row_alloc(o->ev, out, o->g.n))
        return false;
    s->is_done = true;
    for (size_t i = 0; i < o->g.n; i++)
        out->v[i] = NAN;
    while (op_next(s->src, &r)) {
        for (size_t i = 0; i < o->g.n; i++) {
            if (!bit_get(r.has, i))
                continue;
            out->v[i] = bit_get(out->has, i) ? NAN : r.v[i];   /* the second element spoils it */
            bit_set(out->has, i);
        }
    }
    bits_fill(out->has, o->g.n);
    out->labels = &labels_empty;
    out->drop_name = false;
    return !eval_failed(o->ev);
}

bool fn_scalar(func_call *c)
{
    op *src = call_arg(c, 0);
    if (!src)
        return false;
    scalar_op *s = op_new(c->ev, sizeof *s, c->g, scalar_next);
    s->src = src;
    c->out = &s->o;
    return true;
}

/* A scalar's row is what vector() makes of it. */
bool fn_vector(func_call *c)
{
    return (c->out = call_arg(c, 0)) != NULL;
}

/* ---- sorting ---- */

typedef struct sort_op {
    op o;
    op *src;
    bool descending;
    bool by_value;
    const ast_node **names;    /* labels to sort by */
    size_t n_names;
    row_list rows;
    row buf;
    bool is_done;
    size_t at;
} sort_op;

static int compare_values(double a, double b, bool descending)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return descending ? (a < b) - (a > b) : (a > b) - (a < b);
}

static int compare_labels(const sort_op *s, const labels *a, const labels *b)
{
    int sign = s->descending ? -1 : 1;
    for (size_t i = 0; i < s->n_names; i++) {
        bytes x = labels_get(a, s->names[i]->string), y = labels_get(b, s->names[i]->string);
        if (!bytes_eq(x, y))
            return natsort_less(x, y) ? -sign : sign;
    }
    return sign * labels_cmp(a, b);
}

static int compare_rows(const void *pa, const void *pb, void *ctx)
{
    const sort_op *s = ctx;
    const kept_row *a = pa, *b = pb;   /* of one step each */
    if (!s->by_value)
        return compare_labels(s, a->labels, b->labels);
    int c = compare_values(a->v[0], b->v[0], s->descending);
    return c ? c : labels_cmp(a->labels, b->labels);
}

static bool sort_next(op *o, row *out)
{
    sort_op *s = (sort_op *)o;
    if (o->g.n != 1)
        return op_next(s->src, out);
    if (!s->is_done) {
        s->is_done = true;
        if (!row_list_drain(s->src, &s->rows) || !row_alloc(o->ev, &s->buf, o->g.n))
            return false;
        if (s->rows.n)
            qsort_r(s->rows.rows, s->rows.n, sizeof *s->rows.rows, compare_rows, s);
    }
    if (eval_failed(o->ev) || s->at == s->rows.n)
        return false;
    *out = kept_row_load(&s->rows.rows[s->at++], &s->buf, o->g.n);
    return true;
}

static bool sort_call(func_call *c, bool by_value, bool descending)
{
    op *src = call_arg(c, 0);
    if (!src)
        return false;
    if (c->g.n > 1)
        annotations_add(&c->ev->notes, NOTE_WARNING, plan_place(c->ev, c->node),
                        "sort is ineffective for range queries since results are always ordered by labels");
    sort_op *s = op_new(c->ev, sizeof *s, c->g, sort_next);
    s->src = src;
    s->by_value = by_value;
    s->descending = descending;
    s->names = c->args + 1;
    s->n_names = c->n_args - 1;
    s->o.may_repeat = src->may_repeat;
    c->out = &s->o;
    return true;
}

bool fn_sort(func_call *c) { return sort_call(c, true, false); }
bool fn_sort_desc(func_call *c) { return sort_call(c, true, true); }
bool fn_sort_by_label(func_call *c) { return sort_call(c, false, false); }
bool fn_sort_by_label_desc(func_call *c) { return sort_call(c, false, true); }
