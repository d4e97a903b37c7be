/* api_query.c: instant and range queries: parameters in Prometheus' order of complaint, then the read flow. */
#include "api/api_query.h"
#include "api/api_params.h"
#include "api/api_reply.h"
#include "api/read_flow.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/os.h"
#include "promql/query.h"

typedef struct query_flow {
    read_flow flow;
    query *query;
    int64_t start, end, step;
    query_options opt;
    size_t limit;             /* rows; 0: all */
    bool want_stats;
    int64_t started_ns, prepared_ns, run_ns;
} query_flow;

static metric_family engine_queries = METRIC(GAUGE, "prometheus_engine_queries",
                                             "The current number of queries being executed or waiting.");
static metric_family engine_seconds = METRIC(SUMMARY, "prometheus_engine_query_duration_seconds", "Query timings", "slice");

void api_query_metrics(void)
{
    static const char *const slices[] = { "inner_eval", "prepare_time", "queue_time" };
    metric_register(&engine_queries);
    metric_register(&engine_seconds);
    metric_set(metric_get(&engine_queries), 0);
    for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++)
        metric_with(&engine_seconds, slices[i]);
}

static void observe(const char *slice, int64_t ns)
{
    metric_observe(metric_with(&engine_seconds, slice), (double)ns / 1e9);
}

static bool parse(read_flow *base, err *e)
{
    query_flow *f = (query_flow *)base;
    f->query = query_new(http_form(base->req, "query"), &f->opt, e);
    if (!f->query)
        return err_wrap(e, "invalid parameter \"query\"");
    if (!query_prepare(f->query, f->start, f->end, f->step, e))
        return e->kind == ERR_BAD_DATA ? err_wrap(e, "invalid parameter \"query\"") : false;
    base->sels = query_selectors(f->query, &base->n_sels);
    f->prepared_ns = os.mono_ns();
    observe("prepare_time", f->prepared_ns - f->started_ns);
    return true;
}

static void write_timing(json_writer *w, const char *key, int64_t ns)
{
    json_key(w, key);
    json_double(w, (double)ns / 1e9);
}

static void write_stats(json_writer *w, const query_flow *f, const query_result *r)
{
    int64_t now = os.mono_ns();
    json_object(w);
    json_key(w, "timings");
    json_object(w);
    write_timing(w, "evalTotalTime", now - f->started_ns);
    write_timing(w, "resultSortTime", 0);
    write_timing(w, "queryPreparationTime", f->prepared_ns - f->started_ns);
    write_timing(w, "innerEvalTime", now - f->run_ns);
    write_timing(w, "execQueueTime", f->run_ns - f->prepared_ns);
    write_timing(w, "execTotalTime", now - f->started_ns);
    json_end(w);
    json_key(w, "samples");
    json_object(w);
    json_key(w, "totalQueryableSamples");
    json_i64(w, (int64_t)r->samples);
    json_key(w, "peakSamples");
    json_i64(w, (int64_t)r->peak_samples);
    json_end(w);
    json_end(w);
}

/* The notes of the result and one more where rows were cut off. */
static const bytes *with_note(arena *a, const bytes *notes, size_t *n, bool cut)
{
    if (!cut)
        return notes;
    bytes *out = ARENA_ARRAY(a, bytes, *n + 1);
    for (size_t i = 0; i < *n; i++)
        out[i] = notes[i];
    out[(*n)++] = BYTES("results truncated due to limit");
    return out;
}

