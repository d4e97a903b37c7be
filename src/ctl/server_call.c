/* server_call.c: see server_call.h. */
#include "ctl/server_call.h"
#include "base/limits.h"
#include "loop/gzip.h"
#include "loop/http_client.h"
#include "loop/url.h"
#include <uv.h>

typedef struct waiting {
    http_client *client;
    int status;
    buf *body;
    bytes encoding;
    arena *a;
    err e;
    bytes url;
    const char *method;
} waiting;

void form_add(buf *form, const char *name, bytes value)
{
    if (form->len)
        buf_putc(form, '&');
    url_escape_query(form, bytes_of(name));
    buf_putc(form, '=');
    url_escape_query(form, value);
}

static void on_response(http_response *res, void *ctx)
{
    waiting *w = ctx;
    w->status = res->status;
    w->encoding = arena_dup(w->a, res->content_encoding);
    *w->body = res->body;
    buf_init(&res->body, 0);
    if (res->err.kind)
        http_call_error(w->method, w->url, &res->err, &w->e);
    http_client_close(w->client, NULL, NULL);
}

static bool inflate(waiting *w, err *e)
{
    if (!bytes_eq_nocase(w->encoding, BYTES("gzip")))
        return true;
    buf plain;
    buf_init(&plain, LIMIT_RESULT_JSON);
    bool ok = gzip_inflate(buf_bytes(w->body), LIMIT_RESULT_JSON, &plain, e);
    buf_release(w->body);
    *w->body = plain;
    return ok;
}

static bool full_url(const server_request *r, arena *a, bytes *out, err *e)
{
    url u;
    bytes base = r->base;
    if (bytes_has_prefix(base, BYTES("//")))
        base = arena_bytesf(a, "http:%.*s", BYTES_ARG(base));
    else if (bytes_find_bytes(base, BYTES("://")) < 0)
        base = arena_bytesf(a, "http://%.*s", BYTES_ARG(base));
    if (!url_parse(base, a, &u, e))
        return false;
    if (!bytes_eq(u.scheme, BYTES("http")))
        return err_set(e, ERR_BAD_DATA, "unsupported protocol scheme \"%.*s\"", BYTES_ARG(u.scheme));
    bytes path = u.path, more, query;
    while (path.len && path.p[path.len - 1] == '/')
        path.len--;
    if (bytes_cut(bytes_of(r->path), '?', &more, &query)) {
        u.query = query;
        u.has_query = true;
    }
    u.path = arena_bytesf(a, "%.*s%.*s", BYTES_ARG(path), BYTES_ARG(more));
    *out = url_format(&u, false, a);
    return true;
}

bool server_call(const server_request *r, arena *a, int *status, buf *body, err *e)
{
    uv_loop_t loop;
    http_value *headers = ARENA_ARRAY(a, http_value, r->headers.n + 2);
    size_t n = 0;
    waiting w = { .body = body, .a = a, .method = r->form ? "POST" : "GET" };
    buf_init(body, 0);
    if (!full_url(r, a, &w.url, e))
        return false;
    headers[n++] = (http_value){ BYTES("Accept-Encoding"), BYTES("gzip") };
    if (r->form)
        headers[n++] = (http_value){ BYTES("Content-Type"), BYTES("application/x-www-form-urlencoded") };
    for (size_t i = 0; i < r->headers.n; i++) {
        bytes name, value;
        if (!bytes_cut(bytes_of(r->headers.p[i]), '=', &name, &value))
            return err_set(e, ERR_BAD_DATA, "expected KEY=VALUE got '%s'", r->headers.p[i]);
        headers[n++] = (http_value){ name, value };
    }
    uv_loop_init(&loop);
    w.client = http_client_new(&loop, &(http_client_options){ .user_agent = "tsdbctl" });
    http_call_start(w.client, &(http_call_options){
        .method = w.method, .url = w.url, .headers = headers, .n_headers = n, .body = r->form ? buf_bytes(r->form) : (bytes){ 0 },
        .timeout_ms = SERVER_TIMEOUT_MS, .max_body = LIMIT_RESULT_JSON, .follow_redirects = true }, on_response, &w);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    *status = w.status;
    if (w.e.kind) {
        *e = w.e;
        buf_release(body);
        return false;
    }
    return inflate(&w, e);
}
