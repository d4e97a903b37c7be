/* series.c: see series.h. */
#include "tsdb/series.h"
#include "base/arena.h"
#include <assert.h>
#include <stdlib.h>

void series_table_init(series_table *st)
{
    *st = (series_table){ 0 };
}

static void drop_contents(series *s)
{
    for (chunk *c = s->chunks; c;) {
        chunk *next = chunk_next(c);
        chunk_unref(c);
        c = next;
    }
    labels_unref(s->labels);
    s->chunks = NULL;
    s->labels = NULL;
}

void series_table_release(series_table *st)
{
    for (uint32_t i = 0; i < st->n_slots; i++)
        drop_contents(series_at(st, i));
    for (uint32_t i = 0; i * SERIES_SLAB < st->n_slots; i++)
        free(st->slabs[i]);
    free(st->slabs);
    free(st->buckets);
    *st = (series_table){ 0 };
}

series *series_get(const series_table *st, uint64_t ref)
{
    uint32_t slot = (uint32_t)ref;
    if (slot >= st->n_slots)
        return NULL;
    series *s = series_at(st, slot);
    return s->gen == ref >> 32 && s->labels ? s : NULL;
}

series *series_find(const series_table *st, const labels *l, uint32_t *slot)
{
    if (!st->n_buckets)
        return NULL;
    for (uint32_t next = st->buckets[(uint32_t)l->hash & (st->n_buckets - 1)]; next;) {
        series *s = series_at(st, next - 1);
        if (s->hash == (uint32_t)l->hash && labels_eq(s->labels, l)) {
            *slot = next - 1;
            return s;
        }
        next = s->hash_next;
    }
    return NULL;
}

static void link_slot(series_table *st, uint32_t slot)
{
    series *s = series_at(st, slot);
    uint32_t *bucket = &st->buckets[s->hash & (st->n_buckets - 1)];
    s->hash_next = *bucket;
    *bucket = slot + 1;
}

static void unlink_slot(series_table *st, uint32_t slot)
{
    series *s = series_at(st, slot);
    uint32_t *at = &st->buckets[s->hash & (st->n_buckets - 1)];
    while (*at != slot + 1)
        at = &series_at(st, *at - 1)->hash_next;
    *at = s->hash_next;
}

static void grow_buckets(series_table *st)
{
    st->n_buckets = st->n_buckets ? st->n_buckets * 2 : 64;
    st->buckets = xreallocarray(st->buckets, st->n_buckets, sizeof *st->buckets);
    memset(st->buckets, 0, st->n_buckets * sizeof *st->buckets);
    for (uint32_t i = 0; i < st->n_slots; i++)
        if (series_at(st, i)->labels)
            link_slot(st, i);
}

static uint32_t take_slot(series_table *st)
{
    if (st->free_head && !st->is_pinned) {
        uint32_t slot = st->free_head - 1;
        st->free_head = series_at(st, slot)->hash_next;
        return slot;
    }
    if (st->n_slots % SERIES_SLAB == 0) {
        uint32_t i = st->n_slots / SERIES_SLAB;
        st->slabs = xreallocarray(st->slabs, i + (size_t)1, sizeof *st->slabs);
        st->slabs[i] = xcalloc(SERIES_SLAB, sizeof **st->slabs);
    }
    return st->n_slots++;
}

series *series_add(series_table *st, const labels *l, uint32_t *slot)
{
    if (st->n_live >= st->n_buckets)
        grow_buckets(st);
    *slot = take_slot(st);
    series *s = series_at(st, *slot);
    *s = (series){ .labels = labels_ref(l), .last_t = INT64_MIN, .gen = s->gen + 1, .hash = (uint32_t)l->hash };
    if (!s->gen) /* a ref is never 0 */
        s->gen = 1;
    link_slot(st, *slot);
    st->n_live++;
    return s;
}

void series_remove(series_table *st, uint32_t slot)
{
    series *s = series_at(st, slot);
    assert(s->labels);
    unlink_slot(st, slot);
    drop_contents(s);
    s->hash_next = st->free_head;
    st->free_head = slot + 1;
    st->n_live--;
}

void series_prefetch(const series_table *st, uint64_t hash)
{
    if (st->n_buckets)
        __builtin_prefetch(&st->buckets[(uint32_t)hash & (st->n_buckets - 1)]);
}

chunk *series_open_chunk(series *s, enum chunk_encoding enc, chunk **prev)
{
    *prev = NULL;
    for (chunk *c = s->chunks; c && !chunk_is_sealed(c); c = chunk_next(c)) {
        if (chunk_encoding(c) == enc)
            return c;
        *prev = c;
    }
    return NULL;
}
