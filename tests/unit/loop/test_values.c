/* test_values.c: lists of names and values. */
#include "loop/values.h"
#include "test_loop.h"

static http_values some(arena *a)
{
    http_values vs = { 0 };
    values_add(&vs, a, BYTES("match[]"), BYTES("a"));
    values_add(&vs, a, BYTES("x"), BYTES(""));
    values_add(&vs, a, BYTES("match[]"), BYTES("b"));
    for (int i = 0; i < 100; i++)
        values_add(&vs, a, arena_bytesf(a, "n%d", i), arena_bytesf(a, "v%d", i));
    return vs;
}

START_TEST(first_value_of_a_name)
{
    arena a;
    bytes v;
    arena_init(&a, 0);
    http_values vs = some(&a);
    ck_assert(values_get(&vs, "match[]", &v) && bytes_eq(v, BYTES("a")));
    ck_assert(values_get(&vs, "x", &v) && v.len == 0);
    ck_assert(values_get(&vs, "n99", &v) && bytes_eq(v, BYTES("v99")));
    ck_assert(!values_get(&vs, "X", &v) && v.len == 0);
    ck_assert(values_get_nocase(&vs, "MATCH[]", &v) && bytes_eq(v, BYTES("a")));
    ck_assert(values_get(&vs, "x", NULL));
    ck_assert(!values_get_nocase(&vs, "matc", NULL));
    arena_release(&a);
}
END_TEST

START_TEST(all_values_of_a_name_in_order)
{
    arena a;
    bytes v;
    size_t i = 0;
    arena_init(&a, 0);
    http_values vs = some(&a);
    ck_assert(values_next(&vs, "match[]", &i, &v) && bytes_eq(v, BYTES("a")));
    ck_assert(values_next(&vs, "match[]", &i, &v) && bytes_eq(v, BYTES("b")));
    ck_assert(!values_next(&vs, "match[]", &i, &v));
    arena_release(&a);
}
END_TEST

Suite *values_suite(void)
{
    Suite *s = suite_create("values");
    TCase *tc = tcase_create("values");
    tcase_add_test(tc, first_value_of_a_name);
    tcase_add_test(tc, all_values_of_a_name_in_order);
    suite_add_tcase(s, tc);
    return s;
}
