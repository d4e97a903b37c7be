/* test_metrics.c: our own metrics and their page. Each test is a process of its own, so the registry starts empty. */
#include "tests.h"
#include "base/metrics.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static metric_family plain = METRIC(COUNTER, "b_plain_total", "Help with \\ and\nnewline \"quoted\".");
static metric_family labelled = METRIC(GAUGE, "a_labelled", "Labels.", "zone", "code");
static const double bounds[] = { 0.1, 1, 2500000 };
static metric_family histogram = METRIC_HISTOGRAM("c_seconds", "Latency.", bounds, 3, "handler");
static metric_family summary = METRIC(SUMMARY, "d_summary", "Summary.");
static metric_family unused = METRIC(GAUGE, "e_unused", "No cells.");

static void check_page(const char *want)
{
    buf b;
    buf_init(&b, 1 << 20);
    metric_write_text(&b);
    ck_bytes(buf_bytes(&b), want);
    buf_release(&b);
}

START_TEST(metrics_print_as_the_client_library_prints)
{
    metric_register(&plain);
    metric_register(&labelled);
    metric_register(&histogram);
    metric_register(&summary);
    metric_register(&unused);
    metric_register(&plain); /* twice is fine */
    metric_add(metric_get(&plain), 1500000);
    metric_set(metric_with(&labelled, "b", "200"), 1);
    metric_set(metric_with(&labelled, "a", "500"), -0.5);
    metric_set(metric_with(&labelled, "a\"\\\n", "200"), HUGE_VAL);
    metric *h = metric_with(&histogram, "/x");
    metric_observe(h, 0.1); /* bounds belong to their bucket */
    metric_observe(h, 0.5);
    metric_observe(h, 1e9);
    metric_observe(metric_get(&summary), 2.5);
    metric_observe(metric_get(&summary), 1);
    check_page("# HELP a_labelled Labels.\n"
               "# TYPE a_labelled gauge\n"
               "a_labelled{code=\"200\",zone=\"a\\\"\\\\\\n\"} +Inf\n"
               "a_labelled{code=\"200\",zone=\"b\"} 1\n"
               "a_labelled{code=\"500\",zone=\"a\"} -0.5\n"
               "# HELP b_plain_total Help with \\\\ and\\nnewline \"quoted\".\n"
               "# TYPE b_plain_total counter\n"
               "b_plain_total 1.5e+06\n"
               "# HELP c_seconds Latency.\n"
               "# TYPE c_seconds histogram\n"
               "c_seconds_bucket{handler=\"/x\",le=\"0.1\"} 1\n"
               "c_seconds_bucket{handler=\"/x\",le=\"1\"} 2\n"
               "c_seconds_bucket{handler=\"/x\",le=\"2.5e+06\"} 2\n"
               "c_seconds_bucket{handler=\"/x\",le=\"+Inf\"} 3\n"
               "c_seconds_sum{handler=\"/x\"} 1.0000000006e+09\n"
               "c_seconds_count{handler=\"/x\"} 3\n"
               "# HELP d_summary Summary.\n"
               "# TYPE d_summary summary\n"
               "d_summary_sum 3.5\n"
               "d_summary_count 2\n");
}
END_TEST

START_TEST(metrics_cells_are_found_again)
{
    metric_register(&labelled);
    metric *m = metric_with(&labelled, "a", "1");
    ck_assert_ptr_eq(metric_with(&labelled, "a", "1"), m);
    ck_assert_ptr_ne(metric_with(&labelled, "1", "a"), m);
    ck_assert_ptr_eq(metric_with(&labelled, "a"), metric_with(&labelled, "a", "")); /* a missing value is empty */
    metric_inc(m);
    metric_add(m, 0.5);
    ck_assert_double_eq(metric_value(m), 1.5);
}
END_TEST

START_TEST(metrics_forgotten_cells_vanish_and_come_back_at_zero)
{
    metric_register(&labelled);
    metric *m = metric_with(&labelled, "a", "1");
    metric_set(m, 7);
    metric_forget(&labelled, (const char *const[]){ "a", "1" });
    metric_forget(&labelled, (const char *const[]){ "never", "seen" });
    check_page("");
    metric_set(m, 9); /* a holder may still count */
    check_page("");
    ck_assert_ptr_eq(metric_with(&labelled, "a", "1"), m);
    ck_assert_double_eq(metric_value(m), 0);
}
END_TEST

static void set_two(void *ctx)
{
    metric_set(metric_get(ctx), 2);
}

START_TEST(metrics_collectors_run_before_the_page)
{
    metric_register(&unused);
    metric_on_collect(set_two, &unused);
    check_page("# HELP e_unused No cells.\n# TYPE e_unused gauge\ne_unused 2\n");
}
END_TEST

static void *count_many(void *ctx)
{
    for (int i = 0; i < 20000; i++) {
        metric_inc(ctx);
        metric_observe(metric_with(&histogram, i % 2 ? "/a" : "/b"), 0.5);
    }
    return NULL;
}

START_TEST(metrics_lose_no_count_between_threads)
{
    metric_register(&plain);
    metric_register(&histogram);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count_many, metric_get(&plain));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_double_eq(metric_value(metric_get(&plain)), 80000);
    buf b;
    buf_init(&b, 1 << 20);
    metric_write_text(&b);
    ck_assert_int_ge(bytes_find_bytes(buf_bytes(&b), BYTES("c_seconds_count{handler=\"/a\"} 40000\n")), 0);
    buf_release(&b);
}
END_TEST

TCase *metrics_cases(void)
{
    TCase *tc = tcase_create("metrics");
    tcase_add_test(tc, metrics_print_as_the_client_library_prints);
    tcase_add_test(tc, metrics_cells_are_found_again);
    tcase_add_test(tc, metrics_forgotten_cells_vanish_and_come_back_at_zero);
    tcase_add_test(tc, metrics_collectors_run_before_the_page);
    tcase_add_test(tc, metrics_lose_no_count_between_threads);
    return tc;
}
