/* url.c: see url.h. RFC 3986 as Go's net/url applies it (lenient where Go is: spaces and non-ASCII bytes in a path are
 * taken and encoded when the URL is sent).
 *
 *     url       = scheme ":" "//" [ userinfo "@" ] host [ ":" port ] path [ "?" query ] [ "#" fragment ]
 * Control characters are refused anywhere, so nothing made of a parsed URL can break a request line.              */
#include "loop/url.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"
#include <stdio.h>

/* ---- classes of characters ---- */

enum { UNRESERVED = 1, IN_PATH = 2, IN_HOST = 4, IN_USER = 8, HEX = 16, IN_SEGMENT = 32 };

static unsigned class_of(unsigned char c)
{
    unsigned k = 0;
    bool alpha = (c | 32) >= 'a' && (c | 32) <= 'z', digit = c >= '0' && c <= '9';
    if (alpha || digit || (c && strchr("-_.~", c)))
        k |= UNRESERVED | IN_PATH | IN_HOST | IN_USER | IN_SEGMENT;
    if (digit || ((c | 32) >= 'a' && (c | 32) <= 'f'))
        k |= HEX;
    if (c && strchr("!$&'()*+,;=:@/[]", c))
        k |= IN_PATH;
    if (c && strchr("$&+=:@", c))
        k |= IN_SEGMENT;
    if (c >= 0x80 || (c && strchr("!$&'()*+,;=:[]<>\"", c)))
        k |= IN_HOST;
    if (c && strchr("!$&'()*+,;=:%@", c))
        k |= IN_USER;
    return k;
}

static int hex_value(unsigned char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static bool is_escape(bytes s, size_t i)
{
    return i + 2 < s.len && (class_of((unsigned char)s.p[i + 1]) & HEX) && (class_of((unsigned char)s.p[i + 2]) & HEX);
}

/* "text": "...": as Go's %q. */
static bool fail_quoted(err *e, const char *before, bytes text, const char *after)
{
    buf q;
    buf_init(&q, 600);
    utf8_quote(&q, bytes_sub(text, 0, 100));
    err_set(e, ERR_BAD_DATA, "%s%.*s%s", before, BYTES_ARG(buf_bytes(&q)), after);
    buf_release(&q);
    return false;
}

static bool check_escapes(bytes s, err *e)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == '%' && !is_escape(s, i))
            return fail_quoted(e, "invalid URL escape ", bytes_sub(s, i, 3), "");
    return true;
}

static bool has_control(bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

/* ---- decoding and encoding ---- */

bool url_unescape(bytes in, bool plus, arena *a, bytes *out, err *e)
{
    bool plain = true;
    for (size_t i = 0; i < in.len && plain; i++)
        plain = in.p[i] != '%' && !(plus && in.p[i] == '+');
    *out = in;
    if (plain)
        return true;
    if (!check_escapes(in, e))
        return false;
    char *p = arena_text(a, in.len);
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.p[i];
        if (c == '%') {
            c = (char)(hex_value((unsigned char)in.p[i + 1]) << 4 | hex_value((unsigned char)in.p[i + 2]));
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        p[n++] = c;
    }
    *out = (bytes){ p, n };
    return true;
}

static void put_escaped(buf *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    char text[3] = { '%', digits[c >> 4], digits[c & 15] };
    buf_put(out, text, 3);
}

void url_escape_query(buf *out, bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.p[i];
        if (class_of(c) & UNRESERVED)
            buf_putc(out, (char)c);
        else if (c == ' ')
            buf_putc(out, '+');
        else
            put_escaped(out, c);
    }
}

void url_escape_path(buf *out, bytes in)
{
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.p[i];
        if (class_of(c) & IN_SEGMENT)
            buf_putc(out, (char)c);
        else
            put_escaped(out, c);
    }
}

static bool unescape_pair(bytes pair, arena *a, http_values *out, err *e)
{
    bytes name, value;
    if (bytes_find(pair, ';') >= 0)
        return err_set(e, ERR_BAD_DATA, "invalid semicolon separator in query");
    if (!bytes_cut(pair, '=', &name, &value))
        value = (bytes){ 0 };
    if (!url_unescape(name, true, a, &name, e) || !url_unescape(value, true, a, &value, e))
        return false;
    values_add(out, a, name, value);
    return true;
}

