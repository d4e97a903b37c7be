/* test_matcher.c: matchers: what they take, how they print. Metric kinds' names. */
#include "tests.h"
#include "model/matcher.h"
#include "model/metadata.h"
#include "model/sample.h"
#include <stdlib.h>

static const struct {
    enum matcher_op op;
    const char *value, *text;
    bool match;
} rows[] = {
    { MATCH_EQ, "a", "a", true },     { MATCH_EQ, "a", "b", false },   { MATCH_EQ, "", "", true },
    { MATCH_NE, "a", "b", true },     { MATCH_NE, "a", "a", false },   { MATCH_NE, "", "", false },
    { MATCH_RE, "a|b", "b", true },   { MATCH_RE, "a", "ab", false },  { MATCH_RE, ".*", "", true },
    { MATCH_NRE, "a|b", "b", false }, { MATCH_NRE, "a.+", "a", true }, { MATCH_NRE, ".*", "", false },
};

START_TEST(matcher_takes_values)
{
    arena a;
    arena_init(&a, 0);
    matcher m;
    char value[16] = "";
    strcpy(value, rows[_i].value);
    ck_assert(matcher_init(&m, &a, rows[_i].op, BYTES("x"), bytes_of(value), NULL));
    memset(value, 'Z', sizeof value); /* it keeps its own copy */
    ck_assert_int_eq(matcher_matches(&m, bytes_of(rows[_i].text)), rows[_i].match);
    ck_assert_int_eq(matcher_matches_empty(&m), matcher_matches(&m, (bytes){ 0 }));
    matcher_release(&m);
    arena_release(&a);
}
END_TEST

START_TEST(matchers_must_all_match_and_a_missing_label_is_empty)
{
    arena a;
    arena_init(&a, 0);
    const labels *l = test_labels(&a, "__name__=up,job=node");
    matcher ms[3];
    matcher_init(&ms[0], &a, MATCH_EQ, LABEL_NAME, BYTES("up"), NULL);
    matcher_init(&ms[1], &a, MATCH_EQ, BYTES("missing"), BYTES(""), NULL);
    matcher_init(&ms[2], &a, MATCH_RE, BYTES("job"), BYTES("node|db"), NULL);
    ck_assert(matchers_match(ms, 3, l));
    ck_assert(matchers_match(ms, 0, l));
    ck_assert(!matchers_match(ms, 3, test_labels(&a, "__name__=up,job=x")));
    ck_assert(!matchers_match(ms, 3, test_labels(&a, "__name__=up,job=db,missing=1")));
    for (int i = 0; i < 3; i++)
        matcher_release(&ms[i]);
    arena_release(&a);
}
END_TEST

START_TEST(matcher_refuses_a_bad_pattern)
{
    arena a;
    arena_init(&a, 0);
    err e = { 0 };
    matcher m;
    ck_assert(!matcher_init(&m, &a, MATCH_RE, BYTES("x"), BYTES("["), &e));
    ck_assert_str_eq(e.msg, "error parsing regexp: missing closing ]: `[`");
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
    matcher_release(&m); /* harmless */
    ck_assert(matcher_init(&m, &a, MATCH_EQ, BYTES("x"), BYTES("["), &e));
    matcher_release(&m);
    arena_release(&a);
}
END_TEST

START_TEST(matcher_prints_as_prometheus_prints)
{
    static const struct {
        enum matcher_op op;
        const char *name, *value, *text;
    } prints[] = {
        { MATCH_EQ, "a", "b", "a=\"b\"" },
        { MATCH_NE, "a", "q\"\n", "a!=\"q\\\"\\n\"" },
        { MATCH_RE, "a", "x\\.y", "a=~\"x\\\\.y\"" },
        { MATCH_NRE, "a", "", "a!~\"\"" },
        { MATCH_EQ, "a.b", "c", "\"a.b\"=\"c\"" },
        { MATCH_EQ, "a:b", "c", "\"a:b\"=\"c\"" },
    };
    arena a;
    arena_init(&a, 0);
    buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < N_ROWS(prints); i++) {
        matcher m;
        matcher_init(&m, &a, prints[i].op, bytes_of(prints[i].name), bytes_of(prints[i].value), NULL);
        buf_clear(&b);
        matcher_print(&b, &m);
        ck_bytes(buf_bytes(&b), prints[i].text);
        matcher_release(&m);
    }
    ck_assert_str_eq(matcher_op_text(MATCH_NRE), "!~");
    buf_release(&b);
    arena_release(&a);
}
END_TEST

START_TEST(sample_and_metadata_constants)
{
    ck_assert(sample_is_stale(sample_stale()) && !sample_is_stale(sample_nan()) && !sample_is_stale(0));
    ck_assert(sample_nan() != sample_nan());
    for (int k = 0; k < KIND_N; k++)
        ck_assert_ptr_nonnull(metric_kind_names[k]);
    ck_assert_str_eq(metric_kind_names[KIND_GAUGEHISTOGRAM], "gaugehistogram");
}
END_TEST

TCase *matcher_cases(void)
{
    TCase *tc = tcase_create("matcher");
    tcase_add_loop_test(tc, matcher_takes_values, 0, N_ROWS(rows));
    tcase_add_test(tc, matchers_must_all_match_and_a_missing_label_is_empty);
    tcase_add_test(tc, matcher_refuses_a_bad_pattern);
    tcase_add_test(tc, matcher_prints_as_prometheus_prints);
    tcase_add_test(tc, sample_and_metadata_constants);
    return tc;
}
