/* test_http_msg.c: messages good and bad, whole and in pieces of every size. */
#include "loop/http_msg.h"
#include "base/limits.h"
#include "loop/http_server.h"
#include "test_loop.h"
#include <stdlib.h>

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])

typedef struct reader {
    http_msg *m;
    arena a;
    buf body, says;
} reader;

static void reader_open(reader *r, enum http_msg_kind kind)
{
    r->m = http_msg_new(kind);
    arena_init(&r->a, 0);
    buf_init(&r->body, 1 << 20);
    buf_init(&r->says, 1 << 20);
}

static void reader_close(reader *r)
{
    http_msg_free(r->m);
    arena_release(&r->a);
    buf_release(&r->body);
    buf_release(&r->says);
}

static void describe(reader *r)
{
    const http_head *h = http_msg_head(r->m);
    if (h->status)
        buf_printf(&r->says, "%d %d [%.*s]", h->minor, h->status, BYTES_ARG(h->status_line));
    else
        buf_printf(&r->says, "%.*s %.*s %d", BYTES_ARG(h->method_name), BYTES_ARG(h->target), h->minor);
    for (size_t i = 0; i < h->headers.n; i++)
        buf_printf(&r->says, " %.*s=[%.*s]", BYTES_ARG(h->headers.v[i].name), BYTES_ARG(h->headers.v[i].value));
    buf_printf(&r->says, " <%.*s>%s;", BYTES_ARG(buf_bytes(&r->body)), h->keep_alive ? "" : " close");
}

/* All messages of the text, fed in pieces of at most `piece` bytes, as one line; an error ends it. */
static const char *read_all(reader *r, bytes text, size_t piece, bool no_body)
{
    enum http_msg_state state = HTTP_MSG_COMPLETE;
    bool open = false;
    while (text.len) {
        size_t used, n = piece < text.len ? piece : text.len;
        if (!open) {
            buf_clear(&r->body);
            http_msg_begin(r->m, &r->a, &r->body, no_body);
            open = true;
        }
        state = http_msg_feed(r->m, bytes_sub(text, 0, n), &used);
        ck_assert_uint_le(used, n);
        text = bytes_sub(text, used, text.len);
        if (state == HTTP_MSG_COMPLETE) {
            describe(r);
            open = false;
        }
        if (state == HTTP_MSG_FAILED)
            break;
        ck_assert(used > 0 || state != HTTP_MSG_HEAD || !text.len);
    }
    if (open && state != HTTP_MSG_FAILED && !http_msg_is_empty(r->m)) {
        state = http_msg_end(r->m);
        if (state == HTTP_MSG_COMPLETE)
            describe(r);
    }
    if (state == HTTP_MSG_FAILED)
        buf_printf(&r->says, "%d %s", http_msg_err_status(r->m), http_msg_err(r->m)->msg);
    buf_putc(&r->says, '\0');
    return r->says.p;
}

