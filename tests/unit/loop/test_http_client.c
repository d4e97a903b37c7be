/* test_http_client.c: the client against the own server, and against a scripted one for what a decent server never
 * does. */
#include "loop/http_client.h"
#include "base/arena.h"
#include "loop/gzip.h"
#include "loop/worker.h"
#include "server_app.h"
#include "test_loop.h"
#include <stdio.h>
#include <stdlib.h>

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])

/* What a call came to. */
typedef struct result {
    int n;
    err err;
    int status, n_redirects;
    bool reused;
    char status_line[64], encoding[32], url[100];
    buf body;
} result;

static void on_response(http_response *res, void *ctx)
{
    result *r = ctx;
    r->n++;
    r->err = res->err;
    r->status = res->status;
    r->reused = res->reused;
    r->n_redirects = res->n_redirects;
    snprintf(r->status_line, sizeof r->status_line, "%.*s", BYTES_ARG(res->status_line));
    snprintf(r->encoding, sizeof r->encoding, "%.*s", BYTES_ARG(res->content_encoding));
    snprintf(r->url, sizeof r->url, "%.*s", BYTES_ARG(res->url));
    buf_release(&r->body);
    r->body = res->body;
    res->body = (buf){ 0 };
}

static bool has_result(void *ctx)
{
    return ((result *)ctx)->n > 0;
}

static const char *url_to(int port, const char *path)
{
    static char text[200];
    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", port, path);
    return text;
}

static http_call *start(http_client *c, http_call_options opt, int port, const char *path, result *r)
{
    buf_release(&r->body);
    *r = (result){ 0 };
    opt.url = bytes_of(url_to(port, path));
    http_call *call = http_call_start(c, &opt, on_response, r);
    ck_assert_int_eq(r->n, 0);   /* never from inside */
    return call;
}

static void fetch(harness *h, http_client *c, http_call_options opt, int port, const char *path, result *r)
{
    start(c, opt, port, path, r);
    loop_until(h, has_result, r);
    ck_assert_int_eq(r->n, 1);
}

static void count_close(void *ctx)
{
    ++*(int *)ctx;
}

static bool is_one(void *ctx)
{
    return *(int *)ctx == 1;
}

static void close_client(harness *h, http_client *c)
{
    int n = 0;
    http_client_close(c, count_close, &n);
    ck_assert_int_eq(n, 0);
    loop_until(h, is_one, &n);
}

/* ---- against the own server ---- */

static const struct {
    const char *method, *path, *body;
    int status;
    size_t len;
} fetches[] = {
    { NULL, "/hello", "", 200, 5 },      { "HEAD", "/hello", "", 200, 0 },
    { "POST", "/echo", "abc", 200, 3 },  { NULL, "/big", "", 200, BIG_BODY },
    { NULL, "/stream", "", 200, 13 },    { NULL, "/page", "", 200, 200 * 1000 },
    { NULL, "/empty", "", 204, 0 },      { NULL, "/nope", "", 404, 19 },
    { "PUT", "/echo", "", 200, 0 },      { NULL, "/flood", "", 200, STREAM_BLOCKS * STREAM_BLOCK },
    { "OPTIONS", "/hello", "", 200, 0 }, { "DELETE", "/hello", "", 405, 19 },
};

