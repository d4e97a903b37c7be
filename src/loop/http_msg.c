/* http_msg.c: see http_msg.h.
 *
 * llhttp reads the head and the chunked coding. Around it stand the things it leaves to its user, or has let pass in
 * some releases (a bare CR as a line end, space around names): the whole head is checked byte by byte before llhttp
 * sees it, and the framing is decided here from the parsed headers. A body with a length needs no parser and is only
 * counted.
 * Invariants:
 *   (1) llhttp sees a head whole, and after it only the bytes of a chunked body;
 *   (2) FAILED is final;
 *   (3) a request has one framing: at most one Content-Length or one Transfer-Encoding, never both.
 * Source: RFC 9112; what Go's net/http accepts in responses.                                                      */
#include "loop/http_msg.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "loop/http_server.h"
#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>

enum { FIRST_BODY = 32 << 10, BODY_STEP = 1 << 20 };

struct http_msg {
    llhttp_t parser;
    enum http_msg_kind kind;
    enum http_msg_state state;
    arena *arena;
    buf *body;
    size_t body_max;
    bool no_body, message_done, head_done;
    buf partial;          /* head bytes of earlier feeds; empty in the usual case of a head in one piece */
    size_t scanned;       /* of partial: no head end before this place */
    size_t framing_len;   /* chunked: bytes since the last byte of body */
    uint64_t left;        /* FRAMING_LENGTH: bytes to come */
    http_head head;
    err *err;             /* in the arena; NULL while all is well */
    int err_status;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum http_msg_state fail(http_msg *m, int status, enum err_kind kind, const char *text)
{
    if (m->state != HTTP_MSG_FAILED) { /* (2) */
        m->state = HTTP_MSG_FAILED;
        m->err_status = status;
        m->err = ARENA_NEW(m->arena, err);
        err_set(m->err, kind, "%s", text);
    }
    return m->state;
}

static enum http_msg_state bad(http_msg *m, const char *text)
{
    return fail(m, 400, ERR_BAD_DATA, text);
}

/* ---- llhttp's callbacks ---- */

static bool is_next_to(bytes b, const char *at)
{
    return b.len && b.p + b.len == at;
}

static void extend(bytes *b, const char *at, size_t n)
{
    if (is_next_to(*b, at))
        b->len += n;
    else
        *b = bytes_n(at, n);
}

static int on_method(llhttp_t *p, const char *at, size_t n)
{
    http_msg *m = p->data;
    extend(&m->head.method_name, at, n);
    return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    http_msg *m = p->data;
    extend(&m->head.target, at, n);
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    http_msg *m = p->data;
    http_values *h = &m->head.headers;
    if (m->head_done)
        return 0;   /* a trailer */
    if (h->n && is_next_to(h->v[h->n - 1].name, at))
        h->v[h->n - 1].name.len += n;
    else if (h->n < LIMIT_HTTP_HEADERS)
        values_add(h, m->arena, bytes_n(at, n), (bytes){ 0 });
    else
        fail(m, 431, ERR_BAD_DATA, "too many header lines");
    return m->state == HTTP_MSG_FAILED ? -1 : 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    http_msg *m = p->data;
    if (m->head_done)
        return 0;
    bytes *v = &m->head.headers.v[m->head.headers.n - 1].value;
    if (!v->len)
        *v = bytes_n(at, n);
    else if (is_next_to(*v, at))
        v->len += n;
    else   /* a folded line of a response: one space for the fold */
        *v = arena_bytesf(m->arena, "%.*s %.*s", BYTES_ARG(bytes_trim(*v)), BYTES_ARG(bytes_trim(bytes_n(at, n))));
    return 0;
}

static int on_headers(llhttp_t *p)
{
    http_msg *m = p->data;
    m->head_done = true;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    http_msg *m = p->data;
    m->framing_len = 0;
    if (n > m->body_max - m->body->len) {
        fail(m, 413, ERR_TOO_LARGE, "body size limit exceeded");
        return -1;
    }
    if (!m->body->cap)
        buf_reserve(m->body, least(FIRST_BODY, m->body->max));
    buf_put(m->body, at, n);
    return 0;
}

static int on_message(llhttp_t *p)
{
    http_msg *m = p->data;
    m->message_done = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_message,
};

/* ---- life ---- */

http_msg *http_msg_new(enum http_msg_kind kind)
{
    http_msg *m = xcalloc(1, sizeof *m);
    m->kind = kind;
    buf_init(&m->partial, LIMIT_HTTP_HEAD);
    llhttp_init(&m->parser, kind == HTTP_MSG_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    m->parser.data = m;
    return m;
}

void http_msg_free(http_msg *m)
{
    if (m)
        buf_release(&m->partial);
    free(m);
}

void http_msg_begin(http_msg *m, arena *a, buf *body, bool no_body)
{
    llhttp_reset(&m->parser);
    buf_release(&m->partial);
    m->state = HTTP_MSG_HEAD;
    m->arena = a;
    m->body = body;
    m->body_max = body->max;
    m->no_body = no_body;
    m->message_done = m->head_done = false;
    m->scanned = m->framing_len = 0;
    m->head = (http_head){ 0 };
    m->err = NULL;
    m->err_status = 0;
}

/* ---- the head ---- */

/* Length of the head at the beginning of text, its empty line included, or 0: not complete. From: where to begin. */
static size_t find_head_end(bytes text, size_t from)
{
    while (from < text.len) {
        const char *lf = memchr(text.p + from, '\n', text.len - from);
        if (!lf)
            return 0;
        size_t next = (size_t)(lf - text.p) + 1;
        if (next < text.len && text.p[next] == '\n')
            return next + 1;
        if (next + 1 < text.len && text.p[next] == '\r' && text.p[next + 1] == '\n')
            return next + 2;
        from = next;
    }
    return 0;
}

/* tchar of RFC 9110, 5.6.2 */
static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* field-line = field-name ":" OWS field-value OWS        without the fold and the spaces that older rules let pass */
static const char *check_field_line(bytes line)
{
    size_t i = 0;
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return "folded header line";
    while (i < line.len && is_token_char((unsigned char)line.p[i]))
        i++;
    return i == 0 || i == line.len || line.p[i] != ':' ? "invalid header name" : NULL;
}

/* request-line = method SP request-target SP HTTP-version        one space each, so that nobody reads another target */
static const char *check_request_line(bytes line)
{
    bytes method, target, version;
    bytes_cut(line, ' ', &method, &line);
    bytes_cut(line, ' ', &target, &version);
    bool is_version = version.len == 8 && bytes_has_prefix(version, BYTES("HTTP/"));
    return !method.len || !target.len || !is_version ? "malformed request line" : NULL;
}

/* What is wrong with a request's head, or NULL. It ends in an empty line. */
static const char *check_request_lines(bytes head)
{
    bool first = true;
    for (bytes line, rest = head; rest.len;) {
        bytes_cut(rest, '\n', &line, &rest);
        if (!line.len || line.p[line.len - 1] != '\r')
            return "line does not end in CR LF";
        line.len--;
        for (size_t i = 0; i < line.len; i++) {
            unsigned char c = (unsigned char)line.p[i];
            if ((c < 0x20 && c != '\t') || c == 0x7f)
                return "control character in the header";
        }
        const char *wrong = first ? check_request_line(line) : line.len ? check_field_line(line) : NULL;
        if (wrong)
            return wrong;
        first = false;
    }
    return NULL;
}

static unsigned method_bit(uint8_t method)
{
    static const struct {
        uint8_t llhttp;
        unsigned bit;
    } rows[] = {
        { HTTP_GET, METHOD_GET }, { HTTP_HEAD, METHOD_HEAD }, { HTTP_POST, METHOD_POST }, { HTTP_PUT, METHOD_PUT },
        { HTTP_DELETE, METHOD_DELETE }, { HTTP_OPTIONS, METHOD_OPTIONS }, { HTTP_PATCH, METHOD_PATCH },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].llhttp == method)
            return rows[i].bit;
    return METHOD_OTHER;
}

static size_t count_headers(const http_values *h, bytes name)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        n += h->v[i].name.len == name.len && bytes_eq_nocase(h->v[i].name, name);
    return n;
}

