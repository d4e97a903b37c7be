/* head.c: see head.h.
 *
 * Invariants: (1) the index holds exactly the slots that are in use; (2) n_chunks, chunk_bytes and n_samples count what
 * hangs in the series' lists; (3) while the head is pinned no series leaves and no listed chunk changes its link: a
 * delete makes new chunks and buries the old list until the pin is
 * gone. */
#include "tsdb/head.h"
#include "base/arena.h"
#include "tsdb/merge.h"
#include <assert.h>
#include <stdlib.h>

void head_init(head *h)
{
    *h = (head){ .min_t = INT64_MAX, .max_t = INT64_MIN, .flushing_min_t = INT64_MAX };
    series_table_init(&h->series);
    postings_init(&h->index);
}

static void unref_list(chunk *c)
{
    while (c) {
        chunk *next = chunk_next(c);
        chunk_unref(c);
        c = next;
    }
}

static void empty_graveyard(head *h)
{
    for (size_t i = 0; i < h->graveyard.n; i++)
        unref_list(h->graveyard.lists[i]);
    free(h->graveyard.lists);
    h->graveyard.lists = NULL;
    h->graveyard.n = 0;
}

void head_release(head *h)
{
    empty_graveyard(h);
    series_table_release(&h->series);
    postings_release(&h->index);
}

series *head_series(head *h, const labels *l, uint32_t *slot, bool *is_new)
{
    series *s = series_find(&h->series, l, slot);
    *is_new = !s;
    if (s)
        return s;
    s = series_add(&h->series, l, slot);
    postings_add(&h->index, s->labels, *slot);
    h->n_created++;
    h->n_unranked++;
    return s;
}

/* ---- storing ---- */

static void push_chunk(head *h, series *s, chunk *c)
{
    chunk_set_next(c, s->chunks);
    s->chunks = c;
    h->n_chunks++;
    h->chunk_bytes += chunk_mem_bytes(c);
}

static void seal_open(series *s)
{
    for (chunk *c = s->chunks; c && !chunk_is_sealed(c); c = chunk_next(c))
        chunk_seal(c, s->last_t);
}

static void count_sample(head *h, int64_t t)
{
    h->n_samples++;
    h->min_t = t < h->min_t ? t : h->min_t;
    h->max_t = t > h->max_t ? t : h->max_t;
}

/* Appends to the open chunk c (behind prev, NULL: the first). false: it was full and is sealed now, with the other
 * one. */
static bool append_open(head *h, series *s, chunk *prev, chunk *c, sample x)
{
    chunk *now = c;
    size_t was = chunk_mem_bytes(c);
    if (!chunk_append(&now, (sample){ s->last_t, s->last_v }, x)) {
        seal_open(s);
        return false;
    }
    if (now != c) {
        h->chunk_bytes += chunk_mem_bytes(now) - was;
        if (prev)
            chunk_set_next(prev, now);
        else
            s->chunks = now;
    }
    if (chunk_len(now) == CHUNK_MAX_SAMPLES)
        h->n_full++;
    return true;
}

void head_store(head *h, series *s, sample x)
{
    assert(x.t > s->last_t || s->last_t == INT64_MIN);
    chunk *c = s->chunks; /* an open XOR chunk stands first */
    bool is_open = c && !chunk_is_sealed(c) && chunk_encoding(c) == CHUNK_XOR;
    if (!is_open || !append_open(h, s, NULL, c, x))
        push_chunk(h, s, chunk_new(CHUNK_XOR, x));
    s->last_t = x.t;
    s->last_v = x.v;
    count_sample(h, x.t);
}

/* Puts a RAW chunk where it belongs: behind the open XOR chunk, if there is one. */
static void push_raw(head *h, series *s, chunk *raw)
{
    chunk *c = s->chunks;
    if (!c || chunk_is_sealed(c)) {
        push_chunk(h, s, raw);
        return;
    }
    chunk_set_next(raw, chunk_next(c));
    chunk_set_next(c, raw);
    h->n_chunks++;
    h->chunk_bytes += chunk_mem_bytes(raw);
}

