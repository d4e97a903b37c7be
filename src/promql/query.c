/* query.c: see query.h. A query owns two arenas: one for the tree of its text, one for what a run needs and gives. */
#include "promql/query.h"
#include "base/limits.h"
#include "promql/op_range.h"
#include "promql/print.h"
#include "promql/rows.h"
#include <stdlib.h>

enum { DEFAULT_LOOKBACK_MS = 300000, DEFAULT_SUBQUERY_STEP_MS = 60000, DEFAULT_MAX_SAMPLES = 50000000, MAX_NOTES = 10 };

struct query {
    arena tree;
    arena run;
    bytes text;
    ast_node *root;
    query_options opt;
    eval ev;
    bool is_prepared;
    op *values;               /* scalar or vector */
    range_source *raw;        /* a range vector asked for as such */
};

query *query_new(bytes text, const query_options *opt, err *e)
{
    query *q = xcalloc(1, sizeof *q);
    arena_init(&q->tree, 0);
    if (opt)
        q->opt = *opt;
    q->opt.lookback_ms = q->opt.lookback_ms > 0 ? q->opt.lookback_ms : DEFAULT_LOOKBACK_MS;
    q->opt.subquery_step_ms = q->opt.subquery_step_ms > 0 ? q->opt.subquery_step_ms : DEFAULT_SUBQUERY_STEP_MS;
    q->opt.max_samples = q->opt.max_samples ? q->opt.max_samples : DEFAULT_MAX_SAMPLES;
    arena_init(&q->run, q->opt.max_bytes);
    q->text = arena_dup(&q->tree, text);
    if (promql_parse(q->text, q->opt.features, &q->tree, &q->root, e))
        return q;
    query_free(q);
    return NULL;
}

/* Forgets the last run and its result. */
static void run_release(query *q)
{
    eval *ev = &q->ev;
    if (!q->is_prepared)
        return;
    for (size_t i = 0; i < ev->columns.len; i++)
        sample_columns_release(ev->columns.p[i]);
    for (size_t i = 0; i < ev->regexes.len; i++)
        regex_unref(ev->regexes.p[i]);
    vec_free(&ev->columns);
    vec_free(&ev->regexes);
    vec_free(&ev->selectors);
    annotations_release(&ev->notes);
    arena_release(&ev->scratch);
    arena_release(&q->run);
    q->is_prepared = false;
}

void query_free(query *q)
{
    if (!q)
        return;
    run_release(q);
    ast_release(q->root);
    arena_release(&q->tree);
    free(q);
}

void query_set_limits(query *q, int64_t deadline_ns, const _Atomic bool *cancel)
{
    q->opt.deadline_ns = deadline_ns;
    q->opt.cancel = cancel;
}

static bool plan(query *q, err *e)
{
    eval *ev = &q->ev;
    const ast_node *root = ast_unparen(q->root);
    if (root->type == VALUE_STRING)
        return true;
    if (root->type == VALUE_MATRIX)
        q->raw = range_source_new(ev, root, ev->g);
    else
        q->values = plan_expr(ev, root, ev->g);
    if (!eval_failed(ev))
        return true;
    *e = ev->err;
    return false;
}

bool query_prepare(query *q, int64_t start, int64_t end, int64_t step, err *e)
{
    run_release(q);
    enum value_type type = q->root->type;
    if (step > 0 && type != VALUE_SCALAR && type != VALUE_VECTOR)
        return err_set(e, ERR_BAD_DATA,
                       "invalid expression type \"%s\" for range query, must be Scalar or instant Vector",
                       value_type_doc(type));
    if (end < start || (step > 0 && (uint64_t)(end - start) / (uint64_t)step > LIMIT_QUERY_POINTS))
        return err_set(e, ERR_BAD_DATA,
                       "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
                       "resolution (?step=XX)");
    if (!ast_resolve_durations(q->root, step, end - start, e))
        return false;
    q->ev = (eval){
        .a = &q->run,
        .opt = q->opt,
        .text = q->text,
        .g = { start, step > 0 ? step : 1, step > 0 ? (size_t)((end - start) / step) + 1 : 1 },
        .range_end = end,
        .is_range = step > 0,
    };
    arena_init(&q->ev.scratch, 0);
    annotations_init(&q->ev.notes, &q->run);
    q->values = NULL;
    q->raw = NULL;
    q->is_prepared = true;
    return plan(q, e);
}

const db_selector *query_selectors(const query *q, size_t *n)
{
    *n = q->ev.selectors.len;
    return q->ev.selectors.p;
}

bytes query_text(query *q)
{
    buf b;
    buf_init(&b, LIMIT_QUERY_TEXT * 2);
    promql_print(&b, q->root);
    bytes text = arena_dup(&q->tree, buf_bytes(&b));
    buf_release(&b);
    return text;
}

enum value_type query_type(const query *q)
{
    return q->root->type;
}

/* ---- results ---- */

