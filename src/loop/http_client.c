/* http_client.c: see http_client.h; the flow of a call. Connections and their pool: http_wire.c.
 *
 *     start --> next --> (kept connection) --------------------> send_request --> on_data --> complete --> finish
 *                |`--> lookup --> on_addresses --> dial --> on_connected --^  | kept one was dead:  |   ^
 *                |                                  ^ | next address        | next, once          | redirect: next
 *                `-- failed, canceled, deadline: fail_later or fail ---------------------------------'
 * A wire is one connection; it has a call while it serves one and is idle in its host's pool otherwise. Idle wires are
 * read too, so a server that closes one is noticed at once.
 * All bytes come through one buffer of the client, but for bodies of known length, which the socket puts into place.
 * Invariants:
 *   (1) a call finishes once, from the loop, never inside the caller's own call: what fails at once goes through the
 *       call's timer;
 *   (2) wire->call and call->wire name each other or are both NULL;
 *   (3) calls, with their arena, parser and timer, are used again: a call costs no allocation of its own.           */
#include "loop/http_client.h"
#include "base/file.h"
#include "base/limits.h"
#include "loop/http_call.h"
#include "loop/http_wire.h"
#include "loop/lookup.h"
#include "loop/signals.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum {
    READ_BUFFER = 64 << 10,
    FREE_CALLS = 32,
    KEEP_ARENA = 16 << 10,
    DIAL_MS = 30 * 1000,         /* one address, where the call has no deadline of its own */
    DIAL_LEAST_MS = 2000,        /* as Go: what an address gets at least while others remain */
    MAX_HINTS = 5,               /* 1xx answers before the one asked for, as Go */
};

struct http_call {
    uv_timer_t timer;            /* deadlines, and results that must come later */
    http_client *client;
    http_call *prev, *next;      /* calls under way; next: free ones */
    http_response_fn done;
    void *ctx;
    http_ask ask;
    size_t max_body;
    bool follow;
    uint64_t deadline_ms, dial_until_ms;   /* loop time; 0: none */
    bool has_failed, is_over;
    lookup *lookup;
    addresses addrs;
    int n_tried, n_hints;
    err dial_err;                /* of the first address */
    wire *wire;
    bool reused, retried;
    http_msg *msg;
    arena arena;
    buf head, body;
    err err;
};

static void next(http_call *call);
static void dial(http_call *call);
static void fail(http_call *call, enum err_kind kind, const char *text);

/* ---- the end of a call ---- */

static void on_lookup_gone(void *ctx)
{
    http_client *c = ctx;
    c->n_lookups--;
    http_client_maybe_free(c);
}

static wire *unlink_wire(http_call *call) /* (2) */
{
    wire *w = call->wire;
    call->wire = NULL;
    if (w)
        w->call = NULL;
    return w;
}

static void drop_wire(http_call *call)
{
    wire *w = unlink_wire(call);
    if (w)
        wire_close(w);
}

/* No event but the timer's reaches the call any more. */
static void let_go(http_call *call)
{
    drop_wire(call);
    if (call->lookup)
        lookup_drop(call->lookup, on_lookup_gone, call->client);
    call->lookup = NULL;
}

static void on_timer_closed(uv_handle_t *h)
{
    http_call *call = h->data;
    http_client *c = call->client;
    http_msg_free(call->msg);
    arena_release(&call->arena);
    buf_release(&call->head);
    free(call);
    c->n_timers--;
    http_client_maybe_free(c);
}

/* (3) */
static void call_free(http_call *call)
{
    http_client *c = call->client;
    *(call->prev ? &call->prev->next : &c->calls) = call->next;
    if (call->next)
        call->next->prev = call->prev;
    c->n_calls--;
    buf_release(&call->body);
    if (c->closing || c->n_free >= FREE_CALLS) {
        uv_close((uv_handle_t *)&call->timer, on_timer_closed);
        return;
    }
    if (call->arena.used_bytes > KEEP_ARENA)
        arena_release(&call->arena);
    else
        arena_reset(&call->arena);
    buf_clear(&call->head);
    call->next = c->free_calls;
    c->free_calls = call;
    c->n_free++;
}

static void fill_response(http_call *call, http_response *res)
{
    res->err = call->err;
    res->reused = call->reused;
    res->n_redirects = call->ask.n_redirects;
    res->url = call->ask.n_redirects ? url_format(&call->ask.url, false, &call->arena) : call->ask.text;
    res->body = call->body;
    buf_init(&call->body, 0);
    if (!http_msg_has_head(call->msg))
        return;
    const http_head *h = http_msg_head(call->msg);
    res->status = h->status;
    res->status_line = h->status_line;
    res->headers = h->headers;
    values_get_nocase(&h->headers, "content-type", &res->content_type);
    values_get_nocase(&h->headers, "content-encoding", &res->content_encoding);
}

