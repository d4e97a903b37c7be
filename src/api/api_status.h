/* api_status.h: handlers of /api/v1/status/ and of what has no data yet but is asked for by clients. */
#ifndef API_API_STATUS_H
#define API_API_STATUS_H
#include "loop/http_server.h"
void api_status_config(http_request *req, void *env);
void api_status_flags(http_request *req, void *env);
void api_status_buildinfo(http_request *req, void *env);
void api_status_runtimeinfo(http_request *req, void *env);
void api_status_tsdb(http_request *req, void *env);
void api_status_walreplay(http_request *req, void *env);
void api_rules(http_request *req, void *env);
void api_alerts(http_request *req, void *env);
void api_alertmanagers(http_request *req, void *env);
void api_query_exemplars(http_request *req, void *env);
void api_version(http_request *req, void *env);
void api_metrics(http_request *req, void *env);
#endif
