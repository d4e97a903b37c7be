/* day_index.h: the directory of one day file in memory: its blocks, where their packs and postings rows stand.
 *
 * Immutable and counted; about 20 bytes a pack and 60 a row of postings. Labels and postings themselves stay on
 * disk. */
#ifndef TSDB_DAY_INDEX_H
#define TSDB_DAY_INDEX_H
#include "base/arena.h"
#include "tsdb/dayfile.h"

typedef struct day_index {
    _Atomic uint32_t refs;
    uint32_t last_block;      /* it holds the blocks up to this one */
    uint32_t n_series, n_lists;
    uint32_t n_blocks;
    day_block *blocks;        /* ascending by id: later ones win over earlier */
    int64_t first_free_pack, first_free_postings;   /* row ids behind all that blocks name */
    size_t bytes;
    arena a;
} day_index;

/* Reads the blocks up to `last`; ERR_BAD_DATA where they contradict each other. */
bool day_index_load(dayfile *f, uint32_t last, day_index **out, err *e);
day_index *day_index_ref(day_index *x);
void day_index_unref(day_index *x);           /* NULL is fine */

/* The packs of a list in a block: [*from, *to). */
void day_block_packs(const day_block *b, uint32_t list, uint32_t *from, uint32_t *to);
#endif
