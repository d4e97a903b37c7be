/* http_server.h: HTTP/1.1 on the loop: listen, read whole requests, route, answer now or later.
 *
 * A handler gets a request whose head and body are complete, and gives exactly one answer, at once or later: one
 * http_reply*() call, or http_reply_begin(), any number of writes, http_reply_end(). Until then the request, its
 * arena and all bytes in it live, even when the client has gone: the answer is then dropped. If the client goes away
 * first, the http_on_cancel() callback says so at once; the handler must still answer (anything will do). The server
 * reads on while a handler works, only to notice that; pipelined requests are answered one after the other. What it
 * refuses by itself, in clear text: malformed heads (400), both or doubled Content-Length/Transfer-Encoding (400),
 * heads over LIMIT_HTTP_HEAD (431) and long targets (414), bodies over the route's limit (413), unknown expectations
 * (417), paths (404), methods (405), too slow heads and bodies (408). It never trusts one request's framing twice.
 *
 * Threads: loop thread. A worker may read the request and allocate from its arena while the loop thread does neither.
 */
#ifndef LOOP_HTTP_SERVER_H
#define LOOP_HTTP_SERVER_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "loop/values.h"

typedef struct uv_loop_s uv_loop_t;
typedef struct http_server http_server;
typedef struct http_request http_request;
typedef void (*http_handler)(http_request *req, void *ctx);

enum http_method {
    METHOD_GET = 1 << 0,
    METHOD_HEAD = 1 << 1,
    METHOD_POST = 1 << 2,
    METHOD_PUT = 1 << 3,
    METHOD_DELETE = 1 << 4,
    METHOD_OPTIONS = 1 << 5,
    METHOD_PATCH = 1 << 6,
    METHOD_OTHER = 1 << 7,   /* no route can ask for it */
};

/* One row of a route table. Pattern segments: literal, ":name" (one segment, not empty), "*name" last (the rest, with
 * its leading slash). The first row that fits path and method wins; a path that fits only other methods is 405 with
 * Allow. OPTIONS on a known path without a row of its own is answered 200 with Allow. */
typedef struct http_route {
    unsigned methods;       /* METHOD_* bits; HEAD must be named */
    const char *pattern;    /* lives as long as the server; also the label `handler` of the metrics */
    http_handler handler;
    unsigned flags;         /* ROUTE_* below; bits from ROUTE_USER up are the table owner's */
    size_t max_body;        /* 0: LIMIT_HTTP_BODY */
} http_route;

enum {
    ROUTE_NO_GZIP = 1 << 0,      /* never compress the answer (it is already, or small) */
    ROUTE_RAW_BODY = 1 << 1,     /* do not read a form from the body */
    ROUTE_USER = 1 << 8,
};

struct http_request {
    unsigned method;             /* one METHOD_* bit */
    bytes method_name;
    bytes target;                /* as sent */
    bytes path;                  /* decoded and cleaned, without the route prefix, begins with '/' */
    bytes query_text;            /* behind '?', as sent */
    const http_route *route;     /* NULL in filter and not_found */
    http_values params;          /* of the pattern */
    http_values form;            /* body values first, then those of the query string, as Go's Request.Form */
    err form_err;                /* kind set: form is incomplete, this is why (Go's ParseForm error) */
    http_values headers;
    bytes body;
    arena *arena;                /* dies when the answer has been handed to the system */
    const char *peer;            /* "127.0.0.1:4711" */
    int http_minor;              /* 1 for HTTP/1.1 */
    void *user;                  /* the handler's own */
};

/* First value or the empty run. */
bytes http_form(const http_request *req, const char *name);
bytes http_param(const http_request *req, const char *name);
bytes http_header(const http_request *req, const char *name);   /* any case */
/* Does the client take gzip? For producers of streams, which the server does not compress by itself. */
bool http_accepts_gzip(const http_request *req);

/* What an answered request was, for logs and metrics of others. */
typedef struct http_finished {
    const http_request *req;
    const char *pattern;         /* of the route, or NULL */
    int status;                  /* 0: the client left before an answer */
    double seconds;              /* from the complete request to the last byte handed to the system */
    uint64_t sent_bytes;         /* body as sent */
} http_finished;

