/* http_server.c: listeners, accepting, the life of a server (http_server.h). The connections: http_session.c.
 *
 * At the connection limit nothing is accepted: uv stops polling the listener until the waiting connection is taken, and
 * the system queues the others. The connection that has waited longest for a request makes room: at once where it is kept
 * after an answer, after a moment where its first byte or the rest of its request is still to come. So those who open
 * connections and say nothing hold up others for about that moment, however many they are.
 * The server is freed when the last session, exchange and handle has gone. */
#include "loop/http_server.h"
#include "base/file.h"
#include "base/log.h"
#include "loop/http_exchange.h"
#include "loop/http_metrics.h"
#include "loop/router.h"
#include "loop/signals.h"
#include "loop/url.h"
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BACKLOG = 512,
    /* At the limit, how long may be waited for */
    HEAD_PATIENCE_MS = 1000,
    BODY_PATIENCE_MS = 5000,
    LOOK_MS = 100,
};

struct listener {
    uv_tcp_t tcp;
    http_server *server;
    bool waiting;   /* a connection has not been accepted yet: we are at the limit */
    int port;
};

/* ---- accepting ---- */

static bool is_full(const http_server *s)
{
    return s->n_sessions >= (size_t)s->opt.max_connections;
}

void server_accept_waiting(http_server *s)
{
    for (size_t i = 0; i < s->listeners.len && !s->closing && !is_full(s); i++) {
        listener *l = s->listeners.p[i];
        if (l->waiting) {
            l->waiting = false;
            session_start(s, (uv_stream_t *)&l->tcp);
        }
    }
}

static bool somebody_waits(const http_server *s)
{
    for (size_t i = 0; i < s->listeners.len; i++)
        if (s->listeners.p[i]->waiting)
            return true;
    return false;
}

static bool is_out_of_patience(const session *x, uint64_t waited_ms)
{
    switch (x->state) {
    case SESSION_IDLE: return !x->is_new || waited_ms >= HEAD_PATIENCE_MS;
    case SESSION_HEAD: return waited_ms >= HEAD_PATIENCE_MS;
    case SESSION_BODY: return waited_ms >= BODY_PATIENCE_MS;
    case SESSION_BUSY:
    case SESSION_LINGER: break;
    }
    return false;
}

static void on_look(uv_timer_t *t)
{
    server_make_room(t->data);
}

/* At the limit, with a connection waiting: the session that has waited longest goes, unless one is going already. */
void server_make_room(http_server *s)
{
    uint64_t now = uv_now(s->loop), longest = 0;
    session *goes = NULL;
    if (s->closing || !somebody_waits(s))
        return;
    for (session *x = s->sessions; x; x = x->next) {
        uint64_t waited = now - x->since_ms;
        if (conn_is_closing(&x->conn))
            return;
        if (is_out_of_patience(x, waited) && (!goes || waited > longest)) {
            goes = x;
            longest = waited;
        }
    }
    if (goes)
        session_gone(goes);
    else if (!uv_is_active((uv_handle_t *)&s->timer))
        uv_timer_start(&s->timer, on_look, LOOK_MS, 0);
}

static void on_connection(uv_stream_t *stream, int status)
{
    listener *l = stream->data;
    http_server *s = l->server;
    if (status < 0 && !s->accept_fails)
        log_warn("Accepting connections fails", "err", file_errno_text(-status));
    s->accept_fails = status < 0;
    if (status < 0)
        return;
    if (!is_full(s)) {
        session_start(s, (uv_stream_t *)&l->tcp);
        return;
    }
    l->waiting = true;   /* uv stops listening until it is accepted */
    server_make_room(s);
}
/* ---- listening ---- */

static bool listen_failed(const char *address, const char *step, int rc, err *e)
{
    return err_set(e, ERR_UNAVAILABLE, "listen tcp %s: %s: %s", address, step, file_errno_text(-rc));
}

static void on_listener_closed(uv_handle_t *h)
{
    listener *l = h->data;
    http_server *s = l->server;
    free(l);
    s->n_handles--;
    server_maybe_free(s);
}

static listener *listener_new(http_server *s)
{
    listener *l = xcalloc(1, sizeof *l);
    l->server = s;
    uv_tcp_init(s->loop, &l->tcp);
    l->tcp.data = l;
    s->n_handles++;
    return l;
}

static bool start_listening(http_server *s, listener *l, const char *name, err *e)
{
    struct sockaddr_storage sa = { 0 };
    int len = sizeof sa, rc = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (rc != 0) {
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
        return listen_failed(name, rc == UV_EADDRINUSE ? "bind" : "listen", rc, e);
    }
    if (uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&sa, &len) == 0)
        l->port = ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                                 : ((struct sockaddr_in *)&sa)->sin_port);
    vec_push(&s->listeners, l);
    return true;
}

