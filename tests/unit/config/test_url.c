/* test_url.c: what url.Parse of Go accepts, its words where it does not, and passwords kept out of sight. */
#include "config/go_url.h"
#include "test_config.h"

static const struct {
    const char *text, *scheme, *host, *err;
} urls[] = {
    { "http://x", "http", "x", NULL },
    { "https://user:pass@host:80/p?q#f", "https", "host:80", NULL },
    { "http://[::1]:9090/", "http", "[::1]:9090", NULL },
    { "http://[::1]", "http", "[::1]", NULL },
    { "/only/path", "", "", NULL },
    { "rel/ative", "", "", NULL },
    { "//host/path", "", "host", NULL },
    { "mailto:me@example.com", "mailto", "", NULL },
    { "", "", "", NULL },
    { "http:///x", "http", "", NULL },
    { "http://x:", "http", "x:", NULL },
    { "1http://x", NULL, NULL, "parse \"1http://x\": first path segment in URL cannot contain colon" },
    { ":foo", NULL, NULL, "parse \":foo\": missing protocol scheme" },
    { "a b:c", NULL, NULL, "parse \"a b:c\": first path segment in URL cannot contain colon" },
    { "http://[::1", NULL, NULL, "parse \"http://[::1\": missing ']' in host" },
    { "http://x:9a", NULL, NULL, "parse \"http://x:9a\": invalid port \":9a\" after host" },
    { "http://[::1]9", NULL, NULL, "parse \"http://[::1]9\": invalid port \"9\" after host" },
    { "http://a b/", NULL, NULL, "parse \"http://a b/\": invalid character \" \" in host name" },
    { "http://x/%zz", NULL, NULL, "parse \"http://x/%zz\": invalid URL escape \"%zz\"" },
    { "http://x/%1", NULL, NULL, "parse \"http://x/%1\": invalid URL escape \"%1\"" },
    { "http://x/\x01", NULL, NULL, "parse \"http://x/\x01\": net/url: invalid control character in URL" },
    { "http://u\\:secret@x:z/", NULL, NULL, "parse \"http://u\\:xxxxx@x:z/\": invalid port \":z\" after host" },
};

START_TEST(urls_are_taken_as_go_takes_them)
{
    err e = { 0 };
    go_url u = { 0 };
    bool ok = go_url_parse(bytes_of(urls[_i].text), &u, &e);
    ck_assert_msg(ok == (urls[_i].err == NULL), "%s: %s", urls[_i].text, e.msg);
    ck_assert_str_eq(e.msg, ok ? "" : urls[_i].err);
    if (ok) {
        ck_assert(bytes_eq(u.scheme, bytes_of(urls[_i].scheme)));
        ck_assert(bytes_eq(u.host, bytes_of(urls[_i].host)));
    }
}
END_TEST

static const struct {
    const char *text, *shown;
} redactions[] = {
    { "http://u:p@h/", "http://u:xxxxx@h/" },
    { "http://u:p@q@h/x@y", "http://u:xxxxx@h/x@y" },
    { "http://u@h/", "http://u@h/" },
    { "http://u:@h/", "http://u:xxxxx@h/" },
    { "http://h:80/a:b@c", "http://h:80/a:b@c" },
    { "h?x=//u:p@h", "h?x=//u:xxxxx@h" },
    { "nothing", "nothing" },
};

START_TEST(passwords_are_not_shown)
{
    buf b;
    buf_init(&b, 1000);
    go_url_redact(bytes_of(redactions[_i].text), &b);
    ck_assert_str_eq(buf_cstr(&b), redactions[_i].shown);
    buf_release(&b);
}
END_TEST

Suite *url_suite(void)
{
    Suite *s = suite_create("url");
    TCase *tc = tcase_create("url");
    tcase_add_loop_test(tc, urls_are_taken_as_go_takes_them, 0, sizeof urls / sizeof *urls);
    tcase_add_loop_test(tc, passwords_are_not_shown, 0, sizeof redactions / sizeof *redactions);
    suite_add_tcase(s, tc);
    return s;
}
