/* target.h: one thing to scrape: what discovery said of it, its labels after relabelling, its URL.
 *
 * A target is immutable and counted. Two targets are the same when their hashes are, that is labels and URL: a reload
 * keeps loop, cache and connection of those.
 * Source: scrape/target.go of Prometheus 3.14 (PopulateLabels, URL, offset). */
#ifndef SCRAPE_TARGET_H
#define SCRAPE_TARGET_H
#include "base/err.h"
#include "config/prometheus_config.h"
#include "model/labels.h"

typedef struct target {
    uint32_t refs;      /* loop thread */
    labels *discovered; /* before relabelling, for the API */
    labels *labels;     /* what each sample gets, nothing that begins with __; NULL: dropped by relabelling */
    char *url;          /* scheme://host:port/path?params; NULL: dropped */
    uint64_t hash;      /* of labels and url */
    int64_t interval_ms, timeout_ms;
} target;

/* One target from one label set of a group. *out is the caller's reference; where relabelling drops it, labels and url
 * are NULL. false: the labels make no target; *e as Prometheus words it. */
bool target_new(const scrape_config *sc, const labels *group_labels, const labels *target_labels, target **out, err *e);
target *target_ref(target *t);
void target_unref(target *t);
/* Where in the interval it is scraped: in one of `slots` (a power of two) equal parts, by hash, so that targets spread
 * and one wake-up still serves several. With twice the slots it moves by half of one or not at all. seed differs from
 * daemon to daemon. */
int64_t target_offset_ms(const target *t, uint64_t seed, uint32_t slots);
/* How many slots suit n targets. */
uint32_t target_slots(size_t n);
#endif
