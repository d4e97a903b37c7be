/* Which samples are taken: rows of (window, series so far, sample) and the status each must get. */
#include "store.h"
#include "tests.h"
#include <stdlib.h>

typedef struct row {
    const char *series;
    int64_t t;
    double v;
    enum append_status want;
} row;

static const struct {
    int64_t ooo_ms;
    row rows[8];
} cases[] = {
    /* window 0: order per series, no matter what other series do */
    { 0, { { "a", 1000, 1, APPEND_OK }, { "a", 2000, 2, APPEND_OK }, { "a", 1500, 3, APPEND_OUT_OF_ORDER },
           { "a", 2000, 2, APPEND_OK }, { "a", 2000, 3, APPEND_DUPLICATE }, { "b", 0, 1, APPEND_OK },
           { "b", -5, 1, APPEND_OUT_OF_ORDER }, { "b", 1, 1, APPEND_OK } } },
    /* window 1 s, counted from the newest sample of the store */
    { 1000, { { "a", 10000, 1, APPEND_OK }, { "a", 9000, 2, APPEND_OK }, { "a", 8999, 3, APPEND_TOO_OLD },
              { "b", 5, 1, APPEND_OK }, { "b", 4, 1, APPEND_TOO_OLD }, { "b", 6, 1, APPEND_OK },
              { "c", 9990, 1, APPEND_OK }, { "c", 9980, 1, APPEND_OK } } },
    /* two NaNs are the same when their bits are */
    { 0, { { "a", 1, 0x7ff8p0, APPEND_OK }, { "a", 1, 0x7ff8p0, APPEND_OK }, { "a", 1, -0.0, APPEND_DUPLICATE },
           { "b", 1, 0.0, APPEND_OK }, { "b", 1, -0.0, APPEND_DUPLICATE }, { "b", INT64_MAX, 1, APPEND_OUT_OF_BOUNDS },
           { "c", INT64_MIN, 1, APPEND_OUT_OF_BOUNDS }, { "c", 0, 1, APPEND_OK } } },
};

START_TEST(append_judges_as_prometheus_does)
{
    store st;
    store_begin(&st, cases[_i].ooo_ms);
    for (size_t i = 0; i < 8; i++) {
        const row *r = &cases[_i].rows[i];
        uint64_t ref = 0;
        enum append_status got = store_put(&st, r->series, r->t, r->v, &ref);
        ck_assert_msg(got == r->want, "row %zu: status %d, want %d", i, got, r->want);
        if (got == APPEND_OK) {
            sample last;
            ck_assert(db_last(st.db, ref, &last));
            ck_assert_int_ge(last.t, r->t);
        }
    }
    store_end(&st);
}
END_TEST

START_TEST(refs_name_series_until_they_leave)
{
    store st;
    uint64_t ref = 0, again = 0, seq = 0;
    matcher m;
    err e = { 0 };
    store_begin(&st, 0);
    ck_assert_int_eq(store_put(&st, "a", 1, 1, &ref), APPEND_OK);
    append_item items[2] = { { .ref = ref, .t = 2, .v = 2 }, { .ref = ref + 1, .t = 2, .v = 2 } };
    db_append(st.db, items, 2);
    ck_assert_int_eq(items[0].status, APPEND_OK);
    ck_assert(!items[0].is_new);
    ck_assert_int_eq(items[1].status, APPEND_UNKNOWN_REF);
    ck_assert(matcher_init(&m, &st.a, MATCH_EQ, BYTES("__name__"), BYTES("a"), &e));
    ck_assert(db_delete(st.db, &m, 1, INT64_MIN, INT64_MAX, &seq, &e));
    matcher_release(&m);
    items[0].t = 3;
    db_append(st.db, items, 1);
    ck_assert_int_eq(items[0].status, APPEND_UNKNOWN_REF);
    /* its order is forgotten with it, and the slot's next life has another ref */
    ck_assert_int_eq(store_put(&st, "a", 0, 1, &again), APPEND_OK);
    ck_assert_uint_ne(ref, again);
    store_end(&st);
}
END_TEST

START_TEST(sequence_numbers_are_committed_in_order)
{
    store st;
    store_begin(&st, 0);
    append_item it = { .labels = store_labels(&st, "a"), .t = 1, .v = 1 };
    uint64_t seq = db_append(st.db, &it, 1);
    ck_assert_uint_gt(seq, db_committed_seq(st.db));
    db_drain(st.db, 0);
    ck_assert_uint_eq(db_committed_seq(st.db), seq);
    /* nothing taken: nothing to wait for */
    ck_assert_uint_eq(db_append(st.db, &it, 1), seq);
    ck_assert_ptr_null(db_trouble(st.db));
    store_end(&st);
}
END_TEST

TCase *tcase_append(void)
{
    TCase *tc = tcase_create("append");
    tcase_add_loop_test(tc, append_judges_as_prometheus_does, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tc, refs_name_series_until_they_leave);
    tcase_add_test(tc, sequence_numbers_are_committed_in_order);
    return tc;
}
