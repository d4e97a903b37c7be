/* op_range.c: see op_range.h. Windows are left-open: (t - range, t]. With anchored or smoothed the samples of a
 * lookback before (and, smoothed, behind) the window are there as well, and lo and hi enclose them. */
#include "promql/op_range.h"
#include <assert.h>

typedef struct range_op {
    op o;
    range_source *src;
    window_fn fn;
    uint32_t flags;            /* of the function */
    int64_t back, ahead;       /* of the windows beyond their bounds */
    op *args[RANGE_MAX_ARGS];
    size_t n_args;
    bool is_open;
    windows w;
    uint32_t *lo, *hi;
    size_t scratch_cap;
    bytes warned_name;         /* looked at already */
    row buf;
    label_bits seen;
} range_op;

static bool range_open(range_op *r)
{
    eval *ev = r->o.ev;
    size_t n = r->o.g.n;
    r->is_open = true;
    for (size_t i = 0; i < r->n_args; i++)
        if (!(r->w.args[i] = scalar_values(r->args[i])))
            return false;
    r->lo = EVAL_ARRAY(ev, uint32_t, n);
    r->hi = EVAL_ARRAY(ev, uint32_t, n);
    r->w.lo = r->lo;
    r->w.hi = r->hi;
    r->w.out = &r->buf;
    return r->lo && r->hi && row_alloc(ev, &r->buf, n);
}

static void cut_windows(range_op *r)
{
    const windows *w = &r->w;
    size_t lo = 0, hi = 0;
    for (size_t i = 0; i < w->n_steps; i++) {
        int64_t end = data_time_at(w->end, i), last = end + r->ahead, before = end - w->range_ms - r->back;
        hi = skip_until(w->t, hi, w->n, last);
        lo = skip_until(w->t, lo, hi, before);
        r->lo[i] = (uint32_t)lo;
        r->hi[i] = (uint32_t)hi;
    }
}

/* A counter's name should say so; types, where they are labels, say it better. */
static void warn_no_counter(range_op *r)
{
    eval *ev = r->o.ev;
    bytes name = labels_get(r->w.labels, LABEL_NAME);
    if (name.len == 0 || (bytes_eq(name, r->warned_name) && !(ev->opt.features & PROMQL_TYPE_AND_UNIT_LABELS)))
        return;
    r->warned_name = name;
    if (ev->opt.features & PROMQL_TYPE_AND_UNIT_LABELS) {
        bytes type = labels_get(r->w.labels, BYTES("__type__"));
        if (!bytes_eq(type, BYTES("counter")) && !bytes_eq(type, BYTES("histogram")))
            annotations_add(
                &ev->notes, NOTE_INFO, r->w.at,
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got %s: %s",
                format_q(ev->a, type), format_q(ev->a, name));
        return;
    }
    static const bytes suffixes[] = { BYTES_INIT("_total"), BYTES_INIT("_sum"), BYTES_INIT("_count"),
                                      BYTES_INIT("_bucket") };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (bytes_has_suffix(name, suffixes[i]))
            return;
    annotations_add(&ev->notes, NOTE_INFO, r->w.at,
                    "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: %s",
                    format_q(ev->a, name));
}

static bool scratch_room(range_op *r)
{
    if (r->w.n <= r->scratch_cap)
        return true;
    r->scratch_cap = r->w.n * 2;
    r->w.scratch = EVAL_ARRAY(r->o.ev, double, r->scratch_cap * 2);
    return r->w.scratch != NULL;
}

/* Two series that become the same one collide here even where they share no step. */
static bool range_seen(range_op *r, row *out)
{
    size_t n_known = r->seen.map.n;
    op *rows = range_source_rows(r->src);
    if (!row_seen_add(&r->o, rows, &r->seen, out))
        return false;
    return eval_delayed(r->o.ev) || r->seen.map.n > n_known || fail_same_labels(r->o.ev, rows);
}

