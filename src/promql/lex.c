/* lex.c: the lexer of PromQL (see lex.h).
 *
 * 1. One function per state: lex_statements (outside), lex_braces, lex_duration (behind a `[` until the first number;
 *    from there to the `]` the outer state goes on, with `bracket_open` set).
 * 2. l->start is the first byte of the token being read; emit() hands it out and moves start to l->at. A mistake keeps
 *    l->start: some come after their character was emitted and are placed behind it, as upstream does.
 * 3. Keywords are words without case; everything else is compared as written.                                  */
#include "promql/lex.h"
#include "base/utf8.h"
#include <stdio.h>

enum { RUNE_EOF = -1, RUNE_ERROR = 0xFFFD };

static const struct word {
    const char *text;
    enum token_kind kind;
} words[] = {
    { "and", TOK_AND },           { "or", TOK_OR },
    { "unless", TOK_UNLESS },     { "atan2", TOK_ATAN2 },
    { "sum", TOK_SUM },           { "avg", TOK_AVG },
    { "count", TOK_COUNT },       { "min", TOK_MIN },
    { "max", TOK_MAX },           { "group", TOK_GROUP },
    { "stddev", TOK_STDDEV },     { "stdvar", TOK_STDVAR },
    { "topk", TOK_TOPK },         { "bottomk", TOK_BOTTOMK },
    { "quantile", TOK_QUANTILE }, { "count_values", TOK_COUNT_VALUES },
    { "limitk", TOK_LIMITK },     { "limit_ratio", TOK_LIMIT_RATIO },
    { "offset", TOK_OFFSET },     { "smoothed", TOK_SMOOTHED },
    { "anchored", TOK_ANCHORED }, { "by", TOK_BY },
    { "without", TOK_WITHOUT },   { "on", TOK_ON },
    { "ignoring", TOK_IGNORING }, { "group_left", TOK_GROUP_LEFT },
    { "fill", TOK_FILL },         { "group_right", TOK_GROUP_RIGHT },
    { "bool", TOK_BOOL },         { "fill_left", TOK_FILL_LEFT },
    { "start", TOK_START },       { "fill_right", TOK_FILL_RIGHT },
    { "end", TOK_END },           { "step", TOK_STEP },
    { "range", TOK_RANGE },       { "max_of", TOK_MAX_OF },
    { "min_of", TOK_MIN_OF },     { "inf", TOK_NUMBER },
    { "nan", TOK_NUMBER },
};
enum { N_WORDS = sizeof words / sizeof *words };

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(int c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(int c)
{
    return is_alpha(c) || is_digit(c);
}

/* ---- reading ---- */

/* The byte `ahead` of the current one, or RUNE_EOF. Bytes of longer runes never equal what the lexer looks for. */
static int peek_at(const lexer *l, int32_t ahead)
{
    return (size_t)(l->at + ahead) < l->in.len ? (unsigned char)l->in.p[l->at + ahead] : RUNE_EOF;
}

static int peek(const lexer *l)
{
    return peek_at(l, 0);
}

/* The next rune, and past it; RUNE_EOF stays. Bytes that are no UTF-8 are RUNE_ERROR, one at a time. */
static int32_t next_rune(lexer *l)
{
    if ((size_t)l->at >= l->in.len)
        return RUNE_EOF;
    int width = 0;
    uint32_t r = utf8_decode(bytes_sub(l->in, (size_t)l->at, 4), &width);
    l->at += width;
    return (int32_t)r;
}

static bool in_set(int c, const char *set)
{
    return c > 0 && c < 128 && strchr(set, c);
}

static bool accept(lexer *l, const char *set)
{
    if (!in_set(peek(l), set))
        return false;
    l->at++;
    return true;
}

static void accept_run(lexer *l, const char *set)
{
    while (accept(l, set))
        continue;
}

static bytes current(const lexer *l)
{
    return bytes_sub(l->in, (size_t)l->start, (size_t)(l->at - l->start));
}

static token emit(lexer *l, enum token_kind kind)
{
    token t = { kind, l->start, current(l) };
    l->start = l->at;
    return t;
}

/* ---- mistakes ---- */

static token mistake(lexer *l, const char *text)
{
    if (!l->error[0])
        snprintf(l->error, sizeof l->error, "%s", text);
    return (token){ TOK_ERROR, l->start, { 0 } };
}

/* before, then the rune in quotes, then behind. */
static token mistake_rune(lexer *l, const char *before, int32_t rune, const char *behind)
{
    buf b;
    buf_init(&b, LEX_ERROR_MAX);
    buf_putz(&b, before);
    utf8_quote_rune(&b, rune < 0 ? RUNE_ERROR : (uint32_t)rune);
    buf_putz(&b, behind);
    buf_putc(&b, '\0');
    token t = mistake(l, b.p);
    buf_release(&b);
    return t;
}

/* As Go's %#U: U+0063 'c'. */
static token mistake_escape(lexer *l, const char *before, int32_t rune, const char *behind)
{
    char c[5] = { 0 }, text[128];
    utf8_encode((uint32_t)rune, c);
    if (utf8_is_print((uint32_t)rune))
        snprintf(text, sizeof text, "%sU+%04X '%s'%s", before, (unsigned)rune, c, behind);
    else
        snprintf(text, sizeof text, "%sU+%04X%s", before, (unsigned)rune, behind);
    return mistake(l, text);
}

/* before, then what was read so far in quotes. */
static token mistake_current(lexer *l, const char *before)
{
    buf b;
    buf_init(&b, LEX_ERROR_MAX - 1);
    buf_putz(&b, before);
    utf8_quote(&b, current(l));
    snprintf(l->error, sizeof l->error, "%.*s", BYTES_ARG(buf_bytes(&b)));
    buf_release(&b);
    return mistake(l, "");
}

/* ---- strings ---- */

static int digit_value(int32_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

/* An escape of n digits, the first of them already in ch. */
static bool escape_digits(lexer *l, int32_t ch, int n, int base, uint32_t max)
{
    uint32_t x = 0;
    for (;; ch = next_rune(l)) {
        int d = digit_value(ch);
        if (ch == RUNE_EOF) {
            mistake(l, "escape sequence not terminated");
            return false;
        }
        if (d >= base) {
            mistake_escape(l, "illegal character ", ch, " in escape sequence");
            return false;
        }
        x = x * (uint32_t)base + (uint32_t)d;
        if (--n == 0)
            break;
    }
    if (x > max || (x >= 0xD800 && x < 0xE000)) {
        mistake(l, "escape sequence is an invalid Unicode code point");
        return false;
    }
    return true;
}

/* Behind a backslash. */
static bool escape(lexer *l)
{
    int32_t ch = next_rune(l);
    if (ch == (int32_t)l->quote)
        return true;
    switch (ch) {
    case 'a': case 'b': case 'f': case 'n': case 'r': case 't': case 'v': case '\\': return true;
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7':
        return escape_digits(l, ch, 3, 8, 255);
    case 'x': return escape_digits(l, next_rune(l), 2, 16, 255);
    case 'u': return escape_digits(l, next_rune(l), 4, 16, 0x10FFFF);
    case 'U': return escape_digits(l, next_rune(l), 8, 16, 0x10FFFF);
    case RUNE_EOF: mistake(l, "escape sequence not terminated"); return false;
    default: mistake_escape(l, "unknown escape sequence ", ch, ""); return false;
    }
}

/* Behind the opening quote. */
static token lex_string(lexer *l)
{
    for (;;) {
        int32_t r = next_rune(l);
        if (r == '\\') {
            if (!escape(l))
                return (token){ TOK_ERROR, l->start, { 0 } };
        } else if (r == RUNE_ERROR) {
            return mistake(l, "invalid UTF-8 rune");
        } else if (r == RUNE_EOF || r == '\n') {
            return mistake(l, "unterminated quoted string");
        } else if (r == (int32_t)l->quote) {
            return emit(l, TOK_STRING);
        }
    }
}

static token lex_raw_string(lexer *l)
{
    for (;;) {
        int32_t r = next_rune(l);
        if (r == RUNE_ERROR)
            return mistake(l, "invalid UTF-8 rune");
        if (r == RUNE_EOF)
            return mistake(l, "unterminated raw string");
        if (r == '`')
            return emit(l, TOK_STRING);
    }
}

static token lex_quoted(lexer *l, int32_t quote)
{
    l->quote = (uint32_t)quote;
    return quote == '`' ? lex_raw_string(l) : lex_string(l);
}

/* ---- numbers and durations ---- */

/* Digits of a number from the second character on: no dot or exponent twice, nothing odd behind a dot, an exponent or
 * an underscore. What passes is not yet a number: the parser has the last word. */
static bool scan_digits(lexer *l, const char *digits, bool is_hex)
{
    bool dot = false, exponent = false;
    for (;;) {
        int c = peek(l);
        if (c == '.') {
            l->at++;
            if (dot || accept(l, "_.") || is_hex)
                return false;
            dot = true;
        } else if (c == 'e' || c == 'E') {
            l->at++;
            if (exponent)
                return false;
            exponent = true;
            accept(l, "+-");
            if (accept(l, "._eE") || peek(l) == RUNE_EOF)
                return false;
        } else if (c == '_') {
            l->at++;
            if (accept(l, "._eE") || peek(l) == RUNE_EOF)
                return false;
        } else if (in_set(c, digits)) {
            accept_run(l, digits);
        } else {
            return true;
        }
    }
}

static bool scan_number(lexer *l)
{
    const char *digits = "0123456789";
    int32_t from = l->at;
    bool is_hex = false;
    if (accept(l, "0") && accept(l, "xX")) {
        accept(l, "_");
        digits = "0123456789abcdefABCDEF";
        is_hex = true;
    }
    accept(l, ".");
    accept(l, digits);
    return scan_digits(l, digits, is_hex) && l->at != from && !is_alnum(peek(l));
}

/* A duration from its first unit on, since scan_number() took the digits. Whether units and order are right is decided
 * later. */
static bool scan_duration(lexer *l)
{
    if (!accept(l, "smhdwy"))
        return false;
    accept(l, "s");
    while (accept(l, "0123456789")) {
        accept_run(l, "0123456789");
        if (!accept(l, "smhdw"))
            return false;
        accept(l, "s");
    }
    if (!is_alnum(peek(l)))
        return true;
    l->at++;   /* the message shows what is too much */
    return false;
}

static token lex_number(lexer *l)
{
    if (scan_number(l))
        return emit(l, TOK_NUMBER);
    if (scan_duration(l))
        return emit(l, TOK_DURATION);
    return mistake_current(l, "bad number or duration syntax: ");
}

/* ---- words ---- */

static const struct word *word_find(bytes text)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (bytes_eq_nocase(text, bytes_of(words[i].text)))
            return &words[i];
    return NULL;
}

/* step, range, max_of, min_of inside brackets; the word ends at a digit. */
static bool lex_duration_word(lexer *l, token *out)
{
    while (is_alpha(peek(l)))
        l->at++;
    const struct word *w = word_find(current(l));
    if (!w || (w->kind != TOK_STEP && w->kind != TOK_RANGE && w->kind != TOK_MAX_OF && w->kind != TOK_MIN_OF))
        return false;
    *out = emit(l, w->kind);
    return true;
}

static bool starts_duration_word(int c)
{
    return in_set(c, "srmSRM");
}

static bool paren_follows(const lexer *l)
{
    int32_t ahead = 0;
    while (lex_is_space(peek_at(l, ahead)))
        ahead++;
    return peek_at(l, ahead) == '(';
}

static token lex_word(lexer *l)
{
    while (is_alnum(peek(l)) || peek(l) == ':')
        l->at++;
    const struct word *w = word_find(current(l));
    if (!w)
        return emit(l, bytes_find(current(l), ':') < 0 ? TOK_IDENTIFIER : TOK_METRIC_IDENTIFIER);
    /* the fill words came late: metrics of that name must go on working */
    if (w->kind >= TOK_FILL && w->kind <= TOK_FILL_RIGHT && !paren_follows(l))
        return emit(l, TOK_IDENTIFIER);
    return emit(l, w->kind);
}

/* ---- the states ---- */

/* Two-character operators: `first` has been read. */
static const struct {
    char first, second;
    enum token_kind both, alone;
} pairs[] = {
    { '<', '=', TOK_LTE, TOK_LSS }, { '<', '/', TOK_TRIM_UPPER, TOK_LSS },
    { '>', '=', TOK_GTE, TOK_GTR }, { '>', '/', TOK_TRIM_LOWER, TOK_GTR },
};

static const struct {
    char c;
    enum token_kind kind;
} singles[] = {
    { ',', TOK_COMMA }, { '*', TOK_MUL }, { '/', TOK_DIV }, { '%', TOK_MOD },
    { '+', TOK_ADD },   { '-', TOK_SUB }, { '^', TOK_POW }, { '@', TOK_AT },
};

static token lex_compare(lexer *l, int32_t first)
{
    enum token_kind alone = TOK_LSS;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].first != first)
            continue;
        alone = pairs[i].alone;
        if (peek(l) == pairs[i].second) {
            l->at++;
            return emit(l, pairs[i].both);
        }
    }
    return emit(l, alone);
}

