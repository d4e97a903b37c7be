/* test_parts.c: the small parts below the operators: natural order, Go's numbers, sums, label maps, annotations. */
#include "promql/annotations.h"
#include "promql/eval.h"
#include "promql/go_math.h"
#include "promql/natsort.h"
#include "tests.h"
#include <stdio.h>

static const char *const in_order[][2] = {
    { "node9", "node10" }, { "4m5", "4m600" }, { "a", "b" },   { "1.2.3", "1.11.3" },
    { "x1", "x1a" },       { "", "a" },        { "10", "9a" },
};

START_TEST(numbers_in_names_sort_as_numbers)
{
    bool reversed = _i == 6;   /* 10 is no less than 9 */
    bytes a = bytes_of(in_order[_i][reversed]), b = bytes_of(in_order[_i][!reversed]);
    ck_assert(a.len == 0 || natsort_less(a, b));
    ck_assert(!natsort_less(b, a));
}
END_TEST

START_TEST(infinities_win_over_nan)
{
    ck_assert(go_max(NAN, INFINITY) == INFINITY);
    ck_assert(go_min(-INFINITY, NAN) == -INFINITY);
    ck_assert(isnan(go_max(NAN, 1)));
    ck_assert(isnan(go_min(1, NAN)));
    ck_assert(!signbit(go_max(-0.0, 0.0)));
    ck_assert(signbit(go_min(0.0, -0.0)));
    ck_assert(go_int64(NAN) == INT64_MIN && go_int64(1e30) == INT64_MIN && go_int64(-1.9) == -1);
}
END_TEST

START_TEST(sums_lose_nothing)
{
    double sum = 0, c = 0;
    static const double v[] = { 1, 1e100, 1, -1e100, 3 };
    for (size_t i = 0; i < 5; i++)
        kahan_add(v[i], &sum, &c);
    ck_assert(sum + c == 5);
    sum = INFINITY;
    kahan_add(1, &sum, &c);
    ck_assert(sum + c == INFINITY);
    kahan_mean m = { 0 };
    for (int i = 0; i < 4; i++)
        kahan_mean_add(&m, 1e308);
    ck_assert(fabs(kahan_mean_value(&m) / 1e308 - 1) < 1e-15);
}
END_TEST

static const struct {
    double v;
    const char *text;
} g_cases[] = {
    { 0, "0" },           { 1.5, "1.5" },        { -0.25, "-0.25" },
    { 100000, "100000" }, { 1e6, "1e+06" },      { 123456789, "1.23456789e+08" },
    { 1e-4, "0.0001" },   { 1e-5, "1e-05" },     { NAN, "NaN" },
    { INFINITY, "+Inf" }, { -INFINITY, "-Inf" }, { 4706.5, "4706.5" },
};

START_TEST(floats_in_messages_look_as_in_go)
{
    char text[NUM_MAX_TEXT + 1];
    ck_assert_str_eq(format_g(g_cases[_i].v, text), g_cases[_i].text);
}
END_TEST

START_TEST(label_maps_number_their_sets)
{
    arena a;
    eval ev = { .a = &a, .opt = { .max_samples = 1 << 20 } };
    label_map m = { 0 };
    arena_init(&a, 0);
    for (int i = 0; i < 1000; i++) {
        char v[16];
        snprintf(v, sizeof v, "%d", i);
        label l = { BYTES("n"), bytes_of(v) };
        const labels *set = labels_from(&a, &l, 1);
        ck_assert_uint_eq(label_map_find(&m, set), SIZE_MAX);
        ck_assert_uint_eq(label_map_add(&ev, &m, set), (size_t)i);
    }
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(label_map_find(&m, m.keys[i]), i);
    arena_release(&a);
}
END_TEST

START_TEST(bits_count_what_is_there)
{
    uint64_t b[3] = { 0 };
    bits_fill(b, 130);
    ck_assert_uint_eq(bits_count(b, 3), 130);
    bit_clear(b, 64);
    ck_assert(!bit_get(b, 64) && bit_get(b, 63) && bit_get(b, 129));
    ck_assert_uint_eq(bits_count(b, 3), 129);
    bits_fill(b, 128);
    ck_assert(bits_any(b, 2) && b[1] == UINT64_MAX);
}
END_TEST

START_TEST(annotations_come_once_and_not_too_many)
{
    arena a;
    annotations n;
    bytes *texts;
    arena_init(&a, 0);
    annotations_init(&n, &a);
    for (int i = 0; i < 13; i++)
        for (int k = 0; k < 2; k++)
            annotations_add(&n, NOTE_INFO, (place){ i, (uint32_t)k }, "number %d", i);
    annotations_add(&n, NOTE_WARNING, (place){ 4, 9 }, "late");
    annotations_add(&n, NOTE_WARNING, (place){ 1, 2 }, "late");   /* evaluated before the other */
    bytes q = BYTES("a +\nb * c * d * e * f * g");
    ck_assert_uint_eq(annotations_texts(&n, NOTE_INFO, q, 10, &texts), 11);
    ck_assert(bytes_eq(texts[0], BYTES("PromQL info: number 0 (1:1)")));
    ck_assert(bytes_eq(texts[6], BYTES("PromQL info: number 6 (2:3)")));
    ck_assert(bytes_eq(texts[10], BYTES("3 more info annotations omitted")));
    ck_assert_uint_eq(annotations_texts(&n, NOTE_WARNING, q, 10, &texts), 1);
    ck_assert(bytes_eq(texts[0], BYTES("PromQL warning: late (2:1)")));
    annotations_release(&n);
    arena_release(&a);
}
END_TEST

Suite *suite_parts(void)
{
    Suite *s = suite_create("parts");
    TCase *tc = tcase_create("parts");
    tcase_add_loop_test(tc, numbers_in_names_sort_as_numbers, 0, sizeof in_order / sizeof *in_order);
    tcase_add_test(tc, infinities_win_over_nan);
    tcase_add_test(tc, sums_lose_nothing);
    tcase_add_loop_test(tc, floats_in_messages_look_as_in_go, 0, sizeof g_cases / sizeof *g_cases);
    tcase_add_test(tc, label_maps_number_their_sets);
    tcase_add_test(tc, bits_count_what_is_there);
    tcase_add_test(tc, annotations_come_once_and_not_too_many);
    suite_add_tcase(s, tc);
    return s;
}
