/* series.h: the table of series in memory: slots, references, and the way from a label set to its series.
 *
 * A series is a slot in slabs that never move. Its outward name, the ref, is the slot's index in the low 32 bits and
 * the slot's generation in the high ones: a freed slot gets the next generation, so a stale ref is noticed, never
 * mistaken. Labels find their series through chained hashing over slot numbers (4 bytes a bucket; the hash is in the
 * label set). Invariants:
 *  (1) labels == NULL: the slot is free and hash_next links the free list;
 *  (2) chunks: newest first; an open XOR chunk stands first, an open RAW chunk before all sealed ones;
 *  (3) last_t is the newest time in this life of the slot (INT64_MIN: none), last_v its value, also after the sample
 *      itself went to a day file: the encoder of the open XOR chunk relies on it.
 * The table owns one reference on labels and each chunk. Loop thread, except where a flush reads labels (a series
 * does not leave while a flush is under way).                                                                  */
#ifndef TSDB_SERIES_H
#define TSDB_SERIES_H
#include "model/labels.h"
#include "tsdb/chunk.h"

typedef struct series {
    labels *labels;
    chunk *chunks;
    int64_t last_t;
    double last_v;
    uint32_t gen;
    uint32_t hash_next;      /* slot + 1 of the next in the bucket, 0: end */
    uint32_t group;          /* series of one scrape target or sender are packed together */
    uint32_t journal_seg;    /* journal segment that holds its definition, 0: none yet */
    uint32_t hash;           /* low bits of the labels' hash */
    uint32_t rank;           /* its place in the order of labels, 0: not known yet (rank.c) */
    uint8_t flags;           /* SERIES_* */
} series;

enum {
    SERIES_BEHIND_DISK = 1,  /* day files may hold samples newer than last_t or between those of XOR chunks */
};

enum { SERIES_SLAB = 1024 };
typedef struct series_table {
    series **slabs;
    uint32_t n_slots;        /* ever used: slot numbers are below it */
    uint32_t n_live;
    uint32_t free_head;      /* slot + 1, 0: none */
    bool is_pinned;          /* a worker walks the slots: none is used again meanwhile */
    uint32_t *buckets;       /* slot + 1, 0: empty */
    uint32_t n_buckets;      /* power of two */
} series_table;

void series_table_init(series_table *st);
void series_table_release(series_table *st);

static inline series *series_at(const series_table *st, uint32_t slot)
{
    return &st->slabs[slot / SERIES_SLAB][slot % SERIES_SLAB];
}
static inline uint64_t series_ref(const series *s, uint32_t slot)
{
    return (uint64_t)s->gen << 32 | slot;
}
/* The slot of a ref that still lives, or NULL. */
series *series_get(const series_table *st, uint64_t ref);
/* By labels; *slot out. NULL: unknown. */
series *series_find(const series_table *st, const labels *l, uint32_t *slot);
/* A series for labels that are not there yet; keeps a reference of its own. */
series *series_add(series_table *st, const labels *l, uint32_t *slot);
/* Takes the series out and drops its labels and chunks. */
void series_remove(series_table *st, uint32_t slot);
/* For fetching ahead: the slot of a ref, whether it lives or not; the first series of a hash's bucket. NULL: none.
 * Neither looks at the series. */
static inline series *series_at_ref(const series_table *st, uint64_t ref)
{
    return (uint32_t)ref < st->n_slots ? series_at(st, (uint32_t)ref) : NULL;
}
static inline series *series_first_of(const series_table *st, uint64_t hash)
{
    uint32_t first = st->n_buckets ? st->buckets[(uint32_t)hash & (st->n_buckets - 1)] : 0;
    return first ? series_at(st, first - 1) : NULL;
}
/* Touches the bucket of a hash. */
void series_prefetch(const series_table *st, uint64_t hash);

/* Its open chunk of an encoding, or NULL; where its link stands, to replace it. */
chunk *series_open_chunk(series *s, enum chunk_encoding enc, chunk **prev);
#endif
