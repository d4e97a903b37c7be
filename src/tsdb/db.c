/* db.c: opening and closing a store, its options and figures. Appending: append.c. Reading: select.c. Deleting:
 * delete.c. Jobs: jobs.c and the files it
 * names. */
#include "tsdb/db.h"
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"
#include "tsdb/db_impl.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

/* ---- opening ---- */

static bool take_lock(db *d, err *e)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/lock", d->dir);
    d->lock = os.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (d->lock < 0)
        return err_set(e, ERR_INTERNAL, "open %s: %s", path, file_errno_text(errno));
    if (flock(d->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    return err_set(e, ERR_UNAVAILABLE, "%s: another process uses this data directory", d->dir);
}

static bool load_tombstone(void *ctx, bytes key, bytes value)
{
    db *d = ctx;
    err e = { 0 };
    tombstone *t = tombstone_parse(value, &e);
    if (!t) {
        log_warn("Skipping a damaged tombstone", "err", e.msg);
        return true;
    }
    tombstone_set *set = tombstone_set_with(d->tombstones, t);
    tombstone_set_unref(d->tombstones);
    d->tombstones = set;
    d->next_tombstone = t->id >= d->next_tombstone ? t->id + 1 : d->next_tombstone;
    tombstone_unref(t);
    return true;
}

static bool load_meta(db *d, uint64_t *segment, err *e)
{
    buf b;
    bool found = false;
    buf_init(&b, 64);
    bool ok = meta_get(d->meta, "store", BYTES("segment"), &b, &found, e)
           && meta_each(d->meta, "tombstones", load_tombstone, d, e);
    cursor c = cursor_of(buf_bytes(&b));
    if (ok && found && !cursor_varint(&c, segment))
        log_warn("The journal's number in meta.db is damaged");
    buf_release(&b);
    meta_rest(d->meta);
    return ok;
}

static bool open_files(db *d, err *e)
{
    uint64_t segment = 1;
    bool ro = d->opt.read_only;
    if (!ro && (!dir_make(d->dir, e) || !take_lock(d, e)))
        return false;
    d->meta = meta_new(d->dir, ro);
    if (!daystore_open(d->dir, ro, &d->days, e) || !load_meta(d, &segment, e))
        return false;
    db_refresh_bounds(d);
    if (!db_replay(d, &segment, e))
        return false;
    commit_queue_init(&d->queue, segment);
    return ro || journal_open(d->journal_dir, segment, &d->journal, e);
}

static void db_free(db *d)
{
    journal_close(d->journal);
    head_release(&d->head);
    free(d->flush.items);
    commit_queue_release(&d->queue);
    tombstone_set_unref(d->tombstones);
    if (d->days)
        daystore_close(d->days);
    if (d->meta)
        meta_free(d->meta);
    if (d->lock >= 0)
        os.close(d->lock);
    free(d->journal_dir);
    free(d->dir);
    free(d);
}

bool db_open(const db_options *opt, db **out, err *e)
{
    db *d = xcalloc(1, sizeof *d);
    size_t len = strlen(opt->dir) + sizeof "/journal";
    d->opt = *opt;
    d->dir = xstrdup(opt->dir);
    d->opt.dir = d->dir;
    d->journal_dir = xmalloc(len);
    snprintf(d->journal_dir, len, "%s/journal", opt->dir);
    d->opt.block_ms = opt->block_ms > 0 ? opt->block_ms : DB_BLOCK_MS;
    d->opt.head_budget_bytes = opt->head_budget_bytes ? opt->head_budget_bytes : DB_HEAD_BUDGET;
    d->lock = -1;
    d->next_tombstone = 1;
    d->queued_ms = INT64_MIN;
    d->disk_min_t = INT64_MAX;
    d->disk_max_t = INT64_MIN;
    d->now_ms = d->last_flush_ms = os.now_ms();
    d->next_rank_ms = d->now_ms + DB_RANK_FIRST_MS;
    head_init(&d->head);
    db_set_ooo_window(d, opt->ooo_window_ms);
    db_set_retention(d, opt->retention_ms);
    if (!open_files(d, e)) {
        db_free(d);
        return err_wrap(e, "opening storage failed");
    }
    *out = d;
    return true;
}

/* ---- closing ---- */

/* Everything into day files, so that the next start has nothing to replay. */
static bool flush_all(db *d, err *e)
{
    d->next_commit_ms = d->next_flush_ms = d->now_ms; /* what waits for its next try gets it now */
    d->next_sync_ms = d->now_ms;
    db_commit_now(d);
    db_request_flush(d);
    db_drain(d, d->now_ms);
    if (d->queue.first)
        return err_set(e, ERR_INTERNAL, "%s", d->trouble);
    if (d->head.n_chunks)
        return err_set(e, ERR_INTERNAL, "the head could not be flushed; its journal is kept");
    return true;
}

bool db_close(db *d, err *e)
{
    assert(!d->commit_busy && !d->maintenance_busy);
    bool ok = d->opt.read_only || flush_all(d, e);
    db_free(d);
    return ok;
}

void db_abandon(db *d)
{
    db_free(d);
}

/* ---- options ---- */

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
    return d->trouble[0] ? d->trouble : NULL;
}

