/* http_request.c: see http_request.h. Values as Go's net/http reads them (Request.ParseForm): body before query, one
 * bad pair does not hide the others. */
#include "loop/http_request.h"
#include "base/limits.h"
#include "base/num.h"
#include "loop/url.h"

/* request-target = origin-form / absolute-form        (RFC 9112, 3.2; authority-form is CONNECT's, asterisk-form
 * OPTIONS') */
static bool split_target(http_request *req, bytes *path, err *e)
{
    bytes t = req->target;
    if (t.len && t.p[0] != '/' && !bytes_eq(t, BYTES("*"))) {
        url u;
        if (!url_parse(t, req->arena, &u, e))
            return false;
        req->query_text = u.query;
        *path = u.path.len ? u.path : BYTES("/");
        return true;
    }
    bytes_cut(t, '#', &t, &(bytes){ 0 });
    if (!bytes_cut(t, '?', path, &req->query_text))
        req->query_text = (bytes){ 0 };
    return true;
}

bool http_request_fill(http_request *req, const http_head *head, err *e)
{
    bytes path = { 0 };
    req->method = head->method;
    req->method_name = head->method_name;
    req->target = head->target;
    req->http_minor = head->minor;
    req->headers = head->headers;
    if (!split_target(req, &path, e) || !url_unescape(path, false, req->arena, &path, e))
        return err_wrap(e, "invalid request target");
    req->path = bytes_eq(path, BYTES("*")) ? path : url_clean_path(path, req->arena);
    return true;
}

bool http_cut_prefix(bytes *path, const char *prefix)
{
    bytes p = bytes_of(prefix);
    if (!p.len)
        return true;
    if (!bytes_has_prefix(*path, p) || (path->len > p.len && path->p[p.len] != '/'))
        return false;
    *path = path->len == p.len ? BYTES("/") : bytes_sub(*path, p.len, path->len);
    return true;
}

static bool is_form(const http_request *req)
{
    static const unsigned with_body = METHOD_POST | METHOD_PUT | METHOD_PATCH;
    bytes type = http_header(req, "content-type"), kind, rest;
    bytes_cut(type, ';', &kind, &rest);
    return (req->method & with_body) && bytes_eq_nocase(bytes_trim(kind), BYTES("application/x-www-form-urlencoded"));
}

void http_request_read_form(http_request *req, bool raw_body)
{
    err in_query = { 0 };
    if (!raw_body && is_form(req)) {
        if (req->body.len > LIMIT_HTTP_FORM)
            err_set(&req->form_err, ERR_BAD_DATA, "http: POST too large");
        else
            url_parse_query(req->body, req->arena, &req->form, &req->form_err);
    }
    url_parse_query(req->query_text, req->arena, &req->form, &in_query);
    if (!req->form_err.kind && in_query.kind)
        req->form_err = in_query;
}

bytes http_form(const http_request *req, const char *name)
{
    bytes v;
    values_get(&req->form, name, &v);
    return v;
}

bytes http_param(const http_request *req, const char *name)
{
    bytes v;
    values_get(&req->params, name, &v);
    return v;
}

bytes http_header(const http_request *req, const char *name)
{
    bytes v;
    values_get_nocase(&req->headers, name, &v);
    return v;
}

bool http_accepts_gzip(const http_request *req)
{
    return http_takes_gzip(http_header(req, "accept-encoding"));
}

/* weight = OWS ";" OWS "q=" qvalue: is it more than nothing? */
static bool has_weight(bytes params)
{
    params = bytes_trim(params);
    double q = 1;
    if (bytes_has_prefix(params, BYTES("q=")) || bytes_has_prefix(params, BYTES("Q=")))
        num_parse(bytes_trim(bytes_sub(params, 2, params.len)), &q, NULL);
    return q > 0;
}

bool http_takes_gzip(bytes accept_encoding)
{
    bool any = false;
    for (bytes item, rest = accept_encoding; rest.len;) {
        bytes coding, params;
        if (!bytes_cut(rest, ',', &item, &rest))
            rest = (bytes){ 0 };
        if (!bytes_cut(item, ';', &coding, &params))
            params = (bytes){ 0 };
        coding = bytes_trim(coding);
        if (bytes_eq_nocase(coding, BYTES("gzip")) || bytes_eq_nocase(coding, BYTES("x-gzip")))
            return has_weight(params);
        any = any || (bytes_eq(coding, BYTES("*")) && has_weight(params));
    }
    return any;
}
