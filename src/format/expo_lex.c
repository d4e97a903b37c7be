/* expo_lex.c: see expo_lex.h.
 *
 * Each state has one function that reads one token. They share three habits of the originals: a token is the longest
 * run its rule takes, there is no going back to an earlier, shorter match, and what does not fit is TOK_INVALID with
 * i at the byte that did not. The state is changed after the byte behind the token has been looked at, which matters
 * because advance() passes over NUL bytes in some states (label values, help, comments). */
#include "format/expo_lex.h"

enum { IS_NAME = 1, IS_COLON = 2, IS_DIGIT = 4 };
static const uint8_t class_of[256] = {
    [':'] = IS_COLON, ['_'] = IS_NAME,  ['0'] = IS_DIGIT, ['1'] = IS_DIGIT, ['2'] = IS_DIGIT, ['3'] = IS_DIGIT,
    ['4'] = IS_DIGIT, ['5'] = IS_DIGIT, ['6'] = IS_DIGIT, ['7'] = IS_DIGIT, ['8'] = IS_DIGIT, ['9'] = IS_DIGIT,
    ['a'] = IS_NAME,  ['b'] = IS_NAME,  ['c'] = IS_NAME,  ['d'] = IS_NAME,  ['e'] = IS_NAME,  ['f'] = IS_NAME,
    ['g'] = IS_NAME,  ['h'] = IS_NAME,  ['i'] = IS_NAME,  ['j'] = IS_NAME,  ['k'] = IS_NAME,  ['l'] = IS_NAME,
    ['m'] = IS_NAME,  ['n'] = IS_NAME,  ['o'] = IS_NAME,  ['p'] = IS_NAME,  ['q'] = IS_NAME,  ['r'] = IS_NAME,
    ['s'] = IS_NAME,  ['t'] = IS_NAME,  ['u'] = IS_NAME,  ['v'] = IS_NAME,  ['w'] = IS_NAME,  ['x'] = IS_NAME,
    ['y'] = IS_NAME,  ['z'] = IS_NAME,  ['A'] = IS_NAME,  ['B'] = IS_NAME,  ['C'] = IS_NAME,  ['D'] = IS_NAME,
    ['E'] = IS_NAME,  ['F'] = IS_NAME,  ['G'] = IS_NAME,  ['H'] = IS_NAME,  ['I'] = IS_NAME,  ['J'] = IS_NAME,
    ['K'] = IS_NAME,  ['L'] = IS_NAME,  ['M'] = IS_NAME,  ['N'] = IS_NAME,  ['O'] = IS_NAME,  ['P'] = IS_NAME,
    ['Q'] = IS_NAME,  ['R'] = IS_NAME,  ['S'] = IS_NAME,  ['T'] = IS_NAME,  ['U'] = IS_NAME,  ['V'] = IS_NAME,
    ['W'] = IS_NAME,  ['X'] = IS_NAME,  ['Y'] = IS_NAME,  ['Z'] = IS_NAME,
};

const char *expo_token_name(enum expo_token t)
{
    static const char *const names[] = {
        [TOK_EOF] = "EOF",
        [TOK_LINEBREAK] = "LINEBREAK",
        [TOK_WHITESPACE] = "WHITESPACE",
        [TOK_HELP] = "HELP",
        [TOK_TYPE] = "TYPE",
        [TOK_UNIT] = "UNIT",
        [TOK_EOFWORD] = "EOFWORD",
        [TOK_TEXT] = "TEXT",
        [TOK_COMMENT] = "COMMENT",
        [TOK_MNAME] = "MNAME",
        [TOK_QSTRING] = "QSTRING",
        [TOK_BRACE_OPEN] = "BOPEN",
        [TOK_BRACE_CLOSE] = "BCLOSE",
        [TOK_LNAME] = "LNAME",
        [TOK_LVALUE] = "LVALUE",
        [TOK_COMMA] = "COMMA",
        [TOK_EQUAL] = "EQUAL",
        [TOK_TIMESTAMP] = "TIMESTAMP",
        [TOK_VALUE] = "VALUE",
    };
    return t == TOK_INVALID ? "INVALID" : names[t];
}

