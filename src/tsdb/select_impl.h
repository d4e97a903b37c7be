/* select_impl.h: the inside of a snapshot, for select.c, select_read.c and select_labels.c only. */
#ifndef TSDB_SELECT_IMPL_H
#define TSDB_SELECT_IMPL_H
#include "tsdb/db_impl.h"
#include "tsdb/select.h"

/* A series of the head. */
typedef struct head_hit {
    const labels *labels;      /* one reference */
    uint32_t first_view, n_views;
    sample last;               /* its newest; t INT64_MIN: none */
    uint32_t rank;             /* of the series in the order of labels; 0: not known */
    bool is_solid;             /* day files hold nothing newer than its newest, nor between its XOR samples */
} head_hit;

/* A label name of the head with its values: what a selector of everything takes when only names are asked for. */
typedef struct name_values {
    bytes name;                /* the index' own: lives as long as the store */
    value_table *table;        /* one reference */
    uint32_t n;
    uint64_t *live;            /* bit per value */
} name_values;

/* What one selector took of the head. */
typedef struct selection {
    matcher_scan *scans;       /* per matcher */
    head_hit *hits;            /* by slot, until snapshot_series() has sorted them by labels */
    size_t n_hits;
    chunk_view *views;         /* one reference each */
    size_t n_views, cap_views;
    name_values *names;        /* instead of hits */
    size_t n_names;
    bool is_sorted, is_planned;
    struct found *found;       /* the last answer of snapshot_series() */
    size_t n_found;
} selection;

/* A day that holds samples of a series. */
typedef struct day_part {
    struct day_part *next;     /* a later day */
    day_hide *hides;
    size_t n_hides;
    int32_t day;
    uint32_t id;
} day_part;

/* A series as the worker has found it: series_view.source. */
typedef struct found {
    const labels *labels;
    const head_hit *hit;       /* NULL: not in the head */
    day_part *first, *last;    /* ascending by day; NULL: in none */
} found;

struct snapshot {
    db *d;
    const db_selector *sels;
    selection *sel;
    size_t n;
    day_list *days;
    tombstone_set *tombstones;
    int64_t disk_min_t, disk_max_t;
    const _Atomic bool *cancel;
    /* the worker's */
    day_reader *reader;        /* made on first use */
    sample_columns scratch;
};

/* select_labels.c: takes names instead of series where that gives the same answer. Loop. */
bool snapshot_take_names(snapshot *s, size_t i);
void snapshot_release_names(selection *sel);

bool snapshot_check_cancel(const snapshot *s, err *e);
day_reader *snapshot_reader(snapshot *s);
/* Calls fn for each day that may hold samples of selector i, with the part of its range that lies in the day. */
typedef bool (*snapshot_day_fn)(snapshot *s, size_t i, int32_t day, int64_t mint, int64_t maxt, void *ctx, err *e);
bool snapshot_each_day(snapshot *s, size_t i, snapshot_day_fn fn, void *ctx, err *e);
/* What tombstones hide of a series in a day; *visible: is anything left in [mint, maxt]? */
bool snapshot_hides(snapshot *s, int32_t day, const day_series *x, int64_t mint, int64_t maxt, arena *a, day_part *out,
                    bool *visible, err *e);
#endif