bool url_parse_query(bytes query, arena *a, http_values *out, err *e)
{
    err first = { 0 };
    size_t n = 0;
    for (bytes rest = query, pair; rest.len;) {
        if (!bytes_cut(rest, '&', &pair, &rest))
            rest = (bytes){ 0 };
        err one = { 0 };
        if (pair.len && ++n > LIMIT_HTTP_VALUES)
            return err_set(e, ERR_BAD_DATA, "number of URL query parameters exceeded limit");
        if (pair.len && !unescape_pair(pair, a, out, &one) && !first.kind)
            first = one;
    }
    if (first.kind && e)
        *e = first;
    return !first.kind;
}

/* ---- parsing ---- */

typedef struct parts {
    bytes scheme, authority, path, query, fragment;
    bool has_authority, has_query;
} parts;

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":"      absent where the text does not begin like that */
static bool cut_scheme(bytes *text, bytes *scheme, err *e)
{
    *scheme = (bytes){ 0 };
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->p[i];
        bool alpha = (c | 32) >= 'a' && (c | 32) <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (c == ':') {
            if (i == 0)
                return err_set(e, ERR_BAD_DATA, "missing protocol scheme");
            *scheme = bytes_sub(*text, 0, i);
            *text = bytes_sub(*text, i + 1, text->len);
            return true;
        }
        if (!alpha && (!other || i == 0))
            return true;
    }
    return true;
}

static bool split(bytes text, parts *p, err *e)
{
    *p = (parts){ 0 };
    if (has_control(text))
        return err_set(e, ERR_BAD_DATA, "net/url: invalid control character in URL");
    bytes_cut(text, '#', &text, &p->fragment);
    if (!cut_scheme(&text, &p->scheme, e))
        return false;
    p->has_query = bytes_cut(text, '?', &text, &p->query);
    if (!p->has_query)
        p->query = (bytes){ 0 };
    p->has_authority = bytes_has_prefix(text, BYTES("//"));
    if (p->has_authority) {
        bytes rest = bytes_sub(text, 2, text.len);
        ptrdiff_t slash = bytes_find(rest, '/');
        p->authority = slash < 0 ? rest : bytes_sub(rest, 0, (size_t)slash);
        text = slash < 0 ? (bytes){ 0 } : bytes_sub(rest, (size_t)slash, rest.len);
    } else if (!p->scheme.len) {
        bytes segment;
        bytes_cut(text, '/', &segment, &(bytes){ 0 });
        if (bytes_find(segment, ':') >= 0)
            return err_set(e, ERR_BAD_DATA, "first path segment in URL cannot contain colon");
    }
    p->path = text;
    return check_escapes(p->path, e);
}

static ptrdiff_t find_last(bytes s, char c)
{
    const char *q = s.len ? memrchr(s.p, c, s.len) : NULL;
    return q ? q - s.p : -1;
}

static bool parse_port(bytes text, uint16_t *port, err *e)
{
    uint64_t v = 0;
    if (text.len > 5 || !num_parse_u64(text, &v) || v > 65535 || text.p[0] == '+') {
        char with_colon[64];
        int n = snprintf(with_colon, sizeof with_colon, ":%.*s", (int)(text.len < 50 ? text.len : 50), text.p);
        return fail_quoted(e, "invalid port ", bytes_n(with_colon, (size_t)n), " after host");
    }
    *port = (uint16_t)v;
    return true;
}

/* host [ ":" port ], the host perhaps in brackets */
static bool parse_host(bytes text, url *u, err *e)
{
    bytes port = { 0 };
    bool has_port;
    if (text.len && text.p[0] == '[') {
        ptrdiff_t end = find_last(text, ']');
        if (end < 0)
            return err_set(e, ERR_BAD_DATA, "missing ']' in host");
        u->is_v6 = true;
        u->host = bytes_sub(text, 1, (size_t)end - 1);
        port = bytes_sub(text, (size_t)end + 1, text.len);
        has_port = port.len > 0;
        if (has_port && port.p[0] != ':')
            return fail_quoted(e, "invalid port ", port, " after host");
        port = bytes_sub(port, 1, port.len);
    } else {
        ptrdiff_t colon = bytes_find(text, ':');
        has_port = colon >= 0;
        u->host = has_port ? bytes_sub(text, 0, (size_t)colon) : text;
        port = has_port ? bytes_sub(text, (size_t)colon + 1, text.len) : port;
    }
    for (size_t i = 0; i < u->host.len; i++) {
        unsigned char c = (unsigned char)u->host.p[i];
        if (!(class_of(c) & IN_HOST) && !(u->is_v6 && c == '%'))
            return fail_quoted(e, "invalid character ", bytes_sub(u->host, i, 1), " in host name");
    }
    u->port_text = port;
    return port.len == 0 || parse_port(port, &u->port, e);
}

