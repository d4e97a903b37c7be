/* test_num.c: text to numbers, compared with strconv's results and with strtod. */
#include "tests.h"
#include "base/num.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *in;
    double v;
} good[] = {
    { "0", 0 },
    { "-0", -0.0 },
    { "+1", 1 },
    { "1.", 1 },
    { ".5", 0.5 },
    { "-.5e1", -5 },
    { "1e5", 1e5 },
    { "1E+05", 1e5 },
    { "00001.50000", 1.5 },
    { "1.7976931348623157e308", 0x1.fffffffffffffp1023 },
    { "1.7976931348623158e308", 0x1.fffffffffffffp1023 },
    { "4.9e-324", 0x1p-1074 },
    { "2.4703282292062328e-324", 0x1p-1074 }, /* just above half of the smallest */
    { "2.4703282292062327e-324", 0 },         /* and just below */
    { "1e-400", 0 },
    { "0e99999999999999999999", 0 },
    { "2.2250738585072011e-308", 0x0.fffffffffffffp-1022 },
    { "2.2250738585072012e-308", 0x1p-1022 },
    { "9007199254740993", 9007199254740992.0 }, /* 2^53 + 1: to even */
    { "9007199254740993.00000000000000000000001", 9007199254740994.0 },
    { "9223372036854775807", 9223372036854775808.0 },
    { "123456789012345678901234567890", 123456789012345678901234567890.0 },
    { "0.000000000000000000000000000001e30", 1 },
    { "100000000000000000000000e-23", 1 },
    { "1.00000000000000011102230246251565404236316680908203125", 1 }, /* halfway: to even */
    { "1.00000000000000011102230246251565404236316680908203124", 1 },
    { "1.00000000000000011102230246251565404236316680908203126", 0x1.0000000000001p0 },
    { "0x1p0", 1 },
    { "0x.8p1", 1 },
    { "-0X1.8P-1", -0.75 },
    { "0x1.fffffffffffff8p0", 2 }, /* halfway: to even */
    { "0x1.fffffffffffff7ffffffffffffffp0", 0x1.fffffffffffffp0 },
    { "0x1p-1074", 0x1p-1074 },
    { "0x1p-1075", 0 },
    { "0x1.000000000000000000001p-1075", 0x1p-1074 },
    { "0x0.00000000000000000000000000000000001p140", 0x1p0 },
    { "0x100000000000000000000000000000000p-128", 0x1p0 },
    { "0x0p0", 0 },
    { "inf", HUGE_VAL },
    { "-Inf", -HUGE_VAL },
    { "+INFINITY", HUGE_VAL },
    { "iNfInItY", HUGE_VAL },
};

START_TEST(num_parse_reads_what_go_reads)
{
    double v = -1;
    bool range = true;
    ck_assert(num_parse(bytes_of(good[_i].in), &v, &range));
    ck_assert(!range);
    ck_assert_msg(num_bits(v) == num_bits(good[_i].v), "%s: got %a, want %a", good[_i].in, v, good[_i].v);
}
END_TEST

static const char *const bad[] = {
    "",      "-",     "+",    ".",       "e5",        "1e",   "1e+",     "1e5x",   " 1",  "1 ",
    "1_000", "0x",    "0x1",  "0x1.8",   "0xp1",      "0x1p", "0x1p+",   "0x_1p0", "--1", "+-1",
    "1..2",  "1.2.3", "infi", "infinit", "infinityx", "+nan", "-nan",    "nanx",   "na",  "0b1",
    "0o7",   "1,5",   "0x1g", "1f",      "\xd9\xa1",  "x",    "0x1p1_0",
};

START_TEST(num_parse_refuses_what_go_refuses)
{
    double v;
    bool range = true;
    ck_assert_msg(!num_parse(bytes_of(bad[_i]), &v, &range), "<%s> gave %g", bad[_i], v);
    ck_assert(!range);
}
END_TEST

START_TEST(num_parse_gives_the_nan_of_go)
{
    double v;
    ck_assert(num_parse(BYTES("NaN"), &v, NULL));
    ck_assert_uint_eq(num_bits(v), UINT64_C(0x7ff8000000000001));
    ck_assert(num_parse(BYTES("nAn"), &v, NULL));
    ck_assert_uint_eq(num_bits(v), UINT64_C(0x7ff8000000000001));
}
END_TEST

static const struct {
    const char *in;
    double v;
} beyond[] = {
    { "1e309", HUGE_VAL },
    { "-1e309", -HUGE_VAL },
    { "1.7976931348623159e308", HUGE_VAL },
    /* 2^1024 - 2^970: the middle between the largest float and the next that would be */
    { "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286"
      "416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571"
      "366959622842914819860834936475292719074168444365510704342711559699508093042880177904174497792",
      HUGE_VAL },
    { "0x1p1024", HUGE_VAL },
    { "0x1.fffffffffffff8p1023", HUGE_VAL },
    { "-1e99999999999999", -HUGE_VAL },
};

