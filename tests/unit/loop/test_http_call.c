/* test_http_call.c: what the client sends, and where redirects lead. */
#include "loop/http_call.h"
#include "base/limits.h"
#include "test_loop.h"

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])

static bool ask(http_ask *q, const http_call_options *opt, arena *a)
{
    err e = { 0 };
    bool ok = http_ask_init(q, opt, "tsdbd/1", a, &e);
    ck_assert_msg(ok, "%s", e.msg);
    return ok;
}

static const char *head_of(const http_ask *q, arena *a)
{
    buf out;
    buf_init(&out, LIMIT_HTTP_HEAD);
    http_ask_put_head(q, &out);
    char *text = arena_cstr(a, buf_bytes(&out));
    buf_release(&out);
    return text;
}

static const http_value some_headers[] = { { BYTES_INIT("Accept"), BYTES_INIT("a/b\r\nEvil: x") } };
static const http_value host_header[] = { { BYTES_INIT("host"), BYTES_INIT("other") },
                                          { BYTES_INIT("user-agent"), BYTES_INIT("me") } };

static const struct {
    http_call_options opt;
    const char *url, *head;
} heads[] = {
    { { 0 },
      "http://h:9100/metrics?a=b#c",
      "GET /metrics?a=b HTTP/1.1\r\nHost: h:9100\r\nUser-Agent: tsdbd/1\r\n\r\n" },
    { { 0 }, "http://[::1]", "GET / HTTP/1.1\r\nHost: [::1]\r\nUser-Agent: tsdbd/1\r\n\r\n" },
    { { .headers = some_headers, .n_headers = 1, .no_keep_alive = true },
      "http://h/",
      "GET / HTTP/1.1\r\nHost: h\r\nAccept: a/b  Evil: x\r\nUser-Agent: tsdbd/1\r\nConnection: close\r\n\r\n" },
    { { .headers = host_header, .n_headers = 2 },
      "http://h/",
      "GET / HTTP/1.1\r\nhost: other\r\nuser-agent: me\r\n\r\n" },
    { { .method = "POST", .body = BYTES_INIT("abc") },
      "http://h/",
      "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: tsdbd/1\r\nContent-Length: 3\r\n\r\n" },
    { { .method = "POST" },
      "http://h/",
      "POST / HTTP/1.1\r\nHost: h\r\nUser-Agent: tsdbd/1\r\nContent-Length: 0\r\n\r\n" },
    { { 0 },
      "http://user:pa%20ss@h/",
      "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: tsdbd/1\r\nAuthorization: Basic dXNlcjpwYSBzcw==\r\n\r\n" },
};

START_TEST(the_head_that_is_sent)
{
    arena a;
    http_ask q;
    arena_init(&a, 0);
    http_call_options opt = heads[_i].opt;
    opt.url = bytes_of(heads[_i].url);
    ask(&q, &opt, &a);
    ck_assert_str_eq(head_of(&q, &a), heads[_i].head);
    arena_release(&a);
}
END_TEST

static const struct {
    const char *url, *err;
} refused[] = {
    { "https://h/", "unsupported protocol scheme \"https\"" },
    { "ftp://h/", "unsupported protocol scheme \"ftp\"" },
    { "h:9100/metrics", "unsupported protocol scheme \"h\"" },
    { "http:///x", "http: no Host in request URL" },
    { "http://h:x/", "parse \"http://h:x/\": invalid port \":x\" after host" },
};

START_TEST(urls_that_cannot_be_asked)
{
    arena a;
    http_ask q;
    err e = { 0 };
    arena_init(&a, 0);
    http_call_options opt = { .url = bytes_of(refused[_i].url) };
    ck_assert(!http_ask_init(&q, &opt, NULL, &a, &e));
    ck_assert_str_eq(e.msg, refused[_i].err);
    arena_release(&a);
}
END_TEST

/* method status Location → "method url auth body" */
static const struct {
    const char *method;
    int status;
    const char *location, *want;
} redirects[] = {
    { "GET", 301, "/b", "GET http://h:1/b auth" },
    { "GET", 302, "http://h:2/b", "GET http://h:2/b auth" },
    { "GET", 302, "http://sub.h/b", "GET http://sub.h/b auth" },
    { "GET", 302, "http://xh/b", "GET http://xh/b" },
    { "GET", 307, "//other/b?c", "GET http://other/b?c" },
    { "POST", 301, "/b", "GET http://h:1/b auth" },
    { "POST", 302, "/b", "GET http://h:1/b auth" },
    { "POST", 303, "/b", "GET http://h:1/b auth" },
    { "POST", 307, "/b", "POST http://h:1/b auth type body" },
    { "POST", 308, "/b", "POST http://h:1/b auth type body" },
    { "PUT", 302, "/b", "PUT http://h:1/b auth type body" },
    { "PUT", 303, "/b", "GET http://h:1/b auth" },
    { "HEAD", 303, "/b", "HEAD http://h:1/b auth" },
    { "GET", 300, "/b", NULL },
    { "GET", 304, "/b", NULL },
    { "GET", 302, NULL, NULL },
    { "GET", 200, "/b", NULL },
};

