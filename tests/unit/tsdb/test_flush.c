/* Flush and reading back: what goes in comes out, whatever the matchers, over days, flushes, churn and overlaps. */
#include "world.h"
#include <stdio.h>
#include <stdlib.h>

static const int64_t NOON = INT64_C(1700049600000);    /* 2023-11-15 12:00 */
static const int64_t T0 = INT64_C(1700000000000);      /* 2023-11-14 22:13:20: flushes cross midnight */

/* Hosts with metrics, instances and modes: label sets that share parts. */
static void add_hosts(world *w, int hosts, int metrics)
{
    char text[200];
    for (int h = 0; h < hosts; h++)
        for (int m = 0; m < metrics; m++) {
            snprintf(text, sizeof text, "metric_%d,job=node,instance=host%d%s%s", m, h, m % 3 ? ",mode=idle" : "",
                     m % 5 == 0 ? ",device=sd\\a" : "");
            world_series_add(w, text, (uint64_t)h);
        }
}

/* n scrapes of all series from t on; some series start late, some end early, some miss scrapes, some have their own
 * times. */
static int64_t put_scrapes(world *w, int64_t t, size_t n, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        double v = 1000;
        size_t first = i % 11 == 3 ? rnd_below(n) : 0, last = i % 13 == 5 ? first + rnd_below(n - first) : n;
        for (size_t k = first; k < last; k++) {
            v = value_of((int)(i % N_VALUE_KINDS), k, v);
            if (i % 17 == 7 && rnd_below(10) == 0)
                continue;
            world_put(w, i, t + (int64_t)k * 15000 + (i % 19 == 4 ? (int64_t)rnd_below(10000) : 0), v);
        }
    }
    return t + (int64_t)n * 15000;
}

static void flush(world *w)
{
    err e = { 0 };
    ck_assert_msg(world_flush(w, &e), "%s", e.msg);
}

START_TEST(series_come_back_over_days_and_flushes)
{
    world *w = malloc(sizeof *w);
    rnd_seed(1 + (uint64_t)_i);
    world_begin(w);
    add_hosts(w, 3, 90 + (int)rnd_below(200));
    int64_t t = T0;
    for (int k = 0; k < 4; k++) {
        t = put_scrapes(w, t, 1 + rnd_below(500), k == 3 ? w->n / 2 : 0, k == 1 ? w->n - 20 : w->n);
        if (k == 2)
            add_hosts(w, 1 + (int)rnd_below(2), 1); /* the same labels as before: nothing new */
        flush(w);
    }
    world_check_all(w);
    world_reopen(w);
    world_check_all(w);
    for (int k = 0; k < 6; k++) {
        int64_t from = T0 + (int64_t)rnd_below((uint64_t)(t - T0)), to = from + (int64_t)rnd_below(3600000);
        world_check(w, NULL, 0, from, to, k % 2);
    }
    world_end(w);
    free(w);
}
END_TEST

START_TEST(matchers_select_as_the_model_does)
{
    static const char *const cases[] = {
        "metric_1",
        "metric_1,instance=host2",
        "instance=host1",
        "instance!=host1",
        "mode=",
        "mode!=",
        "mode=idle,device!=",
        "__name__=~metric_1.*",
        "__name__=~metric_(3|5|7)",
        "__name__!~metric_(3|5|7)",
        "__name__=~.*9",
        "instance=~host.+",
        "mode=~|idle",
        "mode!~idle|",
        "nolabel=",
        "nolabel!=",
        "nolabel=x",
        "nolabel!=x",
        "nolabel=~.*",
        "nolabel=~.+",
        "metric_absent",
        "job=node,instance=~host[01],mode!=idle",
        "device=~sd.*",
        "device!~sd.*",
        "metric_1,metric_2",
        "instance=~host1|host2|host9",
        "__name__=~metric_2|metric_3,mode=~.*l.*",
    };
    world *w = malloc(sizeof *w);
    rnd_seed(50);
    world_begin(w);
    add_hosts(w, 4, 40);
    put_scrapes(w, T0, 30, 0, 100);
    flush(w);
    put_scrapes(w, T0 + 7200000, 30, 50, w->n);
    flush(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        matcher *ms = world_matchers(w, cases[i], &n);
        world_check(w, ms, n, INT64_MIN, INT64_MAX, true);
        world_check_labels(w, (bytes){ 0 }, ms, n, INT64_MIN, INT64_MAX);
        world_check_labels(w, BYTES("instance"), ms, n, INT64_MIN, INT64_MAX);
        world_check_labels(w, LABEL_NAME, ms, n, INT64_MIN, INT64_MAX);
        for (size_t k = 0; k < n; k++)
            matcher_release(&ms[k]);
    }
    world_end(w);
    free(w);
}
END_TEST

