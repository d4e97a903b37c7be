/* flush.h: samples from the head into day files.
 *
 * The caller lists series and gives a function that reads their samples; flush splits them by UTC day, finds or makes
 * each series' id in the day, packs series of one group together and commits each day file. A day's samples become
 * visible together, with the journal segment they cover, or not at all. Memory is bounded by one pack and a few bytes
 * per series. Worker thread; one flush at a time per store. */
#ifndef TSDB_FLUSH_H
#define TSDB_FLUSH_H
#include "tsdb/daystore.h"
#include "tsdb/select.h"

typedef struct flush_series {
    const labels *labels;    /* borrowed during the flush */
    uint64_t group;          /* series of one group share timestamps, most likely */
    int64_t mint, maxt;      /* of its samples */
    void *source;            /* the caller's */
} flush_series;

typedef struct flush_input {
    flush_series *series;    /* distinct labels; the array is sorted in place */
    size_t n;
    /* Appends to out the samples of s in [mint, maxt], ascending, one per t. Called on the worker, several times per
     * series with growing ranges where its samples span more than one pack. Must give the same answer each time. */
    void (*read)(void *ctx, const flush_series *s, int64_t mint, int64_t maxt, sample_columns *out);
    void *ctx;
    uint64_t covered;        /* with this flush all samples of journal segments below this number are in day files */
} flush_input;

typedef struct flush_result {
    uint64_t n_samples, n_packs, n_days, n_new_series;
    uint64_t n_bytes;        /* of pack blobs */
} flush_result;

/* false: some day could not be committed (disk full...): nothing of that day is visible, days before it are. Flushing
 * the same again is right: equal samples are merged on read. */
bool flush_run(daystore *s, flush_input *in, flush_result *out, err *e);
#endif
