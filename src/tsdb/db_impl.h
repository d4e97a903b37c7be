/* db_impl.h: the inside of a store, for db.c, append.c, select.c and the files of its jobs only. */
#ifndef TSDB_DB_IMPL_H
#define TSDB_DB_IMPL_H
#include "tsdb/commit.h"
#include "tsdb/db.h"
#include "tsdb/head.h"

/* Samples that wait for the journal: over it appends are refused until commits work again. */
#define DB_QUEUE_MAX ((size_t)64 << 20)

struct db {
    char *dir;
    db_options opt;
    head head;
    commit_queue queue;
    size_t taken_bytes;          /* of batches a commit job holds */
    uint64_t seq, committed_seq;
    uint64_t samples_appended;
    int64_t now_ms;              /* as the last db_job_next() was told */
    int64_t ooo_window_ms;
    int64_t oldest_allowed;      /* retention's edge; INT64_MIN: none */
    int64_t disk_max_t;          /* newest time in day files; INT64_MIN: none */
    bool in_trouble;
    char trouble[512];
};

/* Newest time ever stored: what the out-of-order window is counted from. */
static inline int64_t db_newest(const db *d)
{
    return d->head.max_t > d->disk_max_t ? d->head.max_t : d->disk_max_t;
}
#endif
