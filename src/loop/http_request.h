/* http_request.h: from a parsed head and body to what a handler gets: path, query and form values. Pure functions. */
#ifndef LOOP_HTTP_REQUEST_H
#define LOOP_HTTP_REQUEST_H
#include "loop/http_msg.h"
#include "loop/http_server.h"

/* method, target, path (decoded, cleaned, still with the route prefix), query_text, headers; req->arena is set.
 * Fails on a target that is neither "/path" nor an absolute URL, and on a bad escape in the path. */
bool http_request_fill(http_request *req, const http_head *head, err *e);
/* form and form_err, from the body (unless raw) and the query string. */
void http_request_read_form(http_request *req, bool raw_body);
/* Cuts the prefix ("/x"; NULL and "": none) off the path. false: the path does not lie below it. */
bool http_cut_prefix(bytes *path, const char *prefix);

/* Does an Accept-Encoding value take gzip? */
bool http_takes_gzip(bytes accept_encoding);
#endif
