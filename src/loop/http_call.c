/* http_call.c: see http_call.h, and http_call_error() of http_client.h. The rules for redirects are those of Go's
 * http.Client: 303 and (for POST) 301, 302 become GET without a body, 307 and 308 repeat the request; at most ten;
 * credentials stay with the host they were meant for and its subdomains. */
#include "loop/http_call.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "loop/http_server.h"
#include <stdio.h>

enum { MAX_REDIRECTS = 10 };

/* ---- what is asked ---- */

static void put_base64(buf *out, bytes in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t v = (uint32_t)(uint8_t)in.p[i] << 16;
        v |= left > 1 ? (uint32_t)(uint8_t)in.p[i + 1] << 8 : 0;
        v |= left > 2 ? (uint32_t)(uint8_t)in.p[i + 2] : 0;
        char four[4] = { digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                         left > 2 ? digits[v & 63] : '=' };
        buf_put(out, four, 4);
    }
}

static bool has_header(const http_ask *q, const char *name)
{
    http_values vs = { q->headers, q->n_headers, q->n_headers };
    return values_get_nocase(&vs, name, NULL);
}

static void add_header(http_ask *q, const char *name, bytes value)
{
    if (!has_header(q, name))   /* room for it was made in http_ask_init() */
        q->headers[q->n_headers++] = (http_value){ bytes_of(name), value };
}

static bytes basic_auth(const url *u, arena *a)
{
    buf out;
    buf_init(&out, LIMIT_HTTP_HEAD);
    bytes pair = arena_bytesf(a, "%.*s:%.*s", BYTES_ARG(u->user), BYTES_ARG(u->password));
    buf_putz(&out, "Basic ");
    put_base64(&out, pair);
    bytes value = arena_dup(a, buf_bytes(&out));
    buf_release(&out);
    return value;
}

static bool check_url(http_ask *q, arena *a, err *e)
{
    if (!bytes_eq(q->url.scheme, BYTES("http"))) {
        buf quoted;
        buf_init(&quoted, 300);
        utf8_quote(&quoted, bytes_sub(q->url.scheme, 0, 50));
        err_set(e, ERR_BAD_DATA, "unsupported protocol scheme %.*s", BYTES_ARG(buf_bytes(&quoted)));
        buf_release(&quoted);
        return false;
    }
    if (!q->url.host.len)
        return err_set(e, ERR_BAD_DATA, "http: no Host in request URL");
    q->host_key = arena_bytesf(a, "%.*s:%u", BYTES_ARG(q->url.host), q->url.port);
    return true;
}

bool http_ask_init(http_ask *q, const http_call_options *opt, const char *user_agent, arena *a, err *e)
{
    *q = (http_ask){ .method = arena_dup(a, bytes_of(opt->method ? opt->method : "GET")),
                     .body = opt->body,
                     .no_keep_alive = opt->no_keep_alive };
    q->text = arena_dup(a, opt->url);
    if (!url_parse(q->text, a, &q->url, e) || !check_url(q, a, e))
        return false;
    q->headers = ARENA_ARRAY(a, http_value, opt->n_headers + 2);
    for (size_t i = 0; i < opt->n_headers; i++)
        q->headers[q->n_headers++] =
            (http_value){ arena_dup(a, opt->headers[i].name), arena_dup(a, opt->headers[i].value) };
    if (user_agent)
        add_header(q, "User-Agent", bytes_of(user_agent));
    if (q->url.has_user)
        add_header(q, "Authorization", basic_auth(&q->url, a));
    return true;
}

bool http_ask_is_idempotent(const http_ask *q)
{
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE" };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (bytes_eq(q->method, bytes_of(methods[i])))
            return true;
    return false;
}

/* ---- the head ---- */

/* A line break in a configured value must not become one in the request. */
static void put_line(buf *out, bytes name, bytes value)
{
    buf_puts(out, name);
    buf_putz(out, ": ");
    size_t from = out->len;
    buf_puts(out, value);
    for (size_t i = from; i < out->len; i++)
        if (out->p[i] == '\r' || out->p[i] == '\n' || out->p[i] == '\0')
            out->p[i] = ' ';
    buf_putz(out, "\r\n");
}

