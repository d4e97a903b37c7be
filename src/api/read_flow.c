/* read_flow.c: see read_flow.h for the drawing. */
#include "api/read_flow.h"
#include "api/api_reply.h"
#include "base/limits.h"

static void finish(read_flow *f)
{
    http_on_cancel(f->req, NULL, NULL);
    snapshot_free(f->snap);
    if (f->steps->release)
        f->steps->release(f);
    if (f->e.kind == ERR_NONE && f->body.overflow)
        err_set(&f->e, ERR_EXECUTION, "the answer is larger than %zu bytes: ask for less", f->body.max);
    if (f->e.kind) {
        buf_release(&f->body);
        api_reply_err(f->req, &f->e);   /* the last use of f: it lives in the request's arena */
    } else {
        api_reply_buf(f->req, 200, &f->body);
    }
}

static void fail_canceled(read_flow *f)
{
    if (f->e.kind == ERR_NONE)
        err_set(&f->e, ERR_CANCELED, "query was canceled");
    finish(f);
}

static void start_job(read_flow *f, job_fn run, job_fn done)
{
    if (atomic_load(&f->canceled))
        fail_canceled(f);
    else
        f->job = worker_run(f->env->loop, WORKER_QUERY, run, done, f);
}

/* Back on the loop: false where the flow has ended. */
static bool goes_on(read_flow *f, job *j)
{
    f->job = NULL;
    if (!job_ran(j)) {
        fail_canceled(f);
        return false;
    }
    if (f->e.kind) {
        finish(f);
        return false;
    }
    return true;
}

static void run_job(job *j, void *ctx)
{
    read_flow *f = ctx;
    if (!f->steps->run(f, &f->e) && f->e.kind == ERR_NONE)
        err_set(&f->e, ERR_INTERNAL, "the query failed without a reason");
}

static void on_run(job *j, void *ctx)
{
    if (goes_on(ctx, j))
        finish(ctx);
}

static void take(read_flow *f)
{
    if (f->snap && !snapshot_take(f->snap, &f->e))
        finish(f);
    else
        start_job(f, run_job, on_run);
}

static void regex_job(job *j, void *ctx)
{
    snapshot_run_regex(((read_flow *)ctx)->snap);
}

static void on_regex(job *j, void *ctx)
{
    if (goes_on(ctx, j))
        take(ctx);
}

static void parsed(read_flow *f)
{
    if (f->n_sels) {
        f->snap = snapshot_begin(f->env->db, f->sels, f->n_sels);
        snapshot_set_cancel(f->snap, &f->canceled);
    }
    if (f->snap && snapshot_wants_regex(f->snap))
        start_job(f, regex_job, on_regex);
    else
        take(f);
}

static void parse_job(job *j, void *ctx)
{
    read_flow *f = ctx;
    f->steps->parse(f, &f->e);
}

static void on_parsed(job *j, void *ctx)
{
    if (goes_on(ctx, j))
        parsed(ctx);
}

static void on_cancel(http_request *req, void *ctx)
{
    read_flow *f = ctx;
    atomic_store(&f->canceled, true);
    if (f->job)
        job_cancel(f->job);
}

void read_flow_start(read_flow *f, const read_flow_steps *steps, api_env *env, http_request *req)
{
    f->steps = steps;
    f->env = env;
    f->req = req;
    buf_init(&f->body, LIMIT_RESULT_JSON);
    http_on_cancel(req, on_cancel, f);
    if (steps->parse && f->parse_is_slow)
        start_job(f, parse_job, on_parsed);
    else if (steps->parse && !steps->parse(f, &f->e))
        finish(f);
    else
        parsed(f);
}
