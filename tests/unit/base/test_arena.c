/* test_arena.c: arenas: alignment, budgets, growth, reuse. */
#include "tests.h"
#include <signal.h>
#include <stdlib.h>

START_TEST(arena_memory_is_aligned_distinct_and_writable)
{
    arena a;
    arena_init(&a, 0);
    uint64_t seed = 7;
    struct {
        unsigned char *p;
        size_t len;
    } got[500];
    for (int i = 0; i < 500; i++) {
        got[i].len = test_random(&seed) % (i % 50 == 0 ? 100000 : 200);
        got[i].p = arena_alloc(&a, got[i].len);
        ck_assert_ptr_nonnull(got[i].p);
        ck_assert_uint_eq((uintptr_t)got[i].p % 16, 0);
        memset(got[i].p, i, got[i].len);
    }
    for (int i = 0; i < 500; i++)
        for (size_t k = 0; k < got[i].len; k++)
            ck_assert_uint_eq(got[i].p[k], (unsigned char)i);
    arena_release(&a);
    ck_assert_uint_eq(a.used_bytes, 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1)); /* usable again */
    arena_release(&a);
}
END_TEST

START_TEST(arena_zalloc_zeroes_memory_that_was_used_before)
{
    arena a;
    arena_init(&a, 0);
    memset(arena_alloc(&a, 600), 0xff, 600);
    arena_reset(&a);
    const char *p = arena_zalloc(&a, 600);
    for (int i = 0; i < 600; i++)
        ck_assert_int_eq(p[i], 0);
    arena_release(&a);
}
END_TEST

START_TEST(arena_keeps_to_its_budget)
{
    arena a;
    arena_init(&a, 10000);
    ck_assert(arena_fits(&a, 5000));
    ck_assert_ptr_nonnull(arena_try(&a, 5000));
    ck_assert(!arena_fits(&a, 9000));
    ck_assert_ptr_null(arena_try(&a, 9000));
    ck_assert(!arena_over(&a));
    ck_assert_ptr_nonnull(arena_alloc(&a, 9000)); /* may pass it, and says so */
    ck_assert(arena_over(&a));
    ck_assert_uint_ge(a.peak_bytes, 14000);
    arena_reset(&a);
    arena_release(&a);
    ck_assert(!arena_over(&a));
    ck_assert_uint_ge(a.peak_bytes, 14000); /* the mark stays */
}
END_TEST

START_TEST(arena_reset_keeps_the_largest_block_only)
{
    arena a;
    arena_init(&a, 0);
    for (int i = 0; i < 100; i++)
        arena_alloc(&a, 1000);
    size_t before = a.used_bytes;
    arena_reset(&a);
    ck_assert_uint_lt(a.used_bytes, before);
    ck_assert_uint_gt(a.used_bytes, 0);
    size_t kept = a.used_bytes;
    arena_alloc(&a, 1000);
    ck_assert_uint_eq(a.used_bytes, kept); /* fits what was kept */
    arena_release(&a);
}
END_TEST

START_TEST(arena_grow_keeps_contents)
{
    arena a;
    arena_init(&a, 0);
    size_t len = 10;
    char *p = arena_alloc(&a, len);
    memset(p, 'x', len);
    for (int i = 0; i < 12; i++) {
        if (i % 3 == 2)
            arena_alloc(&a, 50); /* no longer the last allocation */
        p = arena_grow(&a, p, len, len * 2);
        for (size_t k = 0; k < len; k++)
            ck_assert_int_eq(p[k], 'x');
        memset(p, 'x', len * 2);
        len *= 2;
    }
    p = arena_grow(&a, NULL, 0, 8);
    ck_assert_ptr_nonnull(p);
    arena_release(&a);
}
END_TEST

START_TEST(arena_text_helpers_copy)
{
    arena a;
    arena_init(&a, 0);
    char text[] = "abc";
    bytes dup = arena_dup(&a, bytes_of(text));
    char *z = arena_cstr(&a, bytes_n("abcdef", 3));
    text[0] = 'X';
    ck_bytes(dup, "abc");
    ck_assert_str_eq(z, "abc");
    ck_assert_str_eq(arena_cstr(&a, (bytes){ 0 }), "");
    ck_bytes(arena_dup(&a, (bytes){ 0 }), "");
    ck_assert_str_eq(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    ck_bytes(arena_bytesf(&a, "%0500d", 1), arena_printf(&a, "%0500d", 1));
    arena_release(&a);
}
END_TEST

START_TEST(arena_array_ends_the_process_on_overflow)
{
    arena a;
    arena_init(&a, 0);
    arena_array(&a, SIZE_MAX / 4, 8);
}
END_TEST

START_TEST(xreallocarray_ends_the_process_on_overflow)
{
    free(xreallocarray(NULL, SIZE_MAX / 2, 4));
}
END_TEST

TCase *arena_cases(void)
{
    TCase *tc = tcase_create("arena");
    tcase_add_test(tc, arena_memory_is_aligned_distinct_and_writable);
    tcase_add_test(tc, arena_zalloc_zeroes_memory_that_was_used_before);
    tcase_add_test(tc, arena_keeps_to_its_budget);
    tcase_add_test(tc, arena_reset_keeps_the_largest_block_only);
    tcase_add_test(tc, arena_grow_keeps_contents);
    tcase_add_test(tc, arena_text_helpers_copy);
    tcase_add_test_raise_signal(tc, arena_array_ends_the_process_on_overflow, SIGABRT);
    tcase_add_test_raise_signal(tc, xreallocarray_ends_the_process_on_overflow, SIGABRT);
    return tc;
}
