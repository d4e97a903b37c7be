/* select_labels.c: label names and values over a snapshot. Worker.
 *
 * Names and values come from the hits' labels and from the days' own answers; where tombstones touch a day, from its
 * series one by one, since a series of which nothing is left must not show.                                     */
#include "base/map.h"
#include "tsdb/select_impl.h"
#include <stdlib.h>

typedef struct collection {
    bytes name;         /* values of it; empty: names */
    map set;            /* keys borrowed from hits and tmp */
    arena tmp;
} collection;

static void put_labels(collection *c, const labels *l)
{
    label x;
    if (c->name.len) {
        bytes value = labels_get(l, c->name);
        if (value.len)
            map_put(&c->set, value, NULL);
        return;
    }
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);)
        map_put(&c->set, x.name, NULL);
}

static bool put_series_of_day(snapshot *s, size_t i, int32_t day, int64_t mint, int64_t maxt, collection *c, err *e)
{
    day_series *all = NULL;
    size_t n = 0;
    if (!day_find(snapshot_reader(s), day, s->sels[i].ms, s->sels[i].n, mint, maxt, &c->tmp, &all, &n, e))
        return false;
    for (size_t k = 0; k < n; k++) {
        day_part part = { 0 };
        bool visible = true;
        if (!snapshot_hides(s, day, &all[k], mint, maxt, &c->tmp, &part, &visible, e))
            return false;
        if (visible)
            put_labels(c, all[k].labels);
    }
    return true;
}

static bool put_day(snapshot *s, size_t i, int32_t day, int64_t mint, int64_t maxt, void *ctx, err *e)
{
    collection *c = ctx;
    const db_selector *sel = &s->sels[i];
    bytes *list = NULL;
    size_t n = 0;
    if (tombstones_touch(s->tombstones, mint, maxt))
        return put_series_of_day(s, i, day, mint, maxt, c, e);
    bool ok = c->name.len
                  ? day_label_values(snapshot_reader(s), day, c->name, sel->ms, sel->n, mint, maxt, &c->tmp, &list, &n, e)
                  : day_label_names(snapshot_reader(s), day, sel->ms, sel->n, mint, maxt, &c->tmp, &list, &n, e);
    for (size_t k = 0; ok && k < n; k++)
        map_put(&c->set, list[k], NULL);
    return ok;
}

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

static bool label_set(snapshot *s, bytes name, size_t limit, arena *a, bytes **out, size_t *n, err *e)
{
    collection c = { .name = name };
    bool ok = true;
    map_init(&c.set, MAP_BORROWED_KEYS);
    arena_init(&c.tmp, 0);
    for (size_t i = 0; i < s->n && ok; i++) {
        for (size_t k = 0; k < s->sel[i].n_hits; k++)
            put_labels(&c, s->sel[i].hits[k].labels);
        ok = snapshot_check_cancel(s, e) && snapshot_each_day(s, i, put_day, &c, e);
    }
    if (ok)
        list_keys(&c.set, limit, a, out, n);
    map_release(&c.set);
    arena_release(&c.tmp);
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
