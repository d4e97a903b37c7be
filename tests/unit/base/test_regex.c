/* test_regex.c: shapes, matching and expanding; every shape against the engine. */
#include "tests.h"
#include "base/re2_shim.h"
#include "base/regex.h"
#include "base/limits.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* detail: the literals joined by '|', or the prefix. */
static const struct {
    const char *pattern;
    enum regex_kind kind;
    const char *detail;
} shapes[] = {
    { "", REGEX_LITERALS, "" },
    { "foo", REGEX_LITERALS, "foo" },
    { "^foo$", REGEX_LITERALS, "foo" },
    { "^a$|^b$", REGEX_LITERALS, "a|b" },
    { "foo|bar|foo", REGEX_LITERALS, "bar|foo" },
    { "(foo|bar)", REGEX_LITERALS, "bar|foo" },
    { "(?:a|b(c|d))e?", REGEX_LITERALS, "a|ae|bc|bce|bd|bde" },
    { "a[0-2]|b[xy]", REGEX_LITERALS, "a0|a1|a2|bx|by" },
    { "foo\\.bar\\Q*\\E", REGEX_LITERALS, "foo.bar*" },
    { "a|", REGEX_LITERALS, "|a" },
    { "|", REGEX_LITERALS, "" },
    { "a\xff|b", REGEX_LITERALS, "a\xff|b" }, /* plain alternatives may hold any bytes */
    { "()", REGEX_LITERALS, "" },
    { "a{1}|b{0}", REGEX_LITERALS, "|a" },
    { "é[à-á]", REGEX_LITERALS, "éà|éá" },
    { "(?i)1-2", REGEX_LITERALS, "1-2" }, /* nothing there has a case */
    { "(?P<x>a)(?<y>b)", REGEX_LITERALS, "ab" },
    { ".*", REGEX_ANY, "" },
    { "(.*)", REGEX_ANY, "" },
    { ".*?", REGEX_ANY, "" },
    { "^.*$", REGEX_ANY, "" },
    { ".*.*", REGEX_ANY, "" },
    { ".+", REGEX_NOT_EMPTY, "" },
    { ".+.*", REGEX_NOT_EMPTY, "" },
    { "(.+)", REGEX_NOT_EMPTY, "" },
    { "foo.*", REGEX_PREFIX, "foo" },
    { "foo(.*)", REGEX_PREFIX, "foo" },
    { "foo.+", REGEX_PREFIX_PLUS, "foo" },
    { "foo.*.+", REGEX_PREFIX_PLUS, "foo" },
    { ".*foo", REGEX_ENGINE, "" },
    { ".+.+", REGEX_ENGINE, "" },
    { ".", REGEX_ENGINE, "" },
    { "(?i)foo", REGEX_ENGINE, "" },
    { "(?-s).*", REGEX_ENGINE, "" },
    { "(?m)^a$", REGEX_ENGINE, "" },
    { "a{2}", REGEX_ENGINE, "" },
    { "a*", REGEX_ENGINE, "" },
    { "[^a]", REGEX_ENGINE, "" },
    { "\\d", REGEX_ENGINE, "" },
    { "a.*|b", REGEX_ENGINE, "" },
};

START_TEST(regex_sees_simple_shapes)
{
    err e = { 0 };
    regex *r = regex_new(bytes_of(shapes[_i].pattern), &e);
    ck_assert_msg(r != NULL, "%s", e.msg);
    ck_assert_int_eq(regex_kind(r), shapes[_i].kind);
    ck_bytes(regex_pattern(r), shapes[_i].pattern);
    if (shapes[_i].kind == REGEX_LITERALS) {
        size_t n;
        const bytes *literals = regex_literals(r, &n);
        buf b;
        buf_init(&b, 1000);
        for (size_t i = 0; i < n; i++) {
            if (i)
                buf_putc(&b, '|');
            buf_puts(&b, literals[i]);
        }
        ck_bytes(buf_bytes(&b), shapes[_i].detail);
        buf_release(&b);
    } else if (shapes[_i].kind != REGEX_ENGINE) {
        ck_bytes(regex_prefix(r), shapes[_i].detail);
    }
    regex_unref(r);
}
END_TEST

