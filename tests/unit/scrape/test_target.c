/* test_target.c: from discovered labels to a target, its URL and its place in the interval. */
#include "base/vec.h"
#include "scrape/target.h"
#include "test_scrape.h"
#include <stdio.h>

#define L(n, v)                                                                                                        \
    {                                                                                                                  \
        BYTES_INIT(n), BYTES_INIT(v)                                                                                   \
    }
static const struct {
    label own[5];
    const char *url, *labels, *err;
} cases[] = {
    { { L("__address__", "h:9100") }, "http://h:9100/metrics?a=1&a=2", "{instance=\"h:9100\", job=\"j\"}", NULL },
    { { L("__address__", "h:9100"), L("instance", "i"), L("__meta_x", "1"), L("__tmp", "1") },
      "http://h:9100/metrics?a=1&a=2",
      "{instance=\"i\", job=\"j\"}",
      NULL },
    { { L("__address__", "h"), L("__scheme__", "https"), L("__metrics_path__", "m x?") },
      "https://h/m%20x%3F?a=1&a=2",
      "{instance=\"h\", job=\"j\"}",
      NULL },
    { { L("__address__", "h"), L("__param_a", "x y"), L("__param_b", "&") },
      "http://h/metrics?a=x+y&a=2&b=%26",
      "{instance=\"h\", job=\"j\"}",
      NULL },
    { { L("job", "other") }, NULL, NULL, "no address" },
    { { L("__address__", "http://h/") }, NULL, NULL, "\"http://h/\" is not a valid hostname" },
    { { L("__address__", "h"), L("__scrape_interval__", "x") },
      NULL,
      NULL,
      "error parsing scrape interval: not a valid duration string: \"x\"" },
    { { L("__address__", "h"), L("__scrape_interval__", "0s") }, NULL, NULL, "scrape interval cannot be 0" },
    { { L("__address__", "h"), L("__scrape_timeout__", "0s") }, NULL, NULL, "scrape timeout cannot be 0" },
    { { L("__address__", "h"), L("__scrape_timeout__", "1h") },
      NULL,
      NULL,
      "scrape timeout cannot be greater than scrape interval (\"1h\" > \"15s\")" },
    { { L("__address__", "h"), L("__scrape_native_histograms__", "maybe") },
      NULL,
      NULL,
      "error parsing scrape native histograms: strconv.ParseBool: parsing \"maybe\": invalid syntax" },
    { { L("__address__", "h"), L("x", "\xff") }, NULL, NULL, "invalid label value for \"x\": \"\\xff\"" },
};

static bytes values[] = { BYTES_INIT("1"), BYTES_INIT("2") };
static strings_pair params[] = { { BYTES_INIT("a"), { values, 2 } } };
static const scrape_config job = {
    .job_name = BYTES_INIT("j"),
    .metrics_path = BYTES_INIT("/metrics"),
    .scheme = BYTES_INIT("http"),
    .scrape_interval_ms = 15000,
    .scrape_timeout_ms = 10000,
    .params = { params, 1 },
};

static target *make(const scrape_config *sc, const label *own, const labels *group, err *e)
{
    arena a;
    target *t = NULL;
    size_t n = 0;
    arena_init(&a, 0);
    while (n < 5 && own[n].name.len > 0)
        n++;
    bool ok = target_new(sc, group, labels_from(&a, own, n), &t, e);
    ck_assert_int_eq(ok, t != NULL);
    arena_release(&a);
    return t;
}

