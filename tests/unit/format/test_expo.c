/* test_expo.c: what the exposition parser reads, and the sentence it refuses the rest with. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "format/expo.h"
#include "model/sample.h"
#include "test_format.h"
#include <stdlib.h>

/* A page as one line per entry: `S series value [@time]`, `H name text`, `T name kind`, `U name unit`, `C text`, and
 * at the end `.` or `! error`. */
static void describe(buf *out, enum expo_format format, bytes page)
{
    char *copy = malloc(page.len + 1); /* its own block, so that a read behind it is seen by the sanitizer */
    memcpy(copy, page.p, page.len);
    expo x;
    err e = { 0 };
    arena a;
    arena_init(&a, 0);
    expo_init(&x, format, bytes_n(copy, page.len));
    enum expo_entry entry;
    while ((entry = expo_next(&x, &e)) > EXPO_EOF) {
        char value[NUM_MAX_TEXT];
        buf_putc(out, ".SHTUC"[entry]);
        if (entry == EXPO_SERIES) {
            buf_printf(out, " %.*s %.*s", BYTES_ARG(x.series), (int)num_format_g(x.value, value), value);
            if (x.has_time)
                buf_printf(out, " @%lld", (long long)x.time_ms);
        } else if (entry == EXPO_TYPE) {
            buf_printf(out, " %.*s %d", BYTES_ARG(x.name), (int)x.kind);
        } else if (entry == EXPO_COMMENT) {
            buf_printf(out, " %.*s", BYTES_ARG(x.text));
        } else {
            buf_printf(out, " %.*s %.*s", BYTES_ARG(x.name),
                       BYTES_ARG(entry == EXPO_HELP ? expo_help(&x, &a) : x.text));
        }
        buf_putc(out, '\n');
    }
    if (entry == EXPO_EOF)
        buf_putz(out, ".");
    else
        buf_printf(out, "! %s", e.msg);
    buf_putc(out, 0);
    expo_release(&x);
    arena_release(&a);
    free(copy);
}

typedef struct page_case {
    enum expo_format format;
    bytes in;
    const char *out;
} page_case;
#define TEXT_PAGE(s) EXPO_TEXT, BYTES_INIT(s)
#define OM_PAGE(s) EXPO_OPENMETRICS, BYTES_INIT(s)

