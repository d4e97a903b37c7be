/* replay.c: at start, journal segments back into the head.
 *
 * Segments are read in order. A sample is skipped where its day file says that a flush has covered the segment. The
 * order rules do not apply again: what is in the journal was accepted. A tombstone takes effect where it stands between
 * the samples, so the head ends as it was. Each segment has its own definitions: a handle is the ref of the series.
 * A segment that cannot be read is left where it is, with a log line: the store opens with the rest.            */
#include "base/log.h"
#include "tsdb/db_impl.h"
#include <inttypes.h>

typedef struct replay {
    db *d;
    uint64_t segment;
    /* of the last day asked for: consecutive samples are mostly of one day */
    int32_t day;
    bool day_known, day_covered;
    uint64_t n_samples, n_skipped;
} replay;

static uint64_t on_series(void *ctx, const labels *l, uint64_t group)
{
    replay *r = ctx;
    uint32_t slot = 0;
    bool is_new = false;
    series *s = head_series(&r->d->head, l, &slot, &is_new);
    if (is_new)
        s->group = (uint32_t)group;
    return series_ref(s, slot);
}

static bool is_covered(replay *r, int64_t t)
{
    int32_t day = day_of(t);
    if (!r->day_known || r->day != day) {
        r->day = day;
        r->day_known = true;
        r->day_covered = r->segment < daystore_covered(r->d->days, day);
    }
    return r->day_covered;
}

static void put(replay *r, series *s, sample x)
{
    if (s->last_t == INT64_MIN && x.t <= r->d->disk_max_t)
        s->flags |= SERIES_BEHIND_DISK;
    if (s->last_t == INT64_MIN || x.t > s->last_t)
        head_store(&r->d->head, s, x);
    else if (x.t != s->last_t || num_bits(x.v) != num_bits(s->last_v))
        head_store_ooo(&r->d->head, s, x);
}

static void on_samples(void *ctx, const uint64_t *handles, const int64_t *t, const double *v, size_t n)
{
    replay *r = ctx;
    for (size_t i = 0; i < n; i++) {
        if (is_covered(r, t[i])) {
            r->n_skipped++;
            continue;
        }
        put(r, series_get(&r->d->head.series, handles[i]), (sample){ t[i], v[i] });
        r->n_samples++;
    }
}

static void on_record(void *ctx, int type, bytes payload)
{
    replay *r = ctx;
    err e = { 0 };
    if (type != JOURNAL_TOMBSTONE)
        return;
    tombstone *t = tombstone_parse(payload, &e);
    if (!t) {
        log_warn("Skipping a damaged tombstone in the journal", "err", e.msg);
        return;
    }
    db_delete_in_head(r->d, t);
    tombstone_unref(t);
}

static void read_segment(replay *r)
{
    const journal_visitor v = { .ctx = r, .series = on_series, .samples = on_samples, .record = on_record };
    journal_result got = { 0 };
    err e = { 0 };
    r->day_known = false;
    if (!journal_read(r->d->journal_dir, r->segment, !r->d->opt.read_only, &v, &got, &e))
        log_error("A journal segment could not be read", "segment", log_i64((int64_t)r->segment), "err", e.msg);
    else if (got.cut_bytes)
        log_warn("A journal segment ends in a torn record", "segment", log_i64((int64_t)r->segment), "bytes",
                 log_i64((int64_t)got.cut_bytes));
}

/* Series whose samples were all covered. */
static void drop_empty(db *d)
{
    for (uint32_t at = 0; !head_collect(&d->head, &at, UINT32_MAX, INT64_MIN + 1);)
        ;
}

bool db_replay(db *d, uint64_t *next, err *e)
{
    arena a;
    uint64_t *numbers = NULL;
    size_t n = 0;
    replay r = { .d = d };
    arena_init(&a, 0);
    if (!journal_list(d->journal_dir, &a, &numbers, &n, &d->journal_bytes, e)) {
        arena_release(&a);
        return false;
    }
    head_pin(&d->head); /* a tombstone must not take series away that handles name */
    for (size_t i = 0; i < n; i++) {
        r.segment = numbers[i];
        read_segment(&r);
        *next = numbers[i] >= *next ? numbers[i] + 1 : *next;
    }
    head_unpin(&d->head);
    arena_release(&a);
    drop_empty(d);
    if (r.n_samples)
        log_info("Journal replayed", "segments", log_i64((int64_t)n), "samples", log_i64((int64_t)r.n_samples),
                 "covered", log_i64((int64_t)r.n_skipped), "series", log_i64(d->head.series.n_live));
    return true;
}
