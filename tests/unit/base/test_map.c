/* test_map.c: the hash map, alone and against a slow one. */
#include "tests.h"
#include "base/map.h"
#include <stdio.h>
#include <stdlib.h>

START_TEST(map_puts_gets_and_removes)
{
    map m;
    map_init(&m, MAP_BORROWED_KEYS);
    ck_assert_ptr_null(map_get(&m, BYTES("a")));
    ck_assert(!map_remove(&m, BYTES("a")));
    bool is_new = false;
    *map_put(&m, BYTES("a"), &is_new) = 7;
    ck_assert(is_new);
    ck_assert_uint_eq(*map_put(&m, BYTES("a"), &is_new), 7);
    ck_assert(!is_new);
    *map_put(&m, BYTES(""), NULL) = 9; /* the empty key is a key */
    ck_assert_uint_eq(*map_get(&m, (bytes){ 0 }), 9);
    ck_assert_uint_eq(m.n, 2);
    ck_assert(map_remove(&m, BYTES("a")));
    ck_assert_ptr_null(map_get(&m, BYTES("a")));
    map_put_ptr(&m, BYTES("p"), &m);
    ck_assert_ptr_eq(map_get_ptr(&m, BYTES("p")), &m);
    ck_assert_ptr_null(map_get_ptr(&m, BYTES("q")));
    map_clear(&m);
    ck_assert_uint_eq(m.n, 0);
    ck_assert_ptr_null(map_get(&m, BYTES("p")));
    map_release(&m);
}
END_TEST

START_TEST(map_owns_keys_where_asked)
{
    map m;
    map_init(&m, MAP_OWN_KEYS);
    char key[] = "key";
    *map_put(&m, bytes_of(key), NULL) = 1;
    memset(key, 'x', 3);
    ck_assert_ptr_nonnull(map_get(&m, BYTES("key")));
    ck_assert_ptr_null(map_get(&m, BYTES("xxx")));
    *map_put(&m, BYTES(""), NULL) = 2;
    ck_assert(map_remove(&m, BYTES("key")));
    map_clear(&m);
    *map_put(&m, BYTES("again"), NULL) = 3;
    map_release(&m);
}
END_TEST

enum { N_KEYS = 300 };

/* Random puts, removes and gets, in phases of growth and shrinking, compared with an array of all keys there are. */
START_TEST(map_agrees_with_an_array)
{
    map m;
    map_init(&m, _i ? MAP_OWN_KEYS : MAP_BORROWED_KEYS);
    char keys[N_KEYS][8];
    bool there[N_KEYS] = { false };
    uint64_t values[N_KEYS] = { 0 }, seed = 99;
    size_t n = 0;
    for (int i = 0; i < N_KEYS; i++)
        snprintf(keys[i], sizeof keys[i], "k%d", i);
    for (int step = 0; step < 20000; step++) {
        int k = (int)(test_random(&seed) % N_KEYS);
        bytes key = bytes_of(keys[k]);
        bool grow = step / 2500 % 2 == 0;
        if (test_random(&seed) % 4 < (grow ? 3 : 1)) {
            bool is_new;
            uint64_t *v = map_put(&m, key, &is_new);
            ck_assert_int_eq(is_new, !there[k]);
            ck_assert_uint_eq(*v, there[k] ? values[k] : 0);
            *v = values[k] = test_random(&seed);
            n += is_new;
            there[k] = true;
        } else {
            ck_assert_int_eq(map_remove(&m, key), there[k]);
            n -= there[k];
            there[k] = false;
        }
        ck_assert_uint_eq(m.n, n);
        ck_assert_uint_le(m.n_used * 4, m.cap * 3);
    }
    for (int i = 0; i < N_KEYS; i++) {
        uint64_t *v = map_get(&m, bytes_of(keys[i]));
        ck_assert_int_eq(v != NULL, there[i]);
        ck_assert(!v || *v == values[i]);
    }
    map_release(&m);
}
END_TEST

START_TEST(map_stays_small_when_entries_come_and_go)
{
    map m;
    map_init(&m, MAP_OWN_KEYS);
    for (int i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        *map_put(&m, bytes_of(key), NULL) = 1;
        if (i >= 5) {
            snprintf(key, sizeof key, "%d", i - 5);
            ck_assert(map_remove(&m, bytes_of(key)));
        }
    }
    ck_assert_uint_eq(m.n, 5);
    ck_assert_uint_le(m.cap, 64);
    map_release(&m);
}
END_TEST

START_TEST(map_walk_meets_each_entry_once_and_may_remove_it)
{
    map m;
    map_init(&m, MAP_OWN_KEYS);
    for (uint64_t i = 0; i < 1000; i++)
        *map_put(&m, bytes_n(&i, sizeof i), NULL) = i;
    bool seen[1000] = { false };
    size_t at = 0, n = 0;
    for (map_slot *s; (s = map_next(&m, &at)) != NULL; n++) {
        ck_assert(!seen[s->value]);
        seen[s->value] = true;
        if (s->value % 3 == 0) {
            uint64_t key = s->value;
            ck_assert(map_remove(&m, bytes_n(&key, sizeof key)));
        }
    }
    ck_assert_uint_eq(n, 1000);
    ck_assert_uint_eq(m.n, 666);
    map_release(&m);
    at = 0;
    ck_assert_ptr_null(map_next(&m, &at));
}
END_TEST

TCase *map_cases(void)
{
    TCase *tc = tcase_create("map");
    tcase_add_test(tc, map_puts_gets_and_removes);
    tcase_add_test(tc, map_owns_keys_where_asked);
    tcase_add_loop_test(tc, map_agrees_with_an_array, 0, 2);
    tcase_add_test(tc, map_stays_small_when_entries_come_and_go);
    tcase_add_test(tc, map_walk_meets_each_entry_once_and_may_remove_it);
    return tc;
}