static const page_case pages[] = {
    { TEXT_PAGE(""), "." },
    { TEXT_PAGE("\n\n \n"), "." },
    { TEXT_PAGE("a 1\nb 2"), "S a 1\nS b 2\n." },
    { TEXT_PAGE("a\t{ x = \"1\" y=\"2\", }\t5 \t 77\t\n"), "S a\t{ x = \"1\" y=\"2\", } 5 @77\n." },
    { TEXT_PAGE("a{}5\na{x=\"1\"}6\n"), "S a{} 5\nS a{x=\"1\"} 6\n." },
    { TEXT_PAGE(" a 1\n"), "S  a 1\n." }, /* the blank belongs to the name, as in Prometheus */
    { TEXT_PAGE("{\"a b\",c=\"1\"} 2\n{c=\"1\",\"a b\"} 3\n"), "S {\"a b\",c=\"1\"} 2\nS {c=\"1\",\"a b\"} 3\n." },
    { TEXT_PAGE("a NaN\na -inf\na +Infinity\na 1e3\n"), "S a NaN\nS a -Inf\nS a +Inf\nS a 1000\n." },
    { TEXT_PAGE("# HELP a one\\ntwo \\\\ \\\"\n# TYPE a gauge\n"), "H a one\ntwo \\ \\\"\nT a 2\n." },
    { TEXT_PAGE("#\tHELP\ta\ttext\there \n# HELP b \n# HELP c\n"), "H a text\there \nH b \nH c \n." },
    { TEXT_PAGE("#\n#HELP a x\n# HELP\n# TYPO a\n# HELPa b\n"),
      "C #\nC #HELP a x\nC # HELP\nC # TYPO a\nC # HELPa b\n." },
    { TEXT_PAGE("# TYPE a untyped\n# TYPE \"x y\" summary\n"), "T a 0\nT x y 5\n." },
    { TEXT_PAGE("a 1\n# EOF\nb 2\n"), "S a 1\nC # EOF\nS b 2\n." },
    { TEXT_PAGE("a 1\n\0b 2\n"), "S a 1\n." }, /* a NUL ends a page between lines */
    { TEXT_PAGE("a{x=\"1\0"
                "2\"} 1\n"),
      "S a{x=\"1" },
    { TEXT_PAGE("a 1\r\n"), "! strconv.ParseFloat: parsing \"1\\r\": invalid syntax while parsing: \"a 1\\r\"" },
    { TEXT_PAGE("a"), "! expected value after metric, got \"\\n\" (\"INVALID\") while parsing: \"a\\n\"" },
    { TEXT_PAGE("a 1 2 3\n"),
      "! expected next entry after timestamp, got \"3\\n\" (\"TIMESTAMP\") while parsing: \"a 1 2 3\\n\"" },
    { TEXT_PAGE("a 1 -3\n"), "! expected timestamp or new record, got \"-\" (\"INVALID\") while parsing: \"a 1 -\"" },
    { TEXT_PAGE("a 1 99999999999999999999\n"), "! strconv.ParseInt: parsing \"99999999999999999999\": value out of "
                                               "range while parsing: \"a 1 99999999999999999999\"" },
    { TEXT_PAGE("a 1e999\n"),
      "! strconv.ParseFloat: parsing \"1e999\": value out of range while parsing: \"a 1e999\"" },
    { TEXT_PAGE("a 0x1p3\n"), "! unsupported character in float while parsing: \"a 0x1p3\"" },
    { TEXT_PAGE("a 1 # {x=\"y\"} 2\n"),
      "! expected timestamp or new record, got \"#\" (\"INVALID\") while parsing: \"a 1 #\"" },
    { TEXT_PAGE("1a 1\n"), "! expected a valid start token, got \"1\" (\"INVALID\") while parsing: \"1\"" },
    { TEXT_PAGE("a{1=\"x\"} 1\n"), "! expected label name, got \"1\" (\"INVALID\") while parsing: \"a{1\"" },
    { TEXT_PAGE("a{x:y=\"x\"} 1\n"), "! expected equal, got \":\" (\"INVALID\") while parsing: \"a{x:\"" },
    { TEXT_PAGE("a{\"b\"} 1\n"), "! metric name already set while parsing: \"a{\\\"b\\\"}\"" },
    { TEXT_PAGE("{x=\"y\"} 1\n"), "! metric name not set while parsing: \"{x=\\\"y\\\"} 1\"" },
    { TEXT_PAGE("a{x=\"\xff\"} 1\n"), "! invalid UTF-8 label value: \"\\\"\\xff\\\"\"" },
    { TEXT_PAGE("# TYPE a foo\n"), "! invalid metric type \"foo\"" },
    { TEXT_PAGE("# TYPE a gauge \n"), "! invalid metric type \"gauge \"" },
    { TEXT_PAGE("# HELP a \xff\n"), "! help text \"\\xff\" is not a valid utf8 string" },
    { TEXT_PAGE("# HELP 1 x\n"),
      "! expected metric name after HELP, got \"1\" (\"INVALID\") while parsing: \"# HELP 1\"" },

    { OM_PAGE("# EOF"), "." },
    { OM_PAGE("# EOF\n"), "." },
    { OM_PAGE(""), "! data does not end with # EOF" },
    { OM_PAGE("a 1\n"), "S a 1\n! data does not end with # EOF" },
    { OM_PAGE("a 1\n# EOF\n\n"), "S a 1\n! unexpected data after # EOF" },
    { OM_PAGE("a 1 1.5\na{x=\"1\",} 2 1e3\n# EOF\n"), "S a 1 @1500\nS a{x=\"1\",} 2 @1000000\n." },
    { OM_PAGE("a 1 # {t=\"x\"} 0.5\nb 2 3 # {} 1 4\n# EOF\n"), "S a 1\nS b 2 @3000\n." },
    { OM_PAGE("# TYPE a_s info\n# UNIT a_s s\n# HELP a_s q\\\"q\n# EOF\n"), "T a_s 6\nU a_s s\nH a_s q\"q\n." },
    { OM_PAGE("# TYPE a counter\na_total 1\na_created 123\n# EOF\n"), "T a 1\nS a_total 1\nS a_created 123\n." },
    { OM_PAGE("a 1 \n# EOF\n"), /* the series counts, what follows is the error */
      "S a 1\n! expected a valid start token, got \"\\n#\" (\"LINEBREAK\") while parsing: \"\\n#\"" },
    { OM_PAGE("a 1 #\n# EOF\n"), "! strconv.ParseFloat: parsing \"#\": invalid syntax while parsing: \"a 1 #\"" },
    { OM_PAGE("a 1 # {x=\"y\"} 1 2 3\n# EOF\n"),
      "! expected next entry after exemplar timestamp, got \" 3\\n\" (\"TIMESTAMP\") while parsing: "
      "\"a 1 # {x=\\\"y\\\"} 1 2 3\\n\"" },
    { OM_PAGE("a 1 # {\"x\"} 1\n# EOF\n"),
      "! expected label name, got \"} \" (\"BCLOSE\") while parsing: \"a 1 # {\\\"x\\\"} \"" },
    { OM_PAGE("a 1 Inf\n"), "! invalid timestamp +Inf" },
    { OM_PAGE("a 1 1 # {} 1 nan\n"), "! invalid exemplar timestamp NaN" },
    { OM_PAGE("a\t1\n# EOF\n"), "! expected value after metric, got \"\\t\" (\"INVALID\") while parsing: \"a\\t\"" },
    { OM_PAGE("a {x=\"1\"} 1\n# EOF\n"),
      "! strconv.ParseFloat: parsing \"{x=\\\"1\\\"}\": invalid syntax while parsing: \"a {x=\\\"1\\\"}\"" },
    { OM_PAGE("a{x=\"1\"y=\"2\"} 1\n# EOF\n"),
      "! expected comma or brace close, got \"y=\" (\"LNAME\") while parsing: \"a{x=\\\"1\\\"y=\"" },
    { OM_PAGE("# TYPE a untyped\n# EOF\n"), "! invalid metric type \"untyped\"" },
    { OM_PAGE("# UNIT a s\n# EOF\n"), "! unit \"s\" not a suffix of metric \"a\"" },
    { OM_PAGE("# TYPE a\n# EOF\n"), "! expected text in TYPE" },
    { OM_PAGE("#TYPE a gauge\n# EOF\n"),
      "! expected a valid start token, got \"#T\" (\"INVALID\") while parsing: \"#T\"" },
};
enum { N_PAGES = sizeof pages / sizeof pages[0] };

