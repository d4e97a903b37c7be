/* db.c: opening and closing a store, its options and figures. Appending: append.c. Reading: select.c. Jobs: jobs.c. */
#include "tsdb/db.h"
#include "base/os.h"
#include "tsdb/db_impl.h"
#include <stdlib.h>

bool db_open(const db_options *opt, db **out, err *e)
{
    db *d = xcalloc(1, sizeof *d);
    d->opt = *opt;
    d->dir = xstrdup(opt->dir);
    d->opt.dir = d->dir;
    d->disk_max_t = INT64_MIN;
    d->oldest_allowed = INT64_MIN;
    d->now_ms = os.now_ms();
    head_init(&d->head);
    commit_queue_init(&d->queue, 1);
    db_set_ooo_window(d, opt->ooo_window_ms);
    db_set_retention(d, opt->retention_ms);
    *out = d;
    return true;
}

static void db_free(db *d)
{
    head_release(&d->head);
    commit_queue_release(&d->queue);
    free(d->dir);
    free(d);
}

bool db_close(db *d, err *e)
{
    db_free(d);
    return true;
}

void db_abandon(db *d)
{
    db_free(d);
}

void db_set_ooo_window(db *d, int64_t ms)
{
    d->ooo_window_ms = ms > 0 ? ms : 0;
}

void db_set_retention(db *d, int64_t ms)
{
    d->opt.retention_ms = ms;
    d->oldest_allowed = ms > 0 && d->now_ms > INT64_MIN + ms ? d->now_ms - ms : INT64_MIN;
}

uint64_t db_committed_seq(const db *d)
{
    return d->committed_seq;
}

const char *db_trouble(const db *d)
{
    return d->in_trouble ? d->trouble : NULL;
}

bool db_last(const db *d, uint64_t ref, sample *out)
{
    const series *s = series_get(&d->head.series, ref);
    if (!s || s->last_t == INT64_MIN)
        return false;
    *out = (sample){ s->last_t, s->last_v };
    return true;
}

struct db_job {
    int kind;
};

db_job *db_job_next(db *d, int64_t now_ms)
{
    d->now_ms = now_ms;
    commit_batch *b = commit_take(&d->queue);
    while (b) {
        commit_batch *next = b->next;
        commit_batch_done(&d->queue, b);
        b = next;
    }
    d->committed_seq = d->seq;
    return NULL;
}

void db_job_run(db_job *j)
{
}

void db_job_done(db *d, db_job *j)
{
}

int64_t db_next_due(const db *d)
{
    return INT64_MAX;
}

void db_drain(db *d, int64_t now_ms)
{
    for (db_job *j; (j = db_job_next(d, now_ms));) {
        db_job_run(j);
        db_job_done(d, j);
    }
}

void db_request_flush(db *d)
{
}

bool db_delete(db *d, const matcher *ms, size_t n, int64_t mint, int64_t maxt, uint64_t *seq, err *e)
{
    matcher_scan *scans = xcalloc(n + 1, sizeof *scans);
    uint32_t *slots = NULL;
    size_t n_slots = 0;
    for (size_t i = 0; i < n; i++)
        matcher_scan_begin(&d->head.index, &ms[i], &scans[i]);
    postings_select(&d->head.index, ms, scans, n, &slots, &n_slots);
    for (size_t i = 0; i < n; i++)
        matcher_scan_release(&scans[i]);
    free(scans);
    for (size_t i = 0; i < n_slots; i++)
        head_delete(&d->head, slots[i], mint, maxt);
    free(slots);
    *seq = d->seq;
    return true;
}

void db_clean_tombstones(db *d)
{
}

void db_get_stats(const db *d, db_stats *out)
{
    const head *h = &d->head;
    int64_t head_min = h->flushing_min_t < h->min_t ? h->flushing_min_t : h->min_t;
    *out = (db_stats){
        .n_series = h->series.n_live,
        .n_chunks = h->n_chunks,
        .n_label_pairs = h->index.n_pairs,
        .samples_appended = d->samples_appended,
        .min_time = head_min,
        .max_time = db_newest(d),
        .head_min_time = head_min,
        .head_max_time = h->max_t,
        .head_bytes = h->chunk_bytes,
        .oldest_retained = d->oldest_allowed,
    };
}

void db_get_cardinality(const db *d, size_t limit, arena *a, db_cardinality *out)
{
    *out = (db_cardinality){ 0 };
}
