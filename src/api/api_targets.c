/* api_targets.c: targets, scrape pools and the metadata that targets expose. Answers are made on the loop: the manager's
 * state is the loop's, and its views are copies of a few hundred bytes a target. */
#include "api/api_targets.h"
#include "api/api_params.h"
#include "api/api_reply.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/map.h"
#include "promql/parse.h"

static void answer(http_request *req, buf *body)
{
    if (!body->overflow) {
        api_reply_buf(req, 200, body);
        return;
    }
    buf_release(body);
    api_reply_errf(req, ERR_EXECUTION, "the answer is larger than %zu bytes: ask for less", body->max);
}

static void write_label_object(json_writer *w, const labels *l)
{
    label x;
    json_object(w);
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);) {
        json_key_bytes(w, x.name);
        json_str(w, x.value);
    }
    json_end(w);
}

static void write_str(json_writer *w, const char *key, bytes value)
{
    json_key(w, key);
    json_str(w, value);
}

static void write_active(json_writer *w, const scrape_target_view *t, arena *a)
{
    json_object(w);
    json_key(w, "discoveredLabels");
    write_label_object(w, t->discovered);
    json_key(w, "labels");
    write_label_object(w, t->labels);
    write_str(w, "scrapePool", t->pool);
    write_str(w, "scrapeUrl", t->url);
    write_str(w, "globalUrl", t->global_url);
    write_str(w, "lastError", t->last_error);
    write_str(w, "lastScrape", api_format_time(a, t->last_scrape_ms));
    json_key(w, "lastScrapeDuration");
    json_double(w, t->last_duration_sec);
    json_key(w, "health");
    json_cstr(w, scrape_health_names[t->health]);
    write_str(w, "scrapeInterval", duration_format(a, t->interval_ms));
    write_str(w, "scrapeTimeout", duration_format(a, t->timeout_ms));
    json_end(w);
}

static void write_dropped(json_writer *w, const scrape_target_view *t)
{
    json_object(w);
    json_key(w, "discoveredLabels");
    write_label_object(w, t->discovered);
    write_str(w, "scrapePool", t->pool);
    json_end(w);
}

static void write_dropped_counts(json_writer *w, api_env *env, arena *a)
{
    scrape_pool_view *pools;
    size_t n;
    scrape_manager_pools(env->scrape, a, &pools, &n);
    json_object(w);
    for (size_t i = 0; i < n; i++) {
        json_key_bytes(w, pools[i].name);
        json_i64(w, (int64_t)pools[i].n_dropped);
    }
    json_end(w);
}

void api_targets(http_request *req, void *ctx)
{
    api_env *env = ctx;
    bytes state = http_form(req, "state"), pool = http_form(req, "scrapePool");
    bool active = !bytes_eq_nocase(state, BYTES("dropped")), dropped = !bytes_eq_nocase(state, BYTES("active"));
    scrape_target_view *list;
    size_t n = 0;
    buf body;
    json_writer w;
    buf_init(&body, LIMIT_MIB(256));
    api_begin(&w, &body);
    json_object(&w);
    json_key(&w, "activeTargets");
    json_array(&w);
    if (active)
        scrape_manager_active(env->scrape, pool.len ? pool : (bytes){ 0 }, req->arena, &list, &n);
    for (size_t i = 0; i < n; i++)
        write_active(&w, &list[i], req->arena);
    json_end(&w);
    json_key(&w, "droppedTargets");
    json_array(&w);
    n = 0;
    if (dropped)
        scrape_manager_dropped(env->scrape, pool.len ? pool : (bytes){ 0 }, req->arena, &list, &n);
    for (size_t i = 0; i < n; i++)
        write_dropped(&w, &list[i]);
    json_end(&w);
    json_key(&w, "droppedTargetCounts");
    if (dropped)
        write_dropped_counts(&w, env, req->arena);
    else
        json_null(&w);
    json_end(&w);
    api_end(&w, NULL, 0, NULL, 0);
    answer(req, &body);
}

void api_scrape_pools(http_request *req, void *ctx)
{
    api_env *env = ctx;
    scrape_pool_view *pools;
    size_t n;
    buf body;
    json_writer w;
    buf_init(&body, LIMIT_MIB(16));
    scrape_manager_pools(env->scrape, req->arena, &pools, &n);
    api_begin(&w, &body);
    json_object(&w);
    json_key(&w, "scrapePools");
    json_array(&w);
    for (size_t i = 0; i < n; i++)
        json_str(&w, pools[i].name);
    json_end(&w);
    json_end(&w);
    api_end(&w, NULL, 0, NULL, 0);
    answer(req, &body);
}

/* ---- metadata ---- */

/* A limit that is a number and, unlike those of queries, may be negative or absent for "all". */
static bool number_param(http_request *req, const char *name, int64_t *out, const char *complaint, err *e)
{
    bytes s = http_form(req, name);
    *out = -1;
    return s.len == 0 || num_parse_i64(s, out) || err_set(e, ERR_BAD_DATA, "%s", complaint);
}