START_TEST(page_reads_as_prometheus_reads_it)
{
    buf out;
    buf_init(&out, 1 << 16);
    describe(&out, pages[_i].format, pages[_i].in);
    if (memchr(pages[_i].in.p, 0, pages[_i].in.len))
        ck_assert_msg(strncmp(out.p, pages[_i].out, strlen(pages[_i].out)) == 0, "page %d: %s", _i, out.p);
    else
        ck_assert_str_eq(out.p, pages[_i].out);
    buf_release(&out);
}
END_TEST

/* Every page again, this time with the keys of its lines known: the short ways must agree with the long one. */
START_TEST(expected_line_reads_as_any_line)
{
    const page_case *p = &pages[_i];
    enum { SEED = 77 };
    expo x, y;
    err e = { 0 };
    expo_init(&x, p->format, p->in);
    expo_init(&y, p->format, p->in);
    x.seed = y.seed = SEED;
    enum expo_entry entry;
    while ((entry = expo_next(&x, &e)) > EXPO_EOF) {
        bool hit;
        if (entry == EXPO_SERIES) {
            hit = expo_expect(&y, x.series.len, hash_key_of(x.series, SEED));
            if (hit) {
                ck_assert(bytes_eq(x.series, y.series));
                ck_assert(num_bits(x.value) == num_bits(y.value));
                ck_assert_int_eq(x.has_time, y.has_time);
                ck_assert(!x.has_time || x.time_ms == y.time_ms);
            }
        } else {
            bytes line = expo_meta_line(&x);
            hit = expo_expect_meta(&y, line.len, hash_key_of(line, SEED));
        }
        if (!hit)
            ck_assert_int_eq(expo_next(&y, &e), entry);
        ck_assert_uint_eq(x.lex.i, y.lex.i);
    }
    expo_release(&x);
    expo_release(&y);
}
END_TEST

