/* api_targets.h: handlers that show what is scraped: targets, pools, metadata. */
#ifndef API_API_TARGETS_H
#define API_API_TARGETS_H
#include "loop/http_server.h"
void api_targets(http_request *req, void *env);
void api_targets_metadata(http_request *req, void *env);
void api_metadata(http_request *req, void *env);
void api_scrape_pools(http_request *req, void *env);
#endif