static token lex_equal(lexer *l)
{
    if (peek(l) == '~')
        return mistake_rune(l, "unexpected character after '=': ", '~', "");
    if (peek(l) != '=')
        return emit(l, TOK_EQL);
    l->at++;
    return emit(l, TOK_EQLC);
}

static token lex_not(lexer *l)
{
    int32_t r = next_rune(l);
    return r == '=' ? emit(l, TOK_NEQ) : mistake_rune(l, "unexpected character after '!': ", r, "");
}

static token lex_paren(lexer *l, int32_t r)
{
    token t = emit(l, r == '(' ? TOK_LEFT_PAREN : TOK_RIGHT_PAREN);
    l->paren_depth += r == '(' ? 1 : -1;
    return l->paren_depth < 0 ? mistake_rune(l, "unexpected right parenthesis ", r, "") : t;
}

static token lex_bracket(lexer *l, int32_t r)
{
    if (r == '[' ? l->bracket_open : !l->bracket_open)
        return mistake_rune(l, r == '[' ? "unexpected left bracket " : "unexpected right bracket ", r, "");
    token t = emit(l, r == '[' ? TOK_LEFT_BRACKET : TOK_RIGHT_BRACKET);
    l->bracket_open = l->in_duration = r == '[';
    if (r == '[')
        l->got_colon = false;
    return t;
}

