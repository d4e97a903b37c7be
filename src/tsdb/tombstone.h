/* tombstone.h: what deletes have hidden in day files.
 *
 * The head forgets deleted samples at once; day files are immutable, so a delete leaves a tombstone: matchers, a
 * closed range of times, and the number of the newest flush it hides (`covered` of flush.h). Reads leave out what
 * tombstones hide until tombstone_clean.c has rewritten the days. A tombstone is immutable and counted, so is the set
 * of all: snapshots keep the set they began with. Stored in meta.db (space "tombstones") and, in order with the
 * samples around them, as journal records:
 * docs/format/journal.md. */
#ifndef TSDB_TOMBSTONE_H
#define TSDB_TOMBSTONE_H
#include "model/matcher.h"
#include "tsdb/day_reader.h"

typedef struct tombstone {
    uint32_t refs;          /* atomic */
    uint64_t id;            /* ascending, never used again */
    uint64_t covered;       /* hides blocks whose flush covered at most this number */
    int64_t mint, maxt;     /* closed */
    matcher *ms;
    size_t n;
    arena a;                /* of the matchers */
} tombstone;

/* Copies the matchers. One reference. */
tombstone *tombstone_new(uint64_t id, uint64_t covered, const matcher *ms, size_t n, int64_t mint, int64_t maxt);
tombstone *tombstone_ref(tombstone *t);
void tombstone_unref(tombstone *t);
/* Bytes and back; ERR_BAD_DATA where they do not make sense. */
void tombstone_write(const tombstone *t, buf *out);
tombstone *tombstone_parse(bytes payload, err *e);

typedef struct tombstone_set {
    uint32_t refs;          /* atomic */
    size_t n;
    tombstone *items[];     /* ascending by id, a reference each */
} tombstone_set;
/* Each returns a new set with one reference; the old one (NULL: empty) stays the caller's. */
tombstone_set *tombstone_set_with(const tombstone_set *old, tombstone *t);
/* Without those with id <= up_to that satisfy `drop` (NULL: all). */
tombstone_set *tombstone_set_without(const tombstone_set *old, uint64_t up_to,
                                     bool (*drop)(void *ctx, const tombstone *t), void *ctx);
tombstone_set *tombstone_set_ref(tombstone_set *s);      /* NULL is fine */
void tombstone_set_unref(tombstone_set *s);

/* Does any of the set touch [mint, maxt]? */
bool tombstones_touch(const tombstone_set *s, int64_t mint, int64_t maxt);
/* What is hidden of a series in [mint, maxt], one entry per tombstone that takes its labels. Returns their number; the
 * array is a's. */
size_t tombstones_hide(const tombstone_set *s, const labels *l, int64_t mint, int64_t maxt, arena *a, day_hide **out);
#endif