typedef struct http_server_options {
    void *ctx;                        /* handed to handlers, filter, not_found, finished */
    const char *prefix;               /* --web.route-prefix without its trailing slash; NULL or "": none */
    /* Before routing (authentication, CORS, readiness). true: it has answered, or will. May be NULL. */
    bool (*filter)(http_request *req, void *ctx);
    http_handler not_found;           /* no route fits the path; NULL: Go's "404 page not found" */
    void (*finished)(const http_finished *f, void *ctx);   /* may be NULL */
    /* 0: the default in parentheses */
    int max_connections;              /* (512) further ones wait in the listen queue */
    int64_t head_timeout_ms;          /* (10 s) first byte to end of the head */
    int64_t body_timeout_ms;          /* (30 s) plus 1 s per 64 KiB received, at most body_timeout_max_ms */
    int64_t body_timeout_max_ms;      /* (10 min) */
    int64_t idle_timeout_ms;          /* (5 min) --web.read-timeout: keep-alive without a request */
    int64_t write_timeout_ms;         /* (1 min) without any progress of an answer */
    size_t write_high_bytes;          /* (1 MiB) unsent bytes from which http_reply_write() says stop */
    size_t gzip_min_bytes;            /* (1400) smaller answers are not compressed */
    bool no_metrics;                  /* do not count prometheus_http_* (tests) */
} http_server_options;

http_server *http_server_new(uv_loop_t *loop, const http_server_options *opt);
/* Adds rows (borrowed, must outlive the server); earlier tables win. */
void http_server_routes(http_server *s, const http_route *routes, size_t n);
/* "host:port", ":port", "[v6]:port"; port 0 picks one. Any number of addresses. Errors as Go:
 * "listen tcp 127.0.0.1:9090: bind: address already in use". */
bool http_server_listen(http_server *s, const char *address, err *e);
/* An open listening socket (inherited). The server owns it from now on. */
bool http_server_listen_fd(http_server *s, int fd, err *e);
/* Port of the i-th listener, 0 where there is none. */
int http_server_port(const http_server *s, size_t i);
size_t http_server_connections(const http_server *s);
/* Stops accepting, closes idle connections, lets answers under way finish for grace_ms, then cuts them (their cancel
 * callbacks run); waits for handlers that still work; frees the server, then calls on_closed (may be NULL). */
void http_server_close(http_server *s, int64_t grace_ms, void (*on_closed)(void *ctx), void *ctx);

/* Answers. content_type may be NULL (no such header). `copy`: bytes are copied; take: the buffer's memory moves into
 * the answer; static: borrowed for good (embedded files). HEAD answers get the headers only. Bodies of at least
 * gzip_min_bytes are compressed when the client accepts gzip, no Content-Encoding was set and the type is text, JSON
 * or alike. */
void http_reply(http_request *req, int status, const char *content_type, bytes body);
void http_reply_take(http_request *req, int status, const char *content_type, buf *body);
void http_reply_static(http_request *req, int status, const char *content_type, bytes body);
/* text/plain with a newline, as Go's http.Error. */
void http_reply_text(http_request *req, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void http_reply_redirect(http_request *req, int status, bytes location);
/* A further header of the answer, copied; before http_reply*. Line breaks in value are dropped. */
void http_reply_header(http_request *req, const char *name, bytes value);

/* Streaming, chunked (or until close for HTTP/1.0). http_reply_write() false: more than write_high_bytes wait unsent,
 * or the client has gone: stop, and go on when on_drain fires (once; it also fires for a client that has gone, so
 * that the producer can end). http_reply_abort() cuts the connection, so that the client sees a broken answer. */
void http_reply_begin(http_request *req, int status, const char *content_type);
bool http_reply_write(http_request *req, bytes data);       /* copied */
bool http_reply_write_take(http_request *req, buf *data);
void http_reply_on_drain(http_request *req, void (*fn)(http_request *req, void *ctx), void *ctx);
void http_reply_end(http_request *req);
void http_reply_abort(http_request *req);

/* fn runs (once, loop thread) when the client goes away before the answer is complete, or the server cuts it; the request
 * may be answered from inside it. Set it in the handler: for a client that has gone already it never runs (see
 * http_is_canceled). NULL takes it back. */
void http_on_cancel(http_request *req, void (*fn)(http_request *req, void *ctx), void *ctx);
bool http_is_canceled(const http_request *req);

const char *http_status_text(int status);   /* "Not Found"; "" for unknown codes */
#endif
