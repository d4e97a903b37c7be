/* http_metrics.c: see http_metrics.h; names, help texts and buckets are those of Prometheus' web.go. Cells are looked
 * up once per row (and per status of a row), since looking one up takes a lock. */
#include "loop/http_metrics.h"
#include "base/metrics.h"
#include "base/vec.h"
#include <stdio.h>

static const double duration_buckets[] = { .1, .2, .4, 1, 3, 8, 20, 60, 120 };
static const double size_buckets[] = { 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
#define N_OF(a) (int)(sizeof(a) / sizeof(a)[0])

static metric_family requests =
    METRIC(COUNTER, "prometheus_http_requests_total", "Counter of HTTP requests.", "handler", "code");
static metric_family durations =
    METRIC_HISTOGRAM("prometheus_http_request_duration_seconds", "Histogram of latencies for HTTP requests.",
                     duration_buckets, N_OF(duration_buckets), "handler");
static metric_family sizes = METRIC_HISTOGRAM("prometheus_http_response_size_bytes",
                                              "Histogram of response size for HTTP requests.", size_buckets,
                                              N_OF(size_buckets), "handler");

enum { CODES_KEPT = 4 };
typedef struct row {
    const char *pattern;
    metric *duration, *size;
    struct {
        int code;
        metric *count;
    } codes[CODES_KEPT];
} row;

struct http_metrics {
    VEC(row) rows;
};

http_metrics *http_metrics_new(void)
{
    metric_register(&requests);
    metric_register(&durations);
    metric_register(&sizes);
    return xcalloc(1, sizeof(http_metrics));
}

void http_metrics_free(http_metrics *m)
{
    if (m)
        vec_free(&m->rows);
    free(m);
}

static metric *counter_of(row *r, int code)
{
    char text[16];
    for (int i = 0; i < CODES_KEPT; i++) {
        if (r->codes[i].code == code)
            return r->codes[i].count;
        if (r->codes[i].code)
            continue;
        snprintf(text, sizeof text, "%d", code);
        r->codes[i].code = code;
        r->codes[i].count = metric_with(&requests, r->pattern, text);
        return r->codes[i].count;
    }
    snprintf(text, sizeof text, "%d", code);
    return metric_with(&requests, r->pattern, text);
}

void http_metrics_add(http_metrics *m, const char *pattern)
{
    row r = { .pattern = pattern,
              .duration = metric_with(&durations, pattern),
              .size = metric_with(&sizes, pattern) };
    counter_of(&r, 200);
    vec_push(&m->rows, r);
}

void http_metrics_count(http_metrics *m, size_t index, int status, double seconds, uint64_t body_bytes)
{
    row *r = &m->rows.p[index];
    metric_inc(counter_of(r, status));
    metric_observe(r->duration, seconds);
    metric_observe(r->size, (double)body_bytes);
}
