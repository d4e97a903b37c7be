/* range_source.c: where the samples of a range vector come from: a selector's series, or the rows of a subquery read
 * as series. */
#include "promql/op_range.h"
#include "promql/rows.h"

struct range_source {
    eval *ev;
    data_time end;
    int64_t range_ms;
    /* a selector */
    uint32_t selector;
    int64_t mint, maxt;
    sample_columns *cols;
    series_view *series;
    size_t n_series, at;
    bool is_open;
    /* a subquery */
    op *rows;
    int64_t *t;
    double *v;
};

/* The first staleness marker from i on. They are rare: looks at 16 at a time. */
static size_t find_stale(const sample_columns *c, size_t i)
{
    for (; i + 16 <= c->n; i += 16) {
        unsigned any = 0;
        for (size_t k = 0; k < 16; k++)
            any |= sample_is_stale(c->v[i + k]);
        if (any)
            break;
    }
    while (i < c->n && !sample_is_stale(c->v[i]))
        i++;
    return i;
}

/* Takes the staleness markers out; the number of samples left. */
static size_t drop_stale(sample_columns *c)
{
    size_t n = find_stale(c, 0);
    for (size_t from = n; from < c->n;) {
        size_t end = find_stale(c, ++from);
        memmove(c->t + n, c->t + from, (end - from) * sizeof *c->t);
        memmove(c->v + n, c->v + from, (end - from) * sizeof *c->v);
        n += end - from;
        from = end;
    }
    return n;
}

static bool selector_next(range_source *s, range_series *out)
{
    eval *ev = s->ev;
    if (!s->is_open) {
        s->is_open = true;
        if (!snapshot_series(ev->snap, s->selector, ev->a, &s->series, &s->n_series, &ev->err))
            return false;
    }
    while (s->at < s->n_series && eval_poll(ev)) {
        const series_view *view = &s->series[s->at++];
        if (!series_read(ev->snap, view, s->mint, s->maxt, s->cols, &ev->err))
            return false;
        size_t n = drop_stale(s->cols);
        ev->samples_read += s->cols->n;
        if (!eval_points(ev, 0, n))
            return false;
        if (n == 0)
            continue;
        *out = (range_series){ .labels = view->labels, .t = s->cols->t, .v = s->cols->v, .n = n };
        return true;
    }
    return false;
}

static bool subquery_next(range_source *s, range_series *out)
{
    eval *ev = s->ev;
    grid g = s->rows->g;
    row r;
    if (!s->t) {
        s->t = EVAL_ARRAY(ev, int64_t, g.n);
        s->v = EVAL_ARRAY(ev, double, g.n);
        if (!s->t || !s->v)
            return false;
    }
    while (eval_poll(ev) && op_next(s->rows, &r)) {
        size_t n = 0;
        for (size_t w = 0; w < bit_words(g.n); w++) {
            for (uint64_t m = r.has[w]; m; m &= m - 1) {
                size_t i = w * 64 + (size_t)__builtin_ctzll(m);
                s->t[n] = grid_time(g, i);
                s->v[n++] = r.v[i];
            }
        }
        if (n == 0)
            continue;
        *out = (range_series){
            .labels = row_labels(ev, &r, ev->a), .t = s->t, .v = s->v, .n = n, .drop_name = r.drop_name
        };
        return true;
    }
    return false;
}

bool range_source_next(range_source *s, range_series *out)
{
    return s->rows ? subquery_next(s, out) : s->cols ? selector_next(s, out) : false;   /* neither: no steps */
}

op *range_source_rows(const range_source *s)
{
    return s->rows;
}

data_time range_source_end(const range_source *s)
{
    return s->end;
}

int64_t range_source_ms(const range_source *s)
{
    return s->range_ms;
}

static bool plan_matrix(range_source *s, const ast_node *arg, size_t n_steps)
{
    const ast_selector *sel = &arg->matrix.selector->selector;
    int64_t lookback = s->ev->opt.lookback_ms;
    int64_t back = s->range_ms + (sel->anchored || sel->smoothed ? lookback : 0), ahead = sel->smoothed ? lookback : 0;
    s->selector = plan_selector(s->ev, sel, s->end, n_steps, back, ahead);
    s->mint = s->ev->selectors.p[s->selector].mint;
    s->maxt = s->ev->selectors.p[s->selector].maxt;
    s->cols = plan_columns(s->ev);
    return true;
}

/* The steps of a subquery: the multiples of its step in the union of all windows. */
static bool subquery_grid(eval *ev, const ast_subquery *q, data_time end, size_t n_steps, grid *out)
{
    int64_t range = ast_ms(q->range_ns), step = q->step_ns ? ast_ms(q->step_ns) : ev->opt.subquery_step_ms;
    int64_t before = time_add(end.start, -range), last = data_time_at(end, n_steps - 1);
    step = step > 0 ? step : 1;
    int64_t start = before / step * step;   /* rounds towards zero: above the bound where that is negative */
    if (start <= before)
        start = time_add(start, step);
    *out = (grid){ start, step, start > last ? 0 : (size_t)((last - start) / step) + 1 };
    return eval_points(ev, 0, out->n);
}

range_source *range_source_new(eval *ev, const ast_node *arg, grid g)
{
    range_source *s = ARENA_NEW(ev->a, range_source);
    s->ev = ev;
    bool is_subquery = arg->kind == AST_SUBQUERY;
    s->range_ms = ast_ms(is_subquery ? arg->subquery.range_ns : arg->matrix.range_ns);
    s->end = plan_data_time(ev, is_subquery ? &arg->subquery.when : &arg->matrix.selector->selector.when, g);
    if (g.n == 0)
        return s;
    if (!is_subquery)
        return plan_matrix(s, arg, g.n) ? s : NULL;
    grid inner;
    if (!subquery_grid(ev, &arg->subquery, s->end, g.n, &inner))
        return NULL;
    op *rows = plan_expr(ev, arg->subquery.expr, inner);
    if (!rows)
        return NULL;
    s->rows = merge_new(rows);
    return s;
}
