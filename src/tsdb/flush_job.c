/* flush_job.c: when the head is flushed, and how, without holding the loop.
 *
 * One flush:  begin --> list, list ... --> job: flush_run() --> drop, drop ... --> end --> collect, collect ...
 *             loop      loop, slices       worker               loop, slices      loop     loop, slices
 *                                            | failed: keep all, try again later  ^
 *                                            `------------------------------------'
 * begin moves the journal to its next segment, so that all samples of the segments before are in chunks that get
 * listed: that number is what the day files record as covered, and those segments go when the job has worked. Samples
 * that come while the list is made may be in both, which is harmless: equal samples are merged on read.
 *
 * When: the head is block_ms old; its chunks exceed the budget; or at least half of the series have a full chunk and
 * the last flush is nearly an hour ago. At 15 s scrapes that makes packs of 240 samples, one flush an hour; faster
 * scrapes wait for the hour or the budget, whichever comes first, and give several full packs a series.
 *
 * Where series stop (churn), collecting takes them from memory: no samples left and ten minutes behind the newest.  */
#include "base/log.h"
#include "base/os.h"
#include "tsdb/db_impl.h"
#include "tsdb/flush.h"
#include "tsdb/merge.h"
#include <assert.h>
#include <malloc.h>
#include <stdlib.h>

/* Slots or items of one slice: under a millisecond or so each. */
enum { LIST_SLICE = 16384, DROP_SLICE = 8192, COLLECT_SLICE = 512 };

static size_t head_budget(const db *d)
{
    size_t floor = (size_t)d->head.series.n_live * DB_HEAD_BUDGET_SERIES;
    return d->opt.head_budget_bytes > floor ? d->opt.head_budget_bytes : floor;
}

bool db_flush_is_due(const db *d)
{
    const head *h = &d->head;
    if (d->phase != FLUSH_IDLE || d->opt.read_only || !h->n_chunks
        || (d->now_ms < d->next_flush_ms && !d->flush_requested))
        return false;
    int64_t age = d->now_ms - d->last_flush_ms;
    return d->flush_requested || age >= d->opt.block_ms || h->chunk_bytes > head_budget(d)
        || (age >= DB_PACK_MS && h->n_full > h->series.n_live / 2);
}

void db_flush_begin(db *d)
{
    assert(d->phase == FLUSH_IDLE);
    d->flush_requested = false;
    d->collecting = false;
    commit_next_segment(&d->queue);
    head_flush_begin(&d->head, &d->flush);
    d->phase = FLUSH_LISTING;
}

/* ---- worker ---- */

typedef struct reader {
    chunk_view *views;
    size_t cap;
} reader;

static size_t list_views(reader *r, const head_flush_item *it)
{
    size_t n = 0;
    for (chunk *c = it->first; c; c = chunk_next(c)) {
        if (n == r->cap) {
            r->cap = r->cap ? r->cap * 2 : 16;
            r->views = xreallocarray(r->views, r->cap, sizeof *r->views);
        }
        r->views[n++] = chunk_look(c, 0); /* sealed: it knows its newest time */
    }
    return n;
}

static void read_item(void *ctx, const flush_series *s, int64_t mint, int64_t maxt, sample_columns *out)
{
    reader *r = ctx;
    size_t n = list_views(r, s->source);
    views_read(r->views, n, mint, maxt, out);
}

static flush_series describe(head_flush_item *it)
{
    flush_series f = {
        .labels = it->s->labels, .group = it->s->group, .mint = INT64_MAX, .maxt = INT64_MIN, .source = it
    };
    for (const chunk *c = it->first; c; c = chunk_next(c)) {
        f.mint = chunk_min_t(c) < f.mint ? chunk_min_t(c) : f.mint;
        f.maxt = chunk_max_t(c) > f.maxt ? chunk_max_t(c) : f.maxt;
    }
    return f;
}

/* The number must outlive the segments: a store without any would count from 1 again, below what days have covered. */
static bool remember_segment(db_job *j)
{
    buf b;
    buf_init(&b, 16);
    buf_put_varint(&b, j->covered);
    bool ok = meta_put(j->d->meta, "store", BYTES("segment"), buf_bytes(&b), &j->e);
    meta_rest(j->d->meta);
    buf_release(&b);
    return ok;
}

static void run_flush(db_job *j)
{
    const head_flush *f = &j->d->flush;
    reader r = { 0 };
    flush_result got = { 0 };
    flush_input in = { .series = xmalloc((f->n ? f->n : 1) * sizeof *in.series),
                       .n = f->n,
                       .read = read_item,
                       .ctx = &r,
                       .covered = j->covered };
    for (size_t i = 0; i < f->n; i++)
        in.series[i] = describe(&f->items[i]);
    j->ok = remember_segment(j) && flush_run(j->d->days, &in, &got, &j->e)
         && journal_drop_below(j->d->journal_dir, j->covered, &j->e);
    j->n_samples = got.n_samples;
    j->n_bytes = got.n_bytes;
    free(in.series);
    free(r.views);
}

/* ---- loop ---- */

static void finish_flush(db *d)
{
    head_flush_end(&d->head, d->flush_worked);
    free(d->flush.items);
    d->flush = (head_flush){ 0 };
    d->phase = FLUSH_IDLE;
    d->collecting = true;
    d->collect_at = 0;
}

static void flush_done(db *d, db_job *j)
{
    d->flush_worked = j->ok;
    d->dropped = 0;
    d->last_flush_ms = j->ok ? d->now_ms : d->last_flush_ms;
    d->next_flush_ms = j->ok ? INT64_MIN : d->now_ms + DB_FLUSH_RETRY_MS;
    db_refresh_bounds(d);
    if (j->ok) {
        log_info("Head flushed", "series", log_i64((int64_t)d->flush.n), "samples", log_i64((int64_t)j->n_samples),
                 "bytes", log_i64((int64_t)j->n_bytes));
        d->phase = FLUSH_DROPPING;
        return;
    }
    log_error("Flushing the head failed, keeping it in memory", "err", j->e.msg);
    finish_flush(d);
}

static db_job *list_step(db *d)
{
    if (!head_flush_list(&d->head, &d->flush, LIST_SLICE))
        return NULL;
    d->phase = FLUSH_RUNNING;
    db_job *j = db_job_new(d, run_flush, flush_done);
    j->covered = d->queue.segment;
    return j;
}

static void drop_step(db *d)
{
    size_t n = d->flush.n - d->dropped;
    n = n > DROP_SLICE ? DROP_SLICE : n;
    head_flush_drop(&d->head, d->flush.items + d->dropped, n);
    d->dropped += n;
    if (d->dropped == d->flush.n)
        finish_flush(d);
}

static void collect_step(db *d)
{
    int64_t newest = db_newest(d);
    int64_t before = newest > INT64_MIN + DB_IDLE_MS ? newest - DB_IDLE_MS : INT64_MIN + 1;
    if (!head_collect(&d->head, &d->collect_at, COLLECT_SLICE, before))
        return;
    d->collecting = false;
    malloc_trim(0);
}

bool db_flush_wants_step(const db *d)
{
    return d->phase == FLUSH_LISTING || d->phase == FLUSH_DROPPING || (d->phase == FLUSH_IDLE && d->collecting);
}

db_job *db_flush_step(db *d)
{
    switch (d->phase) {
    case FLUSH_LISTING: return list_step(d);
    case FLUSH_DROPPING: drop_step(d); break;
    case FLUSH_IDLE: collect_step(d); break;
    case FLUSH_RUNNING: break;
    }
    return NULL;
}