static bool run(read_flow *base, err *e)
{
    query_flow *f = (query_flow *)base;
    query_result r;
    f->run_ns = os.mono_ns();
    bool ok = query_run(f->query, base->snap, &r, e);
    observe("inner_eval", os.mono_ns() - f->run_ns);
    observe("queue_time", f->run_ns - f->prepared_ns);
    if (!ok)
        return false;
    bool cut = f->limit && r.n_rows > f->limit && (r.type == QUERY_VECTOR || r.type == QUERY_MATRIX);
    if (cut)
        r.n_rows = f->limit;
    size_t n_warnings = r.n_warnings;
    const bytes *warnings = with_note(base->req->arena, r.warnings, &n_warnings, cut);
    json_writer w;
    api_begin(&w, &base->body);
    json_object(&w);
    query_result_json(&w, &r);
    if (f->want_stats) {
        json_key(&w, "stats");
        write_stats(&w, f, &r);
    }
    json_end(&w);
    api_end(&w, warnings, n_warnings, r.infos, r.n_infos);
    return true;
}

static void release(read_flow *base)
{
    query_free(((query_flow *)base)->query);
    metric_add(metric_get(&engine_queries), -1);
}

static const read_flow_steps steps = { parse, run, release };

/* Parameters that both endpoints have. */
static bool common_params(query_flow *f, api_env *env, http_request *req, err *e)
{
    int64_t timeout, lookback;
    if (!api_duration_param(req, "timeout", env->query_timeout_ms, &timeout, e)
        || !api_duration_param(req, "lookback_delta", env->lookback_ms, &lookback, e))
        return false;
    if (timeout > env->query_timeout_ms || timeout < 0)
        timeout = env->query_timeout_ms;
    metric_inc(metric_get(&engine_queries));   /* until release() */
    f->want_stats = http_form(req, "stats").len > 0;
    f->started_ns = os.mono_ns();
    f->opt = (query_options){
        .features = env->query_features,
        .lookback_ms = lookback > 0 ? lookback : env->lookback_ms,
        .subquery_step_ms = env->config ? env->config->global.evaluation_interval_ms : 0,
        .max_samples = env->query_max_samples,
        .max_bytes = env->query_max_bytes,
        .deadline_ns = f->started_ns + timeout * 1000000,
        .cancel = &f->flow.canceled,
    };
    /* A regular expression can take milliseconds to compile, a long text to parse: not on the loop. */
    bytes text = http_form(req, "query");
    f->flow.parse_is_slow = text.len > 2048 || bytes_find(text, '~') >= 0 || bytes_find_bytes(text, BYTES("label_replace")) >= 0;
    return true;
}

void api_query(http_request *req, void *ctx)
{
    api_env *env = ctx;
    query_flow *f = ARENA_NEW(req->arena, query_flow);
    err e = { 0 };
    if (!api_limit_param(req, &f->limit, &e) || !api_time_param(req, "time", os.now_ms(), &f->start, &e)
        || !common_params(f, env, req, &e)) {
        api_reply_err(req, &e);
        return;
    }
    f->end = f->start;
    read_flow_start(&f->flow, &steps, env, req);
}

static bool range_params(query_flow *f, http_request *req, err *e)
{
    if (!api_limit_param(req, &f->limit, e) || !api_time_required(req, "start", &f->start, e)
        || !api_time_required(req, "end", &f->end, e))
        return false;
    if (f->end < f->start)
        return err_set(e, ERR_BAD_DATA, "invalid parameter \"end\": end timestamp must not be before start time");
    bytes step = http_form(req, "step");
    if (!api_parse_duration(step, &f->step, e))
        return err_wrap(e, "invalid parameter \"step\"");
    if (f->step <= 0)
        return err_set(e, ERR_BAD_DATA, "invalid parameter \"step\": zero or negative query resolution step widths are not "
                                        "accepted. Try a positive integer");
    if ((f->end - f->start) / f->step > LIMIT_QUERY_POINTS)
        return err_set(e, ERR_BAD_DATA, "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the "
                                        "query resolution (?step=XX)");
    return true;
}

void api_query_range(http_request *req, void *ctx)
{
    api_env *env = ctx;
    query_flow *f = ARENA_NEW(req->arena, query_flow);
    err e = { 0 };
    if (!range_params(f, req, &e) || !common_params(f, env, req, &e)) {
        api_reply_err(req, &e);
        return;
    }
    read_flow_start(&f->flow, &steps, env, req);
}
