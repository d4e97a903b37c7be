/* test_scrape_meta.c: families live as long as lines speak of them, and share their words. */
#include "base/limits.h"
#include "scrape/scrape_meta.h"
#include "test_scrape.h"
#include <stdio.h>

START_TEST(family_lives_as_long_as_its_lines)
{
    text_pool pool;
    scrape_meta m;
    text_pool_init(&pool);
    scrape_meta_init(&m, &pool);
    uint32_t a = scrape_meta_line(&m, BYTES("a")), again = scrape_meta_line(&m, BYTES("a")),
             b = scrape_meta_line(&m, BYTES("b"));
    ck_assert_uint_eq(a, again);
    ck_assert_uint_ne(a, b);
    scrape_meta_set_kind(&m, a, KIND_GAUGE);
    scrape_meta_set_help(&m, a, BYTES("text"));
    scrape_meta_set_help(&m, a, BYTES("other text"));
    scrape_meta_set_unit(&m, a, BYTES("s"));
    ck_assert(bytes_eq(text_bytes(m.families[a - 1].help), BYTES("other text")));
    ck_assert_uint_eq(scrape_meta_bytes(&m), 1 + 10 + 1 + 1);
    scrape_meta_line_gone(&m, a);
    ck_assert_uint_eq(m.n_live, 2);
    scrape_meta_line_gone(&m, a);
    ck_assert_uint_eq(m.n_live, 1);
    uint32_t c = scrape_meta_line(&m, BYTES("c"));
    ck_assert_uint_eq(c, a); /* the free place */
    ck_assert_uint_eq(m.families[c - 1].kind, KIND_UNKNOWN);
    scrape_meta_line_gone(&m, 0);
    scrape_meta_release(&m);
    ck_assert_uint_eq(pool.n_bytes, 0);
    text_pool_release(&pool);
}
END_TEST

START_TEST(targets_share_words)
{
    text_pool pool;
    scrape_meta m[2];
    text_pool_init(&pool);
    for (int i = 0; i < 2; i++) {
        scrape_meta_init(&m[i], &pool);
        scrape_meta_set_help(&m[i], scrape_meta_line(&m[i], BYTES("name")), BYTES("the same help"));
    }
    ck_assert_ptr_eq(m[0].families[0].help, m[1].families[0].help);
    ck_assert_uint_eq(pool.n_bytes, 4 + 13);
    scrape_meta_release(&m[0]);
    ck_assert(bytes_eq(text_bytes(m[1].families[0].help), BYTES("the same help")));
    scrape_meta_release(&m[1]);
    text_pool_release(&pool);
}
END_TEST

START_TEST(families_have_a_maximum)
{
    text_pool pool;
    scrape_meta m;
    char name[32];
    text_pool_init(&pool);
    scrape_meta_init(&m, &pool);
    for (int i = 0; i < LIMIT_SCRAPE_METADATA + 5; i++) {
        snprintf(name, sizeof name, "family_%d", i);
        ck_assert_int_eq(scrape_meta_line(&m, bytes_of(name)) == 0, i >= LIMIT_SCRAPE_METADATA);
    }
    scrape_meta_set_help(&m, 0, BYTES("of a family that is not kept"));
    scrape_meta_release(&m);
    text_pool_release(&pool);
}
END_TEST

Suite *scrape_meta_suite(void)
{
    Suite *s = suite_create("scrape_meta");
    TCase *tc = tcase_create("scrape_meta");
    tcase_add_test(tc, family_lives_as_long_as_its_lines);
    tcase_add_test(tc, targets_share_words);
    tcase_add_test(tc, families_have_a_maximum);
    suite_add_tcase(s, tc);
    return s;
}
