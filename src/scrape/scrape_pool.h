/* scrape_pool.h: the targets of one job: discovery's groups in, scrape loops out.
 *
 * A sync compares the targets that the groups make with those that are scraped: what stays goes on undisturbed, with
 * its cache and connection; the rest starts or ends. Loop thread. Source: scrapePool in scrape/scrape.go. */
#ifndef SCRAPE_SCRAPE_POOL_H
#define SCRAPE_SCRAPE_POOL_H
#include "base/map.h"
#include "base/vec.h"
#include "config/target_group.h"
#include "scrape/scrape_loop.h"

typedef struct scrape_pool {
    char *job; /* its name */
    scrape_shared shared;
    VEC(scrape_loop *) loops; /* active targets, in order of discovery */
    VEC(target *) dropped;    /* by relabelling; at most keep_dropped_targets */
    size_t n_dropped;         /* all of them */
    size_t n_stopping;        /* loops that still finish a scrape */
    bool closing;
    void (*on_closed)(struct scrape_pool *p, void *ctx);
    void *closed_ctx;
} scrape_pool;

/* base: what is common to all pools. Takes references on prom; sc is inside it. */
scrape_pool *scrape_pool_new(const scrape_shared *base, const prom_config *prom, const scrape_config *sc);
/* The job as a new configuration has it. */
void scrape_pool_configure(scrape_pool *p, const prom_config *prom, const scrape_config *sc);
/* The job's whole set of groups. */
void scrape_pool_sync(scrape_pool *p, const target_group *groups, size_t n);
/* Ends all loops (see scrape_loop_stop); on_closed once none is left, perhaps from inside. It frees p by
 * scrape_pool_free(). */
void scrape_pool_close(scrape_pool *p, bool now, void (*on_closed)(scrape_pool *p, void *ctx), void *ctx);
void scrape_pool_free(scrape_pool *p);
/* Do two versions of a job make the same series of the same page? */
bool scrape_config_same_series(const scrape_config *a, const scrape_config *b);
#endif
