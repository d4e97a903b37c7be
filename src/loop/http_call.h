/* http_call.h: one outgoing request as data: what is sent, and where a redirect leads. Private to http_client.c and
 * http_call.c. Pure functions, no sockets. */
#ifndef LOOP_HTTP_CALL_H
#define LOOP_HTTP_CALL_H
#include "loop/http_client.h"
#include "loop/http_msg.h"
#include "loop/url.h"

/* What is asked next; redirects change it. All bytes are the arena's, but for the body. */
typedef struct http_ask {
    bytes method;
    bytes text;              /* of the URL, as first given */
    url url;
    bytes host_key;          /* "host:port": which connections may serve it */
    http_value *headers;
    size_t n_headers;
    bytes body;
    bool no_keep_alive;
    int n_redirects;
} http_ask;

/* Copies what the caller gave. Fails as Go: a bad URL, "unsupported protocol scheme ...", "http: no Host in request
 * URL". */
bool http_ask_init(http_ask *q, const http_call_options *opt, const char *user_agent, arena *a, err *e);
/* The head to send, up to and with the empty line. */
void http_ask_put_head(const http_ask *q, buf *out);
bool http_ask_is_idempotent(const http_ask *q);
/* Turns q into what the redirect asks for. *is_redirect false: this answer is none (or says nowhere), q is as before.
 */
bool http_ask_redirect(http_ask *q, const http_head *head, arena *a, bool *is_redirect, err *e);
#endif
