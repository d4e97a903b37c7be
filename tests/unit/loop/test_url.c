/* test_url.c: URLs, escapes, query strings and paths against what Go's net/url does. */
#include "loop/url.h"
#include "base/limits.h"
#include "test_loop.h"
#include <stdlib.h>

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])
#define EQ(b, text) ck_assert_msg(bytes_eq((b), bytes_of(text)), "want %s, got %.*s", (text), BYTES_ARG(b))

static const struct {
    const char *in, *scheme, *host;
    int port;
    const char *path, *query, *user, *password, *printed, *redacted;
} good[] = {
    { "http://h:9100/metrics", "http", "h", 9100, "/metrics", "", "", "", "http://h:9100/metrics", NULL },
    { "http://h", "http", "h", 80, "", "", "", "", "http://h", NULL },
    { "HTTPS://H.example/", "https", "H.example", 443, "/", "", "", "", "https://H.example/", NULL },
    { "http://h:/x", "http", "h", 80, "/x", "", "", "", "http://h/x", NULL },
    { "http://[::1]:80/a?b=c#d", "http", "::1", 80, "/a", "b=c", "", "", "http://[::1]:80/a?b=c", NULL },
    { "http://[fe80::1]/", "http", "fe80::1", 80, "/", "", "", "", "http://[fe80::1]/", NULL },
    { "http://u:p%40w@h/x", "http", "h", 80, "/x", "", "u", "p@w", "http://u:p%40w@h/x", "http://u:xxxxx@h/x" },
    { "http://u@h/x?", "http", "h", 80, "/x", "", "u", "", "http://u@h/x?", NULL },
    { "http://h/a b/\xc3\xa4", "http", "h", 80, "/a b/\xc3\xa4", "", "", "", "http://h/a%20b/%C3%A4", NULL },
    { "http://h?x=1", "http", "h", 80, "", "x=1", "", "", "http://h/?x=1", NULL },
    { "http://10.0.0.1:65535/%2F", "http", "10.0.0.1", 65535, "/%2F", "", "", "", "http://10.0.0.1:65535/%2F", NULL },
};

START_TEST(absolute_urls_are_taken_apart_and_printed)
{
    arena a;
    url u;
    err e = { 0 };
    arena_init(&a, 0);
    ck_assert_msg(url_parse(bytes_of(good[_i].in), &a, &u, &e), "%s: %s", good[_i].in, e.msg);
    EQ(u.scheme, good[_i].scheme);
    EQ(u.host, good[_i].host);
    ck_assert_int_eq(u.port, good[_i].port);
    EQ(u.path, good[_i].path);
    EQ(u.query, good[_i].query);
    EQ(u.user, good[_i].user);
    EQ(u.password, good[_i].password);
    EQ(url_format(&u, false, &a), good[_i].printed);
    EQ(url_format(&u, true, &a), good[_i].redacted ? good[_i].redacted : good[_i].printed);
    arena_release(&a);
}
END_TEST

static const struct {
    const char *in, *err;
} bad[] = {
    { "", "unsupported protocol scheme \"\"" },
    { "h/metrics", "unsupported protocol scheme \"\"" },
    { ":80/x", "parse \":80/x\": missing protocol scheme" },
    { "127.0.0.1:9090", "parse \"127.0.0.1:9090\": first path segment in URL cannot contain colon" },
    { "http://h:abc/", "parse \"http://h:abc/\": invalid port \":abc\" after host" },
    { "http://h:99999/", "parse \"http://h:99999/\": invalid port \":99999\" after host" },
    { "http://h:-1/", "parse \"http://h:-1/\": invalid port \":-1\" after host" },
    { "http://[::1/", "parse \"http://[::1/\": missing ']' in host" },
    { "http://[::1]x/", "parse \"http://[::1]x/\": invalid port \"x\" after host" },
    { "http://a b/", "parse \"http://a b/\": invalid character \" \" in host name" },
    { "http://h/%zz", "parse \"http://h/%zz\": invalid URL escape \"%zz\"" },
    { "http://h/%1", "parse \"http://h/%1\": invalid URL escape \"%1\"" },
    { "http://h/\r\nX: y", "parse \"http://h/\\r\\nX: y\": net/url: invalid control character in URL" },
    { "http://u ser@h/", "parse \"http://u ser@h/\": net/url: invalid userinfo" },
};

