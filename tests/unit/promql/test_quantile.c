/* test_quantile.c: quantiles against a sort, and the corners of bucket quantiles. */
#include "promql/quantile.h"
#include "tests.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int nan_first(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    if (isnan(a) || isnan(b))
        return isnan(b) - isnan(a);
    return (a > b) - (a < b);
}

static double by_sorting(double q, const double *v, size_t n)
{
    double s[64];
    memcpy(s, v, n * sizeof *v);
    qsort(s, n, sizeof *s, nan_first);
    double rank = q * (double)(n - 1), whole = floor(rank), weight = rank - whole;
    size_t lower = (size_t)whole, upper = lower + 1 < n ? lower + 1 : lower;
    return s[lower] * (1 - weight) + s[upper] * weight;
}

START_TEST(quantile_is_what_sorting_gives)
{
    srand(7);
    for (int round = 0; round < 20000; round++) {
        double v[64], q = (rand() % 101) / 100.0;
        size_t n = (size_t)(rand() % 63) + 1;
        for (size_t i = 0; i < n; i++)
            v[i] = rand() % 20 == 0 ? NAN : rand() % 30 == 0 ? INFINITY : rand() % (1 + round % 50);
        double want = by_sorting(q, v, n), got = quantile_of(q, v, n);
        ck_assert_msg(want == got || (isnan(want) && isnan(got)), "q %g of %zu: %g, expected %g", q, n, got, want);
    }
}
END_TEST

START_TEST(quantile_outside_of_0_and_1_is_infinite)
{
    double v[] = { 1, 2, 3 };
    ck_assert(quantile_of(-0.1, v, 3) == -INFINITY);
    ck_assert(quantile_of(1.1, v, 3) == INFINITY);
    ck_assert(isnan(quantile_of(NAN, v, 3)));
    ck_assert(isnan(quantile_of(0.5, v, 0)));
}
END_TEST

static const struct {
    double q;
    bucket b[5];
    size_t n;
    double want;
    bool forced;
} bucket_cases[] = {
    { 0.5, { { 1, 10 }, { 2, 20 }, { INFINITY, 20 } }, 3, 1, false },
    { 0.75, { { INFINITY, 20 }, { 2, 20 }, { 1, 10 } }, 3, 1.5, false },      /* any order */
    { 1, { { 1, 10 }, { INFINITY, 20 } }, 2, 1, false },                      /* the last bucket: the bound before it */
    { 0.5, { { 1, 10 }, { 2, 20 } }, 2, NAN, false },                         /* no +Inf */
    { 0.5, { { INFINITY, 20 } }, 1, NAN, false },
    { 0.5, { { 1, 0 }, { INFINITY, 0 } }, 2, NAN, false },
    { 0.1, { { -5, 10 }, { 0, 15 }, { INFINITY, 20 } }, 3, -5, false },
    { 0.6, { { -5, 10 }, { 0, 15 }, { INFINITY, 20 } }, 3, -3, false },
    { 0.5, { { 1, 4 }, { 2, 3 }, { 3, 10 }, { INFINITY, 10 } }, 4, 2 + 1.0 / 6, true },
    { 0.5, { { 1, 1e15 }, { 2, 1e15 - 1 }, { INFINITY, 1e15 } }, 3, 0.5, false },   /* rounding, no fall */
    { 0.5, { { 1, 2 }, { 1, 3 }, { INFINITY, 5 } }, 3, 0.5, false },          /* equal bounds add up */
};

START_TEST(buckets_give_quantiles)
{
    bucket b[5];
    bucket_repair r;
    memcpy(b, bucket_cases[_i].b, sizeof b);
    double got = bucket_quantile(bucket_cases[_i].q, b, bucket_cases[_i].n, &r), want = bucket_cases[_i].want;
    ck_assert_msg(fabs(got - want) < 1e-12 || (isnan(got) && isnan(want)), "%g, expected %g", got, want);
    ck_assert_int_eq(r.forced, bucket_cases[_i].forced);
}
END_TEST

static const struct {
    double lower, upper, want;
} fraction_cases[] = {
    { 0, 1, 0.5 }, { 0, 0.5, 0.25 }, { 1, 2, 0.25 }, { -5, 10, 0.75 }, { -INFINITY, INFINITY, 1 },
    { 2, 1, 0 },   { 1, 1, 0 },      { 3, 9, 0 },    { NAN, 1, NAN },  { 0.5, 1.5, 0.375 },
};

START_TEST(buckets_give_shares)
{
    bucket b[] = { { INFINITY, 20 }, { 2, 15 }, { 1, 10 } };
    double got = bucket_fraction(fraction_cases[_i].lower, fraction_cases[_i].upper, b, 3),
           want = fraction_cases[_i].want;
    ck_assert_msg(fabs(got - want) < 1e-12 || (isnan(got) && isnan(want)), "%g, expected %g", got, want);
}
END_TEST

Suite *suite_quantile(void)
{
    Suite *s = suite_create("quantile");
    TCase *tc = tcase_create("quantile");
    tcase_add_test(tc, quantile_is_what_sorting_gives);
    tcase_add_test(tc, quantile_outside_of_0_and_1_is_infinite);
    tcase_add_loop_test(tc, buckets_give_quantiles, 0, sizeof bucket_cases / sizeof *bucket_cases);
    tcase_add_loop_test(tc, buckets_give_shares, 0, sizeof fraction_cases / sizeof *fraction_cases);
    suite_add_tcase(s, tc);
    return s;
}
