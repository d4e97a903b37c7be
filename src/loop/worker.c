/* worker.c: see worker.h. A gate in front of uv's thread pool.
 *
 * uv's pool is one FIFO for everything, so what is handed to it must be able to run at once: jobs wait here, in one
 * queue per kind, and enter the pool only while the pool has a thread for them by the rules below. uv's own users of
 * the pool
 * (file calls, none of ours block for long) are not counted.
 * With T threads:
 *   (1) all kinds but COMMIT together run at most T-1 jobs: a commit always finds a thread;
 *   (2) the slow kinds together run at most T-2: a short job finds a thread as soon as another short one ends;
 *   (3) each kind keeps its own limit, from the table.
 * A free place goes to the kind whose turn it is, so no kind starves another. No lock: the queues belong to the loop
 * thread; the only word shared with the pool is a job's cancel flag.                                               */
#include "loop/worker.h"
#include "base/arena.h"
#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { MIN_THREADS = 6, MAX_THREADS = 16, PARSE_SHARE = 2, LOOKUPS = 2 };

struct job {
    uv_work_t work;
    atomic_bool canceled;
    bool started, ran;
    enum worker_kind kind;
    struct worker *worker;
    job_fn run, done;
    void *ctx;
    job *next, *prev;   /* in its queue while it waits */
};

typedef struct queue {
    job *first, *last;
    size_t n_waiting, n_running, limit;
} queue;

typedef struct worker {
    uv_loop_t *loop;
    size_t n_threads;
    queue queues[WORKER_N_KINDS];
    size_t n_slow, n_shared;   /* running: of the slow kinds; of all but COMMIT */
    int turn;                  /* the kind that is asked first */
    size_t n_dropped;          /* canceled before they ran, `done` still to come */
} worker;

static const struct {
    bool is_slow;
} kinds[WORKER_N_KINDS] = {
    [WORKER_QUERY] = { .is_slow = true },
    [WORKER_MAINTENANCE] = { .is_slow = true },
    [WORKER_LOOKUP] = { .is_slow = true },
};

