/* test_num_format.c: floats to text: known texts, and a search through printf's precisions as the second opinion. */
#include "tests.h"
#include "base/num.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    double v;
    const char *f, *g, *e, *json;
} rows[] = {
    { 0, "0", "0", "0e+00", "0" },
    { -0.0, "-0", "-0", "-0e+00", "-0" },
    { 1, "1", "1", "1e+00", "1" },
    { -1.5, "-1.5", "-1.5", "-1.5e+00", "-1.5" },
    { 100000, "100000", "100000", "1e+05", "100000" },
    { 123456, "123456", "123456", "1.23456e+05", "123456" },
    { 1000000, "1000000", "1e+06", "1e+06", "1000000" },
    { 1234567, "1234567", "1.234567e+06", "1.234567e+06", "1234567" },
    { 0.1, "0.1", "0.1", "1e-01", "0.1" },
    { 0.0001, "0.0001", "0.0001", "1e-04", "0.0001" },
    { 0.00001, "0.00001", "1e-05", "1e-05", "0.00001" },
    { 1e-6, "0.000001", "1e-06", "1e-06", "0.000001" },
    { 9.5e-7, "0.00000095", "9.5e-07", "9.5e-07", "9.5e-07" },
    { 1e20, "100000000000000000000", "1e+20", "1e+20", "100000000000000000000" },
    { 1e21, "1000000000000000000000", "1e+21", "1e+21", "1e+21" },
    { 1.7955785987779307e9, "1795578598.7779307", "1.7955785987779307e+09", "1.7955785987779307e+09",
      "1795578598.7779307" },
    { 9007199254740991, "9007199254740991", "9.007199254740991e+15", "9.007199254740991e+15", "9007199254740991" },
    { 9007199254740994, "9007199254740994", "9.007199254740994e+15", "9.007199254740994e+15", "9007199254740994" },
    { 1e23, "100000000000000000000000", "1e+23", "1e+23", "1e+23" },
    { 2.2250738585072014e-308, NULL, "2.2250738585072014e-308", "2.2250738585072014e-308", "2.2250738585072014e-308" },
    { 5e-324, NULL, "5e-324", "5e-324", "5e-324" },
    { 1.7976931348623157e308, NULL, "1.7976931348623157e+308", "1.7976931348623157e+308", "1.7976931348623157e+308" },
    { 123.456, "123.456", "123.456", "1.23456e+02", "123.456" },
    { 0.30000000000000004, "0.30000000000000004", "0.30000000000000004", "3.0000000000000004e-01",
      "0.30000000000000004" },
    { HUGE_VAL, "+Inf", "+Inf", "+Inf", "+Inf" },
    { -HUGE_VAL, "-Inf", "-Inf", "-Inf", "-Inf" },
};

START_TEST(num_format_prints_as_go_prints)
{
    static size_t (*const formats[])(double, char *) = { num_format_f, num_format_g, num_format_e, num_format_json };
    const char *want[] = { rows[_i].f, rows[_i].g, rows[_i].e, rows[_i].json };
    for (int k = 0; k < 4; k++) {
        char text[NUM_MAX_TEXT];
        size_t len = formats[k](rows[_i].v, text);
        if (want[k])
            ck_bytes(bytes_n(text, len), want[k]);
    }
}
END_TEST

START_TEST(num_format_prints_any_nan_alike)
{
    static const uint64_t nans[] = { 0x7ff8000000000001, 0xfff8000000000000, 0x7ff0000000000002 };
    char text[NUM_MAX_TEXT];
    for (int i = 0; i < N_ROWS(nans); i++)
        ck_bytes(bytes_n(text, num_format_json(num_from_bits(nans[i]), text)), "NaN");
}
END_TEST

