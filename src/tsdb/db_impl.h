/* db_impl.h: the inside of a store, for db.c, append.c, select.c, delete.c and the files of its jobs only.
 *
 * Everything here is the loop's, except while a job is in flight: the commit job has the journal; the flush job has
 * the listed items and their chunks; both use `days` and `meta`, which serve any thread.                         */
#ifndef TSDB_DB_IMPL_H
#define TSDB_DB_IMPL_H
#include "tsdb/commit.h"
#include "tsdb/daystore.h"
#include "tsdb/db.h"
#include "tsdb/head.h"
#include "tsdb/journal.h"
#include "tsdb/meta.h"
#include "tsdb/tombstone.h"

#define DB_QUEUE_MAX ((size_t)64 << 20)        /* bytes that wait for the journal: over it appends are refused */
#define DB_HEAD_BUDGET ((size_t)32 << 20)      /* chunk memory that calls for a flush... */
#define DB_HEAD_BUDGET_SERIES 128              /* ... but at least so many bytes a series */
#define DB_BLOCK_MS INT64_C(7200000)
#define DB_PACK_MS INT64_C(3300000)            /* chunks full: flush, but not more often than this */
#define DB_IDLE_MS INT64_C(600000)             /* a series that fell so far behind the newest sample leaves the head */
#define DB_COMMIT_BYTES ((size_t)4 << 20)      /* queued: no waiting for company */
#define DB_RETRY_MS INT64_C(2000)              /* after a commit that failed */
#define DB_FLUSH_RETRY_MS INT64_C(30000)
#define DB_RANK_FIRST_MS INT64_C(5000)
#define DB_RETENTION_EVERY_MS INT64_C(600000)

enum flush_phase { FLUSH_IDLE, FLUSH_LISTING, FLUSH_RUNNING, FLUSH_DROPPING };

struct db {
    char *dir;
    char *journal_dir;
    db_options opt;
    head head;
    commit_queue queue;
    journal *journal;            /* NULL: read only */
    daystore *days;
    meta *meta;
    int lock;                    /* its file, -1: none held */
    tombstone_set *tombstones;   /* NULL: none */
    uint64_t next_tombstone;

    size_t taken_bytes;          /* of batches a commit job holds */
    uint64_t seq, committed_seq;
    uint64_t samples_appended;
    uint64_t journal_bytes;      /* as of the last commit */
    int64_t now_ms;              /* as the last db_job_next() was told */
    int64_t ooo_window_ms;
    int64_t oldest_allowed;      /* retention's edge; INT64_MIN: none */
    int64_t disk_min_t, disk_max_t;   /* times in day files; INT64_MAX / INT64_MIN: none */
    char trouble[1024];           /* "": none */

    bool commit_busy, maintenance_busy;
    bool commit_now;             /* somebody waits */
    int64_t queued_ms;           /* when the queue was first seen with something in it; INT64_MIN: it is empty */
    bool is_unsynced;            /* something was written since the last fdatasync */
    int64_t next_sync_ms, next_commit_ms;

    enum flush_phase phase;
    bool flush_requested, flush_worked;
    head_flush flush;
    size_t dropped;              /* items dropped so far */
    int64_t last_flush_ms, next_flush_ms;
    bool collecting;             /* head_collect() has not reached the end */
    uint32_t collect_at;

    bool clean_requested;
    int64_t next_retention_ms;
    int64_t next_rank_ms;
};

/* A unit of work for a worker: run() there, done() back on the loop. */
struct db_job {
    db *d;
    void (*run)(db_job *j);
    void (*done)(db *d, db_job *j);
    bool is_commit;
    bool ok;
    err e;
    /* commit */
    commit_batch *batches;
    size_t n_done;
    bool sync;
    uint64_t journal_bytes;
    /* flush, retention, clean */
    uint64_t covered;
    uint64_t n_samples, n_bytes;
    int64_t before;              /* retention: days that end before it go */
    tombstone_set *tombstones;   /* clean */
    /* ranks */
    series **slabs;              /* the table's, as there were */
    uint32_t n_slots;
    uint32_t *ranks;             /* per slot */
};

/* Newest time ever stored: what the out-of-order window is counted from. */
static inline int64_t db_newest(const db *d)
{
    return d->head.max_t > d->disk_max_t ? d->head.max_t : d->disk_max_t;
}

db_job *db_job_new(db *d, void (*run)(db_job *j), void (*done)(db *d, db_job *j));

/* replay.c: journal segments into the head; *next: the first number no segment has. */
bool db_replay(db *d, uint64_t *next, err *e);

/* delete.c */
void db_delete_in_head(db *d, const tombstone *t);

/* flush_job.c */
bool db_flush_is_due(const db *d);
void db_flush_begin(db *d);
/* Has the loop a slice of a flush to do? Does one: listing before the job, dropping and collecting after it. Returns
 * the job once it is to be run. */
bool db_flush_wants_step(const db *d);
db_job *db_flush_step(db *d);

/* rank.c */
int64_t db_rank_due(const db *d);    /* INT64_MAX: not at all */
db_job *db_rank_job(db *d);

/* retention.c, tombstone_clean.c */
db_job *db_retention_job(db *d);
db_job *db_clean_job(db *d);
void db_refresh_bounds(db *d);
#endif
