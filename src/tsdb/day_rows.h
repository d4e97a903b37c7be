/* day_rows.h: what stands in the rows of a day file: the catalogue, the postings, the directory of a block.
 *
 * Numbers of a day:
 *   series   0, 1, 2, ... in the order of the catalogue: sorted by labels within a segment (what one flush added)
 *   list     where series are stored together: up to PACK_MAX_SLOTS of one group; lists of a group are not kept apart
 *   from others
 *   place    list * 256 + slot: names a series for good within its day, and says where its samples are
 * Layout: docs/format/dayfile.md. Readers here take any bytes: malformed ones end with `bad` set or false. */
#ifndef TSDB_DAY_ROWS_H
#define TSDB_DAY_ROWS_H
#include "base/buf.h"
#include "tsdb/pack.h"

enum {
    CATALOGUE_ROW = 256,             /* series of one row */
    POSTINGS_ROW = 16 * 1024,        /* bytes after which a row of postings is closed */
    SEGMENT_SERIES = 32 * 1024,      /* most series of one segment: what building its postings holds in memory */
    DAY_MAX_LISTS = 1 << 24,
    DAY_MAX_SERIES = 1 << 27,
};
#define DAY_MAX_ROW ((size_t)64 << 20)   /* inflated row */

static inline uint32_t place_of(uint32_t list, uint32_t slot)
{
    return list << 8 | slot;
}
static inline uint32_t place_list(uint32_t place)
{
    return place >> 8;
}
static inline uint32_t place_slot(uint32_t place)
{
    return place & 255;
}

/* Order of packed label sets: that of labels_cmp(). Damaged ones have some order. */
int packed_cmp(bytes a, bytes b);

/* ---- catalogue: labels and place of consecutive series ---- */
typedef struct catalogue_writer {
    buf lens, places, text, last;
    uint32_t n, last_place;
} catalogue_writer;
void catalogue_writer_init(catalogue_writer *w);
void catalogue_writer_release(catalogue_writer *w);
void catalogue_put(catalogue_writer *w, bytes packed, uint32_t place);
/* Appends the row to raw and starts the next one. */
void catalogue_end(catalogue_writer *w, buf *raw);

typedef struct catalogue_reader {
    cursor lens, places, text;
    buf labels;                      /* of the series read last */
    uint32_t left, place;
    bool bad;
} catalogue_reader;
void catalogue_reader_init(catalogue_reader *r);
void catalogue_reader_release(catalogue_reader *r);
/* Starts on a row, borrowed while it is read. */
bool catalogue_open(catalogue_reader *r, bytes raw);
/* The next series: r->labels, r->place. false: the end, or r->bad. */
bool catalogue_next(catalogue_reader *r);

/* ---- postings: label pairs, sorted by name and value, each with its series ---- */
/* ids ascend, not below `base` (the segment's first series). */
void postings_put(buf *raw, bytes last_name, bytes name, bytes value, uint32_t base, const uint32_t *ids, size_t n);

typedef struct postings_reader {
    cursor c;
    bytes name, value, ids;          /* of the pair read last; ids still encoded */
    bool bad;
} postings_reader;
void postings_open(postings_reader *r, bytes raw);
bool postings_next(postings_reader *r);
/* Sets the bits of encoded ids in map, which has room for `limit` of them; higher ones are malformed: false. */
bool postings_mark(bytes ids, uint32_t base, uint32_t limit, uint64_t *map);
/* Is one of the ids marked in map? */
bool postings_hits(bytes ids, uint32_t base, uint32_t limit, const uint64_t *map);

/* ---- a block: what one flush added ---- */
typedef struct block_pack {          /* rows of packs: first_pack, first_pack + 1, ... */
    uint32_t list;
    uint32_t mint, maxt;             /* ms from the day's start */
    uint32_t bytes;
    uint32_t n_slots;
} block_pack;
typedef struct pair_key {
    bytes name, value;
} pair_key;
typedef struct block_segment {
    uint32_t first, n;               /* series */
    int64_t first_row;               /* of postings */
    pair_key *keys;                  /* first pair of each row */
    uint32_t n_rows;
} block_segment;
typedef struct day_block {
    uint32_t id;
    uint64_t covered;
    int64_t mint, maxt;
    int64_t first_pack;
    block_pack *packs;               /* ascending by list, then time */
    block_segment *segments;
    uint64_t *groups;                /* of the lists it added: first_list, first_list + 1, ... */
    uint32_t n_packs, n_segments, n_groups, first_list;
} day_block;
void block_encode(const day_block *b, buf *raw);
/* Fills what the row's blob holds (all but id, covered, mint, maxt, which are columns); arrays and keys are the
 * arena's. */
bool block_decode(bytes raw, arena *a, day_block *out);
#endif
