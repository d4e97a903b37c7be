/* test_scrape_flow.c: the manager on a real loop: discovery, HTTP, workers and a store, against a small server in the
 * test.
 *
 * Intervals are tens of milliseconds. A test runs the loop until what it waits for is there, or fails after ten
 * seconds. */
#include "loop/worker.h"
#include "scrape/scrape_manager.h"
#include "tsdb/select.h"
#include "test_scrape.h"
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- a server that answers every request with what `page` says at the moment */

typedef struct peer {
    uv_tcp_t tcp;
    char in[4096];
    size_t n_in;
} peer;

static struct {
    uv_loop_t loop;
    uv_tcp_t listener;
    int port;
    const char *page; /* NULL: never answer */
    int status;
    int n_requests, n_connections, n_open;
    char head[4096]; /* of the last request */
    char dir[64];
    db *db;
    scrape_manager *m;
    bool closed;
    int64_t started;
    arena a;
} env;

static void on_peer_closed(uv_handle_t *h)
{
    env.n_open--;
    free(h->data);
}

static void peer_close(peer *p)
{
    if (!uv_is_closing((uv_handle_t *)&p->tcp))
        uv_close((uv_handle_t *)&p->tcp, on_peer_closed);
}

static void on_written(uv_write_t *w, int status)
{
    free(w->data);
    free(w);
}

static void answer(peer *p)
{
    size_t len = strlen(env.page) + 300;
    char *out = malloc(len);
    int n = snprintf(out, len, "HTTP/1.1 %d X\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", env.status,
                     strlen(env.page), env.page);
    uv_write_t *w = malloc(sizeof *w);
    w->data = out;
    uv_buf_t b = uv_buf_init(out, (unsigned)n);
    uv_write(w, (uv_stream_t *)&p->tcp, &b, 1, on_written);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
    peer *p = h->data;
    *b = uv_buf_init(p->in + p->n_in, (unsigned)(sizeof p->in - p->n_in - 1));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    peer *p = s->data;
    if (n <= 0) {
        peer_close(p);
        return;
    }
    p->n_in += (size_t)n;
    p->in[p->n_in] = 0;
    if (!strstr(p->in, "\r\n\r\n"))
        return;
    env.n_requests++;
    memcpy(env.head, p->in, p->n_in + 1);
    p->n_in = 0;
    if (env.page)
        answer(p);
}

static void on_connection(uv_stream_t *s, int status)
{
    peer *p = calloc(1, sizeof *p);
    p->tcp.data = p;
    uv_tcp_init(&env.loop, &p->tcp);
    env.n_connections++;
    env.n_open++;
    uv_accept(s, (uv_stream_t *)&p->tcp);
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

static void start_server(void)
{
    struct sockaddr_in addr;
    int len = sizeof addr;
    uv_ip4_addr("127.0.0.1", 0, &addr);
    uv_tcp_init(&env.loop, &env.listener);
    uv_tcp_bind(&env.listener, (struct sockaddr *)&addr, 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&env.listener, 16, on_connection), 0);
    uv_tcp_getsockname(&env.listener, (struct sockaddr *)&addr, &len);
    env.port = ntohs(addr.sin_port);
}

/* ---- the rest of a daemon */

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    return remove(path);
}

