/* test_key_index.c: what was indexed is found, before and after growth and compaction. */
#include "base/arena.h"
#include "format/key_index.h"
#include "test_format.h"
#include <stdlib.h>

typedef struct entry {
    hash_key key;
    int number;
} entry;

static hash_key key_of_number(int i)
{
    return hash_key_of(bytes_n(&i, sizeof i), 5);
}

START_TEST(entries_are_found_through_growth_and_compaction)
{
    enum { N = 5000 };
    entry *e = xmalloc(N * sizeof *e);
    key_index ix;
    key_index_init(&ix, sizeof *e);
    ck_assert_int_eq(key_index_find(&ix, key_of_number(1)), -1);
    for (int i = 0; i < N; i++) {
        e[i] = (entry){ key_of_number(i), i };
        key_index_extend(&ix, e, (size_t)i + 1);
        ck_assert_int_eq(key_index_find(&ix, key_of_number(i / 2)), i / 2);
    }
    int kept = 0;
    for (int i = 0; i < N; i += 3)
        e[kept++] = e[i];
    key_index_rebuild(&ix, e, (size_t)kept);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(key_index_find(&ix, key_of_number(i)), i % 3 ? -1 : i / 3);
    key_index_release(&ix);
    free(e);
}
END_TEST

START_TEST(key_depends_on_bytes_and_seed)
{
    hash_key k = hash_key_of(BYTES("abc"), 1);
    ck_assert(hash_key_eq(k, hash_key_of(BYTES("abc"), 1)));
    ck_assert(!hash_key_eq(k, hash_key_of(BYTES("abd"), 1)));
    ck_assert(!hash_key_eq(k, hash_key_of(BYTES("abc"), 2)));
}
END_TEST

Suite *key_index_suite(void)
{
    Suite *s = suite_create("key_index");
    TCase *tc = tcase_create("key_index");
    tcase_add_test(tc, entries_are_found_through_growth_and_compaction);
    tcase_add_test(tc, key_depends_on_bytes_and_seed);
    suite_add_tcase(s, tc);
    return s;
}