START_TEST(requests_get_their_answers)
{
    app a;
    result r = { 0 };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    for (int round = 0; round < 3; round++) {
        http_call_options opt = { .method = fetches[_i].method,
                                  .body = bytes_of(fetches[_i].body),
                                  .timeout_ms = 5000 };
        a.n_produced = 0;
        a.stream_over = false;
        fetch(&a.h, c, opt, a.port, fetches[_i].path, &r);
        ck_assert_msg(r.err.kind == ERR_NONE, "%s", r.err.msg);
        ck_assert_int_eq(r.status, fetches[_i].status);
        ck_assert_uint_eq(r.body.len, fetches[_i].len);
        ck_assert_int_eq(r.reused, round > 0);
    }
    ck_assert_uint_eq(http_client_stat(c).opened, 1);
    ck_assert_uint_eq(http_client_stat(c).reused, 2);
    ck_assert_uint_eq(http_client_stat(c).idle, 1);
    ck_assert_uint_eq(http_server_connections(a.server), 1);
    close_client(&a.h, c);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

START_TEST(compressed_bodies_come_as_sent)
{
    app a;
    result r = { 0 };
    buf out;
    err e = { 0 };
    http_value accept[] = { { BYTES("Accept-Encoding"), BYTES("gzip") } };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    fetch(&a.h, c, (http_call_options){ .headers = accept, .n_headers = 1 }, a.port, "/page", &r);
    ck_assert_str_eq(r.encoding, "gzip");
    buf_init(&out, 1 << 20);
    ck_assert_msg(gzip_inflate(buf_bytes(&r.body), 1 << 20, &out, &e), "%s", e.msg);
    ck_assert_uint_eq(out.len, 200 * 1000);
    buf_release(&out);
    close_client(&a.h, c);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

START_TEST(many_calls_at_once_keep_two_connections)
{
    app a;
    result r[30] = { { 0 } };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    for (int i = 0; i < 30; i++)
        start(c, (http_call_options){ 0 }, a.port, "/hello", &r[i]);
    for (int i = 0; i < 30; i++) {
        loop_until(&a.h, has_result, &r[i]);
        ck_assert_int_eq(r[i].status, 200);
        buf_release(&r[i].body);
    }
    ck_assert_uint_eq(http_client_stat(c).idle, 2);
    close_client(&a.h, c);
    app_close(&a);
}
END_TEST

START_TEST(a_call_may_start_the_next_from_its_callback)
{
    app a;
    result r = { 0 };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    for (int i = 0; i < 100; i++)
        fetch(&a.h, c, (http_call_options){ 0 }, a.port, "/hello", &r);
    ck_assert_uint_eq(http_client_stat(c).opened, 1);
    fetch(&a.h, c, (http_call_options){ .no_keep_alive = true }, a.port, "/hello", &r);
    ck_assert_uint_eq(http_client_stat(c).idle, 0);
    close_client(&a.h, c);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

START_TEST(names_are_looked_up)
{
    app a;
    result r = { 0 };
    char text[100];
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    /* where ::1 comes first it refuses, and the next address is tried */
    snprintf(text, sizeof text, "http://localhost:%d/hello", a.port);
    http_call_start(c, &(http_call_options){ .url = bytes_of(text) }, on_response, &r);
    loop_until(&a.h, has_result, &r);
    ck_assert_msg(r.status == 200, "%s", r.err.msg);
    r.n = 0;
    http_call_start(c, &(http_call_options){ .url = BYTES("http://no.such.host.invalid/") }, on_response, &r);
    loop_until(&a.h, has_result, &r);
    ck_assert_int_eq(r.err.kind, ERR_UNAVAILABLE);
    ck_assert_msg(strncmp(r.err.msg, "dial tcp: lookup no.such.host.invalid: ", 39) == 0, "%s", r.err.msg);
    close_client(&a.h, c);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

START_TEST(a_deadline_ends_a_call_in_any_phase)
{
    app a;
    result r = { 0 };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    fetch(&a.h, c, (http_call_options){ .timeout_ms = 30 }, a.port, "/later", &r);
    ck_assert_int_eq(r.err.kind, ERR_TIMEOUT);
    ck_assert_str_eq(r.err.msg, "context deadline exceeded");
    loop_until(&a.h, app_canceled_one, &a);   /* the server sees it */
    close_client(&a.h, c);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

START_TEST(a_canceled_call_says_so_once)
{
    app a;
    result r = { 0 };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    http_call *call = start(c, (http_call_options){ .timeout_ms = 5000 }, a.port, "/later", &r);
    for (int i = 0; i < _i; i++)   /* while connecting, sending, waiting */
        uv_run(&a.h.loop, UV_RUN_NOWAIT);
    http_call_cancel(call);
    http_call_cancel(call);
    ck_assert_int_eq(r.n, 0);
    loop_until(&a.h, has_result, &r);
    loop_for(&a.h, 10);
    ck_assert_int_eq(r.n, 1);
    ck_assert_int_eq(r.err.kind, ERR_CANCELED);
    ck_assert_str_eq(r.err.msg, "context canceled");
    close_client(&a.h, c);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

START_TEST(closing_the_client_ends_its_calls)
{
    app a;
    result r[3] = { { 0 } };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    fetch(&a.h, c, (http_call_options){ 0 }, a.port, "/hello", &r[0]);
    start(c, (http_call_options){ 0 }, a.port, "/later", &r[0]);
    start(c, (http_call_options){ 0 }, a.port, "/later", &r[1]);
    r[2] = (result){ 0 };
    http_call_start(c, &(http_call_options){ .url = BYTES("http://localhost:1/") }, on_response, &r[2]);
    close_client(&a.h, c);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(r[i].n, 1);
        ck_assert_int_eq(r[i].err.kind, ERR_CANCELED);
        buf_release(&r[i].body);
    }
    app_close(&a);
}
END_TEST

/* ---- against the scripted server ---- */

#define OK(len) "HTTP/1.1 200 OK\r\nContent-Length: " len "\r\n\r\n"

static const struct {
    fake_answer answer[2];
    const char *err, *body;
    int status;
    enum err_kind kind;
    size_t max_body;
    int n_connections;
} scripts[] = {
    { { { OK("5") "hello" } }, "", "hello", 200, ERR_NONE, 0, 1 },
    { { { OK("5") "hel", 0, FAKE_CLOSE } }, "unexpected EOF", "hel", 200, ERR_UNAVAILABLE, 0, 1 },
    { { { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 0, FAKE_CLOSE } },
      "unexpected EOF",
      "abc",
      200,
      ERR_UNAVAILABLE,
      0,
      1 },
    { { { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" } },
      "",
      "abc",
      200,
      ERR_NONE,
      0,
      1 },
    { { { "HTTP/1.0 200 OK\r\n\r\nto the end", 0, FAKE_CLOSE } }, "", "to the end", 200, ERR_NONE, 0, 1 },
    { { { "HTTP/1.1 200 OK\r\n\r\nto the end", 0, FAKE_CLOSE } }, "", "to the end", 200, ERR_NONE, 0, 1 },
    { { { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK("2") "ok" } },
      "",
      "ok",
      200,
      ERR_NONE,
      0,
      1 },
    { { { "", 0, FAKE_CLOSE } }, "EOF", "", 0, ERR_UNAVAILABLE, 0, 1 },
    { { { "HTTP/1.1 2", 0, FAKE_CLOSE } }, "unexpected EOF", "", 0, ERR_UNAVAILABLE, 0, 1 },
    { { { "ICY 200 OK\r\n\r\n", 0, FAKE_CLOSE } },
      "malformed HTTP response \"ICY 200 OK\"",
      "",
      0,
      ERR_BAD_DATA,
      0,
      1 },
    { { { "\x15\x03\x01\x00\x02\x02\x16", 7, FAKE_KEEP } },
      "malformed HTTP response \"\\x15\\x03\\x01\\x00\\x02\\x02\\x16\"",
      "",
      0,
      ERR_BAD_DATA,
      0,
      1 },
    { { { OK("50") "hello" } }, "body size limit exceeded", "", 200, ERR_TOO_LARGE, 10, 1 },
    { { { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n" } },
      "body size limit exceeded",
      "",
      200,
      ERR_TOO_LARGE,
      10,
      1 },
    { { { "HTTP/1.1 200 OK\r\n\r\nhello world" } }, "body size limit exceeded", "", 200, ERR_TOO_LARGE, 10, 1 },
    { { { OK("10") "0123456789" } }, "", "0123456789", 200, ERR_NONE, 10, 1 },
    { { { "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 4\r\n\r\naway" }, { OK("4") "here" } },
      "",
      "here",
      200,
      ERR_NONE,
      0,
      1 },
    { { { "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 0, FAKE_CLOSE },
        { OK("4") "here" } },
      "",
      "here",
      200,
      ERR_NONE,
      0,
      2 },
    { { { "HTTP/1.1 302 Found\r\nLocation: https://h/\r\nContent-Length: 0\r\n\r\n" } },
      "unsupported protocol scheme \"https\"",
      "",
      302,
      ERR_BAD_DATA,
      0,
      1 },
    { { { "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n" } }, "", "", 301, ERR_NONE, 0, 1 },
};

START_TEST(what_servers_send_is_read_or_named)
{
    harness h;
    fake f;
    result r = { 0 };
    harness_open(&h);
    fake_open(&f, &h, scripts[_i].answer, scripts[_i].answer[1].text ? 2 : 1);
    http_client *c = http_client_new(&h.loop, NULL);
    fetch(&h, c, (http_call_options){ .timeout_ms = 3000, .max_body = scripts[_i].max_body, .follow_redirects = true },
          f.port, "/x", &r);
    ck_assert_str_eq(r.err.msg, scripts[_i].err);
    ck_assert_int_eq(r.err.kind, scripts[_i].kind);
    ck_assert_int_eq(r.status, scripts[_i].status);
    if (scripts[_i].kind != ERR_TOO_LARGE)
        ck_assert_msg(bytes_eq(buf_bytes(&r.body), bytes_of(scripts[_i].body)), "%.*s", BYTES_ARG(buf_bytes(&r.body)));
    ck_assert_uint_le(r.body.len, scripts[_i].max_body ? scripts[_i].max_body : 100);
    ck_assert_int_eq(f.n_connections, scripts[_i].n_connections);
    close_client(&h, c);
    fake_close(&f);
    buf_release(&r.body);
    harness_close(&h);
}
END_TEST

START_TEST(nobody_listens)
{
    harness h;
    result r = { 0 };
    char want[100];
    int port = free_port();
    harness_open(&h);
    http_client *c = http_client_new(&h.loop, NULL);
    fetch(&h, c, (http_call_options){ .timeout_ms = 3000 }, port, "/", &r);
    snprintf(want, sizeof want, "dial tcp 127.0.0.1:%d: connect: connection refused", port);
    ck_assert_str_eq(r.err.msg, want);
    ck_assert_int_eq(r.err.kind, ERR_UNAVAILABLE);
    ck_assert_int_eq(r.status, 0);
    close_client(&h, c);
    harness_close(&h);
}
END_TEST

START_TEST(a_reset_names_both_ends)
{
    harness h;
    fake f;
    result r = { 0 };
    char end[100];
    static const fake_answer reset[] = { { NULL, 0, FAKE_RESET } };
    harness_open(&h);
    fake_open(&f, &h, reset, 1);
    http_client *c = http_client_new(&h.loop, NULL);
    fetch(&h, c, (http_call_options){ .timeout_ms = 3000 }, f.port, "/", &r);
    snprintf(end, sizeof end, "->127.0.0.1:%d: read: connection reset by peer", f.port);
    ck_assert_msg(strncmp(r.err.msg, "read tcp 127.0.0.1:", 19) == 0 && strstr(r.err.msg, end), "%s", r.err.msg);
    close_client(&h, c);
    fake_close(&f);
    harness_close(&h);
}
END_TEST

/* The first answer keeps the connection; the second request finds it dead without a byte of answer. */
static const struct {
    const char *method;
    fake_answer answers[3];
    int n_requests, n_connections;
    const char *err;
} stale[] = {
    { "GET", { { OK("1") "a" }, { "", 0, FAKE_CLOSE }, { OK("1") "b" } }, 3, 2, "" },
    { "GET", { { OK("1") "a" }, { NULL, 0, FAKE_RESET }, { OK("1") "b" } }, 3, 2, "" },
    { "PUT", { { OK("1") "a" }, { "", 0, FAKE_CLOSE }, { OK("1") "b" } }, 3, 2, "" },
    { "POST", { { OK("1") "a" }, { "", 0, FAKE_CLOSE }, { OK("1") "b" } }, 2, 1, "EOF" },
    { "GET", { { OK("1") "a" }, { "", 0, FAKE_CLOSE }, { "", 0, FAKE_CLOSE } }, 3, 2, "EOF" },
    { "GET", { { OK("1") "a" }, { "HTTP/1.1", 0, FAKE_CLOSE }, { OK("1") "b" } }, 2, 1, "unexpected EOF" },
};

START_TEST(a_dead_kept_connection_is_replaced_once)
{
    harness h;
    fake f;
    result r = { 0 };
    harness_open(&h);
    fake_open(&f, &h, stale[_i].answers, 3);
    http_client *c = http_client_new(&h.loop, NULL);
    http_call_options opt = { .method = stale[_i].method, .timeout_ms = 3000 };
    fetch(&h, c, opt, f.port, "/", &r);
    ck_assert_int_eq(r.status, 200);
    fetch(&h, c, opt, f.port, "/", &r);
    ck_assert_str_eq(r.err.msg, stale[_i].err);
    ck_assert_int_eq(f.n_requests, stale[_i].n_requests);
    ck_assert_int_eq(f.n_connections, stale[_i].n_connections);
    close_client(&h, c);
    fake_close(&f);
    buf_release(&r.body);
    harness_close(&h);
}
END_TEST

static bool nothing_idle(void *ctx)
{
    return http_client_stat(ctx).idle == 0;
}

static const fake_answer impolite[][2] = {
    { { OK("1") "a", 0, FAKE_CLOSE }, { OK("1") "b" } },                  /* closes without a word */
    { { OK("1") "aHTTP/1.1 200 OK\r\n\r\n", 0, FAKE_KEEP }, { OK("1") "b" } },   /* says more than was asked */
};

START_TEST(connections_that_are_no_use_are_not_kept)
{
    harness h;
    fake f;
    result r = { 0 };
    harness_open(&h);
    fake_open(&f, &h, impolite[_i], 2);
    http_client *c = http_client_new(&h.loop, NULL);
    fetch(&h, c, (http_call_options){ .method = "POST" }, f.port, "/", &r);
    loop_until(&h, nothing_idle, c);
    fetch(&h, c, (http_call_options){ .method = "POST" }, f.port, "/", &r);
    ck_assert_str_eq(r.err.msg, "");
    ck_assert(bytes_eq(buf_bytes(&r.body), BYTES("b")));
    ck_assert_int_eq(f.n_connections, 2);
    close_client(&h, c);
    fake_close(&f);
    buf_release(&r.body);
    harness_close(&h);
}
END_TEST

START_TEST(idle_connections_are_closed_in_time)
{
    app a;
    result r = { 0 };
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, &(http_client_options){ .idle_timeout_ms = 20 });
    fetch(&a.h, c, (http_call_options){ 0 }, a.port, "/hello", &r);
    ck_assert_uint_eq(http_client_stat(c).idle, 1);
    loop_until(&a.h, nothing_idle, c);
    loop_until(&a.h, app_has_no_connection, &a);
    close_client(&a.h, c);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

START_TEST(an_early_refusal_of_a_large_body_is_heard)
{
    app a;
    result r = { 0 };
    size_t len = 32 << 20;
    char *body = xcalloc(1, len);
    app_open(&a, (http_server_options){ 0 });
    http_client *c = http_client_new(&a.h.loop, NULL);
    fetch(&a.h, c, (http_call_options){ .method = "POST", .body = bytes_n(body, len), .timeout_ms = 4000 }, a.port,
          "/small", &r);
    ck_assert_msg(r.status == 413, "%d %s", r.status, r.err.msg);
    close_client(&a.h, c);
    free(body);
    buf_release(&r.body);
    app_close(&a);
}
END_TEST

Suite *http_client_suite(void)
{
    Suite *s = suite_create("http_client");
    TCase *tc = tcase_create("http_client");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, requests_get_their_answers, 0, N_OF(fetches));
    tcase_add_test(tc, compressed_bodies_come_as_sent);
    tcase_add_test(tc, many_calls_at_once_keep_two_connections);
    tcase_add_test(tc, a_call_may_start_the_next_from_its_callback);
    tcase_add_test(tc, names_are_looked_up);
    tcase_add_test(tc, a_deadline_ends_a_call_in_any_phase);
    tcase_add_loop_test(tc, a_canceled_call_says_so_once, 0, 6);
    tcase_add_test(tc, closing_the_client_ends_its_calls);
    tcase_add_loop_test(tc, what_servers_send_is_read_or_named, 0, N_OF(scripts));
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, a_reset_names_both_ends);
    tcase_add_loop_test(tc, a_dead_kept_connection_is_replaced_once, 0, N_OF(stale));
    tcase_add_loop_test(tc, connections_that_are_no_use_are_not_kept, 0, N_OF(impolite));
    tcase_add_test(tc, idle_connections_are_closed_in_time);
    tcase_add_test(tc, an_early_refusal_of_a_large_body_is_heard);
    suite_add_tcase(s, tc);
    return s;
}