static void setup(void)
{
    err e = { 0 };
    snprintf(env.dir, sizeof env.dir, "/tmp/scrape-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(env.dir));
    uv_loop_init(&env.loop);
    worker_setup(&env.loop, NULL);
    arena_init(&env.a, 0);
    env.status = 200;
    start_server();
    ck_assert_msg(db_open(&(db_options){ .dir = env.dir }, &env.db, &e), "%s", e.msg);
    env.m = scrape_manager_new(&(scrape_manager_options){
        .loop = &env.loop,
        .db = env.db,
        .user_agent = "test/1",
        .discovery_interval_ms = 10,
    });
}

static void on_closed(void *ctx)
{
    env.closed = true;
    uv_close((uv_handle_t *)&env.listener, NULL);
}

static void teardown(void)
{
    err e = { 0 };
    scrape_manager_close(env.m, on_closed, NULL);
    ck_assert(!env.closed);
    while (!env.closed || env.n_open > 0)
        uv_run(&env.loop, UV_RUN_ONCE);
    uv_run(&env.loop, UV_RUN_DEFAULT);
    worker_release(&env.loop);
    ck_assert_int_eq(uv_loop_close(&env.loop), 0);
    ck_assert_msg(db_close(env.db, &e), "%s", e.msg);
    arena_release(&env.a);
    nftw(env.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* One job `j` with this target and these lines more; NULL: no job at all. */
static void apply(int port, const char *more)
{
    char text[2048];
    prom_config *cfg;
    err e = { 0 };
    if (more)
        snprintf(text, sizeof text,
                 "global: {scrape_interval: 40ms, scrape_timeout: 40ms}\n"
                 "scrape_configs:\n- job_name: j\n%s"
                 "  static_configs:\n  - targets: ['127.0.0.1:%d']\n    labels: {x: '1'}\n",
                 more, port);
    else
        snprintf(text, sizeof text, "global: {scrape_interval: 40ms, scrape_timeout: 40ms}\n");
    ck_assert_msg(prom_config_parse(bytes_of(text), "prometheus.yml", NULL, &cfg, &e), "%s", e.msg);
    scrape_manager_apply(env.m, cfg);
    prom_config_unref(cfg);
}

static void on_wake(uv_timer_t *t) {}

/* Runs the loop until cond() holds. */
static void run_until(bool (*cond)(void), const char *what)
{
    uv_timer_t wake;
    uv_timer_init(&env.loop, &wake);
    uv_timer_start(&wake, on_wake, 5, 5);
    uint64_t start = uv_now(&env.loop);
    while (!cond()) {
        ck_assert_msg(uv_now(&env.loop) - start < 10000, "waited too long for: %s", what);
        uv_run(&env.loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&wake, NULL);
    uv_run(&env.loop, UV_RUN_NOWAIT);
}

/* Samples of one metric. *last: the newest value, NAN where there is none; *stale: it is a staleness mark. */
static size_t samples(const char *metric, double *last, bool *stale)
{
    err e = { 0 };
    matcher m;
    snapshot *s;
    series_view *v;
    size_t n, total = 0;
    sample_columns c = { 0 };
    ck_assert(matcher_init(&m, &env.a, MATCH_EQ, LABEL_NAME, bytes_of(metric), &e));
    db_selector sel = { .ms = &m, .n = 1, .mint = INT64_MIN, .maxt = INT64_MAX };
    *last = NAN;
    ck_assert(snapshot_open(env.db, &sel, 1, &s, &e));
    ck_assert(snapshot_series(s, 0, &env.a, &v, &n, &e));
    for (size_t i = 0; i < n; i++) {
        ck_assert(series_read(s, &v[i], sel.mint, sel.maxt, &c, &e));
        total += c.n;
        if (c.n > 0)
            *last = c.v[c.n - 1];
    }
    *stale = sample_is_stale(*last);
    sample_columns_release(&c);
    snapshot_free(s);
    matcher_release(&m);
    return total;
}

static size_t count(const char *metric)
{
    double last;
    bool stale;
    return samples(metric, &last, &stale);
}

static double newest(const char *metric)
{
    double last;
    bool stale;
    samples(metric, &last, &stale);
    return last;
}

static bool is_stale(const char *metric)
{
    double last;
    bool stale;
    samples(metric, &last, &stale);
    return stale;
}

static scrape_target_view active(void)
{
    scrape_target_view *list;
    size_t n;
    scrape_manager_active(env.m, (bytes){ 0 }, &env.a, &list, &n);
    ck_assert_uint_eq(n, 1);
    return list[0];
}

/* ---- tests */

static bool three_times(void)
{
    return count("a") >= 3 && count("up") >= 3;
}
static bool a_is_2(void)
{
    return newest("a") == 2;
}
static bool a_is_stale(void)
{
    return is_stale("a");
}
static bool up_is_0(void)
{
    return newest("up") == 0;
}
static bool up_is_1(void)
{
    return newest("up") == 1;
}
static bool up_is_stale(void)
{
    return is_stale("up");
}
static bool asked(void)
{
    return env.n_requests > 0;
}

START_TEST(target_is_scraped_again_and_again)
{
    env.page = "# HELP a some help\n# TYPE a gauge\na 1\nb{job=\"own\"} 2\n";
    apply(env.port, "");
    run_until(three_times, "three scrapes");
    ck_assert_double_eq(newest("a"), 1);
    ck_assert_double_eq(newest("up"), 1);
    ck_assert_double_eq(newest("scrape_samples_scraped"), 2);
    ck_assert_double_eq(newest("scrape_samples_post_metric_relabeling"), 2);
    ck_assert_double_eq(newest("scrape_series_added"), 0);
    ck_assert_int_eq(env.n_connections, 1); /* kept alive */
    ck_assert_ptr_nonnull(strstr(env.head, "GET /metrics HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(env.head, "User-Agent: test/1\r\n"));
    ck_assert_ptr_nonnull(strstr(env.head, "X-Prometheus-Scrape-Timeout-Seconds: 0.04\r\n"));
    ck_assert_ptr_nonnull(strstr(env.head,
                                 "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                                 "application/openmetrics-text;version=0.0.1;q=0.5,"
                                 "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                                 "text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n"));
    ck_assert_ptr_nonnull(strstr(env.head, "Accept-Encoding: gzip\r\n"));
    scrape_target_view t = active();
    ck_assert_int_eq(t.health, HEALTH_UP);
    ck_assert_uint_eq(t.last_error.len, 0);
    ck_assert(bytes_eq(t.pool, BYTES("j")));
    ck_assert(bytes_eq(labels_get(t.labels, BYTES("x")), BYTES("1")));
    ck_assert(bytes_eq(labels_get(t.labels, BYTES("job")), BYTES("j")));
    ck_assert_int_gt(t.last_scrape_ms, 0);
    scrape_metadata_view *meta;
    size_t n;
    scrape_manager_metadata(env.m, &t, 1, (bytes){ 0 }, &env.a, &meta, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert(bytes_eq(meta[0].metric, BYTES("a")) && bytes_eq(meta[0].help, BYTES("some help")));
    ck_assert_int_eq(meta[0].kind, KIND_GAUGE);
}
END_TEST

START_TEST(vanished_series_and_failed_scrapes_are_marked)
{
    env.page = "a 1\nb 1\n";
    apply(env.port, "");
    run_until(three_times, "three scrapes");
    env.page = "b 1\n";
    run_until(a_is_stale, "mark of a");
    ck_assert(!is_stale("b"));
    env.page = "a 2\nb 1\n";
    run_until(a_is_2, "a again");
    env.status = 500;
    run_until(up_is_0, "up 0");
    ck_assert(is_stale("a") && is_stale("b"));
    ck_assert(bytes_eq(active().last_error, BYTES("server returned HTTP status 500 X")));
    ck_assert_int_eq(active().health, HEALTH_DOWN);
    env.status = 200;
    env.page = "a 2\n?";
    run_until(a_is_stale, "still stale");
    env.page = "a 2\nb 1\n";
    run_until(a_is_2, "a once more");
    run_until(up_is_1, "up 1");
}
END_TEST

START_TEST(silent_target_times_out)
{
    env.page = NULL;
    apply(env.port, "  scrape_timeout: 20ms\n");
    run_until(up_is_0, "up 0");
    ck_assert_ptr_nonnull(strstr(active().last_error.p, "context deadline exceeded"));
    ck_assert_ptr_nonnull(strstr(active().last_error.p, "Get \"http://127.0.0.1:"));
}
END_TEST

START_TEST(reload_keeps_what_is_unchanged)
{
    env.page = "a 1\n";
    apply(env.port, "");
    run_until(three_times, "three scrapes");
    int connections = env.n_connections;
    size_t n = count("a");
    apply(env.port, "  sample_limit: 10\n");
    env.page = "a 2\n";
    run_until(a_is_2, "the next scrape");
    ck_assert_int_eq(env.n_connections, connections);
    ck_assert_double_eq(newest("scrape_series_added"), 0);
    ck_assert_uint_gt(count("a"), n);
    ck_assert(!is_stale("a"));
}
END_TEST

START_TEST(relabelling_that_changes_starts_anew)
{
    env.page = "a 1\nb 1\n";
    apply(env.port, "");
    run_until(three_times, "three scrapes");
    apply(env.port, "  metric_relabel_configs: [{source_labels: [__name__], regex: a, action: drop}]\n");
    run_until(a_is_stale, "end of a");
    ck_assert(!is_stale("b"));
    ck_assert_double_eq(newest("scrape_samples_post_metric_relabeling"), 1);
    scrape_target_view t = active();
    ck_assert_int_eq(t.health, HEALTH_UP);
}
END_TEST

START_TEST(removed_target_is_marked_in_the_end)
{
    env.page = "a 1\n";
    apply(env.port, "");
    run_until(three_times, "three scrapes");
    apply(0, NULL);
    scrape_pool_view *pools;
    size_t n;
    scrape_manager_pools(env.m, &env.a, &pools, &n);
    ck_assert_uint_eq(n, 0);
    run_until(up_is_stale, "mark of up");
    ck_assert(is_stale("a"));
}
END_TEST

START_TEST(over_target_limit_nothing_is_scraped)
{
    env.page = "a 1\n";
    char more[200];
    snprintf(more, sizeof more, "  target_limit: 1\n  file_sd_configs: []\n");
    apply(env.port, more);
    run_until(three_times, "three scrapes");
    char text[1024];
    prom_config *cfg;
    err e = { 0 };
    snprintf(text, sizeof text,
             "global: {scrape_interval: 40ms, scrape_timeout: 40ms}\nscrape_configs:\n- job_name: j\n"
             "  target_limit: 1\n  static_configs: [{targets: ['127.0.0.1:%d', '127.0.0.1:1'], labels: {x: '1'}}]\n",
             env.port);
    ck_assert(prom_config_parse(bytes_of(text), "p.yml", NULL, &cfg, &e));
    scrape_manager_apply(env.m, cfg);
    prom_config_unref(cfg);
    run_until(up_is_0, "up 0");
    scrape_target_view *list;
    size_t n;
    scrape_manager_active(env.m, BYTES("j"), &env.a, &list, &n);
    ck_assert_uint_eq(n, 2);
    run_until(a_is_stale, "mark of a");
    scrape_manager_active(env.m, BYTES("j"), &env.a, &list, &n);
    ck_assert(bytes_eq(list[0].last_error, BYTES("target_limit exceeded (number of targets: 2, limit: 1)")));
}
END_TEST

START_TEST(dropped_targets_are_shown)
{
    scrape_target_view *list;
    size_t n;
    apply(env.port, "  relabel_configs: [{action: drop, source_labels: [x], regex: '1'}]\n");
    scrape_manager_dropped(env.m, (bytes){ 0 }, &env.a, &list, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_ptr_null(list[0].labels);
    ck_assert(labels_has(list[0].discovered, BYTES("__address__")));
    scrape_manager_active(env.m, (bytes){ 0 }, &env.a, &list, &n);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(close_does_not_wait_for_a_scrape)
{
    env.page = NULL;
    apply(env.port, "  scrape_interval: 500ms\n  scrape_timeout: 500ms\n");
    run_until(asked, "a request");
}
END_TEST

Suite *scrape_flow_suite(void)
{
    Suite *s = suite_create("scrape_flow");
    TCase *tc = tcase_create("scrape_flow");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, target_is_scraped_again_and_again);
    tcase_add_test(tc, vanished_series_and_failed_scrapes_are_marked);
    tcase_add_test(tc, silent_target_times_out);
    tcase_add_test(tc, reload_keeps_what_is_unchanged);
    tcase_add_test(tc, relabelling_that_changes_starts_anew);
    tcase_add_test(tc, removed_target_is_marked_in_the_end);
    tcase_add_test(tc, over_target_limit_nothing_is_scraped);
    tcase_add_test(tc, dropped_targets_are_shown);
    tcase_add_test(tc, close_does_not_wait_for_a_scrape);
    suite_add_tcase(s, tc);
    return s;
}
