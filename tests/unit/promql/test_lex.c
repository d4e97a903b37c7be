/* test_lex.c: tokens, one row a text: "kind:start:text" joined by spaces. */
#include "tests.h"
#include "promql/lex.h"
#include <stdlib.h>

static const struct {
    const char *in, *kinds;   /* one letter a token, see letter() */
    const char *error;
    int error_at;
} cases[] = {
    { "", ".", NULL, 0 },
    { "  # only\n", ".", NULL, 0 },
    { "foo a:b sum by and on", "imakok.", NULL, 0 },
    { "1 5m 0x1f .5 1.e3 inf", "ndnnnn.", NULL, 0 },
    { "+ - * / % ^ == != < <= > >= </ >/ @ =", "ooooooooooooooo=.", NULL, 0 },
    { "\"a\" 'b' `c`", "sss.", NULL, 0 },
    { "{a=\"b\",sum!~'c'} sum", "{i=s,ios}a.", NULL, 0 },
    { "x[5m:1m]", "i[d:d].", NULL, 0 },
    { "x[step()+MIN_OF(1,2)]", "i[w()ow(n,n)].", NULL, 0 },
    { "fill fill(", "ik(", "unclosed left parenthesis", 10 },
    { "fill_left\n\t(1)", "k(n).", NULL, 0 },
    { "start end step", "www.", NULL, 0 },
    { "a)", "i", "unexpected right parenthesis ')'", 2 },
    { "a]", "i", "unexpected right bracket ']'", 1 },
    { "a[1[", "i[n", "unexpected left bracket '['", 3 },
    { "a[", "i[", "unexpected end of input in duration expression", 2 },
    { "a[1", "i[n", "unclosed left bracket", 3 },
    { "{", "{", "unexpected end of input inside braces", 1 },
    { "{{", "{", "unexpected left brace '{'", 1 },
    { "a ~", "i", "unexpected character: '~'", 2 },
    { "=~", "", "unexpected character after '=': '~'", 0 },
    { "!", "", "unexpected character after '!': '\xef\xbf\xbd'", 0 },
    { "\xc3\xa9", "", "unexpected character: '\xc3\xa9'", 0 },
    { "\xff", "", "unexpected character: '\xef\xbf\xbd'", 0 },
    { "'a\\'", "", "unterminated quoted string", 0 },
    { "'\\400'", "", "escape sequence is an invalid Unicode code point", 0 },
    { "'\\xg0'", "", "illegal character U+0067 'g' in escape sequence", 0 },
    { "'\\\x01'", "", "unknown escape sequence U+0001", 0 },
    { "1a", "", "bad number or duration syntax: \"1\"", 0 },
    { "1m2q", "", "bad number or duration syntax: \"1m2\"", 0 },
};

static char letter(enum token_kind k)
{
    static const struct {
        enum token_kind kind;
        char letter;
    } plain[] = {
        { TOK_EOF, '.' },        { TOK_IDENTIFIER, 'i' },  { TOK_METRIC_IDENTIFIER, 'm' }, { TOK_NUMBER, 'n' },
        { TOK_DURATION, 'd' },   { TOK_STRING, 's' },      { TOK_LEFT_PAREN, '(' },        { TOK_RIGHT_PAREN, ')' },
        { TOK_LEFT_BRACE, '{' }, { TOK_RIGHT_BRACE, '}' }, { TOK_LEFT_BRACKET, '[' },      { TOK_RIGHT_BRACKET, ']' },
        { TOK_COMMA, ',' },      { TOK_COLON, ':' },       { TOK_EQL, '=' },
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].kind == k)
            return plain[i].letter;
    if (token_is_aggregator(k))
        return 'a';
    if (k >= TOK_FIRST_KEYWORD && k <= TOK_LAST_KEYWORD)
        return 'k';
    return k >= TOK_START ? 'w' : 'o';
}

START_TEST(lexer_cuts_text_into_tokens)
{
    lexer l;
    buf kinds;
    token t;
    int32_t end = 0;
    lexer_init(&l, bytes_of(cases[_i].in));
    buf_init(&kinds, 256);
    while ((t = lexer_next(&l)).kind != TOK_ERROR) {
        ck_assert_int_ge(t.start, end);
        ck_assert_mem_eq(t.text.p, cases[_i].in + t.start, t.text.len);
        end = token_end(&t);
        buf_putc(&kinds, letter(t.kind));
        if (t.kind == TOK_EOF)
            break;
    }
    buf_putc(&kinds, '\0');
    ck_assert_str_eq(kinds.p, cases[_i].kinds);
    ck_assert_str_eq(l.error, cases[_i].error ? cases[_i].error : "");
    if (cases[_i].error)
        ck_assert_int_eq(l.start, cases[_i].error_at);
    ck_assert_int_eq(lexer_next(&l).kind, cases[_i].error ? TOK_ERROR : TOK_EOF);   /* for ever */
    buf_release(&kinds);
}
END_TEST

static const struct {
    const char *in, *out;   /* out NULL: refused */
} strings[] = {
    { "\"\"", "" },
    { "'a\"b'", "a\"b" },
    { "`a\\n`", "a\\n" },
    { "\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\"", "\a\b\f\n\r\t\v\\\"" },
    { "\"\\x41\\101\\u00e9\\U0001F600\"", "AA\xc3\xa9\xf0\x9f\x98\x80" },
    { "\"\\xff\"", "\xff" },
    { "\"", NULL },
    { "\"a'", NULL },
    { "\"\\'\"", NULL },
    { "\"\\x4\"", NULL },
    { "\"\\U00110000\"", NULL },
    { "\"\\777\"", NULL },
    { "\"\\q\"", NULL },
};

START_TEST(strings_are_unquoted)
{
    arena a;
    bytes out = { 0 };
    arena_init(&a, 0);
    bool ok = string_unquote(bytes_of(strings[_i].in), &a, &out);
    ck_assert_int_eq(ok, strings[_i].out != NULL);
    if (ok)
        ck_assert(bytes_eq(out, bytes_of(strings[_i].out)));
    arena_release(&a);
}
END_TEST

START_TEST(keywords_are_listed)
{
    size_t n = 0;
    enum token_kind k = TOK_EOF;
    for (const char *w; (w = lexer_keyword(n, &k)); n++) {
        lexer l;
        lexer_init(&l, bytes_of(w));
        enum token_kind found = lexer_next(&l).kind;
        bool is_fill = k >= TOK_FILL && k <= TOK_FILL_RIGHT;   /* keywords only before a parenthesis */
        ck_assert_int_eq(found, is_fill ? TOK_IDENTIFIER : k);
    }
    ck_assert_uint_eq(n, 37);
}
END_TEST

Suite *suite_lex(void)
{
    Suite *s = suite_create("promql lex");
    TCase *t = tcase_create("lex");
    tcase_add_loop_test(t, lexer_cuts_text_into_tokens, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, strings_are_unquoted, 0, sizeof strings / sizeof *strings);
    tcase_add_test(t, keywords_are_listed);
    suite_add_tcase(s, t);
    return s;
}