static enum http_msg_state check_request(http_msg *m)
{
    const http_values *h = &m->head.headers;
    size_t n_len = count_headers(h, BYTES("content-length")), n_te = count_headers(h, BYTES("transfer-encoding"));
    size_t n_host = count_headers(h, BYTES("host"));
    bytes te;
    if (n_len + n_te > 1) /* (3) */
        return bad(m, "more than one Content-Length or Transfer-Encoding header");
    if (n_host > 1)
        return bad(m, "too many Host headers");
    if (n_host == 0 && m->head.minor > 0)
        return bad(m, "missing required Host header");
    if (n_te && m->head.minor == 0)
        return bad(m, "Transfer-Encoding in an HTTP/1.0 request");
    if (n_te && values_get_nocase(h, "transfer-encoding", &te) && !bytes_eq_nocase(te, BYTES("chunked")))
        return fail(m, 501, ERR_BAD_DATA, "unsupported transfer encoding");
    if (m->head.method == METHOD_OTHER && m->parser.method == HTTP_CONNECT)
        return fail(m, 501, ERR_BAD_DATA, "CONNECT is not supported");
    return m->state;
}

static enum http_framing framing_of(const http_msg *m)
{
    int status = m->head.status;
    bool is_response = m->kind == HTTP_MSG_RESPONSE;
    if (is_response && (m->no_body || status / 100 == 1 || status == 204 || status == 304))
        return FRAMING_NONE;
    if (m->parser.flags & F_CHUNKED)
        return FRAMING_CHUNKED;
    if (is_response && (m->parser.flags & F_TRANSFER_ENCODING))
        return FRAMING_CLOSE;
    if (m->parser.flags & F_CONTENT_LENGTH)
        return m->parser.content_length ? FRAMING_LENGTH : FRAMING_NONE;
    return is_response ? FRAMING_CLOSE : FRAMING_NONE;
}

