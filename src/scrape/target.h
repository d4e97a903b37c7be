/* target.h: one thing to scrape: what discovery said of it, its labels after relabelling, its URL.
 *
 * A target is immutable but for its health, which scrape_loop writes. Two targets are the same when their labels and URL
 * are (target_eq): a reload keeps the loop, cache and connection of those.
 * Source: scrape/target.go of Prometheus 3.14 (PopulateLabels, TargetsFromGroup).                                   */
#ifndef SCRAPE_TARGET_H
#define SCRAPE_TARGET_H
#include "base/err.h"
#include "config/prometheus_config.h"
#include "discovery/discovery.h"
#include "model/labels.h"

typedef struct target {
    labels *discovered;          /* before relabelling, for the API */
    labels *labels;              /* what each sample gets; NULL: dropped by relabelling */
    char *url;                   /* scheme://host:port/path?params */
    uint64_t hash;               /* of labels and url; the offset comes from it */
    int64_t interval_ms, timeout_ms;
    uint32_t refs;
} target;

/* One target from one label set of a group. *out is the caller's reference; a dropped target has labels == NULL.
 * false: the labels make no target; *e as Prometheus words it. */
bool target_new(const scrape_config *sc, const labels *group_labels, const labels *target_labels, target **out, err *e);
target *target_ref(target *t);
void target_unref(target *t);
bool target_eq(const target *a, const target *b);
/* The first tick at or after now_ms: k * interval + hash offset, so that targets spread over the interval. */
int64_t target_next_tick(const target *t, uint64_t seed, int64_t now_ms);
#endif