static int by_labels(const void *a, const void *b)
{
    return labels_cmp(((const query_row *)a)->labels, ((const query_row *)b)->labels);
}

/* What delayed name removal has put off. */
static bool drop_names(eval *ev, row_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->rows[i].drop_name)
            l->rows[i].labels = labels_without(ev->a, l->rows[i].labels, NULL, 0, true);
    return row_list_merge(ev, l);
}

static bool values_result(query *q, query_result *out)
{
    eval *ev = &q->ev;
    row_list l = { 0 };
    if (!row_list_drain(q->values, &l))
        return false;
    if (eval_delayed(ev) ? !drop_names(ev, &l) : q->values->may_repeat && !row_list_merge(ev, &l))
        return false;
    if (!(out->rows = EVAL_ARRAY(ev, query_row, l.n)))
        return false;
    for (size_t i = 0; i < l.n; i++) {
        const kept_row *r = &l.rows[i];
        out->rows[i] = (query_row){
            .labels = r->labels, .v = r->v, .present = r->has, .h = r->h, .first = r->steps.from, .n = r->steps.n
        };
    }
    out->n_rows = l.n;
    if (ev->is_range)
        qsort(out->rows, out->n_rows, sizeof *out->rows, by_labels);
    return true;
}

/* The points of a series as they are shown: of an anchored or smoothed selector with values at the window's bounds. */
static bool raw_row(query *q, const range_series *s, query_row *out)
{
    eval *ev = &q->ev;
    const ast_node *root = ast_unparen(q->root);
    const ast_selector *sel = root->kind == AST_MATRIX ? &root->matrix.selector->selector : NULL;
    bool is_extended = sel && (sel->anchored || sel->smoothed);
    int64_t end = range_source_end(q->raw).start, start = end - range_source_ms(q->raw);
    extended_window x = { .last = s->n };
    if (is_extended && !window_extend(s->t, s->v, s->n, start, end, sel->smoothed, false, &x))
        return true;
    size_t n = x.last > x.first ? x.last - x.first : 0, pad = is_extended ? 1 : 0;
    int64_t *t = EVAL_ARRAY(ev, int64_t, n + 2);
    double *v = EVAL_ARRAY(ev, double, n + 2);
    if (!t || !v || !eval_points(ev, n, 0))
        return false;
    memcpy(t + pad, s->t + x.first, n * sizeof *t);
    memcpy(v + pad, s->v + x.first, n * sizeof *v);
    t[0] = pad ? start : t[0];
    v[0] = pad ? x.left : v[0];
    t[n + pad] = pad ? end : 0;
    v[n + pad] = pad ? x.right : 0;
    const labels *l = s->drop_name ? labels_without(ev->a, s->labels, NULL, 0, true) : s->labels;
    *out = (query_row){ .labels = l, .t = t, .v = v, .n = n + 2 * pad };
    return true;
}

static bool raw_result(query *q, query_result *out)
{
    VEC(query_row) rows = { 0 };
    range_series s;
    while (range_source_next(q->raw, &s)) {
        query_row r = { 0 };
        if (!raw_row(q, &s, &r))
            break;
        if (r.n)
            vec_push(&rows, r);
    }
    out->rows = ARENA_ARRAY(&q->run, query_row, rows.len);
    if (rows.len) {
        memcpy(out->rows, rows.p, rows.len * sizeof *rows.p);
        qsort(out->rows, rows.len, sizeof *out->rows, by_labels);
    }
    out->n_rows = rows.len;
    vec_free(&rows);
    return !eval_failed(&q->ev);
}

static enum query_value result_type(const query *q)
{
    if (q->ev.is_range)
        return QUERY_MATRIX;
    switch (q->root->type) {
    case VALUE_SCALAR: return QUERY_SCALAR;
    case VALUE_STRING: return QUERY_STRING;
    case VALUE_VECTOR: return QUERY_VECTOR;
    default: return QUERY_MATRIX;
    }
}

bool query_run(query *q, snapshot *snap, query_result *out, err *e)
{
    eval *ev = &q->ev;
    *out = (query_result){ .type = result_type(q), .start = ev->g.start, .step = ev->g.step, .n_steps = ev->g.n,
                           .cancel = ev->opt.cancel };
    ev->snap = snap;
    if (snap)
        snapshot_set_cancel(snap, ev->opt.cancel);
    if (eval_poll(ev)) {
        if (q->values)
            values_result(q, out);
        else if (q->raw)
            raw_result(q, out);
        else
            out->string = ast_unparen(q->root)->string;
    }
    if (eval_failed(ev)) {
        *e = ev->err;
        return false;
    }
    out->n_warnings = annotations_texts(&ev->notes, NOTE_WARNING, q->text, MAX_NOTES, &out->warnings);
    out->n_infos = annotations_texts(&ev->notes, NOTE_INFO, q->text, MAX_NOTES, &out->infos);
    out->samples = ev->samples_read;
    out->peak_samples = ev->peak_points;
    return true;
}
