/* api_admin.h: handlers that change things, and the health checks. */
#ifndef API_API_ADMIN_H
#define API_API_ADMIN_H
#include "loop/http_server.h"
void api_delete_series(http_request *req, void *env);
void api_clean_tombstones(http_request *req, void *env);
void api_reload(http_request *req, void *env);
void api_quit(http_request *req, void *env);
void api_healthy(http_request *req, void *env);
void api_ready(http_request *req, void *env);
#endif
