/* select.c: taking a snapshot, on the loop. Finding and reading series in it, on a worker: select_read.c,
 * select_labels.c.
 *
 * What the loop takes of a head series is a hit: its labels and views of the chunks in range, by reference; of the day
 * files, the list of days with the blocks committed by now; of the deletes, the set of tombstones.              */
#include "tsdb/select.h"
#include "tsdb/select_impl.h"
#include <stdlib.h>

snapshot *snapshot_begin(db *d, const db_selector *sels, size_t n)
{
    snapshot *s = xcalloc(1, sizeof *s);
    *s = (snapshot){ .d = d, .sels = sels, .n = n, .sel = xcalloc(n ? n : 1, sizeof(selection)) };
    for (size_t i = 0; i < n; i++) {
        selection *sel = &s->sel[i];
        sel->scans = xcalloc(sels[i].n ? sels[i].n : 1, sizeof *sel->scans);
        for (size_t k = 0; k < sels[i].n; k++)
            matcher_scan_begin(&d->head.index, &sels[i].ms[k], &sel->scans[k]);
    }
    return s;
}

bool snapshot_wants_regex(const snapshot *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->sels[i].n; k++)
            if (matcher_scan_is_long(&s->sel[i].scans[k]))
                return true;
    return false;
}

void snapshot_run_regex(snapshot *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->sels[i].n; k++)
            matcher_scan_run(&s->sels[i].ms[k], &s->sel[i].scans[k]);
}

static void put_view(selection *sel, chunk_view v)
{
    if (sel->n_views == sel->cap_views) {
        sel->cap_views = sel->cap_views ? sel->cap_views * 2 : 16;
        sel->views = xreallocarray(sel->views, sel->cap_views, sizeof *sel->views);
    }
    chunk_ref(v.c);
    sel->views[sel->n_views++] = v;
}

static void take_series(selection *sel, const db_selector *range, series *x)
{
    head_hit hit = { .first_view = (uint32_t)sel->n_views,
                     .last = { x->last_t, x->last_v },
                     .rank = x->rank,
                     .is_solid = !(x->flags & SERIES_BEHIND_DISK) };
    bool in_range = x->last_t >= range->mint && x->last_t <= range->maxt && x->last_t != INT64_MIN;
    for (chunk *c = x->chunks; c; c = chunk_next(c)) {
        chunk_view v = chunk_look(c, x->last_t);
        if (v.min_t > range->maxt || v.max_t < range->mint)
            continue;
        in_range = true;
        if (range->names_only)
            break;
        put_view(sel, v);
    }
    hit.n_views = (uint32_t)sel->n_views - hit.first_view;
    if (!in_range)
        return;
    hit.labels = labels_ref(x->labels);
    sel->hits[sel->n_hits++] = hit;
}

static void take_selection(snapshot *s, size_t i)
{
    const series_table *table = &s->d->head.series;
    selection *sel = &s->sel[i];
    uint32_t *slots = NULL;
    size_t n_slots = 0;
    if (s->sels[i].maxt < s->sels[i].mint || snapshot_take_names(s, i))
        return;
    postings_select(&s->d->head.index, s->sels[i].ms, sel->scans, s->sels[i].n, &slots, &n_slots);
    sel->hits = n_slots ? xmalloc(n_slots * sizeof *sel->hits) : NULL;
    for (size_t k = 0; k < n_slots; k++) {
        series *x = series_at(table, slots[k]);
        if (k + 8 < n_slots)
            __builtin_prefetch(series_at(table, slots[k + 8]));
        if (k + 4 < n_slots)
            __builtin_prefetch(series_at(table, slots[k + 4])->chunks, 1);
        if (x->last_t >= s->sels[i].mint) /* nothing of it is newer */
            take_series(sel, &s->sels[i], x);
    }
    free(slots);
}

bool snapshot_take(snapshot *s, err *e)
{
    s->disk_min_t = s->d->disk_min_t;
    s->disk_max_t = s->d->disk_max_t;
    s->tombstones = tombstone_set_ref(s->d->tombstones);
    s->days = daystore_list(s->d->days);
    for (size_t i = 0; i < s->n; i++)
        take_selection(s, i);
    return true;
}

bool snapshot_open(db *d, const db_selector *sels, size_t n, snapshot **out, err *e)
{
    *out = snapshot_begin(d, sels, n);
    if (snapshot_take(*out, e))
        return true;
    snapshot_free(*out);
    *out = NULL;
    return false;
}

static void selection_release(selection *sel, size_t n_matchers)
{
    for (size_t k = 0; k < n_matchers; k++)
        matcher_scan_release(&sel->scans[k]);
    for (size_t k = 0; k < sel->n_views; k++)
        chunk_unref(sel->views[k].c);
    for (size_t k = 0; k < sel->n_hits; k++)
        labels_unref(sel->hits[k].labels);
    snapshot_release_names(sel);
    free(sel->scans);
    free(sel->views);
    free(sel->hits);
}

void snapshot_free(snapshot *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        selection_release(&s->sel[i], s->sels[i].n);
    if (s->reader)
        day_reader_free(s->reader);
    day_list_unref(s->days);
    tombstone_set_unref(s->tombstones);
    sample_columns_release(&s->scratch);
    free(s->sel);
    free(s);
}

void snapshot_set_cancel(snapshot *s, const _Atomic bool *cancel)
{
    s->cancel = cancel;
    if (s->reader)
        day_reader_set_cancel(s->reader, cancel);
}
