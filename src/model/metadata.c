/* metadata.c: the kinds' names, as the metadata API and `# TYPE` lines of OpenMetrics spell them. */
#include "model/metadata.h"

const char *const metric_kind_names[KIND_N] = {
    [KIND_UNKNOWN] = "unknown",
    [KIND_COUNTER] = "counter",
    [KIND_GAUGE] = "gauge",
    [KIND_HISTOGRAM] = "histogram",
    [KIND_GAUGEHISTOGRAM] = "gaugehistogram",
    [KIND_SUMMARY] = "summary",
    [KIND_INFO] = "info",
    [KIND_STATESET] = "stateset",
};
