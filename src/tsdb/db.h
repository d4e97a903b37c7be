/* db.h: the store: open, append, the jobs that make it durable, delete, close.
 *
 * Threads: the loop thread owns a db. What may take long (disk, compression) is a db_job: the loop asks for the next
 * one (db_job_next), a worker runs it (db_job_run), the loop carries its result in (db_job_done). A program without a
 * loop calls db_drain(), which does the three in turn. Reading: select.h.
 * Durability: an appended sample is visible at once; it survives kill -9 when db_committed_seq() has reached the number
 * its append returned, and a power cut at most flush_interval_ms later.
 * On disk: docs/format/ (journal, pack, day file).                                                              */
#ifndef TSDB_DB_H
#define TSDB_DB_H
#include "base/err.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/metadata.h"
#include "model/sample.h"

typedef struct db db;

typedef struct db_options {
    const char *dir;             /* made if missing */
    int64_t retention_ms;        /* <= 0: no limit by time */
    int64_t flush_interval_ms;   /* journal fdatasync; 0: with every commit */
    int64_t commit_delay_ms;     /* how long samples may wait for others to be written with; 0: not at all */
    int64_t block_ms;            /* longest time samples stay in the head before they are packed; default 2 h */
    int64_t ooo_window_ms;       /* out_of_order_time_window; may change: db_set_ooo_window */
    size_t head_budget_bytes;    /* flush earlier when the head's sample memory exceeds it; 0: default */
    bool read_only;              /* no lock, no writes: tsdbctl on a data directory */
} db_options;

bool db_open(const db_options *opt, db **out, err *e);
/* Flushes everything into day files and closes (clean stop). No job may be in flight. */
bool db_close(db *d, err *e);
/* Closes without flushing, as kill -9 would leave it (tests). */
void db_abandon(db *d);
void db_set_ooo_window(db *d, int64_t ms);
void db_set_retention(db *d, int64_t ms);

/* One sample to append. ref != 0 names a series known from an earlier append (fast); a ref whose series has left the
 * head gives APPEND_UNKNOWN_REF and nothing is stored: come again with labels. With ref == 0, labels name the series,
 * which is made where unknown, and ref is set on return. */
enum append_status {
    APPEND_OK, APPEND_UNKNOWN_REF, APPEND_OUT_OF_ORDER, APPEND_DUPLICATE, APPEND_TOO_OLD, APPEND_OUT_OF_BOUNDS,
    APPEND_NO_MEMORY /* over the series budget */
};
typedef struct append_item {
    uint64_t ref;
    const labels *labels;   /* borrowed for the call; may be NULL with a ref */
    int64_t t;
    double v;
    uint8_t status;         /* enum append_status, out */
    bool is_new;            /* a series was created, out */
} append_item;

/* Appends the items in order and queues one journal record for those that were taken. Rules as Prometheus' head: newer
 * than the series' newest: in order; equal time: same value bits -> OK without effect, other -> APPEND_DUPLICATE;
 * older: stored while newer than (newest sample of the store - ooo window), else APPEND_OUT_OF_ORDER (window 0) or
 * APPEND_TOO_OLD. A series without samples takes any time that retention allows (so other series may be backfilled);
 * times further than 50,000 years from 1970 are APPEND_OUT_OF_BOUNDS. Series with the same job and instance are packed
 * together on disk.
 * Returns the sequence number to wait for in db_committed_seq(). */
uint64_t db_append(db *d, append_item *items, size_t n);
uint64_t db_committed_seq(const db *d);
/* Somebody waits for what has been appended: the next commit is due now, whatever commit_delay_ms says. */
void db_commit_now(db *d);
/* Why commits fail at the moment (disk full...), or NULL. While it is set, samples stay readable in memory and the
 * queue is retried; new samples are refused once the queue exceeds its budget. */
const char *db_trouble(const db *d);

/* One series' newest sample in the head, for staleness decisions. false: unknown ref or none. */
bool db_last(const db *d, uint64_t ref, sample *out);

/* Jobs: at most one commit and one maintenance job are in flight; db_job_next returns NULL where nothing is due. */
typedef struct db_job db_job;
db_job *db_job_next(db *d, int64_t now_ms);   /* loop */
bool db_job_is_commit(const db_job *j);       /* short, and samples wait for it; else maintenance */
void db_job_run(db_job *j);                   /* worker */
void db_job_done(db *d, db_job *j);           /* loop; frees j */
/* When to call db_job_next again if nothing is appended (ms, wall clock). */
int64_t db_next_due(const db *d);
void db_drain(db *d, int64_t now_ms);         /* runs all that is due, here and now */
/* Makes a flush of the whole head due now (tests, admin). */
void db_request_flush(db *d);

/* Deletes samples of matching series in [mint, maxt], effective for selects taken after it returns true. Durable once
 * the job it queues is done (commit sequence as db_append's, in *seq). Loop. */
bool db_delete(db *d, const matcher *ms, size_t n, int64_t mint, int64_t maxt, uint64_t *seq, err *e);
/* Makes the rewrite of day files under tombstones due. */
void db_clean_tombstones(db *d);

typedef struct db_stats {
    uint64_t n_series, n_chunks, n_label_pairs;
    uint64_t samples_appended;
    int64_t min_time, max_time;       /* over head and day files; INT64_MAX / INT64_MIN where empty */
    int64_t head_min_time, head_max_time;
    uint64_t head_bytes, journal_bytes, disk_bytes;
    int64_t oldest_retained;
} db_stats;
void db_get_stats(const db *d, db_stats *out);   /* cheap: counters kept, no disk */

/* The n most of each kind, for /api/v1/status/tsdb; lists are the arena's, sorted by count, largest first. */
typedef struct db_top { bytes name; uint64_t value; } db_top;
typedef struct db_cardinality {
    db_top *series_by_metric, *values_by_label, *memory_by_label, *series_by_pair;
    size_t n_metric, n_label, n_memory, n_pair;
} db_cardinality;
void db_get_cardinality(const db *d, size_t limit, arena *a, db_cardinality *out);
#endif
