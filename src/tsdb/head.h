/* head.h: all series in memory, their samples that are not in day files yet, and the index over both.
 *
 * The head stores what append.c has allowed; it knows no order rules, no journal and no disk. Samples leave it when a
 * flush has put them into day files (head_drop_flushed); a series leaves when it has no samples left and has been
 * silent for a while (head_collect). Loop thread; a flush reads what head_flush_begin() listed.                 */
#ifndef TSDB_HEAD_H
#define TSDB_HEAD_H
#include "tsdb/postings.h"
#include "tsdb/series.h"

typedef struct head {
    series_table series;
    postings index;
    uint64_t n_chunks, chunk_bytes;
    uint64_t n_samples;         /* in chunks now */
    uint64_t n_full;            /* chunks that reached CHUNK_MAX_SAMPLES since the last flush began */
    uint64_t n_created, n_removed;   /* series, ever */
    uint32_t n_unranked;        /* series made since ranks were given */
    int64_t min_t;              /* lower bound of what chunks hold; INT64_MAX: none */
    int64_t max_t;              /* newest time ever stored; INT64_MIN: none */
    int64_t flushing_min_t;     /* min_t of what a flush under way holds */
    struct graveyard {          /* chunk lists a delete replaced while pinned: a flush may read them */
        chunk **lists;
        size_t n;
    } graveyard;
    bool is_pinned;
} head;

void head_init(head *h);
void head_release(head *h);

/* The series of a label set, made where unknown (*is_new). */
series *head_series(head *h, const labels *l, uint32_t *slot, bool *is_new);
/* Stores x, whose time is after s->last_t. */
void head_store(head *h, series *s, sample x);
/* Stores x, whose time is not after s->last_t. */
void head_store_ooo(head *h, series *s, sample x);
/* Oldest time in the series' chunks (INT64_MAX: none), newest (INT64_MIN: none). */
int64_t series_min_t(const series *s);
int64_t series_max_t(const series *s);

/* While the head is pinned no series leaves it and no slot is used again: somebody elsewhere relies on them. One pin
 * at a time. */
void head_pin(head *h);
void head_unpin(head *h);

/* ---- flush: begin, list until done, (worker reads), drop, end ---- */
typedef struct head_flush_item {
    series *s;       /* labels, group: fixed while the flush lasts */
    chunk *first;    /* sealed; the list from here on does not change while the flush lasts */
} head_flush_item;
typedef struct head_flush {
    head_flush_item *items;    /* malloced */
    size_t n, cap;
    uint32_t next, end;        /* slots still to look at; end: as there were when it began */
} head_flush;

/* Pins the head until head_flush_end(). f is emptied. */
void head_flush_begin(head *h, head_flush *f);
/* Seals the open chunks of the next `budget` slots and lists the series that have any. true: all slots are done. What
 * is appended between two calls may be listed or not. */
bool head_flush_list(head *h, head_flush *f, uint32_t budget);
/* Drops the chunks of items[0..n) from the head: they are in day files now. */
void head_flush_drop(head *h, const head_flush_item *items, size_t n);
void head_flush_end(head *h, bool worked);

/* Removes series without samples whose last one is older than before, looking at slots from *at_slot on, at most
 * `budget` of them removed. true: the table's end was reached, *at_slot is 0 again. Not while pinned. */
bool head_collect(head *h, uint32_t *at_slot, uint32_t budget, int64_t before);

/* ---- delete ---- */
/* Removes the samples of one series in [mint, maxt]. Its newest sample, and so its order, is then the newest one left
 * in memory; a series left without any forgets its order and, unless the head is pinned, leaves it. true: it left. */
bool head_delete(head *h, uint32_t slot, int64_t mint, int64_t maxt);
#endif