static void finish(http_call *call)
{
    http_client *c = call->client;
    http_response res = { 0 };
    assert(!call->is_over); /* (1) */
    call->is_over = true;
    let_go(call);
    call->deadline_ms = call->dial_until_ms = 0;
    uv_timer_stop(&call->timer);
    fill_response(call, &res);
    call->done(&res, call->ctx);
    buf_release(&res.body);
    call_free(call);
    http_client_maybe_free(c);
}

static void fail(http_call *call, enum err_kind kind, const char *text)
{
    err_set(&call->err, kind, "%s", text);
    finish(call);
}

/* As fail(), on a later turn of the loop. The first reason stays. */
static void fail_later(http_call *call, const err *e)
{
    if (call->has_failed)
        return;
    let_go(call);
    call->has_failed = true;
    call->err = *e;
    call->deadline_ms = call->dial_until_ms = uv_now(call->client->loop);
}

/* ---- deadlines ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a && (!b || a < b) ? a : b;
}

static void on_timer(uv_timer_t *t);

static void arm(http_call *call)
{
    uint64_t now = uv_now(call->client->loop), due = least(call->deadline_ms, call->dial_until_ms);
    if (due)
        uv_timer_start(&call->timer, on_timer, due > now ? due - now : 0, 0);
    else
        uv_timer_stop(&call->timer);
}

static void address_failed(http_call *call, const char *why);

static void on_timer(uv_timer_t *t)
{
    http_call *call = t->data;
    uint64_t now = uv_now(t->loop);
    if (call->has_failed)
        finish(call);
    else if (call->deadline_ms && now >= call->deadline_ms)
        fail(call, ERR_TIMEOUT, "context deadline exceeded");
    else if (call->dial_until_ms && now >= call->dial_until_ms)
        address_failed(call, "i/o timeout");
    else
        arm(call);
}

/* ---- sending ---- */

static void send_request(http_call *call, wire *w)
{
    http_client *c = call->client;
    call->wire = w; /* (2) */
    w->call = call;
    call->dial_until_ms = 0;
    call->reused = w->was_used;
    call->n_hints = 0;
    c->stats.reused += w->was_used;
    call->body.max = call->max_body;
    buf_clear(&call->body);
    http_msg_begin(call->msg, &call->arena, &call->body, bytes_eq(call->ask.method, BYTES("HEAD")));
    buf_clear(&call->head);
    http_ask_put_head(&call->ask, &call->head);
    uv_buf_t bufs[2] = { uv_buf_init(call->head.p, (unsigned)call->head.len),
                         uv_buf_init((char *)(uintptr_t)call->ask.body.p, (unsigned)call->ask.body.len) };
    conn_read(&w->conn, true);
    conn_write(&w->conn, bufs, call->ask.body.len ? 2 : 1);   /* head and body stay until the call is over */
}

/* ---- the answer ---- */

static void complete(http_call *call, bool is_clean)
{
    const http_head *head = http_msg_head(call->msg);
    wire *w = unlink_wire(call);
    bool is_redirect = false;
    err e = { 0 };
    if (is_clean && head->keep_alive && !call->ask.no_keep_alive && !w->conn.writing)
        wire_keep(w);
    else
        wire_close(w);
    if (!call->follow)
        finish(call);
    else if (!http_ask_redirect(&call->ask, head, &call->arena, &is_redirect, &e))
        fail(call, e.kind, e.msg);
    else if (is_redirect)
        next(call);
    else
        finish(call);
}

static void fail_by_message(http_call *call)
{
    const err *e = http_msg_err(call->msg);
    fail(call, e->kind, e->msg);
}

/* The parser has taken bytes. false: this call is done with the wire. */
static bool progress(http_call *call, enum http_msg_state state, bytes rest)
{
    switch (state) {
    case HTTP_MSG_HEAD: return true;
    case HTTP_MSG_BODY:
        if (http_msg_limit_body(call->msg, call->max_body) != HTTP_MSG_FAILED)
            return true;
        fail_by_message(call);
        return false;
    case HTTP_MSG_FAILED: fail_by_message(call); return false;
    case HTTP_MSG_COMPLETE: break;
    }
    if (http_msg_head(call->msg)->status / 100 == 1) {   /* 100 Continue, 103 Early Hints: the answer follows */
        if (++call->n_hints > MAX_HINTS) {
            fail(call, ERR_BAD_DATA, "net/http: too many 1xx informational responses");
            return false;
        }
        http_msg_begin(call->msg, &call->arena, &call->body, bytes_eq(call->ask.method, BYTES("HEAD")));
        return true;
    }
    complete(call, !rest.len);
    return false;
}

static wire *wire_of(conn *c)
{
    return (wire *)c;
}

