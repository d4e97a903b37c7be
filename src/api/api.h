/* api.h: the HTTP API: what handlers may ask of the rest of the daemon, and the route table.
 *
 * Handlers have no logic of their own: they read parameters, ask a room, write JSON. All they know of the daemon is one
 * api_env, owned by the server room, which outlives the HTTP server. Loop thread, but for what read_flow.h says.
 * Behaviour and texts: Prometheus 3.14, web/api/v1.                                                               */
#ifndef API_API_H
#define API_API_H
#include "base/json_write.h"
#include "base/regex.h"
#include "loop/http_server.h"
#include "remote/write_handler.h"
#include "scrape/scrape_manager.h"
#include "tsdb/db.h"

typedef struct api_build {
    const char *version;          /* of tsdbd */
    const char *api_version;      /* the Prometheus version whose API is spoken: clients choose features by it */
    const char *revision, *branch, *user, *date, *compiler;
} api_build;

typedef struct api_env {
    uv_loop_t *loop;
    db *db;
    scrape_manager *scrape;
    remote_writer *writer;
    const prom_config *config;    /* the one in force; replaced on reload */
    api_build build;

    uint32_t query_features;      /* enum promql_feature */
    int64_t lookback_ms, query_timeout_ms;
    size_t query_max_samples, query_max_bytes;
    bool admin_api, lifecycle, remote_write;
    regex *cors_origin;           /* NULL: no CORS headers */

    int64_t start_ms, reload_ms;
    bool reload_ok;
    const char *storage_retention;/* "15d", as runtimeinfo shows it */

    /* services of the server room; ctx is theirs */
    void *ctx;
    void (*write_flags)(json_writer *w, void *ctx);
    void (*stored)(void *ctx);    /* something was appended or queued: look for jobs */
    /* fn(arg, NULL) once the sequence number is committed, fn(arg, e) where the store cannot. */
    void (*wait_committed)(uint64_t seq, void (*fn)(void *arg, const err *e), void *arg, void *ctx);
    void (*reload)(void (*fn)(void *arg, const err *e), void *arg, void *ctx);
    void (*quit)(void *ctx);
} api_env;

/* All routes; handlers get an api_env as their ctx. */
extern const http_route api_routes[];
extern const size_t api_n_routes;
/* For http_server_options: CORS headers, OPTIONS, routes that a flag keeps closed. */
bool api_filter(http_request *req, void *env);
#endif
