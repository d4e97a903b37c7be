/* scrape_labels.h: from the labels of a line to those of its series: the target's labels, relabelling, limits.
 *
 * Pure: no cache, no store. Any thread. Source: mutateSampleLabels, verifyLabelLimits in scrape/scrape.go.          */
#ifndef SCRAPE_SCRAPE_LABELS_H
#define SCRAPE_SCRAPE_LABELS_H
#include "base/err.h"
#include "config/prometheus_config.h"
#include "model/labels.h"

/* list: as expo_labels() gives it (sorted; names may repeat, values be empty). *out is the arena's; NULL: relabelling
 * drops the series. false: the scrape fails with *e; *over_limit says that a label limit did it. */
bool scrape_labels(const scrape_config *sc, const labels *target, label *list, size_t n, arena *a, const labels **out,
                   bool *over_limit, err *e);
/* name and the target's labels: for `up` and its like. In a. */
const labels *scrape_report_labels(const labels *target, bytes name, arena *a);
#endif
