/* test_utf8.c: UTF-8, Go's quoting, and the tables of Unicode. */
#include "tests.h"
#include "base/utf8.h"

static const struct {
    const char *in;
    bool valid;
    uint32_t first;
    int width;
} texts[] = {
    { "", true, 0xFFFD, 0 },
    { "a", true, 'a', 1 },
    { "é", true, 0xe9, 2 },
    { "€", true, 0x20ac, 3 },
    { "😀", true, 0x1f600, 4 },
    { "\xef\xbf\xbd", true, 0xFFFD, 3 }, /* U+FFFD itself */
    { "\x80", false, 0xFFFD, 1 },
    { "\xc0\x80", false, 0xFFFD, 1 }, /* over-long */
    { "\xc1\xbf", false, 0xFFFD, 1 },
    { "\xe0\x9f\xbf", false, 0xFFFD, 1 },
    { "\xf0\x8f\xbf\xbf", false, 0xFFFD, 1 },
    { "\xed\xa0\x80", false, 0xFFFD, 1 }, /* surrogate */
    { "\xed\x9f\xbf", true, 0xd7ff, 3 },
    { "\xf4\x8f\xbf\xbf", true, 0x10ffff, 4 },
    { "\xf4\x90\x80\x80", false, 0xFFFD, 1 }, /* beyond the last */
    { "\xf5\x80\x80\x80", false, 0xFFFD, 1 },
    { "\xe2\x82", false, 0xFFFD, 1 }, /* cut */
    { "\xe2\x28\xa1", false, 0xFFFD, 1 },
    { "\xff", false, 0xFFFD, 1 },
    { "abcdefghijklmno\xff", false, 'a', 1 },
    { "abcdefgh€jklmnopq", true, 'a', 1 },
};

START_TEST(utf8_accepts_valid_sequences_only)
{
    bytes s = bytes_of(texts[_i].in);
    int width = -1;
    ck_assert_int_eq(utf8_valid(s), texts[_i].valid);
    ck_assert_uint_eq(utf8_decode(s, &width), texts[_i].first);
    ck_assert_int_eq(width, texts[_i].width);
}
END_TEST

START_TEST(utf8_encodes_what_it_decodes)
{
    for (uint32_t rune = 0; rune <= 0x10FFFF; rune += rune < 0x3000 ? 1 : 97) {
        char text[4];
        int width, n = utf8_encode(rune, text);
        uint32_t want = rune >= 0xD800 && rune <= 0xDFFF ? 0xFFFD : rune;
        ck_assert_uint_eq(utf8_decode(bytes_n(text, (size_t)n), &width), want);
        ck_assert_int_eq(width, n);
    }
    char text[4];
    ck_assert_int_eq(utf8_encode(0x110000, text), 3);
    ck_assert(memcmp(text, "\xef\xbf\xbd", 3) == 0);
}
END_TEST

static const struct {
    const char *in, *quoted;
} quotes[] = {
    { "", "\"\"" },
    { "plain", "\"plain\"" },
    { "a\"b\\c'd`", "\"a\\\"b\\\\c'd`\"" },
    { "\a\b\f\n\r\t\v", "\"\\a\\b\\f\\n\\r\\t\\v\"" },
    { "\x01\x1f\x7f", "\"\\x01\\x1f\\x7f\"" },
    { "é€😀", "\"é€😀\"" },
    { "\xff\xc0", "\"\\xff\\xc0\"" },
    { "\xef\xbf\xbd", "\"\xef\xbf\xbd\"" },
    { "\xc2\xa0", "\"\\u00a0\"" }, /* no-break space does not print */
    { "\xe2\x80\xa8", "\"\\u2028\"" },
    { "\xf3\xa0\x80\x81", "\"\\U000e0001\"" },
    { "\xef\xbb\xbf", "\"\\ufeff\"" },
};

START_TEST(utf8_quotes_as_go_quotes)
{
    buf b;
    buf_init(&b, 1000);
    utf8_quote(&b, bytes_of(quotes[_i].in));
    ck_bytes(buf_bytes(&b), quotes[_i].quoted);
    buf_release(&b);
}
END_TEST

START_TEST(utf8_quotes_runes_as_go_quotes)
{
    static const struct {
        uint32_t rune;
        const char *quoted;
    } runes[] = { { 'a', "'a'" },
                  { '\'', "'\\''" },
                  { '"', "'\"'" },
                  { '\\', "'\\\\'" },
                  { 0, "'\\x00'" },
                  { '\n', "'\\n'" },
                  { 0x20ac, "'€'" },
                  { 0x7f, "'\\x7f'" },
                  { 0xa0, "'\\u00a0'" },
                  { 0xE0001, "'\\U000e0001'" },
                  { 0xD800, "'\xef\xbf\xbd'" },
                  { 0x110000, "'\xef\xbf\xbd'" } };
    buf b;
    buf_init(&b, 100);
    for (int i = 0; i < N_ROWS(runes); i++) {
        buf_clear(&b);
        utf8_quote_rune(&b, runes[i].rune);
        ck_bytes(buf_bytes(&b), runes[i].quoted);
    }
    buf_release(&b);
}
END_TEST

START_TEST(utf8_knows_classes_and_cases)
{
    ck_assert(utf8_is_print(' ') && utf8_is_print('~') && !utf8_is_print('\t') && !utf8_is_print(0x7f));
    ck_assert(utf8_is_print(0xe9) && !utf8_is_print(0xad) && !utf8_is_print(0x378) && utf8_is_print(0x4e00));
    ck_assert(utf8_is_word('z') && utf8_is_word('9') && !utf8_is_word('_') && utf8_is_word(0xe9)
              && utf8_is_word(0x663));
    ck_assert(!utf8_is_word(0x20ac) && !utf8_is_word(0x10FFFF));
    static const uint32_t pairs[][2] = { { 'a', 'A' },     { 0xe9, 0xc9 },  { 0x101, 0x100 },   { 0x3b1, 0x391 },
                                         { 0x451, 0x401 }, { 0xff, 0x178 }, { 0x1e01, 0x1e00 }, { 0x10428, 0x10400 } };
    for (int i = 0; i < N_ROWS(pairs); i++) {
        ck_assert_uint_eq(utf8_to_upper(pairs[i][0]), pairs[i][1]);
        ck_assert_uint_eq(utf8_to_lower(pairs[i][1]), pairs[i][0]);
        ck_assert_uint_eq(utf8_to_lower(pairs[i][0]), pairs[i][0]);
        ck_assert_uint_eq(utf8_to_upper(pairs[i][1]), pairs[i][1]);
    }
    ck_assert_uint_eq(utf8_to_upper(0xdf), 0xdf); /* sharp s has no single upper case */
    ck_assert_uint_eq(utf8_to_lower(0x130), 'i');
    ck_assert_uint_eq(utf8_to_upper(0x3c2), 0x3a3); /* final sigma */
    ck_assert_uint_eq(utf8_to_upper('1'), '1');
}
END_TEST

TCase *utf8_cases(void)
{
    TCase *tc = tcase_create("utf8");
    tcase_add_loop_test(tc, utf8_accepts_valid_sequences_only, 0, N_ROWS(texts));
    tcase_add_test(tc, utf8_encodes_what_it_decodes);
    tcase_add_loop_test(tc, utf8_quotes_as_go_quotes, 0, N_ROWS(quotes));
    tcase_add_test(tc, utf8_quotes_runes_as_go_quotes);
    tcase_add_test(tc, utf8_knows_classes_and_cases);
    return tc;
}
