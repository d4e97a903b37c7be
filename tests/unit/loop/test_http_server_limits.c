/* test_http_server_limits.c: deadlines, connection limits, refusals of large things, the route prefix, filters,
 * closing. */
#include "base/arena.h"
#include "base/limits.h"
#include "server_app.h"
#include "test_loop.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])
#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n"
#define CLOSE "Connection: close\r\n"

/* Sends one byte each 5 ms until the connection ends; returns the answer. */
static const char *drip(app *a, peer *p, const char *text)
{
    int64_t since = (int64_t)uv_hrtime();
    for (const char *at = text; !p->has_eof && !p->was_reset; at += at[1] ? 1 : 0) {
        peer_send_bytes(&a->h, p, bytes_n(at, 1));
        loop_for(&a->h, 5);
        ck_assert_int_lt((int64_t)uv_hrtime() - since, 3000000000);
    }
    return peer_read_to_end(&a->h, p);
}

START_TEST(a_slow_loris_is_closed_by_the_deadline_of_the_head)
{
    app a;
    app_open(&a, (http_server_options){ .head_timeout_ms = 100 });
    peer *p = peer_open(&a.h, a.port);
    const char *got = drip(&a, p, GET("/hello") "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ck_assert_msg(strncmp(got, "HTTP/1.1 408 Request Timeout\r\n", 30) == 0, "%s", got);
    loop_until(&a.h, app_has_no_connection, &a);
    app_close(&a);
}
END_TEST

START_TEST(a_slow_body_is_closed_by_its_deadline)
{
    app a;
    app_open(&a, (http_server_options){ .body_timeout_ms = 100 });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    const char *got = drip(&a, p, "aaaaaaa");
    ck_assert_msg(strncmp(got, "HTTP/1.1 408 ", 13) == 0, "%s", got);
    app_close(&a);
}
END_TEST

START_TEST(a_body_that_keeps_coming_earns_time)
{
    app a;
    app_open(&a, (http_server_options){ .body_timeout_ms = 40 });
    peer *p = peer_open(&a.h, a.port);
    size_t len = 700 << 10;
    char *body = xcalloc(1, len);
    peer_send(p, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 716800\r\n\r\n");
    for (size_t at = 0; at < len; at += len / 7) {   /* 7 x 20 ms is more than 40 ms, but 100 KiB earn a second */
        peer_send_bytes(&a.h, p, bytes_sub(bytes_n(body, len), at, len / 7));
        loop_for(&a.h, 20);
    }
    ck_assert_ptr_nonnull(strstr(peer_read_until(&a.h, p, "Content-Length: 716800\r\n", 1), "200 OK"));
    free(body);
    app_close(&a);
}
END_TEST

START_TEST(silent_connections_are_closed)
{
    app a;
    app_open(&a, (http_server_options){ .head_timeout_ms = 50, .idle_timeout_ms = 50 });
    peer *fresh = peer_open(&a.h, a.port), *used = peer_open(&a.h, a.port);
    peer_send(used, GET("/hello") "\r\n");
    ck_assert_str_eq(peer_read_to_end(&a.h, fresh), "");
    ck_assert_ptr_nonnull(strstr(peer_read_to_end(&a.h, used), "200 OK"));
    app_close(&a);
}
END_TEST

START_TEST(a_handler_has_all_the_time_it_wants)
{
    app a;
    app_open(&a, (http_server_options){ .head_timeout_ms = 20, .idle_timeout_ms = 20, .body_timeout_ms = 20,
                                        .write_timeout_ms = 20 });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, GET("/later") "\r\n");
    loop_until(&a.h, app_holds_one, &a);
    loop_for(&a.h, 120);
    ck_assert(!p->has_eof);
    app_release(&a, 0);
    ck_assert_ptr_nonnull(strstr(peer_read_to_end(&a.h, p), "/later"));
    app_close(&a);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_cut)
{
    app a;
    app_open(&a, (http_server_options){ .write_timeout_ms = 60 });
    peer *p = peer_open(&a.h, a.port);
    p->is_deaf = true;
    peer_send(p, GET("/big") "\r\n");
    loop_until(&a.h, app_finished_one, &a);
    ck_assert_int_eq(a.last_status, 0);
    loop_until(&a.h, app_has_no_connection, &a);
    p->is_deaf = false;
    peer_read_to_end(&a.h, p);
    ck_assert_uint_lt(p->got.len, BIG_BODY);
    app_close(&a);
}
END_TEST

/* ---- the connection limit ---- */

static bool all_answered(void *ctx)
{
    app *a = ctx;
    return a->n_finished >= 5;
}

START_TEST(connections_over_the_limit_wait_their_turn)
{
    app a;
    peer *p[5];
    app_open(&a, (http_server_options){ .max_connections = 2 });
    for (int i = 0; i < 5; i++) {
        p[i] = peer_open(&a.h, a.port);
        peer_send(p[i], GET("/later") CLOSE "\r\n");
    }
    loop_for(&a.h, 50);
    ck_assert_uint_eq(http_server_connections(a.server), 2);
    ck_assert_int_eq(a.n_held, 2);
    for (int i = 0; i < 5; i++) {
        while (a.n_held <= i)
            loop_for(&a.h, 1);
        app_release(&a, i);
    }
    loop_until(&a.h, all_answered, &a);
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_nonnull(strstr(peer_read_to_end(&a.h, p[i]), "200 OK"));
    app_close(&a);
}
END_TEST

START_TEST(at_the_limit_idle_connections_make_room)
{
    app a;
    app_open(&a, (http_server_options){ .max_connections = 2 });
    peer *one = peer_open(&a.h, a.port), *two = peer_open(&a.h, a.port);
    peer_send(one, GET("/hello") "\r\n");
    peer_read_until(&a.h, one, "hello", 1);
    peer_send(two, GET("/later") "\r\n");
    loop_until(&a.h, app_holds_one, &a);
    peer *three = peer_open(&a.h, a.port);
    peer_send(three, GET("/hello") "\r\n");
    peer_read_until(&a.h, three, "hello", 1);
    ck_assert_int_eq(count_of(peer_read_to_end(&a.h, one), "200 OK"), 1);   /* idle longest */
    peer_send(three, GET("/later") "\r\n");
    while (a.n_held < 2)
        loop_for(&a.h, 1);
    peer *four = peer_open(&a.h, a.port);
    peer_send(four, GET("/hello") "\r\n");
    loop_for(&a.h, 20);
    ck_assert_uint_eq(four->got.len, 0);   /* nobody is idle */
    app_release(&a, 0);
    peer_read_until(&a.h, two, "/later", 1);
    peer_read_until(&a.h, four, "hello", 1);
    ck_assert(two->has_eof);
    app_close(&a);
}
END_TEST

/* ---- large things ---- */

static const struct {
    const char *first, *again;
    const char *line;
} large[] = {
    { "GET /",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "HTTP/1.1 414 Request URI Too Long\r\n" },
    { GET("/hello"),
      "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
      "HTTP/1.1 431 Request Header Fields Too Large\r\n" },
    { "POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "10\r\n0123456789012345\r\n",
      "HTTP/1.1 413 Request Entity Too Large\r\n" },
};

START_TEST(large_requests_are_refused_and_the_client_hears_why)
{
    app a;
    buf part;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    buf_init(&part, 1 << 20);
    for (int i = 0; i < 100; i++)
        buf_putz(&part, large[_i].again);
    peer_send(p, large[_i].first);
    for (size_t sent = 0; sent < 2 * LIMIT_HTTP_HEAD && !p->got.len && !p->has_eof; sent += part.len) {
        peer_send_bytes(&a.h, p, buf_bytes(&part));
        uv_run(&a.h.loop, UV_RUN_NOWAIT);
    }
    const char *got = peer_read_until(&a.h, p, "\r\n\r\n", 1);
    ck_assert_msg(strncmp(got, large[_i].line, strlen(large[_i].line)) == 0, "%s", got);
    peer_read_to_end(&a.h, p);
    loop_until(&a.h, app_has_no_connection, &a);
    buf_release(&part);
    app_close(&a);
}
END_TEST

START_TEST(a_client_that_sends_far_ahead_is_not_read_without_bound)
{
    app a;
    app_open(&a, (http_server_options){ 0 });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, GET("/later") "\r\n");
    loop_until(&a.h, app_holds_one, &a);
    a.n_held = 0;
    http_request *first = a.held[0];
    char *junk = xcalloc(1, 1 << 20);
    size_t sent = 0;
    for (ssize_t n; sent < 64 << 20 && (n = send(p->fd, junk, 1 << 20, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0;
         sent += (size_t)n)
        for (int i = 0; i < 20; i++)
            uv_run(&a.h.loop, UV_RUN_NOWAIT);
    ck_assert_uint_lt(sent, 32 << 20);   /* the system's buffers, and no more than 128 KiB of ours */
    a.held[0] = first;
    app_release(&a, 0);
    ck_assert_ptr_nonnull(strstr(peer_read_until(&a.h, p, "HTTP/1.1 400", 1), "/later"));
    free(junk);
    app_close(&a);
}
END_TEST

/* ---- options ---- */

static bool refuse_some(http_request *req, void *ctx)
{
    if (bytes_eq(http_header(req, "Authorization"), BYTES("Bearer x")))
        return false;
    http_reply_header(req, "WWW-Authenticate", BYTES("Bearer"));
    http_reply_text(req, 401, "Unauthorized");
    return true;
}

static void my_not_found(http_request *req, void *ctx)
{
    http_reply(req, 200, "text/html", BYTES("index"));
}

static const struct {
    const char *in, *line, *part;
} configured[] = {
    { GET("/p/hello") "Authorization: Bearer x\r\n" CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "hello" },
    { GET("/p/hello") CLOSE "\r\n", "HTTP/1.1 401 Unauthorized\r\n", "WWW-Authenticate: Bearer\r\n" },
    { GET("/hello") CLOSE "\r\n", "HTTP/1.1 404 Not Found\r\n", "404 page not found" },
    { GET("/") CLOSE "\r\n", "HTTP/1.1 302 Found\r\n", "Location: /p/\r\n" },
    { GET("/p/nope") "Authorization: Bearer x\r\n" CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "index" },
    { GET("/p/hello/") "Authorization: Bearer x\r\n" CLOSE "\r\n", "HTTP/1.1 301 Moved Permanently\r\n",
      "Location: /p/hello\r\n" },
    { "POST /p/small HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", "HTTP/1.1 413 Request Entity Too Large\r\n",
      "" },
};

START_TEST(prefix_filter_and_not_found_are_the_owner_s)
{
    app a;
    app_open(&a, (http_server_options){ .prefix = "/p", .filter = refuse_some, .not_found = my_not_found });
    peer *p = peer_open(&a.h, a.port);
    peer_send(p, configured[_i].in);
    const char *got = peer_read_to_end(&a.h, p);
    ck_assert_msg(strncmp(got, configured[_i].line, strlen(configured[_i].line)) == 0, "%s", got);
    ck_assert_msg(strstr(got, configured[_i].part) != NULL, "%s", got);
    app_close(&a);
}
END_TEST

START_TEST(several_addresses_are_served_and_a_taken_one_is_named)
{
    app a;
    err e = { 0 };
    char address[64], want[200];
    app_open(&a, (http_server_options){ 0 });
    ck_assert_msg(http_server_listen(a.server, ":0", &e), "%s", e.msg);
    peer *p = peer_open(&a.h, http_server_port(a.server, 1));
    peer_send(p, GET("/form/x") CLOSE "\r\n");
    ck_assert_ptr_nonnull(strstr(peer_read_to_end(&a.h, p), "peer=0"));   /* an IPv4 client, also of an IPv6 socket */
    snprintf(address, sizeof address, "127.0.0.1:%d", a.port);
    snprintf(want, sizeof want, "listen tcp 127.0.0.1:%d: bind: address already in use", a.port);
    ck_assert(!http_server_listen(a.server, address, &e));
    ck_assert_str_eq(e.msg, want);
    ck_assert(!http_server_listen(a.server, "9090", &e));
    ck_assert_str_eq(e.msg, "listen tcp: address 9090: missing port in address");
    ck_assert(!http_server_listen(a.server, "no.such.host.invalid:1", &e));
    ck_assert_int_eq(http_server_port(a.server, 2), 0);
    app_close(&a);
}
END_TEST

START_TEST(an_inherited_socket_is_served)
{
    app a;
    err e = { 0 };
    struct sockaddr_in sa = { .sin_family = AF_INET };
    app_open(&a, (http_server_options){ 0 });
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    ck_assert_msg(http_server_listen_fd(a.server, fd, &e), "%s", e.msg);
    peer *p = peer_open(&a.h, http_server_port(a.server, 1));
    peer_send(p, GET("/hello") CLOSE "\r\n");
    ck_assert_ptr_nonnull(strstr(peer_read_to_end(&a.h, p), "hello"));
    ck_assert(!http_server_listen_fd(a.server, -1, &e));
    app_close(&a);
}
END_TEST

/* ---- closing ---- */

static void count_close(void *ctx)
{
    ++*(int *)ctx;
}

static bool is_one(void *ctx)
{
    return *(int *)ctx == 1;
}

START_TEST(closing_lets_answers_finish)
{
    app a;
    int n_closed = 0;
    app_open(&a, (http_server_options){ 0 });
    peer *idle = peer_open(&a.h, a.port), *busy = peer_open(&a.h, a.port);
    peer_send(busy, GET("/later") "\r\n");
    loop_until(&a.h, app_holds_one, &a);
    http_server_close(a.server, 60000, count_close, &n_closed);
    peer_read_to_end(&a.h, idle);
    loop_for(&a.h, 20);
    ck_assert_int_eq(n_closed, 0);
    app_release(&a, 0);
    const char *got = peer_read_to_end(&a.h, busy);
    ck_assert_ptr_nonnull(strstr(got, "200 OK"));
    ck_assert_ptr_nonnull(strstr(got, CLOSE));
    loop_until(&a.h, is_one, &n_closed);
    harness_close(&a.h);
}
END_TEST

START_TEST(closing_cuts_what_takes_too_long)
{
    app a;
    int n_closed = 0;
    app_open(&a, (http_server_options){ 0 });
    peer *busy = peer_open(&a.h, a.port);
    peer_send(busy, GET("/later") "\r\n");
    loop_until(&a.h, app_holds_one, &a);
    http_server_close(a.server, 20, count_close, &n_closed);
    loop_until(&a.h, app_canceled_one, &a);
    peer_read_to_end(&a.h, busy);
    loop_for(&a.h, 20);
    ck_assert_int_eq(n_closed, 0);   /* the handler still has the request */
    app_release(&a, 0);
    loop_until(&a.h, is_one, &n_closed);
    harness_close(&a.h);
}
END_TEST

Suite *http_server_limits_suite(void)
{
    Suite *s = suite_create("http_server_limits");
    TCase *tc = tcase_create("http_server_limits");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_slow_loris_is_closed_by_the_deadline_of_the_head);
    tcase_add_test(tc, a_slow_body_is_closed_by_its_deadline);
    tcase_add_test(tc, a_body_that_keeps_coming_earns_time);
    tcase_add_test(tc, silent_connections_are_closed);
    tcase_add_test(tc, a_handler_has_all_the_time_it_wants);
    tcase_add_test(tc, a_client_that_does_not_read_is_cut);
    tcase_add_test(tc, connections_over_the_limit_wait_their_turn);
    tcase_add_test(tc, at_the_limit_idle_connections_make_room);
    tcase_add_loop_test(tc, large_requests_are_refused_and_the_client_hears_why, 0, N_OF(large));
    tcase_add_test(tc, a_client_that_sends_far_ahead_is_not_read_without_bound);
    tcase_add_loop_test(tc, prefix_filter_and_not_found_are_the_owner_s, 0, N_OF(configured));
    tcase_add_test(tc, several_addresses_are_served_and_a_taken_one_is_named);
    tcase_add_test(tc, an_inherited_socket_is_served);
    tcase_add_test(tc, closing_lets_answers_finish);
    tcase_add_test(tc, closing_cuts_what_takes_too_long);
    suite_add_tcase(s, tc);
    return s;
}
