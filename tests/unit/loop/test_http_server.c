/* test_http_server.c: answers over real sockets: whole, later, streamed, compressed, pipelined. */
#include "loop/gzip.h"
#include "base/arena.h"
#include "base/metrics.h"
#include "server_app.h"
#include "test_loop.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])
#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n"
#define CLOSE "Connection: close\r\n"

/* One request on a connection of its own; the answer up to its end. */
static const struct {
    const char *in;
    const char *line;       /* the status line */
    const char *has[3];     /* parts of the head */
    const char *hasnt;
    const char *body;       /* NULL: not looked at */
} exchanges[] = {
    { GET("/hello") CLOSE "\r\n",
      "HTTP/1.1 200 OK\r\n",
      { "Content-Length: 5\r\n", "Connection: close\r\n", "Content-Type: text/plain\r\n" },
      "Transfer-Encoding",
      "hello" },
    { "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", { "Content-Length: 5\r\n", "\r\nDate: " }, NULL, "hello" },
    { "HEAD /hello HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n",
      "HTTP/1.1 200 OK\r\n",
      { "Content-Length: 5\r\n" },
      NULL,
      "" },
    { GET("http://h/hello") CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", { "" }, NULL, "hello" },
    { GET("//x/../hello?a#b") CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", { "" }, NULL, "hello" },
    { GET("/form/a%20b?a=1&a=2") CLOSE "\r\n",
      "HTTP/1.1 200 OK\r\n",
      { "X-Thing: aInjected: b\r\n" },
      "\nInjected",
      "GET x=a b a=1 err=[] peer=0" },
    { "POST /form/y?a=q HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
      "7\r\n" CLOSE "\r\na=b+%21",
      "HTTP/1.1 200 OK\r\n",
      { "" },
      NULL,
      "POST x=y a=b ! err=[] peer=0" },
    { GET("/form/y?a=%zz") CLOSE "\r\n",
      "HTTP/1.1 200 OK\r\n",
      { "" },
      NULL,
      "GET x=y a= err=[invalid URL escape \"%zz\"] peer=0" },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" CLOSE "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n",
      { "Content-Length: 5\r\n" },
      NULL,
      "abcde" },
    { "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n" CLOSE "\r\nabc",
      "HTTP/1.1 100 Continue\r\n",
      { "" },
      NULL,
      NULL },
    { GET("/empty") CLOSE "\r\n", "HTTP/1.1 204 No Content\r\n", { "" }, "Content-", "" },
    { GET("/stream") CLOSE "\r\n",
      "HTTP/1.1 200 OK\r\n",
      { "Transfer-Encoding: chunked\r\n" },
      "Content-Length",
      "4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n0\r\n\r\n" },
    { "GET /stream HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", { "Connection: close\r\n" }, "chunked", "one,two,three" },
    { "HEAD /stream HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", { "chunked" }, NULL, "" },
    { GET("/cut") "\r\n", "HTTP/1.1 200 OK\r\n", { "" }, NULL, NULL },
    /* what the router answers */
    { GET("/nope") CLOSE "\r\n",
      "HTTP/1.1 404 Not Found\r\n",
      { "X-Content-Type-Options: nosniff\r\n" },
      NULL,
      "404 page not found\n" },
    { "POST /hello HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n",
      "HTTP/1.1 405 Method Not Allowed\r\n",
      { "Allow: GET, HEAD, OPTIONS\r\n" },
      NULL,
      "Method Not Allowed\n" },
    { "OPTIONS /hello HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n",
      "HTTP/1.1 200 OK\r\n",
      { "Allow: GET, HEAD, OPTIONS\r\n", "Content-Length: 0\r\n" },
      NULL,
      "" },
    { GET("/hello/?x=1") CLOSE "\r\n", "HTTP/1.1 301 Moved Permanently\r\n", { "Location: /hello?x=1\r\n" }, NULL, "" },
    { "POST //echo/ HTTP/1.1\r\nHost: h\r\n" CLOSE "\r\n",
      "HTTP/1.1 308 Permanent Redirect\r\n",
      { "Location: /echo\r\n" },
      NULL,
      "" },
    { GET("/form/a%2520b/") CLOSE "\r\n",
      "HTTP/1.1 301 Moved Permanently\r\n",
      { "Location: /form/a%2520b\r\n" },
      NULL,
      "" },
    /* what the server refuses */
    { GET("/%zz") "\r\n",
      "HTTP/1.1 400 Bad Request\r\n",
      { CLOSE },
      NULL,
      "400 Bad Request: invalid request target: invalid URL escape \"%zz\"\n" },
    { "GET /hello HTTP/1.1\r\n\r\n",
      "HTTP/1.1 400 Bad Request\r\n",
      { CLOSE },
      NULL,
      "400 Bad Request: missing required Host header\n" },
    { "GET /hello HTTP/3.7\r\nHost: h\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n", { CLOSE }, NULL, NULL },
    { "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n",
      "HTTP/1.1 413 Request Entity Too Large\r\n",
      { CLOSE },
      NULL,
      "413 Request Entity Too Large: body size limit exceeded\n" },
    { "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n",
      "HTTP/1.1 413 Request Entity Too Large\r\n",
      { CLOSE },
      NULL,
      NULL },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: a-pony\r\n\r\n",
      "HTTP/1.1 417 Expectation Failed\r\n",
      { CLOSE },
      NULL,
      NULL },
    { "POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n",
      "HTTP/1.1 413 Request Entity Too Large\r\n",
      { CLOSE },
      NULL,
      NULL },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello",
      "HTTP/1.1 400 Bad Request\r\n",
      { CLOSE },
      "hello",
      NULL },
    { "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 400 Bad Request\r\n",
      { CLOSE },
      NULL,
      NULL },
    { "\x16\x03\x01\x02\x01hello", "HTTP/1.1 400 Bad Request\r\n", { CLOSE }, NULL, NULL },
};