static const struct {
    const char *in;
    const char *says;
} requests[] = {
    { "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / 1 Host=[h] <>;" },
    { "\r\n\r\nGET /a?b=c HTTP/1.0\r\n\r\n", "GET /a?b=c 0 <> close;" },
    { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / 0 Connection=[keep-alive] <>;" },
    { "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / 1 Host=[h] Connection=[close] <> close;" },
    { "GET / HTTP/1.1\r\nHost:\r\nX:  a  b \t\r\n\r\n", "GET / 1 Host=[] X=[a  b] <>;" },
    { "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
      "POST /p 1 Host=[h] Content-Length=[5] <hello>;" },
    { "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "POST /p 1 Host=[h] Content-Length=[0] <>;" },
    { "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nT: "
      "v\r\n\r\n"
      "GET /next HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST /p 1 Host=[h] Transfer-Encoding=[chunked] <abc0123456789>;GET /next 1 Host=[h] <>;" },
    { "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /1 1 Host=[h] <>;HEAD /2 1 Host=[h] <>;" },
    { "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\nGET /2 "
      "HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / 1 Host=[h] Connection=[Upgrade, HTTP2-Settings] Upgrade=[h2c] <>;GET /2 1 Host=[h] <>;" },
    { "POST / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
      "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST / 1 Host=[h] Upgrade=[x] Connection=[upgrade] Transfer-Encoding=[chunked] <a>;GET /2 1 Host=[h] <>;" },
};

START_TEST(requests_are_read_whole_and_in_pieces)
{
    size_t len = strlen(requests[_i].in);
    for (size_t piece = 1; piece <= len; piece++) {
        reader r;
        reader_open(&r, HTTP_MSG_REQUEST);
        ck_assert_str_eq(read_all(&r, bytes_of(requests[_i].in), piece, false), requests[_i].says);
        reader_close(&r);
    }
}
END_TEST

#define GET "GET / HTTP/1.1\r\nHost: h\r\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"

static const struct {
    const char *in;
    size_t len;         /* 0: strlen */
    int status;
    const char *says;   /* NULL: any text */
} malformed[] = {
    /* two framings: the ground of request smuggling */
    { POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 0, 400, NULL },
    { POST "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 0, 400, NULL },
    { POST "Content-Length: 4\r\ncontent-length: 5\r\n\r\nabcd", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 0, 501, "unsupported transfer encoding" },
    { POST "Transfer-Encoding: chunked, identity\r\n\r\n", 0, -1, NULL },
    { POST "Transfer-Encoding: xchunked\r\n\r\n", 0, -1, NULL },
    { POST "Transfer-Encoding: identity\r\n\r\n", 0, -1, NULL },
    { POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 0, 400, "invalid header name" },
    { POST "Content-Length: 4, 4\r\n\r\nabcd", 0, 400, NULL },
    { POST "Content-Length: +4\r\n\r\nabcd", 0, 400, NULL },
    { POST "Content-Length: -1\r\n\r\n", 0, 400, NULL },
    { POST "Content-Length: 0x4\r\n\r\nabcd", 0, 400, NULL },
    { POST "Content-Length: 4 4\r\n\r\nabcd", 0, 400, NULL },
    { POST "Content-Length: 99999999999999999999\r\n\r\n", 0, 400, NULL },
    { POST "Content-Length:\r\n\r\n", 0, 400, NULL },
    { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400, NULL },
    /* line ends and control characters */
    { "GET / HTTP/1.1\nHost: h\n\n", 0, 400, "line does not end in CR LF" },
    { "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 0, 400, "line does not end in CR LF" },
    { GET "X: a\rContent-Length: 4\r\n\r\n", 0, 400, "control character in the header" },
    { GET "X: a\0b\r\n\r\n", sizeof(GET "X: a\0b\r\n\r\n") - 1, 400, "control character in the header" },
    { GET "X: a\x01\r\n\r\n", 0, 400, "control character in the header" },
    { GET "X: a\x7f\r\n\r\n", 0, 400, "control character in the header" },
    { GET " folded\r\n\r\n", 0, 400, "folded header line" },
    { GET "X: a\r\n\tb\r\n\r\n", 0, 400, "folded header line" },
    /* names */
    { GET "X Y: a\r\n\r\n", 0, 400, "invalid header name" },
    { GET ": a\r\n\r\n", 0, 400, "invalid header name" },
    { GET "no colon\r\n\r\n", 0, 400, "invalid header name" },
    { GET "X\xc3\xa4: a\r\n\r\n", 0, 400, "invalid header name" },
    { GET "X(: a\r\n\r\n", 0, 400, "invalid header name" },
    /* request lines */
    { "GET /\r\nHost: h\r\n\r\n", 0, -1, NULL },
    { "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, NULL },
    { "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 0, -1, NULL },
    { "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 0, 505, "HTTP version not supported" },
    { "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 0, 505, "HTTP version not supported" },
    { "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 0, 505, "HTTP version not supported" },
    { "GET / http/1.1\r\nHost: h\r\n\r\n", 0, 400, NULL },
    { "GET / XTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, NULL },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, -1, NULL },
    { "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 0, 501, "unknown method" },
    { "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 0, 501, "CONNECT is not supported" },
    { "\x16\x03\x01\x02\x00\x01\x00", 7, 400, NULL },
    { "[]", 0, -1, NULL },
    /* hosts */
    { "GET / HTTP/1.1\r\n\r\n", 0, 400, "missing required Host header" },
    { GET "Host: i\r\n\r\n", 0, 400, "too many Host headers" },
    /* chunks */
    { POST "Transfer-Encoding: chunked\r\n\r\nx\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 0, 400, NULL },
    { POST "Transfer-Encoding: chunked\r\n\r\n3\r\nab", 0, 400, "unexpected EOF" },
    { POST "Content-Length: 5\r\n\r\nhell", 0, 400, "unexpected EOF" },
    { "GET / HT", 0, 400, "unexpected EOF" },
};

START_TEST(malformed_requests_are_refused)
{
    size_t len = malformed[_i].len ? malformed[_i].len : strlen(malformed[_i].in);
    for (size_t piece = 1; piece <= len; piece += piece < 4 ? 1 : piece) {
        reader r;
        reader_open(&r, HTTP_MSG_REQUEST);
        read_all(&r, bytes_n(malformed[_i].in, len), piece, false);
        ck_assert_msg(http_msg_state(r.m) == HTTP_MSG_FAILED, "taken in pieces of %zu: %s", piece, r.says.p);
        ck_assert(*http_msg_err(r.m)->msg);
        if (malformed[_i].status > 0)
            ck_assert_int_eq(http_msg_err_status(r.m), malformed[_i].status);
        if (malformed[_i].says)
            ck_assert_str_eq(http_msg_err(r.m)->msg, malformed[_i].says);
        reader_close(&r);
    }
}
END_TEST

static const struct {
    const char *in, *says;
    bool no_body;
} responses[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 204 No Content\r\n\r\n",
      "1 200 [200 OK] Content-Length=[2] <hi>;1 204 [204 No Content] <>;", false },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "1 200 [200 OK] Content-Length=[2] <>;", true },
    { "HTTP/1.0 200 OK\r\n\r\nto the end", "0 200 [200 OK] <to the end> close;", false },
    { "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", "1 404 [404] Content-Length=[0] <>;", false },
    { "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "1 200 [200 ] Content-Length=[0] <>;", false },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
      "1 100 [100 Continue] <>;1 200 [200 OK] Transfer-Encoding=[chunked] <ab>;", false },
    { "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\nx", "1 200 [200 OK] X=[a b] Content-Length=[1] <x>;",
      false },
    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "1 304 [304 Not Modified] Content-Length=[7] <>;",
      false },
    { "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
      "1 200 [200 OK] Connection=[close] Content-Length=[1] <x> close;", false },
    { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "400 unexpected EOF", false },
    { "SSH-2.0-OpenSSH_9.2\r\n\r\n", "400 malformed HTTP response \"SSH-2.0-OpenSSH_9.2\"", false },
    { "HTTP/1.1 abc\r\n\r\n", "400 malformed HTTP response \"HTTP/1.1 abc\"", false },
    { "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "400 malformed HTTP response \"HTTP/1.1 200 OK\"", false },
};

START_TEST(responses_are_read_whole_and_in_pieces)
{
    size_t len = strlen(responses[_i].in);
    for (size_t piece = 1; piece <= len; piece++) {
        reader r;
        reader_open(&r, HTTP_MSG_RESPONSE);
        ck_assert_str_eq(read_all(&r, bytes_of(responses[_i].in), piece, responses[_i].no_body), responses[_i].says);
        reader_close(&r);
    }
}
END_TEST

/* ---- limits ---- */

static void feed_repeated(reader *r, const char *first, bytes again, size_t times)
{
    size_t used;
    http_msg_begin(r->m, &r->a, &r->body, false);
    for (bytes in = bytes_of(first); in.len; in = bytes_sub(in, used, in.len)) {
        ck_assert_int_ne(http_msg_feed(r->m, in, &used), HTTP_MSG_FAILED);
        ck_assert_uint_gt(used, 0);
    }
    for (size_t i = 0; i < times && http_msg_state(r->m) != HTTP_MSG_FAILED; i++)
        http_msg_feed(r->m, again, &used);
}

static const struct {
    const char *first, *again;
    size_t times;
    int status;
} limits[] = {
    { "GET /", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1 << 15, 414 },
    { GET, "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 1 << 15, 431 },
    { POST "Transfer-Encoding: chunked\r\n\r\n1;", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1 << 12,
      431 },
    { POST "Transfer-Encoding: chunked\r\n\r\n0\r\n", "T: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 1 << 12,
      431 },
    { POST "Transfer-Encoding: chunked\r\n\r\n",
      "400\r\n"
      "################################################################################################################"
      "################################################################################################################"
      "################################################################################################################"
      "################################################################################################################"
      "################################################################################################################"
      "################################################################################################################"
      "################################################################################################################"
      "################################################################################################################"
      "################################################################################################################"
      "################\r\n",
      1 << 11, 413 },
};

START_TEST(nothing_grows_without_bound)
{
    reader r;
    reader_open(&r, HTTP_MSG_REQUEST);
    feed_repeated(&r, limits[_i].first, bytes_of(limits[_i].again), limits[_i].times);
    ck_assert_int_eq(http_msg_state(r.m), HTTP_MSG_FAILED);
    ck_assert_int_eq(http_msg_err_status(r.m), limits[_i].status);
    reader_close(&r);
}
END_TEST

START_TEST(too_many_header_lines_are_431)
{
    reader r;
    buf text;
    size_t used;
    reader_open(&r, HTTP_MSG_REQUEST);
    buf_init(&text, 1 << 20);
    buf_putz(&text, GET);
    for (int i = 0; i < LIMIT_HTTP_HEADERS; i++)
        buf_printf(&text, "X%d: y\r\n", i);
    buf_putz(&text, "\r\n");
    http_msg_begin(r.m, &r.a, &r.body, false);
    ck_assert_int_eq(http_msg_feed(r.m, buf_bytes(&text), &used), HTTP_MSG_FAILED);
    ck_assert_int_eq(http_msg_err_status(r.m), 431);
    buf_release(&text);
    reader_close(&r);
}
END_TEST

START_TEST(a_body_over_the_limit_is_413_at_once)
{
    reader r;
    size_t used;
    reader_open(&r, HTTP_MSG_REQUEST);
    http_msg_begin(r.m, &r.a, &r.body, false);
    ck_assert_int_eq(http_msg_feed(r.m, BYTES(POST "Content-Length: 11\r\n\r\n"), &used), HTTP_MSG_BODY);
    ck_assert_int_eq(http_msg_limit_body(r.m, 10), HTTP_MSG_FAILED);
    ck_assert_int_eq(http_msg_err_status(r.m), 413);
    http_msg_begin(r.m, &r.a, &r.body, false);
    http_msg_feed(r.m, BYTES(POST "Transfer-Encoding: chunked\r\n\r\n"), &used);
    ck_assert_int_eq(http_msg_limit_body(r.m, 10), HTTP_MSG_BODY);
    ck_assert_int_eq(http_msg_feed(r.m, BYTES("a\r\n0123456789\r\n"), &used), HTTP_MSG_BODY);
    ck_assert_int_eq(http_msg_feed(r.m, BYTES("1\r\nx"), &used), HTTP_MSG_FAILED);
    ck_assert_int_eq(http_msg_err(r.m)->kind, ERR_TOO_LARGE);
    reader_close(&r);
}
END_TEST

START_TEST(bodies_of_known_length_can_be_read_into_place)
{
    reader r;
    size_t used, len;
    char *p;
    bytes rest;
    reader_open(&r, HTTP_MSG_REQUEST);
    http_msg_begin(r.m, &r.a, &r.body, false);
    ck_assert(!http_msg_room(r.m, &p, &len));
    http_msg_feed(r.m, BYTES(POST "Content-Length: 7\r\n\r\nab"), &used);
    http_msg_feed(r.m, BYTES("ab"), &used);
    ck_assert(http_msg_room(r.m, &p, &len));
    ck_assert_uint_eq(len, 6);   /* five that are missing and one that may follow */
    memcpy(p, "cde", 3);
    ck_assert_int_eq(http_msg_filled(r.m, 3, &rest), HTTP_MSG_BODY);
    ck_assert(http_msg_room(r.m, &p, &len) && len == 3);
    memcpy(p, "fgG", 3);
    ck_assert_int_eq(http_msg_filled(r.m, 3, &rest), HTTP_MSG_COMPLETE);
    ck_assert(bytes_eq(rest, BYTES("G")));
    ck_assert(bytes_eq(buf_bytes(&r.body), BYTES("abcdefg")));
    reader_close(&r);
}
END_TEST

START_TEST(an_announced_length_costs_no_memory)
{
    reader r;
    size_t used, len;
    char *p;
    reader_open(&r, HTTP_MSG_REQUEST);
    r.body.max = LIMIT_MIB(512);
    http_msg_begin(r.m, &r.a, &r.body, false);
    http_msg_feed(r.m, BYTES(POST "Content-Length: 500000000\r\n\r\n"), &used);
    ck_assert(http_msg_room(r.m, &p, &len));
    ck_assert_uint_le(r.body.cap, 2 << 20);
    reader_close(&r);
}
END_TEST

Suite *http_msg_suite(void)
{
    Suite *s = suite_create("http_msg");
    TCase *tc = tcase_create("http_msg");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, requests_are_read_whole_and_in_pieces, 0, N_OF(requests));
    tcase_add_loop_test(tc, malformed_requests_are_refused, 0, N_OF(malformed));
    tcase_add_loop_test(tc, responses_are_read_whole_and_in_pieces, 0, N_OF(responses));
    tcase_add_loop_test(tc, nothing_grows_without_bound, 0, N_OF(limits));
    tcase_add_test(tc, too_many_header_lines_are_431);
    tcase_add_test(tc, a_body_over_the_limit_is_413_at_once);
    tcase_add_test(tc, bodies_of_known_length_can_be_read_into_place);
    tcase_add_test(tc, an_announced_length_costs_no_memory);
    suite_add_tcase(s, tc);
    return s;
}
