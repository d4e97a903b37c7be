/* test_regex_parse.c: what is a regular expression and what is not, with the texts that Prometheus 3 answers with. */
#include "tests.h"
#include "base/limits.h"
#include "base/regex.h"
#include <stdio.h>
#include <stdlib.h>

/* text: behind "error parsing regexp: "; NULL: the pattern is fine. */
static const struct {
    const char *pattern, *text;
} rows[] = {
    { "[", "missing closing ]: `[`" },
    { "x[a-z", "missing closing ]: `[a-z`" },
    { "[]", "missing closing ]: `[]`" },
    { "[^]", "missing closing ]: `[^]`" },
    { "[[:", "missing closing ]: `[[:`" },
    { "[]a]", NULL },
    { "[^]a]", NULL },
    { "[a-]", NULL },
    { "[-a]", NULL },
    { "(", "missing closing ): `(`" },
    { "((a)", "missing closing ): `((a)`" },
    { "(?P<n>a", "missing closing ): `(?P<n>a`" },
    { "a)", "unexpected ): `a)`" },
    { "(a))", "unexpected ): `(a))`" },
    { "a**", "invalid nested repetition operator: `**`" },
    { "a*+", "invalid nested repetition operator: `*+`" },
    { "x**?", "invalid nested repetition operator: `**?`" },
    { "x???", "invalid nested repetition operator: `???`" },
    { "x{2}{3}", "invalid nested repetition operator: `{2}{3}`" },
    { "x{2}*", "invalid nested repetition operator: `{2}*`" },
    { "a*?", NULL },
    { "a*(?i)*", NULL }, /* so it is in Go */
    { "*", "missing argument to repetition operator: `*`" },
    { "+a", "missing argument to repetition operator: `+`" },
    { "a|*", "missing argument to repetition operator: `*`" },
    { "(*)", "missing argument to repetition operator: `*`" },
    { "(?i)*", "missing argument to repetition operator: `*`" },
    { "^*", NULL },
    { "a{1001}", "invalid repeat count: `{1001}`" },
    { "a{2,1}", "invalid repeat count: `{2,1}`" },
    { "a{99999999999}", "invalid repeat count: `{99999999999}`" },
    { "a{1,99999999999}", "invalid repeat count: `{1,99999999999}`" },
    { "(a{100}){11}", "invalid repeat count: `{11}`" },
    { "(x{2}){501}", "invalid repeat count: `{501}`" },
    { "((a{10}){10}){11}", "invalid repeat count: `{11}`" },
    { "((a{10}){10}){10}", NULL },
    { "(x{0}){1000}", NULL },
    { "a{,5}", NULL }, /* literals */
    { "a{1,", NULL },
    { "a{01}", NULL },
    { "{", NULL },
    { "(?", "invalid or unsupported Perl syntax: `(?`" },
    { "(?i", "invalid or unsupported Perl syntax: `(?i`" },
    { "(?i-)", "invalid or unsupported Perl syntax: `(?i-)`" },
    { "(?--i)", "invalid or unsupported Perl syntax: `(?--`" },
    { "(?z)", "invalid or unsupported Perl syntax: `(?z`" },
    { "(?!a)", "invalid or unsupported Perl syntax: `(?!`" },
    { "(?>a)", "invalid or unsupported Perl syntax: `(?>`" },
    { "(?P=n)", "invalid or unsupported Perl syntax: `(?P`" },
    { "(?P<", "invalid or unsupported Perl syntax: `(?P`" },
    { "(?imsU-imsU:a)", NULL },
    { "(?)", NULL },
    { "(?<=x)", "invalid named capture: `(?<=x)`" },
    { "(?<a-b>x)", "invalid named capture: `(?<a-b>`" },
    { "(?P<>a)", "invalid named capture: `(?P<>`" },
    { "(?P<n", "invalid named capture: `(?P<n`" },
    { "(?<n>a)(?P<n>b)", NULL }, /* a name may come twice */
    { "[z-a]", "invalid character class range: `z-a`" },
    { "[[:foo:]]", "invalid character class range: `[:foo:]`" },
    { "[[:^alpha:][:word:]]", NULL },
    { "\\p{Foo}", "invalid character class range: `\\p{Foo}`" },
    { "\\pX", "invalid character class range: `\\pX`" },
    { "\\p{", "invalid character class range: `\\p{`" },
    { "\\p", "invalid character class range: `\\p`" },
    { "\\p{^Greek}\\pN[\\p{Lu}]", NULL },
    { "\\", "trailing backslash at end of expression: ``" },
    { "[\\", "trailing backslash at end of expression: ``" },
    { "\\8", "invalid escape sequence: `\\8`" },
    { "\\1", "invalid escape sequence: `\\1`" },
    { "\\18", "invalid escape sequence: `\\1`" },
    { "\\x", "invalid escape sequence: `\\x`" },
    { "\\x4", "invalid escape sequence: `\\x4`" },
    { "\\x{110000}", "invalid escape sequence: `\\x{110000`" },
    { "\\x{}", "invalid escape sequence: `\\x{}`" },
    { "\\C", "invalid escape sequence: `\\C`" },
    { "\\Z", "invalid escape sequence: `\\Z`" },
    { "\\q", "invalid escape sequence: `\\q`" },
    { "[\\q]", "invalid escape sequence: `\\q`" },
    { "\\é", "invalid escape sequence: `\\é`" },
    { "[a-\\d]", "invalid escape sequence: `\\d`" },
    { "\\a\\f\\t\\n\\r\\v\\123\\01\\x41\\x{1F600}\\_\\-\\.", NULL },
    { "\\A\\bfoo\\B\\z", NULL },
    { "\\Q*(\\E*", NULL },
    { "\\Qab", NULL },
    { "\\E", "invalid escape sequence: `\\E`" },
    { "a.\xff", "invalid UTF-8: `\xff`" },
};

