/* delete.c: db_delete(): the head forgets at once, day files get a tombstone, the journal gets both in order.
 *
 * A tombstone hides what flushes up to the current segment number have stored. Nothing appended from now on is in
 * such a flush: the next one to begin has a higher number, and one under way was listed before (a listing that is not
 * finished is brought to its end first). What the head still holds afterwards is visible, deleted times that are
 * written again too. */
#include "base/limits.h"
#include "tsdb/db_impl.h"
#include <stdlib.h>

void db_delete_in_head(db *d, const tombstone *t)
{
    matcher_scan *scans = xcalloc(t->n + 1, sizeof *scans);
    uint32_t *slots = NULL;
    size_t n_slots = 0;
    for (size_t i = 0; i < t->n; i++)
        matcher_scan_begin(&d->head.index, &t->ms[i], &scans[i]);
    postings_select(&d->head.index, t->ms, scans, t->n, &slots, &n_slots);
    for (size_t i = 0; i < t->n; i++)
        matcher_scan_release(&scans[i]);
    for (size_t i = 0; i < n_slots; i++)
        head_delete(&d->head, slots[i], t->mint, t->maxt);
    free(slots);
    free(scans);
    if (!d->head.series.n_live) /* what the out-of-order window counts from is gone */
        d->head.max_t = INT64_MIN;
}

/* Is there, or will there be once a flush has ended, anything of the range in day files? */
static bool needs_tombstone(const db *d, int64_t mint, int64_t maxt)
{
    if (d->phase != FLUSH_IDLE)
        return true;
    return d->disk_min_t <= maxt && d->disk_max_t >= mint;
}

static void finish_listing(db *d)
{
    while (d->phase == FLUSH_LISTING && !head_flush_list(&d->head, &d->flush, UINT32_MAX))
        ;
}

bool db_delete(db *d, const matcher *ms, size_t n, int64_t mint, int64_t maxt, uint64_t *seq, err *e)
{
    buf payload;
    *seq = d->seq;
    if (d->opt.read_only)
        return err_set(e, ERR_UNAVAILABLE, "the store is open for reading only");
    if (mint > maxt)
        return true;
    finish_listing(d);
    tombstone *t = tombstone_new(d->next_tombstone++, d->queue.segment, ms, n, mint, maxt);
    buf_init(&payload, LIMIT_JOURNAL_RECORD / 2);
    tombstone_write(t, &payload);
    if (payload.overflow) {
        tombstone_unref(t);
        buf_release(&payload);
        return err_set(e, ERR_BAD_DATA, "too many matchers");
    }
    bool on_disk = needs_tombstone(d, mint, maxt);
    if (on_disk) {
        tombstone_set *set = tombstone_set_with(d->tombstones, t);
        tombstone_set_unref(d->tombstones);
        d->tombstones = set;
    }
    db_delete_in_head(d, t);
    bytes record;
    record.p = buf_take(&payload, &record.len);
    *seq = ++d->seq;
    commit_put_record(&d->queue, record, on_disk ? t->id : 0, *seq);
    tombstone_unref(t);
    return true;
}

void db_clean_tombstones(db *d)
{
    d->clean_requested = true;
}