static void write_kind(json_writer *w, const scrape_metadata_view *m)
{
    json_key(w, "type");
    json_cstr(w, metric_kind_names[m->kind]);
    write_str(w, "help", m->help);
    write_str(w, "unit", m->unit);
}

static bool same_metadata(const scrape_metadata_view *a, const scrape_metadata_view *b)
{
    return a->kind == b->kind && bytes_eq(a->help, b->help) && bytes_eq(a->unit, b->unit);
}

/* Metric names in order of first appearance, each with its distinct entries as a list threaded through `next`. */
typedef struct metric_entry {
    const scrape_metadata_view *view;
    struct metric_entry *next;
    size_t n;                /* of the list, counted in its first entry */
} metric_entry;

static void add_entry(map *by_name, const scrape_metadata_view *v, int64_t per_metric, arena *a)
{
    bool is_new;
    uint64_t *slot = map_put(by_name, v->metric, &is_new);
    metric_entry *first = is_new ? NULL : (metric_entry *)(uintptr_t)*slot, *last = first;
    for (metric_entry *m = first; m; m = m->next) {
        if (same_metadata(m->view, v))
            return;
        last = m;
    }
    if (first && per_metric > 0 && first->n >= (size_t)per_metric)
        return;
    metric_entry *m = ARENA_NEW(a, metric_entry);
    m->view = v;
    if (last)
        last->next = m;
    else
        *slot = (uint64_t)(uintptr_t)(first = m);
    first->n++;
}

void api_metadata(http_request *req, void *ctx)
{
    api_env *env = ctx;
    int64_t limit, per_metric;
    err e = { 0 };
    if (!number_param(req, "limit", &limit, "limit must be a number", &e)
        || !number_param(req, "limit_per_metric", &per_metric, "limit_per_metric must be a number", &e)) {
        api_reply_err(req, &e);
        return;
    }
    scrape_target_view *targets;
    scrape_metadata_view *views;
    size_t n_targets, n;
    bytes metric = http_form(req, "metric");
    scrape_manager_active(env->scrape, (bytes){ 0 }, req->arena, &targets, &n_targets);
    scrape_manager_metadata(env->scrape, targets, n_targets, metric.len ? metric : (bytes){ 0 }, req->arena, &views, &n);

    map by_name;
    map_init(&by_name, MAP_BORROWED_KEYS);
    for (size_t i = 0; i < n; i++)
        add_entry(&by_name, &views[i], per_metric, req->arena);
    buf body;
    json_writer w;
    buf_init(&body, LIMIT_MIB(256));
    api_begin(&w, &body);
    json_object(&w);
    int64_t written = 0;
    map_slot *s;
    for (size_t i = 0; (s = map_next(&by_name, &i)) && (limit < 0 || written < limit); written++) {
        json_key_bytes(&w, s->key);
        json_array(&w);
        for (metric_entry *m = (metric_entry *)(uintptr_t)s->value; m; m = m->next) {
            json_object(&w);
            write_kind(&w, m->view);
            json_end(&w);
        }
        json_end(&w);
    }
    json_end(&w);
    api_end(&w, NULL, 0, NULL, 0);
    map_release(&by_name);
    answer(req, &body);
}

/* Keeps the targets whose labels satisfy the selector; false: it is malformed. */
static bool match_targets(http_request *req, scrape_target_view *targets, size_t *n, err *e)
{
    bytes text = http_form(req, "match_target");
    ast_node *node;
    if (text.len == 0)
        return true;
    if (!promql_parse_selector(text, req->arena, &node, e))
        return err_wrap(e, "invalid parameter \"match_target\"");
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (matchers_match(node->selector.matchers, node->selector.n_matchers, targets[i].labels))
            targets[kept++] = targets[i];
    *n = kept;
    ast_release(node);
    return true;
}

void api_targets_metadata(http_request *req, void *ctx)
{
    api_env *env = ctx;
    int64_t limit;
    err e = { 0 };
    scrape_target_view *targets;
    scrape_metadata_view *views;
    size_t n_targets, n;
    bytes metric = http_form(req, "metric");
    scrape_manager_active(env->scrape, (bytes){ 0 }, req->arena, &targets, &n_targets);
    if (!number_param(req, "limit", &limit, "limit must be a number", &e) || !match_targets(req, targets, &n_targets, &e)) {
        api_reply_err(req, &e);
        return;
    }
    scrape_manager_metadata(env->scrape, targets, n_targets, metric.len ? metric : (bytes){ 0 }, req->arena, &views, &n);
    buf body;
    json_writer w;
    buf_init(&body, LIMIT_MIB(256));
    api_begin(&w, &body);
    json_array(&w);
    for (size_t i = 0; i < n && (limit < 0 || (int64_t)i < limit); i++) {
        json_object(&w);
        json_key(&w, "target");
        write_label_object(&w, views[i].target->labels);
        if (!metric.len)
            write_str(&w, "metric", views[i].metric);
        write_kind(&w, &views[i]);
        json_end(&w);
    }
    json_end(&w);
    api_end(&w, NULL, 0, NULL, 0);
    answer(req, &body);
}