void expo_lex_init(expo_lexer *l, enum expo_format format, bytes page)
{
    *l = (expo_lexer){ .p = page.p, .len = page.len, .n = page.len + (format == EXPO_TEXT), .format = format };
}

/* Moves to the next byte and returns it. NUL bytes in values and texts are stepped over here, so that no rule of those
 * states ever sees one. */
static unsigned advance(expo_lexer *l)
{
    l->i++;
    unsigned c = expo_byte(l, l->i);
    if (c != 0 || (l->state != LEX_LVALUE && l->state != LEX_META2 && l->state != LEX_COMMENT))
        return c;
    while (l->i < l->n && (c = expo_byte(l, l->i)) == 0)
        l->i++;
    return c;
}

static enum expo_token done(expo_lexer *l, enum expo_token t, enum expo_state state)
{
    l->state = state;
    return t;
}

/* A token of one byte. */
static enum expo_token one(expo_lexer *l, enum expo_token t, enum expo_state state)
{
    advance(l);
    return done(l, t, state);
}

static bool is_blank(unsigned c)
{
    return c == ' ' || c == '\t';
}

static bool is_class(unsigned c, unsigned mask)
{
    return (class_of[c] & mask) != 0;
}

static unsigned run_of(expo_lexer *l, unsigned mask)
{
    unsigned c;
    do {
        c = advance(l);
    } while (is_class(c, mask));
    return c;
}

static enum expo_token blanks(expo_lexer *l)
{
    while (is_blank(advance(l)))
        ;
    return TOK_WHITESPACE;
}

/* "(\\.|[^\\"])*" with i at the opening quote; a newline inside only where the rule has one, never behind a
 * backslash. */
static bool quoted(expo_lexer *l, bool newlines)
{
    unsigned c = advance(l);
    while (c != '"') {
        if (c == '\\') {
            c = advance(l);
            if (c == '\n')
                return false;
        } else if (c == '\n' && !newlines) {
            return false;
        }
        if (c == 0)
            return false;
        c = advance(l);
    }
    advance(l);
    return true;
}

static enum expo_token quoted_token(expo_lexer *l, bool newlines, enum expo_token t, enum expo_state state)
{
    return quoted(l, newlines) ? done(l, t, state) : TOK_INVALID;
}

/* The letters of word behind the current one, then at least one blank (text: tabs too, and more of them). */
static bool word(expo_lexer *l, const char *rest)
{
    unsigned c = advance(l);
    for (; *rest; rest++, c = advance(l))
        if (c != (unsigned char)*rest)
            return false;
    if (l->format == EXPO_TEXT ? !is_blank(c) : c != ' ')
        return false;
    do {
        c = advance(l);
    } while (l->format == EXPO_TEXT && is_blank(c));
    return true;
}

/* To the end of the line; the newline is the next token. A NUL that is not skipped ends the page. */
static enum expo_token text_comment(expo_lexer *l)
{
    for (unsigned c = expo_byte(l, l->i);; c = advance(l)) {
        if (c == 0)
            return TOK_EOF;
        if (c == '\n')
            return done(l, TOK_COMMENT, LEX_INIT);
    }
}

static enum expo_token text_in_comment(expo_lexer *l)
{
    unsigned c = expo_byte(l, l->i);
    if (c == 'H' && word(l, "ELP"))
        return done(l, TOK_HELP, LEX_META1);
    if (c == 'T' && word(l, "YPE"))
        return done(l, TOK_TYPE, LEX_META1);
    return text_comment(l);
}

static enum expo_token text_init(expo_lexer *l, unsigned c)
{
    if (is_class(c, IS_NAME | IS_COLON)) {
        run_of(l, IS_NAME | IS_COLON | IS_DIGIT);
        return done(l, TOK_MNAME, LEX_VALUE);
    }
    switch (c) {
    case '\n': return one(l, TOK_LINEBREAK, LEX_INIT);
    case '{': return one(l, TOK_BRACE_OPEN, LEX_LABELS);
    case 0: return one(l, TOK_EOF, LEX_INIT);
    case '#': break;
    default: return TOK_INVALID;
    }
    if (!is_blank(advance(l)))
        return text_comment(l);
    blanks(l);
    l->state = LEX_COMMENT;
    return text_in_comment(l);
}

