/* scrape_loop.c: see scrape_loop.h. Functions stand in the order in which they run. */
#include "scrape/scrape_loop.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/os.h"
#include "loop/ticker.h"
#include "loop/worker.h"
#include "scrape/scrape_metrics.h"
#include "scrape/scrape_page.h"
#include "scrape/scrape_report.h"
#include "scrape/scrape_request.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    QUICK_PAGE = 256 << 10, /* bytes */
    QUICK_NEW = 100,        /* new series on the page before */
    HEAD_WINDOW_MS = 3600 * 1000
};

/* One scrape, from tick to conclusion. */
typedef struct round {
    scrape_page page;
    const prom_config *prom; /* keeps page.config alive */
    labels *target;          /* page.target */
    int64_t started_ns;
    http_call *call; /* while it is under way */
    size_t n_lost;
    bool stored; /* store() has run */
} round;

struct scrape_loop {
    const scrape_shared *shared;
    target *target;
    ticker *ticker;
    int64_t offset_ms; /* the ticker's */
    scrape_cache cache;
    scrape_meta meta;
    scrape_report report;
    round *round; /* NULL: none is under way */
    metric *interval_cell, *interval_histogram_cell;
    enum scrape_health health;
    char *last_error;
    int64_t last_scrape_ms, last_started_ns;
    double last_duration_sec;
    bool quick;            /* the next page will be much like the last one: known lines, not too many */
    uint64_t dropped_then; /* samples refused in the last round, so that only changes are logged */
    bool forget_wanted, stopping, stop_now;
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

static void store(scrape_loop *s);
static void conclude(scrape_loop *s);
static void stopped(scrape_loop *s);

/* ---- a round */

/* Prometheus' head takes what is not older than half its block of two hours, or the window for out-of-order samples. */
static int64_t oldest_age_ms(const prom_config *prom)
{
    int64_t window = prom->storage.tsdb ? prom->storage.tsdb->out_of_order_time_window_ms : 0;
    return window > HEAD_WINDOW_MS ? window : HEAD_WINDOW_MS;
}

static void round_new(scrape_loop *s, int64_t time_ms, int64_t now_ms)
{
    const scrape_shared *sh = s->shared;
    round *r = xcalloc(1, sizeof *r);
    scrape_page_init(&r->page);
    scrape_scratch_take(sh->scratch, &r->page.a, &r->page.plain);
    r->prom = prom_config_ref(sh->prom);
    r->target = labels_ref(s->target->labels);
    r->started_ns = os.mono_ns();
    r->page.config = sh->config;
    r->page.target = r->target;
    r->page.cache = &s->cache;
    r->page.time_ms = time_ms;
    r->page.now_ms = now_ms;
    r->page.oldest_ms = now_ms - oldest_age_ms(sh->prom);
    s->round = r;
}

static void round_free(scrape_loop *s, round *r)
{
    scrape_scratch_give(s->shared->scratch, &r->page.a, &r->page.plain);
    scrape_page_release(&r->page);
    labels_unref(r->target);
    prom_config_unref(r->prom);
    free(r);
}

static void no_page(scrape_loop *s)
{
    scrape_page_fail(&s->round->page);
    store(s);
}

/* ---- tick */

static void count_interval(scrape_loop *s)
{
    int64_t now = os.mono_ns();
    if (s->last_started_ns) {
        double seconds = (double)(now - s->last_started_ns) / 1e9;
        metric_observe(s->interval_cell, seconds);
        metric_observe(s->interval_histogram_cell, seconds);
    }
    s->last_started_ns = now;
}

/* A tick that comes a little late, as timers do, still counts as punctual: regular times are stored best. */
static int64_t scrape_time(const scrape_loop *s, int64_t due_ms, int64_t now_ms)
{
    int64_t tolerance = s->target->interval_ms / 100;
    if (tolerance > s->shared->tolerance_ms)
        tolerance = s->shared->tolerance_ms;
    return now_ms >= due_ms && now_ms - due_ms <= tolerance ? due_ms : now_ms;
}

static void on_response(http_response *res, void *ctx);

static void send_request(scrape_loop *s)
{
    const scrape_shared *sh = s->shared;
    scrape_page *p = &s->round->page;
    http_values headers = { 0 };
    err e = { 0 };
    bytes url = bytes_of(s->target->url);
    if (!scrape_headers(sh->config, sh->accept, sh->user_agent, s->target->timeout_ms, &p->a, &headers, &e)) {
        http_call_error("GET", url, &e, &p->error);
        no_page(s);
        return;
    }
    http_call_options opt = {
        .url = url,
        .headers = headers.v,
        .n_headers = headers.n,
        .timeout_ms = s->target->timeout_ms,
        .max_body = scrape_page_max(sh->config) + 1024, /* exact once inflated */
        .follow_redirects = sh->config->http.follow_redirects,
    };
    s->round->call = http_call_start(sh->client, &opt, on_response, s);
}

static void on_tick(void *ctx, int64_t due_ms, int64_t missed)
{
    scrape_loop *s = ctx;
    scrape_count(SCRAPE_SKIPPED, (double)missed + (s->round ? 1 : 0));
    if (s->round)
        return; /* slower than its interval */
    int64_t now_ms = os.now_ms();
    count_interval(s);
    round_new(s, scrape_time(s, due_ms, now_ms), now_ms);
    if (!s->shared->refusal) {
        send_request(s);
        return;
    }
    err_set(&s->round->page.error, ERR_BAD_DATA, "%s", s->shared->refusal);
    no_page(s);
}

/* ---- response */

static void read_page(scrape_loop *s);
static void parse_job(job *j, void *ctx);
static void on_parsed(job *j, void *ctx);

/* Go reports what goes wrong before the headers as a failed Get, and later by itself. */
static void response_error(const http_response *res, bytes url, err *out)
{
    if (res->err.kind == ERR_TOO_LARGE)
        err_set(out, ERR_TOO_LARGE, "body size limit exceeded");
    else if (res->status != 0)
        *out = res->err;
    else
        http_call_error("GET", url, &res->err, out);
}

static void on_response(http_response *res, void *ctx)
{
    scrape_loop *s = ctx;
    scrape_page *p = &s->round->page;
    s->round->call = NULL;
    if (s->stop_now) {
        conclude(s);
        return;
    }
    if (res->err.kind)
        response_error(res, bytes_of(s->target->url), &p->error);
    else if (res->status != 200)
        err_set(&p->error, ERR_BAD_DATA, "server returned HTTP status %.*s", BYTES_ARG(res->status_line));
    if (p->error.kind) {
        p->over_body = p->error.kind == ERR_TOO_LARGE;
        p->body_bytes = p->over_body ? -1 : 0;
        no_page(s);
        return;
    }
    buf_release(&p->body);
    p->body = res->body;
    res->body = (buf){ .max = res->body.max };
    p->content_type = arena_dup(&p->a, res->content_type);
    p->is_gzip = bytes_eq(res->content_encoding, BYTES("gzip"));
    read_page(s);
}

/* A page like the one before takes a tenth of a millisecond or two, less than the way to a worker and back costs. So it
 * is read here; others, and those that turn out large, are a worker's. */
static void read_page(scrape_loop *s)
{
    scrape_page *p = &s->round->page;
    p->quick_max = s->quick ? QUICK_PAGE : 0;
    if (s->quick && scrape_page_read(p)) {
        store(s);
        return;
    }
    p->quick_max = 0;
    worker_run(s->shared->loop, WORKER_PARSE, parse_job, on_parsed, s);
}

/* Worker thread. */
static void parse_job(job *j, void *ctx)
{
    scrape_loop *s = ctx;
    scrape_page_read(&s->round->page);
}

static void on_parsed(job *j, void *ctx)
{
    scrape_loop *s = ctx;
    if (s->stop_now)
        conclude(s);
    else
        store(s);
}

/* ---- store */

/* Marks must not go behind a newer sample, as they might where samples out of order are taken. */
static void drop_late_marks(scrape_loop *s)
{
    scrape_page *p = &s->round->page;
    size_t kept = p->n_samples;
    for (size_t i = p->n_samples; i < p->n_items; i++) {
        sample last;
        if (db_last(s->shared->db, p->items[i].ref, &last) && last.t < p->items[i].t)
            p->items[kept++] = p->items[i];
    }
    p->n_items = kept;
}

typedef struct verdict {
    uint64_t out_of_order, duplicates, out_of_bounds, refused;
} verdict;

/* The answer for a sample: its line learns the ref, or stays as if it had not been there. */
static void judge_sample(scrape_loop *s, size_t i, verdict *v)
{
    scrape_page *p = &s->round->page;
    const append_item *it = &p->items[i];
    cache_line *l = &s->cache.lines[p->lines[i]];
    switch (it->status) {
    case APPEND_OK: break;
    case APPEND_UNKNOWN_REF:
        l->ref = 0;
        l->flags |= LINE_LOST;
        s->round->n_lost++;
        return;
    case APPEND_DUPLICATE: v->duplicates++; break;
    case APPEND_OUT_OF_ORDER:
    case APPEND_TOO_OLD: v->out_of_order++; break;
    case APPEND_OUT_OF_BOUNDS: v->out_of_bounds++; break;
    default: v->refused++; break;
    }
    if (l->ref != 0)
        return;
    if ((it->status == APPEND_OK || it->status == APPEND_DUPLICATE) && it->ref != 0) {
        l->ref = it->ref;
        return;
    }
    scrape_cache_track(&s->cache, l, false);
    p->new_series -= p->new_series > 0;
}

static void judge(scrape_loop *s)
{
    scrape_page *p = &s->round->page;
    verdict v = { .duplicates = p->n_duplicates, .out_of_bounds = p->n_out_of_bounds };
    for (size_t i = 0; i < p->n_samples; i++)
        judge_sample(s, i, &v);
    scrape_count(SCRAPE_OUT_OF_ORDER, (double)v.out_of_order);
    scrape_count(SCRAPE_DUPLICATES, (double)v.duplicates);
    scrape_count(SCRAPE_OUT_OF_BOUNDS, (double)v.out_of_bounds);
    uint64_t dropped = v.out_of_order + v.duplicates + v.out_of_bounds + v.refused;
    if (dropped != s->dropped_then && dropped > 0)
        log_warn("Samples of a scrape were not stored", "scrape_pool", log_bytes(p->config->job_name), "target",
                 s->target->url, "out_of_order", log_i64((int64_t)v.out_of_order), "duplicates",
                 log_i64((int64_t)v.duplicates), "out_of_bounds", log_i64((int64_t)v.out_of_bounds), "memory_limit",
                 log_i64((int64_t)v.refused));
    s->dropped_then = dropped;
    p->n_duplicates = p->n_out_of_bounds = 0;
}

static void count_limits(const scrape_page *p)
{
    scrape_count(SCRAPE_OVER_BODY, p->over_body);
    scrape_count(SCRAPE_OVER_SAMPLES, p->over_samples);
    scrape_count(SCRAPE_OVER_LABELS, p->over_labels);
}

/* What comment lines new to the cache say. */
static void take_metadata(scrape_loop *s)
{
    const scrape_page *p = &s->round->page;
    for (size_t i = 0; i < p->n_meta; i++) {
        const meta_line *m = &p->meta[i];
        cache_line *l = &s->cache.lines[m->line];
        uint32_t place = (uint32_t)(l->ref >> 8);
        if (place == 0) {
            place = scrape_meta_line(&s->meta, m->name);
            l->ref = line_meta(place, l->ref & 255);
        }
        if (m->what == EXPO_TYPE)
            scrape_meta_set_kind(&s->meta, place, m->kind);
        else if (m->what == EXPO_HELP)
            scrape_meta_set_help(&s->meta, place, m->text);
        else
            scrape_meta_set_unit(&s->meta, place, m->text);
    }
}

static void set_last_error(scrape_loop *s, const err *e)
{
    bool changed = !s->last_error || strcmp(s->last_error, e->msg) != 0;
    if (!changed)
        return;
    free(s->last_error);
    s->last_error = xstrdup(e->msg);
    if (e->kind)
        log_debug("Scrape failed", "scrape_pool", log_bytes(s->shared->config->job_name), "target", s->target->url,
                  "err", e->msg);
}

static void set_health(scrape_loop *s)
{
    const scrape_page *p = &s->round->page;
    s->health = p->error.kind ? HEALTH_DOWN : HEALTH_UP;
    s->last_scrape_ms = p->time_ms;
    s->last_duration_sec = (double)(os.mono_ns() - s->round->started_ns) / 1e9;
    set_last_error(s, &p->error);
}

static size_t report_items(scrape_loop *s, append_item *items)
{
    scrape_page *p = &s->round->page;
    bool extra = s->shared->extra_metrics || p->config->extra_scrape_metrics > 0;
    size_t n = extra ? REPORT_N : REPORT_N_USUAL;
    const double values[REPORT_N] = {
        [REPORT_UP] = p->error.kind ? 0 : 1,
        [REPORT_DURATION] = s->last_duration_sec,
        [REPORT_SAMPLES] = (double)p->total,
        [REPORT_POST_RELABEL] = (double)p->added,
        [REPORT_SERIES_ADDED] = (double)p->new_series,
        [REPORT_TIMEOUT] = (double)s->target->timeout_ms / 1000,
        [REPORT_SAMPLE_LIMIT] = (double)p->config->sample_limit,
        [REPORT_BODY_SIZE] = (double)p->body_bytes,
    };
    scrape_report_items(&s->report, p->target, values, n, p->time_ms, &p->a, items);
    return n;
}

/* Samples, marks and report. One append, so one journal record, unless scrape_series_added must wait for the outcome.
 */
static void append(scrape_loop *s)
{
    scrape_page *p = &s->round->page;
    db *d = s->shared->db;
    size_t n = p->n_items, n_report;
    scrape_page_reserve(p, n + REPORT_N);
    append_item *items = p->items;
    bool one = p->new_series == 0;
    if (!one) {
        db_append(d, items, n);
        judge(s);
    }
    set_health(s);
    n_report = report_items(s, items + n);
    if (one)
        db_append(d, items, n + n_report);
    else
        db_append(d, items + n, n_report);
    if (one)
        judge(s);
    scrape_report_done(&s->report, d, p->target, items + n, n_report, &p->a);
}

static void on_resolved(job *j, void *ctx);

static void store(scrape_loop *s)
{
    scrape_page *p = &s->round->page;
    drop_late_marks(s);
    count_limits(p);
    append(s);
    take_metadata(s);
    s->round->stored = true;
    if (s->shared->appended)
        s->shared->appended(s->shared->ctx);
    if (s->round->n_lost == 0) {
        conclude(s);
        return;
    }
    p->resolve_lost = true;
    worker_run(s->shared->loop, WORKER_PARSE, parse_job, on_resolved, s);
}

static void on_resolved(job *j, void *ctx)
{
    scrape_loop *s = ctx;
    scrape_page *p = &s->round->page;
    if (!s->stop_now && p->n_items > 0) {
        db_append(s->shared->db, p->items, p->n_items);
        judge(s);
        if (s->shared->appended)
            s->shared->appended(s->shared->ctx);
    }
    conclude(s);
}

/* ---- end of a round */

static void meta_gone(void *ctx, uint64_t ref)
{
    scrape_meta_line_gone(ctx, (uint32_t)(ref >> 8));
}

/* Refs of the series the target shows; with the report's own when it is gone for good. */
static void retire(scrape_loop *s, bool with_report)
{
    size_t n = 0;
    uint64_t *refs = xreallocarray(NULL, s->cache.n_tracked + REPORT_N, sizeof *refs);
    for (size_t i = 0; i < s->cache.n; i++)
        if ((s->cache.lines[i].flags & LINE_TRACKED) && s->cache.lines[i].ref)
            refs[n++] = s->cache.lines[i].ref;
    for (size_t i = 0; with_report && i < REPORT_N; i++)
        if (s->report.refs[i])
            refs[n++] = s->report.refs[i];
    int64_t due_ms = s->last_scrape_ms + s->target->interval_ms;
    scrape_retire_take(s->shared->retirees, refs, n, due_ms, s->target->interval_ms);
}

static void forget(scrape_loop *s)
{
    retire(s, false);
    scrape_cache_release(&s->cache);
    scrape_cache_init(&s->cache, s->shared->key_seed);
    scrape_meta_release(&s->meta);
    scrape_meta_init(&s->meta, s->shared->texts);
    s->quick = s->forget_wanted = false;
}

static void conclude(scrape_loop *s)
{
    round *r = s->round;
    bool had_page = r->stored && !r->page.error.kind && r->page.text.len > 0;
    s->round = NULL;
    s->quick = had_page && r->page.new_series < QUICK_NEW && r->page.text.len <= QUICK_PAGE;
    if (had_page)
        scrape_cache_flush(&s->cache, meta_gone, &s->meta);
    else if (scrape_cache_bound(&s->cache, meta_gone, &s->meta))
        scrape_count(SCRAPE_CACHE_FORCED, 1);
    round_free(s, r);
    if (s->forget_wanted)
        forget(s);
    if (s->stopping)
        stopped(s);
}

/* ---- start, change, stop */

static void start_ticker(scrape_loop *s)
{
    const target *t = s->target;
    arena a;
    arena_init(&a, 0);
    const char *interval = arena_cstr(&a, duration_format(&a, t->interval_ms));
    s->interval_cell = scrape_interval_cell(interval);
    s->interval_histogram_cell = scrape_interval_histogram_cell(interval);
    arena_release(&a);
    s->offset_ms = target_offset_ms(t, s->shared->offset_seed, s->shared->slots);
    s->ticker = ticker_start(s->shared->loop, t->interval_ms, s->offset_ms, on_tick, s);
}

scrape_loop *scrape_loop_start(const scrape_shared *shared, target *t)
{
    scrape_loop *s = xcalloc(1, sizeof *s);
    s->shared = shared;
    s->target = target_ref(t);
    scrape_cache_init(&s->cache, shared->key_seed);
    scrape_meta_init(&s->meta, shared->texts);
    start_ticker(s);
    return s;
}

void scrape_loop_set_target(scrape_loop *s, target *t)
{
    bool other_pace = t->interval_ms != s->target->interval_ms;
    target_ref(t);
    target_unref(s->target);
    s->target = t;
    if (!other_pace || s->stopping)
        return;
    ticker_stop(s->ticker);
    start_ticker(s);
}

void scrape_loop_spread(scrape_loop *s)
{
    if (s->stopping || target_offset_ms(s->target, s->shared->offset_seed, s->shared->slots) == s->offset_ms)
        return;
    ticker_stop(s->ticker);
    start_ticker(s);
}

void scrape_loop_forget(scrape_loop *s)
{
    if (s->round)
        s->forget_wanted = true; /* the cache is lent to a worker, or about to be */
    else
        forget(s);
}

static void stopped(scrape_loop *s)
{
    void (*on_stopped)(void *ctx) = s->on_stopped;
    void *ctx = s->stopped_ctx;
    if (!s->stop_now)
        retire(s, true);
    scrape_cache_release(&s->cache);
    scrape_meta_release(&s->meta);
    target_unref(s->target);
    free(s->last_error);
    free(s);
    on_stopped(ctx);
}

void scrape_loop_stop(scrape_loop *s, bool now, void (*on_stopped)(void *ctx), void *ctx)
{
    ticker_stop(s->ticker);
    s->ticker = NULL;
    s->on_stopped = on_stopped;
    s->stopped_ctx = ctx;
    s->stopping = true;
    s->stop_now = now;
    if (!s->round)
        stopped(s);
    else if (now && s->round->call)
        http_call_cancel(s->round->call); /* on_response() follows */
}

scrape_status scrape_loop_status(const scrape_loop *s)
{
    return (scrape_status){
        .target = s->target,
        .health = s->health,
        .last_error = s->last_error ? s->last_error : "",
        .last_scrape_ms = s->last_scrape_ms,
        .last_duration_sec = s->last_duration_sec,
        .meta = &s->meta,
    };
}