START_TEST(target_is_made_as_prometheus_makes_it)
{
    err e = { 0 };
    buf b;
    target *t = make(&job, cases[_i].own, &labels_empty, &e);
    ck_assert_str_eq(e.msg, cases[_i].err ? cases[_i].err : "");
    if (!t)
        return;
    buf_init(&b, 4096);
    labels_print(&b, t->labels);
    buf_putc(&b, 0);
    ck_assert_str_eq(b.p, cases[_i].labels);
    ck_assert_str_eq(t->url, cases[_i].url);
    ck_assert_int_eq(t->interval_ms, 15000);
    ck_assert_int_eq(t->timeout_ms, 10000);
    ck_assert(labels_has(t->discovered, BYTES("__address__")));
    ck_assert(bytes_eq(labels_get(t->discovered, BYTES("__scrape_interval__")), BYTES("15s")));
    buf_release(&b);
    target_unref(t);
}
END_TEST

START_TEST(group_labels_yield_to_the_targets_own)
{
    err e = { 0 };
    arena a;
    arena_init(&a, 0);
    const label group[] = { L("a", "group"), L("b", "group") }, own[5] = { L("__address__", "h"), L("a", "own") };
    target *t = make(&job, own, labels_from(&a, group, 2), &e);
    ck_assert(bytes_eq(labels_get(t->labels, BYTES("a")), BYTES("own")));
    ck_assert(bytes_eq(labels_get(t->labels, BYTES("b")), BYTES("group")));
    target_unref(t);
    arena_release(&a);
}
END_TEST

START_TEST(dropped_target_has_only_what_was_discovered)
{
    err e = { 0 };
    scrape_config sc = job;
    relabel_rule drop = { .action = RELABEL_DROP, .re = regex_new(BYTES(".*"), &e), .separator = BYTES_INIT(";") };
    sc.relabel.p = &drop;
    sc.relabel.n = 1;
    const label own[5] = { L("__address__", "h") };
    target *t = make(&sc, own, &labels_empty, &e);
    ck_assert_ptr_null(t->labels);
    ck_assert_ptr_null(t->url);
    ck_assert(labels_has(t->discovered, BYTES("job")));
    target_unref(t);
    regex_unref(drop.re);
}
END_TEST

static target *make_host(int i)
{
    err e = { 0 };
    char address[32];
    snprintf(address, sizeof address, "host-%d:9100", i);
    const label own[5] = { { BYTES_INIT("__address__"), bytes_of(address) } };
    return make(&job, own, &labels_empty, &e);
}

START_TEST(targets_spread_over_the_interval)
{
    enum { N = 400, PARTS = 8 };
    int parts[PARTS] = { 0 };
    for (int i = 0; i < N; i++) {
        target *t = make_host(i);
        int64_t offset = target_offset_ms(t, 42, 64);
        ck_assert(offset >= 0 && offset < t->interval_ms);
        parts[offset * PARTS / t->interval_ms]++;
        for (uint32_t slots = 4; slots < 1024; slots *= 2) { /* more slots: it stays in the half it was in */
            int64_t moved = target_offset_ms(t, 42, slots * 2) - target_offset_ms(t, 42, slots);
            ck_assert(moved >= 0 && moved <= t->interval_ms / slots / 2 + 1);
        }
        target_unref(t);
    }
    for (int i = 0; i < PARTS; i++)
        ck_assert_int_gt(parts[i], N / PARTS / 3);
}
END_TEST

START_TEST(slots_follow_the_number_of_targets)
{
    ck_assert_uint_eq(target_slots(0), 4);
    ck_assert_uint_eq(target_slots(32), 4);
    ck_assert_uint_eq(target_slots(33), 8);
    ck_assert_uint_eq(target_slots(1000), 128);
    ck_assert_uint_eq(target_slots(1000000), 1024);
}
END_TEST

Suite *target_suite(void)
{
    Suite *s = suite_create("target");
    TCase *tc = tcase_create("target");
    tcase_add_loop_test(tc, target_is_made_as_prometheus_makes_it, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tc, group_labels_yield_to_the_targets_own);
    tcase_add_test(tc, dropped_target_has_only_what_was_discovered);
    tcase_add_test(tc, targets_spread_over_the_interval);
    tcase_add_test(tc, slots_follow_the_number_of_targets);
    suite_add_tcase(s, tc);
    return s;
}
