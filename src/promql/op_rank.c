/* op_rank.c: aggregations that must see all values of a group at a step: quantile, topk, bottomk, limitk, limit_ratio,
 * and count_values, which makes a series of each value.
 *
 * topk and bottomk use the very heap Prometheus uses, since it decides which of equal values stay. limit_ratio places
 * each series by the hash of its labels, which for names and values under 128 bytes equals Prometheus'.
 * Follows promql/engine.go (aggregationK, aggregationCountValues) of Prometheus 3.14. */
#include "promql/op_aggregate.h"
#include "base/utf8.h"
#include "promql/go_math.h"
#include "promql/quantile.h"
#include "promql/rows.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct item {
    double v;
    size_t member;             /* row number */
    size_t place;              /* in the heap at last, to sort equal values by */
} item;

typedef struct rank_op {
    op o;
    enum agg_op kind;
    op *src, *param;
    double *k;                 /* parameter per step */
    grouping by;
    row_list rows;
    size_t *group;             /* of each row */
    size_t *member;            /* rows in order of their groups */
    size_t *first;             /* place in member of each group's first, and one more at the end */
    struct item *heap;
    size_t *order;             /* rows in the order of the result */
    size_t n_order;
    uint64_t **chosen;         /* per row: those of its steps at which it stays */
    double *values;
    row buf;
    place param_at;
    bool is_done;
    size_t at;
} rank_op;

/* ---- rows and groups ---- */

static bool rank_drain(rank_op *r)
{
    eval *ev = r->o.ev;
    if (!(r->k = scalar_values(r->param)) || !row_list_drain(r->src, &r->rows))
        return false;
    size_t n = r->rows.n;
    r->group = EVAL_ARRAY(ev, size_t, n);
    r->member = EVAL_ARRAY(ev, size_t, n);
    r->first = EVAL_ARRAY(ev, size_t, n + 2);
    r->heap = EVAL_ARRAY(ev, item, n);
    r->order = EVAL_ARRAY(ev, size_t, n);
    r->chosen = EVAL_ARRAY(ev, uint64_t *, n);
    r->values = EVAL_ARRAY(ev, double, n);
    if (eval_failed(ev) || !row_alloc(ev, &r->buf, r->o.g.n))
        return false;
    for (size_t i = 0; i < n; i++) {
        const kept_row *x = &r->rows.rows[i];
        bool is_new;
        arena_reset(&ev->scratch);
        r->group[i] = grouping_of(ev, &r->by, &(row){ .labels = x->labels, .drop_name = x->drop_name }, &is_new);
        if (!(r->chosen[i] = EVAL_ARRAY(ev, uint64_t, bit_words(x->steps.n))))
            return false;
        r->first[r->group[i] + 1]++;
    }
    for (size_t g = 0; g < r->by.groups.n; g++)
        r->first[g + 1] += r->first[g];
    size_t *next = EVAL_ARRAY(ev, size_t, n + 1);
    if (!next)
        return false;
    memcpy(next, r->first, (r->by.groups.n) * sizeof *next);
    for (size_t i = 0; i < n; i++)
        r->member[next[r->group[i]]++] = i;
    return true;
}

/* ---- parameters ---- */

static bool check_k(rank_op *r, param_range p, bool *any)
{
    char text[NUM_MAX_TEXT + 1];
    eval *ev = r->o.ev;
    *any = !(p.max < 1);
    if (!*any)
        return true;
    if (p.has_nan)
        return eval_fail(ev, ERR_EXECUTION, "Parameter value is NaN");
    if (p.min <= -0x1p63)
        return eval_fail(ev, ERR_EXECUTION, "Scalar value %s underflows int64", format_g(p.min, text));
    if (p.max >= 0x1p63)
        return eval_fail(ev, ERR_EXECUTION, "Scalar value %s overflows int64", format_g(p.max, text));
    return true;
}

static void note_ratio(rank_op *r, double got, double cap)
{
    char a[NUM_MAX_TEXT + 1], b[NUM_MAX_TEXT + 1];
    annotations_add(&r->o.ev->notes, NOTE_WARNING, r->param_at,
                    "ratio value should be between -1 and 1, got %s, capping to %s", format_g(got, a),
                    format_g(cap, b));
}

