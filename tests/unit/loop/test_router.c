/* test_router.c: which row answers a path, as Prometheus' router (httprouter) decides. */
#include "loop/router.h"
#include "test_loop.h"

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])

static void nothing(http_request *req, void *ctx)
{
}

static const http_route routes[] = {
    { METHOD_GET | METHOD_POST, "/api/v1/query", nothing },
    { METHOD_GET, "/api/v1/label/:name/values", nothing },
    { METHOD_PUT | METHOD_POST, "/-/reload", nothing },
    { METHOD_GET | METHOD_HEAD, "/-/healthy", nothing },
    { METHOD_GET, "/static/*filepath", nothing },
    { METHOD_GET, "/folder/", nothing },
    { METHOD_DELETE, "/:a/x/:b", nothing },
    { METHOD_GET, "/", nothing },
};

static const struct {
    unsigned method;
    const char *path;
    enum router_outcome outcome;
    const char *says;   /* FOUND: "pattern params", METHOD: what is allowed */
} cases[] = {
    { METHOD_GET, "/api/v1/query", ROUTER_FOUND, "/api/v1/query" },
    { METHOD_POST, "/api/v1/query", ROUTER_FOUND, "/api/v1/query" },
    { METHOD_HEAD, "/api/v1/query", ROUTER_METHOD, "GET, OPTIONS, POST" },
    { METHOD_OPTIONS, "/-/reload", ROUTER_METHOD, "OPTIONS, POST, PUT" },
    { METHOD_OTHER, "/-/healthy", ROUTER_METHOD, "GET, HEAD, OPTIONS" },
    { METHOD_GET, "/api/v1/label/job/values", ROUTER_FOUND, "/api/v1/label/:name/values name=job" },
    { METHOD_GET, "/api/v1/label/a b/values", ROUTER_FOUND, "/api/v1/label/:name/values name=a b" },
    { METHOD_GET, "/api/v1/label//values", ROUTER_NOT_FOUND, "" },
    { METHOD_GET, "/api/v1/label/a/b/values", ROUTER_NOT_FOUND, "" },
    { METHOD_GET, "/api/v1/label/job/value", ROUTER_NOT_FOUND, "" },
    { METHOD_GET, "/api/v1/label/job", ROUTER_NOT_FOUND, "" },
    { METHOD_GET, "/api/v1/query/", ROUTER_REDIRECT, "" },
    { METHOD_GET, "/folder", ROUTER_REDIRECT, "" },
    { METHOD_PUT, "/api/v1/query/", ROUTER_NOT_FOUND, "" },
    { METHOD_GET, "/static/js/main.js", ROUTER_FOUND, "/static/*filepath filepath=/js/main.js" },
    { METHOD_GET, "/static/", ROUTER_FOUND, "/static/*filepath filepath=/" },
    { METHOD_GET, "/static", ROUTER_REDIRECT, "" },
    { METHOD_DELETE, "/1/x/2", ROUTER_FOUND, "/:a/x/:b a=1 b=2" },
    { METHOD_GET, "/", ROUTER_FOUND, "/" },
    { METHOD_GET, "/nope", ROUTER_NOT_FOUND, "" },
    { METHOD_GET, "*", ROUTER_NOT_FOUND, "" },
    { METHOD_GET, "", ROUTER_NOT_FOUND, "" },
};

START_TEST(a_path_and_a_method_find_their_row)
{
    arena a;
    buf says;
    arena_init(&a, 0);
    buf_init(&says, 1000);
    router *r = router_new();
    router_add(r, routes, 4);
    router_add(r, routes + 4, N_OF(routes) - 4);
    ck_assert_uint_eq(router_len(r), N_OF(routes));
    router_match m = router_find(r, cases[_i].method, bytes_of(cases[_i].path), &a);
    ck_assert_int_eq(m.outcome, cases[_i].outcome);
    if (m.outcome == ROUTER_METHOD)
        router_put_methods(m.allowed, &says);
    if (m.outcome == ROUTER_FOUND) {
        ck_assert_ptr_eq(m.route, router_row(r, m.index));
        buf_putz(&says, m.route->pattern);
    }
    for (size_t i = 0; i < m.params.n; i++)
        buf_printf(&says, " %.*s=%.*s", BYTES_ARG(m.params.v[i].name), BYTES_ARG(m.params.v[i].value));
    buf_putc(&says, '\0');
    ck_assert_str_eq(says.p, cases[_i].says);
    router_free(r);
    buf_release(&says);
    arena_release(&a);
}
END_TEST

START_TEST(the_first_row_that_fits_wins)
{
    static const http_route two[] = {
        { METHOD_GET, "/a/:x", nothing },
        { METHOD_GET, "/a/b", nothing },
        { METHOD_POST, "/a/b", nothing },
    };
    arena a;
    arena_init(&a, 0);
    router *r = router_new();
    router_add(r, two, 3);
    ck_assert_ptr_eq(router_find(r, METHOD_GET, BYTES("/a/b"), &a).route, &two[0]);
    ck_assert_ptr_eq(router_find(r, METHOD_POST, BYTES("/a/b"), &a).route, &two[2]);
    router_free(r);
    arena_release(&a);
}
END_TEST

Suite *router_suite(void)
{
    Suite *s = suite_create("router");
    TCase *tc = tcase_create("router");
    tcase_add_loop_test(tc, a_path_and_a_method_find_their_row, 0, N_OF(cases));
    tcase_add_test(tc, the_first_row_that_fits_wins);
    suite_add_tcase(s, tc);
    return s;
}