static const struct {
    const char *pattern, *text;
    bool match;
} matches[] = {
    { "foo", "foo", true },
    { "foo", "foobar", false },
    { "foo", "xfoo", false },
    { "a|ab", "ab", true },
    { ".*", "", true },
    { ".+", "", false },
    { "a.c", "a\nc", true },
    { ".*", "a\nb", true },
    { "foo.*", "foo", true },
    { "foo.+", "foo", false },
    { "foo.+", "foo\n", true },
    { ".*foo", "xfoo", true },
    { ".*foo", "foox", false },
    { ".*foo.*", "xfoox", true },
    { "a.*b.*c", "a1b2c", true },
    { "a.*b.*c", "acb", false },
    { "a.*a", "a", false },
    { "a.*a", "aa", true },
    { "a.+a", "aa", false },
    { "a.+a", "aéa", true },
    { ".+b.+", "abc", true },
    { ".+b.+", "bc", false },
    { ".+b.+", "bbb", true },
    { "ab.*bc", "abc", false },
    { ".*a.*a.*a.*", "aa", false },
    { ".*a.*a.*a.*", "xaxaxax", true },
    { "(?i)foo", "FoO", true },
    { "(?i)straße", "STRAßE", true },
    { "a{2,3}", "aaaa", false },
    { "\\d+", "123", true },
    { "\\d+", "12a", false },
    { "é", "é", true },
    { ".", "é", true },
    { "..", "é", false },
    { "[^a]", "\n", true },
    { "a$", "a\n", false },
    { "(?m)a$\nb", "a\nb", true },
    { "foo$|bar", "bar", true },
    { "a\\Qb.c\\E", "ab.c", true },
    { "\\bfoo\\b", "foo", true },
    { "[[:alpha:]]+", "abc", true },
    { "a\xff", "a\xff", true },
    { ".", "\xff", true },
    { "a.", "a\xff", true },
    { "\\x{FFFD}+", "\xff\xfe", true },
    { ".*x", "\xffx", true },
    { "[^x]y", "\xffy", true },
    { "(a|b)*c|(a|ab)*c", "abc", true },
    { "foo.*|.*bar|x", "foo1", true },
    { "foo.*|.*bar|x", "1bar", true },
    { "(foo.*|.*bar|x)", "x", true },
    { "foo.*|.*bar|x", "fo", false },
};

START_TEST(regex_matches_whole_texts)
{
    err e = { 0 };
    regex *r = regex_new(bytes_of(matches[_i].pattern), &e);
    ck_assert_msg(r != NULL, "%s", e.msg);
    ck_assert_msg(regex_match(r, bytes_of(matches[_i].text)) == matches[_i].match, "%s on %s", matches[_i].pattern,
                  matches[_i].text);
    regex_unref(r);
}
END_TEST

static const char *const pieces[] = { "a",    "b",  "ab",     "é", "[ab]", "(a|b)",   "(?:ab|b)", ".*",    ".+", "(.*)",
                                      "(.+)", "a?", "(?:a|)", "^", "$",    "(a(b)?)", "\\.",      "[a-c]", ".",  "b*" };

/* Patterns of random pieces on random texts: the shapes' answers are the engine's. */
START_TEST(regex_shapes_agree_with_the_engine)
{
    uint64_t seed = 31 + (uint64_t)_i;
    int shaped = 0;
    for (int i = 0; i < 1500; i++) {
        buf pattern;
        buf_init(&pattern, 1000);
        for (uint64_t k = 1 + test_random(&seed) % 5; k > 0; k--)
            buf_putz(&pattern, test_random(&seed) % 8 ? pieces[test_random(&seed) % N_ROWS(pieces)] : "|");
        err e = { 0 };
        regex *r = regex_new(buf_bytes(&pattern), &e);
        ck_assert_msg(r != NULL, "%.*s: %s", BYTES_ARG(buf_bytes(&pattern)), e.msg);
        re2_error why;
        re2_program *p = re2_program_new(pattern.p, pattern.len, 1 << 22, &why);
        shaped += regex_kind(r) != REGEX_ENGINE;
        for (int t = 0; t < 8; t++) {
            char text[16];
            int len = 0;
            for (uint64_t k = test_random(&seed) % 6; k > 0; k--) {
                const char *rune =
                    (const char *const[]){ "a", "b", "a", "b", "c", ".", "é", "\n" }[test_random(&seed) % 8];
                len += snprintf(text + len, 3, "%s", rune);
            }
            bool got = regex_match(r, bytes_n(text, (size_t)len)), want = re2_program_match(p, text, (size_t)len);
            ck_assert_msg(got == want, "%.*s on <%.*s>: got %d", BYTES_ARG(buf_bytes(&pattern)), len, text, got);
        }
        re2_program_free(p);
        regex_unref(r);
        buf_release(&pattern);
    }
    ck_assert_int_gt(shaped, 300);
}
END_TEST

START_TEST(regex_finds_among_many_literals)
{
    buf b;
    buf_init(&b, 1 << 16);
    for (int i = 0; i < 3000; i++)
        buf_printf(&b, "%shost-%d", i ? "|" : "", i);
    err e = { 0 };
    regex *r = regex_new(buf_bytes(&b), &e);
    ck_assert_msg(r != NULL, "%s", e.msg);
    size_t n;
    const bytes *literals = regex_literals(r, &n);
    ck_assert_uint_eq(n, 3000);
    for (size_t i = 1; i < n; i++)
        ck_assert_int_lt(bytes_cmp(literals[i - 1], literals[i]), 0);
    ck_assert(regex_match(r, BYTES("host-2999")));
    ck_assert(!regex_match(r, BYTES("host-3000")));
    ck_assert(!regex_match(r, BYTES("")));
    regex_unref(r);
    buf_release(&b);
}
END_TEST