/* "404 Not Found" out of "HTTP/1.1 404 Not Found\r\n" */
static bytes status_line_of(bytes head)
{
    bytes line, version, status;
    bytes_cut(head, '\n', &line, &(bytes){ 0 });
    bytes_cut(line, ' ', &version, &status);
    while (status.len && (status.p[status.len - 1] == '\r' || status.p[status.len - 1] == '\n'))
        status.len--;
    return status;
}

static void fill_head(http_msg *m, bytes text)
{
    http_head *h = &m->head;
    for (size_t i = 0; i < h->headers.n; i++)
        h->headers.v[i].value = bytes_trim(h->headers.v[i].value);
    h->minor = m->parser.http_minor;
    h->method = method_bit(m->parser.method);
    if (m->kind == HTTP_MSG_RESPONSE) {
        h->status = m->parser.status_code;
        h->status_line = status_line_of(text);
    }
    h->framing = framing_of(m);
    h->content_length = h->framing == FRAMING_LENGTH ? m->parser.content_length : 0;
    bool asked = m->parser.flags & F_CONNECTION_KEEP_ALIVE, closes = m->parser.flags & F_CONNECTION_CLOSE;
    h->keep_alive = !closes && (h->minor > 0 || asked) && h->framing != FRAMING_CLOSE;
}

static enum http_msg_state refuse_head(http_msg *m, bytes text)
{
    if (m->state == HTTP_MSG_FAILED)
        return m->state;
    llhttp_errno_t code = llhttp_get_errno(&m->parser);
    if (m->kind == HTTP_MSG_RESPONSE) {
        bytes line;
        buf out;
        bytes_cut(text, '\n', &line, &(bytes){ 0 });
        buf_init(&out, 1000);
        buf_putz(&out, "malformed HTTP response ");
        utf8_quote(&out, bytes_sub(bytes_trim(line), 0, 150));
        buf_putc(&out, '\0');
        bad(m, out.p);
        buf_release(&out);
        return m->state;
    }
    if (code == HPE_INVALID_METHOD)
        return fail(m, 501, ERR_BAD_DATA, "unknown method");
    bytes line;
    bytes_cut(text, '\r', &line, &(bytes){ 0 });
    bool is_ours = bytes_has_suffix(line, BYTES("HTTP/1.0")) || bytes_has_suffix(line, BYTES("HTTP/1.1"));
    if (!is_ours && !check_request_line(line))
        return fail(m, 505, ERR_BAD_DATA, "HTTP version not supported");
    const char *reason = llhttp_get_error_reason(&m->parser);
    return bad(m, reason && *reason ? reason : "malformed request");
}

