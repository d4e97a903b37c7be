/* scrape_loop.h: one target, scraped every interval.
 *
 *     on_tick --> on_response --> parse_job --> on_parsed --> store --> conclude      (a usual page: without the job)
 *        | busy: skip   | failed                                ^ | the store has forgotten refs
 *        | refused      `---------------------------------------' `--> parse_job --> on_resolved --> conclude
 *        `-------------------------------------------------------^
 * Every scrape, failed ones included, ends in store(), which writes `up` and its like, and in conclude().
 * Never two scrapes of a target at once: ticks that come meanwhile are counted and left out.
 * Loop thread. Source: scrapeLoop in scrape/scrape.go, Prometheus 3.14.                                            */
#ifndef SCRAPE_SCRAPE_LOOP_H
#define SCRAPE_SCRAPE_LOOP_H
#include "loop/http_client.h"
#include "scrape/scrape_meta.h"
#include "scrape/scrape_retire.h"
#include "scrape/scrape_scratch.h"
#include "scrape/target.h"

/* What the loops of one job share; the pool's, which outlives them. */
typedef struct scrape_shared {
    uv_loop_t *loop;
    db *db;
    http_client *client;
    text_pool *texts;
    scrape_retirees *retirees;
    scrape_scratch *scratch;
    const char *user_agent;
    void (*appended)(void *ctx); /* may be NULL */
    void *ctx;
    uint64_t offset_seed, key_seed;
    int64_t tolerance_ms; /* a scrape at most so late gets the time it was due */
    bool extra_metrics;
    uint32_t slots; /* of the interval, see target.h; scrape_loop_spread() after a change */
    /* changes with the configuration */
    const prom_config *prom; /* referenced; keeps config alive */
    const scrape_config *config;
    bytes accept;
    char *refusal; /* NULL, or why no target of the job is scraped (target_limit) */
} scrape_shared;

typedef struct scrape_loop scrape_loop;
enum scrape_health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

/* Takes a reference on the target; the first scrape is at its offset within the interval. */
scrape_loop *scrape_loop_start(const scrape_shared *shared, target *t);
/* The same target as discovery sees it now, perhaps with another interval. */
void scrape_loop_set_target(scrape_loop *s, target *t);
/* shared->slots has changed. */
void scrape_loop_spread(scrape_loop *s);
/* The job's configuration changed in what it makes of a page: forget every line, as if the target were another. */
void scrape_loop_forget(scrape_loop *s);
/* No more ticks. A scrape under way is finished, or dropped with `now`; then, unless `now`, the target's series are
 * handed to the retirees; then on_stopped is called and s is gone. May do so from inside. */
void scrape_loop_stop(scrape_loop *s, bool now, void (*on_stopped)(void *ctx), void *ctx);

typedef struct scrape_status {
    const target *target;
    enum scrape_health health;
    const char *last_error; /* "" where there is none */
    int64_t last_scrape_ms; /* 0: never */
    double last_duration_sec;
    const scrape_meta *meta;
} scrape_status;
scrape_status scrape_loop_status(const scrape_loop *s);
#endif
