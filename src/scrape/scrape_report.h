/* scrape_report.h: the series a scrape adds about itself: up, scrape_duration_seconds and their like. */
#ifndef SCRAPE_SCRAPE_REPORT_H
#define SCRAPE_SCRAPE_REPORT_H
#include "tsdb/db.h"

enum scrape_report_metric {
    REPORT_UP,
    REPORT_DURATION,
    REPORT_SAMPLES,
    REPORT_POST_RELABEL,
    REPORT_SERIES_ADDED,
    REPORT_N_USUAL,
    REPORT_TIMEOUT = REPORT_N_USUAL,
    REPORT_SAMPLE_LIMIT,
    REPORT_BODY_SIZE, /* extra_scrape_metrics */
    REPORT_N
};
typedef struct scrape_report {
    uint64_t refs[REPORT_N]; /* of the store; 0: not known */
} scrape_report;

/* n of the values (REPORT_N_USUAL or REPORT_N) as items at `items`; labels, where needed, in a. */
void scrape_report_items(const scrape_report *r, const labels *target, const double *values, size_t n, int64_t t,
                         arena *a, append_item *items);
/* Takes the refs that the append gave; items whose series the store had forgotten are appended again. */
void scrape_report_done(scrape_report *r, db *d, const labels *target, append_item *items, size_t n, arena *a);
#endif
