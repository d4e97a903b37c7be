/* http_reply.c: answers of http_server.h: their heads, compression, streaming, and the queue of bytes on their way out.
 *
 *     http_reply --> (compress here, or on a worker) --> send_whole --> exchange_flush --> exchange_settle
 *     http_reply_begin --> queue head --> http_reply_write: one chunk each --> http_reply_end --^
 * Small bodies stand behind the head in one buffer, so that most answers are one system call with one run of bytes.
 * Invariants: (1) one answer per request: a second one is a BUG; (2) blocks are freed only when the socket is done with
 * them; (3) for a client that has gone everything is accepted and dropped.                                         */
#include "loop/http_exchange.h"
#include "base/limits.h"
#include "loop/gzip.h"
#include "loop/http_request.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    INLINE_BODY = 16 << 10,      /* copied behind the head */
    GZIP_HERE_MAX = 64 << 10,    /* 0.1 ms; larger bodies are compressed on a worker */
    GZIP_LEVEL = 1,
    COALESCE = 16 << 10,
};

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        { 100, "Continue" }, { 101, "Switching Protocols" }, { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
        { 204, "No Content" }, { 206, "Partial Content" }, { 301, "Moved Permanently" }, { 302, "Found" },
        { 303, "See Other" }, { 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
        { 400, "Bad Request" }, { 401, "Unauthorized" }, { 402, "Payment Required" }, { 403, "Forbidden" },
        { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 408, "Request Timeout" },
        { 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
        { 413, "Request Entity Too Large" }, { 414, "Request URI Too Long" }, { 415, "Unsupported Media Type" },
        { 416, "Requested Range Not Satisfiable" }, { 417, "Expectation Failed" }, { 421, "Misdirected Request" },
        { 422, "Unprocessable Entity" }, { 425, "Too Early" }, { 426, "Upgrade Required" },
        { 428, "Precondition Required" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
        { 499, "Client Closed Request" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
        { 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" }, { 507, "Insufficient Storage" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "";
}

/* ---- the queue ---- */

static void push(exchange *x, block *b)
{
    b->next = NULL;
    *(x->first ? &x->last->next : &x->first) = b;
    x->last = b;
    x->queued_bytes += b->data.len;
}

static void pop(exchange *x)
{
    block *b = x->first;
    x->first = b->next;
    x->queued_bytes -= b->data.len;
    if (!b->is_head)
        x->sent_bytes += b->data.len;
    free(b->owned);
    free(b);
}

void exchange_drop_queue(exchange *x)
{
    while (x->first)
        pop(x);
    x->n_flying = 0;
}

/* Takes memory of `owned`, which may be NULL; data lies in it or is static. */
static block *block_new(bytes data, char *owned)
{
    block *b = xcalloc(1, sizeof *b);
    b->data = data;
    b->owned = owned;
    return b;
}

static unsigned put_bufs(const block *b, uv_buf_t *out)
{
    unsigned n = 0;
    if (b->before_len)
        out[n++] = uv_buf_init((char *)(uintptr_t)b->before, b->before_len);
    if (b->data.len)
        out[n++] = uv_buf_init((char *)(uintptr_t)b->data.p, (unsigned)b->data.len);
    if (b->after)
        out[n++] = uv_buf_init((char *)(uintptr_t)b->after, (unsigned)strlen(b->after));
    return n;
}

static void drained(exchange *x)
{
    exchange_fn fn = x->on_drain;
    if (fn && (!x->session || x->queued_bytes <= x->server->opt.write_high_bytes / 4)) {
        x->on_drain = NULL;
        fn(&x->req, x->drain_ctx);
    }
}

void exchange_flush(exchange *x)
{
    x->hold++;
    while (x->session && x->first && !x->n_flying) {
        uv_buf_t bufs[CONN_MAX_BUFS];
        unsigned n = 0, n_blocks = 0;
        for (const block *b = x->first; b && n + 3 <= CONN_MAX_BUFS; b = b->next, n_blocks++)
            n += put_bufs(b, bufs + n);
        bool all = conn_write(&x->session->conn, bufs, n);
        for (unsigned i = 0; all && i < n_blocks; i++)
            pop(x);
        if (!all) {
            x->n_flying = n_blocks; /* (2) */
            session_writing(x->session);
        }
    }
    if (!x->session)
        exchange_drop_queue(x); /* (3) */
    drained(x);
    x->hold--;
    exchange_settle(x);
}

void exchange_written(exchange *x)
{
    while (x->n_flying) {
        x->n_flying--;
        pop(x);
    }
    exchange_flush(x);
}

void exchange_queue_static(exchange *x, const char *text)
{
    block *b = block_new(bytes_of(text), NULL);
    b->is_head = true;
    push(x, b);
}

/* ---- heads ---- */

static bool is_bodiless(int status)
{
    return status / 100 == 1 || status == 204 || status == 304;
}

/* length: of the body, or UINT64_MAX for a stream. */
static void put_head(exchange *x, buf *out, const char *type, uint64_t length)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\n", x->status, http_status_text(x->status));
    buf_puts(out, server_date(x->server));
    if (type && !is_bodiless(x->status))
        buf_printf(out, "Content-Type: %s\r\n", type);
    if (x->chunked)
        buf_putz(out, "Transfer-Encoding: chunked\r\n");
    else if (length != UINT64_MAX && x->status / 100 != 1 && x->status != 204)
        buf_printf(out, "Content-Length: %llu\r\n", (unsigned long long)length);
    if (x->close_after)
        buf_putz(out, "Connection: close\r\n");
    else if (x->req.http_minor == 0)
        buf_putz(out, "Connection: keep-alive\r\n");
    buf_puts(out, buf_bytes(&x->extra));
    buf_putz(out, "\r\n");
}

static void claim(exchange *x, int status)
{
    if (x->state != EXCHANGE_WORKING) /* (1) */
        BUG("http: second answer (%d after %d) for %.*s", status, x->status, BYTES_ARG(x->req.path));
    x->status = status;
    x->no_content = x->req.method == METHOD_HEAD || is_bodiless(status);
    if (x->server->closing)
        x->close_after = true;
}

void http_reply_header(http_request *req, const char *name, bytes value)
{
    static const struct {
        const char *name;
        size_t flag;
    } known[] = {
        { "content-encoding", offsetof(exchange, has_encoding) },
        { "vary", offsetof(exchange, has_vary) },
    };
    exchange *x = exchange_of(req);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (bytes_eq_nocase(bytes_of(name), bytes_of(known[i].name)))
            *(bool *)((char *)x + known[i].flag) = true;
    buf_printf(&x->extra, "%s: ", name);
    for (size_t i = 0; i < value.len; i++)
        if (value.p[i] != '\r' && value.p[i] != '\n' && value.p[i])
            buf_putc(&x->extra, value.p[i]);
    buf_putz(&x->extra, "\r\n");
}

/* ---- whole answers ---- */

static bool is_compressible(const char *type)
{
    static const char *const kinds[] = {
        "text/",           "application/json",     "application/javascript", "application/openmetrics-text",
        "application/xml", "application/x-ndjson", "image/svg+xml",
    };
    for (size_t i = 0; type && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(type, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

static bool wants_gzip(const exchange *x, const char *type, size_t len)
{
    bool fits = len >= x->server->opt.gzip_min_bytes && !x->no_content && !x->has_encoding && is_compressible(type);
    bool refused = x->has_route && (x->req.route->flags & ROUTE_NO_GZIP);
    return fits && !refused && http_accepts_gzip(&x->req);
}

/* body: in owned, or static (owned NULL), or to be copied (copy). */
static void send_whole(exchange *x, const char *type, bytes body, char *owned, bool copy)
{
    buf head;
    buf_init(&head, SIZE_MAX);
    put_head(x, &head, type, body.len);
    bytes sent = x->no_content ? (bytes){ 0 } : body;
    bool joined = sent.len <= INLINE_BODY || (copy && !owned);
    size_t head_len = head.len;
    if (joined)
        buf_puts(&head, sent);
    block *b = block_new(buf_bytes(&head), head.p);
    b->is_head = true;
    push(x, b);
    x->sent_bytes += joined ? head.len - head_len : 0;
    if (joined)
        free(owned);
    else
        push(x, block_new(sent, owned));
    x->state = EXCHANGE_ANSWERED;
    exchange_flush(x);
}

static void note_gzip(exchange *x)
{
    http_reply_header(&x->req, "Content-Encoding", BYTES("gzip"));
    if (!x->has_vary)
        http_reply_header(&x->req, "Vary", BYTES("Accept-Encoding"));
}

static void gzip_run(job *j, void *ctx)
{
    exchange *x = ctx;
    if (!job_canceled(j))
        gzip_deflate(buf_bytes(&x->gzip_in), GZIP_LEVEL, &x->gzip_out);
}

static void send_gzip(exchange *x, const char *type)
{
    bytes packed = buf_bytes(&x->gzip_out);
    char *owned = x->gzip_out.p;
    note_gzip(x);
    buf_init(&x->gzip_out, SIZE_MAX);
    buf_release(&x->gzip_in);
    send_whole(x, type, packed, owned, false);
}

static void gzip_done(job *j, void *ctx)
{
    exchange *x = ctx;
    x->gzip_job = NULL;
    if (x->session) {
        send_gzip(x, x->gzip_type);
        return;
    }
    buf_release(&x->gzip_in);
    buf_release(&x->gzip_out);
    exchange_settle(x);
}

/* body lies in owned where that is not NULL. */
static void reply(http_request *req, int status, const char *type, bytes body, char *owned, bool copy)
{
    exchange *x = exchange_of(req);
    claim(x, status);
    if (!x->session) {
        x->state = EXCHANGE_ANSWERED;
        free(owned);
        exchange_settle(x);
        return;
    }
    if (!wants_gzip(x, type, body.len)) {
        send_whole(x, type, body, owned, copy);
        return;
    }
    buf_init(&x->gzip_in, SIZE_MAX);
    buf_init(&x->gzip_out, SIZE_MAX);
    if (body.len <= GZIP_HERE_MAX) {
        gzip_deflate(body, GZIP_LEVEL, &x->gzip_out);
        free(owned);
        send_gzip(x, type);
        return;
    }
    if (owned)
        x->gzip_in = (buf){ .p = owned, .len = body.len, .cap = body.len, .max = SIZE_MAX };
    else
        buf_puts(&x->gzip_in, body);
    x->gzip_type = arena_cstr(&x->arena, bytes_of(type));
    x->state = EXCHANGE_ANSWERED;
    x->gzip_job = worker_run(x->server->loop, WORKER_PARSE, gzip_run, gzip_done, x);
}

void http_reply(http_request *req, int status, const char *content_type, bytes body)
{
    reply(req, status, content_type, body, NULL, true);
}

void http_reply_static(http_request *req, int status, const char *content_type, bytes body)
{
    reply(req, status, content_type, body, NULL, false);
}

void http_reply_take(http_request *req, int status, const char *content_type, buf *body)
{
    bytes b = buf_bytes(body);
    char *owned = body->p;
    buf_init(body, body->max);
    reply(req, status, content_type, b, owned, false);
}

void http_reply_text(http_request *req, int status, const char *fmt, ...)
{
    buf text;
    va_list ap;
    buf_init(&text, 64 << 10);
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    buf_putc(&text, '\n');
    http_reply_header(req, "X-Content-Type-Options", BYTES("nosniff"));
    http_reply_take(req, status, "text/plain; charset=utf-8", &text);
}

void http_reply_redirect(http_request *req, int status, bytes location)
{
    http_reply_header(req, "Location", location);
    http_reply(req, status, NULL, (bytes){ 0 });
}

void exchange_refuse(exchange *x, int status, const char *text)
{
    x->state = EXCHANGE_WORKING;
    x->close_after = true;
    x->hold++;
    http_reply_text(&x->req, status, "%d %s%s%s", status, http_status_text(status), *text ? ": " : "", text);
    x->hold--;
    exchange_settle(x);
}

/* ---- streams ---- */

void http_reply_begin(http_request *req, int status, const char *content_type)
{
    exchange *x = exchange_of(req);
    claim(x, status);
    x->state = EXCHANGE_STREAMING;
    if (!x->session)
        return;
    x->chunked = req->http_minor > 0 && !is_bodiless(status);
    x->close_after = x->close_after || !x->chunked;
    buf head;
    buf_init(&head, SIZE_MAX);
    put_head(x, &head, content_type, UINT64_MAX);
    block *b = block_new(buf_bytes(&head), head.p);
    b->is_head = true;
    push(x, b);
}

static bool may_write_on(const exchange *x)
{
    return x->session && x->queued_bytes <= x->server->opt.write_high_bytes;
}

static bool write_block(exchange *x, bytes data, char *owned)
{
    if (x->state != EXCHANGE_STREAMING)
        BUG("http: write without http_reply_begin for %.*s", BYTES_ARG(x->req.path));
    if (!x->session || x->no_content || !data.len) {
        free(owned);
        return may_write_on(x);
    }
    block *b = block_new(data, owned);
    if (x->chunked) {
        b->before_len = (unsigned)snprintf(b->before, sizeof b->before, "%zx\r\n", data.len);
        b->after = "\r\n";
    }
    push(x, b);
    x->hold++;   /* on_drain may be called, and may end the stream */
    exchange_flush(x);
    bool more = may_write_on(x);
    x->hold--;
    exchange_settle(x);
    return more;
}

bool http_reply_write(http_request *req, bytes data)
{
    char *copy = data.len ? memcpy(xmalloc(data.len), data.p, data.len) : NULL;
    return write_block(exchange_of(req), bytes_n(copy, data.len), copy);
}

bool http_reply_write_take(http_request *req, buf *data)
{
    bytes b = buf_bytes(data);
    char *owned = data->p;
    buf_init(data, data->max);
    return write_block(exchange_of(req), b, owned);
}

void http_reply_on_drain(http_request *req, void (*fn)(http_request *req, void *ctx), void *ctx)
{
    exchange *x = exchange_of(req);
    x->on_drain = fn;
    x->drain_ctx = ctx;
    drained(x);
}

void http_reply_end(http_request *req)
{
    exchange *x = exchange_of(req);
    if (x->state != EXCHANGE_STREAMING)
        BUG("http: end without http_reply_begin for %.*s", BYTES_ARG(x->req.path));
    x->state = EXCHANGE_ANSWERED;
    x->on_drain = NULL;
    if (x->session && x->chunked && !x->no_content)
        exchange_queue_static(x, "0\r\n\r\n");
    exchange_flush(x);
}

void http_reply_abort(http_request *req)
{
    exchange *x = exchange_of(req);
    if (x->state != EXCHANGE_WORKING && x->state != EXCHANGE_STREAMING)
        BUG("http: abort of an answered request for %.*s", BYTES_ARG(x->req.path));
    x->state = EXCHANGE_ANSWERED;
    x->on_cancel = x->on_drain = NULL;
    x->hold++;
    if (x->session)
        session_cut(x->session);
    x->hold--;
    exchange_settle(x);
}

/* ---- cancellation ---- */

void http_on_cancel(http_request *req, void (*fn)(http_request *req, void *ctx), void *ctx)
{
    exchange *x = exchange_of(req);
    x->on_cancel = fn;
    x->cancel_ctx = ctx;
}

bool http_is_canceled(const http_request *req)
{
    return ((const exchange *)req)->canceled;
}
