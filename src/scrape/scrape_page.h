/* scrape_page.h: one answer of a target: from bytes to a batch of samples.
 *
 * The worker's half of a scrape. It is lent the target's cache, decompresses and parses the page, and leaves behind
 * what the loop has to do: samples to append, staleness marks for what vanished, metadata that is new. A page is
 * taken whole or not at all: where it fails, the batch holds nothing but marks for everything the target showed
 * before.
 * Rules (Prometheus 3.14, scrape_append_v2.go): a line seen twice without a time is a duplicate; a sample more than
 * ten minutes ahead is out of bounds; both are counted and left out. Series with times of their own are not marked
 * stale unless track_timestamps_staleness says so.
 * Where it is stricter: after an error in mid-page every series is marked, also those in front of the error. */
#ifndef SCRAPE_SCRAPE_PAGE_H
#define SCRAPE_SCRAPE_PAGE_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/prometheus_config.h"
#include "format/expo.h"
#include "scrape/scrape_cache.h"
#include "tsdb/db.h"

/* What a comment line, new to the cache, says. */
typedef struct meta_line {
    uint32_t line;        /* index in the cache */
    enum expo_entry what; /* EXPO_HELP, EXPO_TYPE, EXPO_UNIT */
    enum metric_kind kind;
    bytes name, text; /* in the page's arena */
} meta_line;

typedef struct scrape_page {
    /* in */
    const scrape_config *config; /* kept alive by whoever made the page */
    const labels *target;        /* labels every sample gets */
    scrape_cache *cache;
    buf body;   /* as received */
    buf plain;  /* decompressed, where it came compressed */
    bytes text; /* out: the page, in one of the two */
    bytes content_type;
    bool is_gzip;
    int64_t time_ms; /* of the scrape: samples without a time get it */
    int64_t now_ms;
    int64_t oldest_ms; /* samples with times before it are out of bounds */
    size_t quick_max;  /* 0, or the most bytes, decompressed, that may be read at once (scrape_page_read) */
    bool resolve_lost; /* a second pass, for lines whose ref the store has forgotten */

    /* out */
    arena a;
    arena line;         /* for one line */
    err error;          /* why the page was refused */
    append_item *items; /* samples, then staleness marks from items[n_samples] on */
    uint32_t *lines;    /* of each sample: its line in the cache */
    size_t n_samples, n_items, cap;
    meta_line *meta;
    size_t n_meta, cap_meta;
    enum expo_format format;
    uint64_t total, added, new_series;
    uint64_t n_duplicates, n_out_of_bounds;
    uint64_t n_tried; /* against sample_limit */
    uint64_t n_lines; /* with comments */
    bool any_due;
    int64_t body_bytes; /* decompressed; -1: over body_size_limit */
    bool over_samples, over_labels, over_body;
} scrape_page;

/* The most bytes that a page may have, decompressed. */
size_t scrape_page_max(const scrape_config *sc);

/* With memory of its own; an arena and a buffer may be lent to it instead (a, plain). */
void scrape_page_init(scrape_page *p);
void scrape_page_release(scrape_page *p);
/* Room for n items in all. */
void scrape_page_reserve(scrape_page *p, size_t n);
/* The job. Any thread. false, and nothing has happened, where the page is larger than quick_max. */
bool scrape_page_read(scrape_page *p);
/* No page came, with p->error saying why (or an empty one): only the marks. Cheap where there is nothing to mark. */
void scrape_page_fail(scrape_page *p);
#endif
