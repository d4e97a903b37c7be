/* scrape_manager.h: all that is scraped: pools by job, fed by discovery, writing to the store.
 *
 * scrape_manager_apply() is called at start and after each reload: jobs, targets and options are compared with what
 * runs, what is unchanged goes on undisturbed. It owns discovery for its jobs. Loop thread throughout; parsing runs
 * on workers. Targets that end are marked stale as Prometheus does it; at shutdown nothing is marked. */
#ifndef SCRAPE_SCRAPE_MANAGER_H
#define SCRAPE_SCRAPE_MANAGER_H
#include "config/prometheus_config.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "scrape/scrape_loop.h"
#include "tsdb/db.h"
#include <uv.h>

typedef struct scrape_manager scrape_manager;

typedef struct scrape_manager_options {
    uv_loop_t *loop;
    db *db;
    const char *user_agent;        /* "tsdbd/0.1.0" */
    bool extra_metrics;            /* --enable-feature=extra-scrape-metrics */
    int64_t tolerance_ms;          /* --scrape.timestamp-tolerance; 0: 2 ms; < 0: none */
    int64_t discovery_interval_ms; /* --scrape.discovery-reload-interval; 0: 5 s */
    const char *external_scheme;   /* of --web.external-url, for globalUrl; NULL: as scrapeUrl */
    const char *external_host;     /* host:port of it */
    uint16_t listen_port;
    void (*appended)(void *ctx); /* after each batch, to look for commit jobs; may be NULL */
    void *ctx;
} scrape_manager_options;

/* Strings are copied. */
scrape_manager *scrape_manager_new(const scrape_manager_options *opt);
/* Takes a reference on cfg. Jobs start, change, end. Cannot fail: cfg was checked when it was loaded. */
void scrape_manager_apply(scrape_manager *m, const prom_config *cfg);
/* Ends all loops, dropping scrapes under way; on_closed once nothing is in flight and m is gone, never from inside. */
void scrape_manager_close(scrape_manager *m, void (*on_closed)(void *ctx), void *ctx);

/* What the API shows. Everything is copied into the arena. */
extern const char *const scrape_health_names[]; /* by enum scrape_health: "unknown", "up", "down" */
typedef struct scrape_target_view {
    bytes pool;
    const labels *discovered, *labels; /* labels NULL: a dropped target */
    bytes url, global_url, last_error;
    int64_t last_scrape_ms; /* 0: never */
    double last_duration_sec;
    enum scrape_health health;
    int64_t interval_ms, timeout_ms;
    const void *target; /* for scrape_manager_metadata, within the same turn of the loop */
} scrape_target_view;

typedef struct scrape_pool_view {
    bytes name;
    size_t n_active, n_dropped; /* dropped: all, also those not kept */
} scrape_pool_view;

/* Sorted by name. */
void scrape_manager_pools(scrape_manager *m, arena *a, scrape_pool_view **out, size_t *n);
/* Of one pool, or of all (pool.p NULL), sorted by pool, then in order of discovery. */
void scrape_manager_active(scrape_manager *m, bytes pool, arena *a, scrape_target_view **out, size_t *n);
void scrape_manager_dropped(scrape_manager *m, bytes pool, arena *a, scrape_target_view **out, size_t *n);

typedef struct scrape_metadata_view {
    const scrape_target_view *target;
    bytes metric, help, unit;
    enum metric_kind kind;
} scrape_metadata_view;
/* Of the given targets; metric.p NULL: every metric. */
void scrape_manager_metadata(scrape_manager *m, const scrape_target_view *targets, size_t n_targets, bytes metric,
                             arena *a, scrape_metadata_view **out, size_t *n);
#endif
