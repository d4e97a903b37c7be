/* api_parse.h: handlers of /api/v1/format_query and /api/v1/parse_query. */
#ifndef API_API_PARSE_H
#define API_API_PARSE_H
#include "loop/http_server.h"
void api_format_query(http_request *req, void *env);
void api_parse_query(http_request *req, void *env);
#endif
