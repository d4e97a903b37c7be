/* flush_index.c: see flush_index.h.
 *
 * Postings are made name by name: one pass counts the labels of each name, one puts (value, series) pairs into their
 * name's part of one array. Then each name's values are numbered, sorted, and their series, which come in order, dealt
 * out. */
#include "tsdb/flush_index.h"
#include "base/map.h"
#include "base/vec.h"
#include <stdlib.h>

typedef struct pair {
    bytes value;
    uint32_t id;
} pair;

typedef struct name_part {
    bytes name;
    size_t n, at;            /* pairs of it; where they stand in `pairs` */
} name_part;

typedef struct value_part {
    bytes value;
    uint32_t n, at;          /* series of it; where they stand in `ids` */
} value_part;

typedef struct builder {
    dayfile *f;
    const new_series *list;  /* of the segment */
    block_segment *seg;
    err *e;
    map names;               /* name -> index in parts + 1 */
    VEC(name_part) parts;
    pair *pairs;
    size_t n_pairs;
    map values;              /* of the name at work: value -> index in its parts */
    VEC(value_part) value_parts;
    VEC(uint32_t) numbers;   /* of each pair: its value_part */
    VEC(uint32_t) ids;
    VEC(pair_key) keys;
    buf row;
    bytes row_name;          /* of the pair before in the row */
} builder;

/* ---- catalogue ---- */

static bool put_catalogue(builder *b)
{
    catalogue_writer w;
    bool ok = true;
    catalogue_writer_init(&w);
    for (uint32_t i = 0; ok && i < b->seg->n; i++) {
        const labels *l = b->list[i].labels;
        catalogue_put(&w, bytes_n(l->data, l->len), b->list[i].place);
        if (w.n < CATALOGUE_ROW && i + 1 < b->seg->n)
            continue;
        uint32_t first = b->seg->first + i + 1 - w.n;
        buf_clear(&b->row);
        catalogue_end(&w, &b->row);
        ok = b->row.overflow ? err_set(b->e, ERR_TOO_LARGE, "labels of %u series are too large", CATALOGUE_ROW)
                             : dayfile_put_catalogue(b->f, first, buf_bytes(&b->row), b->e);
    }
    catalogue_writer_release(&w);
    return ok;
}

/* ---- postings ---- */

static int by_name(const void *a, const void *b)
{
    return bytes_cmp(((const name_part *)a)->name, ((const name_part *)b)->name);
}

static void count_names(builder *b)
{
    label x;
    for (uint32_t i = 0; i < b->seg->n; i++) {
        labels_iter it = labels_walk(b->list[i].labels);
        while (labels_next(&it, &x)) {
            uint64_t *at = map_put(&b->names, x.name, NULL);
            if (!*at) {
                vec_push(&b->parts, (name_part){ .name = x.name });
                *at = b->parts.len;
            }
            b->parts.p[*at - 1].n++;
            b->n_pairs++;
        }
    }
}

/* All pairs, name by name in order, within a name by series. */
static void deal_pairs(builder *b)
{
    size_t at = 0;
    label x;
    if (b->parts.len)
        qsort(b->parts.p, b->parts.len, sizeof *b->parts.p, by_name);
    for (size_t k = 0; k < b->parts.len; k++) {
        *map_get(&b->names, b->parts.p[k].name) = k + 1;
        b->parts.p[k].at = at;
        at += b->parts.p[k].n;
        b->parts.p[k].n = 0;
    }
    b->pairs = xreallocarray(NULL, at ? at : 1, sizeof *b->pairs);
    for (uint32_t i = 0; i < b->seg->n; i++) {
        labels_iter it = labels_walk(b->list[i].labels);
        while (labels_next(&it, &x)) {
            name_part *p = &b->parts.p[*map_get(&b->names, x.name) - 1];
            b->pairs[p->at + p->n++] = (pair){ x.value, b->seg->first + i };
        }
    }
}

