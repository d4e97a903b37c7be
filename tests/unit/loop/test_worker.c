/* test_worker.c: jobs run and come back once; queues, limits, cancellation. */
#include "loop/worker.h"
#include "harness.h"
#include "test_loop.h"
#include <pthread.h>

typedef struct task {
    atomic_bool started, release;   /* release: run may end */
    bool waits, was_run, was_canceled;
    int n_done, order;
    pthread_t thread;
    job *job;
} task;

static int n_finished;

static void run(job *j, void *ctx)
{
    task *t = ctx;
    t->thread = pthread_self();
    atomic_store(&t->started, true);
    while (t->waits && !atomic_load(&t->release) && !job_canceled(j))
        sched_yield();
}

static void done(job *j, void *ctx)
{
    task *t = ctx;
    t->was_run = job_ran(j);
    t->was_canceled = job_canceled(j);
    t->n_done++;
    t->order = n_finished++;
}

static bool all_done(void *ctx)
{
    task *t = ctx;
    for (int i = 0; i < 8; i++)
        if (!t[i].n_done)
            return false;
    return true;
}

static bool is_done(void *ctx)
{
    return ((task *)ctx)->n_done > 0;
}

static bool has_started(void *ctx)
{
    return atomic_load(&((task *)ctx)->started);
}

static void start(harness *h, enum worker_kind kind, task *t)
{
    t->job = worker_run(&h->loop, kind, run, done, t);
}

START_TEST(a_job_runs_elsewhere_and_comes_back_once)
{
    harness h;
    task t[8] = { { .waits = false } };
    harness_open(&h);
    for (int i = 0; i < 8; i++)
        start(&h, (enum worker_kind)(i % WORKER_N_KINDS), &t[i]);
    ck_assert(!all_done(t));
    loop_until(&h, all_done, t);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(t[i].n_done, 1);
        ck_assert(t[i].was_run && !t[i].was_canceled);
        ck_assert(!pthread_equal(t[i].thread, pthread_self()));
    }
    worker_release(&h.loop);
    harness_close(&h);
}
END_TEST

START_TEST(slow_jobs_leave_room_for_short_ones_and_commits)
{
    harness h;
    task slow[40] = { { .waits = false } }, parse = { .waits = false }, commit = { .waits = false };
    harness_open(&h);
    worker_setup(&h.loop, &(worker_options){ .threads = 6, .max_queries = 20 });
    size_t limit = worker_limit(&h.loop, WORKER_QUERY);
    ck_assert_uint_eq(limit, 3);
    for (int i = 0; i < 40; i++) {
        slow[i].waits = true;
        start(&h, i % 2 ? WORKER_QUERY : i % 4 ? WORKER_MAINTENANCE : WORKER_LOOKUP, &slow[i]);
    }
    ck_assert_uint_eq(worker_running(&h.loop, WORKER_QUERY) + worker_running(&h.loop, WORKER_MAINTENANCE)
                          + worker_running(&h.loop, WORKER_LOOKUP), 4);
    start(&h, WORKER_PARSE, &parse);
    start(&h, WORKER_COMMIT, &commit);
    loop_until(&h, is_done, &parse);
    loop_until(&h, is_done, &commit);
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(slow[i].n_done, 0);
    for (int i = 0; i < 40; i++)
        atomic_store(&slow[i].release, true);
    for (int i = 0; i < 40; i++)
        loop_until(&h, is_done, &slow[i]);
    ck_assert_uint_eq(worker_waiting(&h.loop, WORKER_QUERY), 0);
    worker_release(&h.loop);
    harness_close(&h);
}
END_TEST

START_TEST(queries_keep_their_limit_and_order)
{
    harness h;
    task t[8] = { { .waits = false } };
    harness_open(&h);
    worker_setup(&h.loop, &(worker_options){ .threads = 6, .max_queries = 1 });
    for (int i = 0; i < 8; i++) {
        t[i].waits = true;
        start(&h, WORKER_QUERY, &t[i]);
    }
    loop_until(&h, has_started, &t[0]);
    ck_assert_uint_eq(worker_running(&h.loop, WORKER_QUERY), 1);
    ck_assert_uint_eq(worker_waiting(&h.loop, WORKER_QUERY), 7);
    for (int i = 0; i < 8; i++)
        atomic_store(&t[i].release, true);
    loop_until(&h, all_done, t);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(t[i].order, i);
    worker_release(&h.loop);
    harness_close(&h);
}
END_TEST

START_TEST(commits_run_one_at_a_time_in_order)
{
    harness h;
    task t[8] = { { .waits = false } };
    harness_open(&h);
    for (int i = 0; i < 8; i++)
        start(&h, WORKER_COMMIT, &t[i]);
    ck_assert_uint_eq(worker_running(&h.loop, WORKER_COMMIT), 1);
    loop_until(&h, all_done, t);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(t[i].order, i);
    worker_release(&h.loop);
    harness_close(&h);
}
END_TEST

START_TEST(a_waiting_job_that_is_canceled_never_runs)
{
    harness h;
    task t[8] = { { .waits = false } };
    harness_open(&h);
    worker_setup(&h.loop, &(worker_options){ .max_queries = 1 });
    for (int i = 0; i < 8; i++) {
        t[i].waits = true;
        start(&h, WORKER_QUERY, &t[i]);
    }
    loop_until(&h, has_started, &t[0]);
    for (int i = 7; i > 0; i -= 2)   /* the last, and some from the middle */
        job_cancel(t[i].job);
    job_cancel(t[7].job);
    ck_assert_int_eq(t[7].n_done, 0);   /* not from inside */
    for (int i = 0; i < 8; i++)
        atomic_store(&t[i].release, true);
    loop_until(&h, all_done, t);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(t[i].n_done, 1);
        ck_assert_int_eq(t[i].was_run, i % 2 == 0);
        ck_assert_int_eq(t[i].was_canceled, i % 2 == 1);
    }
    worker_release(&h.loop);
    harness_close(&h);
}
END_TEST

START_TEST(a_running_job_sees_its_cancel_flag)
{
    harness h;
    task t = { .waits = true };
    harness_open(&h);
    start(&h, WORKER_QUERY, &t);
    loop_until(&h, has_started, &t);
    ck_assert(!atomic_load(job_cancel_flag(t.job)));
    job_cancel(t.job);
    ck_assert(atomic_load(job_cancel_flag(t.job)));
    loop_until(&h, is_done, &t);
    ck_assert(t.was_run && t.was_canceled);
    worker_release(&h.loop);
    harness_close(&h);
}
END_TEST

Suite *worker_suite(void)
{
    Suite *s = suite_create("worker");
    TCase *tc = tcase_create("worker");
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, a_job_runs_elsewhere_and_comes_back_once);
    tcase_add_test(tc, slow_jobs_leave_room_for_short_ones_and_commits);
    tcase_add_test(tc, queries_keep_their_limit_and_order);
    tcase_add_test(tc, commits_run_one_at_a_time_in_order);
    tcase_add_test(tc, a_waiting_job_that_is_canceled_never_runs);
    tcase_add_test(tc, a_running_job_sees_its_cancel_flag);
    suite_add_tcase(s, tc);
    return s;
}