static void on_room(conn *c, char **p, size_t *len)
{
    wire *w = wire_of(c);
    w->direct = w->call && http_msg_room(w->call->msg, p, len);
    if (!w->direct) {
        *p = w->client->scratch;
        *len = READ_BUFFER;
    }
}

static void on_data(conn *c, size_t n)
{
    wire *w = wire_of(c);
    http_call *call = w->call;
    bytes in = { w->client->scratch, n };
    if (!call) {   /* an answer nobody asked for */
        wire_close(w);
        return;
    }
    if (w->direct) {
        enum http_msg_state state = http_msg_filled(call->msg, n, &in);
        progress(call, state, in);
        return;
    }
    bool more = true;
    while (in.len && more) {
        size_t used;
        enum http_msg_state state = http_msg_feed(call->msg, in, &used);
        in = bytes_sub(in, used, in.len);
        more = progress(call, state, in);
    }
}

static void on_written(conn *c)
{
}

/* A kept wire the server had closed before it saw the request: once more, on a new one. */
static bool may_retry(const http_call *call)
{
    return call->reused && !call->retried && http_msg_is_empty(call->msg) && http_ask_is_idempotent(&call->ask);
}

static void on_ended(conn *c, int status)
{
    wire *w = wire_of(c);
    http_call *call = w->call;
    char local[CONN_ADDRESS_MAX];
    if (!call) {
        wire_close(w);
        return;
    }
    if (may_retry(call)) {
        call->retried = true;
        call->client->stats.retried++;
        drop_wire(call);
        next(call);
        return;
    }
    if (status == UV_EOF) {
        if (http_msg_end(call->msg) == HTTP_MSG_COMPLETE)
            complete(call, false);
        else
            fail_by_message(call);
        return;
    }
    conn_local(c, local);
    err_set(&call->err, ERR_UNAVAILABLE, "read tcp %s->%s: read: %s", local, w->peer, file_errno_text(-status));
    finish(call);
}

static void on_wire_deadline(conn *c)
{
    wire_close(wire_of(c));   /* only idle wires have one */
}

static void on_wire_closed(conn *c)
{
    wire_closed(wire_of(c));
}

/* ---- connecting ---- */

static void address_failed(http_call *call, const char *why)
{
    if (!call->dial_err.kind)
        err_set(&call->dial_err, ERR_UNAVAILABLE, "dial tcp %s: %s", call->wire->peer, why);
    drop_wire(call);
    dial(call);
}

static void on_connected(conn *c, int status)
{
    wire *w = wire_of(c);
    http_call *call = w->call;
    if (!call)
        return;
    if (status != 0) {
        char why[100];
        snprintf(why, sizeof why, "connect: %s", file_errno_text(-status));
        address_failed(call, why);
        return;
    }
    call->dial_until_ms = 0;
    send_request(call, w);
}

static const conn_events events = {
    .connected = on_connected,
    .room = on_room,
    .data = on_data,
    .ended = on_ended,
    .written = on_written,
    .deadline = on_wire_deadline,
    .closed = on_wire_closed,
};

/* How long this address may take: a fair part of what is left, so that a dead one does not cost the call the others. */
static uint64_t dial_time(const http_call *call)
{
    uint64_t now = uv_now(call->client->loop);
    uint64_t left = !call->deadline_ms ? DIAL_MS : call->deadline_ms > now ? call->deadline_ms - now : 0;
    uint64_t n = (uint64_t)(call->addrs.n - call->n_tried);
    uint64_t part = left / n < DIAL_LEAST_MS ? DIAL_LEAST_MS : left / n;
    return n == 1 && call->deadline_ms ? 0 : now + part;
}

static void dial(http_call *call)
{
    if (call->n_tried == call->addrs.n) {
        call->err = call->dial_err;
        finish(call);
        return;
    }
    call->dial_until_ms = dial_time(call);
    wire *w = wire_new(call->client, call->ask.host_key, &events);
    call->wire = w; /* (2) */
    w->call = call;
    arm(call);
    const struct sockaddr *address = (struct sockaddr *)&call->addrs.v[call->n_tried++];
    conn_address(address, w->peer);
    conn_connect(&w->conn, address);
}

static void on_addresses(void *ctx, const addresses *found, const err *e)
{
    http_call *call = ctx;
    call->lookup = NULL;
    call->client->n_lookups--;
    if (e->kind) {
        err_set(&call->err, e->kind, "dial tcp: %s", e->msg);
        finish(call);
        return;
    }
    call->addrs = *found;
    dial(call);
}

static void next(http_call *call)
{
    http_client *c = call->client;
    const http_ask *q = &call->ask;
    wire *w = call->retried ? NULL : wire_reuse(c, q->host_key, !http_ask_is_idempotent(q));
    call->n_tried = 0;
    call->dial_err.kind = ERR_NONE;
    if (w) {
        arm(call);
        send_request(call, w);
    } else if (lookup_literal(q->url.host, q->url.port, &call->addrs)) {
        dial(call);
    } else {
        arm(call);
        c->n_lookups++;
        call->lookup = lookup_start(c->loop, q->url.host, q->url.port, on_addresses, call);
    }
}

