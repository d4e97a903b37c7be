/* store.c: see store.h.
 *
 *     kick --> db_job_next --> worker: db_job_run --> on_job_done: db_job_done, waiters, kick again
 *     timer (db_next_due) --> kick
 * Invariant: waiters are in order of seq, since numbers only grow and each waits for the newest it knows.        */
#include "server/store.h"
#include "base/os.h"
#include "base/vec.h"
#include "loop/worker.h"

typedef struct waiter {
    uint64_t seq;
    void (*fn)(void *arg, const err *e);
    void *arg;
} waiter;

struct store {
    uv_loop_t *loop;
    db *db;
    uv_timer_t timer;
    VEC(waiter) waiters;
    size_t n_running;
    bool closing, timer_closed;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

typedef struct store_job {
    store *s;
    db_job *job;
} store_job;

static void finish_closing(store *s)
{
    if (!s->closing || s->n_running || !s->timer_closed)
        return;
    void (*on_closed)(void *ctx) = s->on_closed;
    void *ctx = s->closed_ctx;
    vec_free(&s->waiters);
    free(s);
    on_closed(ctx);
}

/* Calls those whose number is committed; with trouble, all of them. */
static void wake_waiters(store *s)
{
    const char *trouble = db_trouble(s->db);
    uint64_t seq = db_committed_seq(s->db);
    err e = { 0 };
    if (trouble)
        err_set(&e, ERR_UNAVAILABLE, "store: %s", trouble);
    size_t n = 0;
    while (n < s->waiters.len && (trouble || s->waiters.p[n].seq <= seq))
        n++;
    if (n == 0)
        return;
    /* Taken out first: a waiter's function may come back with another wait. */
    waiter *ready = xreallocarray(NULL, n, sizeof *ready);
    memcpy(ready, s->waiters.p, n * sizeof *ready);
    s->waiters.len -= n;
    memmove(s->waiters.p, s->waiters.p + n, s->waiters.len * sizeof *ready);
    for (size_t i = 0; i < n; i++)
        ready[i].fn(ready[i].arg, ready[i].seq <= seq ? NULL : &e);
    free(ready);
}

static void run_job(job *j, void *ctx)
{
    db_job_run(((store_job *)ctx)->job);
}

static void on_job_done(job *j, void *ctx)
{
    store_job *sj = ctx;
    store *s = sj->s;
    db_job_done(s->db, sj->job);
    free(sj);
    s->n_running--;
    wake_waiters(s);
    store_kick(s);
    finish_closing(s);
}

static void on_timer(uv_timer_t *timer)
{
    store *s = timer->data;
    wake_waiters(s);
    store_kick(s);
}

static void set_timer(store *s)
{
    int64_t wait = db_next_due(s->db) - os.now_ms();
    if (s->waiters.len && wait > 100)   /* trouble or a lost race: waiters are looked at again soon */
        wait = 100;
    if (wait > 60000)
        wait = 60000;
    if (!s->closing)
        uv_timer_start(&s->timer, on_timer, wait > 1 ? (uint64_t)wait : 1, 0);
}

void store_kick(store *s)
{
    db_job *next;
    while ((next = db_job_next(s->db, os.now_ms()))) {
        store_job *sj = xmalloc(sizeof *sj);
        *sj = (store_job){ s, next };
        s->n_running++;
        worker_run(s->loop, db_job_is_commit(next) ? WORKER_COMMIT : WORKER_MAINTENANCE, run_job, on_job_done, sj);
    }
    set_timer(s);
}

store *store_new(uv_loop_t *loop, db *d)
{
    store *s = xcalloc(1, sizeof *s);
    s->loop = loop;
    s->db = d;
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    uv_unref((uv_handle_t *)&s->timer);
    set_timer(s);
    return s;
}

void store_wait(store *s, uint64_t seq, void (*fn)(void *arg, const err *e), void *arg)
{
    if (seq <= db_committed_seq(s->db)) {
        fn(arg, NULL);   /* no commit to come would tell */
        return;
    }
    vec_push(&s->waiters, (waiter){ seq, fn, arg });
    db_commit_now(s->db);
    store_kick(s);
}

static void on_timer_closed(uv_handle_t *h)
{
    store *s = h->data;
    s->timer_closed = true;
    store_kick(s);
    finish_closing(s);
}

void store_close(store *s, void (*on_closed)(void *ctx), void *ctx)
{
    s->closing = true;
    s->on_closed = on_closed;
    s->closed_ctx = ctx;
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}