START_TEST(regex_accepts_and_refuses_as_go_does)
{
    err e = { 0 };
    regex *r = regex_new(bytes_of(rows[_i].pattern), &e);
    char want[300] = "";
    if (rows[_i].text)
        snprintf(want, sizeof want, "error parsing regexp: %s", rows[_i].text);
    ck_assert_str_eq(e.msg, want);
    ck_assert_int_eq(r != NULL, rows[_i].text == NULL);
    ck_assert_int_eq(e.kind, r ? ERR_NONE : ERR_BAD_DATA);
    regex_unref(r);
}
END_TEST

static const struct {
    const char *pattern, *text;
} anchored[] = {
    { "(a", "missing closing ): `^(?s:(a)$`" },
    { "a)", "unexpected ): `^(?s:a))$`" },
    { "[a", "missing closing ]: `[a)$`" },
    { "a\\", "missing closing ): `^(?s:a\\)$`" },
    { "(?P<n", "invalid named capture: `(?P<n)$`" },
    { "*", "missing argument to repetition operator: `*`" },
    { "\\Qa", "missing closing ): `^(?s:\\Qa)$`" },
    { "\\pX", "invalid character class range: `\\pX`" },
    { "a)(b", NULL },
    { "(.*)", NULL },
};

START_TEST(regex_of_a_configuration_names_what_is_compiled)
{
    err e = { 0 };
    regex *r = regex_new_anchored(bytes_of(anchored[_i].pattern), &e);
    char want[300] = "";
    if (anchored[_i].text)
        snprintf(want, sizeof want, "error parsing regexp: %s", anchored[_i].text);
    ck_assert_str_eq(e.msg, want);
    ck_assert_int_eq(r != NULL, anchored[_i].text == NULL);
    if (r)
        ck_assert(regex_match(r, BYTES("ab")));
    regex_unref(r);
}
END_TEST

static regex *repeated(const char *before, const char *after, int n, err *e)
{
    buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < n; i++)
        buf_putz(&b, before);
    for (int i = 0; i < n; i++)
        buf_putz(&b, after);
    *e = (err){ 0 };
    regex *r = regex_new(buf_bytes(&b), e);
    buf_release(&b);
    return r;
}

START_TEST(regex_depth_and_size_are_limited)
{
    err e;
    regex_unref(repeated("(", ")", 998, &e));
    ck_assert_str_eq(e.msg, "");
    ck_assert_ptr_null(repeated("(", ")", 999, &e)); /* too deep with its anchors */
    ck_assert(strncmp(e.msg, "error parsing regexp: expression nests too deeply: `^(?s:(((", 60) == 0);
    ck_assert_ptr_null(repeated("(", ")", 1000, &e));
    ck_assert(strncmp(e.msg, "error parsing regexp: expression nests too deeply: `(((", 55) == 0);
    ck_assert_ptr_null(repeated("(", "", 60000, &e));
    ck_assert_ptr_null(repeated("((a*)|", "b)", 5000, &e));
    regex_unref(repeated("(?:", ")", 10000, &e)); /* groups without a number are no level */
    ck_assert_str_eq(e.msg, "");
    ck_assert_ptr_null(repeated("\\pL", "", 20000, &e));
    ck_assert(strncmp(e.msg, "error parsing regexp: expression too large: ", 44) == 0);
    ck_assert_ptr_null(repeated("ab", "", LIMIT_REGEX, &e));
    ck_assert(strncmp(e.msg, "error parsing regexp: expression too large: ", 44) == 0);
    regex_unref(repeated("|a", "|b", 16000, &e));
    ck_assert_str_eq(e.msg, "");
    regex_unref(repeated("(a)", "(b)", 10000, &e)); /* the search for a shape gives up in time */
    regex_unref(repeated("(a?)", "(b|c)", 6000, &e));
    regex_unref(repeated("[[:", "[:", 10000, &e));
}
END_TEST

TCase *regex_parse_cases(void)
{
    TCase *tc = tcase_create("regex_parse");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, regex_accepts_and_refuses_as_go_does, 0, N_ROWS(rows));
    tcase_add_loop_test(tc, regex_of_a_configuration_names_what_is_compiled, 0, N_ROWS(anchored));
    tcase_add_test(tc, regex_depth_and_size_are_limited);
    return tc;
}