/* A letter or colon between a number and the `]`. */
static token lex_bracket_word(lexer *l, int32_t r)
{
    token t;
    if (r == ':') {
        if (l->got_colon)
            return mistake_rune(l, "unexpected colon ", r, "");
        l->got_colon = true;
        return emit(l, TOK_COLON);
    }
    if (starts_duration_word(r) && lex_duration_word(l, &t))
        return t;
    return mistake_rune(l, "unexpected character: ", r, ", expected ':'");
}

static token lex_end(lexer *l)
{
    if (l->paren_depth != 0)
        return mistake(l, "unclosed left parenthesis");
    if (l->bracket_open)
        return mistake(l, "unclosed left bracket");
    return emit(l, TOK_EOF);
}

static bool lex_single(lexer *l, int32_t r, token *out)
{
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++) {
        if (r == singles[i].c) {
            *out = emit(l, singles[i].kind);
            return true;
        }
    }
    return false;
}

static token lex_statements(lexer *l)
{
    token t;
    int32_t r = next_rune(l);
    if (r == RUNE_EOF)
        return lex_end(l);
    if (lex_single(l, r, &t))
        return t;
    if (is_digit(r) || (r == '.' && is_digit(peek(l)))) {
        l->at = l->start;
        return lex_number(l);
    }
    if (is_alpha(r) || r == ':') {
        if (l->bracket_open)
            return lex_bracket_word(l, r);
        return lex_word(l);
    }
    switch (r) {
    case '<': case '>': return lex_compare(l, r);
    case '=': return lex_equal(l);
    case '!': return lex_not(l);
    case '"': case '\'': case '`': return lex_quoted(l, r);
    case '(': case ')': return lex_paren(l, r);
    case '[': case ']': return lex_bracket(l, r);
    case '{': l->brace_open = true; return emit(l, TOK_LEFT_BRACE);
    default: return mistake_rune(l, "unexpected character: ", r, "");
    }
}

