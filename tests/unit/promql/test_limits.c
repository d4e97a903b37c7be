/* test_limits.c: queries that are too deep or too long are errors, whatever they are made of. */
#include "tests.h"
#include "base/limits.h"
#include "promql/parse.h"
#include "promql/print.h"
#include <stdlib.h>

/* before, n times open, middle, n times close, behind */
static const struct {
    const char *before, *open, *middle, *close;
} nests[] = {
    { "", "(", "up", ")" },
    { "", "(", "", "" },
    { "", "-", "up", "" },
    { "", "- ", "1", "" },
    { "", "sum(", "up", ")" },
    { "", "sum by (a) (", "up", ")" },
    { "", "abs(", "up", ")" },
    { "", "clamp(up, 1, ", "1", ")" },
    { "", "1 ^ ", "1", "" },
    { "", "up + ", "up", "" },
    { "", "up and ", "up", "" },
    { "", "", "up", "[1m:]" },
    { "up[", "(", "1m", ")" },
    { "up[", "-", "1m", "" },
    { "up[", "1m + ", "1m", "" },
    { "up[", "2 ^ ", "2", "" },
    { "up[", "max_of(1, ", "1", ")" },
    { "up offset ", "-", "1m", "" },
    { "up offset ", "(", "1m", ")" },
    { "", "max_over_time(", "up", "[1m:])" },
};

static void repeat(buf *b, const char *s, int n)
{
    for (int i = 0; i < n; i++)
        buf_putz(b, s);
}

static void nest(buf *b, int row, int n)
{
    bool in_brackets = bytes_has_suffix(bytes_of(nests[row].before), BYTES("["));
    buf_clear(b);
    buf_putz(b, nests[row].before);
    repeat(b, nests[row].open, n);
    buf_putz(b, nests[row].middle);
    repeat(b, nests[row].close, n);
    if (in_brackets)
        buf_putc(b, ']');
}

START_TEST(ten_thousand_levels_are_an_error)
{
    buf b;
    arena a;
    err e = { 0 };
    ast_node *n;
    buf_init(&b, LIMIT_QUERY_TEXT);
    arena_init(&a, 0);
    nest(&b, _i, 10000);
    ck_assert(!b.overflow);
    ck_assert(!promql_parse(buf_bytes(&b), 0, &a, &n, &e));
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
    ck_assert_msg(strstr(e.msg, "parse error: expression is nested too deeply"), "%s", e.msg);
    arena_release(&a);
    buf_release(&b);
}
END_TEST

/* What is allowed can be walked: printed in both ways and as JSON. */
START_TEST(some_hundred_levels_are_fine)
{
    buf b, out;
    arena a;
    err e = { 0 };
    ast_node *n;
    json_writer w;
    buf_init(&b, LIMIT_QUERY_TEXT);
    buf_init(&out, LIMIT_RESULT_JSON);
    arena_init(&a, 0);
    nest(&b, _i, 300);
    if (strcmp(nests[_i].close, "[1m:]") == 0)   /* a subquery of a subquery is a type error, found at the bottom */
        ck_assert(!promql_parse(buf_bytes(&b), 0, &a, &n, &e));
    else if (nests[_i].middle[0] != '\0' && promql_parse(buf_bytes(&b), 0, &a, &n, &e)) {
        promql_print(&out, n);
        promql_print_pretty(&out, n);
        json_init(&w, &out);
        promql_ast_json(&w, n);
        ck_assert(!out.overflow && out.len > 0);
        ast_resolve_durations(n, 1000, 60000, &e);
        ast_release(n);
    }
    ck_assert_ptr_null(strstr(e.msg, "too deeply"));
    arena_release(&a);
    buf_release(&b);
    buf_release(&out);
}
END_TEST

START_TEST(a_megabyte_is_the_end)
{
    buf b;
    arena a;
    err e = { 0 };
    ast_node *n;
    buf_init(&b, 2 * LIMIT_QUERY_TEXT);
    arena_init(&a, 0);
    repeat(&b, "x", (int)LIMIT_QUERY_TEXT);
    ck_assert(promql_parse(buf_bytes(&b), 0, &a, &n, &e));
    ast_release(n);
    buf_putc(&b, 'x');
    ck_assert(!promql_parse(buf_bytes(&b), 0, &a, &n, &e));
    ck_assert_str_eq(e.msg, "1:1: parse error: query text is longer than 1048576 bytes");
    arena_release(&a);
    buf_release(&b);
}
END_TEST

