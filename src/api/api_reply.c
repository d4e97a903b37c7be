/* api_reply.c: see api_reply.h. */
#include "api/api_reply.h"
#include "base/limits.h"
#include <stdio.h>

#define JSON_TYPE "application/json"

void api_begin(json_writer *w, buf *out)
{
    json_init(w, out);
    json_object(w);
    json_key(w, "status");
    json_cstr(w, "success");
    json_key(w, "data");
}

static void write_notes(json_writer *w, const char *key, const bytes *notes, size_t n)
{
    if (n == 0)
        return;
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < n; i++)
        json_str(w, notes[i]);
    json_end(w);
}

void api_end(json_writer *w, const bytes *warnings, size_t n_warnings, const bytes *infos, size_t n_infos)
{
    write_notes(w, "warnings", warnings, n_warnings);
    write_notes(w, "infos", infos, n_infos);
    json_end(w);
}

void api_error_body(buf *out, const err *e)
{
    json_writer w;
    json_init(&w, out);
    json_object(&w);
    json_key(&w, "status");
    json_cstr(&w, "error");
    json_key(&w, "errorType");
    json_cstr(&w, err_kind_row(e->kind)->type);
    json_key(&w, "error");
    json_cstr(&w, e->msg);
    json_end(&w);
}

void api_reply_buf(http_request *req, int status, buf *body)
{
    http_reply_take(req, status, JSON_TYPE, body);
}

void api_reply_err(http_request *req, const err *e)
{
    buf body;
    buf_init(&body, LIMIT_MIB(1));
    api_error_body(&body, e);
    api_reply_buf(req, err_kind_row(e->kind)->http_status, &body);
}

void api_reply_errf(http_request *req, enum err_kind kind, const char *fmt, ...)
{
    err e = { .kind = kind };
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e.msg, sizeof e.msg, fmt, ap);
    va_end(ap);
    api_reply_err(req, &e);
}

void api_reply_empty(http_request *req)
{
    http_reply(req, 200, JSON_TYPE, BYTES("{\"status\":\"success\"}"));
}
