/* server_call.h: one request to a server, waited for: the loop's client behind a synchronous face. */
#ifndef CTL_SERVER_CALL_H
#define CTL_SERVER_CALL_H
#include "base/buf.h"
#include "base/err.h"
#include "ctl/args.h"

enum { SERVER_TIMEOUT_MS = 120000 };

typedef struct server_request {
    bytes base;               /* "http://localhost:9090", a path below it allowed */
    const char *path;         /* "/api/v1/query", perhaps with "?query"; goes behind the base's own path */
    buf *form;                /* POST body "a=1&b=2"; NULL: GET */
    ctl_list headers;         /* "K=V" */
} server_request;

/* false: no answer (*e says why, as Go's client words it). The body is inflated; the caller releases it. */
bool server_call(const server_request *r, arena *a, int *status, buf *body, err *e);
/* Appends name=value (escaped) to a form. */
void form_add(buf *form, const char *name, bytes value);
#endif
