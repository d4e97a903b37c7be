/* scrape_cache.h: the lines a target has shown, and the series each one is.
 *
 * A page repeats the lines of the page before, nearly always in the same order, with other values. So each line is
 * known by a key (the hash of its bytes in front of the value, see key_index.h) in an array that has the page's
 * order: the parser compares the next line with the next entry and otherwise asks the index. 32 bytes a line and 8
 * for the index; the bytes themselves are not kept.
 * Comment lines are lines too, so that an unchanged HELP costs a comparison; `ref` then says what they set.
 * Invariants:
 *  (1) keys are distinct, and all of them are in the index;
 *  (2) `seen` is the iteration of the last page that had the line; it is never above `iter`;
 *  (3) the array has the order of a page not long ago; lines new since then stand at its end;
 *  (4) n_tracked lines have LINE_TRACKED: a staleness mark is owed when one of them does not come again.
 * One owner at a time: the loop lends the cache to the parse job.
 * Source of behaviour: scrapeCache in scrape/scrape.go, Prometheus 3.14. */
#ifndef SCRAPE_SCRAPE_CACHE_H
#define SCRAPE_SCRAPE_CACHE_H
#include "format/key_index.h"

enum {
    LINE_META = 1,    /* HELP, TYPE, UNIT or comment; ref: line_meta() */
    LINE_DROPPED = 2, /* relabelling drops it */
    LINE_TRACKED = 4,
    LINE_LOST = 8,   /* the store has forgotten its ref: labels are needed again */
    LINE_FRESH = 16, /* its sample is in this page's batch, and tracked */
    LINE_DUE = 32    /* tracked so far, but this page has no sample to track: a mark is due */
};

typedef struct cache_line {
    hash_key key;
    uint64_t ref; /* of the store; 0: not stored, so not cached as Prometheus sees it */
    uint32_t seen;
    uint32_t len : 24, flags : 8;
} cache_line;

typedef struct scrape_cache {
    cache_line *lines;
    size_t n, cap;
    size_t n_stored; /* n after the last page that was stored */
    size_t n_before; /* n at scrape_cache_begin() */
    size_t n_seen;   /* lines seen in this iteration */
    size_t n_tracked;
    size_t n_samples;   /* of the last page, to size the next batch */
    size_t n_displaced; /* lines of this page that did not stand where they were expected */
    size_t next;        /* the line expected next */
    key_index index;
    uint64_t seed;
    uint32_t iter;
    uint32_t *order; /* NULL, or the lines of this page as they come: the order is to be renewed */
    size_t n_order;
    uint32_t ordered_at; /* iteration of the last renewal */
} scrape_cache;

void scrape_cache_init(scrape_cache *c, uint64_t seed);
void scrape_cache_release(scrape_cache *c);

/* A page begins. */
void scrape_cache_begin(scrape_cache *c);
/* The line expected next, or NULL; found by key, or NULL. Borrowed until the next scrape_cache_add(). */
cache_line *scrape_cache_expected(scrape_cache *c);
cache_line *scrape_cache_find(scrape_cache *c, hash_key key);
/* A line that was not there; it counts as seen. */
cache_line *scrape_cache_add(scrape_cache *c, hash_key key, size_t len, unsigned flags);
/* The line is on this page. */
void scrape_cache_see(scrape_cache *c, cache_line *l);
void scrape_cache_track(scrape_cache *c, cache_line *l, bool on);
/* The page was refused: no series that it added is stored. Its comment lines stand. */
void scrape_cache_refuse(scrape_cache *c);
/* After a refused page: a cache that has grown too much by such pages is flushed all the same. true: it was. */
bool scrape_cache_bound(scrape_cache *c, void (*gone)(void *ctx, uint64_t meta), void *ctx);
/* The page was stored: series lines that it lacked are forgotten, comment lines after 10 pages. gone (may be NULL) is
 * called for comment lines with their ref. Lines change their places. */
void scrape_cache_flush(scrape_cache *c, void (*gone)(void *ctx, uint64_t meta), void *ctx);

/* ref of a comment line: which metadata it speaks of (0: none, else index + 1) and the kind a TYPE line sets. */
enum { LINE_NO_KIND = 255 };
static inline uint64_t line_meta(uint32_t meta, unsigned kind)
{
    return (uint64_t)meta << 8 | kind;
}
#endif
