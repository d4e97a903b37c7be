/* flush_index.h: catalogue and postings of the series that are new to a day. Used by flush.c only. */
#ifndef TSDB_FLUSH_INDEX_H
#define TSDB_FLUSH_INDEX_H
#include "base/arena.h"
#include "model/labels.h"
#include "tsdb/dayfile.h"

typedef struct new_series {
    const labels *labels;
    uint32_t place;
} new_series;

/* Writes rows for list[0..n), sorted by labels, as segments of at most SEGMENT_SERIES; series get the numbers from
 * *first_id on, postings rows from *first_row on. Fills b->segments, whose memory is the arena's; keys borrow from the
 * labels. In a transaction. */
bool flush_put_series(dayfile *f, const new_series *list, size_t n, uint32_t first_id, int64_t first_row, arena *a,
                      day_block *b, err *e);
#endif