static const struct {
    const char *pattern, *text, *template, *out; /* out NULL: no match */
} expands[] = {
    { "(.*)", "abc", "$1", "abc" },
    { "(.*)", "", "x${1}y", "xy" },
    { ".*", "abc", "$0-$1", "abc-" },
    { "foo", "bar", "x", NULL },
    { "(a|ab)(b?)", "ab", "$1,$2", "a,b" },
    { "([^:]+)(?::\\d+)?", "host:9100", "${1}:80", "host:80" },
    { "(?P<n>a)(?<m>b)", "ab", "$m$n${n}x$nx", "baax" }, /* $nx is a name of its own */
    { "(?P<n>a)|(?P<n>b)", "b", "<$n>", "<b>" },         /* the one that took part */
    { "(a)|(b)", "b", "<$1|$2>", "<|b>" },
    { "(a)", "a", "$$1 $", "$1 $" },
    { "(a)", "a", "${1", "${1" },
    { "(a)", "a", "${}$-", "${}$-" },
    { "(a)", "a", "$01 $10 $1_", "  " },
    { "(a)", "a", "$1é", "" }, /* é is a letter, so this is the name "1é" */
    { "(a)", "a", "$1-é", "a-é" },
    { "(a)", "a", "$99999999999", "" },
    { "(foo|bar)-(.+)", "bar-x", "$2-$1", "x-bar" },
    { "(foo)(bar)?", "foo", "[$2]", "[]" },
    { "(.+)-(.+)", "a-b-c", "$1|$2", "a-b|c" }, /* greedy */
    { "(.+?)-(.+)", "a-b-c", "$1|$2", "a|b-c" },
    { "(?U)(.+)-(.+)", "a-b-c", "$1|$2", "a|b-c" },
    { "(a)", "a", "", "" },
};

START_TEST(regex_expands_templates_as_go_does)
{
    err e = { 0 };
    arena a;
    arena_init(&a, 0);
    regex *r = regex_new(bytes_of(expands[_i].pattern), &e);
    ck_assert_msg(r != NULL, "%s", e.msg);
    bytes out;
    bool ok = regex_expand(r, bytes_of(expands[_i].text), bytes_of(expands[_i].template), &a, &out);
    ck_assert_int_eq(ok, expands[_i].out != NULL);
    if (ok)
        ck_bytes(out, expands[_i].out);
    regex_unref(r);
    arena_release(&a);
}
END_TEST

START_TEST(what_expands_beyond_any_label_says_so)
{
    enum { TEXT = 1 << 20 };
    err e = { 0 };
    arena a;
    arena_init(&a, 0);
    regex *r = regex_new(BYTES("(.*)"), &e);
    bytes text = bytes_n(memset(arena_text(&a, TEXT), 'x', TEXT), TEXT), out;
    ck_assert(regex_expand(r, text, BYTES("$1$1$1$1"), &a, &out));
    ck_assert_uint_eq(out.len, 4 * TEXT);
    ck_assert(regex_expand(r, text, BYTES("$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1"), &a, &out));
    ck_assert_uint_gt(out.len, LIMIT_LABELS_BYTES);
    regex_unref(r);
    arena_release(&a);
}
END_TEST

static void *expand_many(void *ctx)
{
    arena a;
    arena_init(&a, 0);
    for (int i = 0; i < 200; i++) {
        bytes out;
        regex *r = regex_ref(ctx);
        bool ok = regex_expand(r, BYTES("foo-42"), BYTES("$2"), &a, &out) && bytes_eq(out, BYTES("42"));
        regex_unref(r);
        if (!ok)
            return ctx;
    }
    arena_release(&a);
    return NULL;
}

START_TEST(regex_is_shared_between_threads)
{
    regex *r = regex_new(BYTES("(foo)-(.*)"), NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, expand_many, r);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    regex_unref(r);
    regex_unref(NULL);
}
END_TEST

TCase *regex_cases(void)
{
    TCase *tc = tcase_create("regex");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, regex_sees_simple_shapes, 0, N_ROWS(shapes));
    tcase_add_loop_test(tc, regex_matches_whole_texts, 0, N_ROWS(matches));
    tcase_add_loop_test(tc, regex_shapes_agree_with_the_engine, 0, 2);
    tcase_add_test(tc, regex_finds_among_many_literals);
    tcase_add_loop_test(tc, regex_expands_templates_as_go_does, 0, N_ROWS(expands));
    tcase_add_test(tc, what_expands_beyond_any_label_says_so);
    tcase_add_test(tc, regex_is_shared_between_threads);
    return tc;
}
