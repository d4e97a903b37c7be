/* go_url.c: see go_url.h. The checks stand in the order of url.Parse. */
#include "config/go_url.h"
#include <ctype.h>
#include <stdio.h>

/* What stands before a URL's error. */
static bool fail(bytes text, const char *why, err *e)
{
    buf shown;
    buf_init(&shown, 4096);
    go_url_redact(text, &shown);
    err_set(e, ERR_BAD_DATA, "parse \"%.*s\": %s", BYTES_ARG(buf_bytes(&shown)), why);
    buf_release(&shown);
    return false;
}

static bool fail_quoting(bytes text, const char *before, bytes what, const char *after, err *e)
{
    char why[128];
    snprintf(why, sizeof why, "%s\"%.*s\"%s", before, BYTES_ARG(bytes_sub(what, 0, 64)), after);
    return fail(text, why, e);
}

/* %XX everywhere? */
static bool check_escapes(bytes text, bytes part, err *e)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.p[i] != '%')
            continue;
        if (i + 2 >= part.len || !isxdigit((unsigned char)part.p[i + 1]) || !isxdigit((unsigned char)part.p[i + 2]))
            return fail_quoting(text, "invalid URL escape ", bytes_sub(part, i, 3), "", e);
        i += 2;
    }
    return true;
}

/* scheme ":" ; false: a colon without a scheme. */
static bool split_scheme(bytes text, bytes *scheme, bytes *rest)
{
    *scheme = (bytes){ 0 };
    *rest = text;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.p[i];
        if (ch == ':') {
            *scheme = bytes_sub(text, 0, i);
            *rest = bytes_sub(text, i + 1, text.len);
            return i > 0;
        }
        if (!isalpha(ch) && (i == 0 || !(isdigit(ch) || strchr("+-.", ch))))
            return true;
    }
    return true;
}

static bool is_port(bytes s)
{
    if (s.len == 0)
        return true;
    if (s.p[0] != ':')
        return false;
    for (size_t i = 1; i < s.len; i++) {
        if (!isdigit((unsigned char)s.p[i]))
            return false;
    }
    return true;
}

static bool check_host(bytes text, bytes host, err *e)
{
    ptrdiff_t colon = -1, close = -1;
    for (size_t i = 0; i < host.len; i++) {
        if (host.p[i] == ':')
            colon = (ptrdiff_t)i;
        if (host.p[i] == ']')
            close = (ptrdiff_t)i;
    }
    bool is_v6 = host.len && host.p[0] == '[';
    if (is_v6 && close < 0)
        return fail(text, "missing ']' in host", e);
    bytes port = is_v6 ? bytes_sub(host, (size_t)close + 1, host.len)
                       : bytes_sub(host, colon < 0 ? host.len : (size_t)colon, host.len);
    if (!is_port(port))
        return fail_quoting(text, "invalid port ", port, " after host", e);
    for (size_t i = 0; i < host.len; i++) {
        if ((unsigned char)host.p[i] < 0x80 && !isalnum((unsigned char)host.p[i])
            && !strchr("-_.~!$&'()*+,;=:[]<>\"%", host.p[i]))
            return fail_quoting(text, "invalid character ", bytes_sub(host, i, 1), " in host name", e);
    }
    return check_escapes(text, host, e);
}

static bool check_user(bytes text, bytes user, err *e)
{
    for (size_t i = 0; i < user.len; i++) {
        if (!isalnum((unsigned char)user.p[i]) && !strchr("-._:~!$&'()*+,;=%@", user.p[i]))
            return fail(text, "net/url: invalid userinfo", e);
    }
    return check_escapes(text, user, e);
}

static bool check_authority(bytes text, bytes authority, go_url *u, err *e)
{
    size_t at = authority.len;
    while (at && authority.p[at - 1] != '@')
        at--;
    u->host = bytes_sub(authority, at, authority.len);
    return check_host(text, u->host, e) && (at == 0 || check_user(text, bytes_sub(authority, 0, at - 1), e));
}

bool go_url_parse(bytes text, go_url *u, err *e)
{
    go_url here = { 0 };
    bytes main, rest, fragment = { 0 }, query = { 0 };
    if (!u)
        u = &here;
    *u = (go_url){ 0 };
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return fail(text, "net/url: invalid control character in URL", e);
    }
    bytes_cut(text, '#', &main, &fragment);
    if (!split_scheme(main, &u->scheme, &rest))
        return fail(text, "missing protocol scheme", e);
    bytes_cut(rest, '?', &rest, &query);
    if (!bytes_has_prefix(rest, BYTES("/"))) {
        if (u->scheme.len)
            return check_escapes(text, fragment, e); /* opaque: "mailto:x" */
        bytes segment, tail;
        bytes_cut(rest, '/', &segment, &tail);
        if (bytes_find(segment, ':') >= 0)
            return fail(text, "first path segment in URL cannot contain colon", e);
    }
    if (bytes_has_prefix(rest, BYTES("//")) && (u->scheme.len || !bytes_has_prefix(rest, BYTES("///")))) {
        bytes authority = bytes_sub(rest, 2, rest.len);
        ptrdiff_t slash = bytes_find(authority, '/');
        rest = slash < 0 ? BYTES("") : bytes_sub(authority, (size_t)slash, authority.len);
        if (!check_authority(text, bytes_sub(authority, 0, slash < 0 ? authority.len : (size_t)slash), u, e))
            return false;
    }
    return check_escapes(text, rest, e) && check_escapes(text, fragment, e);
}

void go_url_redact(bytes text, buf *out)
{
    ptrdiff_t start = bytes_find_bytes(text, BYTES("//"));
    if (start < 0) {
        buf_puts(out, text);
        return;
    }
    size_t from = (size_t)start + 2, end = from;
    while (end < text.len && !strchr("/?#", text.p[end]))
        end++;
    size_t at = end;
    while (at > from && text.p[at - 1] != '@')
        at--;
    bytes user = at > from ? bytes_sub(text, from, at - 1 - from) : BYTES("");
    ptrdiff_t colon = bytes_find(user, ':');
    if (colon < 0) {
        buf_puts(out, text);
        return;
    }
    buf_puts(out, bytes_sub(text, 0, from + (size_t)colon + 1));
    buf_putz(out, "xxxxx");
    buf_puts(out, bytes_sub(text, at - 1, text.len));
}
