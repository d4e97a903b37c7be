/* scrape_metrics.h: the prometheus_target_* metrics of scraping. Counting: any thread. */
#ifndef SCRAPE_SCRAPE_METRICS_H
#define SCRAPE_SCRAPE_METRICS_H
#include "base/metrics.h"

enum scrape_counter {
    SCRAPE_POOLS,
    SCRAPE_POOLS_FAILED,
    SCRAPE_RELOADS,
    SCRAPE_RELOADS_FAILED,
    SCRAPE_OVER_TARGETS,
    SCRAPE_OVER_BODY,
    SCRAPE_OVER_SAMPLES,
    SCRAPE_OVER_LABELS,
    SCRAPE_OVER_BUCKETS,
    SCRAPE_DUPLICATES,
    SCRAPE_OUT_OF_ORDER,
    SCRAPE_OUT_OF_BOUNDS,
    SCRAPE_EXEMPLARS_OUT_OF_ORDER,
    SCRAPE_CACHE_FORCED,
    SCRAPE_SKIPPED,
    SCRAPE_N_COUNTERS
};
enum scrape_job_metric { /* one series per job */
                         SCRAPE_JOB_SYNCS,
                         SCRAPE_JOB_SYNC_FAILED,
                         SCRAPE_JOB_TARGETS,
                         SCRAPE_JOB_TARGET_LIMIT,
                         SCRAPE_JOB_META_ENTRIES,
                         SCRAPE_JOB_META_BYTES,
                         SCRAPE_N_JOB_METRICS
};

void scrape_metrics_register(void);
void scrape_count(enum scrape_counter which, double n);
void scrape_job_set(enum scrape_job_metric which, const char *job, double v);
void scrape_job_add(enum scrape_job_metric which, const char *job, double n);
void scrape_job_forget(const char *job);
/* Seconds between two scrapes of a target; interval as text ("15s"). Cells are kept by the caller. */
metric *scrape_interval_cell(const char *interval);
metric *scrape_interval_histogram_cell(const char *interval);
void scrape_observe_sync(const char *job, double seconds);
void scrape_observe_reload(const char *interval, double seconds);
#endif
