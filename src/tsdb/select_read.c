/* select_read.c: series of a snapshot: head and day files as one list, and their samples. Worker.
 *
 * Series of the head and of each day are joined by labels in a hash table; the order by labels is made at the end. A
 * read takes the days in order, then the head's chunks, and merges: what is in memory was written last.
 * Invariant: a hit that is solid has all its XOR samples newer than anything the day files hold of the series.  */
#include "tsdb/merge.h"
#include "tsdb/select_impl.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { READER_CACHE = 16 << 20 };

bool snapshot_check_cancel(const snapshot *s, err *e)
{
    if (s->cancel && atomic_load_explicit(s->cancel, memory_order_relaxed))
        return err_set(e, ERR_CANCELED, "query was canceled");
    return true;
}

day_reader *snapshot_reader(snapshot *s)
{
    if (!s->reader) {
        s->reader = day_reader_new(s->d->days, s->days, READER_CACHE);
        day_reader_set_cancel(s->reader, s->cancel);
    }
    return s->reader;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool snapshot_each_day(snapshot *s, size_t i, snapshot_day_fn fn, void *ctx, err *e)
{
    int64_t mint = max_i64(s->sels[i].mint, s->disk_min_t), maxt = min_i64(s->sels[i].maxt, s->disk_max_t);
    for (uint32_t k = 0; k < s->days->n; k++) {
        int64_t from = (int64_t)s->days->days[k]->day * DAY_MS, to = from + DAY_MS - 1;
        if (to < mint || from > maxt)
            continue;
        if (!snapshot_check_cancel(s, e)
            || !fn(s, i, s->days->days[k]->day, max_i64(from, mint), min_i64(to, maxt), ctx, e))
            return false;
    }
    return true;
}

bool snapshot_hides(snapshot *s, int32_t day, const day_series *x, int64_t mint, int64_t maxt, arena *a, day_part *out,
                    bool *visible, err *e)
{
    *visible = true;
    out->day = day;
    out->id = x->id;
    out->n_hides = tombstones_hide(s->tombstones, x->labels, mint, maxt, a, &out->hides);
    if (!out->n_hides)
        return true;
    s->scratch.n = 0;
    if (!day_read_visible(snapshot_reader(s), day, x->id, mint, maxt, out->hides, out->n_hides, &s->scratch, e))
        return false;
    *visible = s->scratch.n > 0;
    return true;
}

/* ---- joining by labels ---- */

typedef struct join {
    arena *a;
    found *list;
    size_t n, cap;
    uint32_t *buckets;       /* index + 1 */
    size_t n_buckets;        /* power of two; 0: not made yet */
} join;

static void join_enter(join *j, size_t i)
{
    size_t b = j->list[i].labels->hash & (j->n_buckets - 1);
    while (j->buckets[b])
        b = (b + 1) & (j->n_buckets - 1);
    j->buckets[b] = (uint32_t)i + 1;
}

static void join_rehash(join *j)
{
    if (j->n * 2 < j->n_buckets)
        return;
    j->n_buckets = j->n_buckets ? j->n_buckets * 2 : 64;
    while (j->n * 2 >= j->n_buckets)
        j->n_buckets *= 2;
    j->buckets = xreallocarray(j->buckets, j->n_buckets, sizeof *j->buckets);
    memset(j->buckets, 0, j->n_buckets * sizeof *j->buckets);
    for (size_t i = 0; i < j->n; i++)
        join_enter(j, i);
}

static void join_push(join *j, found f)
{
    if (j->n == j->cap) {
        size_t cap = j->cap ? j->cap * 2 : 64;
        j->list = arena_grow(j->a, j->list, j->cap * sizeof *j->list, cap * sizeof *j->list);
        j->cap = cap;
    }
    j->list[j->n++] = f;
}

static found *join_find(join *j, const labels *l)
{
    join_rehash(j);
    for (size_t b = l->hash & (j->n_buckets - 1); j->buckets[b]; b = (b + 1) & (j->n_buckets - 1))
        if (labels_eq(j->list[j->buckets[b] - 1].labels, l))
            return &j->list[j->buckets[b] - 1];
    join_push(j, (found){ .labels = l });
    join_enter(j, j->n - 1);
    return &j->list[j->n - 1];
}

static bool join_day(snapshot *s, size_t i, int32_t day, int64_t mint, int64_t maxt, void *ctx, err *e)
{
    join *j = ctx;
    day_series *all = NULL;
    size_t n = 0;
    bool hidden = tombstones_touch(s->tombstones, mint, maxt);
    if (!day_find(snapshot_reader(s), day, s->sels[i].ms, s->sels[i].n, mint, maxt, j->a, &all, &n, e))
        return false;
    day_part *parts = ARENA_ARRAY(j->a, day_part, n);
    for (size_t k = 0; k < n; k++) {
        bool visible = true;
        parts[k] = (day_part){ .day = day, .id = all[k].id };
        if (hidden && !snapshot_hides(s, day, &all[k], mint, maxt, j->a, &parts[k], &visible, e))
            return false;
        if (!visible)
            continue;
        found *f = join_find(j, all[k].labels);
        if (f->last)
            f->last->next = &parts[k];
        else
            f->first = &parts[k];
        f->last = &parts[k];
    }
    return true;
}

static uint32_t rank_of(const found *f)
{
    return f->hit ? f->hit->rank : 0;
}

/* By rank where both have one: the same order, without looking at the labels. */
static int cmp_found(const void *a, const void *b)
{
    const found *x = a, *y = b;
    uint32_t rx = rank_of(x), ry = rank_of(y);
    if (rx && ry)
        return (rx > ry) - (rx < ry);
    return labels_cmp(x->labels, y->labels);
}

static int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* All have a rank: sorts (rank, index) words and puts the structs in their place once. */
static void sort_by_rank(join *j)
{
    uint64_t *keys = xmalloc(j->n * sizeof *keys);
    found *list = ARENA_ARRAY(j->a, found, j->n);
    for (size_t i = 0; i < j->n; i++)
        keys[i] = (uint64_t)rank_of(&j->list[i]) << 32 | i;
    qsort(keys, j->n, sizeof *keys, cmp_u64);
    for (size_t i = 0; i < j->n; i++)
        list[i] = j->list[(uint32_t)keys[i]];
    j->list = list;
    free(keys);
}

static void sort_found(join *j)
{
    bool all_ranked = true, sorted = true;
    for (size_t i = 0; i < j->n && (all_ranked || sorted); i++) {
        all_ranked = all_ranked && rank_of(&j->list[i]);
        sorted = sorted && (i == 0 || cmp_found(&j->list[i - 1], &j->list[i]) < 0);
    }
    if (sorted)
        return;
    if (all_ranked)
        sort_by_rank(j);
    else
        qsort(j->list, j->n, sizeof *j->list, cmp_found);
}

bool snapshot_series(snapshot *s, size_t i, arena *a, series_view **out, size_t *n, err *e)
{
    selection *sel = &s->sel[i];
    join j = { .a = a, .cap = sel->n_hits };
    if (!snapshot_check_cancel(s, e))
        return false;
    j.list = ARENA_ARRAY(a, found, j.cap);
    for (size_t k = 0; k < sel->n_hits; k++)
        join_push(&j, (found){ .labels = sel->hits[k].labels, .hit = &sel->hits[k] });
    bool ok = snapshot_each_day(s, i, join_day, &j, e);
    free(j.buckets);
    if (!ok)
        return false;
    sort_found(&j);
    sel->found = j.list;
    sel->n_found = j.n;
    sel->is_planned = false;
    *n = j.n;
    *out = ARENA_ARRAY(a, series_view, j.n);
    for (size_t k = 0; k < j.n; k++)
        (*out)[k] = (series_view){ j.list[k].labels, &j.list[k], (uint32_t)i };
    return true;
}

/* ---- reading ---- */

/* Tells the reader in which order series will be asked for, once per selector. */
static bool plan_day(snapshot *s, size_t i, int32_t day, int64_t mint, int64_t maxt, void *ctx, err *e)
{
    const selection *sel = &s->sel[i];
    uint32_t *ids = xmalloc((sel->n_found ? sel->n_found : 1) * sizeof *ids);
    size_t n = 0;
    for (size_t k = 0; k < sel->n_found; k++)
        for (const day_part *p = sel->found[k].first; p; p = p->next)
            if (p->day == day)
                ids[n++] = p->id;
    day_plan(snapshot_reader(s), day, ids, n, s->sels[i].mint, s->sels[i].maxt); /* as wide as reads may be */
    free(ids);
    return true;
}

static bool read_days(snapshot *s, const series_view *v, int64_t mint, int64_t maxt, sample_columns *out, err *e)
{
    const found *f = v->source;
    selection *sel = &s->sel[v->selector];
    if (f->first && !sel->is_planned) {
        sel->is_planned = true;
        if (!snapshot_each_day(s, v->selector, plan_day, NULL, e))
            return false;
    }
    for (const day_part *p = f->first; p; p = p->next) {
        int64_t from = (int64_t)p->day * DAY_MS, to = from + DAY_MS - 1;
        if (to < mint || from > maxt)
            continue;
        bool ok = p->n_hides ? day_read_visible(s->reader, p->day, p->id, mint, maxt, p->hides, p->n_hides, out, e)
                             : day_read(s->reader, p->day, p->id, mint, maxt, out, e);
        if (!ok)
            return false;
    }
    return true;
}

/* Cuts to the selector's range; false: nothing is left. */
static bool cut_range(const snapshot *s, const series_view *v, int64_t *mint, int64_t *maxt)
{
    const db_selector *sel = &s->sels[v->selector];
    *mint = max_i64(*mint, sel->mint);
    *maxt = min_i64(*maxt, sel->maxt);
    return *mint <= *maxt;
}

bool series_read(snapshot *s, const series_view *v, int64_t mint, int64_t maxt, sample_columns *out, err *e)
{
    const found *f = v->source;
    out->n = 0;
    if (!snapshot_check_cancel(s, e))
        return false;
    if (!cut_range(s, v, &mint, &maxt))
        return true;
    if (f->first && !read_days(s, v, mint, maxt, out, e))
        return false;
    if (f->hit) {
        size_t mid = out->n;
        views_read(s->sel[v->selector].views + f->hit->first_view, f->hit->n_views, mint, maxt, out);
        columns_merge_tail(out, 0, mid);
    }
    return true;
}

/* The newest sample at or before maxt of a hit that is not its newest: in the newest XOR chunk that begins by then.
 * false: not to be told from one chunk. */
static bool last_in_chunk(snapshot *s, const series_view *v, const head_hit *hit, int64_t maxt, sample *out)
{
    const chunk_view *views = s->sel[v->selector].views + hit->first_view;
    const chunk_view *best = NULL;
    for (uint32_t i = hit->n_views; i-- > 0;) {
        if (chunk_encoding(views[i].c) == CHUNK_RAW)
            return false;
        if (views[i].min_t <= maxt && (!best || views[i].min_t > best->min_t))
            best = &views[i];
    }
    if (!best)
        return false;
    s->scratch.n = 0;
    views_read(best, 1, INT64_MIN, maxt, &s->scratch);
    *out = (sample){ s->scratch.t[s->scratch.n - 1], s->scratch.v[s->scratch.n - 1] };
    return hit->is_solid || out->t >= s->disk_max_t;
}

bool series_last(snapshot *s, const series_view *v, int64_t mint, int64_t maxt, sample *out, bool *found_one, err *e)
{
    const found *f = v->source;
    *found_one = false;
    if (!cut_range(s, v, &mint, &maxt))
        return true;
    if (f->hit) {
        const head_hit *hit = f->hit;
        bool known = hit->last.t <= maxt ? hit->is_solid || hit->last.t >= s->disk_max_t
                                         : last_in_chunk(s, v, hit, maxt, out);
        if (known) {
            *out = hit->last.t <= maxt ? hit->last : *out;
            *found_one = out->t >= mint;
            return true;
        }
    }
    if (!series_read(s, v, mint, maxt, &s->scratch, e))
        return false;
    *found_one = s->scratch.n > 0;
    if (*found_one)
        *out = (sample){ s->scratch.t[s->scratch.n - 1], s->scratch.v[s->scratch.n - 1] };
    return true;
}