/* Numbers the values of a name and deals out its series to them. */
static void deal_values(builder *b, const name_part *p)
{
    uint32_t at = 0;
    map_clear(&b->values);
    b->value_parts.len = 0;
    vec_reserve(&b->numbers, p->n);
    vec_reserve(&b->ids, p->n);
    for (size_t i = 0; i < p->n; i++) {
        const pair *x = &b->pairs[p->at + i];
        bool is_new;
        uint64_t *number = map_put(&b->values, x->value, &is_new);
        if (is_new) {
            *number = b->value_parts.len;
            vec_push(&b->value_parts, (value_part){ .value = x->value });
        }
        b->numbers.p[i] = (uint32_t)*number;
        b->value_parts.p[*number].n++;
    }
    for (size_t k = 0; k < b->value_parts.len; k++) {
        b->value_parts.p[k].at = at;
        at += b->value_parts.p[k].n;
        b->value_parts.p[k].n = 0;
    }
    for (size_t i = 0; i < p->n; i++) {
        value_part *v = &b->value_parts.p[b->numbers.p[i]];
        b->ids.p[v->at + v->n++] = b->pairs[p->at + i].id;
    }
}

static int by_value(const void *a, const void *b)
{
    return bytes_cmp(((const value_part *)a)->value, ((const value_part *)b)->value);
}

static bool end_row(builder *b)
{
    if (b->row.len == 0)
        return true;
    bool ok = b->row.overflow
                  ? err_set(b->e, ERR_TOO_LARGE, "postings are too large")
                  : dayfile_put_postings(b->f, b->seg->first_row + (int64_t)b->keys.len - 1, buf_bytes(&b->row), b->e);
    buf_clear(&b->row);
    b->row_name = (bytes){ 0 };
    return ok;
}

static bool put_name(builder *b, const name_part *p)
{
    deal_values(b, p);
    qsort(b->value_parts.p, b->value_parts.len, sizeof *b->value_parts.p, by_value);
    for (size_t k = 0; k < b->value_parts.len; k++) {
        const value_part *v = &b->value_parts.p[k];
        if (b->row.len == 0)
            vec_push(&b->keys, (pair_key){ p->name, v->value });
        postings_put(&b->row, b->row_name, p->name, v->value, b->seg->first, b->ids.p + v->at, v->n);
        b->row_name = p->name;
        if (b->row.len >= POSTINGS_ROW && !end_row(b))
            return false;
    }
    return true;
}

static bool put_postings(builder *b, arena *a)
{
    bool ok = true;
    buf_clear(&b->row);
    count_names(b);
    deal_pairs(b);
    for (size_t k = 0; ok && k < b->parts.len; k++)
        ok = put_name(b, &b->parts.p[k]);
    ok = ok && end_row(b);
    b->seg->n_rows = (uint32_t)b->keys.len;
    b->seg->keys = ARENA_ARRAY(a, pair_key, b->keys.len);
    if (b->keys.len)
        memcpy(b->seg->keys, b->keys.p, b->keys.len * sizeof *b->keys.p);
    return ok;
}

static bool put_segment(dayfile *f, const new_series *list, block_segment *seg, arena *a, err *e)
{
    builder b = { .f = f, .list = list, .seg = seg, .e = e };
    map_init(&b.names, MAP_BORROWED_KEYS);
    map_init(&b.values, MAP_BORROWED_KEYS);
    buf_init(&b.row, DAY_MAX_ROW);
    bool ok = put_catalogue(&b) && put_postings(&b, a);
    map_release(&b.names);
    map_release(&b.values);
    vec_free(&b.parts);
    vec_free(&b.value_parts);
    vec_free(&b.numbers);
    vec_free(&b.ids);
    vec_free(&b.keys);
    buf_release(&b.row);
    free(b.pairs);
    return ok;
}

bool flush_put_series(dayfile *f, const new_series *list, size_t n, uint32_t first_id, int64_t first_row, arena *a,
                      day_block *b, err *e)
{
    b->n_segments = (uint32_t)((n + SEGMENT_SERIES - 1) / SEGMENT_SERIES);
    b->segments = ARENA_ARRAY(a, block_segment, b->n_segments);
    for (uint32_t i = 0; i < b->n_segments; i++) {
        size_t at = (size_t)i * SEGMENT_SERIES, left = n - at;
        block_segment *s = &b->segments[i];
        *s = (block_segment){ .first = first_id + (uint32_t)at, .first_row = first_row,
                              .n = (uint32_t)(left < SEGMENT_SERIES ? left : SEGMENT_SERIES) };
        if (!put_segment(f, list + at, s, a, e))
            return false;
        first_row += s->n_rows;
    }
    return true;
}
