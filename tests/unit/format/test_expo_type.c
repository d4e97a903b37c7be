/* test_expo_type.c: which parser a Content-Type chooses. */
#include "format/expo.h"
#include "test_format.h"

enum { NONE = -1 };
static const struct {
    const char *type, *fallback;
    int format;
    const char *msg;
} cases[] = {
    { "text/plain; version=0.0.4; charset=utf-8", "", EXPO_TEXT, "" },
    { "TEXT/PLAIN; VERSION=0.0.4", "", EXPO_TEXT, "" },
    { "text/plain", "", EXPO_TEXT, "" },
    { "text/plain;", "", EXPO_TEXT, "" },
    { " text/plain ; a=\"b;c\"", "", EXPO_TEXT, "" },
    { "application/openmetrics-text; version=1.0.0; charset=utf-8", "", EXPO_OPENMETRICS, "" },
    { "", "", NONE,
      "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target" },
    { "", "text/plain", EXPO_TEXT,
      "non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol \"text/plain\"" },
    { "text/html", "", NONE,
      "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target" },
    { "text/html", "application/openmetrics-text", EXPO_OPENMETRICS,
      "received unsupported Content-Type \"text/html\", using fallback_scrape_protocol "
      "\"application/openmetrics-text\"" },
    { "text/plain; a", "", NONE,
      "cannot parse Content-Type \"text/plain; a\" and no fallback_scrape_protocol for target\n"
      "mime: invalid media parameter" },
    { "text/plain; a=1; a=2", "text/plain", EXPO_TEXT,
      "could not parse received Content-Type \"text/plain; a=1; a=2\", using fallback_scrape_protocol \"text/plain\"\n"
      "mime: duplicate parameter name" },
    { "text/plain/x", "", NONE,
      "cannot parse Content-Type \"text/plain/x\" and no fallback_scrape_protocol for target\n"
      "mime: unexpected content after media subtype" },
    { "text/", "", NONE,
      "cannot parse Content-Type \"text/\" and no fallback_scrape_protocol for target\nmime: expected token after "
      "slash" },
    { ";", "", NONE,
      "cannot parse Content-Type \";\" and no fallback_scrape_protocol for target\nmime: no media type" },
};
START_TEST(content_type_chooses_the_parser)
{
    err e = { 0 };
    enum expo_format format = EXPO_TEXT;
    bool ok = expo_format_of(bytes_of(cases[_i].type), bytes_of(cases[_i].fallback), &format, &e);
    ck_assert_int_eq(ok, cases[_i].format != NONE);
    ck_assert(!ok || (int)format == cases[_i].format);
    ck_assert_str_eq(e.msg, cases[_i].msg);
}
END_TEST

Suite *expo_type_suite(void)
{
    Suite *s = suite_create("expo_type");
    TCase *tc = tcase_create("expo_type");
    tcase_add_loop_test(tc, content_type_chooses_the_parser, 0, (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(s, tc);
    return s;
}