/* ---- starting and canceling ---- */

static http_call *call_new(http_client *c)
{
    http_call *call = c->free_calls;
    if (call) {
        c->free_calls = call->next;
        c->n_free--;
    } else {
        call = xcalloc(1, sizeof *call);
        uv_timer_init(c->loop, &call->timer);
        c->n_timers++;
        call->timer.data = call;
        call->client = c;
        call->msg = http_msg_new(HTTP_MSG_RESPONSE);
        arena_init(&call->arena, 0);
        buf_init(&call->head, LIMIT_HTTP_HEAD);
    }
    call->prev = NULL;
    call->next = c->calls;
    if (call->next)
        call->next->prev = call;
    c->calls = call;
    c->n_calls++;
    call->deadline_ms = call->dial_until_ms = 0;
    call->has_failed = call->is_over = call->reused = call->retried = false;
    call->lookup = NULL;
    call->wire = NULL;
    call->err.kind = ERR_NONE;
    call->err.msg[0] = '\0';
    call->ask = (http_ask){ 0 };
    buf_init(&call->body, 0);
    http_msg_begin(call->msg, &call->arena, &call->body, false);   /* so that there is no head yet */
    return call;
}

http_call *http_call_start(http_client *c, const http_call_options *opt, http_response_fn done, void *ctx)
{
    http_call *call = call_new(c);
    err e = { 0 };
    call->done = done;
    call->ctx = ctx;
    call->follow = opt->follow_redirects;
    call->max_body = opt->max_body ? opt->max_body : LIMIT_SCRAPE_BODY;
    uv_update_time(c->loop);
    call->deadline_ms = opt->timeout_ms > 0 ? uv_now(c->loop) + (uint64_t)opt->timeout_ms : 0;
    if (c->closing)
        err_set(&e, ERR_CANCELED, "context canceled");
    if (!e.kind && http_ask_init(&call->ask, opt, c->opt.user_agent, &call->arena, &e)) {
        next(call);
    } else {
        fail_later(call, &e); /* (1) */
        arm(call);
    }
    return call;
}

void http_call_cancel(http_call *call)
{
    err e = { .kind = ERR_CANCELED, .msg = "context canceled" };
    if (call->is_over)
        return;
    fail_later(call, &e);
    arm(call);
}

/* ---- life ---- */

http_client *http_client_new(uv_loop_t *loop, const http_client_options *opt)
{
    http_client *c = xcalloc(1, sizeof *c);
    signals_ignore_pipe();
    c->loop = loop;
    c->opt = opt ? *opt : (http_client_options){ 0 };
    c->opt.idle_timeout_ms = c->opt.idle_timeout_ms ? c->opt.idle_timeout_ms : 300 * 1000;
    c->opt.max_idle_per_host = c->opt.max_idle_per_host ? c->opt.max_idle_per_host : 2;
    c->opt.max_idle = c->opt.max_idle ? c->opt.max_idle : 20000;
    c->scratch = xmalloc(READ_BUFFER);
    map_init(&c->hosts, MAP_BORROWED_KEYS);
    return c;
}

void http_client_maybe_free(http_client *c)
{
    if (!c->closing || c->n_calls || c->n_wires || c->n_timers || c->n_lookups)
        return;
    void (*fn)(void *ctx) = c->on_closed;
    void *ctx = c->closed_ctx;
    map_release(&c->hosts);
    free(c->scratch);
    free(c);
    if (fn)
        fn(ctx);
}

/* The last step of closing comes from the loop like all others, also where there is nothing to wait for. */
static void close_free_calls(http_client *c)
{
    http_call *spare = call_new(c);
    spare->is_over = true;
    call_free(spare);
    while (c->free_calls) {
        http_call *call = c->free_calls;
        c->free_calls = call->next;
        uv_close((uv_handle_t *)&call->timer, on_timer_closed);
    }
}

void http_client_close(http_client *c, void (*on_closed)(void *ctx), void *ctx)
{
    assert(!c->closing);
    c->closing = true;
    c->on_closed = on_closed;
    c->closed_ctx = ctx;
    for (http_call *call = c->calls; call; call = call->next)
        http_call_cancel(call);
    for (wire *w = c->wires, *after; w; w = after) {
        after = w->next;
        if (!w->call)
            wire_close(w);
    }
    close_free_calls(c);
}

http_client_stats http_client_stat(const http_client *c)
{
    http_client_stats s = c->stats;
    s.idle = c->n_idle;
    s.busy = c->n_wires - c->n_idle;
    return s;
}
