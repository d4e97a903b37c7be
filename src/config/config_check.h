/* config_check.h: what `check config` looks at beyond the text of prometheus.yml: the files it names. */
#ifndef CONFIG_CONFIG_CHECK_H
#define CONFIG_CONFIG_CHECK_H
#include "config/prometheus_config.h"

/* Credential and TLS files exist; targets, those of file_sd files included, are host and port once they are relabelled.
 * Files of file_sd that are not there are lines in warnings ("  WARNING: file ... does not exist"). Errors as promtool
 * words them. Reads files. */
bool prom_config_check_files(const prom_config *c, buf *warnings, err *e);
/* The same for static targets only; reads nothing: for --syntax-only. */
bool prom_config_check_targets(const prom_config *c, err *e);
#endif
