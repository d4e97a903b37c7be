/* jobs.c: what is due next, and the commit job. Flush: flush_job.c. Retention: retention.c. Rewrites:
 * tombstone_clean.c.
 *
 * At most one commit and one maintenance job are in flight. The commit job takes all batches there are, so what arrives
 * while one runs goes out together with the next. It has the journal to itself: nothing else touches it meanwhile.
 * What could not be written goes back to the front of the queue and is tried again; db_trouble() says why.    */
#include "base/log.h"
#include "base/os.h"
#include "tsdb/db_impl.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

db_job *db_job_new(db *d, void (*run)(db_job *j), void (*done)(db *d, db_job *j))
{
    db_job *j = xcalloc(1, sizeof *j);
    *j = (db_job){ .d = d, .run = run, .done = done };
    return j;
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- commit: worker ---- */

static bool write_record(db_job *j, const commit_batch *b)
{
    uint8_t key[8];
    if (!journal_append_record(j->d->journal, JOURNAL_TOMBSTONE, b->record, &j->e))
        return false;
    if (!b->meta_id)
        return true;
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(b->meta_id >> (56 - 8 * i));
    bool ok = meta_put(j->d->meta, "tombstones", bytes_n(key, sizeof key), b->record, &j->e);
    meta_rest(j->d->meta);
    return ok;
}

static bool write_batch(db_job *j, const commit_batch *b)
{
    journal *log = j->d->journal;
    while (journal_segment(log) < b->segment)
        if (!journal_rotate(log, &j->e))
            return false;
    if (b->record.p)
        return write_record(j, b);
    return journal_append(log, b->defs, b->n_defs, b->samples, b->n_samples, &j->e);
}

static void run_commit(db_job *j)
{
    j->ok = true;
    for (commit_batch *b = j->batches; b && j->ok; b = b->next) {
        j->ok = write_batch(j, b);
        j->n_done += j->ok;
    }
    if (j->ok && j->sync)
        j->ok = journal_sync(j->d->journal, &j->e);
    j->journal_bytes = journal_bytes(j->d->journal);
}

/* ---- commit: loop ---- */

static void set_trouble(db *d, const char *why)
{
    if (!strcmp(d->trouble, why))
        return;
    if (*why)
        log_error("Samples cannot be written to the journal", "err", why);
    else
        log_info("The journal takes samples again");
    snprintf(d->trouble, sizeof d->trouble, "%s", why);
}

static void commit_done(db *d, db_job *j)
{
    commit_batch *b = j->batches;
    for (size_t i = 0; i < j->n_done; i++) {
        commit_batch *next = b->next;
        d->committed_seq = b->last_seq > d->committed_seq ? b->last_seq : d->committed_seq;
        commit_batch_done(&d->queue, b);
        b = next;
    }
    commit_give_back(&d->queue, b);
    d->taken_bytes = 0;
    d->journal_bytes = j->journal_bytes;
    d->is_unsynced = (d->is_unsynced || j->n_done) && !(j->ok && j->sync);
    if (j->ok && j->sync)
        d->next_sync_ms = d->now_ms + d->opt.flush_interval_ms;
    d->next_commit_ms = j->ok ? INT64_MIN : d->now_ms + DB_RETRY_MS;
    set_trouble(d, j->ok ? "" : j->e.msg);
}

static bool sync_is_due(const db *d)
{
    return d->is_unsynced && d->now_ms >= d->next_sync_ms;
}

void db_commit_now(db *d)
{
    d->commit_now = true;
}

/* When the queue is to be written; INT64_MAX: it is empty. */
static int64_t write_due(const db *d)
{
    if (!d->queue.first)
        return INT64_MAX;
    if (d->commit_now || d->opt.commit_delay_ms <= 0 || d->queue.n_bytes > DB_COMMIT_BYTES || d->queued_ms == INT64_MIN)
        return d->next_commit_ms;
    return max_i64(d->queued_ms + d->opt.commit_delay_ms, d->next_commit_ms);
}

static db_job *next_commit(db *d)
{
    if (d->queue.first && d->queued_ms == INT64_MIN)
        d->queued_ms = d->now_ms;
    if (d->commit_busy || d->opt.read_only || d->now_ms < d->next_commit_ms
        || (d->now_ms < write_due(d) && !sync_is_due(d)))
        return NULL;
    d->commit_now = false;
    d->queued_ms = INT64_MIN;
    db_job *j = db_job_new(d, run_commit, commit_done);
    j->is_commit = true;
    d->taken_bytes = d->queue.n_bytes;
    j->batches = commit_take(&d->queue);
    j->sync = d->opt.flush_interval_ms <= 0 || d->now_ms >= d->next_sync_ms;
    return j;
}

/* ---- what is due ---- */

static db_job *next_maintenance(db *d)
{
    if (d->maintenance_busy)
        return NULL;
    if (db_flush_is_due(d))
        db_flush_begin(d);
    if (db_flush_wants_step(d)) {
        db_job *j = db_flush_step(d);
        if (j || d->phase != FLUSH_IDLE)
            return j;
    }
    if (d->clean_requested)
        return db_clean_job(d);
    if (d->now_ms >= d->next_retention_ms) {
        db_job *j = db_retention_job(d);
        if (j)
            return j;
    }
    return d->now_ms >= db_rank_due(d) ? db_rank_job(d) : NULL;
}

/* The wall clock was set back: no deadline may lie further ahead than it would from now on. */
static void clock_went_back(db *d, int64_t now_ms)
{
    d->next_commit_ms = min_i64(d->next_commit_ms, now_ms + DB_RETRY_MS);
    d->queued_ms = min_i64(d->queued_ms, now_ms);
    d->next_sync_ms = min_i64(d->next_sync_ms, now_ms + d->opt.flush_interval_ms);
    d->next_flush_ms = min_i64(d->next_flush_ms, now_ms + DB_FLUSH_RETRY_MS);
    d->next_retention_ms = min_i64(d->next_retention_ms, now_ms + DB_RETENTION_EVERY_MS);
    d->next_rank_ms = min_i64(d->next_rank_ms, now_ms + DB_RETENTION_EVERY_MS);
    d->last_flush_ms = min_i64(d->last_flush_ms, now_ms);
}

db_job *db_job_next(db *d, int64_t now_ms)
{
    if (now_ms < d->now_ms)
        clock_went_back(d, now_ms);
    d->now_ms = now_ms;
    if (d->opt.retention_ms > 0)
        db_set_retention(d, d->opt.retention_ms);
    db_job *j = next_commit(d);
    if (j) {
        d->commit_busy = true;
        return j;
    }
    j = next_maintenance(d);
    if (j)
        d->maintenance_busy = true;
    return j;
}

bool db_job_is_commit(const db_job *j)
{
    return j->is_commit;
}

void db_job_run(db_job *j)
{
    j->run(j);
}

void db_job_done(db *d, db_job *j)
{
    assert(j->d == d);
    if (j->is_commit)
        d->commit_busy = false;
    else
        d->maintenance_busy = false;
    j->done(d, j);
    free(j);
}

/* Of the maintenance jobs and the loop's own slices. */
static int64_t maintenance_due(const db *d)
{
    bool clean_can_start = d->clean_requested && !d->queue.first && !d->commit_busy;
    if (db_flush_wants_step(d) || db_flush_is_due(d) || clean_can_start)
        return d->now_ms;
    int64_t due = min_i64(d->next_retention_ms, db_rank_due(d));
    if (d->next_flush_ms > d->now_ms) /* the last one failed */
        due = min_i64(due, d->next_flush_ms);
    else if (d->head.n_chunks)
        due = min_i64(due, d->last_flush_ms + d->opt.block_ms);
    return due;
}

int64_t db_next_due(const db *d)
{
    int64_t due = INT64_MAX;
    if (d->opt.read_only)
        return due;
    if (!d->commit_busy)
        due = write_due(d);
    if (!d->commit_busy && d->is_unsynced)
        due = min_i64(due, max_i64(d->next_sync_ms, d->next_commit_ms));
    if (!d->maintenance_busy)
        due = min_i64(due, maintenance_due(d));
    return max_i64(due, d->now_ms);
}

void db_drain(db *d, int64_t now_ms)
{
    for (;;) {
        db_commit_now(d);
        db_job *j = db_job_next(d, now_ms);
        if (j) {
            db_job_run(j);
            db_job_done(d, j);
        } else if (!db_flush_wants_step(d)) {
            return;
        }
    }
}

void db_request_flush(db *d)
{
    d->flush_requested = true;
}
