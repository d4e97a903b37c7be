/* expo_lex.h: the tokens of an exposition page, text or OpenMetrics.
 *
 * A lexer with the states of Prometheus' promlex.l and openmetricslex.l. It is a translation of their automata rather
 * than of the grammar behind them, since laxity is decided there: where a token breaks off, which byte is looked at
 * next and where NUL bytes are skipped. Used by expo.c only. Invariants: (1) start <= i <= n; (2) a text page reads
 * as if a newline stood behind its last byte. */
#ifndef FORMAT_EXPO_LEX_H
#define FORMAT_EXPO_LEX_H
#include "base/bytes.h"

enum expo_format { EXPO_TEXT, EXPO_OPENMETRICS };

enum expo_token {
    TOK_INVALID = -1,
    TOK_EOF = 0,
    TOK_LINEBREAK,
    TOK_WHITESPACE,
    TOK_HELP,
    TOK_TYPE,
    TOK_UNIT,
    TOK_EOFWORD,
    TOK_TEXT,
    TOK_COMMENT,
    TOK_MNAME,
    TOK_QSTRING,
    TOK_BRACE_OPEN,
    TOK_BRACE_CLOSE,
    TOK_LNAME,
    TOK_LVALUE,
    TOK_COMMA,
    TOK_EQUAL,
    TOK_TIMESTAMP,
    TOK_VALUE
};
const char *expo_token_name(enum expo_token t); /* "MNAME", as errors print it */

enum expo_state {
    LEX_INIT,
    LEX_COMMENT,
    LEX_META1,
    LEX_META2,
    LEX_LABELS,
    LEX_LVALUE,
    LEX_VALUE,
    LEX_TIMESTAMP,
    LEX_EXEMPLAR,
    LEX_EVALUE,
    LEX_ETIMESTAMP
};

typedef struct expo_lexer {
    const char *p;
    size_t len;      /* of the page */
    size_t n;        /* with the newline of (2) */
    size_t start, i; /* of the newest token: [start, i) */
    enum expo_state state;
    enum expo_format format;
} expo_lexer;

void expo_lex_init(expo_lexer *l, enum expo_format format, bytes page);
/* The next token; white space of the text format is passed over. */
enum expo_token expo_lex(expo_lexer *l);

/* The byte at i, 0 at and behind the end. */
static inline unsigned expo_byte(const expo_lexer *l, size_t i)
{
    if (i < l->len)
        return (unsigned char)l->p[i];
    return i < l->n ? '\n' : 0;
}
#endif
