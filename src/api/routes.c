/* routes.c: THE route table, and what stands before it: CORS, OPTIONS, and routes that only a flag opens. */
#include "api/api_admin.h"
#include "api/api_labels.h"
#include "api/api_parse.h"
#include "api/api_query.h"
#include "api/api_reply.h"
#include "api/api_status.h"
#include "api/api_targets.h"
#include "api/api_write.h"
#include "base/limits.h"

/* Which switch of api_env opens a route, by the bit of its flags. */
enum {
    IF_ADMIN_API = ROUTE_USER,
    IF_LIFECYCLE = ROUTE_USER << 1,
    IF_REMOTE_WRITE = ROUTE_USER << 2,
};

#define GET (METHOD_GET | METHOD_HEAD)
#define ASK (METHOD_GET | METHOD_POST)
#define ACT (METHOD_POST | METHOD_PUT)

const http_route api_routes[] = {
    { ASK, "/api/v1/query", api_query, 0, 0 },
    { ASK, "/api/v1/query_range", api_query_range, 0, 0 },
    { ASK, "/api/v1/query_exemplars", api_query_exemplars, 0, 0 },
    { ASK, "/api/v1/format_query", api_format_query, 0, 0 },
    { ASK, "/api/v1/parse_query", api_parse_query, 0, 0 },
    { ASK, "/api/v1/series", api_series, 0, 0 },
    { ASK, "/api/v1/labels", api_label_names, 0, 0 },
    { METHOD_GET, "/api/v1/label/:name/values", api_label_values, 0, 0 },
    { METHOD_GET, "/api/v1/targets", api_targets, 0, 0 },
    { METHOD_GET, "/api/v1/targets/metadata", api_targets_metadata, 0, 0 },
    { METHOD_GET, "/api/v1/metadata", api_metadata, 0, 0 },
    { METHOD_GET, "/api/v1/scrape_pools", api_scrape_pools, 0, 0 },
    { METHOD_GET, "/api/v1/rules", api_rules, 0, 0 },
    { METHOD_GET, "/api/v1/alerts", api_alerts, 0, 0 },
    { METHOD_GET, "/api/v1/alertmanagers", api_alertmanagers, 0, 0 },
    { METHOD_GET, "/api/v1/status/config", api_status_config, 0, 0 },
    { METHOD_GET, "/api/v1/status/flags", api_status_flags, 0, 0 },
    { METHOD_GET, "/api/v1/status/buildinfo", api_status_buildinfo, 0, 0 },
    { METHOD_GET, "/api/v1/status/runtimeinfo", api_status_runtimeinfo, 0, 0 },
    { METHOD_GET, "/api/v1/status/tsdb", api_status_tsdb, 0, 0 },
    { METHOD_GET, "/api/v1/status/walreplay", api_status_walreplay, 0, 0 },
    { METHOD_POST, "/api/v1/write", api_write, IF_REMOTE_WRITE | ROUTE_RAW_BODY, LIMIT_REMOTE_WRITE },
    { ACT, "/api/v1/admin/tsdb/delete_series", api_delete_series, IF_ADMIN_API, 0 },
    { ACT, "/api/v1/admin/tsdb/clean_tombstones", api_clean_tombstones, IF_ADMIN_API, 0 },
    { GET, "/metrics", api_metrics, 0, 0 },
    { GET, "/version", api_version, 0, 0 },
    { GET, "/-/healthy", api_healthy, 0, 0 },
    { GET, "/-/ready", api_ready, 0, 0 },
    { ACT, "/-/reload", api_reload, IF_LIFECYCLE, 0 },
    { ACT, "/-/quit", api_quit, IF_LIFECYCLE, 0 },
};
const size_t api_n_routes = sizeof api_routes / sizeof api_routes[0];

/* What a route that its flag keeps closed answers, in Prometheus' words. */
static void say_closed(http_request *req, unsigned flag)
{
    if (flag == IF_ADMIN_API)
        api_reply_errf(req, ERR_UNAVAILABLE, "admin APIs disabled");
    else if (flag == IF_REMOTE_WRITE)
        http_reply_text(req, 404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver");
    else
        http_reply_text(req, 403, "Lifecycle API is not enabled.");
}

/* true: the path's route needs a flag that is off, and that has been answered. Such patterns have no parameters. */
static bool closed(http_request *req, const api_env *env)
{
    unsigned open = (env->admin_api ? IF_ADMIN_API : 0) | (env->lifecycle ? IF_LIFECYCLE : 0)
                  | (env->remote_write ? IF_REMOTE_WRITE : 0);
    for (size_t i = 0; i < api_n_routes; i++) {
        unsigned needs = api_routes[i].flags & (IF_ADMIN_API | IF_LIFECYCLE | IF_REMOTE_WRITE);
        if ((needs & ~open) && bytes_eq(req->path, bytes_of(api_routes[i].pattern))) {
            say_closed(req, needs);
            return true;
        }
    }
    return false;
}

static void cors(http_request *req, const api_env *env)
{
    bytes origin = http_header(req, "Origin");
    if (!origin.len || !env->cors_origin)
        return;
    http_reply_header(req, "Vary", BYTES("Origin"));
    if (!regex_match(env->cors_origin, origin))
        return;
    http_reply_header(req, "Access-Control-Allow-Headers", BYTES("Accept, Authorization, Content-Type, Origin"));
    http_reply_header(req, "Access-Control-Allow-Methods", BYTES("GET, POST, OPTIONS"));
    http_reply_header(req, "Access-Control-Allow-Origin", origin);
    http_reply_header(req, "Access-Control-Expose-Headers", BYTES("Date"));
}

bool api_filter(http_request *req, void *ctx)
{
    const api_env *env = ctx;
    if (!bytes_has_prefix(req->path, BYTES("/api/")))
        return closed(req, env);
    cors(req, env);
    if (req->method == METHOD_OPTIONS) {
        http_reply(req, 204, NULL, (bytes){ 0 });
        return true;
    }
    return closed(req, env);
}