static const struct {
    const char *page, *series;
    bool hit;
} expected[] = {
    { "a 1\n", "a", true },
    { "a{x=\"1\"} 1.5e3 123\n", "a{x=\"1\"}", true },
    { "a NaN\n", "a", true },
    { "ab 1\n", "a", false },
    { "a {x=\"1\"} 1\n", "a", false },        /* more labels follow */
    { "a{x=\"1\"}1\n", "a{x=\"1\"}", false }, /* fine, but not usual */
    { "a 1", "a", false },
    { "a 1_0\n", "a", false },
    { "a 0x1p1\n", "a", false },
    { "a 1 2 3\n", "a", false },
    { "a 1 99999999999999999999\n", "a", false },
    { "a\t1\n", "a", false },
    { "a", "a", false },
    { "", "a", false },
};
START_TEST(expected_line_is_taken_only_when_plain)
{
    expo x;
    expo_init(&x, EXPO_TEXT, bytes_of(expected[_i].page));
    bytes s = bytes_of(expected[_i].series);
    ck_assert_int_eq(expo_expect(&x, s.len, hash_key_of(s, 0)), expected[_i].hit);
    ck_assert(expected[_i].hit || x.lex.i == 0);
    expo_release(&x);
}
END_TEST

START_TEST(endless_series_is_refused)
{
    buf page;
    buf_init(&page, LIMIT_MIB(16));
    buf_putz(&page, "a{");
    for (int i = 0; i < 2000; i++)
        buf_printf(&page, "l%d=\"x\",", i);
    buf_putz(&page, "} 1\n");
    expo x;
    err e = { 0 };
    expo_init(&x, EXPO_TEXT, buf_bytes(&page));
    ck_assert_int_eq(expo_next(&x, &e), EXPO_ERROR);
    ck_assert_str_eq(e.msg, "more than 1024 labels in one series");
    expo_release(&x);
    buf_clear(&page);
    buf_putz(&page, "a{x=\"");
    for (size_t i = 0; i < LIMIT_SCRAPE_LINE; i += 16)
        buf_putz(&page, "0123456789abcdef");
    buf_putz(&page, "\"} 1\n");
    expo_init(&x, EXPO_TEXT, buf_bytes(&page));
    ck_assert_int_eq(expo_next(&x, &e), EXPO_ERROR);
    ck_assert_str_eq(e.msg, "series of more than 4194304 bytes");
    expo_release(&x);
    buf_release(&page);
}
END_TEST

Suite *expo_suite(void)
{
    Suite *s = suite_create("expo");
    TCase *tc = tcase_create("expo");
    tcase_add_loop_test(tc, page_reads_as_prometheus_reads_it, 0, N_PAGES);
    tcase_add_loop_test(tc, expected_line_reads_as_any_line, 0, N_PAGES);
    tcase_add_loop_test(tc, expected_line_is_taken_only_when_plain, 0, (int)(sizeof expected / sizeof expected[0]));
    tcase_add_test(tc, endless_series_is_refused);
    suite_add_tcase(s, tc);
    return s;
}