static token lex_brace_not(lexer *l)
{
    int32_t r = next_rune(l);
    if (r == '~')
        return emit(l, TOK_NEQ_REGEX);
    if (r == '=')
        return emit(l, TOK_NEQ);
    return mistake_rune(l, "unexpected character after '!' inside braces: ", r, "");
}

/* Between braces every word is a label name. */
static token lex_braces(lexer *l)
{
    int32_t r = next_rune(l);
    if (is_alpha(r)) {
        while (is_alnum(peek(l)))
            l->at++;
        return emit(l, TOK_IDENTIFIER);
    }
    switch (r) {
    case RUNE_EOF: return mistake(l, "unexpected end of input inside braces");
    case ',': return emit(l, TOK_COMMA);
    case '"': case '\'': case '`': return lex_quoted(l, r);
    case '=': return accept(l, "~") ? emit(l, TOK_EQL_REGEX) : emit(l, TOK_EQL);
    case '!': return lex_brace_not(l);
    case '{': return mistake_rune(l, "unexpected left brace ", r, "");
    case '}': l->brace_open = false; return emit(l, TOK_RIGHT_BRACE);
    default: return mistake_rune(l, "unexpected character inside braces: ", r, "");
    }
}

static token lex_duration_colon(lexer *l)
{
    token t = emit(l, TOK_COLON);
    if (!l->got_duration)
        return mistake(l, "unexpected colon before duration in duration expression");
    if (l->got_colon)
        return mistake(l, "unexpected repeated colon in duration expression");
    l->got_colon = true;
    return t;
}

