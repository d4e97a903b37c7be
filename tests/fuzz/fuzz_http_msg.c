/* fuzz_http_msg.c: any bytes as requests and as responses: no crash, and the same messages in whatever pieces they
 * come. */
#include "loop/http_msg.h"
#include "loop/http_request.h"
#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* What was read, as one text. */
static void describe(buf *says, const http_head *h, bytes body)
{
    buf_printf(says, "%u %d %d %d %d %llu", h->method, h->status, h->minor, h->framing, h->keep_alive,
               (unsigned long long)h->content_length);
    buf_puts(says, h->target);
    buf_puts(says, h->status_line);
    for (size_t i = 0; i < h->headers.n; i++) {
        buf_puts(says, h->headers.v[i].name);
        buf_putc(says, '=');
        buf_puts(says, h->headers.v[i].value);
        buf_putc(says, '\n');
    }
    buf_puts(says, body);
}

static void handle(const http_head *h, bytes body, arena *a)
{
    http_request req = { .arena = a, .body = body };
    err e = { 0 };
    must(h->headers.n == 0 || h->headers.v[0].name.len > 0);
    if (http_request_fill(&req, h, &e)) {
        must(req.path.len > 0);
        http_request_read_form(&req, false);
        http_takes_gzip(http_header(&req, "accept-encoding"));
    } else {
        must(e.kind != ERR_NONE);
    }
}

/* Puts n bytes (at least one) where the parser wants them: fed, or straight into the body. Returns what it took. */
static size_t give(http_msg *m, bytes in, bool direct)
{
    char *p;
    size_t used = 0, room;
    bytes rest;
    if (!direct || !http_msg_room(m, &p, &room)) {
        http_msg_feed(m, in, &used);
        return used;
    }
    used = room < in.len ? room : in.len;
    memcpy(p, in.p, used);
    http_msg_filled(m, used, &rest);
    return used - rest.len;
}

static void read_all(enum http_msg_kind kind, bytes in, size_t piece, bool direct, buf *says)
{
    http_msg *m = http_msg_new(kind);
    arena a;
    buf body;
    bool open = false;
    arena_init(&a, 0);
    buf_init(&body, 1 << 16);
    while (in.len && (!open || http_msg_state(m) != HTTP_MSG_FAILED)) {
        if (!open) {
            arena_reset(&a);
            buf_clear(&body);
            http_msg_begin(m, &a, &body, false);
            open = true;
        }
        size_t used = give(m, bytes_sub(in, 0, piece), direct);
        must(used <= in.len);
        in = bytes_sub(in, used, in.len);
        if (http_msg_state(m) == HTTP_MSG_BODY)
            http_msg_limit_body(m, 1 << 15);
        if (http_msg_state(m) == HTTP_MSG_COMPLETE) {
            describe(says, http_msg_head(m), buf_bytes(&body));
            if (kind == HTTP_MSG_REQUEST)
                handle(http_msg_head(m), buf_bytes(&body), &a);
            open = false;
        }
    }
    if (open) {
        http_msg_end(m);
        buf_printf(says, "%d %d", http_msg_state(m), http_msg_err_status(m));   /* the words may quote what has come */
        must((http_msg_state(m) == HTTP_MSG_FAILED) == (http_msg_err(m)->msg[0] != '\0'));
    }
    http_msg_free(m);
    arena_release(&a);
    buf_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 15)
        return 0;
    enum http_msg_kind kind = data[0] & 1 ? HTTP_MSG_RESPONSE : HTTP_MSG_REQUEST;
    bytes in = { (const char *)data + 2, size - 2 };
    buf whole, pieces;
    buf_init(&whole, 1 << 26);
    buf_init(&pieces, 1 << 26);
    read_all(kind, in, size, false, &whole);
    read_all(kind, in, 1 + data[1] % 64, data[0] & 2, &pieces);
    must(bytes_eq(buf_bytes(&whole), buf_bytes(&pieces)));
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}
