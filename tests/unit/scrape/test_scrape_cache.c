/* test_scrape_cache.c: lines are found where they are expected, forgotten when they are gone, and put in order. */
#include "scrape/scrape_cache.h"
#include "test_scrape.h"
#include <stdlib.h>

static hash_key key_of(int i)
{
    return hash_key_of(bytes_n(&i, sizeof i), 1);
}

/* A page of these lines; says how many were where the cache expected them. */
static int read_page(scrape_cache *c, const int *lines, size_t n)
{
    int expected = 0;
    scrape_cache_begin(c);
    for (size_t i = 0; i < n; i++) {
        cache_line *l = scrape_cache_expected(c);
        if (l && hash_key_eq(l->key, key_of(lines[i]))) {
            expected++;
        } else {
            l = scrape_cache_find(c, key_of(lines[i]));
            if (!l) {
                scrape_cache_add(c, key_of(lines[i]), 5, 0);
                continue;
            }
        }
        scrape_cache_see(c, l);
    }
    return expected;
}

START_TEST(same_page_is_all_expected)
{
    scrape_cache c;
    scrape_cache_init(&c, 1);
    const int page[] = { 1, 2, 3, 4, 5 };
    ck_assert_int_eq(read_page(&c, page, 5), 0);
    scrape_cache_flush(&c, NULL, NULL);
    ck_assert_int_eq(read_page(&c, page, 5), 5);
    ck_assert_uint_eq(c.n_seen, c.n);
    scrape_cache_flush(&c, NULL, NULL);
    const int grown[] = { 1, 2, 9, 3, 4, 5 }; /* one new line does not upset the rest */
    ck_assert_int_eq(read_page(&c, grown, 6), 5);
    scrape_cache_flush(&c, NULL, NULL);
    const int shrunk[] = { 1, 2, 4, 5 };
    read_page(&c, shrunk, 4);
    scrape_cache_flush(&c, NULL, NULL);
    ck_assert_uint_eq(c.n, 4);
    ck_assert_ptr_null(scrape_cache_find(&c, key_of(3)));
    ck_assert_ptr_null(scrape_cache_find(&c, key_of(9)));
    ck_assert_ptr_nonnull(scrape_cache_find(&c, key_of(5)));
    ck_assert_int_eq(read_page(&c, shrunk, 4), 4);
    scrape_cache_release(&c);
}
END_TEST

START_TEST(refused_page_tracks_nothing)
{
    scrape_cache c;
    scrape_cache_init(&c, 1);
    const int page[] = { 1, 2 }, bad[] = { 1, 7, 8 };
    read_page(&c, page, 2);
    scrape_cache_flush(&c, NULL, NULL);
    read_page(&c, bad, 3);
    scrape_cache_track(&c, scrape_cache_find(&c, key_of(7)), true);
    scrape_cache_refuse(&c);
    ck_assert_uint_eq(c.n_tracked, 0);
    ck_assert_int_eq(read_page(&c, page, 2), 2);
    scrape_cache_flush(&c, NULL, NULL);
    ck_assert_uint_eq(c.n, 2);
    ck_assert_ptr_null(scrape_cache_find(&c, key_of(7)));
    scrape_cache_release(&c);
}
END_TEST

START_TEST(refused_pages_cannot_grow_it_for_ever)
{
    scrape_cache c;
    int next = 0, flushes = 0, page[100];
    scrape_cache_init(&c, 1);
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 100; k++)
            page[k] = next++;
        read_page(&c, page, 100);
        scrape_cache_refuse(&c);
        flushes += scrape_cache_bound(&c, NULL, NULL);
        ck_assert_uint_le(c.n, 1100);
    }
    ck_assert_int_gt(flushes, 10);
    scrape_cache_release(&c);
}
END_TEST

static void count_gone(void *ctx, uint64_t meta)
{
    *(uint64_t *)ctx += meta >> 8;
}

START_TEST(comment_lines_stay_ten_pages)
{
    scrape_cache c;
    uint64_t gone = 0;
    scrape_cache_init(&c, 1);
    scrape_cache_begin(&c);
    scrape_cache_add(&c, key_of(1), 5, LINE_META)->ref = line_meta(3, LINE_NO_KIND);
    scrape_cache_flush(&c, count_gone, &gone);
    const int page[] = { 2 };
    for (int i = 0; i < 10; i++) {
        read_page(&c, page, 1);
        scrape_cache_flush(&c, count_gone, &gone);
        ck_assert_uint_eq(gone, 0);
    }
    read_page(&c, page, 1);
    scrape_cache_flush(&c, count_gone, &gone);
    ck_assert_uint_eq(gone, 3);
    ck_assert_uint_eq(c.n, 1);
    scrape_cache_release(&c);
}
END_TEST

START_TEST(order_is_renewed_after_many_surprises)
{
    enum { N = 500 };
    int page[N], expected = 0;
    scrape_cache c;
    scrape_cache_init(&c, 1);
    for (int i = 0; i < N; i++)
        page[i] = i;
    read_page(&c, page, N);
    scrape_cache_flush(&c, NULL, NULL);
    for (int i = 0; i < N; i++) /* another order for good */
        page[i] = i * 7 % N;
    for (int i = 0; i < 20; i++) {
        expected = read_page(&c, page, N);
        for (int k = 0; k < N; k++)
            ck_assert_ptr_nonnull(scrape_cache_find(&c, key_of(k)));
        scrape_cache_flush(&c, NULL, NULL);
    }
    ck_assert_int_eq(expected, N);
    ck_assert_uint_eq(c.n, N);
    scrape_cache_release(&c);
}
END_TEST

Suite *scrape_cache_suite(void)
{
    Suite *s = suite_create("scrape_cache");
    TCase *tc = tcase_create("scrape_cache");
    tcase_add_test(tc, same_page_is_all_expected);
    tcase_add_test(tc, refused_page_tracks_nothing);
    tcase_add_test(tc, refused_pages_cannot_grow_it_for_ever);
    tcase_add_test(tc, comment_lines_stay_ten_pages);
    tcase_add_test(tc, order_is_renewed_after_many_surprises);
    suite_add_tcase(s, tc);
    return s;
}
