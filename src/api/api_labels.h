/* api_labels.h: handlers of /api/v1/series, /api/v1/labels and /api/v1/label/:name/values. */
#ifndef API_API_LABELS_H
#define API_API_LABELS_H
#include "loop/http_server.h"
void api_series(http_request *req, void *env);
void api_label_names(http_request *req, void *env);
void api_label_values(http_request *req, void *env);
#endif