static size_t clamp(size_t v, size_t lo, size_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static void set_limits(worker *w, const worker_options *opt)
{
    size_t most_queries = w->n_threads - 3;   /* leaves one slow place for maintenance and lookups */
    w->queues[WORKER_PARSE].limit = clamp(w->n_threads / 2, PARSE_SHARE, w->n_threads - 1);
    size_t wanted = opt->max_queries > 0 ? (size_t)opt->max_queries : most_queries;
    w->queues[WORKER_QUERY].limit = clamp(wanted, 1, most_queries);
    w->queues[WORKER_COMMIT].limit = 1;
    w->queues[WORKER_MAINTENANCE].limit = 1;
    w->queues[WORKER_LOOKUP].limit = LOOKUPS;
}

void worker_setup(uv_loop_t *loop, const worker_options *opt)
{
    worker_options none = { 0 };
    opt = opt ? opt : &none;
    assert(!loop->data);
    worker *w = xcalloc(1, sizeof *w);
    w->loop = loop;
    w->n_threads = opt->threads > 0 ? clamp((size_t)opt->threads, 4, MAX_THREADS)
                                    : clamp(uv_available_parallelism() + 4, MIN_THREADS, MAX_THREADS);
    set_limits(w, opt);
    loop->data = w;
    char text[24];
    snprintf(text, sizeof text, "%zu", w->n_threads);
    setenv("UV_THREADPOOL_SIZE", text, 1);   /* read by uv when the pool is first used */
    mallopt(M_ARENA_MAX, 2);                 /* an arena per thread would keep each thread's peak for good */
}

void worker_release(uv_loop_t *loop)
{
    worker *w = loop->data;
    if (!w)
        return;
    assert(!w->n_shared && !w->queues[WORKER_COMMIT].n_running && !w->n_dropped);
    loop->data = NULL;
    free(w);
}

static worker *worker_of(uv_loop_t *loop)
{
    if (!loop->data)
        worker_setup(loop, NULL);
    return loop->data;
}

/* ---- the flow of a job:  worker_run --> (queue) --> start --> on_work --> on_after --> pump
 *                                            | job_cancel                       ^
 *                                            `--> on_dropped -------------------' (done only)      ---- */

static void unlink_job(queue *q, job *j)
{
    *(j->prev ? &j->prev->next : &q->first) = j->next;
    *(j->next ? &j->next->prev : &q->last) = j->prev;
    j->next = j->prev = NULL;
    q->n_waiting--;
}

static bool may_start(const worker *w, enum worker_kind kind)
{
    const queue *q = &w->queues[kind];
    if (!q->first || q->n_running >= q->limit) /* (3) */
        return false;
    if (kind == WORKER_COMMIT)
        return true;
    return w->n_shared < w->n_threads - 1                              /* (1) */
        && (!kinds[kind].is_slow || w->n_slow < w->n_threads - 2);     /* (2) */
}

static void count_running(worker *w, enum worker_kind kind, size_t by)   /* by: 1, or (size_t)-1 */
{
    w->queues[kind].n_running += by;
    w->n_shared += kind == WORKER_COMMIT ? 0 : by;
    w->n_slow += kinds[kind].is_slow ? by : 0;
}

static void pump(worker *w);

static void on_work(uv_work_t *work)
{
    job *j = work->data;
    j->run(j, j->ctx);
}

static void on_after(uv_work_t *work, int status)
{
    job *j = work->data;
    worker *w = j->worker;
    j->ran = status == 0;   /* uv_cancel is never used, so always */
    count_running(w, j->kind, (size_t)-1);
    pump(w);                /* first: what waits starts while done works */
    j->done(j, j->ctx);
    free(j);
}

static void start(worker *w, job *j)
{
    j->started = true;
    count_running(w, j->kind, 1);
    int rc = uv_queue_work(w->loop, &j->work, on_work, on_after);
    assert(rc == 0);
    (void)rc;
}

static void pump(worker *w)
{
    for (int looked = 0; looked < WORKER_N_KINDS;) {
        enum worker_kind kind = (enum worker_kind)w->turn;
        w->turn = (w->turn + 1) % WORKER_N_KINDS;
        looked++;
        if (may_start(w, kind)) {
            job *j = w->queues[kind].first;
            unlink_job(&w->queues[kind], j);
            start(w, j);
            looked = 0;
        }
    }
}

job *worker_run(uv_loop_t *loop, enum worker_kind kind, job_fn run, job_fn done, void *ctx)
{
    worker *w = worker_of(loop);
    queue *q = &w->queues[kind];
    job *j = xcalloc(1, sizeof *j);
    *j = (job){ .kind = kind, .worker = w, .run = run, .done = done, .ctx = ctx, .prev = q->last };
    j->work.data = j;
    *(q->last ? &q->last->next : &q->first) = j;
    q->last = j;
    q->n_waiting++;
    if (may_start(w, kind) && q->n_waiting == 1) {   /* the usual case, without asking the other kinds */
        unlink_job(q, j);
        start(w, j);
    } else {
        pump(w);
    }
    return j;
}

static void on_dropped_closed(uv_handle_t *h)
{
    free(h);
}

/* A zero timer of its own, so that the loop stays alive for it and `done` comes on a later turn. */
static void on_dropped(uv_timer_t *timer)
{
    job *j = timer->data;
    uv_close((uv_handle_t *)timer, on_dropped_closed);
    j->worker->n_dropped--;
    j->done(j, j->ctx);
    free(j);
}

void job_cancel(job *j)
{
    bool was = atomic_exchange_explicit(&j->canceled, true, memory_order_relaxed);
    if (was || j->started)
        return;
    unlink_job(&j->worker->queues[j->kind], j);
    j->started = true;
    j->worker->n_dropped++;
    uv_timer_t *timer = xmalloc(sizeof *timer);
    uv_timer_init(j->worker->loop, timer);
    timer->data = j;
    uv_timer_start(timer, on_dropped, 0, 0);
}

bool job_canceled(const job *j)
{
    return atomic_load_explicit(&j->canceled, memory_order_relaxed);
}

const atomic_bool *job_cancel_flag(const job *j)
{
    return &j->canceled;
}

bool job_ran(const job *j)
{
    return j->ran;
}

size_t worker_running(uv_loop_t *loop, enum worker_kind kind)
{
    return worker_of(loop)->queues[kind].n_running;
}

size_t worker_waiting(uv_loop_t *loop, enum worker_kind kind)
{
    return worker_of(loop)->queues[kind].n_waiting;
}

size_t worker_limit(uv_loop_t *loop, enum worker_kind kind)
{
    return worker_of(loop)->queues[kind].limit;
}
