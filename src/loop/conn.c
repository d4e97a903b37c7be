/* conn.c: see conn.h.
 *
 * Writing tries the socket first: most answers leave in one system call, without a queue. The deadline is a time kept
 * in the struct; the uv timer fires at the latest by then, looks, and goes on sleeping if the deadline has moved
 * away.
 * Invariants:
 *   (1) at most one write is under way;
 *   (2) `ended` comes at most once for EOF and once for an error, never from inside a call of the owner (a failing
 *       write is seen by the reading side, or, when that is off, told by uv's write callback);
 *   (3) after conn_close() only `closed`.                                                                          */
#include "loop/conn.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static conn *of_tcp(const uv_handle_t *h)
{
    return (conn *)(uintptr_t)((const char *)h - offsetof(conn, tcp));
}

void conn_init(conn *c, uv_loop_t *loop, const conn_events *events)
{
    *c = (conn){ .events = events, .n_open = 2 };
    uv_tcp_init(loop, &c->tcp);
    uv_timer_init(loop, &c->timer);
}

/* ---- opening ---- */

int conn_accept(conn *c, uv_stream_t *listener)
{
    int rc = uv_accept(listener, (uv_stream_t *)&c->tcp);
    if (rc == 0)
        uv_tcp_nodelay(&c->tcp, 1);
    return rc;
}

static void on_connect(uv_connect_t *req, int status)
{
    conn *c = req->data;
    if (c->closing)
        return;
    if (status == 0)
        uv_tcp_nodelay(&c->tcp, 1);
    c->events->connected(c, status);
}

static void end(conn *c, int status)
{
    bool *once = status == UV_EOF ? &c->has_eof : &c->ended;
    if (*once || c->ended || c->closing) /* (2), (3) */
        return;
    *once = true;
    conn_read(c, false);
    c->events->ended(c, status);
}

/* A synchronous failure, told as if it had come later. */
static void on_failed_connect(uv_timer_t *t)
{
    conn *c = (conn *)((char *)t - offsetof(conn, timer));
    c->events->connected(c, (int)(intptr_t)c->connect.data);
}

int conn_connect(conn *c, const struct sockaddr *addr)
{
    c->connect.data = c;
    int rc = uv_tcp_connect(&c->connect, &c->tcp, addr, on_connect);
    if (rc != 0) {
        c->connect.data = (void *)(intptr_t)rc;
        uv_timer_start(&c->timer, on_failed_connect, 0, 0);
    }
    return rc;
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    conn *c = of_tcp(h);
    char *p = NULL;
    size_t len = 0;
    c->events->room(c, &p, &len);
    *out = uv_buf_init(p, (unsigned)(len > INT32_MAX ? INT32_MAX : len));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    conn *c = of_tcp((uv_handle_t *)s);
    if (n > 0)
        c->events->data(c, (size_t)n);
    else if (n < 0)
        end(c, (int)n);
}

void conn_read(conn *c, bool on)
{
    if (c->reading == on || c->closing || (on && (c->ended || c->has_eof)))
        return;
    c->reading = on;
    if (on)
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    else
        uv_read_stop((uv_stream_t *)&c->tcp);
}

/* ---- writing ---- */

static void on_written(uv_write_t *req, int status)
{
    conn *c = of_tcp((uv_handle_t *)req->handle);
    c->writing = false;
    if (c->closing)
        return;
    c->write_failed = status < 0;
    if (status == 0)
        c->events->written(c);
    else if (!c->reading)
        end(c, status);   /* else the reading side ends too, perhaps after an early answer that says why */
}

/* Drops the first n bytes of the run of bufs. */
static void skip(uv_buf_t **bufs, unsigned *n_bufs, size_t n)
{
    while (*n_bufs && n >= (*bufs)->len) {
        n -= (*bufs)->len;
        ++*bufs;
        --*n_bufs;
    }
    if (*n_bufs) {
        (*bufs)->base += n;
        (*bufs)->len -= n;
    }
}

