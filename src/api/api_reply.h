/* api_reply.h: the envelope of every API answer: {"status": ..., "data": ... | "errorType", "error", "warnings", "infos"}. */
#ifndef API_API_REPLY_H
#define API_API_REPLY_H
#include "api/api.h"

/* Opens the envelope: the writer stands behind "data":, so exactly one value follows. */
void api_begin(json_writer *w, buf *out);
/* Closes it, with warnings and infos where there are any. */
void api_end(json_writer *w, const bytes *warnings, size_t n_warnings, const bytes *infos, size_t n_infos);
/* The text of an error answer. */
void api_error_body(buf *out, const err *e);

void api_reply_buf(http_request *req, int status, buf *body);   /* application/json; takes the memory */
void api_reply_err(http_request *req, const err *e);
/* err_set and reply in one: always the last thing a handler does. */
void api_reply_errf(http_request *req, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* {"status":"success"} alone, as admin endpoints answer with 204 or 200. */
void api_reply_empty(http_request *req);
#endif
