/* expo.c: see expo.h. The grammar over expo_lex.c's tokens, and the two short ways for lines seen before.
 *
 * Follows promparse.go and openmetricsparse.go of Prometheus 3.14 rule by rule, their oversights included: a text
 * page takes labels without commas, an OpenMetrics series whose value is followed by something unknown is a series
 * and the next entry is the error, and the TYPE of the last family stays in force for families without one. */
#include "format/expo.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"
#include "model/sample.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_NAME UINT32_MAX

void expo_init(expo *x, enum expo_format format, bytes page)
{
    *x = (expo){ .kind = KIND_UNKNOWN };
    x->labels = x->few;
    x->cap_labels = sizeof x->few / sizeof x->few[0];
    expo_lex_init(&x->lex, format, page);
}

void expo_release(expo *x)
{
    if (x->labels != x->few)
        free(x->labels);
    x->labels = x->few;
    x->n_labels = 0;
}

/* ---- errors: quoted as Go's %q, cut to what an err holds */

static bytes span(const expo *x, size_t from, size_t to)
{
    size_t len = x->lex.len;
    return bytes_n(x->lex.p + (from < len ? from : len), (to < len ? to : len) - (from < len ? from : len));
}

static void quote_span(buf *b, const expo *x, size_t from, size_t to)
{
    bool newline = to > x->lex.len; /* the one that a text page lacks */
    bytes s = span(x, from, to);
    buf text;
    buf_init(&text, sizeof((err *)0)->msg + 2);
    buf_puts(&text, bytes_sub(s, 0, sizeof((err *)0)->msg));
    if (newline)
        buf_putc(&text, '\n');
    utf8_quote(b, buf_bytes(&text));
    buf_release(&text);
}

static bool fail_with(err *e, buf *b)
{
    err_set(e, ERR_BAD_DATA, "%.*s", BYTES_ARG(buf_bytes(b)));
    buf_release(b);
    return false;
}

static void message_init(buf *b)
{
    buf_init(b, 8 * sizeof((err *)0)->msg);
}

/* `WANT, got "..." ("TOKEN") while parsing: "..."` */
static bool unexpected(const expo *x, const char *want, enum expo_token got, err *e)
{
    const expo_lexer *l = &x->lex;
    size_t end = l->i + 1 < l->n ? l->i + 1 : l->n;
    buf b;
    message_init(&b);
    buf_printf(&b, "%s, got ", want);
    quote_span(&b, x, l->start, end);
    buf_printf(&b, " (\"%s\") while parsing: ", expo_token_name(got));
    quote_span(&b, x, x->line, end);
    return fail_with(e, &b);
}

/* `WHAT while parsing: "..."` */
static bool bad_line(const expo *x, const char *what, err *e)
{
    buf b;
    message_init(&b);
    buf_printf(&b, "%s while parsing: ", what);
    quote_span(&b, x, x->line, x->lex.i);
    return fail_with(e, &b);
}

static bool bad_number(const expo *x, const char *func, bytes text, bool range, err *e)
{
    buf b;
    message_init(&b);
    buf_printf(&b, "strconv.%s: parsing ", func);
    utf8_quote(&b, bytes_sub(text, 0, 512));
    buf_printf(&b, ": %s while parsing: ", range ? "value out of range" : "invalid syntax");
    quote_span(&b, x, x->line, x->lex.i);
    return fail_with(e, &b);
}

/* `BEFORE "text" AFTER` */
static bool bad_text(const char *before, bytes text, const char *after, err *e)
{
    buf b;
    message_init(&b);
    buf_putz(&b, before);
    utf8_quote(&b, bytes_sub(text, 0, sizeof((err *)0)->msg));
    buf_putz(&b, after);
    return fail_with(e, &b);
}

static bytes token_text(const expo *x)
{
    return span(x, x->lex.start, x->lex.i);
}

/* ---- numbers */

static bool has_any(bytes s, const char *set)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] && strchr(set, s.p[i]))
            return true;
    return false;
}

