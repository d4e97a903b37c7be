/* journal.h: the append-only files that make samples durable before they are packed.
 *
 * A journal is a folder of numbered segments; one is open for writing. A segment stands alone: a series is defined in
 * it before its first sample there, so any segment can be read without the ones before. Each batch is one record and
 * one write(); a torn or damaged tail ends the reading of its segment and nothing else. Layout: docs/format/journal.md.
 *
 * Series are named by numbers the caller chooses (`ref`: dense, below LIMIT_JOURNAL_REFS: memory here is 8 bytes a
 * ref). Defining a ref again gives it to another series from then on.
 * A journal belongs to one thread at a time (the commit job); reading needs no journal object.                    */
#ifndef TSDB_JOURNAL_H
#define TSDB_JOURNAL_H
#include "base/err.h"
#include "model/labels.h"

typedef struct journal journal;

enum journal_type {
    JOURNAL_BATCH = 1,       /* definitions and samples, written by journal_append() */
    JOURNAL_TOMBSTONE = 2,   /* a delete; the payload is tombstone.c's */
};

typedef struct journal_def {
    uint32_t ref;
    uint64_t group;
    const labels *labels;    /* borrowed for the call */
} journal_def;

typedef struct journal_sample {
    int64_t t;
    double v;
    uint32_t ref;
} journal_sample;

/* Makes dir where missing and opens segment `number` for appending; a segment with that number must not exist. The file
 * itself is made by the first record, so an idle store writes nothing. */
bool journal_open(const char *dir, uint64_t number, journal **out, err *e);
/* Gives up preallocated space and closes, without a sync. NULL is fine. */
void journal_close(journal *j);

/* Writes one record: defs first, then samples in order; either may be empty. Each sample's ref must have been defined
 * in this segment, in this batch or earlier. Best compression when samples are grouped by time, refs ascending.
 * false (disk full, I/O error): the file is cut back to what it held before and the segment goes on to be usable; the
 * same batch may be tried again. A batch over LIMIT_JOURNAL_RECORD encoded is ERR_TOO_LARGE. */
bool journal_append(journal *j, const journal_def *defs, size_t n_defs, const journal_sample *samples, size_t n,
                    err *e);
/* One record of another type; the payload is opaque here. */
bool journal_append_record(journal *j, int type, bytes payload, err *e);
/* fdatasync of what has been written; nothing to do is fine. */
bool journal_sync(journal *j, err *e);
/* Syncs and closes the segment and opens the next: all refs must be defined anew. On false the old one stays open. */
bool journal_rotate(journal *j, err *e);
uint64_t journal_segment(const journal *j);          /* the open one */
uint64_t journal_bytes(const journal *j);            /* written to the open segment */
/* Removes the segments with numbers below `number` (never the open one) and syncs the folder. */
bool journal_drop_below(const char *dir, uint64_t number, err *e);

/* The segments of dir, ascending, in a; a missing folder has none. Other files are ignored. bytes: their sizes' sum. */
bool journal_list(const char *dir, arena *a, uint64_t **numbers, size_t *n, uint64_t *n_bytes, err *e);

/* What reading a segment calls, in the order of writing. Any entry may be NULL. */
typedef struct journal_visitor {
    void *ctx;
    /* A definition. Returns the caller's own handle, which samples() gets; labels die with the call. */
    uint64_t (*series)(void *ctx, const labels *l, uint64_t group);
    /* The samples of one record, in order: parallel arrays. */
    void (*samples)(void *ctx, const uint64_t *handles, const int64_t *t, const double *v, size_t n);
    /* A record of another known type; unknown types never come here, they are skipped. */
    void (*record)(void *ctx, int type, bytes payload);
} journal_visitor;

typedef struct journal_result {
    uint64_t n_records, n_series, n_samples;
    uint64_t good_bytes;      /* up to the end of the last good record */
    uint64_t cut_bytes;       /* behind it: torn or damaged; zeros of preallocation do not count */
} journal_result;

/* Reads segment `number` up to its first bad record. With repair the file is cut there. A segment of another program or
 * version is ERR_BAD_DATA, nothing visited. */
bool journal_read(const char *dir, uint64_t number, bool repair, const journal_visitor *v, journal_result *out, err *e);
/* Visits the records of one segment's bytes (what journal_read does with the file's contents). */
bool journal_parse(bytes segment, const journal_visitor *v, journal_result *out, err *e);
#endif
