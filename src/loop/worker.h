/* worker.h: jobs that leave the loop thread, run on uv's thread pool and come back.
 *
 *     worker_run(loop, WORKER_PARSE, parse_job, on_parsed, s);
 * `run` executes on a pool thread and owns what ctx lends it; `done` follows on the loop thread, exactly once for every
 * job, run or not. A job that may take long polls job_canceled() (or hands job_cancel_flag() to who polls).
 *
 * Kinds share one pool without starving each other (the table is in worker.c). Jobs wait in one FIFO queue per kind:
 *   (1) at most one COMMIT runs at a time, in order, and it always finds a thread;
 *   (2) queries, name lookups and maintenance together leave one more thread for the short jobs (PARSE);
 *   (3) queries run at most `max_queries` at a time.
 * All functions but job_canceled() belong to the loop thread.                                                   */
#ifndef LOOP_WORKER_H
#define LOOP_WORKER_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct uv_loop_s uv_loop_t;

enum worker_kind {
    WORKER_PARSE,         /* short and CPU-bound: parse, inflate, compress, render a page */
    WORKER_QUERY,         /* may run for minutes */
    WORKER_COMMIT,        /* writes the journal: one at a time */
    WORKER_MAINTENANCE,   /* flush, retention, vacuum: one at a time */
    WORKER_LOOKUP,        /* blocking name service calls */
    WORKER_N_KINDS
};

typedef struct job job;
typedef void (*job_fn)(job *j, void *ctx);

typedef struct worker_options {
    int threads;       /* 0: cores + 4, within 6..16 */
    int max_queries;   /* --query.max-concurrency; 0: as many as the pool allows */
} worker_options;

/* Sizes the pool and the allocator (few arenas). Call once per loop, before anything uses uv's pool; opt may be NULL.
 * Without it the first worker_run() does it with the defaults. Uses loop->data. */
void worker_setup(uv_loop_t *loop, const worker_options *opt);
/* Frees what worker_setup() made. No job may be waiting or running. */
void worker_release(uv_loop_t *loop);

/* Queues a job. The result is valid until `done` has returned; it may be ignored. */
job *worker_run(uv_loop_t *loop, enum worker_kind kind, job_fn run, job_fn done, void *ctx);

/* Sets the job's cancel flag. One that has not started never runs: its `done` follows on a later turn of the loop
 * (never from inside this call). */
void job_cancel(job *j);
bool job_canceled(const job *j);                          /* any thread */
const atomic_bool *job_cancel_flag(const job *j);         /* borrowed, lives as long as the job */
bool job_ran(const job *j);                               /* in done: did `run` execute? */

/* Jobs of a kind that run now, that wait in the queue, and how many may run at a time. */
size_t worker_running(uv_loop_t *loop, enum worker_kind kind);
size_t worker_waiting(uv_loop_t *loop, enum worker_kind kind);
size_t worker_limit(uv_loop_t *loop, enum worker_kind kind);
#endif