static bool check_ratio(rank_op *r, param_range p, bool *any)
{
    *any = !(p.max == 0 && p.min == 0);
    if (!*any)
        return true;
    if (p.has_nan)
        return eval_fail(r->o.ev, ERR_EXECUTION, "Ratio value is NaN");
    if (p.max > 1)
        note_ratio(r, p.max, 1);
    if (p.min < -1)
        note_ratio(r, p.min, -1);
    return true;
}

static void check_quantile(rank_op *r, param_range p)
{
    eval *ev = r->o.ev;
    if (p.has_nan)
        note_quantile(ev, r->param_at, NAN);
    if (p.max > 1)
        note_quantile(ev, r->param_at, p.max);
    if (p.min < 0)
        note_quantile(ev, r->param_at, p.min);
}

/* ---- topk and bottomk: Go's container/heap, the worst on top ---- */

typedef struct heap {
    item *at;
    size_t n;
    bool bottom;
} heap;

static bool heap_less(const heap *h, size_t i, size_t j)
{
    double a = h->at[i].v, b = h->at[j].v;
    return isnan(a) || (h->bottom ? a > b : a < b);
}

static void heap_swap(heap *h, size_t i, size_t j)
{
    item t = h->at[i];
    h->at[i] = h->at[j];
    h->at[j] = t;
}

static void heap_push(heap *h, item x)
{
    size_t j = h->n++;
    h->at[j] = x;
    while (j) {
        size_t i = (j - 1) / 2;
        if (!heap_less(h, j, i))
            break;
        heap_swap(h, i, j);
        j = i;
    }
}

static void heap_replace_top(heap *h, item x)
{
    h->at[0] = x;
    for (size_t i = 0, j; (j = 2 * i + 1) < h->n; i = j) {
        if (j + 1 < h->n && heap_less(h, j + 1, j))
            j++;
        if (!heap_less(h, j, i))
            break;
        heap_swap(h, i, j);
    }
}

static void heap_offer(heap *h, size_t k, item x)
{
    if (h->n < k) {
        heap_push(h, x);
        return;
    }
    double worst = h->at[0].v;
    if ((h->bottom ? worst > x.v : worst < x.v) || (isnan(worst) && !isnan(x.v)))
        heap_replace_top(h, x);
}

static int by_place(const item *a, const item *b)
{
    return (a->place > b->place) - (a->place < b->place);
}

/* NaN is last in both. */
static int largest_first(const void *pa, const void *pb)
{
    const item *a = pa, *b = pb;
    if (isnan(a->v) || isnan(b->v))
        return isnan(a->v) && isnan(b->v) ? by_place(a, b) : isnan(a->v) ? 1 : -1;
    return a->v > b->v ? -1 : a->v < b->v ? 1 : by_place(a, b);
}

static int smallest_first(const void *pa, const void *pb)
{
    const item *a = pa, *b = pb;
    if (isnan(a->v) || isnan(b->v))
        return isnan(a->v) && isnan(b->v) ? by_place(a, b) : isnan(a->v) ? 1 : -1;
    return a->v < b->v ? -1 : a->v > b->v ? 1 : by_place(a, b);
}

/* ---- choosing ---- */

static void choose(rank_op *r, size_t member, size_t step)
{
    bit_set(r->chosen[member], step - r->rows.rows[member].steps.from);
    if (r->o.g.n == 1)
        r->order[r->n_order++] = member;
}

static void choose_k(rank_op *r, size_t group, size_t step, size_t k)
{
    heap h = { .at = r->heap, .bottom = r->kind == AGG_BOTTOMK };
    for (size_t m = r->first[group]; m < r->first[group + 1]; m++) {
        const kept_row *x = &r->rows.rows[r->member[m]];
        if (!kept_has(x, step))
            continue;
        item it = { .v = kept_value(x, step), .member = r->member[m] };
        if (r->kind != AGG_LIMITK)
            heap_offer(&h, k, it);
        else if (h.n < k)
            h.at[h.n++] = it;
    }
    for (size_t i = 0; i < h.n; i++)
        h.at[i].place = i;
    if (r->o.g.n == 1 && r->kind != AGG_LIMITK)   /* a range query is sorted by labels */
        qsort(h.at, h.n, sizeof *h.at, h.bottom ? smallest_first : largest_first);
    for (size_t i = 0; i < h.n; i++)
        choose(r, h.at[i].member, step);
}

