/* test_discovery.c: sets of target groups from configuration and files, on a real loop.
 *
 * What each set was last told is kept as one line of text; a test runs the loop until a set's line is what it waits
 * for. */
#include "discovery/discovery.h"
#include "base/file.h"
#include "base/metrics.h"
#include "loop/worker.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <check.h>

enum { MAX_SETS = 4, PATIENCE_MS = 10000 };

typedef struct told {
    char set[32], line[1024];
    int n_calls;
} told;

static uv_loop_t loop;
static discovery *d;
static told sets[MAX_SETS];
static char dir[64];
static bool is_closed, is_late;

static told *told_of(const char *set)
{
    for (size_t i = 0; i < MAX_SETS; i++) {
        if (strcmp(sets[i].set, set) == 0 || !sets[i].set[0]) {
            snprintf(sets[i].set, sizeof sets[i].set, "%s", set);
            return &sets[i];
        }
    }
    ck_abort_msg("too many sets");
    return NULL;
}

/* "a:1 b:2|c:3": groups by |, addresses by spaces; label x in front where there is one. */
static void on_groups(void *ctx, bytes set, const target_group *groups, size_t n)
{
    char name[32];
    buf b;
    snprintf(name, sizeof name, "%.*s", BYTES_ARG(set));
    told *t = told_of(name);
    buf_init(&b, sizeof t->line - 1);
    for (size_t i = 0; i < n; i++) {
        bytes x = labels_get(groups[i].labels, BYTES("x"));
        buf_printf(&b, "%s%.*s%s", i ? "|" : "", BYTES_ARG(x), x.len ? "=" : "");
        for (size_t k = 0; k < groups[i].n_targets; k++)
            buf_printf(&b, "%s%.*s", k ? " " : "", BYTES_ARG(labels_get(groups[i].targets[k], BYTES("__address__"))));
    }
    snprintf(t->line, sizeof t->line, "%.*s", BYTES_ARG(buf_bytes(&b)));
    t->n_calls++;
    buf_release(&b);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    return remove(path);
}

static void start(int64_t throttle_ms)
{
    strcpy(dir, "/tmp/test-discovery-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    worker_setup(&loop, NULL);
    discovery_register_metrics();
    d = discovery_new(&loop,
                      &(discovery_options){ .name = "scrape", .throttle_ms = throttle_ms, .on_groups = on_groups });
}

static void on_closed(void *ctx)
{
    is_closed = true;
}

static void stop(void)
{
    discovery_close(d, on_closed, NULL);
    ck_assert(!is_closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(is_closed);
    worker_release(&loop);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void setup(void)
{
    start(0);
}

static void put(const char *name, const char *text)
{
    char path[256];
    err e = { 0 };
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_msg(file_write_atomic(path, bytes_of(text), 0644, &e), "%s", e.msg);
}

static void apply(const char *text)
{
    char path[256];
    prom_config *c;
    err e = { 0 };
    snprintf(path, sizeof path, "%s/prometheus.yml", dir);
    ck_assert_msg(prom_config_parse(bytes_of(text), path, NULL, &c, &e), "%s", e.msg);
    discovery_apply_scrape(d, c);
    prom_config_unref(c); /* discovery holds it as long as it needs it */
}

static void on_late(uv_timer_t *t)
{
    is_late = true;
}

/* Runs the loop until the set has been told the line. */
static void wait_for(const char *set, const char *line)
{
    uv_timer_t patience;
    told *t = told_of(set);
    uv_timer_init(&loop, &patience);
    uv_timer_start(&patience, on_late, PATIENCE_MS, 0);
    while (!is_late && (t->n_calls == 0 || strcmp(t->line, line) != 0))
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_msg(!is_late, "%s is \"%s\" and not \"%s\"", set, t->line, line);
    uv_close((uv_handle_t *)&patience, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

START_TEST(static_groups_come_within_the_call)
{
    apply("scrape_configs: [{job_name: a, static_configs: [{targets: ['a:1', 'a:2']}, {targets: ['b:1'], labels: {x: "
          "y}}]}, "
          "{job_name: none}]");
    ck_assert_str_eq(told_of("a")->line, "a:1 a:2|y=b:1");
    ck_assert_int_eq(told_of("none")->n_calls, 1);
    ck_assert_str_eq(told_of("none")->line, "");
    apply("scrape_configs: [{job_name: a, static_configs: [{targets: ['a:3']}]}]");
    ck_assert_str_eq(told_of("a")->line, "a:3");
    ck_assert_int_eq(told_of("none")->n_calls, 1); /* gone without a word */
}
END_TEST

START_TEST(files_are_read_and_watched)
{
    put("t1.json", "[{\"targets\": [\"a:1\"], \"labels\": {\"x\": \"y\"}}]");
    put("t2.yml", "- targets: ['b:1']\n");
    apply("scrape_configs: [{job_name: a, static_configs: [{targets: ['s:1']}], file_sd_configs: [{files: [t*.json, "
          "t*.yml]}]}]");
    ck_assert_int_eq(told_of("a")->n_calls, 0); /* not before the files are read */
    wait_for("a", "s:1|y=a:1|b:1");
    ck_assert_int_eq(told_of("a")->n_calls, 1);
    put("t1.json", "[{\"targets\": [\"a:2\"]}, {\"targets\": [\"a:3\"]}]");
    wait_for("a", "s:1|a:2|a:3|b:1");
    put("t3.yml", "- targets: ['c:1']\n");
    wait_for("a", "s:1|a:2|a:3|b:1|c:1");
    char path[256];
    snprintf(path, sizeof path, "%s/t2.yml", dir);
    unlink(path);
    wait_for("a", "s:1|a:2|a:3|c:1");
}
END_TEST

START_TEST(a_broken_file_keeps_its_groups)
{
    put("t.yml", "- targets: ['a:1']\n");
    put("u.yml", "- targets: ['b:1']\n");
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: ['*.yml']}]}]");
    wait_for("a", "a:1|b:1");
    put("t.yml", "- target: [\n");
    put("u.yml", "- targets: ['b:2']\n");
    wait_for("a", "a:1|b:2");
    put("t.yml", "- targets: ['a:2']\n");
    wait_for("a", "a:2|b:2");
    put("t.yml", "");
    wait_for("a", "b:2");
}
END_TEST

START_TEST(files_that_are_not_there_are_no_targets)
{
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [none/t.yml]}]}]");
    wait_for("a", "");
    ck_assert_int_eq(told_of("a")->n_calls, 1);
}
END_TEST

