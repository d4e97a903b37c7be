/* metrics.h: the process' own metrics, as rows.
 *
 * A family is a static variable, declared where it is counted and registered once at start; /metrics walks all of them.
 *
 *     static metric_family scrapes = METRIC(COUNTER, "prometheus_target_scrapes_exceeded_sample_limit_total", "Total ...");
 *     metric_register(&scrapes);  metric_inc(metric_get(&scrapes));
 *     static metric_family reqs = METRIC(COUNTER, "prometheus_http_requests_total", "Counter of HTTP requests.", "code", "handler");
 *     metric_add(metric_with(&reqs, "200", "/metrics"), 1);
 *     static metric_family dur = METRIC_HISTOGRAM("..._seconds", "help", buckets, n_buckets, "handler");
 *     metric_observe(metric_with(&dur, "/x"), 0.2);
 * Cells live until the process ends. Counting is atomic (any thread); metric_with() and metric_register() too (a lock
 * inside), so keep the cell where it is hot.                                                                    */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H
#include "base/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_SUMMARY, METRIC_HISTOGRAM_T };
enum { METRIC_MAX_LABELS = 6 };
typedef struct metric metric;   /* one cell: one series, or one histogram */
typedef struct metric_family {
    enum metric_type type;
    const char *name, *help;
    const char *labels[METRIC_MAX_LABELS];     /* label names, NULL at the end */
    const double *buckets;                     /* upper bounds, ascending, without +Inf */
    int n_buckets;
    metric *cells;                             /* owned, newest first */
    struct metric_family *next;                /* registry */
} metric_family;

#define METRIC(t, n, h, ...) { .type = METRIC_##t, .name = (n), .help = (h), .labels = { __VA_ARGS__ } }
#define METRIC_HISTOGRAM(n, h, b, nb, ...)                                                            \
    { .type = METRIC_HISTOGRAM_T, .name = (n), .help = (h), .buckets = (b), .n_buckets = (nb), .labels = { __VA_ARGS__ } }

void metric_register(metric_family *f);        /* twice is fine */
metric *metric_get(metric_family *f);          /* the cell of a family without labels */
/* One value per label name, C strings, in order. */
metric *metric_with_values(metric_family *f, const char *const *values);
#define metric_with(f, ...) metric_with_values((f), (const char *const[METRIC_MAX_LABELS]){ __VA_ARGS__ })
void metric_forget(metric_family *f, const char *const *values);   /* a cell that must vanish from /metrics */

void metric_add(metric *m, double v);
static inline void metric_inc(metric *m) { metric_add(m, 1); }
void metric_set(metric *m, double v);
double metric_value(const metric *m);
void metric_observe(metric *m, double v);      /* histogram and summary: count, sum, bucket */

/* Called before each exposition, to set gauges that are cheap to compute only then. ctx is passed back. */
void metric_on_collect(void (*fn)(void *ctx), void *ctx);
void metric_off_collect(void (*fn)(void *ctx), void *ctx);   /* before ctx goes */
/* All families, text format 0.0.4, sorted by name; families without cells are left out. */
void metric_write_text(buf *out);
#endif
