/* func_hist.c: quantiles and shares of classic histograms, whose buckets are series that differ in `le`.
 *
 * The buckets' rows are kept, grouped by all their other labels; then each group yields a row (of histogram_quantiles:
 * one per quantile), computed step by step from the buckets that have a value there.
 * Follows promql/functions.go (funcHistogramQuantile, funcHistogramFraction) of Prometheus 3.14. */
#include "promql/func_impl.h"
#include "promql/go_math.h"
#include "promql/plan.h"
#include "promql/quantile.h"
#include "promql/rows.h"

typedef struct hist_op hist_op;
/* The value of a group's n buckets at a step; variant: see below. */
typedef double (*hist_fn)(hist_op *h, size_t group, size_t variant, size_t step, bucket *b, size_t n);

typedef struct bucket_row {
    double upper;
    size_t row, next;          /* next of the group, SIZE_MAX: the last */
} bucket_row;

typedef struct hist_variant {  /* of histogram_quantiles: one argument, one of its values */
    size_t arg;
    double q;
} hist_variant;

struct hist_op {
    op o;
    op *src;
    hist_fn fn;
    op **args;                 /* scalars */
    place *arg_at;
    const double **vals;
    size_t n_args;
    bool checks_quantiles;     /* the arguments are quantiles: warn of bad ones */
    bytes label;               /* of histogram_quantiles */
    place src_at;
    row_list rows;
    bucket_row *buckets;
    size_t n_buckets;
    label_map groups;
    size_t *first, *last;      /* of each group, in buckets */
    bucket *at_step;
    hist_variant *variants;
    size_t n_variants;
    bool is_open;
    size_t group, variant;     /* to be yielded next */
    row buf;
    label_bits seen;
};

static bytes shown_name(const hist_op *h, const labels *l)
{
    return eval_delayed(h->o.ev) ? labels_get(l, LABEL_NAME) : (bytes){ 0 };
}

/* The bound of a bucket's series. false: it has none, and a warning. */
static bool bound_of(hist_op *h, const labels *l, double *out)
{
    eval *ev = h->o.ev;
    bytes le = labels_get(l, BYTES("le")), name = shown_name(h, l);
    if (num_parse(le, out, NULL))
        return true;
    arena_reset(&ev->scratch);
    annotations_add(&ev->notes, NOTE_WARNING, h->src_at,
                    "bucket label \"le\" is missing or has a malformed value of %s%s%s", format_q(&ev->scratch, le),
                    name.len ? " for metric name " : "", name.len ? format_q(&ev->scratch, name) : "");
    return false;
}

static void add_bucket(hist_op *h, size_t row_at, double upper)
{
    eval *ev = h->o.ev;
    const bytes le = BYTES("le");
    arena_reset(&ev->scratch);
    const labels *key = labels_without(&ev->scratch, h->rows.rows[row_at].labels, &le, 1, false);
    size_t b = h->n_buckets++, g = label_map_find(&h->groups, key);
    h->buckets[b] = (bucket_row){ upper, row_at, SIZE_MAX };
    if (g == SIZE_MAX) {
        g = label_map_add(ev, &h->groups, labels_keep(ev, key));
        h->first[g] = b;
    } else {
        h->buckets[h->last[g]].next = b;
    }
    h->last[g] = b;
}

static bool open_arguments(hist_op *h)
{
    eval *ev = h->o.ev;
    for (size_t k = 0; k < h->n_args; k++) {
        if (!(h->vals[k] = scalar_values(h->args[k])))
            return false;
        for (size_t i = 0; h->checks_quantiles && i < h->o.g.n; i++)
            if (i == 0 || num_bits(h->vals[k][i]) != num_bits(h->vals[k][i - 1]))
                note_quantile(ev, h->arg_at[k], h->vals[k][i]);
    }
    return true;
}

/* Each quantile argument once per value it takes. */
static bool open_variants(hist_op *h)
{
    size_t cap = h->n_args * h->o.g.n + 1;
    if (!(h->variants = EVAL_ARRAY(h->o.ev, hist_variant, cap)))
        return false;
    for (size_t k = 0; h->label.len && k < h->n_args; k++) {
        size_t from = h->n_variants;
        for (size_t i = 0; i < h->o.g.n; i++) {
            size_t v = from;
            while (v < h->n_variants && num_bits(h->variants[v].q) != num_bits(h->vals[k][i]))
                v++;
            if (v == h->n_variants)
                h->variants[h->n_variants++] = (hist_variant){ k, h->vals[k][i] };
        }
    }
    if (!h->label.len)
        h->n_variants = 1;
    return true;
}

static bool hist_open(hist_op *h)
{
    eval *ev = h->o.ev;
    h->is_open = true;
    if (!open_arguments(h) || !row_list_drain(h->src, &h->rows) || !row_alloc(ev, &h->buf, h->o.g.n))
        return false;
    size_t n = h->rows.n;
    h->buckets = EVAL_ARRAY(ev, bucket_row, n);
    h->first = EVAL_ARRAY(ev, size_t, n);
    h->last = EVAL_ARRAY(ev, size_t, n);
    h->at_step = EVAL_ARRAY(ev, bucket, n);
    if (eval_failed(ev))
        return false;
    for (size_t i = 0; i < n; i++) {
        double upper;
        if (bound_of(h, h->rows.rows[i].labels, &upper))
            add_bucket(h, i, upper);
    }
    return open_variants(h);
}