/* A ratio takes the series whose place in [0, 1) lies below it; a negative one the others' complement. */
static void choose_ratio(rank_op *r, size_t group, size_t step, double ratio)
{
    ratio = ratio > 1 ? 1 : ratio < -1 ? -1 : ratio;
    for (size_t m = r->first[group]; m < r->first[group + 1]; m++) {
        const kept_row *x = &r->rows.rows[r->member[m]];
        if (!kept_has(x, step))
            continue;
        double at = (double)XXH64(x->labels->data, x->labels->len, 0) / 0x1p64;
        if ((ratio >= 0 && at < ratio) || (ratio < 0 && at >= 1 + ratio))
            choose(r, r->member[m], step);
    }
}

static bool choose_all(rank_op *r)
{
    size_t n = r->o.g.n;
    for (size_t i = 0; i < n && eval_poll(r->o.ev); i++) {
        double k = r->k[i];
        for (size_t g = 0; g < r->by.groups.n; g++) {
            if (r->kind == AGG_LIMIT_RATIO && k != 0)
                choose_ratio(r, g, i, k);
            else if (r->kind != AGG_LIMIT_RATIO && k >= 1)
                choose_k(r, g, i, k < (double)r->rows.n ? (size_t)k : r->rows.n);
        }
    }
    for (size_t i = 0; n > 1 && i < r->rows.n; i++)
        r->order[r->n_order++] = i;
    return !eval_failed(r->o.ev);
}

/* ---- results ---- */

static bool chosen_next(op *o, row *out)
{
    rank_op *r = (rank_op *)o;
    bool any;
    if (!r->is_done) {
        r->is_done = true;
        if (!rank_drain(r))
            return false;
        param_range p = param_range_of(r->k, o->g.n);
        if (!(r->kind == AGG_LIMIT_RATIO ? check_ratio(r, p, &any) : check_k(r, p, &any)))
            return false;
        if (any && !choose_all(r))
            return false;
    }
    while (r->at < r->n_order && !eval_failed(o->ev)) {
        size_t i = r->order[r->at++];
        kept_row x = r->rows.rows[i];
        x.has = r->chosen[i];
        if (!bits_any(x.has, bit_words(x.steps.n)))
            continue;
        *out = kept_row_load(&x, &r->buf, o->g.n);
        return true;
    }
    return false;
}

static bool quantile_next(op *o, row *out)
{
    rank_op *r = (rank_op *)o;
    if (!r->is_done) {
        r->is_done = true;
        if (!rank_drain(r))
            return false;
        check_quantile(r, param_range_of(r->k, o->g.n));
    }
    if (r->at == r->by.groups.n || !eval_poll(o->ev))
        return false;
    size_t g = r->at++;
    row_clear(&r->buf, o->g.n);
    *out = r->buf;
    out->labels = r->by.groups.keys[g];
    out->drop_name = false;
    for (size_t m = r->first[g]; m < r->first[g + 1]; m++)
        out->drop_name |= r->rows.rows[r->member[m]].drop_name && eval_delayed(o->ev);
    for (size_t i = 0; i < o->g.n; i++) {
        size_t n = 0;
        for (size_t m = r->first[g]; m < r->first[g + 1]; m++) {
            const kept_row *x = &r->rows.rows[r->member[m]];
            if (kept_has(x, i))
                r->values[n++] = kept_value(x, i);
        }
        if (n)
            row_put(out, i, quantile_of(r->k[i], r->values, n));
    }
    return true;
}

op *rank_new(eval *ev, const ast_node *n, op *src, op *param)
{
    const ast_aggregate *a = &n->aggregate;
    rank_op *r = op_new(ev, sizeof *r, src->g, a->op == AGG_QUANTILE ? quantile_next : chosen_next);
    r->kind = a->op;
    r->src = src;
    r->param = param;
    r->by = grouping_new(ev, a, (bytes){ 0 });
    r->param_at = plan_place(ev, ast_unparen(a->param));
    r->o.may_repeat = a->op != AGG_QUANTILE && src->may_repeat;
    return &r->o;
}

