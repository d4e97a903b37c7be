/* world.h: a daystore beside a plain model of what was flushed into it: the same questions to both. */
#ifndef TESTS_UNIT_TSDB_WORLD_H
#define TESTS_UNIT_TSDB_WORLD_H
#include "disk.h"
#include "base/map.h"
#include "tsdb/day_reader.h"
#include "tsdb/flush.h"

enum { WORLD_SERIES = 1200 };

typedef struct world_series {
    const labels *labels;
    uint64_t group;
    sample_columns all;      /* all that was flushed; the last written wins */
    sample_columns now;      /* of the flush at work */
} world_series;

typedef struct world {
    char *dir;
    daystore *s;
    arena a;
    world_series series[WORLD_SERIES];
    size_t n;
    map by_labels;
    uint64_t covered;
    flush_result last;
} world;

void world_begin(world *w);
void world_end(world *w);
void world_reopen(world *w);

/* A series "name,k=v,..."; its number. */
size_t world_series_add(world *w, const char *text, uint64_t group);
/* A sample for the next flush; times of one series ascend. */
void world_put(world *w, size_t series, int64_t t, double v);
/* Flushes what was put. false: it failed (and the model keeps it for the next try). */
bool world_flush(world *w, err *e);

/* Asks the store for the series that match in [mint, maxt], day by day, reads them in a mixed order, and compares all
 * with the model. plan: with day_plan(). */
void world_check(world *w, const matcher *ms, size_t n, int64_t mint, int64_t maxt, bool plan);
/* Label names (name empty) or values against the model; days are asked whole. */
void world_check_labels(world *w, bytes name, const matcher *ms, size_t n, int64_t mint, int64_t maxt);
/* Everything, in and out of order. */
void world_check_all(world *w);
/* "name,k=v,k!=v,k=~v,k!~v" as matchers. */
matcher *world_matchers(world *w, const char *text, size_t *n);
/* Samples of all days of one series as the store reads them. */
void world_read(world *w, day_reader *r, const labels *l, int64_t mint, int64_t maxt, sample_columns *out);
#endif
