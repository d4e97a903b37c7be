/* test_expo_labels.c: labels as a series has them: unescaped, sorted, bounds in canonical form. */
#include "base/buf.h"
#include "base/utf8.h"
#include "format/expo.h"
#include "test_format.h"
#include <stdio.h>

/* The last series of the page as `name="value" ...` */
static const struct {
    const char *page, *labels;
} cases[] = {
    { "a 1\n", "__name__=\"a\" " },
    { "a{z=\"1\",b=\"2\"} 1\n", "__name__=\"a\" b=\"2\" z=\"1\" " },
    { "a{A=\"1\"} 1\n", "A=\"1\" __name__=\"a\" " },
    { "{\"a.b\",\"c d\"=\"x\"} 1\n", "__name__=\"a.b\" c d=\"x\" " },
    { "a{x=\"q\\\"\\\\\\n\\t\"} 1\n", "__name__=\"a\" x=\"q\\\"\\\\\\n\\\\t\" " },
    { "a{x=\"\\\\n\"} 1\n", "__name__=\"a\" x=\"\\\\n\" " },
    { "a{x=\"1\",x=\"2\",e=\"\"} 1\n", "__name__=\"a\" e=\"\" x=\"1\" x=\"2\" " },
    { "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n", "__name__=\"h_bucket\" le=\"1.0\" " },
    { "# TYPE h histogram\nh_bucket{le=\"+inf\"} 1\n", "__name__=\"h_bucket\" le=\"+Inf\" " },
    { "# TYPE h histogram\nh_bucket{le=\"x\"} 1\n", "__name__=\"h_bucket\" le=\"x\" " },
    { "# TYPE h histogram\nh_bucket{quantile=\"1\"} 1\n", "__name__=\"h_bucket\" quantile=\"1\" " },
    { "# TYPE s summary\ns{quantile=\"0\"} 1\n", "__name__=\"s\" quantile=\"0.0\" " },
    { "# TYPE g gauge\ng{le=\"1\"} 1\n", "__name__=\"g\" le=\"1\" " },
};
START_TEST(labels_are_unescaped_and_sorted)
{
    expo x;
    err e = { 0 };
    arena a;
    buf out;
    label *list;
    size_t n;
    arena_init(&a, 0);
    buf_init(&out, 4096);
    expo_init(&x, EXPO_TEXT, bytes_of(cases[_i].page));
    while (expo_next(&x, &e) == EXPO_TYPE)
        ;
    expo_labels(&x, &a, &list, &n);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&out, "%.*s=", BYTES_ARG(list[i].name));
        utf8_quote(&out, list[i].value);
        buf_putc(&out, ' ');
    }
    buf_putc(&out, 0);
    ck_assert_str_eq(out.p, cases[_i].labels);
    buf_release(&out);
    arena_release(&a);
    expo_release(&x);
}
END_TEST

static const struct {
    const char *in, *out;
} bounds[] = {
    { "0", "0.0" },           { "-0", "0.0" },
    { "1", "1.0" },           { "-1", "-1.0" },
    { "0.5", "0.5" },         { "0.10", "0.1" },
    { "100000", "100000.0" }, { "999999", "999999.0" },
    { "1000000", "1e+06" },   { "1234567.5", "1.2345675e+06" },
    { "1e-4", "0.0001" },     { "0.00001", "1e-05" },
    { "1e100", "1e+100" },    { "nan", "NaN" },
    { "-Inf", "-Inf" },       { "1e999", "1e999" },
};
START_TEST(bounds_are_canonical)
{
    expo x;
    err e = { 0 };
    arena a;
    label *list;
    size_t n;
    char page[128];
    arena_init(&a, 0);
    snprintf(page, sizeof page, "# TYPE h histogram\nh_bucket{le=\"%s\"} 1\n", bounds[_i].in);
    expo_init(&x, EXPO_TEXT, bytes_of(page));
    ck_assert_int_eq(expo_next(&x, &e), EXPO_TYPE);
    ck_assert_int_eq(expo_next(&x, &e), EXPO_SERIES);
    expo_labels(&x, &a, &list, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_msg(bytes_eq(list[1].value, bytes_of(bounds[_i].out)), "%.*s", BYTES_ARG(list[1].value));
    arena_release(&a);
    expo_release(&x);
}
END_TEST

START_TEST(many_labels_leave_the_small_array)
{
    buf page;
    buf_init(&page, 1 << 20);
    buf_putz(&page, "a{");
    for (int i = 999; i >= 0; i--)
        buf_printf(&page, "l%03d=\"%d\",", i, i);
    buf_putz(&page, "} 1\n");
    expo x;
    err e = { 0 };
    arena a;
    label *list;
    size_t n;
    arena_init(&a, 0);
    expo_init(&x, EXPO_TEXT, buf_bytes(&page));
    ck_assert_int_eq(expo_next(&x, &e), EXPO_SERIES);
    expo_labels(&x, &a, &list, &n);
    ck_assert_uint_eq(n, 1001);
    for (size_t i = 1; i < n; i++)
        ck_assert_int_lt(bytes_cmp(list[i - 1].name, list[i].name), 0);
    arena_release(&a);
    expo_release(&x);
    buf_release(&page);
}
END_TEST

Suite *expo_labels_suite(void)
{
    Suite *s = suite_create("expo_labels");
    TCase *tc = tcase_create("expo_labels");
    tcase_add_loop_test(tc, labels_are_unescaped_and_sorted, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_loop_test(tc, bounds_are_canonical, 0, (int)(sizeof bounds / sizeof bounds[0]));
    tcase_add_test(tc, many_labels_leave_the_small_array);
    suite_add_tcase(s, tc);
    return s;
}