/* Late samples overlap what was flushed; equal times are overwritten by the later flush. */
START_TEST(the_last_written_wins)
{
    world *w = malloc(sizeof *w);
    rnd_seed(70 + (uint64_t)_i);
    world_begin(w);
    add_hosts(w, 2, 5);
    for (int k = 0; k < 6; k++) {
        for (size_t i = 0; i < w->n; i++) {
            int64_t t = T0 + (int64_t)rnd_below(4000) * 1000;
            for (size_t n = rnd_below(200); n > 0; n--, t += 1000 * (1 + (int64_t)rnd_below(60)))
                world_put(w, i, t, (double)rnd_below(1000));
        }
        flush(w);
    }
    world_check_all(w);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(new_series_join_the_lists_of_their_group)
{
    world *w = malloc(sizeof *w);
    char text[64];
    rnd_seed(80);
    world_begin(w);
    for (int k = 0; k < 40; k++) { /* churn: 7 new series each time, the oldest stop */
        for (int i = 0; i < 7; i++) {
            snprintf(text, sizeof text, "churn,pod=p%d", k * 7 + i);
            world_series_add(w, text, (uint64_t)(i % 2));
        }
        size_t from = w->n > 60 ? w->n - 60 : 0;
        for (size_t i = from; i < w->n; i++)
            world_put(w, i, INT64_C(1700006400000) + k * 60000, (double)(i + (size_t)k));
        flush(w);
        ck_assert_uint_eq(w->last.n_new_series, 7);
        ck_assert_uint_le(w->last.n_packs, 4);
    }
    world_check_all(w);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(small_groups_share_packs)
{
    world *w = malloc(sizeof *w);
    char text[64];
    rnd_seed(85);
    world_begin(w);
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 100 + 50 * k; i++) { /* probes: five series each, times of their own; the first ones grow */
            for (int m = 0; m < (k == 2 && i < 3 ? 60 : 5); m++) {
                snprintf(text, sizeof text, "probe_%d,instance=i%d", m, i);
                size_t s = world_series_add(w, text, (uint64_t)i);
                for (int j = 0; j < 20; j++)
                    world_put(w, s, NOON + k * 3600000 + j * 60000 + i * 77, value_of(m % N_VALUE_KINDS, (size_t)j, 1));
            }
        }
        flush(w);
        ck_assert_uint_le(w->last.n_packs, k == 2 ? 8 : 3 + (size_t)k);
    }
    world_check_all(w);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(many_samples_make_several_packs)
{
    world *w = malloc(sizeof *w);
    rnd_seed(90);
    world_begin(w);
    add_hosts(w, 1, 30);
    for (size_t i = 0; i < w->n; i++) {
        int64_t step = i == 7 ? 40 : 1000;        /* one is much denser than those that set the windows */
        for (int64_t k = 0; k < (i == 7 ? 9000 : 3600); k++)
            world_put(w, i, INT64_C(1700006400000) + k * step, (double)(k % 100));
    }
    flush(w);
    ck_assert_uint_ge(w->last.n_packs, 4);
    world_check_all(w);
    world_check(w, NULL, 0, INT64_C(1700006400000) + 100000, INT64_C(1700006400000) + 160000, true);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(samples_of_any_age_have_their_day)
{
    static const int64_t times[] = { -INT64_C(86400001),
                                     -1,
                                     0,
                                     1,
                                     INT64_C(86399999),
                                     INT64_C(86400000),
                                     INT64_C(951782400000),
                                     INT64_C(1700000000000),
                                     INT64_C(4102444800000),
                                     INT64_C(253402300800000) };
    world *w = malloc(sizeof *w);
    world_begin(w);
    size_t a = world_series_add(w, "old,a=b", 1), b = world_series_add(w, "new", 2);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        world_put(w, a, times[i], (double)i);
    world_put(w, b, 5, 1);
    flush(w);
    ck_assert_uint_eq(w->last.n_days, 8);
    world_check_all(w);
    world_reopen(w);
    world_check_all(w);
    int64_t mint, maxt;
    daystore_bounds(w->s, &mint, &maxt);
    ck_assert_int_eq(mint, times[0]);
    ck_assert_int_eq(maxt, times[9]);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(odd_labels_come_back)
{
    world *w = malloc(sizeof *w);
    char *big = malloc(300001);
    world_begin(w);
    memset(big, 'x', 300000);
    big[300000] = 0;
    memcpy(big, "m,l=", 4);
    size_t a = world_series_add(w, big, 1);
    size_t b = world_series_add(w, "", 1);        /* no labels at all */
    size_t c = world_series_add(w, "\xc3\xa9t\xc3\xa9,\xf0\x9f\x98\x80=\x01\x02 \"\\", 1);
    world_put(w, a, T0, 1);
    world_put(w, b, T0, 2);
    world_put(w, c, T0, 3);
    flush(w);
    world_check_all(w);
    world_put(w, a, T0 + 1, 1);
    world_put(w, b, T0 + 1, 2);
    world_put(w, c, T0 + 1, 3);
    flush(w);
    ck_assert_uint_eq(w->last.n_new_series, 0);
    world_check_all(w);
    world_end(w);
    free(big);
    free(w);
}
END_TEST

START_TEST(an_empty_flush_makes_no_file)
{
    world *w = malloc(sizeof *w);
    world_begin(w);
    flush(w);
    world_series_add(w, "nothing", 1);
    flush(w);
    day_list *l = daystore_list(w->s);
    ck_assert_uint_eq(l->n, 0);
    day_list_unref(l);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(deletes_hide_what_was_stored_before)
{
    world *w = malloc(sizeof *w);
    err e = { 0 };
    arena a;
    day_series *found;
    size_t n;
    sample_columns got = { 0 };
    world_begin(w);
    size_t s = world_series_add(w, "m", 1);
    for (int64_t t = 0; t < 10; t++)
        world_put(w, s, t, 1);
    flush(w);                                     /* covered 1 */
    world_put(w, s, 5, 2);
    flush(w);                                     /* covered 2: written after the delete below */
    day_hide hides[] = { { .covered = 1, .mint = 4, .maxt = 6 }, { .covered = 2, .mint = 9, .maxt = 100 } };
    day_reader *r = day_reader_new(w->s, NULL, 1000);
    arena_init(&a, 0);
    ck_assert(day_find(r, 0, NULL, 0, 0, 100, &a, &found, &n, &e));
    ck_assert_uint_eq(n, 1);
    ck_assert(day_read_visible(r, 0, found[0].id, 0, 100, hides, 2, &got, &e));
    static const int64_t want[] = { 0, 1, 2, 3, 5, 7, 8 };
    ck_assert_uint_eq(got.n, 7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(got.t[i], want[i]);
    ck_assert_double_eq(got.v[4], 2);
    sample_columns_release(&got);
    day_reader_free(r);
    arena_release(&a);
    world_end(w);
    free(w);
}
END_TEST

TCase *tcase_flush(void)
{
    TCase *tc = tcase_create("flush");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, series_come_back_over_days_and_flushes, 0, 4);
    tcase_add_test(tc, matchers_select_as_the_model_does);
    tcase_add_loop_test(tc, the_last_written_wins, 0, 6);
    tcase_add_test(tc, new_series_join_the_lists_of_their_group);
    tcase_add_test(tc, small_groups_share_packs);
    tcase_add_test(tc, many_samples_make_several_packs);
    tcase_add_test(tc, samples_of_any_age_have_their_day);
    tcase_add_test(tc, odd_labels_come_back);
    tcase_add_test(tc, an_empty_flush_makes_no_file);
    tcase_add_test(tc, deletes_hide_what_was_stored_before);
    return tc;
}
