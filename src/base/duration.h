/* duration.h: Prometheus durations ("1h30m", "5m", "100ms") and Go's time.Duration text. Times in ms. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H
#include "base/arena.h"
#include "base/err.h"

/* model.ParseDuration: units y w d h m s ms in this order, each at most once, "0" allowed, no sign.
 * Errors as Prometheus: `not a valid duration string: "x"`, `empty duration string`, `duration out of range`. */
bool duration_parse(bytes s, int64_t *ms, err *e);
/* model.Duration.String: "1d12h" style ("0s" for zero), largest units first; y/w only where exact, as Prometheus. */
bytes duration_format(arena *a, int64_t ms);
/* time.Duration.String of ns: "1m30s", "1.5s", "10ms", "0s". */
bytes duration_format_go(arena *a, int64_t ns);
#endif
