/* Chunks: what goes in comes out, by both decoders, bit for bit; views taken early stay as they were. */
#include "tsdb/chunk.h"
#include "tests.h"
#include <math.h>
#include <stdlib.h>

static uint64_t rng = 1;
static uint64_t rnd(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

/* Ways in which series of the field behave; i is the sample's number. */
static double value_of(int kind, size_t i, double last)
{
    static const double odd[] = { 0.0, -0.0, INFINITY, -INFINITY, 1e308, 5e-324, 0.1, -1, 4503599627370497.5 };
    switch (kind) {
    case 0: return 42;
    case 1: return (double)(i * 15);
    case 2: return last + (double)(rnd() % 1000);
    case 3: return (double)(rnd() % 100) / 10;
    case 4: return num_from_bits(rnd());
    case 5: return odd[rnd() % (sizeof odd / sizeof *odd)];
    case 6: return i % 7 == 3 ? sample_stale() : i % 11 == 5 ? sample_nan() : 3.25;
    default: return (double)i * 0.1;
    }
}

static int64_t time_after(int kind, int64_t t)
{
    switch (kind) {
    case 0: return t + 15000;
    case 1: return t + 15000 + (int64_t)(rnd() % 21) - 10;
    case 2: return t + 1 + (int64_t)(rnd() % 100000);
    default: return t + 1 + (int64_t)(rnd() % ((uint64_t)1 << (1 + rnd() % 54)));
    }
}

enum { N = CHUNK_MAX_SAMPLES };

static void check_decode(const chunk_view *v, const sample *want, size_t n)
{
    int64_t t[N];
    double x[N];
    ck_assert_uint_eq(v->n, n);
    for (int slow = 0; slow < 2; slow++) {
        if (slow)
            chunk_decode_slow(v, t, x);
        else
            chunk_decode(v, t, x);
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(t[i], want[i].t);
            ck_assert_uint_eq(num_bits(x[i]), num_bits(want[i].v));
        }
    }
}

START_TEST(xor_gives_back_what_went_in)
{
    sample in[N];
    chunk_view views[N];
    int value_kind = _i % 8, time_kind = _i / 8;
    rng = 1000 + (uint64_t)_i;
    for (size_t i = 0; i < N; i++) {
        in[i].t = i ? time_after(time_kind, in[i - 1].t) : (int64_t)rnd() / 16;
        in[i].v = value_of(value_kind, i, i ? in[i - 1].v : 0);
    }
    chunk *c = chunk_new(CHUNK_XOR, in[0]);
    views[0] = chunk_look(c, in[0].t);
    chunk_ref(c);
    for (size_t i = 1; i < N; i++) {
        ck_assert(chunk_append(&c, in[i - 1], in[i]));
        views[i] = chunk_look(c, in[i].t);
        chunk_ref(c);
    }
    ck_assert(!chunk_append(&c, in[N - 1], (sample){ INT64_MAX, 0 }));
    chunk_seal(c, in[N - 1].t);
    ck_assert_int_eq(chunk_max_t(c), in[N - 1].t);
    for (size_t i = 0; i < N; i++) {
        check_decode(&views[i], in, i + 1);
        ck_assert_int_eq(views[i].min_t, in[0].t);
        ck_assert_int_eq(views[i].max_t, in[i].t);
        chunk_unref(views[i].c);
    }
    chunk_unref(c);
}
END_TEST

START_TEST(constant_series_are_small)
{
    sample last = { 1000000, 7 };
    chunk *c = chunk_new(CHUNK_XOR, last);
    for (size_t i = 1; i < N; i++) {
        sample x = { last.t + 15000, 7 };
        ck_assert(chunk_append(&c, last, x));
        last = x;
    }
    ck_assert_uint_le(chunk_mem_bytes(c), 144);
    chunk_unref(c);
}
END_TEST

START_TEST(raw_sorts_and_keeps_the_last_of_equal_times)
{
    static const sample in[] = { { 30, 1 }, { 10, 2 }, { 20, 3 }, { 10, 4 }, { 5, 5 }, { 30, 6 } };
    static const sample want[] = { { 5, 5 }, { 10, 4 }, { 20, 3 }, { 30, 6 } };
    chunk *c = chunk_new(CHUNK_RAW, in[0]);
    for (size_t i = 1; i < 6; i++)
        ck_assert(chunk_append(&c, in[i - 1], in[i]));
    chunk_view v = chunk_look(c, 0);
    check_decode(&v, in, 6);
    ck_assert_int_eq(v.min_t, 5);
    ck_assert_int_eq(v.max_t, 30);
    int64_t t[6];
    double x[6];
    ck_assert_uint_eq(chunk_decode_sorted(&v, t, x), 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(t[i], want[i].t);
        ck_assert_double_eq(x[i], want[i].v);
    }
    chunk_unref(c);
}
END_TEST

TCase *tcase_chunk(void)
{
    TCase *tc = tcase_create("chunk");
    tcase_add_loop_test(tc, xor_gives_back_what_went_in, 0, 32);
    tcase_add_test(tc, constant_series_are_small);
    tcase_add_test(tc, raw_sorts_and_keeps_the_last_of_equal_times);
    return tc;
}
