/* api_write.h: handler of /api/v1/write, the remote-write 1.0 receiver. */
#ifndef API_API_WRITE_H
#define API_API_WRITE_H
#include "loop/http_server.h"
void api_write(http_request *req, void *env);
#endif
