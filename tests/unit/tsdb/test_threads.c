/* A loop that appends, two workers: one runs the store's jobs, one reads snapshots. What a snapshot gives must be
 * what the loop had appended when it was taken. Meant for the thread sanitizer, and quick without. */
#include "store.h"
#include "tests.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_SERIES = 50, ROUNDS = 1500 };

typedef struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    void (*run)(void *arg);
    void *arg;
    bool busy, quit;
} worker;

static void *worker_main(void *p)
{
    worker *w = p;
    pthread_mutex_lock(&w->lock);
    while (!w->quit) {
        if (!w->run) {
            pthread_cond_wait(&w->cond, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        w->run(w->arg);
        pthread_mutex_lock(&w->lock);
        w->run = NULL;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void worker_begin(worker *w)
{
    *w = (worker){ 0 };
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->cond, NULL);
    ck_assert_int_eq(pthread_create(&w->thread, NULL, worker_main, w), 0);
}

static void worker_give(worker *w, void (*run)(void *), void *arg)
{
    pthread_mutex_lock(&w->lock);
    w->run = run;
    w->arg = arg;
    w->busy = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

/* Has it finished what it was given? */
static bool worker_done(worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool done = w->busy && !w->run;
    pthread_mutex_unlock(&w->lock);
    if (done)
        w->busy = false;
    return done;
}

static void worker_end(worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->quit = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
}

typedef struct reading {
    db_selector sel;
    snapshot *s;
    size_t want;    /* samples there were */
    size_t got;
} reading;

static void run_reading(void *p)
{
    reading *r = p;
    series_view *views = NULL;
    sample_columns x = { 0 };
    size_t n = 0;
    arena a;
    err e = { 0 };
    arena_init(&a, 0);
    r->got = 0;
    bool ok = snapshot_series(r->s, 0, &a, &views, &n, &e);
    for (size_t i = 0; ok && i < n; i++) {
        ok = series_read(r->s, &views[i], INT64_MIN, INT64_MAX, &x, &e);
        r->got += x.n;
    }
    if (!ok)
        r->got = SIZE_MAX;
    sample_columns_release(&x);
    arena_release(&a);
}

static void run_job(void *p)
{
    db_job_run(p);
}

START_TEST(workers_read_and_write_beside_the_loop)
{
    store st;
    worker jobs, reads;
    reading r = { .sel = { .mint = INT64_MIN, .maxt = INT64_MAX } };
    db_job *job = NULL;
    size_t n_appended = 0;
    err e = { 0 };
    store_begin(&st, 0);
    worker_begin(&jobs);
    worker_begin(&reads);
    const labels *l[N_SERIES];
    for (int i = 0; i < N_SERIES; i++)
        l[i] = store_labels(&st, arena_printf(&st.a, "m,i=%d", i));
    for (int round = 0; round < ROUNDS || job || r.s; round++) {
        if (round < ROUNDS) {
            append_item items[N_SERIES];
            for (int i = 0; i < N_SERIES; i++)
                items[i] = (append_item){ .labels = l[i], .t = round * 1000, .v = round % 13 + i };
            db_append(st.db, items, N_SERIES);
            n_appended += N_SERIES;
            if (round % 200 == 100)
                db_request_flush(st.db);
        }
        if (!job && round < ROUNDS && (job = db_job_next(st.db, round)))
            worker_give(&jobs, run_job, job);
        else if (job && worker_done(&jobs)) {
            db_job_done(st.db, job);
            job = NULL;
        }
        if (!r.s && round < ROUNDS) {
            r.want = n_appended;
            ck_assert(snapshot_open(st.db, &r.sel, 1, &r.s, &e));
            worker_give(&reads, run_reading, &r);
        } else if (r.s && worker_done(&reads)) {
            ck_assert_uint_eq(r.got, r.want);
            snapshot_free(r.s);
            r.s = NULL;
        }
    }
    worker_end(&jobs);
    worker_end(&reads);
    store_end(&st);
}
END_TEST

TCase *tcase_threads(void)
{
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, workers_read_and_write_beside_the_loop);
    return tc;
}