START_TEST(redirects_change_what_is_asked)
{
    arena a;
    http_ask q;
    err e = { 0 };
    bool is_redirect = false;
    buf says;
    arena_init(&a, 0);
    buf_init(&says, 1000);
    http_value headers[] = { { BYTES("authorization"), BYTES("x") }, { BYTES("Content-Type"), BYTES("y") } };
    bool has_body = redirects[_i].method[0] == 'P';
    http_call_options opt = { .method = redirects[_i].method, .url = BYTES("http://h:1/a"), .headers = headers,
                              .n_headers = has_body ? 2 : 1, .body = has_body ? BYTES("body") : (bytes){ 0 } };
    ask(&q, &opt, &a);
    http_head head = { .status = redirects[_i].status };
    if (redirects[_i].location)
        values_add(&head.headers, &a, BYTES("location"), bytes_of(redirects[_i].location));
    ck_assert(http_ask_redirect(&q, &head, &a, &is_redirect, &e));
    ck_assert_int_eq(is_redirect, redirects[_i].want != NULL);
    if (is_redirect) {
        http_values vs = { q.headers, q.n_headers, q.n_headers };
        bytes u = url_format(&q.url, false, &a);
        buf_printf(&says, "%.*s %.*s%s%s%s", BYTES_ARG(q.method), BYTES_ARG(u),
                   values_get_nocase(&vs, "Authorization", NULL) ? " auth" : "",
                   values_get_nocase(&vs, "Content-Type", NULL) ? " type" : "", q.body.len ? " body" : "");
        ck_assert_msg(bytes_eq(buf_bytes(&says), bytes_of(redirects[_i].want)), "%.*s", BYTES_ARG(buf_bytes(&says)));
    }
    buf_release(&says);
    arena_release(&a);
}
END_TEST

START_TEST(redirects_have_an_end)
{
    arena a;
    http_ask q;
    err e = { 0 };
    bool is_redirect;
    arena_init(&a, 0);
    ask(&q, &(http_call_options){ .url = BYTES("http://h/") }, &a);
    http_head head = { .status = 302 };
    values_add(&head.headers, &a, BYTES("Location"), BYTES("/"));
    for (int i = 0; i < 10; i++)
        ck_assert(http_ask_redirect(&q, &head, &a, &is_redirect, &e) && is_redirect);
    ck_assert(!http_ask_redirect(&q, &head, &a, &is_redirect, &e));
    ck_assert_str_eq(e.msg, "stopped after 10 redirects");
    arena_release(&a);
}
END_TEST

START_TEST(errors_are_told_as_go_tells_them)
{
    err in = { ERR_UNAVAILABLE, "EOF" }, out;
    http_call_error("GET", BYTES("http://h/metrics"), &in, &out);
    ck_assert_str_eq(out.msg, "Get \"http://h/metrics\": EOF");
    ck_assert_int_eq(out.kind, ERR_UNAVAILABLE);
    http_call_error("POST", BYTES("http://u:secret@h/\"x"), &in, &in);
    ck_assert_str_eq(in.msg, "Post \"http://u:xxxxx@h/%22x\": EOF");
    http_call_error(NULL, BYTES("http://h/"), &in, &out);
    ck_assert_int_eq(strncmp(out.msg, "Get ", 4), 0);
}
END_TEST

Suite *http_call_suite(void)
{
    Suite *s = suite_create("http_call");
    TCase *tc = tcase_create("http_call");
    tcase_add_loop_test(tc, the_head_that_is_sent, 0, N_OF(heads));
    tcase_add_loop_test(tc, urls_that_cannot_be_asked, 0, N_OF(refused));
    tcase_add_loop_test(tc, redirects_change_what_is_asked, 0, N_OF(redirects));
    tcase_add_test(tc, redirects_have_an_end);
    tcase_add_test(tc, errors_are_told_as_go_tells_them);
    suite_add_tcase(s, tc);
    return s;
}