/* A float as parseFloat() takes it: no hex exponents, no underscores. */
static bool parse_float(const expo *x, bytes text, double *out, err *e)
{
    bool range = false;
    if (num_parse(text, out, &range) && !has_any(text, "pP_"))
        return true;
    return has_any(text, "pP_") ? bad_line(x, "unsupported character in float", e)
                                : bad_number(x, "ParseFloat", text, range, e);
}

static void set_value(expo *x, double v)
{
    x->value = isnan(v) ? sample_nan() : v;
}

/* Go converts to the integer with the machine's instruction: out of range gives the smallest integer. */
static int64_t go_int64(double v)
{
    return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;
}

/* OpenMetrics time: float seconds. */
static bool parse_seconds(const expo *x, bytes text, const char *what, int64_t *ms, err *e)
{
    double ts = 0;
    if (!parse_float(x, text, &ts, e))
        return false;
    if (isnan(ts) || isinf(ts))
        return err_set(e, ERR_BAD_DATA, "invalid %s %s", what, isnan(ts) ? "NaN" : ts > 0 ? "+Inf" : "-Inf");
    *ms = go_int64(ts * 1000);
    return true;
}

/* ---- labels */

static bool add_label(expo *x, size_t name, size_t name_end, err *e)
{
    if (x->n_labels >= LIMIT_LABELS)
        return err_set(e, ERR_BAD_DATA, "more than %d labels in one series", (int)LIMIT_LABELS);
    if (x->n_labels == x->cap_labels) {
        expo_label *old = x->labels;
        x->labels = xreallocarray(old == x->few ? NULL : old, x->cap_labels * 2, sizeof *old);
        if (old == x->few)
            memcpy(x->labels, old, x->n_labels * sizeof *old);
        x->cap_labels *= 2;
    }
    x->labels[x->n_labels++] = (expo_label){ .name = (uint32_t)name, .name_end = (uint32_t)name_end };
    return true;
}

/* A quoted string in front of a comma or the closing brace is the metric's name. */
static bool set_name(expo *x, size_t from, size_t to, err *e)
{
    if (x->name_at != NO_NAME)
        return bad_line(x, "metric name already set", e);
    x->name_at = (uint32_t)from;
    x->name_end = (uint32_t)to;
    return true;
}

/* `= "value"`; *t is the token behind the name. */
static bool label_value(expo *x, enum expo_token t, bool keep, err *e)
{
    if (t != TOK_EQUAL)
        return unexpected(x, "expected equal", t, e);
    if ((t = expo_lex(&x->lex)) != TOK_LVALUE)
        return unexpected(x, "expected label value", t, e);
    if (!utf8_valid(token_text(x)))
        return bad_text("invalid UTF-8 label value: ", token_text(x), "", e);
    if (keep) {
        expo_label *l = &x->labels[x->n_labels - 1];
        l->value = (uint32_t)x->lex.start + 1;
        l->value_end = (uint32_t)x->lex.i - 1;
    }
    return true;
}

/* Behind the opening brace, to the closing one. An exemplar's labels are read and not kept. */
static bool parse_labels(expo *x, bool exemplar, err *e)
{
    const bool om = x->lex.format == EXPO_OPENMETRICS;
    enum expo_token t = expo_lex(&x->lex);
    while (t != TOK_BRACE_CLOSE) {
        size_t from = x->lex.start, to = x->lex.i;
        bool is_quoted = t == TOK_QSTRING;
        if (t != TOK_LNAME && !is_quoted)
            return unexpected(x, "expected label name", t, e);
        t = expo_lex(&x->lex);
        if (is_quoted) {
            from++;
            to--;
            if (t == TOK_COMMA || t == TOK_BRACE_CLOSE) {
                if (exemplar)
                    return unexpected(x, "expected label name", t, e);
                if (!set_name(x, from, to, e))
                    return false;
                if (t == TOK_COMMA)
                    t = expo_lex(&x->lex);
                else
                    break;
                continue;
            }
        }
        if (!exemplar && !add_label(x, from, to, e))
            return false;
        if (!label_value(x, t, !exemplar, e))
            return false;
        t = expo_lex(&x->lex);
        if (t == TOK_COMMA)
            t = expo_lex(&x->lex);
        else if (om && t != TOK_BRACE_CLOSE)
            return unexpected(x, "expected comma or brace close", t, e);
    }
    return true;
}

