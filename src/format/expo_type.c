/* expo_type.c: from a Content-Type header to a parser, as Prometheus 3.14 chooses (textparse.New, extractMediaType),
 * with the header read as Go's mime.ParseMediaType does. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "format/expo.h"
#include <stdio.h>

enum { MAX_PARAMS = 16 }; /* more of them are not compared for repetition */
typedef struct param {
    bytes name, value;
} param;

static bool is_token_char(char c)
{
    return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(cursor *c)
{
    while (!cursor_done(c) && is_space(*c->at))
        c->at++;
}

static bytes token(cursor *c)
{
    const char *from = c->at;
    while (!cursor_done(c) && is_token_char(*c->at))
        c->at++;
    return bytes_n(from, (size_t)(c->at - from));
}

/* A token or a quoted string; the quoted one as written, since values are only compared. */
static bool param_value(cursor *c, bytes *out)
{
    if (!cursor_take(c, '"')) {
        *out = token(c);
        return out->len > 0;
    }
    const char *from = c->at;
    for (; !cursor_done(c) && *c->at != '"'; c->at++) {
        if (*c->at == '\r' || *c->at == '\n')
            return false;
        if (*c->at == '\\' && cursor_left(c) > 1 && !is_token_char(c->at[1]))
            c->at++;
    }
    *out = bytes_n(from, (size_t)(c->at - from));
    return cursor_take(c, '"');
}

/* ; name = value */
static bool media_param(cursor *c, param *out)
{
    skip_space(c);
    if (!cursor_take(c, ';'))
        return false;
    skip_space(c);
    out->name = token(c);
    skip_space(c);
    if (out->name.len == 0 || !cursor_take(c, '='))
        return false;
    skip_space(c);
    return param_value(c, &out->value);
}

static const char *media_params(bytes text)
{
    param seen[MAX_PARAMS];
    size_t n = 0;
    cursor c = cursor_of(text);
    for (skip_space(&c); !cursor_done(&c); skip_space(&c)) {
        param p;
        const char *from = c.at;
        if (!media_param(&c, &p))
            return bytes_eq(bytes_trim(bytes_n(from, (size_t)(c.end - from))), BYTES(";"))
                       ? NULL
                       : "mime: invalid media parameter";
        for (size_t i = 0; i < n; i++)
            if (bytes_eq_nocase(seen[i].name, p.name) && !bytes_eq(seen[i].value, p.value))
                return "mime: duplicate parameter name";
        if (n < MAX_PARAMS)
            seen[n++] = p;
    }
    return NULL;
}

/* type/subtype; a lone word is fine. NULL, or what is wrong. */
static const char *media_type(bytes header, bytes *type)
{
    bytes base, rest;
    bytes_cut(header, ';', &base, &rest);
    *type = bytes_trim(base);
    cursor c = cursor_of(*type);
    if (token(&c).len == 0)
        return "mime: no media type";
    if (!cursor_done(&c)) {
        if (!cursor_take(&c, '/'))
            return "mime: expected slash after first token";
        if (token(&c).len == 0)
            return "mime: expected token after slash";
        if (!cursor_done(&c))
            return "mime: unexpected content after media subtype";
    }
    return media_params(bytes_sub(header, base.len, SIZE_MAX));
}

static bool known_type(bytes type, enum expo_format *out, err *e)
{
    if (bytes_eq_nocase(type, BYTES("text/plain"))) {
        *out = EXPO_TEXT;
        return true;
    }
    if (bytes_eq_nocase(type, BYTES("application/openmetrics-text"))) {
        *out = EXPO_OPENMETRICS;
        return true;
    }
    if (bytes_eq_nocase(type, BYTES("application/vnd.google.protobuf")))
        return err_set(e, ERR_BAD_DATA, "the target answers in protobuf, which was not asked for and cannot be read");
    return false;
}

/* The sentence before the fallback clause, quoted header included. */
static bool complain(err *e, const char *before, bytes header, const char *after, const char *why)
{
    buf b;
    buf_init(&b, 2048);
    buf_putz(&b, before);
    if (header.len > 0)
        utf8_quote(&b, bytes_sub(header, 0, 300));
    buf_putz(&b, after);
    if (why)
        buf_printf(&b, "\n%s", why);
    err_set(e, ERR_BAD_DATA, "%.*s", BYTES_ARG(buf_bytes(&b)));
    buf_release(&b);
    return false;
}

bool expo_format_of(bytes content_type, bytes fallback, enum expo_format *out, err *e)
{
    const bool none = fallback.len == 0;
    char after[200];
    snprintf(after, sizeof after, ", using fallback_scrape_protocol \"%.*s\"", BYTES_ARG(fallback));
    bytes type;
    if (content_type.len == 0) {
        complain(e, "non-compliant scrape target sending blank Content-Type", content_type,
                 none ? " and no fallback_scrape_protocol specified for target" : after, NULL);
        return !none && known_type(fallback, out, e);
    }
    const char *wrong = media_type(content_type, &type);
    if (wrong) {
        complain(e, none ? "cannot parse Content-Type " : "could not parse received Content-Type ", content_type,
                 none ? " and no fallback_scrape_protocol for target" : after, wrong);
        return !none && known_type(fallback, out, e);
    }
    err known = { 0 };
    if (known_type(type, out, &known))
        return true;
    if (known.kind) {
        *e = known;
        return false;
    }
    complain(e, "received unsupported Content-Type ", content_type,
             none ? " and no fallback_scrape_protocol specified for target" : after, NULL);
    return !none && known_type(fallback, out, e);
}
