/* Sets of slots against a plain bitmap. */
#include "tsdb/idset.h"
#include "tests.h"
#include <stdlib.h>
#include <string.h>

enum { RANGE = 200000, WORDS = RANGE / 64 };

static uint64_t rng;
static uint32_t rnd(uint32_t n)
{
    rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(rng >> 33) % n;
}

static void check_same(const idset *s, const uint64_t *model)
{
    static uint32_t ids[RANGE];
    uint32_t n = 0;
    idset_list(s, ids);
    for (uint32_t i = 0; i < RANGE; i++) {
        if (!(model[i / 64] >> (i % 64) & 1))
            continue;
        ck_assert_uint_lt(n, s->n);
        ck_assert_uint_eq(ids[n], i);
        n++;
    }
    ck_assert_uint_eq(n, s->n);
}

/* Grows and shrinks through all forms: in the struct, arrays, bitmaps. */
START_TEST(idset_is_a_set)
{
    static uint64_t model[WORDS];
    idset s = { 0 };
    uint32_t spread = _i % 2 ? RANGE : 9000;
    rng = (uint64_t)_i;
    memset(model, 0, sizeof model);
    for (int phase = 0; phase < 6; phase++) {
        uint32_t steps = 1u << (phase * 3 % 15);
        for (uint32_t i = 0; i < steps; i++) {
            uint32_t id = rnd(spread);
            bool had = model[id / 64] >> (id % 64) & 1;
            ck_assert_int_eq(idset_has(&s, id), had);
            if (phase % 2 == 0 || rnd(4) == 0) {
                ck_assert_int_eq(idset_add(&s, id), !had);
                model[id / 64] |= UINT64_C(1) << (id % 64);
            } else {
                ck_assert_int_eq(idset_remove(&s, id), had);
                model[id / 64] &= ~(UINT64_C(1) << (id % 64));
            }
        }
        check_same(&s, model);
    }
    for (uint32_t id = 0; id < spread; id++) {
        bool had = model[id / 64] >> (id % 64) & 1;
        ck_assert_int_eq(idset_remove(&s, id), had);
        model[id / 64] = had ? model[id / 64] & ~(UINT64_C(1) << (id % 64)) : model[id / 64];
        if (id % 1500 == 0)
            check_same(&s, model);
    }
    ck_assert_uint_eq(s.n, 0);
    ck_assert_uint_eq(idset_mem_bytes(&s), 0);
    idset_release(&s);
}
END_TEST

static void fill(idset *s, uint64_t *model, uint32_t n, uint32_t spread)
{
    memset(model, 0, WORDS * sizeof *model);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = rnd(spread);
        idset_add(s, id);
        model[id / 64] |= UINT64_C(1) << (id % 64);
    }
}

START_TEST(wide_operations_agree_with_words)
{
    static const struct { uint32_t n, spread; } sizes[] = {
        { 0, 1 }, { 1, RANGE }, { 2, RANGE }, { 3, RANGE }, { 300, RANGE }, { 20000, 40000 }, { 100000, RANGE }
    };
    static uint64_t a[WORDS], b[WORDS], got[WORDS];
    idset sa = { 0 }, sb = { 0 };
    rng = (uint64_t)_i + 77;
    fill(&sa, a, sizes[_i / 7].n, sizes[_i / 7].spread);
    fill(&sb, b, sizes[_i % 7].n, sizes[_i % 7].spread);
    idmap m = { got, WORDS };
    memset(got, 0, sizeof got);
    idset_or_into(&sa, m);
    ck_assert_mem_eq(got, a, sizeof a);
    idset_and_into(&sb, m);
    for (size_t k = 0; k < WORDS; k++)
        ck_assert_uint_eq(got[k], a[k] & b[k]);
    memcpy(got, a, sizeof a);
    idset_andnot_into(&sb, m);
    for (size_t k = 0; k < WORDS; k++)
        ck_assert_uint_eq(got[k], a[k] & ~b[k]);
    /* a map that ends before the set does */
    idmap small = { got, WORDS / 3 };
    idset_or_into(&sb, small);
    idset_and_into(&sb, small);
    idset_andnot_into(&sa, small);
    ck_assert_uint_le(idmap_count(small), sb.n);
    idset_release(&sa);
    idset_release(&sb);
}
END_TEST

TCase *tcase_idset(void)
{
    TCase *tc = tcase_create("idset");
    tcase_add_loop_test(tc, idset_is_a_set, 0, 8);
    tcase_add_loop_test(tc, wide_operations_agree_with_words, 0, 49);
    return tc;
}