static enum expo_token meta_name(expo_lexer *l, unsigned c)
{
    if (c == '"')
        return quoted_token(l, true, TOK_MNAME, LEX_META2);
    if (!is_class(c, IS_NAME | IS_COLON))
        return TOK_INVALID;
    run_of(l, IS_NAME | IS_COLON | IS_DIGIT);
    return done(l, TOK_MNAME, LEX_META2);
}

/* The rest of the line, even if empty; a rest of blanks only is white space. */
static enum expo_token text_rest(expo_lexer *l, unsigned c)
{
    bool only_blanks = is_blank(c);
    while (c != '\n' && c != 0) {
        c = advance(l);
        only_blanks = only_blanks && (is_blank(c) || c == '\n' || c == 0);
    }
    return only_blanks ? TOK_WHITESPACE : done(l, TOK_TEXT, LEX_INIT);
}

static enum expo_token in_labels(expo_lexer *l, unsigned c)
{
    switch (c) {
    case '"': return quoted_token(l, true, TOK_QSTRING, LEX_LABELS);
    case ',': return one(l, TOK_COMMA, LEX_LABELS);
    case '=': return one(l, TOK_EQUAL, LEX_LVALUE);
    case '}': return one(l, TOK_BRACE_CLOSE, LEX_VALUE);
    default: break;
    }
    if (!is_class(c, IS_NAME))
        return TOK_INVALID;
    run_of(l, IS_NAME | IS_DIGIT);
    return TOK_LNAME;
}

static enum expo_token text_value(expo_lexer *l, unsigned c)
{
    if (c == '{')
        return one(l, TOK_BRACE_OPEN, LEX_LABELS);
    if (c == '\n' || c == 0)
        return TOK_INVALID;
    do {
        c = advance(l);
    } while (c != '{' && !is_blank(c) && c != '\n' && c != 0);
    return done(l, TOK_VALUE, LEX_TIMESTAMP);
}

static enum expo_token text_timestamp(expo_lexer *l, unsigned c)
{
    if (c == '\n')
        return one(l, TOK_LINEBREAK, LEX_INIT);
    if (!is_class(c, IS_DIGIT))
        return TOK_INVALID;
    run_of(l, IS_DIGIT);
    return TOK_TIMESTAMP;
}

static enum expo_token lex_text(expo_lexer *l)
{
    unsigned c = expo_byte(l, l->i);
    l->start = l->i;
    if (is_blank(c) && l->state != LEX_META2)
        return blanks(l);
    switch (l->state) {
    case LEX_INIT: return text_init(l, c);
    case LEX_COMMENT: return text_in_comment(l);
    case LEX_META1: return meta_name(l, c);
    case LEX_META2: return text_rest(l, c);
    case LEX_LABELS: return in_labels(l, c);
    case LEX_LVALUE: return c == '"' ? quoted_token(l, true, TOK_LVALUE, LEX_LABELS) : TOK_INVALID;
    case LEX_VALUE: return text_value(l, c);
    case LEX_TIMESTAMP: return text_timestamp(l, c);
    default: return TOK_INVALID;
    }
}

static enum expo_token om_in_comment(expo_lexer *l, unsigned c)
{
    switch (c) {
    case 'H': return word(l, "ELP") ? done(l, TOK_HELP, LEX_META1) : TOK_INVALID;
    case 'T': return word(l, "YPE") ? done(l, TOK_TYPE, LEX_META1) : TOK_INVALID;
    case 'U': return word(l, "NIT") ? done(l, TOK_UNIT, LEX_META1) : TOK_INVALID;
    case 'E': break;
    default: return TOK_INVALID;
    }
    if (advance(l) != 'O' || advance(l) != 'F')
        return TOK_INVALID;
    if (advance(l) == '\n')
        advance(l);
    return done(l, TOK_EOFWORD, LEX_INIT);
}

static enum expo_token om_init(expo_lexer *l, unsigned c)
{
    if (is_class(c, IS_NAME | IS_COLON)) {
        run_of(l, IS_NAME | IS_COLON | IS_DIGIT);
        return done(l, TOK_MNAME, LEX_VALUE);
    }
    if (c == '{')
        return one(l, TOK_BRACE_OPEN, LEX_LABELS);
    if (c != '#' || advance(l) != ' ')
        return TOK_INVALID;
    c = advance(l);
    l->state = LEX_COMMENT;
    return om_in_comment(l, c);
}