static token lex_duration(lexer *l)
{
    token t;
    int32_t r = next_rune(l);
    if (r == RUNE_EOF)
        return mistake(l, "unexpected end of input in duration expression");
    if (r == ':')
        return lex_duration_colon(l);
    if (r == '(' || r == ')')
        return lex_paren(l, r);
    if (r == ']') {
        l->got_colon = false;
        return lex_bracket(l, r);
    }
    if (r != '@' && lex_single(l, r, &t))
        return t;
    if (starts_duration_word(r) && lex_duration_word(l, &t))
        return t;
    if (is_digit(r) || (r == '.' && is_digit(peek(l)))) {
        l->at = l->start;
        l->got_duration = true;
        l->in_duration = false;
        return lex_number(l);
    }
    return mistake_rune(l, "unexpected character in duration expression: ", r, "");
}

/* White space, and comments where they may stand. */
static void skip_blank(lexer *l)
{
    for (;;) {
        while (lex_is_space(peek(l)))
            l->at++;
        l->start = l->at;
        if (peek(l) != '#' || l->in_duration)
            return;
        while (peek(l) != RUNE_EOF && peek(l) != '\n' && peek(l) != '\r')
            l->at++;
        l->last = l->start;
    }
}

void lexer_init(lexer *l, bytes in)
{
    *l = (lexer){ .in = in };
}

token lexer_next(lexer *l)
{
    if (l->error[0])
        return (token){ TOK_ERROR, l->start, { 0 } };
    skip_blank(l);
    token t = l->in_duration ? lex_duration(l) : l->brace_open ? lex_braces(l) : lex_statements(l);
    l->last = t.start;
    return t;
}

const char *lexer_keyword(size_t i, enum token_kind *kind)
{
    if (i >= N_WORDS || words[i].kind == TOK_NUMBER)
        return NULL;
    if (kind)
        *kind = words[i].kind;
    return words[i].text;
}
