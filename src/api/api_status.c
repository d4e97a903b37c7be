/* api_status.c: what the daemon says of itself: configuration, flags, build, run time, store, own metrics. */
#include "api/api_status.h"
#include "api/api_params.h"
#include "api/api_reply.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/os.h"
#include "promql/parse.h"
#include <unistd.h>

/* Runs write between the envelope's ends and answers. */
static void reply_with(http_request *req, api_env *env, void (*write)(json_writer *w, http_request *req, api_env *env))
{
    buf body;
    json_writer w;
    buf_init(&body, LIMIT_MIB(64));
    api_begin(&w, &body);
    write(&w, req, env);
    api_end(&w, NULL, 0, NULL, 0);
    api_reply_buf(req, 200, &body);
}

static void put_str(json_writer *w, const char *key, const char *value)
{
    json_key(w, key);
    json_cstr(w, value);
}

static void put_int(json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_i64(w, value);
}

static void write_config(json_writer *w, http_request *req, api_env *env)
{
    buf yaml;
    buf_init(&yaml, LIMIT_CONFIG_FILE);
    prom_config_write(env->config, &yaml);
    json_object(w);
    json_key(w, "yaml");
    json_str(w, buf_bytes(&yaml));
    json_end(w);
    buf_release(&yaml);
}

static void write_flags(json_writer *w, http_request *req, api_env *env)
{
    env->write_flags(w, env->ctx);
}

static void write_buildinfo(json_writer *w, http_request *req, api_env *env)
{
    const api_build *b = &env->build;
    json_object(w);
    put_str(w, "version", b->api_version);
    put_str(w, "revision", b->revision);
    put_str(w, "branch", b->branch);
    put_str(w, "buildUser", b->user);
    put_str(w, "buildDate", b->date);
    put_str(w, "goVersion", b->compiler);
    json_end(w);
}

static void write_runtimeinfo(json_writer *w, http_request *req, api_env *env)
{
    char cwd[4096], host[256] = "";
    if (!getcwd(cwd, sizeof cwd))
        cwd[0] = '\0';
    gethostname(host, sizeof host - 1);
    json_object(w);
    json_key(w, "startTime");
    json_str(w, api_format_time(req->arena, env->start_ms));
    put_str(w, "CWD", cwd);
    put_str(w, "hostname", host);
    json_key(w, "serverTime");
    json_str(w, api_format_time(req->arena, os.now_ms()));
    json_key(w, "reloadConfigSuccess");
    json_bool(w, env->reload_ok);
    json_key(w, "lastConfigTime");
    json_str(w, api_format_time(req->arena, env->reload_ms / 1000 * 1000));
    put_int(w, "corruptionCount", 0);
    put_int(w, "goroutineCount", 1);
    put_int(w, "GOMAXPROCS", sysconf(_SC_NPROCESSORS_ONLN));
    put_int(w, "GOMEMLIMIT", INT64_MAX);
    put_str(w, "GOGC", "");
    put_str(w, "GODEBUG", "");
    put_str(w, "storageRetention", env->storage_retention);
    json_end(w);
}

static void write_top(json_writer *w, const char *key, const db_top *list, size_t n)
{
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < n; i++) {
        json_object(w);
        json_key(w, "name");
        json_str(w, list[i].name);
        put_int(w, "value", (int64_t)list[i].value);
        json_end(w);
    }
    json_end(w);
}

static void write_tsdb(json_writer *w, http_request *req, api_env *env)
{
    int64_t limit = 10;
    num_parse_i64(http_form(req, "limit"), &limit);
    db_stats s;
    db_cardinality c;
    db_get_stats(env->db, &s);
    db_get_cardinality(env->db, (size_t)limit, req->arena, &c);
    json_object(w);
    json_key(w, "headStats");
    json_object(w);
    put_int(w, "numSeries", (int64_t)s.n_series);
    put_int(w, "numLabelPairs", (int64_t)s.n_label_pairs);
    put_int(w, "chunkCount", (int64_t)s.n_chunks);
    put_int(w, "minTime", s.head_min_time);
    put_int(w, "maxTime", s.head_max_time);
    json_end(w);
    write_top(w, "seriesCountByMetricName", c.series_by_metric, c.n_metric);
    write_top(w, "labelValueCountByLabelName", c.values_by_label, c.n_label);
    write_top(w, "memoryInBytesByLabelName", c.memory_by_label, c.n_memory);
    write_top(w, "seriesCountByLabelValuePair", c.series_by_pair, c.n_pair);
    json_end(w);
}