static bool parse_authority(bytes text, arena *a, url *u, err *e)
{
    ptrdiff_t at = find_last(text, '@');
    if (at >= 0) {
        bytes user = bytes_sub(text, 0, (size_t)at);
        for (size_t i = 0; i < user.len; i++)
            if (!(class_of((unsigned char)user.p[i]) & IN_USER))
                return err_set(e, ERR_BAD_DATA, "net/url: invalid userinfo");
        u->has_user = true;
        u->has_password = bytes_cut(user, ':', &u->user, &u->password);
        if (!u->has_password)
            u->password = (bytes){ 0 };
        if (!url_unescape(u->user, false, a, &u->user, e) || !url_unescape(u->password, false, a, &u->password, e))
            return false;
        text = bytes_sub(text, (size_t)at + 1, text.len);
    }
    return parse_host(text, u, e);
}

static bytes lower(bytes s, arena *a)
{
    char *p = arena_text(a, s.len);
    for (size_t i = 0; i < s.len; i++)
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 32) : s.p[i];
    return (bytes){ p, s.len };
}

static bool from_parts(const parts *p, arena *a, url *u, err *e)
{
    *u = (url){ .path = p->path, .query = p->query, .has_query = p->has_query, .fragment = p->fragment };
    u->scheme = lower(p->scheme, a);
    if (!parse_authority(p->authority, a, u, e))
        return false;
    if (!u->port_text.len)
        u->port = bytes_eq(u->scheme, BYTES("http")) ? 80 : bytes_eq(u->scheme, BYTES("https")) ? 443 : 0;
    return true;
}

static bool wrap_parse(bytes text, err *e)
{
    err inner = e ? *e : (err){ 0 };
    bool ok = fail_quoted(e, "parse ", text, "");
    if (e) {
        size_t n = strlen(e->msg);
        snprintf(e->msg + n, sizeof e->msg - n, ": %.400s", inner.msg);
    }
    return ok;
}

bool url_parse(bytes text, arena *a, url *out, err *e)
{
    parts p;
    err local = { 0 };
    e = e ? e : &local;
    if (!split(text, &p, e))
        return wrap_parse(text, e);
    if (!p.scheme.len)
        return err_set(e, ERR_BAD_DATA, "unsupported protocol scheme \"\"");
    return from_parts(&p, a, out, e) || wrap_parse(text, e);
}

/* ---- paths ---- */

/* RFC 3986 5.2.4 on an absolute path; doubled slashes too when `merge` is set. */
static bytes remove_dots(bytes path, bool merge, arena *a)
{
    char *p = arena_text(a, path.len + 1);
    size_t n = 0;
    p[n++] = '/';
    for (bytes rest = bytes_sub(path, path.len && path.p[0] == '/', path.len), seg; rest.len;) {
        bool more = bytes_cut(rest, '/', &seg, &rest);
        if (!more)
            rest = (bytes){ 0 };
        if (bytes_eq(seg, BYTES(".")) || (merge && !seg.len))
            continue;
        if (bytes_eq(seg, BYTES(".."))) {
            if (n > 1)
                n--;   /* the slash behind the segment that goes */
            while (n > 1 && p[n - 1] != '/')
                n--;
            continue;
        }
        memcpy(p + n, seg.p, seg.len);
        n += seg.len;
        if (more)
            p[n++] = '/';
    }
    return (bytes){ p, n };
}

bytes url_clean_path(bytes path, arena *a)
{
    bool clean = path.len && path.p[0] == '/';
    for (size_t i = 1; i < path.len && clean; i++)
        clean = path.p[i - 1] != '/' || (path.p[i] != '/' && path.p[i] != '.');
    return clean ? path : remove_dots(path, true, a);
}

