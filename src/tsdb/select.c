/* select.c: one view over head and day files: taking it (loop), finding series in it (worker), reading them (worker).
 *
 * What the loop takes of a head series is a hit: its labels and views of the chunks in range, by reference. The
 * worker merges hits with the series of the day files by labels.
 * Invariants: (1) hits of a selector are sorted by labels once snapshot_series() has run for it; (2) the range of a read is
 * cut to the selector's.                                                                                        */
#include "tsdb/select.h"
#include "base/map.h"
#include "tsdb/db_impl.h"
#include "tsdb/merge.h"
#include <stdatomic.h>
#include <stdlib.h>

/* A series of the head. */
typedef struct head_hit {
    const labels *labels;      /* one reference */
    uint32_t first_view, n_views;
    sample last;               /* newest of the series; t INT64_MIN: not known */
    bool is_solid;             /* day files hold nothing newer than last, nor between its in-order samples */
} head_hit;

typedef struct selection {
    matcher_scan *scans;       /* per matcher */
    head_hit *hits;
    size_t n_hits;
    chunk_view *views;         /* one reference each */
    size_t n_views, cap_views;
    bool is_sorted;
} selection;

struct snapshot {
    db *d;
    const db_selector *sels;
    selection *sel;
    size_t n;
    bool taken;
    int64_t disk_max_t;
    const _Atomic bool *cancel;
    sample_columns scratch;
};

/* ---- taking ---- */

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
                     .is_solid = !(x->flags & SERIES_BEHIND_DISK) };
    for (chunk *c = x->chunks; c; c = chunk_next(c)) {
        chunk_view v = chunk_look(c, x->last_t);
        if (v.min_t <= range->maxt && v.max_t >= range->mint)
            put_view(sel, v);
    }
    hit.n_views = (uint32_t)sel->n_views - hit.first_view;
    bool last_in_range = x->last_t >= range->mint && x->last_t <= range->maxt;
    if (!hit.n_views && !(last_in_range && x->last_t != INT64_MIN))
        return;
    hit.labels = labels_ref(x->labels);
    sel->hits[sel->n_hits++] = hit;
}

static void take_selection(snapshot *s, size_t i)
{
    db *d = s->d;
    selection *sel = &s->sel[i];
    uint32_t *slots = NULL;
    size_t n_slots = 0;
    if (s->sels[i].maxt < s->sels[i].mint)
        return;
    postings_select(&d->head.index, s->sels[i].ms, sel->scans, s->sels[i].n, &slots, &n_slots);
    sel->hits = n_slots ? xmalloc(n_slots * sizeof *sel->hits) : NULL;
    for (size_t k = 0; k < n_slots; k++) {
        series *x = series_at(&d->head.series, slots[k]);
        if (k + 8 < n_slots)
            __builtin_prefetch(series_at(&d->head.series, slots[k + 8]));
        if (k + 4 < n_slots)
            __builtin_prefetch(series_at(&d->head.series, slots[k + 4])->chunks, 1);
        if (x->last_t >= s->sels[i].mint) /* nothing of it is newer */
            take_series(sel, &s->sels[i], x);
    }
    free(slots);
}

bool snapshot_take(snapshot *s, err *e)
{
    s->disk_max_t = s->d->disk_max_t;
    for (size_t i = 0; i < s->n; i++)
        take_selection(s, i);
    s->taken = true;
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

void snapshot_free(snapshot *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        selection *sel = &s->sel[i];
        for (size_t k = 0; k < s->sels[i].n; k++)
            matcher_scan_release(&sel->scans[k]);
        for (size_t k = 0; k < sel->n_views; k++)
            chunk_unref(sel->views[k].c);
        for (size_t k = 0; k < sel->n_hits; k++)
            labels_unref(sel->hits[k].labels);
        free(sel->scans);
        free(sel->views);
        free(sel->hits);
    }
    sample_columns_release(&s->scratch);
    free(s->sel);
    free(s);
}

void snapshot_set_cancel(snapshot *s, const _Atomic bool *cancel)
{
    s->cancel = cancel;
}

static bool check_cancel(const snapshot *s, err *e)
{
    if (s->cancel && atomic_load_explicit(s->cancel, memory_order_relaxed))
        return err_set(e, ERR_CANCELED, "query was canceled");
    return true;
}

/* ---- finding series ---- */

static int cmp_hits(const void *a, const void *b)
{
    return labels_cmp(((const head_hit *)a)->labels, ((const head_hit *)b)->labels);
}

