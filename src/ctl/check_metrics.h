/* check_metrics.h: the linter of exposition pages behind `tsdbctl check metrics` (promlint's rules and sentences). */
#ifndef CTL_CHECK_METRICS_H
#define CTL_CHECK_METRICS_H
#include "base/bytes.h"
#include "base/err.h"

/* Problems go to stderr, one a line, sorted; with extended the cardinality table to stdout. false: the page is no valid
 * exposition text. */
bool check_metrics(bytes page, bool lint, bool extended, size_t *problems, err *e);
#endif
