/* http_client.h: outgoing HTTP/1.1 requests on the loop, with a pool of kept connections.
 *
 *     http_call *c = http_call_start(client, &(http_call_options){ .url = BYTES("http://h:9100/metrics"),
 *                                    .timeout_ms = 10000, .max_body = limit }, on_response, s);
 * on_response runs exactly once for every call, always from the loop, never from inside http_call_start() or
 * http_call_cancel(). The response and all its bytes live until it returns; take the body with buf_take(). Bodies
 * come as sent: with a Content-Encoding the caller inflates them on its worker (gzip.h). A call's status is not
 * judged: 404 is a response, not an error. A kept connection that turns out dead before the first byte of an answer
 * is replaced once by a new one, for idempotent methods. Redirects are followed only when asked for; credentials
 * (Authorization, Cookie) do not follow to another host. Loop thread. */
#ifndef LOOP_HTTP_CLIENT_H
#define LOOP_HTTP_CLIENT_H
#include "base/buf.h"
#include "base/err.h"
#include "loop/values.h"

typedef struct uv_loop_s uv_loop_t;
typedef struct http_client http_client;
typedef struct http_call http_call;

typedef struct http_client_options {
    int64_t idle_timeout_ms;     /* 0: 5 min; kept connections are closed after it */
    int max_idle_per_host;       /* 0: 2 */
    int max_idle;                /* 0: 20000 */
    const char *user_agent;      /* NULL: none is sent unless in headers; borrowed */
} http_client_options;

http_client *http_client_new(uv_loop_t *loop, const http_client_options *opt);
/* Cancels the calls under way (their callbacks run), closes all connections, frees the client, then calls on_closed. */
void http_client_close(http_client *c, void (*on_closed)(void *ctx), void *ctx);

typedef struct http_call_options {
    const char *method;          /* NULL: GET */
    bytes url;                   /* http:// only for now; user:password in it becomes basic auth */
    const http_value *headers;   /* sent in order; a Host among them replaces the URL's */
    size_t n_headers;
    bytes body;                  /* borrowed until the callback; Content-Length is set for it, and for POST, PUT */
    int64_t timeout_ms;          /* whole call: lookup, connect, redirects, body. 0: none */
    size_t max_body;             /* bytes as sent; 0: LIMIT_SCRAPE_BODY. More is ERR_TOO_LARGE */
    bool follow_redirects;       /* at most 10, as Go */
    bool no_keep_alive;          /* close the connection after the answer */
} http_call_options;

/* err.kind:  ERR_NONE        there is a response
 *            ERR_TIMEOUT     "context deadline exceeded"
 *            ERR_CANCELED    "context canceled"
 *            ERR_TOO_LARGE   "body size limit exceeded"; status and headers are valid
 *            ERR_UNAVAILABLE network, as Go words it inside its `Get "url": ...`:
 *                            "dial tcp 127.0.0.1:9: connect: connection refused",
 *                            "dial tcp: lookup x: no such host", "EOF",
 *                            "read tcp 127.0.0.1:5->127.0.0.1:9: read: connection reset by peer",
 *                            "unexpected EOF" (body cut: status and headers are valid)
 *            ERR_BAD_DATA    the URL, or what came back is no HTTP ("malformed HTTP response ...") */
typedef struct http_response {
    err err;
    int status;                  /* 0: none came */
    bytes status_line;           /* "404 Not Found", as sent */
    http_values headers;
    bytes content_type, content_encoding;   /* empty where absent */
    buf body;                    /* as sent; freed after the callback unless taken */
    bytes url;                   /* of the last request (after redirects) */
    bool reused;                 /* came over a kept connection */
    int n_redirects;
} http_response;

typedef void (*http_response_fn)(http_response *res, void *ctx);

http_call *http_call_start(http_client *c, const http_call_options *opt, http_response_fn done, void *ctx);
/* done follows with ERR_CANCELED on a later turn of the loop. Not after done has run. */
void http_call_cancel(http_call *call);

/* `Get "http://h:9100/metrics": EOF`, as Go's url.Error prints it (Post, Put...; the password redacted). */
void http_call_error(const char *method, bytes url, const err *in, err *out);

typedef struct http_client_stats {
    uint64_t opened, reused, retried;
    size_t idle, busy;           /* connections now */
} http_client_stats;
http_client_stats http_client_stat(const http_client *c);
#endif
