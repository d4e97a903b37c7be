/* api_admin.c: delete, reload, quit, health. Which of them are open is said by the route table and api_filter(). */
#include "api/api_admin.h"
#include "api/api_params.h"
#include "api/api_reply.h"

static void on_deleted(void *arg, const err *e)
{
    http_request *req = arg;
    if (e)
        api_reply_err(req, e);
    else
        http_reply(req, 204, NULL, (bytes){ 0 });
}

void api_delete_series(http_request *req, void *ctx)
{
    api_env *env = ctx;
    err e = { 0 };
    int64_t mint, maxt;
    api_selectors match;
    bytes any;
    uint64_t last = 0;
    if (!values_get(&req->form, "match[]", &any)) {
        api_reply_errf(req, ERR_BAD_DATA, "no match[] parameter provided");
        return;
    }
    bool ok = api_range_params(req, &mint, &maxt, &e);
    if (ok && !(ok = api_match_params(req, mint, maxt, &match, &e)))
        err_wrap(&e, "invalid parameter \"match[]\"");
    if (!ok) {
        api_reply_err(req, &e);
        return;
    }
    for (size_t i = 0; i < match.n && ok; i++)
        ok = db_delete(env->db, match.sels[i].ms, match.sels[i].n, mint, maxt, &last, &e);
    api_selectors_release(&match);
    env->stored(env->ctx);
    if (!ok)
        api_reply_err(req, &e);
    else if (last == 0)
        on_deleted(req, NULL);
    else
        env->wait_committed(last, on_deleted, req, env->ctx);
}

void api_clean_tombstones(http_request *req, void *ctx)
{
    api_env *env = ctx;
    db_clean_tombstones(env->db);
    env->stored(env->ctx);
    http_reply(req, 204, NULL, (bytes){ 0 });
}

static void on_reloaded(void *arg, const err *e)
{
    http_request *req = arg;
    if (e)
        http_reply_text(req, 500, "failed to reload config: %s", e->msg);
    else
        http_reply(req, 200, NULL, (bytes){ 0 });
}

void api_reload(http_request *req, void *ctx)
{
    api_env *env = ctx;
    env->reload(on_reloaded, req, env->ctx);
}

void api_quit(http_request *req, void *ctx)
{
    api_env *env = ctx;
    http_reply(req, 200, NULL, BYTES("Requesting termination... Goodbye!"));
    env->quit(env->ctx);
}

void api_healthy(http_request *req, void *ctx)
{
    http_reply(req, 200, "text/plain; charset=utf-8", BYTES("tsdbd is Healthy.\n"));
}

void api_ready(http_request *req, void *ctx)
{
    http_reply(req, 200, "text/plain; charset=utf-8", BYTES("tsdbd is Ready.\n"));
}
