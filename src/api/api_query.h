/* api_query.h: handlers of /api/v1/query and /api/v1/query_range. */
#ifndef API_API_QUERY_H
#define API_API_QUERY_H
#include "loop/http_server.h"
void api_query(http_request *req, void *env);
void api_query_range(http_request *req, void *env);
#endif
