/* scrape_metrics.c: see scrape_metrics.h. Names and texts: scrape/metrics.go of Prometheus 3.14; the last counter is
 * ours. */
#include "scrape/scrape_metrics.h"

static metric_family counters[SCRAPE_N_COUNTERS] = {
    [SCRAPE_POOLS] =
        METRIC(COUNTER, "prometheus_target_scrape_pools_total", "Total number of scrape pool creation attempts."),
    [SCRAPE_POOLS_FAILED] = METRIC(COUNTER, "prometheus_target_scrape_pools_failed_total",
                                   "Total number of scrape pool creations that failed."),
    [SCRAPE_RELOADS] =
        METRIC(COUNTER, "prometheus_target_scrape_pool_reloads_total", "Total number of scrape pool reloads."),
    [SCRAPE_RELOADS_FAILED] = METRIC(COUNTER, "prometheus_target_scrape_pool_reloads_failed_total",
                                     "Total number of failed scrape pool reloads."),
    [SCRAPE_OVER_TARGETS] =
        METRIC(COUNTER, "prometheus_target_scrape_pool_exceeded_target_limit_total",
               "Total number of times scrape pools hit the target limit, during sync or config reload."),
    [SCRAPE_OVER_BODY] = METRIC(COUNTER, "prometheus_target_scrapes_exceeded_body_size_limit_total",
                                "Total number of scrapes that hit the body size limit"),
    [SCRAPE_OVER_SAMPLES] = METRIC(COUNTER, "prometheus_target_scrapes_exceeded_sample_limit_total",
                                   "Total number of scrapes that hit the sample limit and were rejected."),
    [SCRAPE_OVER_LABELS] =
        METRIC(COUNTER, "prometheus_target_scrape_pool_exceeded_label_limits_total",
               "Total number of times scrape pools hit the label limits, during sync or config reload."),
    [SCRAPE_OVER_BUCKETS] =
        METRIC(COUNTER, "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
               "Total number of scrapes that hit the native histogram bucket limit and were rejected."),
    [SCRAPE_DUPLICATES] = METRIC(COUNTER, "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                                 "Total number of samples rejected due to duplicate timestamps but different values."),
    [SCRAPE_OUT_OF_ORDER] = METRIC(COUNTER, "prometheus_target_scrapes_sample_out_of_order_total",
                                   "Total number of samples rejected due to not being out of the expected order."),
    [SCRAPE_OUT_OF_BOUNDS] =
        METRIC(COUNTER, "prometheus_target_scrapes_sample_out_of_bounds_total",
               "Total number of samples rejected due to timestamp falling outside of the time bounds."),
    [SCRAPE_EXEMPLARS_OUT_OF_ORDER] =
        METRIC(COUNTER, "prometheus_target_scrapes_exemplar_out_of_order_total",
               "Total number of exemplar rejected due to not being out of the expected order."),
    [SCRAPE_CACHE_FORCED] =
        METRIC(COUNTER, "prometheus_target_scrapes_cache_flush_forced_total",
               "How many times a scrape cache was flushed due to getting big while scrapes are failing."),
    [SCRAPE_SKIPPED] =
        METRIC(COUNTER, "tsdbd_target_scrapes_skipped_total",
               "Total number of scrapes skipped because the one before was still under way or the loop was late."),
};

static metric_family per_job[SCRAPE_N_JOB_METRICS] = {
    [SCRAPE_JOB_SYNCS] = METRIC(COUNTER, "prometheus_target_scrape_pool_sync_total",
                                "Total number of syncs that were executed on a scrape pool.", "scrape_job"),
    [SCRAPE_JOB_SYNC_FAILED] =
        METRIC(COUNTER, "prometheus_target_sync_failed_total", "Total number of target sync failures.", "scrape_job"),
    [SCRAPE_JOB_TARGETS] = METRIC(GAUGE, "prometheus_target_scrape_pool_targets",
                                  "Current number of targets in this scrape pool.", "scrape_job"),
    [SCRAPE_JOB_TARGET_LIMIT] = METRIC(GAUGE, "prometheus_target_scrape_pool_target_limit",
                                       "Maximum number of targets allowed in this scrape pool.", "scrape_job"),
    [SCRAPE_JOB_META_ENTRIES] = METRIC(GAUGE, "prometheus_target_metadata_cache_entries",
                                       "Total number of metric metadata entries in the cache", "scrape_job"),
    [SCRAPE_JOB_META_BYTES] =
        METRIC(GAUGE, "prometheus_target_metadata_cache_bytes",
               "The number of bytes that are currently used for storing metric metadata in the cache", "scrape_job"),
};

static const double seconds_buckets[] = { .01, .1, 1, 10 };
static metric_family interval_summary =
    METRIC(SUMMARY, "prometheus_target_interval_length_seconds", "Actual intervals between scrapes.", "interval");
static metric_family interval_histogram =
    METRIC_HISTOGRAM("prometheus_target_interval_length_histogram_seconds", "Actual intervals between scrapes.",
                     seconds_buckets, 4, "interval");
static metric_family sync_summary =
    METRIC(SUMMARY, "prometheus_target_sync_length_seconds", "Actual interval to sync the scrape pool.", "scrape_job");
static metric_family sync_histogram =
    METRIC_HISTOGRAM("prometheus_target_sync_length_histogram_seconds", "Actual interval to sync the scrape pool.",
                     seconds_buckets, 4, "scrape_job");
static metric_family reload_summary =
    METRIC(SUMMARY, "prometheus_target_reload_length_seconds",
           "Actual interval to reload the scrape pool with a given configuration.", "interval");

void scrape_metrics_register(void)
{
    for (int i = 0; i < SCRAPE_N_COUNTERS; i++) {
        metric_register(&counters[i]);
        metric_get(&counters[i]);
    }
    for (int i = 0; i < SCRAPE_N_JOB_METRICS; i++)
        metric_register(&per_job[i]);
    metric_register(&interval_summary);
    metric_register(&interval_histogram);
    metric_register(&sync_summary);
    metric_register(&sync_histogram);
    metric_register(&reload_summary);
}

void scrape_count(enum scrape_counter which, double n)
{
    if (n > 0)
        metric_add(metric_get(&counters[which]), n);
}

void scrape_job_set(enum scrape_job_metric which, const char *job, double v)
{
    metric_set(metric_with(&per_job[which], job), v);
}

void scrape_job_add(enum scrape_job_metric which, const char *job, double n)
{
    metric_add(metric_with(&per_job[which], job), n);
}

void scrape_job_forget(const char *job)
{
    for (int i = 0; i < SCRAPE_N_JOB_METRICS; i++)
        metric_forget(&per_job[i], (const char *const[METRIC_MAX_LABELS]){ job });
    metric_forget(&sync_summary, (const char *const[METRIC_MAX_LABELS]){ job });
    metric_forget(&sync_histogram, (const char *const[METRIC_MAX_LABELS]){ job });
}

metric *scrape_interval_cell(const char *interval)
{
    return metric_with(&interval_summary, interval);
}

metric *scrape_interval_histogram_cell(const char *interval)
{
    return metric_with(&interval_histogram, interval);
}

void scrape_observe_sync(const char *job, double seconds)
{
    metric_observe(metric_with(&sync_summary, job), seconds);
    metric_observe(metric_with(&sync_histogram, job), seconds);
}

void scrape_observe_reload(const char *interval, double seconds)
{
    metric_observe(metric_with(&reload_summary, interval), seconds);
}
