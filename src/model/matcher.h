/* matcher.h: `name op "value"`: which label sets a selector takes. Immutable once made; shared between threads. */
#ifndef MODEL_MATCHER_H
#define MODEL_MATCHER_H
#include "base/regex.h"
#include "model/labels.h"

enum matcher_op { MATCH_EQ, MATCH_NE, MATCH_RE, MATCH_NRE };

typedef struct matcher {
    enum matcher_op op;
    bytes name, value;      /* borrowed from the arena given to matcher_init */
    struct regex *re;       /* MATCH_RE, MATCH_NRE: one reference */
} matcher;

/* Copies name and value into a. A bad pattern is ERR_BAD_DATA with the regexp text. */
bool matcher_init(matcher *m, arena *a, enum matcher_op op, bytes name, bytes value, err *e);
void matcher_release(matcher *m);
bool matcher_matches(const matcher *m, bytes value);            /* a missing label is the empty value */
bool matcher_matches_empty(const matcher *m);
/* Does the set satisfy all of them? */
bool matchers_match(const matcher *ms, size_t n, const labels *l);
/* `name="value"`, quoted where needed. */
void matcher_print(buf *out, const matcher *m);
const char *matcher_op_text(enum matcher_op op);
#endif