bool snapshot_series(snapshot *s, size_t i, arena *a, series_view **out, size_t *n, err *e)
{
    selection *sel = &s->sel[i];
    if (!check_cancel(s, e))
        return false;
    if (!sel->is_sorted && sel->n_hits)
        qsort(sel->hits, sel->n_hits, sizeof *sel->hits, cmp_hits);
    sel->is_sorted = true;
    *out = ARENA_ARRAY(a, series_view, sel->n_hits);
    *n = sel->n_hits;
    for (size_t k = 0; k < sel->n_hits; k++)
        (*out)[k] = (series_view){ sel->hits[k].labels, &sel->hits[k], (uint32_t)i };
    return true;
}

/* ---- reading samples ---- */

static void cut_range(const snapshot *s, const series_view *v, int64_t *mint, int64_t *maxt)
{
    const db_selector *sel = &s->sels[v->selector];
    *mint = *mint < sel->mint ? sel->mint : *mint;
    *maxt = *maxt > sel->maxt ? sel->maxt : *maxt;
}

bool series_read(snapshot *s, const series_view *v, int64_t mint, int64_t maxt, sample_columns *out, err *e)
{
    const head_hit *hit = v->source;
    out->n = 0;
    if (!check_cancel(s, e))
        return false;
    cut_range(s, v, &mint, &maxt);
    if (mint <= maxt)
        views_read(s->sel[v->selector].views + hit->first_view, hit->n_views, mint, maxt, out);
    return true;
}

bool series_last(snapshot *s, const series_view *v, int64_t mint, int64_t maxt, sample *out, bool *found, err *e)
{
    const head_hit *hit = v->source;
    *found = false;
    cut_range(s, v, &mint, &maxt);
    if (mint > maxt)
        return true;
    if (hit->last.t <= maxt && (hit->is_solid || hit->last.t >= s->disk_max_t)) {
        *found = hit->last.t >= mint;
        *out = hit->last;
        return true;
    }
    if (!series_read(s, v, mint, maxt, &s->scratch, e))
        return false;
    *found = s->scratch.n > 0;
    if (*found)
        *out = (sample){ s->scratch.t[s->scratch.n - 1], s->scratch.v[s->scratch.n - 1] };
    return true;
}

/* ---- label names and values ---- */

static int cmp_bytes(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

/* The keys of a set, sorted, at most limit, copied into a. */
static void list_keys(const map *m, size_t limit, arena *a, bytes **out, size_t *n)
{
    map_slot *slot;
    size_t k = 0;
    bytes *list = ARENA_ARRAY(a, bytes, m->n);
    for (size_t i = 0; (slot = map_next(m, &i));)
        list[k++] = slot->key;
    if (k)
        qsort(list, k, sizeof *list, cmp_bytes);
    *n = limit && limit < k ? limit : k;
    for (size_t i = 0; i < *n; i++)
        list[i] = arena_dup(a, list[i]);
    *out = list;
}

/* Runs over all series of all selectors and collects names (name.len == 0) or the values of one name. */
static bool collect(snapshot *s, bytes name, map *set, arena *tmp, err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        series_view *views = NULL;
        size_t n = 0;
        label x;
        if (!snapshot_series(s, i, tmp, &views, &n, e))
            return false;
        for (size_t k = 0; k < n; k++) {
            if (name.len) {
                bytes value = labels_get(views[k].labels, name);
                if (value.len)
                    map_put(set, value, NULL);
                continue;
            }
            for (labels_iter it = labels_walk(views[k].labels); labels_next(&it, &x);)
                map_put(set, x.name, NULL);
        }
    }
    return true;
}

static bool label_set(snapshot *s, bytes name, size_t limit, arena *a, bytes **out, size_t *n, err *e)
{
    map set;
    arena tmp;
    map_init(&set, MAP_BORROWED_KEYS);
    arena_init(&tmp, 0);
    bool ok = collect(s, name, &set, &tmp, e);
    if (ok)
        list_keys(&set, limit, a, out, n);
    map_release(&set);
    arena_release(&tmp);
    return ok;
}

bool snapshot_label_names(snapshot *s, size_t limit, arena *a, bytes **out, size_t *n, err *e)
{
    return label_set(s, (bytes){ 0 }, limit, a, out, n, e);
}

bool snapshot_label_values(snapshot *s, bytes name, size_t limit, arena *a, bytes **out, size_t *n, err *e)
{
    *out = NULL;
    *n = 0;
    return !name.len || label_set(s, name, limit, a, out, n, e);
}
