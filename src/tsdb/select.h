/* select.h: reading: one consistent view over head and day files for all selectors of a query.
 *
 * Steps and threads:
 *   loop    snapshot_begin()                 takes what regexes need: immutable value tables, by reference
 *   worker  snapshot_run_regex()             only if snapshot_wants_regex(); matches them
 *   loop    snapshot_take()                  resolves the head's postings, takes series and chunks by reference
 *   worker  snapshot_series(), series_*()    reads: head chunks and day files merged, sorted, deduplicated
 *   loop    snapshot_free()                  at any point after begin, once no worker uses it
 * A program without a loop calls snapshot_open(), which does the first three.
 * Nothing read through a snapshot changes while it lives: later appends are not seen, flushes do not disturb it.
 * Reads give samples in [mint, maxt] (closed), ascending in t, one per t (the last written wins), stale markers
 * included. */
#ifndef TSDB_SELECT_H
#define TSDB_SELECT_H
#include "tsdb/db.h"

typedef struct snapshot snapshot;

typedef struct db_selector {
    const matcher *ms;       /* borrowed until snapshot_free */
    size_t n;                /* 0: every series */
    int64_t mint, maxt;      /* closed */
    bool names_only;         /* only label names and values will be asked for: cheaper, above all with n == 0 */
} db_selector;

snapshot *snapshot_begin(db *d, const db_selector *sels, size_t n);
bool snapshot_wants_regex(const snapshot *s);
void snapshot_run_regex(snapshot *s);
bool snapshot_take(snapshot *s, err *e);
bool snapshot_open(db *d, const db_selector *sels, size_t n, snapshot **out, err *e);
void snapshot_free(snapshot *s);

/* Set from outside to end long reads early: series and label functions then fail with ERR_CANCELED. May be NULL. */
void snapshot_set_cancel(snapshot *s, const _Atomic bool *cancel);

/* A series as found; the labels live as long as the snapshot. */
typedef struct series_view {
    const labels *labels;
    const void *source;      /* select.c's own */
    uint32_t selector;
} series_view;

/* The series of selector i that may have samples in its range, sorted by labels_cmp, distinct. The array is the
 * arena's. */
bool snapshot_series(snapshot *s, size_t i, arena *a, series_view **out, size_t *n, err *e);

/* Growing sample columns, reused from series to series by the caller. */
typedef struct sample_columns {
    int64_t *t;
    double *v;
    size_t n, cap;
} sample_columns;
void sample_columns_release(sample_columns *c);

/* Replaces *out by the samples in [mint, maxt] (inside the selector's range). Worker; a snapshot is read by one
 * thread. */
bool series_read(snapshot *s, const series_view *v, int64_t mint, int64_t maxt, sample_columns *out, err *e);
/* The newest sample in [mint, maxt]; *found false where there is none. Answers from memory where it can. */
bool series_last(snapshot *s, const series_view *v, int64_t mint, int64_t maxt, sample *out, bool *found, err *e);

/* Distinct label names / values of one name over all series of all selectors that have data in their range; sorted;
 * in a. limit 0: all. Worker. A db_selector with n == 0 asks for every series in range. */
bool snapshot_label_names(snapshot *s, size_t limit, arena *a, bytes **out, size_t *n, err *e);
bool snapshot_label_values(snapshot *s, bytes name, size_t limit, arena *a, bytes **out, size_t *n, err *e);
#endif