/* ---- the end of a line */

static bool no_eof(err *e)
{
    return err_set(e, ERR_BAD_DATA, "data does not end with # EOF");
}

static bool expect_linebreak(expo *x, const char *want, err *e)
{
    enum expo_token t = expo_lex(&x->lex);
    return t == TOK_LINEBREAK || unexpected(x, want, t, e);
}

static bool om_value(expo *x, enum expo_token t, const char *want, double *out, err *e)
{
    if (t != TOK_VALUE)
        return unexpected(x, want, t, e);
    return parse_float(x, bytes_sub(token_text(x), 1, SIZE_MAX), out, e);
}

/* Behind ` # {`: labels, value, perhaps a time. Read, and dropped. */
static bool om_exemplar(expo *x, err *e)
{
    double value;
    int64_t ms;
    if (!parse_labels(x, true, e) || !om_value(x, expo_lex(&x->lex), "expected value after exemplar labels", &value, e))
        return false;
    x->has_exemplar = true;
    enum expo_token t = expo_lex(&x->lex);
    if (t == TOK_EOF)
        return no_eof(e);
    if (t == TOK_LINEBREAK)
        return true;
    if (t != TOK_TIMESTAMP)
        return unexpected(x, "expected timestamp or comment", t, e);
    return parse_seconds(x, bytes_sub(token_text(x), 1, SIZE_MAX), "exemplar timestamp", &ms, e)
           && expect_linebreak(x, "expected next entry after exemplar timestamp", e);
}

static bool om_line_end(expo *x, enum expo_token t, err *e)
{
    double value = 0;
    if (!om_value(x, t, "expected value after metric", &value, e))
        return false;
    set_value(x, value);
    switch (expo_lex(&x->lex)) {
    case TOK_EOF: return no_eof(e);
    case TOK_COMMENT: return om_exemplar(x, e);
    case TOK_TIMESTAMP: break;
    default: return true; /* also where the token is invalid: the next entry says so */
    }
    if (!parse_seconds(x, bytes_sub(token_text(x), 1, SIZE_MAX), "timestamp", &x->time_ms, e))
        return false;
    x->has_time = true;
    t = expo_lex(&x->lex);
    if (t == TOK_COMMENT)
        return om_exemplar(x, e);
    return t == TOK_LINEBREAK || unexpected(x, "expected next entry after timestamp", t, e);
}

static bool text_line_end(expo *x, enum expo_token t, err *e)
{
    double value = 0;
    if (t != TOK_VALUE)
        return unexpected(x, "expected value after metric", t, e);
    if (!parse_float(x, token_text(x), &value, e))
        return false;
    set_value(x, value);
    t = expo_lex(&x->lex);
    if (t == TOK_LINEBREAK)
        return true;
    if (t != TOK_TIMESTAMP)
        return unexpected(x, "expected timestamp or new record", t, e);
    x->has_time = true;
    if (!num_parse_i64(token_text(x), &x->time_ms))
        return bad_number(x, "ParseInt", token_text(x), true, e);
    return expect_linebreak(x, "expected next entry after timestamp", e);
}

/* ---- entries */

static bool series(expo *x, enum expo_token t, err *e)
{
    x->name_at = x->name_end = NO_NAME;
    x->series = span(x, x->line, x->lex.i);
    if (t == TOK_MNAME) {
        x->name_at = (uint32_t)x->line; /* with the blanks in front of it, in a text page */
        x->name_end = (uint32_t)x->lex.i;
        t = expo_lex(&x->lex);
    }
    if (t == TOK_BRACE_OPEN) {
        if (!parse_labels(x, false, e))
            return false;
        x->series = span(x, x->line, x->lex.i);
        t = expo_lex(&x->lex);
    }
    if (x->name_at == NO_NAME)
        return bad_line(x, "metric name not set", e);
    if (x->series.len > LIMIT_SCRAPE_LINE)
        return err_set(e, ERR_TOO_LARGE, "series of more than %zu bytes", (size_t)LIMIT_SCRAPE_LINE);
    return x->lex.format == EXPO_OPENMETRICS ? om_line_end(x, t, e) : text_line_end(x, t, e);
}

