/* server_app.h: the handlers the server's tests are run against, and what they recorded. */
#ifndef SERVER_APP_H
#define SERVER_APP_H
#include "harness.h"
#include "loop/http_server.h"

enum { MAX_HELD = 64, BIG_BODY = 8 << 20, STREAM_BLOCKS = 400, STREAM_BLOCK = 32 << 10 };

typedef struct app {
    harness h;
    http_server *server;
    int port;
    http_request *held[MAX_HELD];   /* /later: waiting for app_release() */
    int n_held, n_canceled, n_drained, n_produced, n_finished, last_status, n_closed;
    const char *last_pattern;
    uint64_t last_bytes;
    bool stream_over, auto_answer;
} app;

/* Zero fields of opt are the server's defaults; ctx, finished and no_metrics are set here. */
void app_open(app *a, http_server_options opt);
void app_close(app *a);
/* Answers the i-th held request with its path. */
void app_release(app *a, int i);
/* Conditions for loop_until(). */
bool app_holds_one(void *ctx);
bool app_canceled_one(void *ctx);
bool app_finished_one(void *ctx);
bool app_has_no_connection(void *ctx);
#endif
