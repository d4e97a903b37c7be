/* api_write.c: remote write in: decode on a worker, append on the loop, answer once the journal has it.
 *
 *     api_write --> decode_job --> on_decoded --> (db_append) --> on_committed
 *                                      | malformed or nothing stored
 *                                      `--> answer
 * Answers are plain text, as Prometheus' receiver gives them.                                                */
#include "api/api_write.h"
#include "api/api.h"
#include "base/os.h"
#include "loop/worker.h"

typedef struct write_flow {
    api_env *env;
    http_request *req;
    rw_request decoded;
    remote_write_result result;
    err e;
} write_flow;

static void answer(write_flow *f)
{
    const remote_write_result *r = &f->result;
    if (r->status == 204)
        http_reply(f->req, 204, NULL, (bytes){ 0 });
    else
        http_reply_text(f->req, r->status, "%s", r->error.msg);
}

static void on_committed(void *arg, const err *e)
{
    write_flow *f = arg;
    if (e)
        http_reply_text(f->req, err_kind_row(e->kind)->http_status, "%s", e->msg);
    else
        answer(f);
}

static void decode_job(job *j, void *ctx)
{
    write_flow *f = ctx;
    rw_read(f->req->body, remote_writer_seed(f->env->writer), f->req->arena, &f->decoded, &f->e);
}

static void on_decoded(job *j, void *ctx)
{
    write_flow *f = ctx;
    api_env *env = f->env;
    if (f->e.kind) {
        http_reply_text(f->req, err_kind_row(f->e.kind)->http_status, "%s", f->e.msg);
        return;
    }
    remote_writer_append(env->writer, &f->decoded, os.now_ms(), &f->result);
    if (f->result.seq == 0) {
        answer(f);
        return;
    }
    env->wait_committed(f->result.seq, on_committed, f, env->ctx);
}

/* Content types and encodings as the specification of remote write 1.0 has them; absent headers pass, as in Prometheus. */
static bool acceptable(http_request *req)
{
    bytes encoding = http_header(req, "Content-Encoding"), type = http_header(req, "Content-Type"), media, params;
    if (encoding.len && !bytes_eq_nocase(encoding, BYTES("snappy"))) {
        http_reply_text(req, 415, "%.*s encoding (compression) is not accepted by this server; only snappy is acceptable",
                        (int)(encoding.len < 100 ? encoding.len : 100), encoding.p);
        return false;
    }
    bytes_cut(type, ';', &media, &params);
    media = bytes_trim(media);
    bool v2 = bytes_find_bytes(params, BYTES("io.prometheus.write.v2.Request")) >= 0;
    if (v2 || (media.len && !bytes_eq_nocase(media, BYTES("application/x-protobuf")))) {
        http_reply_text(req, 415, "%.*s is not accepted by this server; only application/x-protobuf with "
                                  "proto=prometheus.WriteRequest is acceptable",
                        (int)(type.len < 200 ? type.len : 200), type.p);
        return false;
    }
    return true;
}

void api_write(http_request *req, void *ctx)
{
    if (!acceptable(req))
        return;
    write_flow *f = ARENA_NEW(req->arena, write_flow);
    f->env = ctx;
    f->req = req;
    worker_run(f->env->loop, WORKER_PARSE, decode_job, on_decoded, f);
}