static bool set_type(expo *x, err *e)
{
    static const struct {
        const char *name;
        uint8_t kind;
        bool text, om;
    } types[] = {
        { "counter", KIND_COUNTER, true, true },
        { "gauge", KIND_GAUGE, true, true },
        { "histogram", KIND_HISTOGRAM, true, true },
        { "summary", KIND_SUMMARY, true, true },
        { "untyped", KIND_UNKNOWN, true, false },
        { "unknown", KIND_UNKNOWN, false, true },
        { "gaugehistogram", KIND_GAUGEHISTOGRAM, false, true },
        { "info", KIND_INFO, false, true },
        { "stateset", KIND_STATESET, false, true },
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        bool known = x->lex.format == EXPO_TEXT ? types[i].text : types[i].om;
        if (known && bytes_eq(x->text, bytes_of(types[i].name))) {
            x->kind = (enum metric_kind)types[i].kind;
            return true;
        }
    }
    return bad_text("invalid metric type ", x->text, "", e);
}

static bool check_unit(const expo *x, err *e)
{
    bytes name = x->name, unit = x->text;
    if (unit.len == 0
        || (name.len > unit.len && bytes_has_suffix(name, unit) && name.p[name.len - unit.len - 1] == '_'))
        return true;
    buf b;
    message_init(&b);
    buf_putz(&b, "unit ");
    utf8_quote(&b, bytes_sub(unit, 0, 400));
    buf_putz(&b, " not a suffix of metric ");
    utf8_quote(&b, bytes_sub(name, 0, 400));
    return fail_with(e, &b);
}

static bool meta_name(expo *x, enum expo_token kind, err *e)
{
    char want[64];
    enum expo_token t = expo_lex(&x->lex);
    if (t != TOK_MNAME) {
        snprintf(want, sizeof want, "expected metric name after %s", expo_token_name(kind));
        return unexpected(x, want, t, e);
    }
    x->name = token_text(x);
    if (x->name.p[0] == '"' && x->name.p[x->name.len - 1] == '"')
        x->name = bytes_n(x->name.p + 1, x->name.len - 2);
    return true;
}

static bool meta_text(expo *x, enum expo_token kind, err *e)
{
    const bool om = x->lex.format == EXPO_OPENMETRICS;
    enum expo_token t = expo_lex(&x->lex);
    if (t != TOK_TEXT)
        return om ? err_set(e, ERR_BAD_DATA, "expected text in %s", expo_token_name(kind))
                  : err_set(e, ERR_BAD_DATA, "expected text in %s, got %s", expo_token_name(kind), expo_token_name(t));
    x->text = bytes_sub(token_text(x), 1, SIZE_MAX);
    if (om && x->text.len > 0)
        x->text.len--; /* its newline */
    switch (kind) {
    case TOK_TYPE: return set_type(x, e);
    case TOK_UNIT: return check_unit(x, e);
    default: return utf8_valid(x->text) || bad_text("help text ", x->text, " is not a valid utf8 string", e);
    }
}

/* `name text` behind HELP, TYPE or UNIT. */
static bool metadata(expo *x, enum expo_token kind, err *e)
{
    return meta_name(x, kind, e) && meta_text(x, kind, e)
           && (x->lex.format == EXPO_OPENMETRICS || expect_linebreak(x, "linebreak expected after metadata", e));
}

static bool comment(expo *x, err *e)
{
    x->text = token_text(x);
    return expect_linebreak(x, "linebreak expected after comment", e);
}