/* A hundred thousand of anything side by side; what is quadratic would take minutes. */
static const struct {
    const char *before, *each, *behind;
    bool fails;
} wide[] = {
    { "up{", "a=\"b\",", "}", false },
    { "up{", "a=~\"b.*\",", "}", false },
    { "label_join(up, \"d\", \"-\"", ", \"a\"", ")", false },
    { "sum by (", "a,", ") (up)", false },
    { "a + on (", "a,", "b) group_left (c) d", false },
    { "a + on (a) group_left (", "b,", "c) d", false },
    { "abs(", "1,", "1)", true },
    { "up", " ", "down", true },
    { "", "\n", "up up", true },
    { "", "#\n", "up", false },
    { "sum(up)", "# c\n", " + bool 1", true },
};

START_TEST(wide_queries_are_quick)
{
    buf b;
    arena a;
    err e = { 0 };
    ast_node *n = NULL;
    buf_init(&b, LIMIT_QUERY_TEXT);
    arena_init(&a, 0);
    buf_putz(&b, wide[_i].before);
    while (b.len < LIMIT_QUERY_TEXT - 100)
        buf_putz(&b, wide[_i].each);
    buf_putz(&b, wide[_i].behind);
    ck_assert_int_eq(promql_parse(buf_bytes(&b), 0, &a, &n, &e), !wide[_i].fails);
    ast_release(n);
    arena_release(&a);
    buf_release(&b);
}
END_TEST

/* on (a0, a1, ...) group_left (b0, b1, ...) */
START_TEST(label_lists_are_compared_quickly)
{
    buf b;
    arena a;
    err e = { 0 };
    ast_node *n = NULL;
    buf_init(&b, LIMIT_QUERY_TEXT);
    arena_init(&a, 0);
    buf_putz(&b, "x + on (");
    for (int i = 0; i < 50000; i++)
        buf_printf(&b, "a%d,", i);
    buf_putz(&b, ") group_left (");
    for (int i = 0; i < 50000; i++)
        buf_printf(&b, "b%d,", i);
    buf_putz(&b, "a49999) y");
    ck_assert(!b.overflow);
    ck_assert(!promql_parse(buf_bytes(&b), 0, &a, &n, &e));
    ck_assert_str_eq(e.msg, "1:3: parse error: label \"a49999\" must not occur in ON and GROUP clause at once");
    arena_release(&a);
    buf_release(&b);
}
END_TEST

/* A message longer than err holds is cut, not lost. */
START_TEST(long_messages_are_cut)
{
    buf b;
    arena a;
    err e = { 0 };
    ast_node *n;
    buf_init(&b, LIMIT_QUERY_TEXT);
    arena_init(&a, 0);
    buf_putz(&b, "a ");
    repeat(&b, "b", 5000);
    ck_assert(!promql_parse(buf_bytes(&b), 0, &a, &n, &e));
    ck_assert_msg(strncmp(e.msg, "1:3: parse error: unexpected identifier \"bbbb", 45) == 0, "%s", e.msg);
    ck_assert_uint_gt(strlen(e.msg), 1000);
    arena_release(&a);
    buf_release(&b);
}
END_TEST

Suite *suite_limits(void)
{
    Suite *s = suite_create("promql limits");
    TCase *t = tcase_create("limits");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, ten_thousand_levels_are_an_error, 0, sizeof nests / sizeof *nests);
    tcase_add_loop_test(t, some_hundred_levels_are_fine, 0, sizeof nests / sizeof *nests);
    tcase_add_test(t, a_megabyte_is_the_end);
    tcase_add_loop_test(t, wide_queries_are_quick, 0, sizeof wide / sizeof *wide);
    tcase_add_test(t, label_lists_are_compared_quickly);
    tcase_add_test(t, long_messages_are_cut);
    suite_add_tcase(s, t);
    return s;
}