/* 1 as "1.0", as OpenMetrics writes label values that are numbers. */
static bytes format_openmetrics(arena *a, double v)
{
    char text[NUM_MAX_TEXT + 1];
    format_g(v, text);
    return arena_bytesf(a, "%s%s", text, !isfinite(v) || strpbrk(text, ".e") ? "" : ".0");
}

static void hist_labels(hist_op *h, row *out)
{
    eval *ev = h->o.ev;
    out->labels = h->groups.keys[h->group];
    out->drop_name = true;
    if (!h->label.len)
        return;
    labels_builder b;
    arena_reset(&ev->scratch);
    labels_builder_init(&b, &ev->scratch, row_labels(ev, out, &ev->scratch));
    labels_builder_set(&b, h->label, format_openmetrics(&ev->scratch, h->variants[h->variant].q));
    out->labels = labels_keep(ev, labels_builder_build(&b));
    out->drop_name = eval_delayed(ev);
}

static bool hist_next(op *o, row *out)
{
    hist_op *h = (hist_op *)o;
    eval *ev = o->ev;
    if (!h->is_open && !hist_open(h))
        return false;
    if (h->group == h->groups.n) {
        h->group = 0;
        h->variant++;
    }
    if (h->variant >= h->n_variants || h->groups.n == 0 || !eval_poll(ev))
        return false;
    row_clear(&h->buf, o->g.n);
    *out = h->buf;
    const hist_variant *v = &h->variants[h->variant];
    for (size_t i = 0; i < o->g.n; i++) {
        if (h->label.len && num_bits(v->q) != num_bits(h->vals[v->arg][i]))
            continue;
        size_t n = 0;
        for (size_t b = h->first[h->group]; b != SIZE_MAX; b = h->buckets[b].next) {
            const kept_row *r = &h->rows.rows[h->buckets[b].row];
            if (kept_has(r, i))
                h->at_step[n++] = (bucket){ h->buckets[b].upper, kept_value(r, i) };
        }
        if (n)
            row_put(out, i, h->fn(h, h->group, v->arg, i, h->at_step, n));
    }
    hist_labels(h, out);
    h->group++;
    return row_seen_add(o, NULL, &h->seen, out);
}

static double quantile_fn(hist_op *h, size_t group, size_t arg, size_t step, bucket *b, size_t n)
{
    bucket_repair r;
    double v = bucket_quantile(h->vals[arg][step], b, n, &r);
    if (r.forced)
        annotations_add_repair(&h->o.ev->notes, h->src_at, shown_name(h, h->groups.keys[group]),
                               (note_repair){ r.min_bound, r.max_bound, r.max_diff, grid_time(h->o.g, step) });
    return v;
}

static double fraction_fn(hist_op *h, size_t group, size_t arg, size_t step, bucket *b, size_t n)
{
    (void)group;
    (void)arg;
    return bucket_fraction(h->vals[0][step], h->vals[1][step], b, n);
}

/* args: the scalars among the arguments, from the given place on. */
static hist_op *hist_new(func_call *c, hist_fn fn, size_t vector_at, size_t scalars_at, size_t n_scalars)
{
    eval *ev = c->ev;
    hist_op *h = op_new(ev, sizeof *h, c->g, hist_next);
    h->fn = fn;
    h->n_args = n_scalars;
    h->args = ARENA_ARRAY(ev->a, op *, n_scalars);
    h->arg_at = ARENA_ARRAY(ev->a, place, n_scalars);
    h->vals = ARENA_ARRAY(ev->a, const double *, n_scalars);
    if (!(h->src = call_arg(c, vector_at)))
        return NULL;
    for (size_t i = 0; i < n_scalars; i++)
        if (!(h->args[i] = call_arg(c, scalars_at + i)))
            return NULL;
    for (size_t i = 0; i < n_scalars; i++)
        h->arg_at[i] = plan_place(ev, c->args[scalars_at + i]);
    h->src_at = plan_place(ev, c->args[vector_at]);
    h->o.may_repeat = true;
    c->out = &h->o;
    return h;
}

bool fn_histogram_quantile(func_call *c)
{
    hist_op *h = hist_new(c, quantile_fn, 1, 0, 1);
    if (h)
        h->checks_quantiles = true;
    return h != NULL;
}

bool fn_histogram_quantiles(func_call *c)
{
    hist_op *h = hist_new(c, quantile_fn, 0, 2, c->n_args - 2);
    if (!h)
        return false;
    h->checks_quantiles = true;
    h->label = call_string(c, 1);
    return true;
}

bool fn_histogram_fraction(func_call *c)
{
    return hist_new(c, fraction_fn, 2, 0, 2) != NULL;
}