/* The journal is replayed before the server listens, so this is always its end. */
static void write_walreplay(json_writer *w, http_request *req, api_env *env)
{
    json_object(w);
    put_int(w, "min", 0);
    put_int(w, "max", 0);
    put_int(w, "current", 0);
    json_end(w);
}

/* No rules are evaluated, so there are no groups, alerts or receivers of alerts: that is what these say. */
static void write_rules(json_writer *w, http_request *req, api_env *env)
{
    json_object(w);
    json_key(w, "groups");
    json_array(w);
    json_end(w);
    json_end(w);
}

static void write_alerts(json_writer *w, http_request *req, api_env *env)
{
    json_object(w);
    json_key(w, "alerts");
    json_array(w);
    json_end(w);
    json_end(w);
}

static void write_alertmanagers(json_writer *w, http_request *req, api_env *env)
{
    json_object(w);
    json_key(w, "activeAlertmanagers");
    json_array(w);
    json_end(w);
    json_key(w, "droppedAlertmanagers");
    json_array(w);
    json_end(w);
    json_end(w);
}

static void write_empty_list(json_writer *w, http_request *req, api_env *env)
{
    json_array(w);
    json_end(w);
}

void api_status_config(http_request *req, void *env) { reply_with(req, env, write_config); }
void api_status_flags(http_request *req, void *env) { reply_with(req, env, write_flags); }
void api_status_buildinfo(http_request *req, void *env) { reply_with(req, env, write_buildinfo); }
void api_status_runtimeinfo(http_request *req, void *env) { reply_with(req, env, write_runtimeinfo); }
void api_status_walreplay(http_request *req, void *env) { reply_with(req, env, write_walreplay); }
void api_alerts(http_request *req, void *env) { reply_with(req, env, write_alerts); }
void api_alertmanagers(http_request *req, void *env) { reply_with(req, env, write_alertmanagers); }

void api_status_tsdb(http_request *req, void *env)
{
    bytes s = http_form(req, "limit");
    int64_t limit = 10;
    if (s.len && (!num_parse_i64(s, &limit) || limit < 1 || limit > 10000)) {
        api_reply_errf(req, ERR_BAD_DATA, limit > 10000 ? "limit must not exceed 10000" : "limit must be a positive number");
        return;
    }
    reply_with(req, env, write_tsdb);
}

void api_rules(http_request *req, void *env)
{
    bytes type = http_form(req, "type");
    if (type.len && !bytes_eq(type, BYTES("alert")) && !bytes_eq(type, BYTES("record"))) {
        api_reply_errf(req, ERR_BAD_DATA, "invalid parameter \"type\": not supported value \"%.*s\"",
                       (int)(type.len < 200 ? type.len : 200), type.p);
        return;
    }
    reply_with(req, env, write_rules);
}

/* Exemplars are not stored, which is Prometheus' behaviour without its feature flag: an empty list for a good request. */
void api_query_exemplars(http_request *req, void *env)
{
    int64_t start, end;
    err e = { 0 };
    ast_node *root;
    if (!api_time_required(req, "start", &start, &e) || !api_time_required(req, "end", &end, &e)) {
        api_reply_err(req, &e);
        return;
    }
    if (end < start) {
        api_reply_errf(req, ERR_BAD_DATA, "end timestamp must not be before start timestamp");
        return;
    }
    if (!promql_parse(http_form(req, "query"), ((api_env *)env)->query_features, req->arena, &root, &e)) {
        api_reply_err(req, &e);
        return;
    }
    ast_release(root);
    reply_with(req, env, write_empty_list);
}

void api_version(http_request *req, void *ctx)
{
    const api_build *b = &((api_env *)ctx)->build;
    buf body;
    json_writer w;
    buf_init(&body, 4096);
    json_init(&w, &body);
    json_object(&w);
    put_str(&w, "version", b->api_version);
    put_str(&w, "revision", b->revision);
    put_str(&w, "branch", b->branch);
    put_str(&w, "buildUser", b->user);
    put_str(&w, "buildDate", b->date);
    put_str(&w, "goVersion", b->compiler);
    json_end(&w);
    api_reply_buf(req, 200, &body);
}

void api_metrics(http_request *req, void *env)
{
    buf body;
    buf_init(&body, LIMIT_MIB(64));
    metric_write_text(&body);
    http_reply_take(req, 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", &body);
}
