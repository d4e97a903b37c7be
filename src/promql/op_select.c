/* op_select.c: an instant vector selector: at each step the newest sample of each series in the lookback window.
 *
 * A series is decoded once; the steps walk over its samples together with it. One step alone asks the store for just
 * the newest sample. Windows are left-open: (t - lookback, t]; a staleness marker as newest sample means no value.
 * `smoothed` interpolates between the neighbours of the step instead (feature promql-extended-range-selectors). */
#include "promql/plan.h"

typedef struct select_op {
    op o;
    uint32_t selector;
    data_time t;
    bool want_time;           /* the samples' own times, in seconds, instead of their values */
    bool smoothed;
    sample_columns *cols;
    row buf;
    series_view *series;
    size_t n_series, at;
    bool is_open;
} select_op;

static bool select_open(select_op *s)
{
    eval *ev = s->o.ev;
    s->is_open = true;
    return row_alloc(ev, &s->buf, s->o.g.n)
        && snapshot_series(ev->snap, s->selector, ev->a, &s->series, &s->n_series, &ev->err);
}

/* One look-up for the whole row. */
static bool select_last(select_op *s, const series_view *v)
{
    eval *ev = s->o.ev;
    sample last;
    bool found;
    int64_t t = s->t.start;
    if (!series_last(ev->snap, v, time_add(t, 1 - ev->opt.lookback_ms), t, &last, &found, &ev->err))
        return false;
    if (!found || sample_is_stale(last.v))
        return true;
    ev->samples_read++;
    double x = s->want_time ? (double)last.t / 1000 : last.v;
    for (size_t i = 0; i < s->o.g.n; i++)
        s->buf.v[i] = x;
    bits_fill(s->buf.has, s->o.g.n);
    return true;
}

static bool select_read(select_op *s, const series_view *v)
{
    eval *ev = s->o.ev;
    int64_t back = ev->opt.lookback_ms, ahead = s->smoothed ? back : 0;
    int64_t mint = time_add(time_add(s->t.start, -back), 1);
    int64_t maxt = time_add(data_time_at(s->t, s->o.g.n - 1), ahead);
    if (!series_read(ev->snap, v, mint, maxt, s->cols, &ev->err))
        return false;
    ev->samples_read += s->cols->n;
    return eval_points(ev, 0, s->cols->n);
}

static void select_steps(select_op *s)
{
    const sample_columns *c = s->cols;
    int64_t lookback = s->o.ev->opt.lookback_ms;
    size_t j = 0;   /* samples up to the step */
    for (size_t i = 0; i < s->o.g.n; i++) {
        int64_t t = data_time_at(s->t, i);
        j = skip_until(c->t, j, c->n, t);
        if (j == 0 || c->t[j - 1] <= t - lookback || sample_is_stale(c->v[j - 1]))
            continue;
        row_put(&s->buf, i, s->want_time ? (double)c->t[j - 1] / 1000 : c->v[j - 1]);
    }
}

/* Between the last sample before the step and the first behind it, both at most a lookback away; staleness markers do
 * not count. Behind the last sample its value stays. */
static void select_smoothed(select_op *s)
{
    const sample_columns *c = s->cols;
    int64_t lookback = s->o.ev->opt.lookback_ms;
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (sample_is_stale(c->v[i]))
            continue;
        c->t[n] = c->t[i];
        c->v[n++] = c->v[i];
    }
    size_t j = 0;   /* samples before the step */
    for (size_t i = 0; i < s->o.g.n; i++) {
        int64_t t = data_time_at(s->t, i);
        while (j < n && c->t[j] < t)
            j++;
        bool before = j > 0 && c->t[j - 1] > t - lookback, behind = j < n && c->t[j] <= t + lookback;
        if (behind && c->t[j] == t) {
            row_put(&s->buf, i, c->v[j]);
        } else if (before && behind) {
            double part = (double)(t - c->t[j - 1]), whole = (double)(c->t[j] - c->t[j - 1]);
            row_put(&s->buf, i, c->v[j - 1] + (c->v[j] - c->v[j - 1]) * part / whole);
        } else if (before) {
            row_put(&s->buf, i, c->v[j - 1]);
        }
    }
}

static bool select_next(op *o, row *out)
{
    select_op *s = (select_op *)o;
    if (!s->is_open && !select_open(s))
        return false;
    bool one = (o->g.n == 1 || s->t.step == 0) && !s->smoothed;
    while (s->at < s->n_series && eval_poll(o->ev)) {
        const series_view *v = &s->series[s->at++];
        row_clear(&s->buf, o->g.n);
        if (one ? !select_last(s, v) : !select_read(s, v))
            return false;
        if (!one)
            s->smoothed ? select_smoothed(s) : select_steps(s);
        if (!bits_any(s->buf.has, bit_words(o->g.n)))
            continue;
        *out = s->buf;
        out->labels = v->labels;
        out->drop_name = false;
        return true;
    }
    return false;
}

op *select_of(eval *ev, const ast_selector *sel, grid g, bool want_time)
{
    if (g.n == 0)
        return empty_new(ev, g);
    select_op *s = op_new(ev, sizeof *s, g, select_next);
    s->t = plan_data_time(ev, &sel->when, g);
    s->smoothed = sel->smoothed && !want_time;
    s->want_time = want_time;
    s->selector = plan_selector(ev, sel, s->t, g.n, ev->opt.lookback_ms, s->smoothed ? ev->opt.lookback_ms : 0);
    s->cols = plan_columns(ev);
    return &s->o;
}

op *select_new(eval *ev, const ast_node *n, grid g, bool want_time)
{
    return select_of(ev, &n->selector, g, want_time);
}
