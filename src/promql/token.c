/* token.c: what a token is called in messages, and what a quoted one means (see lex.h).                        */
#include "promql/lex.h"
#include "base/utf8.h"

/* Kinds that messages introduce by a noun; the others stand for themselves. */
static const char *const nouns[TOK_N] = {
    [TOK_IDENTIFIER] = "identifier", [TOK_METRIC_IDENTIFIER] = "metric identifier", [TOK_NUMBER] = "number",
    [TOK_DURATION] = "duration",     [TOK_STRING] = "string",
};

/* The first n runes. */
static bytes runes_prefix(bytes s, int n)
{
    size_t at = 0;
    while (n-- > 0 && at < s.len) {
        int width = 0;
        utf8_decode(bytes_sub(s, at, 4), &width);
        at += (size_t)width;
    }
    return bytes_sub(s, 0, at);
}

void token_describe(const token *t, buf *out)
{
    bool is_name = t->kind == TOK_IDENTIFIER || t->kind == TOK_METRIC_IDENTIFIER;
    if (t->kind == TOK_EOF) {
        buf_putz(out, "end of input");
        return;
    }
    if (nouns[t->kind]) {
        buf_putz(out, nouns[t->kind]);
        buf_putc(out, ' ');
    }
    if (t->kind >= TOK_FIRST_KEYWORD && t->kind <= TOK_LAST_KEYWORD) {
        buf_printf(out, "<%.*s>", BYTES_ARG(t->text));
    } else if (t->kind >= TOK_FIRST_OPERATOR && t->kind <= TOK_LAST_OPERATOR) {
        buf_printf(out, "<op:%.*s>", BYTES_ARG(t->text));
    } else if (token_is_aggregator(t->kind)) {
        buf_printf(out, "<aggr:%.*s>", BYTES_ARG(t->text));
    } else if (t->text.len > 10 && !is_name) {
        utf8_quote(out, runes_prefix(t->text, 10));
        buf_putz(out, "...");
    } else {
        utf8_quote(out, t->text);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* n digits of base 8 or 16. */
static bool take_digits(cursor *c, int n, int base, uint32_t *v)
{
    for (*v = 0; n > 0; n--, c->at++) {
        int d = cursor_done(c) ? -1 : hex_value(*c->at);
        if (d < 0 || d >= base)
            return false;
        *v = *v * (uint32_t)base + (uint32_t)d;
    }
    return true;
}

static char *put_rune(char *w, uint32_t rune)
{
    return w + utf8_encode(rune, w);
}

/* Behind the backslash; writes at most 4 bytes at *w. */
static bool take_escape(cursor *c, char quote, char **w)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    uint32_t v = 0;
    if (cursor_done(c))
        return false;
    char ch = *c->at;
    const char *simple = ch ? strchr(from, ch) : NULL;
    if (ch >= '0' && ch <= '7') {
        if (!take_digits(c, 3, 8, &v) || v > 255)
            return false;
        *(*w)++ = (char)v;
        return true;
    }
    c->at++;
    if (simple || ch == quote) {
        *(*w)++ = simple ? to[simple - from] : quote;
        return true;
    }
    switch (ch) {
    case 'x':   /* one byte, UTF-8 or not */
        if (!take_digits(c, 2, 16, &v))
            return false;
        *(*w)++ = (char)v;
        return true;
    case 'u':
    case 'U':
        if (!take_digits(c, ch == 'u' ? 4 : 8, 16, &v) || v > 0x10FFFF)
            return false;
        *w = put_rune(*w, v);
        return true;
    default: return false;
    }
}

bool string_unquote(bytes quoted, arena *a, bytes *out)
{
    if (quoted.len < 2 || quoted.p[0] != quoted.p[quoted.len - 1])
        return false;
    char quote = quoted.p[0];
    bytes in = bytes_sub(quoted, 1, quoted.len - 2);
    if (quote == '`' || bytes_find(in, '\\') < 0) {
        *out = in;
        return true;
    }
    char *text = arena_text(a, in.len), *w = text;   /* no escape is shorter than what it stands for */
    for (cursor c = cursor_of(in); !cursor_done(&c);) {
        char ch = *c.at++;
        if (ch != '\\')
            *w++ = ch;
        else if (!take_escape(&c, quote, &w))
            return false;
    }
    *out = bytes_n(text, (size_t)(w - text));
    return true;
}
