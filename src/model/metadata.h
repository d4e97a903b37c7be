/* metadata.h: what an exporter says of a metric family: type, help, unit. */
#ifndef MODEL_METADATA_H
#define MODEL_METADATA_H
#include "base/bytes.h"

enum metric_kind {   /* as the API names them */
    KIND_UNKNOWN, KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM, KIND_GAUGEHISTOGRAM, KIND_SUMMARY, KIND_INFO, KIND_STATESET,
    KIND_N
};
extern const char *const metric_kind_names[KIND_N];   /* "unknown", "counter", ... */
#endif
