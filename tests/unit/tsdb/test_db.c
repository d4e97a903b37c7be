/* Opening, closing, the lock, figures. */
#include "store.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

START_TEST(a_data_directory_has_one_owner)
{
    store st;
    db *other = NULL;
    err e = { 0 };
    store_begin(&st, 0);
    ck_assert(!db_open(&st.opt, &other, &e));
    ck_assert_int_eq(e.kind, ERR_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(e.msg, "another process uses this data directory"));
    store_end(&st);
}
END_TEST

START_TEST(samples_survive_both_kinds_of_end)
{
    store st;
    store_begin(&st, 0);
    store_put(&st, "a,i=1", 1000, 1, NULL);
    store_put(&st, "a,i=2", 2000, 2, NULL);
    db_drain(st.db, 1);
    store_restart(&st, _i == 0);
    ck_assert_str_eq(store_dump(&st, "a", 0, 5000), "a,i=1: 1000:1\na,i=2: 2000:2\n");
    store_put(&st, "a,i=1", 3000, 3, NULL);
    db_drain(st.db, 1);
    store_restart(&st, _i == 1);
    store_restart(&st, _i == 1);
    ck_assert_str_eq(store_dump(&st, "a", 0, 5000), "a,i=1: 1000:1 3000:3\na,i=2: 2000:2\n");
    store_end(&st);
}
END_TEST

START_TEST(a_reader_changes_nothing)
{
    store st;
    err e = { 0 };
    uint64_t seq = 0;
    store_begin(&st, 0);
    store_put(&st, "a", 1000, 1, NULL);
    db_drain(st.db, 1);
    db *writer = st.db;
    st.opt.read_only = true;
    ck_assert_msg(db_open(&st.opt, &st.db, &e), "%s", e.msg);   /* beside the owner */
    ck_assert_str_eq(store_dump(&st, "a", 0, 5000), "a: 1000:1\n");
    ck_assert(!db_delete(st.db, NULL, 0, 0, 1, &seq, &e));
    ck_assert_ptr_null(db_job_next(st.db, INT64_MAX / 2));
    ck_assert_int_eq(db_next_due(st.db), INT64_MAX);
    ck_assert(db_close(st.db, &e));
    st.db = writer;
    st.opt.read_only = false;
    store_end(&st);
}
END_TEST

START_TEST(figures_count_what_there_is)
{
    store st;
    db_stats s;
    store_begin(&st, 1000);
    db_get_stats(st.db, &s);
    ck_assert_uint_eq(s.n_series, 0);
    ck_assert_int_eq(s.min_time, INT64_MAX);
    ck_assert_int_eq(s.max_time, INT64_MIN);
    store_put(&st, "a,i=1", 1000, 1, NULL);
    store_put(&st, "a,i=2", 2000, 1, NULL);
    store_put(&st, "a,i=2", 1500, 1, NULL);
    db_get_stats(st.db, &s);
    ck_assert_uint_eq(s.n_series, 2);
    ck_assert_uint_eq(s.n_chunks, 3);
    ck_assert_uint_eq(s.n_label_pairs, 3);
    ck_assert_uint_eq(s.samples_appended, 3);
    ck_assert_int_eq(s.min_time, 1000);
    ck_assert_int_eq(s.max_time, 2000);
    ck_assert_uint_gt(s.head_bytes, 100);
    store_end(&st);
}
END_TEST

static void check_top(const db_top *got, size_t n, const char *want)
{
    char text[512] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s:%d", i ? " " : "", BYTES_ARG(got[i].name),
                 (int)got[i].value);
    ck_assert_str_eq(text, want);
}

START_TEST(cardinality_is_sorted_and_limited)
{
    store st;
    db_cardinality c;
    store_begin(&st, 0);
    for (int i = 0; i < 5; i++)
        store_put(&st, arena_printf(&st.a, "m%d,i=%d,job=x", i % 2, i), 1, 1, NULL);
    store_put(&st, "other", 1, 1, NULL);
    db_get_cardinality(st.db, 2, &st.a, &c);
    check_top(c.series_by_metric, c.n_metric, "m0:3 m1:2");
    check_top(c.values_by_label, c.n_label, "i:5 __name__:3");
    check_top(c.memory_by_label, c.n_memory, "__name__:15 i:5");
    check_top(c.series_by_pair, c.n_pair, "job=x:5 __name__=m0:3");
    db_get_cardinality(st.db, 0, &st.a, &c);
    ck_assert_uint_eq(c.n_metric, 0);
    store_end(&st);
}
END_TEST

START_TEST(old_samples_are_out_of_bounds)
{
    store st;
    int64_t now = INT64_C(1800000000000);
    store_begin(&st, 0);
    db_set_retention(st.db, INT64_C(86400000));
    db_drain(st.db, now);
    ck_assert_int_eq(store_put(&st, "a", now - 86400001, 1, NULL), APPEND_OUT_OF_BOUNDS);
    ck_assert_int_eq(store_put(&st, "a", now - 86399999, 1, NULL), APPEND_OK);
    db_set_retention(st.db, 0);
    ck_assert_int_eq(store_put(&st, "b", 0, 1, NULL), APPEND_OK);
    store_end(&st);
}
END_TEST

TCase *tcase_db(void)
{
    TCase *tc = tcase_create("db");
    tcase_add_test(tc, a_data_directory_has_one_owner);
    tcase_add_loop_test(tc, samples_survive_both_kinds_of_end, 0, 2);
    tcase_add_test(tc, a_reader_changes_nothing);
    tcase_add_test(tc, figures_count_what_there_is);
    tcase_add_test(tc, cardinality_is_sorted_and_limited);
    tcase_add_test(tc, old_samples_are_out_of_bounds);
    return tc;
}