START_TEST(a_request_gets_its_answer)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, exchanges[_i].in);
    const char *got = peer_read_to_end(&a.h, p);
    ck_assert_msg(strncmp(got, exchanges[_i].line, strlen(exchanges[_i].line)) == 0, "got %s", got);
    for (int i = 0; i < 3 && exchanges[_i].has[i]; i++)
        ck_assert_msg(strstr(got, exchanges[_i].has[i]) != NULL, "no %s in %s", exchanges[_i].has[i], got);
    if (exchanges[_i].hasnt)
        ck_assert_msg(!strstr(got, exchanges[_i].hasnt), "%s", got);
    if (exchanges[_i].body)
        ck_assert_str_eq(body_of(got), exchanges[_i].body);
    app_close(&a);
}
END_TEST

START_TEST(a_connection_is_kept)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    for (int i = 1; i <= 5; i++) {
        peer_send(p, i % 2 ? GET("/hello") "\r\n"
                           : "\r\nPUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\n");
        peer_read_until(&a.h, p, "\r\n\r\nhello", i);
    }
    ck_assert_uint_eq(http_server_connections(a.server), 1);
    ck_assert_int_eq(a.n_finished, 5);
    ck_assert_int_eq(a.last_status, 200);
    ck_assert_str_eq(a.last_pattern, "/hello");
    ck_assert_uint_eq(a.last_bytes, 5);
    app_close(&a);
}
END_TEST

START_TEST(http_1_0_keeps_alive_when_asked)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, "GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(peer_read_until(&a.h, p, "hello", 1), "Connection: keep-alive\r\n"));
    peer_send(p, "GET /hello HTTP/1.0\r\n\r\n");
    ck_assert_int_eq(count_of(peer_read_to_end(&a.h, p), "200 OK"), 2);
    app_close(&a);
}
END_TEST

/* Fifty requests at once, whole answers and held ones between each other, cut at every kind of place: in order. */
static const size_t pieces[] = { 1, 7, 100, 100000 };

