/* append.c: db_append(): judging samples, storing them in the head, queueing them for the journal. See append.h and
 * db.h. */
#include "tsdb/append.h"
#include "tsdb/db_impl.h"

/* Items whose memory is fetched together before they are appended: else each sample waits for four cache misses in
 * turn. */
enum { LOOK_AHEAD = 16 };

enum append_verdict append_judge(const append_rules *r, const series *s, sample x, uint8_t *status)
{
    *status = APPEND_OK;
    if (x.t < r->oldest || x.t > APPEND_LAST_T || x.t < -APPEND_LAST_T) {
        *status = APPEND_OUT_OF_BOUNDS;
        return VERDICT_REFUSE;
    }
    if (!s || s->last_t == INT64_MIN || x.t > s->last_t)
        return VERDICT_STORE;
    if (x.t == s->last_t) {
        if (num_bits(x.v) == num_bits(s->last_v))
            return VERDICT_SAME;
        *status = APPEND_DUPLICATE;
        return VERDICT_REFUSE;
    }
    if (r->ooo_window_ms <= 0) {
        *status = APPEND_OUT_OF_ORDER;
        return VERDICT_REFUSE;
    }
    if (r->newest > INT64_MIN + r->ooo_window_ms && x.t < r->newest - r->ooo_window_ms) {
        *status = APPEND_TOO_OLD;
        return VERDICT_REFUSE;
    }
    return VERDICT_STORE_OOO;
}

uint32_t append_group(const labels *l)
{
    uint64_t job = bytes_hash(labels_get(l, BYTES("job"))), instance = bytes_hash(labels_get(l, BYTES("instance")));
    uint64_t h = (job ^ (instance << 1 | instance >> 63)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32);
}

static series *make_series(db *d, append_item *it, uint32_t *slot)
{
    series *s = head_series(&d->head, it->labels, slot, &it->is_new);
    s->group = append_group(it->labels);
    if (it->t <= d->disk_max_t)
        s->flags |= SERIES_BEHIND_DISK;
    return s;
}

static void store(db *d, series *s, uint32_t slot, sample x, enum append_verdict verdict)
{
    if (verdict == VERDICT_STORE)
        head_store(&d->head, s, x);
    else
        head_store_ooo(&d->head, s, x);
    if (s->journal_seg != (uint32_t)d->queue.segment) {
        s->journal_seg = (uint32_t)d->queue.segment;
        commit_put_def(&d->queue, slot, s->group, s->labels);
    }
    commit_put_sample(&d->queue, slot, x.t, x.v);
    d->samples_appended++;
}

static void append_one(db *d, const append_rules *rules, append_item *it)
{
    uint32_t slot = (uint32_t)it->ref;
    it->is_new = false;
    series *s = it->ref ? series_get(&d->head.series, it->ref) : series_find(&d->head.series, it->labels, &slot);
    if (!s && it->ref) {
        it->status = APPEND_UNKNOWN_REF;
        return;
    }
    sample x = { it->t, it->v };
    enum append_verdict verdict = append_judge(rules, s, x, &it->status);
    if (verdict == VERDICT_REFUSE)
        return;
    if (!s)
        s = make_series(d, it, &slot);
    it->ref = series_ref(s, slot);
    if (verdict != VERDICT_SAME)
        store(d, s, slot, x, verdict);
}

/* Fetches what appending the items will touch, level by level: bucket, series, then labels and the end of the chunk. */
static void prefetch(const db *d, const append_item *items, size_t n)
{
    const series_table *table = &d->head.series;
    series *found[LOOK_AHEAD];
    for (size_t i = 0; i < n; i++)
        if (!items[i].ref)
            series_prefetch(table, items[i].labels->hash);
    for (size_t i = 0; i < n; i++) {
        found[i] = items[i].ref ? series_at_ref(table, items[i].ref) : series_first_of(table, items[i].labels->hash);
        if (found[i])
            __builtin_prefetch(found[i], 1);
    }
    for (size_t i = 0; i < n; i++) {
        if (!found[i] || !found[i]->labels)
            continue;
        if (!items[i].ref)
            __builtin_prefetch(found[i]->labels);
        if (found[i]->chunks) {
            __builtin_prefetch(found[i]->chunks, 1);
            __builtin_prefetch((const char *)found[i]->chunks + 64, 1);
        }
    }
}

uint64_t db_append(db *d, append_item *items, size_t n)
{
    bool queue_full = d->queue.n_bytes + d->taken_bytes > DB_QUEUE_MAX;
    uint64_t was = d->samples_appended;
    for (size_t i = 0; i < n; i++) {
        append_rules rules = { d->ooo_window_ms, db_newest(d), d->oldest_allowed };
        if (queue_full) {
            items[i].status = APPEND_NO_MEMORY;
            items[i].is_new = false;
            continue;
        }
        if (i % LOOK_AHEAD == 0)
            prefetch(d, items + i, n - i < LOOK_AHEAD ? n - i : LOOK_AHEAD);
        append_one(d, &rules, &items[i]);
    }
    if (d->samples_appended != was)
        commit_mark(&d->queue, ++d->seq);
    return d->seq;
}