bool url_resolve(const url *base, bytes ref, arena *a, url *out, err *e)
{
    parts p;
    if (!split(ref, &p, e))
        return wrap_parse(ref, e);
    if (p.scheme.len || p.has_authority) {
        if (!p.scheme.len)
            p.scheme = base->scheme;
        return from_parts(&p, a, out, e) || wrap_parse(ref, e);
    }
    url u = *base;
    u.fragment = p.fragment;
    if (p.path.len || p.has_query) {
        u.query = p.query;
        u.has_query = p.has_query;
    }
    if (p.path.len && p.path.p[0] == '/') {
        u.path = remove_dots(p.path, false, a);
    } else if (p.path.len) {
        ptrdiff_t slash = find_last(base->path, '/');
        bytes folder = slash < 0 ? BYTES("/") : bytes_sub(base->path, 0, (size_t)slash + 1);
        u.path = remove_dots(arena_bytesf(a, "%.*s%.*s", BYTES_ARG(folder), BYTES_ARG(p.path)), false, a);
    }
    *out = u;
    return true;
}

/* ---- printing ---- */

void url_put_host(const url *u, buf *out)
{
    buf_putz(out, u->is_v6 ? "[" : "");
    buf_puts(out, u->host);
    buf_putz(out, u->is_v6 ? "]" : "");
    if (u->port_text.len)
        buf_printf(out, ":%.*s", BYTES_ARG(u->port_text));
}

void url_put_target(const url *u, buf *out)
{
    if (!u->path.len || u->path.p[0] != '/')
        buf_putc(out, '/');
    for (size_t i = 0; i < u->path.len; i++) {
        unsigned char c = (unsigned char)u->path.p[i];
        if ((class_of(c) & IN_PATH) || c == '%')
            buf_putc(out, (char)c);
        else
            put_escaped(out, c);
    }
    if (u->has_query)
        buf_putc(out, '?');
    for (size_t i = 0; i < u->query.len; i++) {
        unsigned char c = (unsigned char)u->query.p[i];
        if (c == ' ')
            put_escaped(out, c);
        else
            buf_putc(out, (char)c);
    }
}

static void put_user(const url *u, bool redact, buf *out)
{
    if (!u->has_user)
        return;
    url_escape_path(out, u->user);
    if (u->has_password) {
        buf_putc(out, ':');
        if (redact)
            buf_putz(out, "xxxxx");
        else
            url_escape_query(out, u->password);
    }
    buf_putc(out, '@');
}

bytes url_format(const url *u, bool redact, arena *a)
{
    buf out;
    buf_init(&out, LIMIT_HTTP_HEAD);
    buf_puts(&out, u->scheme);
    buf_putz(&out, "://");
    put_user(u, redact, &out);
    url_put_host(u, &out);
    if (u->path.len || u->has_query)
        url_put_target(u, &out);
    bytes text = arena_dup(a, buf_bytes(&out));
    buf_release(&out);
    return text;
}

bytes url_redact(bytes text, arena *a)
{
    url u;
    if (!url_parse(text, a, &u, NULL))
        return bytes_find(text, '@') < 0 ? text : BYTES("(an URL that does not parse)");
    return u.has_password ? url_format(&u, true, a) : text;
}

/* ---- listen addresses ---- */

bool url_split_host_port(bytes text, bytes *host, uint16_t *port, err *e)
{
    ptrdiff_t colon = find_last(text, ':');
    if (colon < 0)
        return err_set(e, ERR_BAD_DATA, "address %.*s: missing port in address", BYTES_ARG(text));
    bytes h = bytes_sub(text, 0, (size_t)colon), p = bytes_sub(text, (size_t)colon + 1, text.len);
    uint64_t v = 0;
    if (h.len && h.p[0] == '[') {
        if (h.p[h.len - 1] != ']')
            return err_set(e, ERR_BAD_DATA, "address %.*s: missing port in address", BYTES_ARG(text));
        h = bytes_sub(h, 1, h.len - 2);
    } else if (bytes_find(h, ':') >= 0) {
        return err_set(e, ERR_BAD_DATA, "address %.*s: too many colons in address", BYTES_ARG(text));
    }
    if (!num_parse_u64(p, &v) || v > 65535)
        return err_set(e, ERR_BAD_DATA, "address %.*s: invalid port", BYTES_ARG(p));
    *host = h;
    *port = (uint16_t)v;
    return true;
}