bool conn_write(conn *c, const uv_buf_t *bufs, unsigned n)
{
    assert(!c->writing && n <= CONN_MAX_BUFS); /* (1) */
    uv_buf_t copy[CONN_MAX_BUFS], *rest = copy;
    memcpy(copy, bufs, n * sizeof *bufs);
    int sent = c->closing || c->ended ? UV_EPIPE : uv_try_write((uv_stream_t *)&c->tcp, rest, n);
    if (sent > 0)
        skip(&rest, &n, (size_t)sent);
    if (n == 0)
        return true;
    if (c->closing || c->ended)
        return false;
    c->writing = true;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, rest, n, on_written) != 0)
        c->writing = false;   /* only for a handle that is not connected; the reading side has said so */
    return false;
}

size_t conn_unsent(const conn *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

/* ---- the deadline ---- */

static void on_timer(uv_timer_t *t)
{
    conn *c = (conn *)((char *)t - offsetof(conn, timer));
    uint64_t now = uv_now(t->loop);
    if (!c->deadline_ms)
        return;
    if (now < c->deadline_ms) {
        uv_timer_start(t, on_timer, c->deadline_ms - now, 0);
        return;
    }
    c->deadline_ms = 0;
    c->events->deadline(c);
}

void conn_deadline(conn *c, uint64_t ms)
{
    if (c->closing)
        return;
    uint64_t now = uv_now(c->timer.loop);
    c->deadline_ms = ms ? now + ms : 0;
    bool in_time = uv_is_active((uv_handle_t *)&c->timer) && now + uv_timer_get_due_in(&c->timer) <= c->deadline_ms;
    if (ms && !in_time)
        uv_timer_start(&c->timer, on_timer, ms, 0);
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *h)
{
    conn *c = h->data;
    if (--c->n_open == 0)
        c->events->closed(c);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    free(req);
}

void conn_shutdown(conn *c)
{
    uv_shutdown_t *req = malloc(sizeof *req);
    if (!req || c->closing || uv_shutdown(req, (uv_stream_t *)&c->tcp, on_shutdown) != 0)
        free(req);
}

static bool begin_close(conn *c)
{
    if (c->closing)
        return false;
    conn_read(c, false);
    c->closing = true;
    c->tcp.data = c->timer.data = c;
    uv_close((uv_handle_t *)&c->timer, on_closed);
    return true;
}

void conn_close(conn *c)
{
    if (begin_close(c))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void conn_reset(conn *c)
{
    if (begin_close(c) && uv_tcp_close_reset(&c->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

bool conn_is_closing(const conn *c)
{
    return c->closing;
}

/* ---- who is there ---- */

void conn_address(const struct sockaddr *sa, char out[CONN_ADDRESS_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    out[0] = '\0';
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        uv_ip4_name(in, host, sizeof host);
        snprintf(out, CONN_ADDRESS_MAX, "%s:%d", host, ntohs(in->sin_port));
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof host);
        else
            uv_ip6_name(in6, host, sizeof host);
        snprintf(out, CONN_ADDRESS_MAX, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, ntohs(in6->sin6_port));
    }
}

void conn_peer(const conn *c, char out[CONN_ADDRESS_MAX])
{
    struct sockaddr_storage sa;
    int len = sizeof sa;
    out[0] = '\0';
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&sa, &len) == 0)
        conn_address((struct sockaddr *)&sa, out);
}

void conn_local(const conn *c, char out[CONN_ADDRESS_MAX])
{
    struct sockaddr_storage sa;
    int len = sizeof sa;
    out[0] = '\0';
    if (uv_tcp_getsockname(&c->tcp, (struct sockaddr *)&sa, &len) == 0)
        conn_address((struct sockaddr *)&sa, out);
}

bool conn_is_stale(const conn *c)
{
    uv_os_fd_t fd;
    char byte;
    if (c->ended || c->has_eof || c->closing || uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0)
        return true;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}
