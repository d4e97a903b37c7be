/* Jobs: what is due when, what happens when the disk is full, when the clock is set back. */
#include "base/os.h"
#include "store.h"
#include "tests.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool disk_full;
static ssize_t (*real_write)(int fd, const void *p, size_t len);
static ssize_t (*real_pwrite)(int fd, const void *p, size_t len, off_t at);

static ssize_t failing_write(int fd, const void *p, size_t len)
{
    if (!disk_full)
        return real_write(fd, p, len);
    errno = ENOSPC;
    return -1;
}

static ssize_t failing_pwrite(int fd, const void *p, size_t len, off_t at)
{
    if (!disk_full)
        return real_pwrite(fd, p, len, at);
    errno = ENOSPC;
    return -1;
}

/* Runs the next job that is due at now, if any. */
static bool run_one(store *st, int64_t now)
{
    db_job *j = db_job_next(st->db, now);
    if (!j)
        return false;
    db_job_run(j);
    db_job_done(st->db, j);
    return true;
}

START_TEST(a_full_disk_loses_nothing)
{
    store st;
    int64_t now = 1000000;
    real_write = os.write;
    real_pwrite = os.pwrite;
    os.write = failing_write;
    os.pwrite = failing_pwrite;
    store_begin(&st, 0);
    store_put(&st, "a", 1, 1, NULL);
    db_drain(st.db, now);
    ck_assert_ptr_null(db_trouble(st.db));
    uint64_t seq = db_committed_seq(st.db);
    disk_full = true;
    store_put(&st, "a", 2, 2, NULL);
    store_put(&st, "b", 2, 2, NULL);
    ck_assert(run_one(&st, now));
    ck_assert_ptr_nonnull(strstr(db_trouble(st.db), "no space left on device"));
    ck_assert_uint_eq(db_committed_seq(st.db), seq);
    ck_assert_str_eq(store_dump(&st, "", 0, 10), "a: 1:1 2:2\nb: 2:2\n");
    ck_assert(!run_one(&st, now));          /* not at once again */
    ck_assert_int_gt(db_next_due(st.db), now);
    now = db_next_due(st.db);
    ck_assert(run_one(&st, now));
    ck_assert_ptr_nonnull(db_trouble(st.db));
    disk_full = false;
    store_put(&st, "c", 3, 3, NULL);
    now = db_next_due(st.db);
    ck_assert(run_one(&st, now));
    ck_assert_ptr_null(db_trouble(st.db));
    ck_assert_uint_eq(db_committed_seq(st.db), seq + 3);
    store_restart(&st, false);
    ck_assert_str_eq(store_dump(&st, "", 0, 10), "a: 1:1 2:2\nb: 2:2\nc: 3:3\n");
    store_end(&st);
}
END_TEST

START_TEST(samples_wait_for_company_unless_somebody_waits)
{
    store st;
    store_begin(&st, 0);
    db_abandon(st.db);
    st.opt.commit_delay_ms = 200;
    err e = { 0 };
    ck_assert(db_open(&st.opt, &st.db, &e));
    run_one(&st, 1000);
    store_put(&st, "a", 1, 1, NULL);
    ck_assert(!run_one(&st, 1000));
    ck_assert_int_eq(db_next_due(st.db), 1200);
    store_put(&st, "a", 2, 1, NULL);
    ck_assert(!run_one(&st, 1199));
    ck_assert(run_one(&st, 1200));
    ck_assert_uint_eq(db_committed_seq(st.db), 2);
    store_put(&st, "a", 3, 1, NULL);
    ck_assert(!run_one(&st, 1300));
    db_commit_now(st.db);
    ck_assert_int_le(db_next_due(st.db), 1300);
    ck_assert(run_one(&st, 1300));
    ck_assert_uint_eq(db_committed_seq(st.db), 3);
    store_end(&st);
}
END_TEST

START_TEST(a_clock_set_back_does_not_stop_anything)
{
    store st;
    int64_t now = INT64_C(1800000000000);
    store_begin(&st, 0);
    store_put(&st, "a", 1, 1, NULL);
    db_drain(st.db, now);
    store_put(&st, "a", 2, 1, NULL);
    now -= 86400000;
    ck_assert(run_one(&st, now));           /* written */
    ck_assert_uint_eq(db_committed_seq(st.db), 2);
    ck_assert_int_le(db_next_due(st.db), now + 5000);
    store_end(&st);
}
END_TEST

/* The block's age, the budget, and full chunks after most of an hour call for a flush; nothing else does. */
START_TEST(flushes_are_due_by_age_budget_and_full_chunks)
{
    static const struct { int n_samples, minutes; size_t budget; bool want; } rows[] = {
        { 10, 119, 0, false }, { 10, 120, 0, true }, { 240, 50, 0, false }, { 239, 59, 0, false }, { 240, 59, 0, true },
        { 100, 1, 1, true },
    };
    store st;
    int64_t now = INT64_C(1800000000000);
    store_begin(&st, 0);
    db_abandon(st.db);
    st.opt.head_budget_bytes = rows[_i].budget;
    err e = { 0 };
    ck_assert(db_open(&st.opt, &st.db, &e));
    store_put(&st, "a", now, 1, NULL);
    db_request_flush(st.db);
    db_drain(st.db, now);                   /* the block begins here */
    for (int i = 1; i <= rows[_i].n_samples; i++)
        store_put(&st, "a", now + i * 1000, i % 2 * 1e9 + i, NULL);
    now += rows[_i].minutes * INT64_C(60000);
    for (int i = 0; i < 10; i++)
        run_one(&st, now);
    db_stats stats;
    db_get_stats(st.db, &stats);
    ck_assert_int_eq(stats.n_chunks == 0, rows[_i].want);
    ck_assert_int_gt(db_next_due(st.db), now);
    store_end(&st);
}
END_TEST

TCase *tcase_jobs(void)
{
    TCase *tc = tcase_create("jobs");
    tcase_add_test(tc, a_full_disk_loses_nothing);
    tcase_add_test(tc, samples_wait_for_company_unless_somebody_waits);
    tcase_add_test(tc, a_clock_set_back_does_not_stop_anything);
    tcase_add_loop_test(tc, flushes_are_due_by_age_budget_and_full_chunks, 0, 6);
    return tc;
}
