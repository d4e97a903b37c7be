/* lex.h: query text -> tokens, one at a time.
 *
 * The lexer knows where it stands (in braces, in brackets, in a duration), since `:` and words mean different things
 * there. It skips white space and comments. A mistake is a TOK_ERROR whose message is in lexer.error; the parser
 * stops at the first one. Tokens are borrowed from the text.
 * Follows promql/parser/lex.go of Prometheus 3.14, its quirks included: messages and places are compared byte by
 * byte.                                                                                                       */
#ifndef PROMQL_LEX_H
#define PROMQL_LEX_H
#include "base/arena.h"
#include "base/buf.h"

/* In groups: operators, aggregators, keywords print differently in messages (token_describe). */
enum token_kind {
    TOK_EOF, TOK_ERROR,
    TOK_IDENTIFIER, TOK_METRIC_IDENTIFIER,   /* the latter has a colon */
    TOK_NUMBER, TOK_DURATION, TOK_STRING,    /* as written, quotes included */
    TOK_LEFT_PAREN, TOK_RIGHT_PAREN, TOK_LEFT_BRACE, TOK_RIGHT_BRACE, TOK_LEFT_BRACKET, TOK_RIGHT_BRACKET,
    TOK_COMMA, TOK_COLON, TOK_EQL,

    TOK_ADD, TOK_FIRST_OPERATOR = TOK_ADD,
    TOK_SUB, TOK_MUL, TOK_DIV, TOK_MOD, TOK_POW, TOK_ATAN2,
    TOK_EQLC, TOK_NEQ, TOK_LSS, TOK_LTE, TOK_GTR, TOK_GTE, TOK_TRIM_UPPER, TOK_TRIM_LOWER,
    TOK_AND, TOK_OR, TOK_UNLESS, TOK_EQL_REGEX, TOK_NEQ_REGEX, TOK_AT,
    TOK_LAST_OPERATOR = TOK_AT,

    TOK_AVG, TOK_FIRST_AGGREGATOR = TOK_AVG,   /* in the order of enum agg_op */
    TOK_BOTTOMK, TOK_COUNT, TOK_COUNT_VALUES, TOK_GROUP, TOK_LIMITK, TOK_LIMIT_RATIO, TOK_MAX, TOK_MIN, TOK_QUANTILE,
    TOK_STDDEV, TOK_STDVAR, TOK_SUM, TOK_TOPK,
    TOK_LAST_AGGREGATOR = TOK_TOPK,

    TOK_BOOL, TOK_FIRST_KEYWORD = TOK_BOOL,
    TOK_BY, TOK_GROUP_LEFT, TOK_GROUP_RIGHT, TOK_FILL, TOK_FILL_LEFT, TOK_FILL_RIGHT, TOK_IGNORING, TOK_OFFSET,
    TOK_SMOOTHED, TOK_ANCHORED, TOK_ON, TOK_WITHOUT,
    TOK_LAST_KEYWORD = TOK_WITHOUT,

    TOK_START, TOK_END, TOK_STEP, TOK_RANGE, TOK_MAX_OF, TOK_MIN_OF,
    TOK_N
};

typedef struct token {
    enum token_kind kind;
    int32_t start;
    bytes text;
} token;

enum { LEX_ERROR_MAX = 960 };   /* longer messages are cut */
typedef struct lexer {
    bytes in;
    int32_t at;                /* next byte to read */
    int32_t start;             /* where the current token began; the place of a TOK_ERROR */
    int32_t last;              /* start of the token (or comment) read last */
    int32_t paren_depth;
    bool brace_open, bracket_open;
    bool got_colon;            /* since the [ */
    bool got_duration;         /* since the first [: as upstream, never taken back */
    bool in_duration;          /* behind [ and no number yet */
    uint32_t quote;            /* of the string being read */
    char error[LEX_ERROR_MAX];
} lexer;

void lexer_init(lexer *l, bytes in);   /* in.len at most LIMIT_QUERY_TEXT */
/* The next token; TOK_EOF for ever at the end, TOK_ERROR for ever after a mistake. */
token lexer_next(lexer *l);

static inline int32_t token_end(const token *t) { return t->start + (int32_t)t->text.len; }
static inline bool token_is_aggregator(enum token_kind k)
{
    return k >= TOK_FIRST_AGGREGATOR && k <= TOK_LAST_AGGREGATOR;
}
/* As messages name it: identifier "x", <op:+>, <aggr:sum>, <by>, ",", end of input. */
void token_describe(const token *t, buf *out);
/* All words the lexer knows but inf and nan, for completion and docs; NULL behind the last. */
const char *lexer_keyword(size_t i, enum token_kind *kind);
/* What stands between the quotes, escapes resolved; false where the text breaks the rules, as no token does.
 * Raw and escape-free strings are borrowed from the token. */
bool string_unquote(bytes quoted, arena *a, bytes *out);
/* Space, tab, newline, carriage return. */
static inline bool lex_is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
#endif
