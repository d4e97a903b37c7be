/* fuzz_day_rows.c: any bytes as a row of a day file (catalogue, postings, block): no crash, numbers within their
 * bounds. */
#include "tsdb/day_rows.h"
#include "base/arena.h"
#include <stdlib.h>

enum { LIMIT = 4096 };

static void read_catalogue(bytes row)
{
    catalogue_reader r;
    catalogue_reader_init(&r);
    if (catalogue_open(&r, row))
        while (catalogue_next(&r))
            packed_cmp(buf_bytes(&r.labels), row);
    catalogue_reader_release(&r);
}

static void read_postings(bytes row)
{
    postings_reader r;
    static uint64_t map[LIMIT / 64];
    postings_open(&r, row);
    while (postings_next(&r)) {
        postings_mark(r.ids, 7, LIMIT, map);
        postings_hits(r.ids, 7, LIMIT, map);
    }
}

static void read_block(bytes row)
{
    arena a;
    day_block b = { 0 };
    arena_init(&a, 0);
    if (block_decode(row, &a, &b))
        for (uint32_t i = 0; i < b.n_packs; i++)
            if (b.packs[i].mint > b.packs[i].maxt || b.packs[i].list >= DAY_MAX_LISTS
                || b.packs[i].n_slots > PACK_MAX_SLOTS)
                abort();
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(bytes row) = { read_catalogue, read_postings, read_block };
    if (size > 0)
        readers[data[0] % 3](bytes_n(data + 1, size - 1));
    return 0;
}
