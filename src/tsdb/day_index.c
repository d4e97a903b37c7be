/* day_index.c: see day_index.h. */
#include "tsdb/day_index.h"
#include <stdatomic.h>
#include <stdlib.h>

/* Numbers go on from block to block; this is what the rest of the reader relies on. */
static bool add_block(day_index *x, const day_block *b)
{
    if (b->first_list != x->n_lists || b->mint > b->maxt)
        return false;
    x->n_lists += b->n_groups;
    for (uint32_t i = 0; i < b->n_packs; i++)
        if (b->packs[i].list >= x->n_lists)
            return false;
    if (b->first_pack < x->first_free_pack || b->first_pack > INT64_MAX - b->n_packs)
        return false;
    x->first_free_pack = b->first_pack + b->n_packs;
    for (uint32_t i = 0; i < b->n_segments; i++) {
        const block_segment *s = &b->segments[i];
        if (s->first != x->n_series || s->n > DAY_MAX_SERIES - x->n_series || s->first_row < x->first_free_postings
            || s->first_row > INT64_MAX - s->n_rows)
            return false;
        x->n_series += s->n;
        x->first_free_postings = s->first_row + s->n_rows;
    }
    return true;
}

bool day_index_load(dayfile *f, uint32_t last, day_index **out, err *e)
{
    day_index *x = xcalloc(1, sizeof *x);
    x->refs = 1;
    x->last_block = last;
    x->first_free_pack = x->first_free_postings = 1;
    arena_init(&x->a, 0);
    bool ok = dayfile_blocks(f, last, &x->a, &x->blocks, &x->n_blocks, e);
    for (uint32_t i = 0; ok && i < x->n_blocks; i++)
        ok = add_block(x, &x->blocks[i]) || err_set(e, ERR_BAD_DATA, "block %u does not follow", x->blocks[i].id);
    x->bytes = sizeof *x + x->a.used_bytes;
    if (ok)
        *out = x;
    else
        day_index_unref(x);
    return ok;
}

day_index *day_index_ref(day_index *x)
{
    atomic_fetch_add(&x->refs, 1);
    return x;
}

void day_index_unref(day_index *x)
{
    if (!x || atomic_fetch_sub(&x->refs, 1) != 1)
        return;
    arena_release(&x->a);
    free(x);
}

static uint32_t first_of(const day_block *b, uint64_t list)
{
    uint32_t from = 0, n = b->n_packs;
    while (n > 0) {
        uint32_t half = n / 2;
        if (b->packs[from + half].list < list) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

void day_block_packs(const day_block *b, uint32_t list, uint32_t *from, uint32_t *to)
{
    *from = first_of(b, list);
    for (*to = *from; *to < b->n_packs && b->packs[*to].list == list;)
        ++*to;
}