void head_store_ooo(head *h, series *s, sample x)
{
    chunk *prev = NULL;
    chunk *c = series_open_chunk(s, CHUNK_RAW, &prev);
    if (!c || !append_open(h, s, prev, c, x))
        push_raw(h, s, chunk_new(CHUNK_RAW, x));
    count_sample(h, x.t);
}

int64_t series_min_t(const series *s)
{
    int64_t t = INT64_MAX;
    for (const chunk *c = s->chunks; c; c = chunk_next(c))
        t = chunk_min_t(c) < t ? chunk_min_t(c) : t;
    return t;
}

static int64_t list_chunk_max_t(const series *s, const chunk *c)
{
    return !chunk_is_sealed(c) && chunk_encoding(c) == CHUNK_XOR ? s->last_t : chunk_max_t(c);
}

int64_t series_max_t(const series *s)
{
    int64_t t = INT64_MIN;
    for (const chunk *c = s->chunks; c; c = chunk_next(c)) {
        int64_t max_t = list_chunk_max_t(s, c);
        t = max_t > t ? max_t : t;
    }
    return t;
}

/* ---- flush ---- */

void head_pin(head *h)
{
    assert(!h->is_pinned);
    h->is_pinned = h->series.is_pinned = true;
}

void head_unpin(head *h)
{
    assert(h->is_pinned);
    h->is_pinned = h->series.is_pinned = false;
    empty_graveyard(h);
}

void head_flush_begin(head *h, head_flush *f)
{
    head_pin(h);
    *f = (head_flush){ .end = h->series.n_slots };
    h->flushing_min_t = h->min_t;
    h->min_t = INT64_MAX;
    h->n_full = 0;
}

static void prefetch_chunk(const head *h, uint32_t slot)
{
    if (slot < h->series.n_slots && series_at(&h->series, slot)->chunks)
        __builtin_prefetch(series_at(&h->series, slot)->chunks, 1);
}

bool head_flush_list(head *h, head_flush *f, uint32_t budget)
{
    assert(h->is_pinned);
    uint32_t end = f->end - f->next > budget ? f->next + budget : f->end;
    for (; f->next < end; f->next++) {
        series *s = series_at(&h->series, f->next);
        prefetch_chunk(h, f->next + 8);
        if (!s->labels || !s->chunks)
            continue;
        seal_open(s);
        if (f->n == f->cap) {
            f->cap = f->cap ? f->cap * 2 : h->series.n_live + (size_t)64;
            f->items = xreallocarray(f->items, f->cap, sizeof *f->items);
        }
        f->items[f->n++] = (head_flush_item){ s, s->chunks };
    }
    return f->next == f->end;
}

static void count_off(head *h, const chunk *c)
{
    h->n_chunks--;
    h->chunk_bytes -= chunk_mem_bytes(c);
    h->n_samples -= chunk_len(c);
}

/* Cuts the list of s before `first`; false: a delete has replaced it meanwhile. */
static bool cut_list(series *s, const chunk *first)
{
    if (s->chunks == first) {
        s->chunks = NULL;
        return true;
    }
    for (chunk *c = s->chunks; c; c = chunk_next(c)) {
        if (chunk_next(c) == first) {
            chunk_set_next(c, NULL);
            return true;
        }
    }
    return false;
}

void head_flush_drop(head *h, const head_flush_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i + 8 < n)
            __builtin_prefetch(items[i + 8].first, 1);
        if (!cut_list(items[i].s, items[i].first))
            continue;
        for (const chunk *c = items[i].first; c; c = chunk_next(c))
            count_off(h, c);
        unref_list(items[i].first);
    }
}

