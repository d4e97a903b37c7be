/* Selecting: matchers against asking each series, ranges, deletes, label answers; the head alone. */
#include "store.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>

static const struct { const char *sel; int64_t mint, maxt; const char *want; } cases[] = {
    { "up", 0, 100, "up,i=a: 10:1 20:2\nup,i=b: 15:3\n" },
    { "up,i=a", 11, 100, "up,i=a: 20:2\n" },
    { "up,i=a", 11, 19, "" },
    { "up,i!=a", 0, 100, "up,i=b: 15:3\n" },
    { "i=a", 0, 100, "up,i=a: 10:1 20:2\n" },
    { "i=", 0, 100, "down: 5:9\n" },
    { "i!=", 0, 15, "up,i=a: 10:1\nup,i=b: 15:3\n" },
    { "i=~a|b", 0, 100, "up,i=a: 10:1 20:2\nup,i=b: 15:3\n" },
    { "i=~a|", 0, 100, "down: 5:9\nup,i=a: 10:1 20:2\n" },
    { "i!~a", 0, 100, "down: 5:9\nup,i=b: 15:3\n" },
    { "i!~.+", 0, 100, "down: 5:9\n" },
    { "i!~.*", 0, 100, "" },
    { "i=~.*", 0, 12, "down: 5:9\nup,i=a: 10:1\n" },
    { "i=~.+", 0, 12, "up,i=a: 10:1\n" },
    { "__name__=~[ud].*", 0, 12, "down: 5:9\nup,i=a: 10:1\n" },
    { "__name__=~u.*", 0, 12, "up,i=a: 10:1\n" },
    { "nope=x", 0, 100, "" },
    { "nope!=x,i=b", 0, 100, "up,i=b: 15:3\n" },
    { "", 0, 9, "down: 5:9\n" },
    { "", 100, 0, "" },
};

START_TEST(matchers_choose_series)
{
    store st;
    store_begin(&st, 1000);
    store_put(&st, "up,i=a", 20, 2, NULL);
    store_put(&st, "up,i=b", 15, 3, NULL);
    store_put(&st, "up,i=a", 10, 1, NULL);
    store_put(&st, "down", 5, 9, NULL);
    ck_assert_str_eq(store_dump(&st, cases[_i].sel, cases[_i].mint, cases[_i].maxt), cases[_i].want);
    store_end(&st);
}
END_TEST

/* Many series and random matchers: the index must find what matchers_match() takes. */
START_TEST(index_agrees_with_asking_each_series)
{
    static const char *const values[] = {
        "", "x", "y", "xy", "x|y", "x|", "x.*", ".*", ".+", "[xy]+", "y?", "n.*", "no"
    };
    static const char *const ops[] = { "=", "!=", "=~", "!~" };
    store st;
    unsigned seed = (unsigned)_i;
    store_begin(&st, 0);
    enum { N = 300 };
    const labels *all[N];
    for (int i = 0; i < N; i++) {
        char text[128];
        static const char *const v[] = { "x", "y", "xy", "n1" };
        snprintf(text, sizeof text, "m%d,n=%d,a=%s%s%s,c=x", i % 7, i, v[rand_r(&seed) % 4], i % 3 ? ",b=" : "",
                 i % 3 ? v[rand_r(&seed) % 4] : "");
        all[i] = store_labels(&st, text);
        ck_assert_int_eq(store_put(&st, text, 1, i, NULL), APPEND_OK);
    }
    for (int round = 0; round < 60; round++) {
        char text[128] = "";
        size_t n_ms = 0, n = 0, want = 0;
        for (int k = 0; k <= rand_r(&seed) % 3; k++) {
            static const char *const names[] = { "a", "b", "c", "d", "__name__" };
            size_t len = strlen(text);
            snprintf(text + len, sizeof text - len, "%s%s%s%s", k ? "," : "", names[rand_r(&seed) % 5],
                     ops[rand_r(&seed) % 4], values[rand_r(&seed) % 13]);
        }
        matcher *ms = store_matchers(&st, text, &n_ms);
        db_selector sel = { ms, n_ms, 0, 10 };
        snapshot *s = NULL;
        series_view *views = NULL;
        err e = { 0 };
        ck_assert(snapshot_open(st.db, &sel, 1, &s, &e));
        ck_assert(snapshot_series(s, 0, &st.a, &views, &n, &e));
        for (int i = 0; i < N; i++)
            want += matchers_match(ms, n_ms, all[i]);
        ck_assert_msg(n == want, "{%s}: %zu series, want %zu", text, n, want);
        for (size_t i = 0; i < n; i++)
            ck_assert(matchers_match(ms, n_ms, views[i].labels));
        snapshot_free(s);
        for (size_t k = 0; k < n_ms; k++)
            matcher_release(&ms[k]);
    }
    store_end(&st);
}
END_TEST

START_TEST(a_snapshot_does_not_see_what_comes_later)
{
    store st;
    err e = { 0 };
    db_selector sel = { .mint = 0, .maxt = 1000000 };
    snapshot *s = NULL;
    series_view *views = NULL;
    size_t n = 0;
    sample_columns x = { 0 };
    store_begin(&st, 1000000);
    for (int i = 1; i <= 100; i++)
        store_put(&st, "a", i * 10, i, NULL);
    ck_assert(snapshot_open(st.db, &sel, 1, &s, &e));
    for (int i = 101; i <= 1000; i++)
        store_put(&st, "a", i * 10, i, NULL);
    store_put(&st, "a", 15, 7, NULL);
    store_put(&st, "b", 15, 7, NULL);
    ck_assert(store_delete(&st, "a", 0, 500));
    ck_assert(snapshot_series(s, 0, &st.a, &views, &n, &e));
    ck_assert_uint_eq(n, 1);
    ck_assert(series_read(s, &views[0], 0, 1000000, &x, &e));
    ck_assert_uint_eq(x.n, 100);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(x.t[i], (i + 1) * 10);
    snapshot_free(s);
    sample_columns_release(&x);
    store_end(&st);
}
END_TEST