START_TEST(num_parse_tells_out_of_range)
{
    double v = 0;
    bool range = false;
    ck_assert(!num_parse(bytes_of(beyond[_i].in), &v, &range));
    ck_assert(range);
    ck_assert_double_eq(v, beyond[_i].v);
    ck_assert(!num_parse(bytes_of(beyond[_i].in), &v, NULL));
}
END_TEST

/* Any run of digits, point and exponent reads as strtod reads it. */
START_TEST(num_parse_agrees_with_strtod)
{
    uint64_t seed = 12345 + (uint64_t)_i;
    for (int i = 0; i < 40000; i++) {
        char text[100];
        int len = 0, digits = 1 + (int)(test_random(&seed) % (_i ? 45 : 20));
        int point = (int)(test_random(&seed) % (unsigned)(digits + 1));
        for (int k = 0; k < digits; k++) {
            if (k == point)
                text[len++] = '.';
            text[len++] = (char)('0' + test_random(&seed) % 10);
        }
        len += snprintf(text + len, 12, "e%d", (int)(test_random(&seed) % 700) - 350);
        double got = 0, want = strtod(text, NULL);
        bool range, ok = num_parse(bytes_n(text, (size_t)len), &got, &range);
        ck_assert_msg(num_bits(got) == num_bits(want), "%s: got %a, want %a", text, got, want);
        ck_assert_int_eq(ok, !isinf(want));
        ck_assert_int_eq(range, isinf(want));
    }
}
END_TEST

/* The middle between two floats, written out in full, and its neighbours in the last digit. */
START_TEST(num_parse_decides_halfway_cases)
{
    uint64_t seed = 777;
    for (int i = 0; i < 3000; i++) {
        double x = fabs(num_from_bits(test_random(&seed)));
        double y = nextafter(x, HUGE_VAL);
        if (!isfinite(x) || !isfinite(y))
            continue;
        char text[1300];
        snprintf(text, sizeof text, "%.780Le", ((long double)x + (long double)y) / 2);
        double got, want = strtod(text, NULL);
        ck_assert(num_parse(bytes_of(text), &got, NULL));
        ck_assert_msg(got == want, "%s: got %a, want %a", text, got, want);
    }
}
END_TEST

START_TEST(num_parse_bounds_its_work_on_long_texts)
{
    static char text[300000];
    double v;
    memset(text, '9', sizeof text);
    bool range;
    ck_assert(!num_parse(bytes_n(text, sizeof text), &v, &range) && range);
    text[1] = '.';
    ck_assert(num_parse(bytes_n(text, sizeof text), &v, NULL));
    ck_assert_double_eq(v, 10);
    memset(text, '0', sizeof text);
    text[1] = '.';
    text[sizeof text - 9] = '1';
    memcpy(text + sizeof text - 8, "e+299989", 8);
    ck_assert(
        num_parse(bytes_n(text, sizeof text), &v, &range)); /* 29998 is read of the exponent: as in Go, far too small */
    ck_assert_double_eq(v, 0);
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    ck_assert(num_parse(bytes_n(text, sizeof text), &v, NULL));
    ck_assert_double_eq(v, 0);
}
END_TEST

START_TEST(num_parse_integers)
{
    int64_t i;
    uint64_t u;
    ck_assert(num_parse_i64(BYTES("-9223372036854775808"), &i) && i == INT64_MIN);
    ck_assert(num_parse_i64(BYTES("9223372036854775807"), &i) && i == INT64_MAX);
    ck_assert(num_parse_i64(BYTES("+5"), &i) && i == 5);
    ck_assert(num_parse_i64(BYTES("-0"), &i) && i == 0);
    ck_assert(num_parse_i64(BYTES("007"), &i) && i == 7);
    ck_assert(num_parse_u64(BYTES("18446744073709551615"), &u) && u == UINT64_MAX);
    static const char *const no[] = {
        "",    "-",   "+",  "9223372036854775808", "-9223372036854775809", "1.0", " 1", "1 ", "0x1", "-+1",
        "+-1", "1e3", "--1"
    };
    for (int k = 0; k < N_ROWS(no); k++)
        ck_assert_msg(!num_parse_i64(bytes_of(no[k]), &i), "%s", no[k]);
    ck_assert(!num_parse_u64(BYTES("18446744073709551616"), &u));
    ck_assert(!num_parse_u64(BYTES("99999999999999999999999"), &u));
    ck_assert(!num_parse_u64(BYTES("-1"), &u));
}
END_TEST

TCase *num_cases(void)
{
    TCase *tc = tcase_create("num");
    tcase_add_loop_test(tc, num_parse_reads_what_go_reads, 0, N_ROWS(good));
    tcase_add_loop_test(tc, num_parse_refuses_what_go_refuses, 0, N_ROWS(bad));
    tcase_add_test(tc, num_parse_gives_the_nan_of_go);
    tcase_add_loop_test(tc, num_parse_tells_out_of_range, 0, N_ROWS(beyond));
    tcase_add_loop_test(tc, num_parse_agrees_with_strtod, 0, 2);
    tcase_add_test(tc, num_parse_decides_halfway_cases);
    tcase_add_test(tc, num_parse_bounds_its_work_on_long_texts);
    tcase_add_test(tc, num_parse_integers);
    return tc;
}
