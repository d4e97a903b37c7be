/* http_server.c: listeners, connections and the reading half of http_server.h.
 *
 *     on_connection --> (at the limit: wait) --> session: IDLE --first byte--> HEAD --> BODY --> BUSY --answered--> IDLE
 *                                                  |             | deadline, malformed: refuse --> LINGER ----> closed
 *     session_gone <-------------------------------'-------------'---- EOF, error, deadline, close
 *
 * All sessions read into one buffer of the server; only what comes before its turn (pipelined requests) is kept with the
 * session. While a handler works reading goes on, so a client that leaves is noticed at once.
 * After a refusal the rest of the request is read and dropped for a moment (LINGER): closing with unread bytes would make
 * the system send RST, and the client might never see the answer.
 * Invariants:
 *   (1) a session has at most one exchange; it has one exactly in HEAD, BODY and BUSY;
 *   (2) exchange->session is NULL as soon as the connection is going to be closed;
 *   (3) sessions are freed in `closed`, the server when the last session, exchange and handle has gone.
 * Deadlines: the head counts from its first byte, so that one byte now and then does not keep a connection.        */
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/os.h"
#include "base/vec.h"
#include "loop/http_exchange.h"
#include "loop/http_metrics.h"
#include "loop/http_request.h"
#include "loop/router.h"
#include "loop/signals.h"
#include "loop/url.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

enum {
    READ_BUFFER = 64 << 10,
    BACKLOG = 512,
    LINGER_MS = 1000,
    LINGER_BYTES = 1 << 20,
    FREE_EXCHANGES = 16,
    KEEP_ARENA = 16 << 10,       /* of a free exchange */
    BODY_RATE = 64 << 10,        /* bytes that earn a slow body one second more */
};

enum session_state { SESSION_IDLE, SESSION_HEAD, SESSION_BODY, SESSION_BUSY, SESSION_LINGER };

struct session {
    conn conn;   /* first: events name it */
    http_server *server;
    session *prev, *next;        /* of all sessions */
    session *idle_prev, *idle_next;
    enum session_state state;
    bool is_new;                 /* no request yet */
    bool consuming, direct;      /* direct: the read under way goes into the body */
    bool has_eof;                /* the client sends no more, but still gets its answer */
    exchange *x;
    buf ahead;                   /* bytes of later requests */
    uint64_t body_since_ms, write_since_ms;
    size_t unsent, lingered;
    char peer[CONN_ADDRESS_MAX];
};

typedef struct listener {
    uv_tcp_t tcp;
    http_server *server;
    bool waiting;                /* a connection has not been accepted yet: we are at the limit */
    int port;
} listener;

