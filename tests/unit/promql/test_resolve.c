/* test_resolve.c: what duration expressions come to at a step of 15 s over an hour. */
#include "tests.h"
#include "promql/parse.h"
#include <stdlib.h>

static const struct {
    const char *query;     /* up[RANGE] offset OFFSET, or a subquery */
    int64_t range_ms, step_ms, offset_ms;
    const char *error;
} cases[] = {
    { "up[5m]", 300000, 0, 0, NULL },
    { "up[step()]", 15000, 0, 0, NULL },
    { "up[range() / 4] offset -step()", 900000, 0, -15000, NULL },
    { "up[2 * (1m + step()) - 0.5]", 149500, 0, 0, NULL },
    { "up[2 ^ 3 ^ 2]", 512000, 0, 0, NULL },
    { "up[7m % 2m]", 60000, 0, 0, NULL },
    { "up[max_of(step(), 10s)] offset min_of(step(), 10s)", 15000, 0, 10000, NULL },
    { "up[0.0019 + 0]", 1, 0, 0, NULL },
    { "up[1m] offset (1m - 90s)", 60000, 0, -30000, NULL },
    { "up[range() * 1:step() * 2] offset (step())", 3600000, 30000, 15000, NULL },
    { "up[1m - 1m]", 0, 0, 0, "3:10: duration must be greater than 0" },
    { "up[1h:step() - 1h]", 0, 0, 0, "6:17: duration must be greater than 0" },
    { "up[1m / (step() - 15s)]", 0, 0, 0, "3:21: division by zero" },
    { "up[1m % (0)]", 0, 0, 0, "3:10: modulo by zero" },
    { "up[1e9 ^ 1e9]", 0, 0, 0, "3:12: duration is NaN or infinite" },
    { "up[1e9 * 1e9]", 0, 0, 0, "3:12: duration is out of range" },
    { "up[step() - 1h:1m] offset (1m % (0))", 0, 0, 0, "27:34: modulo by zero" },
};

START_TEST(durations_are_computed)
{
    arena a;
    err e = { 0 };
    ast_node *n;
    arena_init(&a, 0);
    ck_assert_msg(promql_parse(bytes_of(cases[_i].query), 0, &a, &n, &e), "%s: %s", cases[_i].query, e.msg);
    bool ok = ast_resolve_durations(n, 15000, 3600000, &e);
    ck_assert_str_eq(e.msg, cases[_i].error ? cases[_i].error : "");
    ck_assert_int_eq(ok, cases[_i].error == NULL);
    bool is_matrix = n->kind == AST_MATRIX;
    const ast_when *w = is_matrix ? &n->matrix.selector->selector.when : &n->subquery.when;
    if (ok) {
        ck_assert_int_eq(ast_ms(is_matrix ? n->matrix.range_ns : n->subquery.range_ns), cases[_i].range_ms);
        ck_assert_int_eq(is_matrix ? 0 : ast_ms(n->subquery.step_ns), cases[_i].step_ms);
        ck_assert_int_eq(ast_ms(w->offset_ns), cases[_i].offset_ms);
    }
    ast_release(n);
    arena_release(&a);
}
END_TEST

START_TEST(durations_follow_the_step)
{
    arena a;
    err e = { 0 };
    ast_node *n;
    arena_init(&a, 0);
    ck_assert(promql_parse(BYTES("sum(rate(up[4 * step()]))"), 0, &a, &n, &e));
    const ast_node *matrix = n->aggregate.expr->call.args[0];
    for (int64_t step = 1000; step <= 3000; step += 1000) {
        ck_assert(ast_resolve_durations(n, step, 0, &e));
        ck_assert_int_eq(ast_ms(matrix->matrix.range_ns), 4 * step);
    }
    ast_release(n);
    arena_release(&a);
}
END_TEST

Suite *suite_resolve(void)
{
    Suite *s = suite_create("promql resolve");
    TCase *t = tcase_create("resolve");
    tcase_add_loop_test(t, durations_are_computed, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, durations_follow_the_step);
    suite_add_tcase(s, t);
    return s;
}