/* The fewest digits by trying each precision; of the same length the nearer one must have been chosen. */
static void check_shortest(double v)
{
    char want[64], got[NUM_MAX_TEXT + 1];
    for (int precision = 0; precision < 17; precision++) {
        snprintf(want, sizeof want, "%.*e", precision, v);
        if (strtod(want, NULL) == v)
            break;
    }
    got[num_format_e(v, got)] = '\0';
    if (strcmp(got, want) == 0)
        return;
    /* Above a power of two the float is nearer to its lower neighbour, so the nearest short decimal may not read back
     * while a farther one on the other side does: then ours is shorter. Else two of one length may read back. */
    ck_assert_msg(strtod(got, NULL) == v && strlen(got) <= strlen(want), "%a: got %s, want %s", v, got, want);
    if (strlen(got) < strlen(want))
        return;
    long double off = fabsl(strtold(got, NULL) - (long double)v);
    ck_assert_msg(off <= fabsl(strtold(want, NULL) - (long double)v), "%a: %s is farther than %s", v, got, want);
}

static void check_round_trip(double v)
{
    static size_t (*const formats[])(double, char *) = { num_format_f, num_format_g, num_format_e, num_format_json };
    for (int k = 0; k < 4; k++) {
        char text[NUM_MAX_TEXT];
        double back = 0;
        size_t len = formats[k](v, text);
        ck_assert_uint_le(len, NUM_MAX_TEXT);
        ck_assert(num_parse(bytes_n(text, len), &back, NULL));
        ck_assert_msg(num_bits(back) == num_bits(v), "%a printed as %.*s", v, (int)len, text);
    }
}

START_TEST(num_format_is_shortest_at_the_edges)
{
    for (uint64_t exponent = 0; exponent < 2047; exponent++) {
        for (int64_t d = -1; d <= 1; d++) {
            double v = num_from_bits((exponent << 52) + (uint64_t)d);
            if (!isfinite(v) || v <= 0)
                continue;
            check_shortest(v);
            check_round_trip(v);
            check_round_trip(-v);
        }
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", exponent);
        double v = strtod(text, NULL);
        check_shortest(v);
        check_shortest(nextafter(v, 0) > 0 ? nextafter(v, 0) : v);
        check_shortest(nextafter(v, HUGE_VAL));
    }
}
END_TEST

START_TEST(num_format_is_shortest_for_random_floats)
{
    uint64_t seed = 4242;
    for (int i = 0; i < 12000; i++) {
        double any = fabs(num_from_bits(test_random(&seed)));
        double decimal = (double)(test_random(&seed) >> (test_random(&seed) & 63)) / pow(10, (double)(i % 12));
        if (isfinite(any)) {
            check_shortest(any);
            check_round_trip(any);
        }
        check_shortest(decimal);
        check_round_trip(decimal);
    }
}
END_TEST

START_TEST(num_format_integers_and_times)
{
    char text[40];
    static const struct {
        int64_t v;
        const char *text, *time;
    } ints[] = {
        { 0, "0", "0" },
        { 7, "7", "0.007" },
        { -500, "-500", "-0.5" },
        { 60000, "60000", "60" },
        { 1435781430781, "1435781430781", "1435781430.781" },
        { 1435781430780, "1435781430780", "1435781430.78" },
        { -1, "-1", "-0.001" },
        { INT64_MAX, "9223372036854775807", "9223372036854775.807" },
        { INT64_MIN, "-9223372036854775808", "-9223372036854775.808" },
    };
    for (int i = 0; i < N_ROWS(ints); i++) {
        ck_bytes(bytes_n(text, num_format_i64(ints[i].v, text)), ints[i].text);
        ck_bytes(bytes_n(text, num_format_time(ints[i].v, text)), ints[i].time);
    }
    ck_bytes(bytes_n(text, num_format_u64(UINT64_MAX, text)), "18446744073709551615");
    uint64_t power = 1;
    for (int digits = 1; digits <= 19; digits++, power *= 10) {
        ck_assert_uint_eq(num_format_u64(power, text), (size_t)digits);
        ck_assert_uint_eq(num_format_u64(power - 1, text), (size_t)(digits > 1 ? digits - 1 : 1));
    }
}
END_TEST

TCase *num_format_cases(void)
{
    TCase *tc = tcase_create("num_format");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, num_format_prints_as_go_prints, 0, N_ROWS(rows));
    tcase_add_test(tc, num_format_prints_any_nan_alike);
    tcase_add_test(tc, num_format_is_shortest_at_the_edges);
    tcase_add_test(tc, num_format_is_shortest_for_random_floats);
    tcase_add_test(tc, num_format_integers_and_times);
    return tc;
}