static bool carries_length(const http_ask *q)
{
    return q->body.len || bytes_eq(q->method, BYTES("POST")) || bytes_eq(q->method, BYTES("PUT"))
        || bytes_eq(q->method, BYTES("PATCH"));
}

void http_ask_put_head(const http_ask *q, buf *out)
{
    buf_puts(out, q->method);
    buf_putc(out, ' ');
    url_put_target(&q->url, out);
    buf_putz(out, " HTTP/1.1\r\n");
    if (!has_header(q, "host")) {
        buf_putz(out, "Host: ");
        url_put_host(&q->url, out);
        buf_putz(out, "\r\n");
    }
    for (size_t i = 0; i < q->n_headers; i++)
        put_line(out, q->headers[i].name, q->headers[i].value);
    if (carries_length(q))
        buf_printf(out, "Content-Length: %zu\r\n", q->body.len);
    buf_putz(out, q->no_keep_alive ? "Connection: close\r\n\r\n" : "\r\n");
}

/* ---- redirects ---- */

enum redirect_kind { NO_REDIRECT, BECOMES_GET, POST_BECOMES_GET, REPEATS };

static enum redirect_kind redirect_kind(int status)
{
    switch (status) {
    case 301:
    case 302: return POST_BECOMES_GET;
    case 303: return BECOMES_GET;
    case 307:
    case 308: return REPEATS;
    default: return NO_REDIRECT;
    }
}

static bool is_same_or_subdomain(bytes host, bytes of)
{
    if (host.len == of.len)
        return bytes_eq_nocase(host, of);
    return host.len > of.len && host.p[host.len - of.len - 1] == '.'
        && bytes_eq_nocase(bytes_sub(host, host.len - of.len, of.len), of);
}

static void drop_headers(http_ask *q, const char *const *names, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->n_headers; i++) {
        bool drop = false;
        for (size_t j = 0; j < n && !drop; j++)
            drop = bytes_eq_nocase(q->headers[i].name, bytes_of(names[j]));
        if (!drop)
            q->headers[kept++] = q->headers[i];
    }
    q->n_headers = kept;
}

#define DROP(q, ...)                                                                                                   \
    drop_headers((q), (const char *const[]){ __VA_ARGS__ }, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *))

bool http_ask_redirect(http_ask *q, const http_head *head, arena *a, bool *is_redirect, err *e)
{
    enum redirect_kind kind = redirect_kind(head->status);
    bytes location;
    *is_redirect = kind != NO_REDIRECT && values_get_nocase(&head->headers, "location", &location);
    if (!*is_redirect)
        return true;
    if (q->n_redirects == MAX_REDIRECTS)
        return err_set(e, ERR_BAD_DATA, "stopped after %d redirects", MAX_REDIRECTS);
    url to;
    if (!url_resolve(&q->url, location, a, &to, e))
        return err_wrap(e, "failed to parse Location header");
    if (!is_same_or_subdomain(to.host, q->url.host))
        DROP(q, "Authorization", "Cookie", "Cookie2", "Www-Authenticate");
    DROP(q, "Host");
    bool is_head = bytes_eq(q->method, BYTES("HEAD"));
    if (kind == BECOMES_GET || (kind == POST_BECOMES_GET && bytes_eq(q->method, BYTES("POST")))) {
        q->method = is_head ? q->method : BYTES("GET");
        q->body = (bytes){ 0 };
        DROP(q, "Content-Type", "Content-Encoding", "Content-Length");
    }
    q->url = to;
    q->n_redirects++;
    return check_url(q, a, e);
}

void http_call_error(const char *method, bytes text, const err *in, err *out)
{
    char op[16] = "Get";
    arena a;
    err copy = *in;   /* in and out may be the same */
    if (method && *method) {
        snprintf(op, sizeof op, "%s", method);
        for (size_t i = 1; op[i]; i++)
            op[i] = op[i] >= 'A' && op[i] <= 'Z' ? (char)(op[i] | 32) : op[i];
    }
    arena_init(&a, 0);
    bytes shown = url_redact(text, &a);
    buf quoted;
    buf_init(&quoted, 700);
    utf8_quote(&quoted, bytes_sub(shown, 0, 500));
    err_set(out, copy.kind, "%s %.*s: %.400s", op, BYTES_ARG(buf_bytes(&quoted)), copy.msg);
    buf_release(&quoted);
    arena_release(&a);
}
