/* api_query.h: handlers of /api/v1/query and /api/v1/query_range, and their metrics. */
#ifndef API_API_QUERY_H
#define API_API_QUERY_H
#include "loop/http_server.h"
/* Registers prometheus_engine_*; once, at start. */
void api_query_metrics(void);
void api_query(http_request *req, void *env);
void api_query_range(http_request *req, void *env);
#endif
