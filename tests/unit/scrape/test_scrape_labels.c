/* test_scrape_labels.c: what becomes of a line's labels beside those of its target. */
#include "scrape/scrape_labels.h"
#include "test_scrape.h"

static const label target_labels[] = { { BYTES_INIT("instance"), BYTES_INIT("i:1") },
                                       { BYTES_INIT("job"), BYTES_INIT("j") } };

#define L(n, v)                                                                                                        \
    {                                                                                                                  \
        BYTES_INIT(n), BYTES_INIT(v)                                                                                   \
    }
static const struct {
    label in[6];
    int n;
    bool honor, legacy;
    int label_limit, name_limit, value_limit;
    const char *out; /* starting with "!": the error; NULL: dropped */
} cases[] = {
    { { L("__name__", "m") }, 1, .out = "{__name__=\"m\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m"), L("e", ""), L("x", "1") },
      3,
      .out = "{__name__=\"m\", instance=\"i:1\", job=\"j\", x=\"1\"}" },
    { { L("__name__", "m"), L("job", "own") },
      2,
      .out = "{__name__=\"m\", exported_job=\"own\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m"), L("exported_job", "e"), L("job", "own") },
      3,
      .out = "{__name__=\"m\", exported_exported_job=\"own\", exported_job=\"e\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m"), L("job", "") }, 2, .out = "{__name__=\"m\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m"), L("job", "own") },
      2,
      .honor = true,
      .out = "{__name__=\"m\", instance=\"i:1\", job=\"own\"}" },
    { { L("__name__", "m"), L("job", "") }, 2, .honor = true, .out = "{__name__=\"m\", instance=\"i:1\"}" },
    { { L("__name__", "m"), L("x", "1"), L("x", "2") }, 3, .out = "!label name \"x\" is not unique: invalid sample" },
    { { L("__name__", "m"), L("job", "1"), L("job", "2") },
      3,
      .out = "{__name__=\"m\", exported_job=\"1\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "") }, 1, .out = "!missing metric name (__name__ label)" },
    { { L("", "x"), L("__name__", "m") },
      2,
      .out = "!invalid metric name or label names: {__name__=\"m\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m.n") }, 1, .out = "{__name__=\"m.n\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m.n") },
      1,
      .legacy = true,
      .out = "!invalid metric name or label names: {__name__=\"m.n\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m") }, 1, .label_limit = 3, .out = "{__name__=\"m\", instance=\"i:1\", job=\"j\"}" },
    { { L("__name__", "m") },
      1,
      .label_limit = 2,
      .out = "!label_limit exceeded (metric: m, number of labels: 3, limit: 2)" },
    { { L("__name__", "m"), L("aaaaaaaaa", "1") },
      2,
      .name_limit = 8,
      .out = "!label_name_length_limit exceeded (metric: m, label name: aaaaaaaaa, length: 9, limit: 8)" },
    { { L("__name__", "m"), L("a", "12345") },
      2,
      .value_limit = 4,
      .out = "!label_value_length_limit exceeded (metric: m, label name: a, value: \"12345\", length: 5, limit: 4)" },
};

START_TEST(labels_meet_those_of_the_target)
{
    arena a;
    err e = { 0 };
    buf b;
    const labels *out;
    bool over = false;
    label list[6];
    scrape_config sc = {
        .honor_labels = cases[_i].honor,
        .name_validation = cases[_i].legacy ? NAME_VALIDATION_LEGACY : NAME_VALIDATION_UTF8,
        .label_limit = (uint64_t)cases[_i].label_limit,
        .label_name_length_limit = (uint64_t)cases[_i].name_limit,
        .label_value_length_limit = (uint64_t)cases[_i].value_limit,
    };
    arena_init(&a, 0);
    buf_init(&b, 4096);
    memcpy(list, cases[_i].in, sizeof list);
    const labels *target = labels_from(&a, target_labels, 2);
    if (scrape_labels(&sc, target, list, (size_t)cases[_i].n, &a, &out, &over, &e)) {
        ck_assert_ptr_nonnull(out);
        labels_print(&b, out);
    } else {
        buf_printf(&b, "!%s", e.msg);
    }
    buf_putc(&b, 0);
    ck_assert_str_eq(b.p, cases[_i].out);
    ck_assert_int_eq(over, strstr(b.p, "limit exceeded") != NULL);
    buf_release(&b);
    arena_release(&a);
}
END_TEST

START_TEST(report_labels_are_name_and_target)
{
    arena a;
    arena_init(&a, 0);
    const labels *l = scrape_report_labels(labels_from(&a, target_labels, 2), BYTES("up"), &a);
    ck_assert_uint_eq(labels_count(l), 3);
    ck_assert(bytes_eq(labels_get(l, LABEL_NAME), BYTES("up")));
    arena_release(&a);
}
END_TEST

Suite *scrape_labels_suite(void)
{
    Suite *s = suite_create("scrape_labels");
    TCase *tc = tcase_create("scrape_labels");
    tcase_add_loop_test(tc, labels_meet_those_of_the_target, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tc, report_labels_are_name_and_target);
    suite_add_tcase(s, tc);
    return s;
}
