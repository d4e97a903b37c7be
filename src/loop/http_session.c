/* http_session.c: connections and the reading half of http_server.h.
 *
 *     session_start: IDLE --first byte--> HEAD --> BODY --> BUSY --answered--> IDLE
 *                     |             | deadline, malformed: refuse --> LINGER ----> closed
 *     session_gone <--'-------------'---- EOF, error, deadline, close
 *
 * All sessions read into one buffer of the server; only what comes before its turn (pipelined requests) is kept with
 * the session. While a handler works reading goes on, so a client that leaves is noticed at once. After a refusal the
 * rest of the request is read and dropped for a moment (LINGER): closing with unread bytes would make the system send
 * RST, and the client might never see the answer.
 * Invariants:
 *   (1) a session has at most one exchange; it has one exactly in HEAD, BODY and BUSY;
 *   (2) exchange->session is NULL as soon as the connection is going to be closed;
 *   (3) sessions are freed in `closed`.
 * Deadlines: the head counts from its first byte, so that one byte now and then does not keep a connection.       */
#include "loop/http_exchange.h"
#include "base/limits.h"
#include "base/os.h"
#include "loop/http_request.h"
#include "loop/router.h"
#include "loop/url.h"
#include <stdlib.h>

enum {
    LINGER_MS = 1000,
    LINGER_BYTES = 1 << 20,
    BODY_RATE = 64 << 10,   /* bytes that earn a slow body one second more */
};

static void consume(session *s, bytes in);

/* ---- sessions: their waiting and their end ---- */

static void enter_idle(session *s)
{
    const http_server *server = s->server;
    s->state = SESSION_IDLE;
    s->since_ms = uv_now(server->loop);
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

void session_gone(session *s)
{
    conn_close(&s->conn);
    detach(s);
}

void session_cut(session *s)
{
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

void session_answered(session *s, bool close, bool is_unread)
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
    buf_init(&s->ahead, LIMIT_HTTP_PIPELINE + HTTP_READ_BUFFER);
    consume(s, buf_bytes(&ahead));
    buf_release(&ahead);
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
    s->since_ms = uv_now(s->server->loop);
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
    if (s->state == SESSION_HEAD) {
        s->since_ms = uv_now(s->server->loop);
        conn_deadline(&s->conn, (uint64_t)s->server->opt.head_timeout_ms);
    }
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
        server_make_room(s->server);
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
        *len = HTTP_READ_BUFFER;
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

/* The client has closed, or only its sending half: an answer on its way is still sent to the end (if nobody is there,
 * writing will say so), but none that is still to be made. */
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
    uint64_t spent = uv_now(s->server->loop) - s->since_ms;
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
    server_accept_waiting(server);
    server_maybe_free(server);
}

static const conn_events events = {
    .room = on_room,
    .data = on_data,
    .ended = on_ended,
    .written = on_written,
    .deadline = on_deadline,
    .closed = on_session_closed,
};

void session_start(http_server *server, uv_stream_t *from)
{
    session *s = xcalloc(1, sizeof *s);
    s->server = server;
    s->is_new = true;
    s->next = server->sessions;
    if (s->next)
        s->next->prev = s;
    server->sessions = s;
    server->n_sessions++;
    buf_init(&s->ahead, LIMIT_HTTP_PIPELINE + HTTP_READ_BUFFER);
    conn_init(&s->conn, server->loop, &events);
    if (conn_accept(&s->conn, from) != 0) {
        conn_close(&s->conn);
        return;
    }
    conn_peer(&s->conn, s->peer);
    enter_idle(s);
    conn_read(&s->conn, true);
}