/* ---- count_values ---- */

/* A value of one series at one step, and the group of the result it counts for. */
typedef struct count_event {
    uint32_t group, step;
} count_event;

typedef struct count_op {
    op o;
    op *src;
    bytes label;
    grouping by;
    VEC(count_event) events;   /* while draining; then sorted into: */
    count_event *sorted;       /* by group */
    size_t *first;             /* place in sorted of each group's first, and one more at the end */
    row buf;
    bool is_done;
    size_t at;
} count_op;

/* The group of the value v of the series. */
static uint32_t count_group(count_op *c, const labels *series, double v)
{
    eval *ev = c->o.ev;
    char text[NUM_MAX_TEXT];
    bool is_new;
    labels_builder b;
    arena_reset(&ev->scratch);
    labels_builder_init(&b, &ev->scratch, series);
    labels_builder_set(&b, c->label, (bytes){ text, num_format_f(v, text) });
    return (uint32_t)grouping_of(ev, &c->by, &(row){ .labels = labels_builder_build(&b) }, &is_new);
}

static bool count_row(count_op *c, const row *x)
{
    eval *ev = c->o.ev;
    const labels *series = row_labels(ev, x, ev->a);
    size_t n_before = c->events.len;
    uint32_t group = 0;
    uint64_t bits = 0;
    for (size_t i = 0; i < c->o.g.n; i++) {
        if (!bit_get(x->has, i))
            continue;
        if (c->events.len == n_before || num_bits(x->v[i]) != bits) {
            bits = num_bits(x->v[i]);
            group = count_group(c, series, x->v[i]);
        }
        vec_push(&c->events, (count_event){ group, (uint32_t)i });
    }
    return eval_points(ev, c->events.len - n_before, 0) && eval_poll(ev);
}

static bool count_sort(count_op *c)
{
    eval *ev = c->o.ev;
    size_t n_groups = c->by.groups.n;
    c->first = EVAL_ARRAY(ev, size_t, n_groups + 2);   /* one more, to count into while placing */
    c->sorted = EVAL_ARRAY(ev, count_event, c->events.len);
    if (!c->first || !c->sorted || !row_alloc(ev, &c->buf, c->o.g.n))
        return false;
    for (size_t i = 0; i < c->events.len; i++)
        c->first[c->events.p[i].group + 2]++;
    for (size_t g = 0; g < n_groups; g++)
        c->first[g + 2] += c->first[g + 1];
    for (size_t i = 0; i < c->events.len; i++)
        c->sorted[c->first[c->events.p[i].group + 1]++] = c->events.p[i];
    return true;
}

static bool count_drain(count_op *c)
{
    row x;
    bool ok = true;
    while (ok && op_next(c->src, &x))
        ok = count_row(c, &x);
    ok = ok && !eval_failed(c->o.ev) && count_sort(c);
    vec_free(&c->events);
    return ok;
}

static bool count_next(op *o, row *out)
{
    count_op *c = (count_op *)o;
    if (!c->is_done) {
        c->is_done = true;
        if (!count_drain(c))
            return false;
    }
    if (eval_failed(o->ev) || c->at == c->by.groups.n)
        return false;
    row_clear(&c->buf, o->g.n);
    *out = c->buf;
    out->labels = c->by.groups.keys[c->at];
    out->drop_name = false;
    for (size_t k = c->first[c->at]; k < c->first[c->at + 1]; k++) {
        uint32_t i = c->sorted[k].step;
        row_put(out, i, bit_get(out->has, i) ? out->v[i] + 1 : 1);
    }
    c->at++;
    return true;
}

op *count_values_new(eval *ev, const ast_node *n, op *src)
{
    const ast_aggregate *a = &n->aggregate;
    count_op *c = op_new(ev, sizeof *c, src->g, count_next);
    c->src = src;
    c->label = ast_unparen(a->param)->string;
    if (c->label.len == 0 || !utf8_valid(c->label)) {
        eval_fail(ev, ERR_EXECUTION, "invalid label name %s", format_q(ev->a, c->label));
        return NULL;
    }
    c->by = grouping_new(ev, a, c->label);
    return &c->o;
}
