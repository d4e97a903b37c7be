/* parse_selector.c: vector selectors, their matchers, and lists of label names.
 *
 * selector = metric | [ metric ] "{" [ matcher { "," matcher } [ "," ] ] "}"
 * matcher  = ( label | string ) OP string | string             -- a lone string is the metric name
 * labels   = "(" [ name { "," name } [ "," ] ] ")"             -- names may be strings                        */
#include "promql/parser.h"
#include "base/utf8.h"

struct made_matchers {
    matcher *list;
    size_t n;
    struct made_matchers *next;
};

static const expectation want_matcher = { "label matching", "identifier or \"}\"" };
static const expectation want_op = { "label matching", "label matching operator" };
static const expectation want_value = { "label matching", "string" };
static const expectation want_matcher_end = { "label matching", "\",\" or \"}\"" };
static const expectation want_labels = { "grouping opts", "\"(\"" };
static const expectation want_label = { "grouping opts", "label" };
static const expectation want_labels_end = { "grouping opts", "\",\" or \")\"" };

bool token_is_metric(enum token_kind k)
{
    switch (k) {
    case TOK_IDENTIFIER: case TOK_METRIC_IDENTIFIER: case TOK_AND: case TOK_OR: case TOK_UNLESS: case TOK_BY:
    case TOK_WITHOUT: case TOK_OFFSET: case TOK_FILL: case TOK_FILL_LEFT: case TOK_FILL_RIGHT: case TOK_ANCHORED:
    case TOK_SMOOTHED: case TOK_START: case TOK_END: case TOK_STEP: case TOK_RANGE: case TOK_MAX_OF: case TOK_MIN_OF:
        return true;
    default: return token_is_aggregator(k);
    }
}

/* Words that may stand for a label in a list. Not `without`, as upstream. */
static bool token_is_label(enum token_kind k)
{
    switch (k) {
    case TOK_WITHOUT: return false;
    case TOK_BOOL: case TOK_GROUP_LEFT: case TOK_GROUP_RIGHT: case TOK_IGNORING: case TOK_ON: case TOK_ATAN2:
        return true;
    default: return token_is_metric(k);
    }
}

static bool unquote(parser *p, token t, bytes *out)
{
    return string_unquote(t.text, p->a, out)
        || parser_fail(p, t.start, "error unquoting string %s: invalid syntax", parser_quote(p, t.text));
}

/* ---- label lists ---- */

static bool parse_label(parser *p, bytes *out)
{
    enum token_kind k = parser_peek(p);
    if (k != TOK_STRING && !token_is_label(k))
        return parser_unexpected(p);
    token t = parser_take(p);
    *out = t.text;
    if (k == TOK_STRING && !unquote(p, t, out))
        return false;
    if (out->len == 0 || !utf8_valid(*out))
        return parser_fail(p, t.start, "invalid label name for grouping: %s", parser_quote(p, *out));
    return true;
}

/* Behind the "(". */
static bool parse_labels(parser *p, ast_labels *out)
{
    p->where = &want_label;
    while (parser_peek(p) != TOK_RIGHT_PAREN) {
        out->names = parser_grow(p, out->names, out->n, sizeof *out->names);
        if (!parse_label(p, &out->names[out->n++]))
            return false;
        p->where = &want_labels_end;
        if (parser_peek(p) != TOK_COMMA)
            break;
        parser_take(p);
        p->where = &want_label;
    }
    return parser_expect(p, TOK_RIGHT_PAREN);
}

bool parse_grouping(parser *p, ast_labels *out)
{
    const expectation *outer = p->where;
    p->where = &want_labels;
    if (!parser_expect(p, TOK_LEFT_PAREN) || !parse_labels(p, out))
        return false;
    p->where = outer;
    return true;
}

/* ---- matchers ---- */

static bool token_match_op(enum token_kind k, enum matcher_op *op)
{
    switch (k) {
    case TOK_EQL: *op = MATCH_EQ; return true;
    case TOK_NEQ: *op = MATCH_NE; return true;
    case TOK_EQL_REGEX: *op = MATCH_RE; return true;
    case TOK_NEQ_REGEX: *op = MATCH_NRE; return true;
    default: return false;
    }
}

static bool add_matcher(parser *p, ast_selector *s, enum matcher_op op, bytes name, bytes value, int32_t at)
{
    err e = { 0 };
    s->matchers = parser_grow(p, s->matchers, s->n_matchers, sizeof *s->matchers);
    if (!matcher_init(&s->matchers[s->n_matchers], p->a, op, name, value, &e))
        return parser_fail(p, at, "%s", e.msg);
    s->n_matchers++;
    p->made->list = s->matchers;
    p->made->n = s->n_matchers;
    return true;
}

/* label OP string; behind the label. */
static bool parse_match(parser *p, ast_selector *s, bytes name, int32_t at)
{
    enum matcher_op op;
    bytes value;
    if (!token_match_op(parser_peek(p), &op))
        return parser_unexpected(p);
    parser_take(p);
    p->where = &want_value;
    return parser_expect(p, TOK_STRING) && unquote(p, p->read, &value) && add_matcher(p, s, op, name, value, at);
}

static bool parse_matcher(parser *p, ast_selector *s)
{
    enum token_kind k = parser_peek(p);
    enum matcher_op op;
    bytes name;
    if (k != TOK_IDENTIFIER && k != TOK_STRING)
        return parser_unexpected(p);
    token t = parser_take(p);
    if (k == TOK_IDENTIFIER) {
        p->where = &want_op;
        return parse_match(p, s, t.text, t.start);
    }
    if (!unquote(p, t, &name))
        return false;
    return token_match_op(parser_peek(p), &op) ? parse_match(p, s, name, t.start)
                                               : add_matcher(p, s, MATCH_EQ, LABEL_NAME, name, t.start);
}

/* Behind the "{". */
static bool parse_matchers(parser *p, ast_selector *s)
{
    const expectation *outer = p->where;
    p->where = &want_matcher;
    while (parser_peek(p) != TOK_RIGHT_BRACE) {
        if (!parse_matcher(p, s))
            return false;
        p->where = &want_matcher_end;
        if (parser_peek(p) != TOK_COMMA)
            break;
        parser_take(p);
        p->where = &want_matcher;
    }
    if (!parser_expect(p, TOK_RIGHT_BRACE))
        return false;
    p->where = outer;
    return true;
}

static void remember_matchers(parser *p)
{
    struct made_matchers *m = ARENA_NEW(p->a, struct made_matchers);
    m->next = p->made;
    p->made = m;
}

ast_node *parse_vector_selector(parser *p, const token *name)
{
    ast_node *n = parser_node(p, AST_SELECTOR, VALUE_VECTOR, 0);
    ast_selector *s = &n->selector;
    remember_matchers(p);
    if (name) {
        s->name = name->text;
        n->start = name->start;
        n->end = token_end(name);
    }
    if (parser_peek(p) == TOK_LEFT_BRACE) {
        token open = parser_take(p);
        if (!name)
            n->start = open.start;
        if (!parse_matchers(p, s))
            return NULL;
        n->end = token_end(&p->read);
    }
    if (name && !add_matcher(p, s, MATCH_EQ, LABEL_NAME, s->name, n->start))
        return NULL;
    return n;
}

void parser_release_matchers(parser *p)
{
    for (struct made_matchers *m = p->made; m; m = m->next)
        for (size_t i = 0; i < m->n; i++)
            matcher_release(&m->list[i]);
}
