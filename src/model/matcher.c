/* matcher.c: see matcher.h. */
#include "model/matcher.h"
#include "base/utf8.h"

static const char *const op_texts[] = { "=", "!=", "=~", "!~" };

bool matcher_init(matcher *m, arena *a, enum matcher_op op, bytes name, bytes value, err *e)
{
    *m = (matcher){ .op = op, .name = arena_dup(a, name), .value = arena_dup(a, value) };
    if (op == MATCH_EQ || op == MATCH_NE)
        return true;
    m->re = regex_new(value, e);
    return m->re != NULL;
}

void matcher_release(matcher *m)
{
    regex_unref(m->re);
    m->re = NULL;
}

bool matcher_matches(const matcher *m, bytes value)
{
    switch (m->op) {
    case MATCH_EQ: return bytes_eq(m->value, value);
    case MATCH_NE: return !bytes_eq(m->value, value);
    case MATCH_RE: return regex_match(m->re, value);
    case MATCH_NRE: return !regex_match(m->re, value);
    }
    return false;
}

bool matcher_matches_empty(const matcher *m)
{
    return matcher_matches(m, (bytes){ 0 });
}

bool matchers_match(const matcher *ms, size_t n, const labels *l)
{
    for (size_t i = 0; i < n; i++)
        if (!matcher_matches(&ms[i], labels_get(l, ms[i].name)))
            return false;
    return true;
}

void matcher_print(buf *out, const matcher *m)
{
    if (label_is_legacy_name(m->name))
        buf_puts(out, m->name);
    else
        utf8_quote(out, m->name);
    buf_putz(out, op_texts[m->op]);
    utf8_quote(out, m->value);
}

const char *matcher_op_text(enum matcher_op op)
{
    return op_texts[op];
}