struct http_server {
    uv_loop_t *loop;
    http_server_options opt;
    router *router;
    http_metrics *metrics;       /* NULL: none */
    VEC(listener *) listeners;
    session *sessions, *idle_first, *idle_last;   /* idle: longest first */
    size_t n_sessions, n_exchanges, n_handles;
    exchange *free_exchanges;
    size_t n_free;
    char *scratch;
    int64_t date_sec;
    char date[64];
    bool closing;
    uv_timer_t grace;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void consume(session *s, bytes in);
static void accept_waiting(http_server *s);
static void maybe_free(http_server *s);

/* ---- the server's face to http_reply.c ---- */

conn *session_conn(session *s)
{
    return &s->conn;
}

bool server_is_closing(const http_server *s)
{
    return s->closing;
}

const http_server_options *server_options(const http_server *s)
{
    return &s->opt;
}

uv_loop_t *server_loop(const http_server *s)
{
    return s->loop;
}

bytes server_date(http_server *s)
{
    int64_t sec = os.now_ms() / 1000;
    if (sec != s->date_sec) {
        time_t t = sec;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(s->date, sizeof s->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        s->date_sec = sec;
    }
    return bytes_of(s->date);
}

/* ---- exchanges ---- */

static exchange *exchange_new(session *s)
{
    http_server *server = s->server;
    exchange *x = server->free_exchanges;
    if (x) {
        server->free_exchanges = x->next_free;
        server->n_free--;
    } else {
        x = xcalloc(1, sizeof *x);
        x->msg = http_msg_new(HTTP_MSG_REQUEST);
        arena_init(&x->arena, 0);
        buf_init(&x->extra, LIMIT_HTTP_HEAD);
        buf_init(&x->body, LIMIT_HTTP_BODY);
    }
    x->server = server;
    x->session = s;
    x->req.arena = &x->arena;
    x->body.max = LIMIT_HTTP_BODY;
    server->n_exchanges++;
    http_msg_begin(x->msg, &x->arena, &x->body, false);
    return x;
}

static void exchange_destroy(exchange *x)
{
    http_msg_free(x->msg);
    arena_release(&x->arena);
    buf_release(&x->extra);
    buf_release(&x->body);
    free(x);
}

/* Back to the free ones, as new but for some memory. */
static void exchange_free(exchange *x)
{
    http_server *s = x->server;
    s->n_exchanges--;
    exchange_drop_queue(x);
    if (s->n_free >= FREE_EXCHANGES || s->closing) {
        exchange_destroy(x);
        return;
    }
    exchange clean = { .msg = x->msg, .arena = x->arena, .body = x->body, .extra = x->extra, .next_free = s->free_exchanges };
    *x = clean;
    if (x->arena.used_bytes > KEEP_ARENA)
        arena_release(&x->arena);
    else
        arena_reset(&x->arena);
    if (x->body.cap > KEEP_ARENA)
        buf_release(&x->body);
    else
        buf_clear(&x->body);
    buf_clear(&x->extra);
    s->free_exchanges = x;
    s->n_free++;
}

static void report(exchange *x, bool was_sent)
{
    http_server *s = x->server;
    if (!x->prepared)
        return;
    http_finished f = {
        .req = &x->req,
        .pattern = x->has_route ? x->req.route->pattern : NULL,
        .status = was_sent ? x->status : 0,
        .seconds = x->started_ns ? (double)(os.mono_ns() - x->started_ns) / 1e9 : 0,
        .sent_bytes = x->sent_bytes,
    };
    if (s->metrics && x->has_route && was_sent)
        http_metrics_count(s->metrics, x->route_index, x->status, f.seconds, x->sent_bytes);
    if (s->opt.finished)
        s->opt.finished(&f, s->opt.ctx);
}

/* ---- sessions: their lists and their end ---- */

static void idle_remove(session *s)
{
    http_server *server = s->server;
    if (!s->idle_prev && server->idle_first != s)
        return;
    *(s->idle_prev ? &s->idle_prev->idle_next : &server->idle_first) = s->idle_next;
    *(s->idle_next ? &s->idle_next->idle_prev : &server->idle_last) = s->idle_prev;
    s->idle_prev = s->idle_next = NULL;
}

static void enter_idle(session *s)
{
    http_server *server = s->server;
    s->state = SESSION_IDLE;
    s->idle_prev = server->idle_last;
    s->idle_next = NULL;
    *(server->idle_last ? &server->idle_last->idle_next : &server->idle_first) = s;
    server->idle_last = s;
    conn_deadline(&s->conn, (uint64_t)(s->is_new ? server->opt.head_timeout_ms : server->opt.idle_timeout_ms));
}

/* The client will get nothing more: takes the exchange off the session and tells its handler. */
static void detach(session *s)
{
    exchange *x = s->x;
    if (!x)
        return;
    s->x = NULL;
    x->session = NULL; /* (2) */
    if (x->state == EXCHANGE_READING) {
        exchange_free(x);
        return;
    }
    x->hold++;
    x->canceled = x->state != EXCHANGE_ANSWERED;
    exchange_fn fn = x->canceled ? x->on_cancel : NULL;
    x->on_cancel = NULL;
    if (x->gzip_job)
        job_cancel(x->gzip_job);
    if (fn)
        fn(&x->req, x->cancel_ctx);
    exchange_flush(x);   /* drops what is queued, wakes a waiting producer */
    x->hold--;
    exchange_settle(x);
}

static void session_gone(session *s)
{
    idle_remove(s);
    conn_close(&s->conn);
    detach(s);
}

void session_cut(session *s)
{
    idle_remove(s);
    conn_reset(&s->conn);
    detach(s);
}

static void linger(session *s)
{
    s->state = SESSION_LINGER;
    conn_shutdown(&s->conn);
    conn_read(&s->conn, true);
    conn_deadline(&s->conn, LINGER_MS);
}

/* ---- after an answer ---- */

static void next_request(session *s, bool close, bool is_unread)
{
    s->is_new = false;
    buf ahead = s->ahead;
    if (close || s->server->closing) {
        buf_release(&s->ahead);
        if (is_unread || ahead.len)
            linger(s);
        else
            session_gone(s);
        return;
    }
    enter_idle(s);
    if (s->consuming)
        return;   /* the caller goes on with what it has */
    conn_read(&s->conn, true);
    buf_init(&s->ahead, LIMIT_HTTP_PIPELINE + READ_BUFFER);
    consume(s, buf_bytes(&ahead));
    buf_release(&ahead);
}

void exchange_settle(exchange *x)
{
    if (x->hold || x->state != EXCHANGE_ANSWERED || x->first || x->gzip_job)
        return;
    session *s = x->session;
    x->state = EXCHANGE_READING;   /* settled once */
    report(x, s != NULL);
    bool close = x->close_after, is_unread = http_msg_state(x->msg) != HTTP_MSG_COMPLETE;
    http_server *server = x->server;
    exchange_free(x);
    if (s) {
        s->x = NULL;
        next_request(s, close, is_unread);
    }
    maybe_free(server);
}

/* ---- a request comes in ---- */

static void refuse(session *s, int status, const char *text)
{
    exchange *x = s->x;
    s->state = SESSION_BUSY;
    conn_deadline(&s->conn, 0);
    x->hold++;
    exchange_refuse(x, status, text);
    x->hold--;
    exchange_settle(x);
}

/* One slash more or less, made from the cleaned path: "//host/" as sent must not become a place elsewhere. */
static void put_redirect(const http_request *req, const char *prefix, buf *out)
{
    bytes path = req->path, segment;
    bool had_slash = path.len > 1 && path.p[path.len - 1] == '/';
    path = bytes_sub(path, 1, path.len - 1 - had_slash);
    buf_putz(out, prefix ? prefix : "");
    do {
        bytes_cut(path, '/', &segment, &path);
        buf_putc(out, '/');
        url_escape_path(out, segment);
    } while (path.len);
    buf_putz(out, had_slash ? "" : "/");
    buf_putz(out, req->query_text.len ? "?" : "");
    buf_puts(out, req->query_text);
}

static void answer_unrouted(exchange *x, const router_match *m)
{
    http_request *req = &x->req;
    http_server *s = x->server;
    buf text;
    buf_init(&text, LIMIT_HTTP_HEAD);
    switch (m->outcome) {
    case ROUTER_METHOD:
        router_put_methods(m->allowed, &text);
        http_reply_header(req, "Allow", buf_bytes(&text));
        if (req->method == METHOD_OPTIONS)
            http_reply(req, 200, NULL, (bytes){ 0 });
        else
            http_reply_text(req, 405, "Method Not Allowed");
        break;
    case ROUTER_REDIRECT:
        put_redirect(req, s->opt.prefix, &text);
        http_reply_redirect(req, req->method == METHOD_GET ? 301 : 308, buf_bytes(&text));
        break;
    default:
        if (s->opt.not_found)
            s->opt.not_found(req, s->opt.ctx);
        else
            http_reply_text(req, 404, "404 page not found");
    }
    buf_release(&text);
}

static router_match find_route(exchange *x)
{
    router_match m = router_find(x->server->router, x->req.method, x->req.path, &x->arena);
    x->has_route = m.outcome == ROUTER_FOUND;
    x->req.route = m.route;
    x->req.params = m.params;
    x->route_index = m.index;
    return m;
}

/* The request is complete: out of the reading half, into the handler's hands. */
static void dispatch(session *s)
{
    exchange *x = s->x;
    http_server *server = s->server;
    http_request *req = &x->req;
    s->state = SESSION_BUSY;
    x->state = EXCHANGE_WORKING;
    x->started_ns = os.mono_ns();
    conn_deadline(&s->conn, 0);
    req->body = buf_bytes(&x->body);
    x->hold++;
    if (!http_cut_prefix(&req->path, server->opt.prefix)) {
        if (bytes_eq(req->path, BYTES("/")))
            http_reply_redirect(req, 302, arena_bytesf(&x->arena, "%s/", server->opt.prefix));
        else
            http_reply_text(req, 404, "404 page not found");
    } else {
        router_match m = find_route(x);
        http_request_read_form(req, x->has_route && (m.route->flags & ROUTE_RAW_BODY));
        if (server->opt.filter && server->opt.filter(req, server->opt.ctx))
            ;   /* it has answered, or will */
        else if (x->has_route)
            m.route->handler(req, server->opt.ctx);
        else
            answer_unrouted(x, &m);
    }
    x->hold--;
    exchange_settle(x);
}

static size_t body_limit(exchange *x)
{
    bytes path = x->req.path;   /* the prefix is cut for good in dispatch() */
    if (!http_cut_prefix(&path, x->server->opt.prefix))
        return LIMIT_HTTP_BODY_UNROUTED;
    router_match m = router_find(x->server->router, x->req.method, path, &x->arena);
    if (m.outcome != ROUTER_FOUND)
        return LIMIT_HTTP_BODY_UNROUTED;
    return m.route->max_body ? m.route->max_body : LIMIT_HTTP_BODY;
}

/* The head is there: what it asks for, how large its body may be. false: it has been refused. */
static bool prepare(session *s)
{
    exchange *x = s->x;
    const http_head *head = http_msg_head(x->msg);
    err e = { 0 };
    x->prepared = true;
    x->close_after = !head->keep_alive;
    x->req.peer = arena_cstr(&x->arena, bytes_of(s->peer));
    if (!http_request_fill(&x->req, head, &e)) {
        refuse(s, 400, e.msg);
        return false;
    }
    if (http_msg_state(x->msg) != HTTP_MSG_BODY)
        return true;
    size_t limit = body_limit(x);
    x->body.max = limit;
    if (http_msg_limit_body(x->msg, limit) == HTTP_MSG_FAILED) {
        refuse(s, 413, http_msg_err(x->msg)->msg);
        return false;
    }
    bytes expect = http_header(&x->req, "expect");
    if (expect.len && !bytes_eq_nocase(expect, BYTES("100-continue"))) {
        refuse(s, 417, "unknown expectation");
        return false;
    }
    if (expect.len && head->minor > 0) {
        exchange_queue_static(x, "HTTP/1.1 100 Continue\r\n\r\n");
        exchange_flush(x);
    }
    s->state = SESSION_BODY;
    s->body_since_ms = uv_now(s->server->loop);
    conn_deadline(&s->conn, (uint64_t)s->server->opt.body_timeout_ms);
    return true;
}

/* After the parser has taken bytes. */
static void progress(session *s, enum http_msg_state state)
{
    exchange *x = s->x;
    if (state == HTTP_MSG_FAILED) {
        refuse(s, http_msg_err_status(x->msg), http_msg_err(x->msg)->msg);
        return;
    }
    if (state == HTTP_MSG_HEAD || (!x->prepared && !prepare(s)))
        return;
    if (state == HTTP_MSG_COMPLETE)
        dispatch(s);
}

/* (1) The first byte of a request, or bytes that are none: empty lines between requests stay idle. */
static void begin_request(session *s)
{
    s->x = exchange_new(s);
    s->state = SESSION_HEAD;
}

static void note_first_byte(session *s)
{
    if (http_msg_is_empty(s->x->msg) && s->state == SESSION_HEAD) {
        exchange_free(s->x);
        s->x = NULL;
        s->state = SESSION_IDLE;
        return;
    }
    idle_remove(s);
    if (s->state == SESSION_HEAD)
        conn_deadline(&s->conn, (uint64_t)s->server->opt.head_timeout_ms);
}

/* At the limit, with a connection waiting: the session that has been idle longest goes. */
static void make_room(http_server *s)
{
    bool is_waiting = false;
    for (size_t i = 0; i < s->listeners.len; i++)
        is_waiting = is_waiting || s->listeners.p[i]->waiting;
    if (is_waiting && s->idle_first && !s->idle_first->is_new)
        session_gone(s->idle_first);
}

static bool is_reading(const session *s)
{
    return s->state <= SESSION_BODY && !conn_is_closing(&s->conn);
}

static void keep_ahead(session *s, bytes in)
{
    if (conn_is_closing(&s->conn) || s->state != SESSION_BUSY)
        return;
    buf_puts(&s->ahead, in);
    if (s->ahead.len >= LIMIT_HTTP_PIPELINE)
        conn_read(&s->conn, false);   /* the price: until its answer is there, this client may leave unnoticed */
}

static void consume(session *s, bytes in)
{
    s->consuming = true;
    while (in.len && is_reading(s)) {
        bool first = s->state == SESSION_IDLE;
        size_t used;
        if (first)
            begin_request(s);
        enum http_msg_state state = http_msg_feed(s->x->msg, in, &used);
        in = bytes_sub(in, used, in.len);
        if (first)
            note_first_byte(s);
        if (s->x)
            progress(s, state);
    }
    s->consuming = false;
    if (in.len)
        keep_ahead(s, in);
    if (s->has_eof && is_reading(s))
        session_gone(s);   /* no more will come */
    else if (s->state == SESSION_IDLE)
        make_room(s->server);
}

/* ---- events of a session's connection ---- */

static session *session_of(conn *c)
{
    return (session *)c;
}

static void on_room(conn *c, char **p, size_t *len)
{
    session *s = session_of(c);
    s->direct = s->state == SESSION_BODY && http_msg_room(s->x->msg, p, len);
    if (!s->direct) {
        *p = s->server->scratch;
        *len = READ_BUFFER;
    }
}

static void on_data(conn *c, size_t n)
{
    session *s = session_of(c);
    if (s->state == SESSION_LINGER) {
        s->lingered += n;
        if (s->lingered > LINGER_BYTES)
            session_gone(s);
    } else if (s->direct) {
        bytes rest;
        enum http_msg_state state = http_msg_filled(s->x->msg, n, &rest);
        if (rest.len) {   /* at most a byte of the next request; it lies where the body's memory may go away */
            memcpy(s->server->scratch, rest.p, rest.len);
            rest.p = s->server->scratch;
        }
        s->consuming = true;
        progress(s, state);
        s->consuming = false;
        consume(s, rest);
    } else if (s->state == SESSION_BUSY) {
        keep_ahead(s, bytes_n(s->server->scratch, n));
    } else {
        consume(s, bytes_n(s->server->scratch, n));
    }
}

/* The client has closed, or only its sending half: an answer on its way is still sent to the end (if nobody is there, writing
 * will say so), but none that is still to be made. */
static void on_ended(conn *c, int status)
{
    session *s = session_of(c);
    bool may_listen = status == UV_EOF && !c->write_failed;
    s->has_eof = may_listen && s->state == SESSION_BUSY && s->x && s->x->state == EXCHANGE_ANSWERED;
    if (!s->has_eof)
        session_gone(s);
}

static void on_written(conn *c)
{
    session *s = session_of(c);
    if (s->state == SESSION_BUSY)
        conn_deadline(c, 0);
    if (s->x)
        exchange_written(s->x);
}

void session_writing(session *s)
{
    s->unsent = conn_unsent(&s->conn);
    if (s->state == SESSION_BUSY)
        conn_deadline(&s->conn, (uint64_t)s->server->opt.write_timeout_ms);
}

static void on_body_deadline(session *s)
{
    const http_server_options *opt = &s->server->opt;
    uint64_t earned = (uint64_t)opt->body_timeout_ms + s->x->body.len / BODY_RATE * 1000;
    uint64_t allowed = earned < (uint64_t)opt->body_timeout_max_ms ? earned : (uint64_t)opt->body_timeout_max_ms;
    uint64_t spent = uv_now(s->server->loop) - s->body_since_ms;
    if (spent < allowed)
        conn_deadline(&s->conn, allowed - spent);
    else
        refuse(s, 408, "request body took too long");
}

static void on_write_deadline(session *s)
{
    size_t unsent = conn_unsent(&s->conn);
    if (unsent < s->unsent) {
        s->unsent = unsent;
        conn_deadline(&s->conn, (uint64_t)s->server->opt.write_timeout_ms);
    } else {
        session_cut(s);
    }
}

static void on_deadline(conn *c)
{
    session *s = session_of(c);
    switch (s->state) {
    case SESSION_HEAD: refuse(s, 408, "request header took too long"); break;
    case SESSION_BODY: on_body_deadline(s); break;
    case SESSION_BUSY: on_write_deadline(s); break;
    case SESSION_IDLE:
    case SESSION_LINGER: session_gone(s); break;
    }
}

static void on_session_closed(conn *c)
{
    session *s = session_of(c);
    http_server *server = s->server;
    *(s->prev ? &s->prev->next : &server->sessions) = s->next;
    if (s->next)
        s->next->prev = s->prev;
    buf_release(&s->ahead);
    free(s); /* (3) */
    server->n_sessions--;
    accept_waiting(server);
    maybe_free(server);
}

static const conn_events events = {
    .room = on_room,
    .data = on_data,
    .ended = on_ended,
    .written = on_written,
    .deadline = on_deadline,
    .closed = on_session_closed,
};

/* ---- accepting ---- */

static void accept_one(listener *l)
{
    http_server *server = l->server;
    session *s = xcalloc(1, sizeof *s);
    s->server = server;
    s->is_new = true;
    s->next = server->sessions;
    if (s->next)
        s->next->prev = s;
    server->sessions = s;
    server->n_sessions++;
    buf_init(&s->ahead, LIMIT_HTTP_PIPELINE + READ_BUFFER);
    conn_init(&s->conn, server->loop, &events);
    if (conn_accept(&s->conn, (uv_stream_t *)&l->tcp) != 0) {
        conn_close(&s->conn);
        return;
    }
    conn_peer(&s->conn, s->peer);
    enter_idle(s);
    conn_read(&s->conn, true);
}

static bool is_full(const http_server *s)
{
    return s->n_sessions >= (size_t)s->opt.max_connections;
}

static void accept_waiting(http_server *s)
{
    for (size_t i = 0; i < s->listeners.len && !s->closing && !is_full(s); i++) {
        listener *l = s->listeners.p[i];
        if (l->waiting) {
            l->waiting = false;
            accept_one(l);
        }
    }
}

static void on_connection(uv_stream_t *stream, int status)
{
    listener *l = stream->data;
    http_server *s = l->server;
    if (status < 0) {
        log_warn("accepting a connection failed", "err", uv_strerror(status));
        return;
    }
    if (!is_full(s)) {
        accept_one(l);
        return;
    }
    l->waiting = true;   /* uv stops listening until it is accepted */
    make_room(s);
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
    maybe_free(s);
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
    if (uv_ip4_addr(name, port, (struct sockaddr_in *)out) == 0 || uv_ip6_addr(name, port, (struct sockaddr_in6 *)out) == 0)
        return true;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
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
    s->scratch = xmalloc(READ_BUFFER);
    uv_timer_init(loop, &s->grace);
    s->grace.data = s;
    s->n_handles = 1;
    return s;
}

void http_server_routes(http_server *s, const http_route *routes, size_t n)
{
    router_add(s->router, routes, n);
    for (size_t i = 0; s->metrics && i < n; i++)
        http_metrics_add(s->metrics, routes[i].pattern);
}

static void on_grace_closed(uv_handle_t *h)
{
    http_server *s = h->data;
    s->n_handles--;
    maybe_free(s);
}

static void maybe_free(http_server *s)
{
    if (!s->closing || s->n_sessions || s->n_exchanges)
        return;
    if (!uv_is_closing((uv_handle_t *)&s->grace))
        uv_close((uv_handle_t *)&s->grace, on_grace_closed);
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
    maybe_free(s);
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
    uv_timer_start(&s->grace, on_grace_over, (uint64_t)grace_ms, 0);
    maybe_free(s);
}