/* host: a literal address, a name (first address wins), or empty: all addresses. */
static bool resolve(bytes host, uint16_t port, struct sockaddr_storage *out, err *e)
{
    char name[256], service[8];
    snprintf(name, sizeof name, "%.*s", BYTES_ARG(host));
    snprintf(service, sizeof service, "%u", port);
    if (!host.len)
        return uv_ip6_addr("::", port, (struct sockaddr_in6 *)out) == 0;
    if (uv_ip4_addr(name, port, (struct sockaddr_in *)out) == 0)
        return true;
    if (uv_ip6_addr(name, port, (struct sockaddr_in6 *)out) == 0)
        return true;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    if (getaddrinfo(name, service, &hints, &found) != 0)   /* at start, before anything runs: waiting is fine */
        return err_set(e, ERR_UNAVAILABLE, "listen tcp: lookup %s: no such host", name);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

bool http_server_listen(http_server *s, const char *address, err *e)
{
    struct sockaddr_storage sa = { 0 };
    bytes host;
    uint16_t port;
    if (!url_split_host_port(bytes_of(address), &host, &port, e))
        return err_wrap(e, "listen tcp");
    if (!resolve(host, port, &sa, e))
        return false;
    listener *l = listener_new(s);
    int rc = uv_tcp_bind(&l->tcp, (struct sockaddr *)&sa, 0);
    if ((rc == UV_EAFNOSUPPORT || rc == UV_EADDRNOTAVAIL) && !host.len) {   /* a system without IPv6 */
        uv_ip4_addr("0.0.0.0", port, (struct sockaddr_in *)&sa);
        rc = uv_tcp_bind(&l->tcp, (struct sockaddr *)&sa, 0);
    }
    if (rc == 0)
        return start_listening(s, l, address, e);
    uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
    return listen_failed(address, "bind", rc, e);
}

bool http_server_listen_fd(http_server *s, int fd, err *e)
{
    listener *l = listener_new(s);
    char name[32];
    snprintf(name, sizeof name, "fd %d", fd);
    int rc = uv_tcp_open(&l->tcp, fd);
    if (rc == 0)
        return start_listening(s, l, name, e);
    uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
    return listen_failed(name, "open", rc, e);
}

int http_server_port(const http_server *s, size_t i)
{
    return i < s->listeners.len ? s->listeners.p[i]->port : 0;
}

size_t http_server_connections(const http_server *s)
{
    return s->n_sessions;
}
/* ---- life ---- */

#define DEFAULT_TO(field, value) s->opt.field = s->opt.field ? s->opt.field : (value)

http_server *http_server_new(uv_loop_t *loop, const http_server_options *opt)
{
    http_server *s = xcalloc(1, sizeof *s);
    signals_ignore_pipe();
    s->loop = loop;
    s->opt = *opt;
    DEFAULT_TO(max_connections, 512);
    DEFAULT_TO(head_timeout_ms, 10 * 1000);
    DEFAULT_TO(body_timeout_ms, 30 * 1000);
    DEFAULT_TO(body_timeout_max_ms, 600 * 1000);
    DEFAULT_TO(idle_timeout_ms, 300 * 1000);
    DEFAULT_TO(write_timeout_ms, 60 * 1000);
    DEFAULT_TO(write_high_bytes, 1 << 20);
    DEFAULT_TO(gzip_min_bytes, 1400);
    s->router = router_new();
    s->metrics = opt->no_metrics ? NULL : http_metrics_new();
    s->scratch = xmalloc(HTTP_READ_BUFFER);
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    s->n_handles = 1;
    return s;
}

void http_server_routes(http_server *s, const http_route *routes, size_t n)
{
    router_add(s->router, routes, n);
    for (size_t i = 0; s->metrics && i < n; i++)
        http_metrics_add(s->metrics, routes[i].pattern);
}

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *h)
{
    http_server *s = h->data;
    s->n_handles--;
    server_maybe_free(s);
}

void server_maybe_free(http_server *s)
{
    if (!s->closing || s->n_sessions || s->n_exchanges)
        return;
    if (!uv_is_closing((uv_handle_t *)&s->timer))
        uv_close((uv_handle_t *)&s->timer, on_timer_closed);
    if (s->n_handles)
        return;
    while (s->free_exchanges) {
        exchange *x = s->free_exchanges;
        s->free_exchanges = x->next_free;
        exchange_destroy(x);
    }
    void (*fn)(void *ctx) = s->on_closed;
    void *ctx = s->closed_ctx;
    router_free(s->router);
    http_metrics_free(s->metrics);
    vec_free(&s->listeners);
    free(s->scratch);
    free(s);
    if (fn)
        fn(ctx);
}

static void close_sessions(http_server *s, bool also_busy)
{
    for (session *x = s->sessions, *next; x; x = next) {
        next = x->next;   /* sessions leave the list in a later turn only */
        if (x->state != SESSION_BUSY)
            session_gone(x);
        else if (also_busy)
            session_cut(x);
    }
}

static void on_grace_over(uv_timer_t *t)
{
    http_server *s = t->data;
    close_sessions(s, true);
    uv_timer_stop(t);
    server_maybe_free(s);
}

void http_server_close(http_server *s, int64_t grace_ms, void (*on_closed)(void *ctx), void *ctx)
{
    assert(!s->closing);
    s->closing = true;
    s->on_closed = on_closed;
    s->closed_ctx = ctx;
    for (size_t i = 0; i < s->listeners.len; i++)
        uv_close((uv_handle_t *)&s->listeners.p[i]->tcp, on_listener_closed);
    close_sessions(s, false);
    uv_timer_start(&s->timer, on_grace_over, (uint64_t)grace_ms, 0);
    server_maybe_free(s);
}