bool db_last(const db *d, uint64_t ref, sample *out)
{
    const series *s = series_get(&d->head.series, ref);
    if (!s || s->last_t == INT64_MIN)
        return false;
    *out = (sample){ s->last_t, s->last_v };
    return true;
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
        .min_time = head_min < d->disk_min_t ? head_min : d->disk_min_t,
        .max_time = db_newest(d),
        .head_min_time = head_min,
        .head_max_time = h->max_t,
        .head_bytes = h->chunk_bytes,
        .journal_bytes = d->journal_bytes,
        .disk_bytes = daystore_bytes(d->days),
        .oldest_retained = d->oldest_allowed,
    };
}

/* ---- cardinality ---- */

/* The `limit` largest rows so far, sorted, largest first; equal counts keep the order in which they came. */
typedef struct top_list {
    db_top *rows;
    size_t n, limit;
} top_list;

static void top_put(top_list *t, arena *a, bytes name, bytes value, uint64_t count)
{
    if (t->n == t->limit && (!t->limit || t->rows[t->n - 1].value >= count))
        return;
    size_t i = t->n < t->limit ? t->n++ : t->n - 1;
    for (; i > 0 && t->rows[i - 1].value < count; i--)
        t->rows[i] = t->rows[i - 1];
    bytes text = value.len ? arena_bytesf(a, "%.*s=%.*s", BYTES_ARG(name), BYTES_ARG(value)) : arena_dup(a, name);
    t->rows[i] = (db_top){ text, count };
}

static void put_name(const postings *p, uint32_t i, arena *a, top_list *lists)
{
    bytes name = postings_name(p, i);
    bool is_metric = bytes_eq(name, LABEL_NAME);
    uint64_t memory = 0;
    for (uint32_t k = 0; k < postings_n_values(p, i); k++) {
        uint64_t n = postings_value_series(p, i, k);
        bytes value = value_table_at(postings_values(p, i), k);
        if (!n)
            continue;
        memory += value.len * n;
        top_put(&lists[3], a, name, value, n);
        if (is_metric)
            top_put(&lists[0], a, value, (bytes){ 0 }, n);
    }
    if (!postings_n_series(p, i))
        return;
    top_put(&lists[1], a, name, (bytes){ 0 }, postings_n_live_values(p, i));
    top_put(&lists[2], a, name, (bytes){ 0 }, memory);
}

void db_get_cardinality(const db *d, size_t limit, arena *a, db_cardinality *out)
{
    const postings *p = &d->head.index;
    top_list lists[4];
    for (size_t i = 0; i < 4; i++)
        lists[i] = (top_list){ .rows = ARENA_ARRAY(a, db_top, limit), .limit = limit };
    for (uint32_t i = 0; i < p->n_names; i++)
        put_name(p, i, a, lists);
    *out = (db_cardinality){
        .series_by_metric = lists[0].rows, .n_metric = lists[0].n,
        .values_by_label = lists[1].rows, .n_label = lists[1].n,
        .memory_by_label = lists[2].rows, .n_memory = lists[2].n,
        .series_by_pair = lists[3].rows, .n_pair = lists[3].n,
    };
}
