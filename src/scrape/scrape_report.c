/* scrape_report.c: see scrape_report.h. */
#include "scrape/scrape_report.h"
#include "scrape/scrape_labels.h"

static const char *const names[REPORT_N] = {
    [REPORT_UP] = "up",
    [REPORT_DURATION] = "scrape_duration_seconds",
    [REPORT_SAMPLES] = "scrape_samples_scraped",
    [REPORT_POST_RELABEL] = "scrape_samples_post_metric_relabeling",
    [REPORT_SERIES_ADDED] = "scrape_series_added",
    [REPORT_TIMEOUT] = "scrape_timeout_seconds",
    [REPORT_SAMPLE_LIMIT] = "scrape_sample_limit",
    [REPORT_BODY_SIZE] = "scrape_body_size_bytes",
};

void scrape_report_items(const scrape_report *r, const labels *target, const double *values, size_t n, int64_t t,
                         arena *a, append_item *items)
{
    for (size_t i = 0; i < n; i++) {
        const labels *l = r->refs[i] ? NULL : scrape_report_labels(target, bytes_of(names[i]), a);
        items[i] = (append_item){ .ref = r->refs[i], .labels = l, .t = t, .v = values[i] };
    }
}

void scrape_report_done(scrape_report *r, db *d, const labels *target, append_item *items, size_t n, arena *a)
{
    for (size_t i = 0; i < n; i++) {
        append_item *it = &items[i];
        if (it->status == APPEND_UNKNOWN_REF) {
            it->ref = 0;
            it->labels = scrape_report_labels(target, bytes_of(names[i]), a);
            db_append(d, it, 1);
        }
        r->refs[i] = it->status == APPEND_OK || it->status == APPEND_DUPLICATE ? it->ref : 0;
    }
}