/* text: the whole head, in the arena */
static enum http_msg_state parse_head(http_msg *m, bytes text)
{
    bool is_request = m->kind == HTTP_MSG_REQUEST;
    const char *wrong = is_request ? check_request_lines(text) : NULL;
    if (wrong)
        return bad(m, wrong);
    llhttp_execute(&m->parser, text.p, text.len); /* (1) */
    if (!m->head_done || m->parser.http_major != 1)
        return refuse_head(m, text);
    llhttp_resume(&m->parser);
    fill_head(m, text);
    if (is_request && check_request(m) == HTTP_MSG_FAILED)
        return m->state;
    m->left = m->head.content_length;
    return m->state = m->head.framing == FRAMING_NONE ? HTTP_MSG_COMPLETE : HTTP_MSG_BODY;
}

static enum http_msg_state head_too_large(http_msg *m)
{
    bool has_line = memchr(m->partial.p, '\n', m->partial.len) != NULL;
    if (m->kind == HTTP_MSG_REQUEST && !has_line)
        return fail(m, 414, ERR_BAD_DATA, "request line too long");
    return fail(m, 431, ERR_BAD_DATA, "header too large");
}

static enum http_msg_state feed_head(http_msg *m, bytes in, size_t *used)
{
    size_t skip = 0;
    while (!m->partial.len && skip < in.len && (in.p[skip] == '\r' || in.p[skip] == '\n'))
        skip++;   /* empty lines before a message (RFC 9112, 2.2) */
    *used = skip;
    in = bytes_sub(in, skip, in.len);
    if (!in.len)
        return m->state;
    if (!m->partial.len && !is_token_char((unsigned char)in.p[0]))   /* TLS to a plain port and the like: do not wait */
        return m->kind == HTTP_MSG_REQUEST ? bad(m, "malformed request line") : refuse_head(m, in);

    if (!m->partial.len) {   /* the usual case: all of it in one piece */
        size_t len = find_head_end(in, 0);
        if (len && len <= LIMIT_HTTP_HEAD) {
            *used += len;
            return parse_head(m, arena_dup(m->arena, bytes_sub(in, 0, len)));
        }
    }
    size_t before = m->partial.len, take = in.len < LIMIT_HTTP_HEAD - before ? in.len : LIMIT_HTTP_HEAD - before;
    buf_put(&m->partial, in.p, take);
    size_t len = find_head_end(buf_bytes(&m->partial), m->scanned);
    if (len) {
        *used += len - before;
        bytes text = arena_dup(m->arena, bytes_sub(buf_bytes(&m->partial), 0, len));
        buf_release(&m->partial);
        return parse_head(m, text);
    }
    if (m->partial.len == LIMIT_HTTP_HEAD)
        return head_too_large(m);
    m->scanned = m->partial.len > 3 ? m->partial.len - 3 : 0;
    *used += take;
    return m->state;
}

/* ---- the body ---- */

static enum http_msg_state feed_chunked(http_msg *m, bytes in, size_t *used)
{
    size_t before = m->body->len;
    llhttp_errno_t rc = llhttp_execute(&m->parser, in.p, in.len);
    if (m->message_done) {
        *used = (size_t)(llhttp_get_error_pos(&m->parser) - in.p);
        return m->state = HTTP_MSG_COMPLETE;
    }
    *used = in.len;
    if (m->state == HTTP_MSG_FAILED)
        return m->state;
    if (rc != HPE_OK) {
        const char *reason = llhttp_get_error_reason(&m->parser);
        return bad(m, reason && *reason ? reason : "invalid chunked body");
    }
    m->framing_len += m->body->len == before ? in.len : 0;
    if (m->framing_len > LIMIT_HTTP_FRAMING)
        return fail(m, 431, ERR_BAD_DATA, "chunk header or trailer too large");
    return m->state;
}