static bool range_next(op *o, row *out)
{
    range_op *r = (range_op *)o;
    range_series s;
    if (!r->is_open && !range_open(r))
        return false;
    while (range_source_next(r->src, &s)) {
        r->w.t = s.t;
        r->w.v = s.v;
        r->w.n = s.n;
        r->w.labels = s.labels;
        if (!scratch_room(r))
            return false;
        row_clear(&r->buf, o->g.n);
        cut_windows(r);
        r->fn(&r->w);
        if (eval_failed(o->ev))
            return false;
        if (!bits_any(r->buf.has, bit_words(o->g.n)))
            continue;
        if (r->flags & FUNC_COUNTER)
            warn_no_counter(r);
        *out = r->buf;
        out->labels = s.labels;
        out->drop_name = s.drop_name || !(r->flags & FUNC_KEEP_NAME);
        return range_seen(r, out);
    }
    return false;
}

static double between(const int64_t *t, const double *v, int64_t at, bool is_counter)
{
    double from = is_counter && v[1] < v[0] ? 0 : v[0];
    return from + (v[1] - from) * (double)(at - t[0]) / (double)(t[1] - t[0]);
}

/* The first i < n with t[i] > at (or >= at), else n. */
static size_t first_after(const int64_t *t, size_t n, int64_t at, bool or_equal)
{
    size_t i = 0;
    while (i < n && (or_equal ? t[i] < at : t[i] <= at))
        i++;
    return i;
}

bool window_extend(const int64_t *t, const double *v, size_t n, int64_t start, int64_t end, bool smoothed,
                   bool is_counter, extended_window *out)
{
    size_t last = n - 1, first = first_after(t, last, start, false);
    first = first ? first - 1 : 0;
    if (smoothed)
        last = first_after(t, last, end, true);
    if (t[last] <= start)
        return false;
    out->outer_first = first;
    out->left = smoothed && t[first] < start ? between(t + first, v + first, start, is_counter) : v[first];
    out->right = smoothed && last > 0 && t[last] > end ? between(t + last - 1, v + last - 1, end, is_counter) : v[last];
    out->first = first + (t[first] <= start);
    out->last = last + 1 - (t[last] >= end);
    return true;
}

/* anchored and smoothed look beyond the window, which only some functions understand. */
static bool check_modifier(eval *ev, const ast_node *range, const char *func)
{
    static const char *const safe[] = { "delta", "increase", "rate", "changes", "resets" };
    if (range->kind != AST_MATRIX)
        return true;
    const ast_selector *s = &range->matrix.selector->selector;
    size_t n_safe = s->anchored ? 5 : s->smoothed ? 3 : 0;
    if (n_safe == 0)
        return true;
    for (size_t i = 0; i < n_safe; i++)
        if (strcmp(safe[i], func) == 0)
            return true;
    return s->anchored ? eval_fail(
               ev, ERR_EXECUTION,
               "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with %s", func)
                       : eval_fail(ev, ERR_EXECUTION,
                                   "smoothed modifier can only be used with: delta, increase, rate - not with %s",
                                   func);
}

bool range_call(func_call *c, window_fn fn)
{
    eval *ev = c->ev;
    range_op *r = op_new(ev, sizeof *r, c->g, range_next);
    const ast_node *range = NULL;
    for (size_t i = 0; i < c->n_args; i++) {
        if (c->args[i]->type == VALUE_MATRIX) {
            range = c->args[i];
            if (!(r->src = range_source_new(ev, range, c->g)))
                return false;
        } else {
            assert(r->n_args < RANGE_MAX_ARGS);
            if (!(r->args[r->n_args++] = call_arg(c, i)))
                return false;
        }
    }
    if (!check_modifier(ev, range, c->node->call.func->name))
        return false;
    if (range->kind == AST_MATRIX) {
        const ast_selector *s = &range->matrix.selector->selector;
        r->back = s->anchored || s->smoothed ? ev->opt.lookback_ms : 0;
        r->ahead = s->smoothed ? ev->opt.lookback_ms : 0;
        r->w.anchored = s->anchored;
        r->w.smoothed = s->smoothed;
    }
    r->fn = fn;
    r->flags = c->node->call.func->flags;
    r->w.n_steps = c->g.n;
    r->w.g = c->g;
    r->w.end = range_source_end(r->src);
    r->w.range_ms = range_source_ms(r->src);
    r->w.ev = ev;
    r->w.at = plan_place(ev, range);
    if (range->kind == AST_SUBQUERY)
        r->w.at.at = 0;   /* as Prometheus, which forgets where a subquery stands */
    r->w.arg0 = plan_place(ev, c->args[0]);
    c->out = &r->o;
    return true;
}
