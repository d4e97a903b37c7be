/* merge.h: sample columns: growing, cutting to a range, merging several runs into one.
 *
 * Everything a query reads and a flush writes passes here. Runs ascend in t with distinct times; where two runs hold
 * the same t, the newer run wins. Any thread.                                                                       */
#ifndef TSDB_MERGE_H
#define TSDB_MERGE_H
#include "tsdb/chunk.h"
#include "tsdb/select.h"

/* Room for n more samples behind out->n. */
void columns_reserve(sample_columns *out, size_t n);
void columns_push(sample_columns *out, sample x);
/* Index of the first sample of [from, out->n) with t >= t0 (out->n: none). */
size_t columns_lower_bound(const sample_columns *c, size_t from, int64_t t0);

/* Keeps of the samples behind index `from` only those in [mint, maxt]. */
void columns_cut(sample_columns *out, size_t from, int64_t mint, int64_t maxt);
/* Drops the samples behind `from` that lie in [mint, maxt]. */
void columns_drop(sample_columns *out, size_t from, int64_t mint, int64_t maxt);
/* out holds the older run in [from, mid) and the newer one in [mid, n): makes one run of them. */
void columns_merge_tail(sample_columns *out, size_t from, size_t mid);

/* Appends the samples of a series' chunks in [mint, maxt] as one run. views: as listed by views_of_list: newest
 * first. RAW chunks win over XOR ones, newer RAW over older. */
void views_read(const chunk_view *views, size_t n, int64_t mint, int64_t maxt, sample_columns *out);
#endif