/* Room for all that is announced and one byte more (see http_msg_room), but memory follows what has come: a large
 * length that is only announced costs nothing. */
static void make_room(http_msg *m)
{
    size_t want = m->left < BODY_STEP ? (size_t)m->left + 1 : BODY_STEP;
    if (m->body->cap - m->body->len < want)
        buf_reserve(m->body, least(want, m->body->max - m->body->len));
}

static enum http_msg_state feed_plain(http_msg *m, bytes in, size_t *used)
{
    bool counted = m->head.framing == FRAMING_LENGTH;
    size_t n = counted && m->left < in.len ? (size_t)m->left : in.len;
    if (n > m->body_max - m->body->len)
        return fail(m, 413, ERR_TOO_LARGE, "body size limit exceeded");
    if (counted)
        make_room(m);
    buf_put(m->body, in.p, n);
    *used = n;
    m->left -= counted ? n : 0;
    return m->state = counted && !m->left ? HTTP_MSG_COMPLETE : HTTP_MSG_BODY;
}

enum http_msg_state http_msg_feed(http_msg *m, bytes in, size_t *used)
{
    *used = 0;
    if (m->state == HTTP_MSG_HEAD)
        return feed_head(m, in, used);
    if (m->state != HTTP_MSG_BODY || !in.len)
        return m->state;
    return m->head.framing == FRAMING_CHUNKED ? feed_chunked(m, in, used) : feed_plain(m, in, used);
}

enum http_msg_state http_msg_limit_body(http_msg *m, size_t max)
{
    if (m->state == HTTP_MSG_HEAD || m->state == HTTP_MSG_FAILED)
        return m->state;
    m->body_max = max < m->body->max ? max : m->body->max;
    if (m->head.content_length > m->body_max)
        return fail(m, 413, ERR_TOO_LARGE, "body size limit exceeded");
    return m->state;
}

bool http_msg_room(http_msg *m, char **p, size_t *len)
{
    if (m->state != HTTP_MSG_BODY || m->head.framing != FRAMING_LENGTH || m->left > m->body_max - m->body->len)
        return false;
    make_room(m);
    *p = m->body->p + m->body->len;
    *len = least(m->body->cap - m->body->len, m->left < SIZE_MAX ? (size_t)m->left + 1 : SIZE_MAX);
    return *len > 0;
}

enum http_msg_state http_msg_filled(http_msg *m, size_t n, bytes *rest)
{
    size_t mine = n < m->left ? n : (size_t)m->left;
    *rest = bytes_n(m->body->p + m->body->len + mine, n - mine);
    m->body->len += mine;
    m->left -= mine;
    if (!m->left)
        m->state = HTTP_MSG_COMPLETE;
    return m->state;
}

enum http_msg_state http_msg_end(http_msg *m)
{
    if (m->state == HTTP_MSG_BODY && m->head.framing == FRAMING_CLOSE)
        return m->state = HTTP_MSG_COMPLETE;
    if (m->state == HTTP_MSG_COMPLETE)
        return m->state;
    return fail(m, 400, ERR_UNAVAILABLE, http_msg_is_empty(m) ? "EOF" : "unexpected EOF");
}

/* ---- what it knows ---- */

enum http_msg_state http_msg_state(const http_msg *m)
{
    return m->state;
}

bool http_msg_is_empty(const http_msg *m)
{
    return m->state == HTTP_MSG_HEAD && !m->partial.len;
}

bool http_msg_has_head(const http_msg *m)
{
    return m->head_done;
}

const http_head *http_msg_head(const http_msg *m)
{
    return &m->head;
}

const err *http_msg_err(const http_msg *m)
{
    static const err none;
    return m->err ? m->err : &none;
}

int http_msg_err_status(const http_msg *m)
{
    return m->err_status;
}