START_TEST(bad_urls_are_refused_in_go_s_words)
{
    arena a;
    url u;
    err e = { 0 };
    arena_init(&a, 0);
    ck_assert(!url_parse(bytes_of(bad[_i].in), &a, &u, &e));
    ck_assert_str_eq(e.msg, bad[_i].err);
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
    arena_release(&a);
}
END_TEST

/* The examples of RFC 3986, 5.4.1, and what servers send as Location. */
static const struct {
    const char *ref, *want;
} refs[] = {
    { "g", "http://a/b/c/g" },       { "./g", "http://a/b/c/g" },     { "g/", "http://a/b/c/g/" },
    { "/g", "http://a/g" },          { "//g", "http://g" },           { "?y", "http://a/b/c/d;p?y" },
    { "g?y", "http://a/b/c/g?y" },   { "", "http://a/b/c/d;p?q" },    { ".", "http://a/b/c/" },
    { "..", "http://a/b/" },         { "../g", "http://a/b/g" },      { "../..", "http://a/" },
    { "../../g", "http://a/g" },     { "../../../g", "http://a/g" },  { "/./g", "http://a/g" },
    { "g;x=1/../y", "http://a/b/c/y" }, { "http://x:1/y", "http://x:1/y" }, { "#s", "http://a/b/c/d;p?q" },
};

START_TEST(references_are_resolved_as_rfc_3986_says)
{
    arena a;
    url base, u;
    err e = { 0 };
    arena_init(&a, 0);
    ck_assert(url_parse(BYTES("http://a/b/c/d;p?q"), &a, &base, &e));
    ck_assert_msg(url_resolve(&base, bytes_of(refs[_i].ref), &a, &u, &e), "%s", e.msg);
    EQ(url_format(&u, false, &a), refs[_i].want);
    arena_release(&a);
}
END_TEST

static const struct {
    const char *in, *want;
} paths[] = {
    { "/", "/" },         { "/a/b", "/a/b" },  { "//a//b/", "/a/b/" }, { "/a/./b", "/a/b" }, { "/a/../b", "/b" },
    { "/../../x", "/x" }, { "/a/b/..", "/a/" }, { "", "/" },           { "/.hid/..x", "/.hid/..x" }, { "/a/.", "/a/" },
    { "x", "/x" },
};

START_TEST(paths_are_cleaned)
{
    arena a;
    arena_init(&a, 0);
    EQ(url_clean_path(bytes_of(paths[_i].in), &a), paths[_i].want);
    arena_release(&a);
}
END_TEST

static const struct {
    const char *in, *want, *err;
} queries[] = {
    { "query=up&time=1", "query=up|time=1|", "" },
    { "a=b+c%20d%2B", "a=b c d+|", "" },
    { "a&b=&=c&&", "a=|b=|=c|", "" },
    { "match[]=%7Ba%3D%22b%22%7D&match%5B%5D=x", "match[]={a=\"b\"}|match[]=x|", "" },
    { "a=%zz&b=1", "b=1|", "invalid URL escape \"%zz\"" },
    { "a=1;b=2&c=3&d=%f", "c=3|", "invalid semicolon separator in query" },
    { "", "", "" },
};

START_TEST(query_strings_are_read_as_go_reads_them)
{
    arena a;
    http_values vs = { 0 };
    err e = { 0 };
    buf out;
    arena_init(&a, 0);
    buf_init(&out, 1000);
    bool ok = url_parse_query(bytes_of(queries[_i].in), &a, &vs, &e);
    for (size_t i = 0; i < vs.n; i++)
        buf_printf(&out, "%.*s=%.*s|", BYTES_ARG(vs.v[i].name), BYTES_ARG(vs.v[i].value));
    EQ(buf_bytes(&out), queries[_i].want);
    ck_assert_str_eq(e.msg, queries[_i].err);
    ck_assert_int_eq(ok, !*queries[_i].err);
    buf_release(&out);
    arena_release(&a);
}
END_TEST