static bool page_end(expo *x, enum expo_token t, err *e)
{
    if (x->lex.format == EXPO_TEXT)
        return true;
    if (t == TOK_EOF)
        return no_eof(e);
    return expo_lex(&x->lex) == TOK_EOF || err_set(e, ERR_BAD_DATA, "unexpected data after # EOF");
}

static void entry_start(expo *x)
{
    x->line = x->lex.i;
    x->n_labels = 0;
    x->has_time = x->has_exemplar = false;
}

enum expo_entry expo_next(expo *x, err *e)
{
    enum expo_token t;
    do {
        entry_start(x);
        t = expo_lex(&x->lex);
    } while (t == TOK_LINEBREAK && x->lex.format == EXPO_TEXT);
    switch (t) {
    case TOK_EOF:
    case TOK_EOFWORD: return page_end(x, t, e) ? EXPO_EOF : EXPO_ERROR;
    case TOK_HELP: return metadata(x, t, e) ? EXPO_HELP : EXPO_ERROR;
    case TOK_TYPE: return metadata(x, t, e) ? EXPO_TYPE : EXPO_ERROR;
    case TOK_UNIT: return metadata(x, t, e) ? EXPO_UNIT : EXPO_ERROR;
    case TOK_COMMENT: return comment(x, e) ? EXPO_COMMENT : EXPO_ERROR;
    case TOK_MNAME:
    case TOK_BRACE_OPEN: return series(x, t, e) ? EXPO_SERIES : EXPO_ERROR;
    default: unexpected(x, "expected a valid start token", t, e); return EXPO_ERROR;
    }
}

/* ---- lines seen before */

/* The line to read begins at *at, has more than len bytes, and its first len ones have this key. */
static bool line_matches(const expo *x, size_t len, hash_key key)
{
    const expo_lexer *l = &x->lex;
    if (l->state != LEX_INIT || len >= l->len - l->i || l->i >= l->len)
        return false;
    return hash_key_eq(hash_key_of(bytes_n(l->p + l->i, len), x->seed), key);
}

bool expo_expect_meta(expo *x, size_t len, hash_key key)
{
    expo_lexer *l = &x->lex;
    if (l->i >= l->len || l->p[l->i] != '#' || !line_matches(x, len, key) || l->p[l->i + len] != '\n')
        return false;
    if (l->i + len + 1 < l->len && l->p[l->i + len + 1] == 0)
        return false; /* the lexer may step over it */
    entry_start(x);
    l->i += len + 1;
    return true;
}

bytes expo_meta_line(const expo *x)
{
    bytes line = span(x, x->line, x->lex.i);
    while (line.len > 0 && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == 0))
        line.len--;
    return line;
}

/* The usual end of a line: ` value` or ` value time`, then the newline. Anything else is left to expo_next(). */
static bool short_line_end(expo *x, const char *at)
{
    const char *end = x->lex.p + x->lex.len;
    const char *from = ++at;
    while (at<end && * at> ' ' && *at != '{' && *at != '#' && *at != 'p' && *at != 'P' && *at != '_')
        at++;
    double v;
    if (at == from || at == end || !num_parse(bytes_n(from, (size_t)(at - from)), &v, NULL))
        return false;
    int64_t ms = 0;
    bool has_time = *at == ' ';
    if (has_time) {
        if (x->lex.format == EXPO_OPENMETRICS)
            return false;
        from = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == from || at == end || !num_parse_i64(bytes_n(from, (size_t)(at - from)), &ms))
            return false;
    }
    if (*at != '\n')
        return false;
    entry_start(x);
    set_value(x, v);
    x->has_time = has_time;
    x->time_ms = ms;
    x->lex.i = (size_t)(at + 1 - x->lex.p);
    return true;
}

bool expo_expect(expo *x, size_t len, hash_key key)
{
    const expo_lexer *l = &x->lex;
    if (len >= l->len - l->i || l->i >= l->len || l->p[l->i + len] != ' ' || l->p[l->i] == '#'
        || !line_matches(x, len, key))
        return false;
    const char *at = l->p + l->i;
    if (!short_line_end(x, at + len))
        return false;
    x->series = bytes_n(at, len);
    return true;
}