START_TEST(deleted_samples_are_gone_everywhere)
{
    store st;
    store_begin(&st, 0);
    store_put(&st, "a,i=1", 10, 1, NULL);
    store_put(&st, "a,i=1", 20, 2, NULL);
    store_put(&st, "a,i=1", 30, 3, NULL);
    store_put(&st, "a,i=2", 30, 4, NULL);
    ck_assert(store_delete(&st, "a,i=1", 15, 25));
    ck_assert_str_eq(store_dump(&st, "", 0, 100), "a,i=1: 10:1 30:3\na,i=2: 30:4\n");
    ck_assert(store_delete(&st, "a,i=1", 15, 100));
    ck_assert_str_eq(store_dump(&st, "", 0, 100), "a,i=1: 10:1\na,i=2: 30:4\n");
    /* times that were deleted may come again */
    ck_assert_int_eq(store_put(&st, "a,i=1", 20, 5, NULL), APPEND_OK);
    ck_assert_int_eq(store_put(&st, "a,i=1", 15, 5, NULL), APPEND_OUT_OF_ORDER);
    ck_assert_str_eq(store_dump(&st, "a,i=1", 0, 100), "a,i=1: 10:1 20:5\n");
    ck_assert(store_delete(&st, "", INT64_MIN, INT64_MAX));
    ck_assert_str_eq(store_dump(&st, "", INT64_MIN, INT64_MAX), "");
    ck_assert_int_eq(store_put(&st, "a,i=1", 1, 1, NULL), APPEND_OK);
    ck_assert_str_eq(store_dump(&st, "", INT64_MIN, INT64_MAX), "a,i=1: 1:1\n");
    store_end(&st);
}
END_TEST

static const char *join(arena *a, const bytes *list, size_t n)
{
    const char *s = "";
    for (size_t i = 0; i < n; i++)
        s = arena_printf(a, "%s%s%.*s", s, i ? " " : "", BYTES_ARG(list[i]));
    return s;
}

START_TEST(label_names_and_values_are_sorted_and_distinct)
{
    store st;
    err e = { 0 };
    db_selector sel = { .mint = 0, .maxt = 25 };
    snapshot *s = NULL;
    bytes *list = NULL;
    size_t n = 0;
    store_begin(&st, 0);
    store_put(&st, "b,i=2,z=1", 10, 1, NULL);
    store_put(&st, "b,i=1", 20, 1, NULL);
    store_put(&st, "a,i=3,late=1", 30, 1, NULL);
    ck_assert(snapshot_open(st.db, &sel, 1, &s, &e));
    ck_assert(snapshot_label_names(s, 0, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "__name__ i z");
    ck_assert(snapshot_label_names(s, 2, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "__name__ i");
    ck_assert(snapshot_label_values(s, BYTES("i"), 0, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "1 2");
    ck_assert(snapshot_label_values(s, BYTES("late"), 0, &st.a, &list, &n, &e));
    ck_assert_uint_eq(n, 0);
    snapshot_free(s);
    store_end(&st);
}
END_TEST

START_TEST(names_of_everything_come_from_the_index)
{
    store st;
    err e = { 0 };
    db_selector sel = { .mint = INT64_MIN, .maxt = INT64_MAX, .names_only = true };
    snapshot *s = NULL;
    bytes *list = NULL;
    size_t n = 0;
    store_begin(&st, 0);
    store_put(&st, "b,i=2,z=1", 10, 1, NULL);
    store_put(&st, "b,i=1", 20, 1, NULL);
    ck_assert(snapshot_open(st.db, &sel, 1, &s, &e));
    store_put(&st, "c,i=3,later=1", 30, 1, NULL);
    ck_assert(store_delete(&st, "z=1", INT64_MIN, INT64_MAX));
    ck_assert(snapshot_label_names(s, 0, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "__name__ i z");
    ck_assert(snapshot_label_values(s, BYTES("i"), 0, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "1 2");
    snapshot_free(s);
    ck_assert(snapshot_open(st.db, &sel, 1, &s, &e));
    ck_assert(snapshot_label_names(s, 0, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "__name__ i later");
    ck_assert(snapshot_label_values(s, LABEL_NAME, 0, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "b c");
    ck_assert(snapshot_label_values(s, BYTES("z"), 0, &st.a, &list, &n, &e));
    ck_assert_uint_eq(n, 0);
    snapshot_free(s);
    /* with matchers, series by series, but without their samples */
    size_t n_ms = 0;
    sel.ms = store_matchers(&st, "b", &n_ms);
    sel.n = n_ms;
    ck_assert(snapshot_open(st.db, &sel, 1, &s, &e));
    ck_assert(snapshot_label_values(s, BYTES("i"), 0, &st.a, &list, &n, &e));
    ck_assert_str_eq(join(&st.a, list, n), "1");
    snapshot_free(s);
    store_end(&st);
}
END_TEST

TCase *tcase_select(void)
{
    TCase *tc = tcase_create("select");
    tcase_add_loop_test(tc, matchers_choose_series, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tc, index_agrees_with_asking_each_series, 0, 10);
    tcase_add_test(tc, a_snapshot_does_not_see_what_comes_later);
    tcase_add_test(tc, deleted_samples_are_gone_everywhere);
    tcase_add_test(tc, label_names_and_values_are_sorted_and_distinct);
    tcase_add_test(tc, names_of_everything_come_from_the_index);
    return tc;
}
