/* http_metrics.h: prometheus_http_* as Prometheus counts its own handlers. */
#ifndef LOOP_HTTP_METRICS_H
#define LOOP_HTTP_METRICS_H
#include <stddef.h>
#include <stdint.h>

typedef struct http_metrics http_metrics;
http_metrics *http_metrics_new(void);
void http_metrics_free(http_metrics *m);
/* Makes the cells of row `index` (rows come in order), so that they are exposed from the start. */
void http_metrics_add(http_metrics *m, const char *pattern);
void http_metrics_count(http_metrics *m, size_t index, int status, double seconds, uint64_t body_bytes);
#endif
