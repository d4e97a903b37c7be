/* test_bytes.c: runs of bytes. */
#include "tests.h"

static const struct {
    const char *a, *b;
    int order;
} orders[] = {
    { "", "", 0 },    { "", "a", -1 },    { "a", "a", 0 },      { "a", "ab", -1 },
    { "b", "ab", 1 }, { "\xff", "a", 1 }, { "abc", "abd", -1 },
};

START_TEST(bytes_compare_in_byte_order)
{
    bytes a = bytes_of(orders[_i].a), b = bytes_of(orders[_i].b);
    int c = bytes_cmp(a, b), d = bytes_cmp(b, a);
    ck_assert_int_eq((c > 0) - (c < 0), orders[_i].order);
    ck_assert_int_eq((d > 0) - (d < 0), -orders[_i].order);
    ck_assert_int_eq(bytes_eq(a, b), orders[_i].order == 0);
}
END_TEST

START_TEST(bytes_without_a_pointer_are_empty_runs)
{
    bytes none = { 0 };
    ck_assert(bytes_eq(none, BYTES("")));
    ck_assert(bytes_has_prefix(none, none) && bytes_has_suffix(none, none));
    ck_assert_int_eq(bytes_find(none, 'a'), -1);
    ck_assert_uint_eq(bytes_hash(none), bytes_hash(BYTES("")));
    ck_bytes(bytes_sub(none, 3, 4), "");
    ck_bytes(bytes_trim(none), "");
    ck_bytes(bytes_of(NULL), "");
    ck_assert(bytes_eq_nocase(none, none));
}
END_TEST

START_TEST(bytes_search)
{
    bytes b = BYTES("abcabc");
    ck_assert_int_eq(bytes_find(b, 'c'), 2);
    ck_assert_int_eq(bytes_find(b, 'x'), -1);
    ck_assert_int_eq(bytes_find_bytes(b, BYTES("ca")), 2);
    ck_assert_int_eq(bytes_find_bytes(b, BYTES("")), 0);
    ck_assert_int_eq(bytes_find_bytes(b, BYTES("abcabcd")), -1);
    ck_assert_int_eq(bytes_find_bytes((bytes){ 0 }, BYTES("a")), -1);
    ck_assert(bytes_has_prefix(b, BYTES("abc")) && !bytes_has_prefix(b, BYTES("bc")));
    ck_assert(bytes_has_suffix(b, BYTES("abc")) && !bytes_has_suffix(b, BYTES("ab")));
    ck_assert(bytes_eq_nocase(BYTES("aZ[`@{"), BYTES("Az[`@{")));
    ck_assert(!bytes_eq_nocase(BYTES("@"), BYTES("`"))); /* differ in the bit that letters differ in */
    ck_assert(!bytes_eq_nocase(BYTES("a"), BYTES("ab")));
}
END_TEST

START_TEST(bytes_cut_and_trim)
{
    bytes head, tail;
    ck_assert(bytes_cut(BYTES("a=b=c"), '=', &head, &tail));
    ck_bytes(head, "a");
    ck_bytes(tail, "b=c");
    ck_assert(bytes_cut(BYTES("="), '=', &head, &tail));
    ck_bytes(head, "");
    ck_bytes(tail, "");
    ck_assert(!bytes_cut(BYTES("abc"), '=', &head, &tail));
    ck_bytes(head, "abc");
    ck_bytes(tail, "");
    ck_bytes(bytes_trim(BYTES(" \t\r\na b\v\f ")), "a b");
    ck_bytes(bytes_trim(BYTES(" \n ")), "");
    ck_bytes(bytes_sub(BYTES("abcdef"), 2, 2), "cd");
    ck_bytes(bytes_sub(BYTES("abcdef"), 4, 99), "ef");
    ck_bytes(bytes_sub(BYTES("abcdef"), 9, 1), "");
}
END_TEST

TCase *bytes_cases(void)
{
    TCase *tc = tcase_create("bytes");
    tcase_add_loop_test(tc, bytes_compare_in_byte_order, 0, N_ROWS(orders));
    tcase_add_test(tc, bytes_without_a_pointer_are_empty_runs);
    tcase_add_test(tc, bytes_search);
    tcase_add_test(tc, bytes_cut_and_trim);
    return tc;
}