START_TEST(too_many_query_values_are_refused)
{
    arena a;
    http_values vs = { 0 };
    err e = { 0 };
    size_t len = 2 * (LIMIT_HTTP_VALUES + 1);
    char *text = xmalloc(len);
    arena_init(&a, 0);
    for (size_t i = 0; i < len; i += 2)
        memcpy(text + i, "a&", 2);
    ck_assert(!url_parse_query(bytes_n(text, len), &a, &vs, &e));
    ck_assert_str_eq(e.msg, "number of URL query parameters exceeded limit");
    ck_assert(url_parse_query(bytes_n(text, len - 2), &a, &vs, &e));
    free(text);
    arena_release(&a);
}
END_TEST

START_TEST(what_is_escaped_comes_back)
{
    arena a;
    buf q, p;
    char all[256];
    bytes back;
    err e = { 0 };
    arena_init(&a, 0);
    buf_init(&q, 2000);
    buf_init(&p, 2000);
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    url_escape_query(&q, bytes_n(all, 256));
    url_escape_path(&p, bytes_n(all, 256));
    ck_assert(url_unescape(buf_bytes(&q), true, &a, &back, &e) && bytes_eq(back, bytes_n(all, 256)));
    ck_assert(url_unescape(buf_bytes(&p), false, &a, &back, &e) && bytes_eq(back, bytes_n(all, 256)));
    buf_clear(&q);
    url_escape_query(&q, BYTES("a b/c:d{e}~"));
    EQ(buf_bytes(&q), "a+b%2Fc%3Ad%7Be%7D~");
    buf_clear(&p);
    url_escape_path(&p, BYTES("a b/c:d;~"));
    EQ(buf_bytes(&p), "a%20b%2Fc:d%3B~");
    buf_release(&q);
    buf_release(&p);
    arena_release(&a);
}
END_TEST

static const struct {
    const char *in, *host;
    int port;
    const char *err;
} addresses[] = {
    { "127.0.0.1:9090", "127.0.0.1", 9090, "" },
    { ":9090", "", 9090, "" },
    { "[::1]:0", "::1", 0, "" },
    { "localhost:1", "localhost", 1, "" },
    { "9090", "", 0, "address 9090: missing port in address" },
    { "::1:80", "", 0, "address ::1:80: too many colons in address" },
    { "h:65536", "", 0, "address 65536: invalid port" },
    { "h:", "", 0, "address : invalid port" },
};

START_TEST(listen_addresses_are_split)
{
    bytes host = { 0 };
    uint16_t port = 0;
    err e = { 0 };
    bool ok = url_split_host_port(bytes_of(addresses[_i].in), &host, &port, &e);
    ck_assert_str_eq(e.msg, addresses[_i].err);
    ck_assert_int_eq(ok, !*addresses[_i].err);
    if (ok) {
        EQ(host, addresses[_i].host);
        ck_assert_int_eq(port, addresses[_i].port);
    }
}
END_TEST

START_TEST(secrets_do_not_survive_redaction)
{
    arena a;
    arena_init(&a, 0);
    EQ(url_redact(BYTES("http://u:secret@h/x"), &a), "http://u:xxxxx@h/x");
    EQ(url_redact(BYTES("http://h/x"), &a), "http://h/x");
    ck_assert_int_lt(bytes_find_bytes(url_redact(BYTES("http://u:sec ret@h:x/"), &a), BYTES("sec")), 0);
    arena_release(&a);
}
END_TEST

Suite *url_suite(void)
{
    Suite *s = suite_create("url");
    TCase *tc = tcase_create("url");
    tcase_add_loop_test(tc, absolute_urls_are_taken_apart_and_printed, 0, N_OF(good));
    tcase_add_loop_test(tc, bad_urls_are_refused_in_go_s_words, 0, N_OF(bad));
    tcase_add_loop_test(tc, references_are_resolved_as_rfc_3986_says, 0, N_OF(refs));
    tcase_add_loop_test(tc, paths_are_cleaned, 0, N_OF(paths));
    tcase_add_loop_test(tc, query_strings_are_read_as_go_reads_them, 0, N_OF(queries));
    tcase_add_test(tc, too_many_query_values_are_refused);
    tcase_add_test(tc, what_is_escaped_comes_back);
    tcase_add_loop_test(tc, listen_addresses_are_split, 0, N_OF(addresses));
    tcase_add_test(tc, secrets_do_not_survive_redaction);
    suite_add_tcase(s, tc);
    return s;
}
