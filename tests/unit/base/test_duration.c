/* test_duration.c: durations of Prometheus and of Go. */
#include "tests.h"
#include "base/duration.h"

static const struct {
    const char *in;
    int64_t ms;
    const char *err;
} parses[] = {
    { "0", 0, NULL },
    { "0s", 0, NULL },
    { "5m", 300000, NULL },
    { "1h30m", 5400000, NULL },
    { "1y2w3d4h5m6s7ms", 31536000000 + 1209600000 + 259200000 + 14400000 + 300000 + 6000 + 7, NULL },
    { "100ms", 100, NULL },
    { "007m", 420000, NULL },
    { "292y", 292 * INT64_C(31536000000), NULL },
    { "9223372036s", 9223372036000, NULL },
    { "", 0, "empty duration string" },
    { "30m1h", 0, "not a valid duration string: \"30m1h\"" },
    { "1m1m", 0, "not a valid duration string: \"1m1m\"" },
    { "1", 0, "not a valid duration string: \"1\"" },
    { "-1m", 0, "not a valid duration string: \"-1m\"" },
    { "m", 0, "not a valid duration string: \"m\"" },
    { "1.5h", 0, "unknown unit \".\" in duration \"1.5h\"" },
    { "1 m", 0, "unknown unit \" m\" in duration \"1 m\"" },
    { "5M", 0, "unknown unit \"M\" in duration \"5M\"" },
    { "1msm", 0, "unknown unit \"msm\" in duration \"1msm\"" },
    { "293y", 0, "duration out of range" },
    { "292y52w", 0, "duration out of range" },
    { "9223372037s", 0, "duration out of range" },
    { "18446744073709551615y", 0, "duration out of range" },
    { "18446744073709551616y", 0, "not a valid duration string: \"18446744073709551616y\"" },
    { "1\n", 0, "unknown unit \"\\n\" in duration \"1\\n\"" },
};

START_TEST(duration_reads_what_prometheus_reads)
{
    err e = { 0 };
    int64_t ms = 0;
    bool ok = duration_parse(bytes_of(parses[_i].in), &ms, &e);
    ck_assert_str_eq(e.msg, parses[_i].err ? parses[_i].err : "");
    ck_assert_int_eq(ok, parses[_i].err == NULL);
    ck_assert_int_eq(ms, parses[_i].ms);
    ck_assert_int_eq(e.kind, ok ? ERR_NONE : ERR_BAD_DATA);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} formats[] = {
    { 0, "0s" },
    { 1, "1ms" },
    { 1500, "1s500ms" },
    { 300000, "5m" },
    { 5400000, "1h30m" },
    { 129600000, "1d12h" },
    { 86400000 * INT64_C(14), "2w" },
    { 86400000 * INT64_C(15), "15d" }, /* not 2w1d */
    { 31536000000, "1y" },
    { 31536000000 + 1, "365d1ms" },
    { 31536000000 + 604800000, "372d" }, /* 365 + 7: no whole number of years nor of weeks */
    { -5000, "-5s" },
};

START_TEST(duration_prints_as_prometheus_prints)
{
    arena a;
    arena_init(&a, 0);
    bytes text = duration_format(&a, formats[_i].ms);
    ck_bytes(text, formats[_i].text);
    int64_t back;
    if (formats[_i].ms >= 0)
        ck_assert(duration_parse(text, &back, NULL) && back == formats[_i].ms);
    arena_release(&a);
}
END_TEST

START_TEST(duration_survives_the_round_trip)
{
    arena a;
    arena_init(&a, 0);
    uint64_t seed = 5;
    for (int i = 0; i < 5000; i++) {
        int64_t back, ms = (int64_t)(test_random(&seed) % 9223372036854 >> (test_random(&seed) % 43));
        if (i % 3 == 0)
            ms = ms / 86400000 * 86400000;
        ck_assert(duration_parse(duration_format(&a, ms), &back, NULL));
        ck_assert_int_eq(back, ms);
        arena_reset(&a);
    }
    duration_format(&a, INT64_MAX);
    duration_format(&a, INT64_MIN);
    arena_release(&a);
}
END_TEST

static const struct {
    int64_t ns;
    const char *text;
} go[] = {
    { 0, "0s" },
    { 1, "1ns" },
    { 1100, "1.1µs" },
    { 2200000, "2.2ms" },
    { 10000000, "10ms" },
    { 3300000000, "3.3s" },
    { 90000000000, "1m30s" },
    { 245001000000, "4m5.001s" },
    { 5 * INT64_C(3600000000000), "5h0m0s" },
    { 18367001000000, "5h6m7.001s" },
    { 480000000001, "8m0.000000001s" },
    { -1500000000, "-1.5s" },
    { -1, "-1ns" },
    { INT64_MAX, "2562047h47m16.854775807s" },
    { INT64_MIN, "-2562047h47m16.854775808s" },
};

START_TEST(duration_prints_as_go_prints)
{
    arena a;
    arena_init(&a, 0);
    ck_bytes(duration_format_go(&a, go[_i].ns), go[_i].text);
    arena_release(&a);
}
END_TEST

TCase *duration_cases(void)
{
    TCase *tc = tcase_create("duration");
    tcase_add_loop_test(tc, duration_reads_what_prometheus_reads, 0, N_ROWS(parses));
    tcase_add_loop_test(tc, duration_prints_as_prometheus_prints, 0, N_ROWS(formats));
    tcase_add_test(tc, duration_survives_the_round_trip);
    tcase_add_loop_test(tc, duration_prints_as_go_prints, 0, N_ROWS(go));
    return tc;
}
