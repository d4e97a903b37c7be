/* api_params.h: request parameters as Prometheus reads and refuses them. Errors are ERR_BAD_DATA with its texts. */
#ifndef API_API_PARAMS_H
#define API_API_PARAMS_H
#include "api/api.h"
#include "tsdb/select.h"

/* Seconds as a decimal number, or RFC 3339; ms. "cannot parse "x" to a valid timestamp". */
bool api_parse_time(bytes s, int64_t *ms, err *e);
/* Seconds as a decimal number, or a Prometheus duration; ms, rounded towards zero. */
bool api_parse_duration(bytes s, int64_t *ms, err *e);

/* The parameter, or deflt where it is absent or empty; errors begin with `invalid parameter "name": `, and those of optional
 * times go on with `invalid time value for 'name': `. */
bool api_time_param(const http_request *req, const char *name, int64_t deflt, int64_t *ms, err *e);
/* The same without a default: an empty one is an error. */
bool api_time_required(const http_request *req, const char *name, int64_t *ms, err *e);
bool api_duration_param(const http_request *req, const char *name, int64_t deflt, int64_t *ms, err *e);
/* 0: no limit. */
bool api_limit_param(const http_request *req, size_t *limit, err *e);

/* Every match[] as selectors over [mint, maxt], in the request's arena. They own regular expressions: give them back with
 * api_selectors_release. Zero of them is no error here. Errors are bare: /series puts `invalid parameter "match[]": ` in front,
 * /labels does not. */
typedef struct api_selectors {
    db_selector *sels;
    struct ast_node **nodes;
    size_t n;
} api_selectors;
bool api_match_params(http_request *req, int64_t mint, int64_t maxt, api_selectors *out, err *e);
void api_selectors_release(api_selectors *s);

/* start and end of the endpoints that default to all of time. */
bool api_range_params(const http_request *req, int64_t *mint, int64_t *maxt, err *e);

/* RFC 3339 with up to nanoseconds, as Go's RFC3339Nano in UTC: "2026-01-02T15:04:05.123Z"; ms == 0 gives Go's zero time. */
bytes api_format_time(arena *a, int64_t ms);
#endif