/* " rest of the line\n" */
static enum expo_token om_rest(expo_lexer *l, unsigned c)
{
    if (c != ' ')
        return TOK_INVALID;
    do {
        c = advance(l);
    } while (c != '\n' && c != 0);
    return c == '\n' ? one(l, TOK_TEXT, LEX_INIT) : TOK_INVALID;
}

/* " word": a blank and at least one byte that is neither blank nor newline. */
static enum expo_token om_word(expo_lexer *l, enum expo_token t, enum expo_state state)
{
    unsigned c = advance(l);
    if (c == ' ' || c == '\n' || c == 0)
        return TOK_INVALID;
    do {
        c = advance(l);
    } while (c != ' ' && c != '\n' && c != 0);
    return done(l, t, state);
}

/* Either a timestamp or the " # {" that begins an exemplar. */
static enum expo_token om_timestamp(expo_lexer *l, unsigned c)
{
    if (c == '\n')
        return one(l, TOK_LINEBREAK, LEX_INIT);
    if (c != ' ')
        return TOK_INVALID;
    if (expo_byte(l, l->i + 1) != '#' || expo_byte(l, l->i + 2) != ' ')
        return om_word(l, TOK_TIMESTAMP, LEX_TIMESTAMP);
    l->i += 3;
    return expo_byte(l, l->i) == '{' ? one(l, TOK_COMMENT, LEX_EXEMPLAR) : TOK_INVALID;
}

static enum expo_token om_exemplar(expo_lexer *l, unsigned c)
{
    switch (c) {
    case '"': return quoted_token(l, false, TOK_QSTRING, LEX_EXEMPLAR);
    case ',': return one(l, TOK_COMMA, LEX_EXEMPLAR);
    case '=': return one(l, TOK_EQUAL, LEX_EVALUE);
    case '}': return one(l, TOK_BRACE_CLOSE, LEX_EVALUE);
    default: break;
    }
    if (!is_class(c, IS_NAME))
        return TOK_INVALID;
    run_of(l, IS_NAME | IS_DIGIT);
    return TOK_LNAME;
}

static enum expo_token lex_om(expo_lexer *l)
{
    unsigned c = expo_byte(l, l->i);
    l->start = l->i;
    switch (l->state) {
    case LEX_INIT: return om_init(l, c);
    case LEX_COMMENT: return om_in_comment(l, c);
    case LEX_META1: return meta_name(l, c);
    case LEX_META2: return om_rest(l, c);
    case LEX_LABELS: return in_labels(l, c);
    case LEX_LVALUE: return c == '"' ? quoted_token(l, false, TOK_LVALUE, LEX_LABELS) : TOK_INVALID;
    case LEX_VALUE:
        return c == '{'   ? one(l, TOK_BRACE_OPEN, LEX_LABELS)
               : c == ' ' ? om_word(l, TOK_VALUE, LEX_TIMESTAMP)
                          : TOK_INVALID;
    case LEX_TIMESTAMP: return om_timestamp(l, c);
    case LEX_EXEMPLAR: return om_exemplar(l, c);
    case LEX_EVALUE:
        return c == '"'   ? quoted_token(l, false, TOK_LVALUE, LEX_EXEMPLAR)
               : c == ' ' ? om_word(l, TOK_VALUE, LEX_ETIMESTAMP)
                          : TOK_INVALID;
    case LEX_ETIMESTAMP:
        return c == '\n'  ? one(l, TOK_LINEBREAK, LEX_INIT)
               : c == ' ' ? om_word(l, TOK_TIMESTAMP, LEX_ETIMESTAMP)
                          : TOK_INVALID;
    default: return TOK_INVALID;
    }
}

enum expo_token expo_lex(expo_lexer *l)
{
    if (l->i >= l->n)
        return TOK_EOF;
    if (l->format == EXPO_OPENMETRICS)
        return lex_om(l);
    enum expo_token t;
    do {
        t = l->i >= l->n ? TOK_EOF : lex_text(l);
    } while (t == TOK_WHITESPACE);
    return t;
}
