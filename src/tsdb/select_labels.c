/* select_labels.c: label names and values over a snapshot. Worker.
 *
 * Names and values come from the hits' labels and from the days' own answers; where tombstones touch a day, from its
 * series one by one, since a series of which nothing is left must not show.                                     */
#include "base/map.h"
#include "tsdb/select_impl.h"
#include <stdlib.h>

/* ---- everything: from the index alone ---- */

bool snapshot_take_names(snapshot *s, size_t i)
{
    const db *d = s->d;
    const db_selector *sel = &s->sels[i];
    const postings *p = &d->head.index;
    /* series stay in the head for DB_IDLE_MS after their last sample; emptied by a delete, only while it is pinned */
    int64_t newest = d->head.max_t;
    if (!sel->names_only || sel->n || d->head.is_pinned || newest < INT64_MIN + DB_IDLE_MS || sel->maxt < newest
        || sel->mint > newest - DB_IDLE_MS)
        return false;
    name_values *list = xcalloc(p->n_names ? p->n_names : 1, sizeof *list);
    size_t n = 0;
    for (uint32_t k = 0; k < p->n_names; k++)
        if (postings_n_series(p, k))
            list[n++] = (name_values){ postings_name(p, k), value_table_ref(postings_values(p, k)),
                                       postings_n_values(p, k), postings_live_values(p, k) };
    s->sel[i].names = list;
    s->sel[i].n_names = n;
    return true;
}

void snapshot_release_names(selection *sel)
{
    for (size_t i = 0; i < sel->n_names; i++) {
        value_table_unref(sel->names[i].table);
        free(sel->names[i].live);
    }
    free(sel->names);
}

/* ---- collecting ---- */

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

static void put_names(collection *c, const selection *sel)
{
    for (size_t i = 0; i < sel->n_names; i++) {
        const name_values *x = &sel->names[i];
        if (!c->name.len)
            map_put(&c->set, x->name, NULL);
        for (uint32_t k = 0; k < x->n && bytes_eq(c->name, x->name); k++)
            if (x->live[k / 64] >> (k % 64) & 1)
                map_put(&c->set, value_table_at(x->table, k), NULL);
    }
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
    bool ok =
        c->name.len
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
        put_names(&c, &s->sel[i]);
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