START_TEST(pipelined_requests_are_answered_in_order)
{
    app a;
    buf in;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    buf_init(&in, 1 << 20);
    for (int i = 0; i < 50; i++) {
        if (i % 3 == 0)
            buf_printf(&in, "GET /form/n%d?a=%d HTTP/1.1\r\nHost: h\r\n\r\n", i, i);
        else if (i % 3 == 1)
            buf_printf(&in, "POST /form/n%d HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
                            "Content-Type: application/x-www-form-urlencoded\r\n\r\na=%02d", i, i);
        else
            buf_putz(&in, GET("/later") "\r\n");
    }
    for (size_t at = 0; at < in.len; at += pieces[_i]) {
        peer_send_bytes(&a.h, p, bytes_sub(buf_bytes(&in), at, pieces[_i]));
        uv_run(&a.h.loop, UV_RUN_NOWAIT);
    }
    for (int i = 0; i < 16; i++) {
        loop_until(&a.h, app_holds_one, &a);
        ck_assert_int_eq(a.n_held, 1);   /* one at a time */
        a.n_held = 0;
        app_release(&a, 0);
    }
    const char *got = peer_read_until(&a.h, p, "200 OK", 50), *at = got;
    for (int i = 0; i < 50; i++) {
        char want[100];
        if (i % 3 == 2)
            snprintf(want, sizeof want, "\r\n\r\n/later");
        else
            snprintf(want, sizeof want, i % 3 ? "POST x=n%d a=%02d " : "GET x=n%d a=%d ", i, i);
        at = strstr(at, want);
        ck_assert_msg(at != NULL, "%s is missing or out of order in %s", want, got);
    }
    ck_assert_int_eq(count_of(got, "HTTP/1.1 "), 50);
    buf_release(&in);
    app_close(&a);
}
END_TEST

START_TEST(large_bodies_come_through_both_ways)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    size_t len = 3 << 20;
    char *body = xmalloc(len);
    for (size_t i = 0; i < len; i++)
        body[i] = (char)(i * 2654435761u >> 24);
    peer_send(p, _i ? "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                    : "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3145728\r\n\r\n");
    for (size_t at = 0; at < len; at += 10000) {
        bytes part = bytes_sub(bytes_n(body, len), at, 10000);
        char size[20];
        snprintf(size, sizeof size, "%zx\r\n", part.len);
        if (_i)
            peer_send(p, size);
        peer_send_bytes(&a.h, p, part);
        if (_i)
            peer_send(p, "\r\n");
        uv_run(&a.h.loop, UV_RUN_NOWAIT);
    }
    if (_i)
        peer_send(p, "0\r\n\r\n");
    peer_send(p, GET("/hello") CLOSE "\r\n");
    const char *got = peer_read_to_end(&a.h, p);
    ck_assert_uint_gt(p->got.len, len);
    ck_assert_int_eq(memcmp(body_of(got), body, len), 0);
    free(body);
    app_close(&a);
}
END_TEST

START_TEST(requests_are_counted_as_prometheus_counts_them)
{
    static const char *const lines[] = {
        "prometheus_http_requests_total{code=\"200\",handler=\"/hello\"} 2\n",
        "prometheus_http_requests_total{code=\"200\",handler=\"/form/:x\"} 1\n",
        "prometheus_http_requests_total{code=\"200\",handler=\"/page\"} 0\n",   /* there from the start */
        "prometheus_http_requests_total{code=\"204\",handler=\"/empty\"} 1\n",
        "prometheus_http_response_size_bytes_sum{handler=\"/hello\"} 10\n",
        "prometheus_http_response_size_bytes_bucket{handler=\"/hello\",le=\"100\"} 2\n",
        "prometheus_http_request_duration_seconds_count{handler=\"/hello\"} 2\n",
        "prometheus_http_request_duration_seconds_bucket{handler=\"/hello\",le=\"0.4\"} ",
    };
    app a;
    buf text;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, GET("/hello") "\r\n" GET("/hello") "\r\n" GET("/empty") "\r\n" GET("/nope") "\r\n");
    peer_send(p, GET("/form/x") CLOSE "\r\n");
    peer_read_to_end(&a.h, p);
    buf_init(&text, 1 << 20);
    metric_write_text(&text);
    buf_putc(&text, '\0');
    for (int i = 0; i < N_OF(lines); i++)
        ck_assert_msg(strstr(text.p, lines[i]) != NULL, "no %s in %s", lines[i], text.p);
    ck_assert_ptr_null(strstr(text.p, "nope"));
    buf_release(&text);
    app_close(&a);
}
END_TEST