/* A folder that did not exist at first is found at the next refresh. */
START_TEST(a_refresh_finds_what_could_not_be_watched)
{
    char path[256];
    err e = { 0 };
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [later/t.yml], refresh_interval: 50ms}]}]");
    wait_for("a", "");
    snprintf(path, sizeof path, "%s/later", dir);
    ck_assert(dir_make(path, &e));
    put("later/t.yml", "- targets: ['a:1']\n");
    wait_for("a", "a:1");
}
END_TEST

START_TEST(unchanged_providers_stay)
{
    put("t.yml", "- targets: ['a:1']\n");
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [t.yml]}]}]");
    wait_for("a", "a:1");
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [t.yml]}], static_configs: [{targets: ['s:1']}]}]");
    ck_assert_str_eq(told_of("a")->line, "s:1|a:1"); /* within the call: nothing had to be read */
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [t.yml], refresh_interval: 1h}]}]");
    ck_assert_str_eq(told_of("a")->line, "s:1|a:1"); /* a new provider: not before it has read */
    wait_for("a", "a:1");
}
END_TEST

START_TEST(updates_are_throttled)
{
    put("t.yml", "- targets: ['a:1']\n");
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [t.yml], refresh_interval: 20ms}]}]");
    wait_for("a", "a:1");
    uint64_t from = uv_hrtime();
    put("t.yml", "- targets: ['a:2']\n");
    wait_for("a", "a:2");
    ck_assert_uint_gt(uv_hrtime() - from, 200000000); /* of 400 ms, most were still to come */
}
END_TEST

static void setup_slow(void)
{
    start(400);
}

START_TEST(closing_while_a_file_is_read_is_fine)
{
    put("t.yml", "- targets: ['a:1']\n");
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [t.yml]}, {files: ['*.yml']}]}, {job_name: b, "
          "file_sd_configs: [{files: [t.yml]}]}]");
    apply("scrape_configs: [{job_name: b, file_sd_configs: [{files: [u.yml]}]}]"); /* the first ones end unread */
}
END_TEST

START_TEST(targets_and_errors_are_counted)
{
    buf text;
    buf_init(&text, 1 << 20);
    put("t.yml", "- targets: ['a:1', 'a:2']\n");
    put("bad.yml", "- x\n");
    apply("scrape_configs: [{job_name: a, file_sd_configs: [{files: [t.yml, bad.yml]}]}]");
    wait_for("a", "a:1 a:2");
    metric_write_text(&text);
    buf_putc(&text, '\0');
    ck_assert_ptr_nonnull(strstr(text.p, "prometheus_sd_discovered_targets{config=\"a\",name=\"scrape\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text.p, "prometheus_sd_file_read_errors_total 1\n"));
    ck_assert_ptr_nonnull(strstr(text.p, "prometheus_sd_file_scan_duration_seconds_count 1\n"));
    ck_assert_ptr_nonnull(strstr(text.p, "/t.yml\"} "));
    buf_release(&text);
}
END_TEST

START_TEST(what_is_not_built_in_is_refused_by_name)
{
    prom_config *c;
    err e = { 0 };
    ck_assert(prom_config_parse(BYTES("scrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: x}]\n"), "p.yml",
                                NULL, &c, &e));
    ck_assert(!discovery_check_supported(c, &e));
    ck_assert_str_eq(e.msg, "not built in; use file_sd_configs, or start with --config.skip-unsupported-sd: "
                            "consul_sd_configs of job \"a\" (p.yml:3)");
    prom_config_unref(c);
    ck_assert(prom_config_parse(BYTES("scrape_configs: [{job_name: a}]"), "p.yml", NULL, &c, &e));
    ck_assert(discovery_check_supported(c, &e));
    prom_config_unref(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("discovery");
    TCase *quick = tcase_create("discovery"), *slow = tcase_create("throttled");
    tcase_add_checked_fixture(quick, setup, stop);
    tcase_add_checked_fixture(slow, setup_slow, stop);
    tcase_set_timeout(quick, 30);
    tcase_set_timeout(slow, 30);
    tcase_add_test(quick, static_groups_come_within_the_call);
    tcase_add_test(quick, files_are_read_and_watched);
    tcase_add_test(quick, a_broken_file_keeps_its_groups);
    tcase_add_test(quick, files_that_are_not_there_are_no_targets);
    tcase_add_test(quick, a_refresh_finds_what_could_not_be_watched);
    tcase_add_test(quick, unchanged_providers_stay);
    tcase_add_test(quick, closing_while_a_file_is_read_is_fine);
    tcase_add_test(quick, targets_and_errors_are_counted);
    tcase_add_test(quick, what_is_not_built_in_is_refused_by_name);
    tcase_add_test(slow, updates_are_throttled);
    suite_add_tcase(s, quick);
    suite_add_tcase(s, slow);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