void head_flush_end(head *h, bool worked)
{
    head_unpin(h);
    if (!worked && h->flushing_min_t < h->min_t)
        h->min_t = h->flushing_min_t;
    h->flushing_min_t = INT64_MAX;
}

/* ---- leaving ---- */

static void remove_slot(head *h, uint32_t slot)
{
    series *s = series_at(&h->series, slot);
    postings_remove(&h->index, s->labels, slot);
    series_remove(&h->series, slot);
    h->n_removed++;
}

bool head_collect(head *h, uint32_t *at_slot, uint32_t budget, int64_t before)
{
    enum { LOOKS_PER_REMOVAL = 64 };
    uint64_t looks = (uint64_t)budget * LOOKS_PER_REMOVAL;
    assert(!h->is_pinned);
    for (; *at_slot < h->series.n_slots && budget && looks; ++*at_slot, looks--) {
        series *s = series_at(&h->series, *at_slot);
        if (!s->labels || s->chunks || s->last_t >= before)
            continue;
        remove_slot(h, *at_slot);
        budget--;
    }
    if (*at_slot < h->series.n_slots)
        return false;
    *at_slot = 0;
    postings_tidy(&h->index);
    return true;
}

/* ---- delete ---- */

static bool touches(const series *s, int64_t mint, int64_t maxt)
{
    for (const chunk *c = s->chunks; c; c = chunk_next(c))
        if (chunk_min_t(c) <= maxt && list_chunk_max_t(s, c) >= mint)
            return true;
    return false;
}

static void read_all(series *s, sample_columns *out)
{
    size_t n = 0;
    for (chunk *c = s->chunks; c; c = chunk_next(c))
        n++;
    chunk_view *views = xmalloc(n * sizeof *views);
    n = 0;
    for (chunk *c = s->chunks; c; c = chunk_next(c))
        views[n++] = chunk_look(c, s->last_t);
    views_read(views, n, INT64_MIN, INT64_MAX, out);
    free(views);
}

static void bury(head *h, chunk *list)
{
    if (!h->is_pinned) {
        unref_list(list);
        return;
    }
    h->graveyard.lists = xreallocarray(h->graveyard.lists, h->graveyard.n + 1, sizeof *h->graveyard.lists);
    h->graveyard.lists[h->graveyard.n++] = list;
}

/* The list made anew, sealed, from ascending samples. Out-of-order ones are among the XOR samples now, so day files
 * may hold some between them. */
static void rebuild_chunks(head *h, series *s, const sample_columns *x)
{
    for (const chunk *c = s->chunks; c; c = chunk_next(c))
        count_off(h, c);
    chunk *old = s->chunks;
    s->chunks = NULL;
    s->last_t = INT64_MIN;
    for (size_t i = 0; i < x->n; i++)
        head_store(h, s, (sample){ x->t[i], x->v[i] });
    seal_open(s);
    s->flags |= SERIES_BEHIND_DISK;
    bury(h, old);
}

bool head_delete(head *h, uint32_t slot, int64_t mint, int64_t maxt)
{
    series *s = series_at(&h->series, slot);
    sample last = { s->last_t, s->last_v };
    bool last_goes = last.t >= mint && last.t <= maxt;
    /* where the newest sample has gone to disk, its order is to be forgotten all the same */
    if (last_goes || touches(s, mint, maxt)) {
        sample_columns x = { 0 };
        read_all(s, &x);
        columns_drop(&x, 0, mint, maxt);
        rebuild_chunks(h, s, &x);
        sample_columns_release(&x);
    }
    if (!last_goes && last.t != INT64_MIN) {
        s->last_t = last.t;
        s->last_v = last.v;
        return false;
    }
    s->flags |= SERIES_BEHIND_DISK;
    if (s->chunks)
        return false;
    s->journal_seg = 0; /* reading the journal, the series may have left here: defined anew if it goes on */
    if (h->is_pinned)
        return false;
    remove_slot(h, slot);
    return true;
}