/* ---- compression ---- */

static const struct {
    const char *path, *accept;
    bool gzip;
    size_t len;
} compressions[] = {
    { "/text", "gzip", true, 5000 },
    { "/text", "identity", false, 5000 },
    { "/text", "gzip;q=0", false, 5000 },
    { "/raw", "gzip", false, 5000 },
    { "/page", "deflate, gzip", true, 200 * 1000 },
    { "/page", "br", false, 200 * 1000 },
    { "/hello", "gzip", false, 5 },
    { "/big", "gzip", false, BIG_BODY },   /* application/octet-stream */
};

START_TEST(answers_are_compressed_where_the_client_takes_it)
{
    app a;
    char in[300];
    buf out;
    err e = { 0 };
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    snprintf(in, sizeof in, "GET %s HTTP/1.1\r\nHost: h\r\nAccept-Encoding: %s\r\n" CLOSE "\r\n", compressions[_i].path,
             compressions[_i].accept);
    peer_send(p, in);
    const char *got = peer_read_to_end(&a.h, p), *body = body_of(got);
    bytes sent = { body, p->got.len - (size_t)(body - got) };
    ck_assert_int_eq(strstr(got, "\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\n") != NULL,
                     compressions[_i].gzip);
    ck_assert_uint_eq(a.last_bytes, sent.len);
    buf_init(&out, BIG_BODY + 1);
    if (compressions[_i].gzip)
        ck_assert_msg(gzip_inflate(sent, BIG_BODY, &out, &e), "%s", e.msg);
    else
        buf_puts(&out, sent);
    ck_assert_uint_eq(out.len, compressions[_i].len);
    buf_release(&out);
    app_close(&a);
}
END_TEST

START_TEST(a_client_that_leaves_during_compression_does_no_harm)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    for (int i = 0; i < 10; i++) {
        peer *p = peer_open(&a.h, a.port);
        peer_send(p, GET("/page") "Accept-Encoding: gzip\r\n\r\n");
        for (int turns = 0; turns < i; turns++)
            uv_run(&a.h.loop, UV_RUN_NOWAIT);
        peer_reset(p);
    }
    loop_until(&a.h, app_finished_one, &a);
    loop_until(&a.h, app_has_no_connection, &a);
    app_close(&a);
}
END_TEST

/* ---- clients that leave ---- */

START_TEST(a_client_that_goes_away_cancels_its_request)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    a.auto_answer = _i == 1;
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, GET("/later") "\r\n");
    loop_until(&a.h, app_holds_one, &a);
    ck_assert_int_eq(a.n_canceled, 0);
    if (_i == 2)
        peer_reset(p);
    else
        peer_close(p);
    loop_until(&a.h, app_canceled_one, &a);
    if (!a.auto_answer)
        app_release(&a, 0);   /* to nobody; must be harmless */
    ck_assert_int_eq(a.n_canceled, 1);
    ck_assert_int_eq(a.n_finished, 1);
    ck_assert_int_eq(a.last_status, 0);
    a.held[0] = NULL;
    app_close(&a);
}
END_TEST

START_TEST(a_client_that_only_stops_sending_gets_its_answer)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, GET("/hello") "\r\n" GET("/big") "\r\n");
    peer_shutdown(p);
    peer_read_to_end(&a.h, p);
    ck_assert_uint_gt(p->got.len, BIG_BODY);
    ck_assert(!p->was_reset);
    app_close(&a);
}
END_TEST

