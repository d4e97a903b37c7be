/* self_metrics.h: metrics of the process and of the store that are read when somebody asks: process_*, build info,
 * prometheus_tsdb_*, prometheus_config_*. Names and meanings are Prometheus'. */
#ifndef SERVER_SELF_METRICS_H
#define SERVER_SELF_METRICS_H
#include "api/api.h"

/* env must outlive every exposition. */
void self_metrics_register(const api_env *env);
#endif
