/* discovery.h: who is to be scraped: service discovery from configuration to target groups.
 *
 * A `discovery` serves several sets (one per scrape job, or per Alertmanager section). A set's providers (static lists,
 * file_sd; more kinds fill the same table) each hold their newest groups; whenever one changes, the set's callback gets
 * the full list of all its groups, at most once in discovery_options.throttle_ms per set. Providers that a reload
 * leaves as they were keep their groups and are not read again. Files are read on workers; everything else, the callback
 * included, is the loop thread's.                                                                           */
#ifndef DISCOVERY_DISCOVERY_H
#define DISCOVERY_DISCOVERY_H
#include "config/prometheus_config.h"
#include <uv.h>

typedef struct discovery discovery;

/* The set's whole truth: groups and what they point to are borrowed for the call. Static groups keep their place.
 * n == 0: there are none. */
typedef void (*discovery_fn)(void *ctx, bytes set, const target_group *groups, size_t n);

typedef struct discovery_options {
    const char *name;              /* "scrape" or "notify": the label `name` of prometheus_sd_* metrics */
    int64_t throttle_ms;           /* Prometheus: 5000 for scrape */
    discovery_fn on_groups;
    void *ctx;
} discovery_options;

typedef struct discovery_set {
    bytes name;                    /* job name, "config-0" */
    const sd_configs *sd;
} discovery_set;

discovery *discovery_new(uv_loop_t *loop, const discovery_options *o);
/* Takes a configuration into use: sets that are gone are dropped (no callback), all others are called back: static ones
 * within this call, those that read files once they are read. cfg is referenced as long as needed; sets point into
 * it. */
void discovery_apply(discovery *d, const prom_config *cfg, const discovery_set *sets, size_t n);
/* Every scrape job of cfg as a set. */
void discovery_apply_scrape(discovery *d, const prom_config *cfg);
/* Ends watchers and timers; no callback after this call but on_closed, when the memory is gone. */
void discovery_close(discovery *d, void (*on_closed)(void *ctx), void *ctx);

/* false, with every use named in e, where cfg asks for kinds of discovery that are not built in. */
bool discovery_check_supported(const prom_config *cfg, err *e);
/* Registers the prometheus_sd_* metrics; twice is fine. */
void discovery_register_metrics(void);
#endif