START_TEST(a_client_that_leaves_in_the_middle_of_anything_leaves_nothing_behind)
{
    static const char *const parts[] = {
        "",
        "GET",
        GET("/hello"),
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
        GET("/big") "\r\n",
        GET("/flood") "\r\n",
        GET("/later") "\r\n" GET("/later") "\r\n"
                                           "GET /",
        GET("/page") "Accept-Encoding: gzip\r\n\r\n",
    };
    app a;
    app_open(&a, (http_server_options){ 0 });
    a.auto_answer = true;
    for (int turns = 0; turns < 8; turns++) {
        peer *p = peer_open(&a.h, a.port);
        p->is_deaf = true;
        peer_send(p, parts[_i]);
        for (int i = 0; i < turns; i++)
            uv_run(&a.h.loop, UV_RUN_NOWAIT);
        if (turns % 2)
            peer_reset(p);
        else
            peer_close(p);
        a.n_produced = 0;
        a.stream_over = false;
    }
    loop_until(&a.h, app_has_no_connection, &a);
    app_close(&a);
}
END_TEST

/* ---- backpressure ---- */

static bool stream_is_over(void *ctx)
{
    return ((app *)ctx)->stream_over;
}

static bool stream_waits(void *ctx)
{
    return ((app *)ctx)->n_drained > 0;
}

START_TEST(a_producer_waits_for_a_slow_reader)
{
    app a;
    app_open(&a, (http_server_options){ .write_high_bytes = 256 << 10 });
    peer *p = peer_open(&a.h, a.port);
    p->is_deaf = true;
    peer_send(p, GET("/flood") CLOSE "\r\n");
    loop_until(&a.h, stream_waits, &a);
    loop_for(&a.h, 50);
    ck_assert_int_lt(a.n_produced, STREAM_BLOCKS);   /* what the system buffers, a quarter megabyte, and no more */
    ck_assert(!a.stream_over);
    p->is_deaf = false;
    peer_read_to_end(&a.h, p);
    ck_assert(a.stream_over);
    ck_assert_int_gt(a.n_drained, 1);
    ck_assert_uint_eq(a.last_bytes, STREAM_BLOCKS * STREAM_BLOCK);
    ck_assert_uint_gt(p->got.len, STREAM_BLOCKS * STREAM_BLOCK);
    ck_assert_str_eq(p->got.p + p->got.len - 7, "\r\n0\r\n\r\n");
    app_close(&a);
}
END_TEST

START_TEST(a_producer_is_woken_when_its_client_leaves)
{
    app a;
    app_open(&a, (http_server_options){ .write_high_bytes = 256 << 10 });
    peer *p = peer_open(&a.h, a.port);
    p->is_deaf = true;
    peer_send(p, GET("/flood") "\r\n");
    loop_until(&a.h, stream_waits, &a);
    peer_reset(p);
    loop_until(&a.h, stream_is_over, &a);
    loop_until(&a.h, app_canceled_one, &a);
    ck_assert_int_lt(a.n_produced, STREAM_BLOCKS);
    app_close(&a);
}
END_TEST

Suite *http_server_suite(void)
{
    Suite *s = suite_create("http_server");
    TCase *tc = tcase_create("http_server");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, a_request_gets_its_answer, 0, N_OF(exchanges));
    tcase_add_test(tc, a_connection_is_kept);
    tcase_add_test(tc, http_1_0_keeps_alive_when_asked);
    tcase_add_loop_test(tc, pipelined_requests_are_answered_in_order, 0, N_OF(pieces));
    tcase_add_loop_test(tc, large_bodies_come_through_both_ways, 0, 2);
    tcase_add_test(tc, requests_are_counted_as_prometheus_counts_them);
    tcase_add_loop_test(tc, answers_are_compressed_where_the_client_takes_it, 0, N_OF(compressions));
    tcase_add_test(tc, a_client_that_leaves_during_compression_does_no_harm);
    tcase_add_loop_test(tc, a_client_that_goes_away_cancels_its_request, 0, 3);
    tcase_add_test(tc, a_client_that_only_stops_sending_gets_its_answer);
    tcase_add_loop_test(tc, a_client_that_leaves_in_the_middle_of_anything_leaves_nothing_behind, 0, 9);
    tcase_add_test(tc, a_producer_waits_for_a_slow_reader);
    tcase_add_test(tc, a_producer_is_woken_when_its_client_leaves);
    suite_add_tcase(s, tc);
    return s;
}
