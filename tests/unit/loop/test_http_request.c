/* test_http_request.c: from a head to path, query and form. */
#include "loop/http_request.h"
#include "base/limits.h"
#include "test_loop.h"

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])
#define EQ(b, text) ck_assert_msg(bytes_eq((b), bytes_of(text)), "want %s, got %.*s", (text), BYTES_ARG(b))

static const struct {
    const char *target, *path, *query, *err;
} targets[] = {
    { "/", "/", "", "" },
    { "/a%20b?x=%20", "/a b", "x=%20", "" },
    { "/a//b/../c?", "/a/c", "", "" },
    { "/%2e%2e/x", "/x", "", "" },
    { "/a%2Fb", "/a/b", "", "" },
    { "/a#frag?x", "/a", "", "" },
    { "http://h:1/x?y", "/x", "y", "" },
    { "http://h", "/", "", "" },
    { "*", "*", "", "" },
    { "/%zz", "", "", "invalid request target: invalid URL escape \"%zz\"" },
    { "x", "", "", "invalid request target: unsupported protocol scheme \"\"" },
    { "/a?%zz", "/a", "%zz", "" },
};

START_TEST(targets_become_paths_and_queries)
{
    arena a;
    err e = { 0 };
    arena_init(&a, 0);
    http_request req = { .arena = &a };
    http_head head = { .target = bytes_of(targets[_i].target), .method = METHOD_GET, .minor = 1 };
    bool ok = http_request_fill(&req, &head, &e);
    ck_assert_str_eq(e.msg, targets[_i].err);
    ck_assert_int_eq(ok, !*targets[_i].err);
    if (ok) {
        EQ(req.path, targets[_i].path);
        EQ(req.query_text, targets[_i].query);
    }
    arena_release(&a);
}
END_TEST

static const struct {
    unsigned method;
    const char *type, *body, *query;
    bool raw;
    const char *want, *err;
} forms[] = {
    { METHOD_GET, "", "", "a=1&a=2", false, "a=1|a=2|", "" },
    { METHOD_POST, "application/x-www-form-urlencoded", "a=b", "a=q", false, "a=b|a=q|", "" },
    { METHOD_POST, "Application/X-WWW-Form-urlencoded; charset=utf-8", "x=%41", "", false, "x=A|", "" },
    { METHOD_POST, "application/json", "a=b", "a=q", false, "a=q|", "" },
    { METHOD_GET, "application/x-www-form-urlencoded", "a=b", "", false, "", "" },
    { METHOD_POST, "application/x-www-form-urlencoded", "a=b", "c=d", true, "c=d|", "" },
    { METHOD_POST, "application/x-www-form-urlencoded", "a=%z", "c=;", false, "", "invalid URL escape \"%z\"" },
    { METHOD_GET, "", "", "c=%", false, "", "invalid URL escape \"%\"" },
};

START_TEST(forms_are_read_body_first)
{
    arena a;
    buf out;
    arena_init(&a, 0);
    buf_init(&out, 1000);
    http_request req = { .arena = &a, .method = forms[_i].method, .body = bytes_of(forms[_i].body),
                         .query_text = bytes_of(forms[_i].query) };
    values_add(&req.headers, &a, BYTES("content-Type"), bytes_of(forms[_i].type));
    http_request_read_form(&req, forms[_i].raw);
    for (size_t i = 0; i < req.form.n; i++)
        buf_printf(&out, "%.*s=%.*s|", BYTES_ARG(req.form.v[i].name), BYTES_ARG(req.form.v[i].value));
    EQ(buf_bytes(&out), forms[_i].want);
    ck_assert_str_eq(req.form_err.msg, forms[_i].err);
    buf_release(&out);
    arena_release(&a);
}
END_TEST

START_TEST(a_form_body_has_a_limit)
{
    arena a;
    arena_init(&a, 0);
    http_request req = { .arena = &a, .method = METHOD_POST };
    values_add(&req.headers, &a, BYTES("Content-Type"), BYTES("application/x-www-form-urlencoded"));
    req.body = bytes_n(arena_zalloc(&a, LIMIT_HTTP_FORM + 1), LIMIT_HTTP_FORM + 1);
    http_request_read_form(&req, false);
    ck_assert_str_eq(req.form_err.msg, "http: POST too large");
    arena_release(&a);
}
END_TEST

static const struct {
    const char *prefix, *path, *want;   /* want NULL: not below */
} prefixes[] = {
    { NULL, "/x", "/x" },     { "", "/x", "/x" },        { "/p", "/p/x", "/x" }, { "/p", "/p", "/" },
    { "/p", "/p/", "/" },     { "/p", "/px", NULL },     { "/p", "/", NULL },    { "/p/q", "/p/q/r", "/r" },
};

START_TEST(the_route_prefix_is_cut)
{
    bytes path = bytes_of(prefixes[_i].path);
    bool ok = http_cut_prefix(&path, prefixes[_i].prefix);
    ck_assert_int_eq(ok, prefixes[_i].want != NULL);
    if (ok)
        EQ(path, prefixes[_i].want);
}
END_TEST

static const struct {
    const char *accept;
    bool gzip;
} codings[] = {
    { "", false },
    { "gzip", true },
    { "GZIP", true },
    { "deflate, gzip;q=1.0, *;q=0.5", true },
    { "gzip;q=0", false },
    { "gzip; q=0.0", false },
    { "gzip ; q=0.001", true },
    { "identity", false },
    { "*", true },
    { "*;q=0", false },
    { "gzip;q=0, *", false },
    { "gzipped", false },
    { "br, x-gzip", true },
    { ",,", false },
};

START_TEST(accept_encoding_decides_about_gzip)
{
    ck_assert_int_eq(http_takes_gzip(bytes_of(codings[_i].accept)), codings[_i].gzip);
}
END_TEST

Suite *http_request_suite(void)
{
    Suite *s = suite_create("http_request");
    TCase *tc = tcase_create("http_request");
    tcase_add_loop_test(tc, targets_become_paths_and_queries, 0, N_OF(targets));
    tcase_add_loop_test(tc, forms_are_read_body_first, 0, N_OF(forms));
    tcase_add_test(tc, a_form_body_has_a_limit);
    tcase_add_loop_test(tc, the_route_prefix_is_cut, 0, N_OF(prefixes));
    tcase_add_loop_test(tc, accept_encoding_decides_about_gzip, 0, N_OF(codings));
    suite_add_tcase(s, tc);
    return s;
}
