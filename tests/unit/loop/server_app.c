/* server_app.c: see server_app.h.
 *
 *     /hello  a small answer      /echo  the body      /form/:x  params and form      /later  answered by app_release()
 *     /big  BIG_BODY bytes        /text  compressible  /page  large and compressible (on a worker)     /empty  204
 *     /stream  three chunks       /flood  STREAM_BLOCKS blocks, paused by backpressure /cut  broken off in the middle
 */
#include "server_app.h"
#include "base/arena.h"
#include "loop/worker.h"
#include <check.h>
#include <stdlib.h>

static char big[BIG_BODY];

static void hello(http_request *req, void *ctx)
{
    http_reply(req, 200, "text/plain", BYTES("hello"));
}

static void echo(http_request *req, void *ctx)
{
    http_reply(req, 200, "application/octet-stream", req->body);
}

static void form(http_request *req, void *ctx)
{
    buf out;
    buf_init(&out, 1 << 20);
    buf_printf(&out, "%.*s x=%.*s a=%.*s err=[%s] peer=%d", BYTES_ARG(req->method_name),
               BYTES_ARG(http_param(req, "x")), BYTES_ARG(http_form(req, "a")), req->form_err.msg,
               strncmp(req->peer, "127.0.0.1:", 10));
    http_reply_header(req, "X-Thing", BYTES("a\r\nInjected: b"));
    http_reply_take(req, 200, "text/plain", &out);
}

static void count_cancel(http_request *req, void *ctx)
{
    app *a = ctx;
    a->n_canceled++;
    ck_assert(http_is_canceled(req));
}

static void on_cancel(http_request *req, void *ctx)
{
    count_cancel(req, ctx);
    if (((app *)ctx)->auto_answer)
        http_reply_text(req, 503, "canceled");
}

static void later(http_request *req, void *ctx)
{
    app *a = ctx;
    ck_assert_int_lt(a->n_held, MAX_HELD);
    a->held[a->n_held++] = req;
    http_on_cancel(req, on_cancel, a);
}

static void send_big(http_request *req, void *ctx)
{
    http_reply_static(req, 200, "application/octet-stream", bytes_n(big, sizeof big));
}

static void text(http_request *req, void *ctx)
{
    http_reply_static(req, 200, "text/plain; charset=utf-8", bytes_n(big, 5000));
}

static void page(http_request *req, void *ctx)
{
    buf out;
    buf_init(&out, 1 << 20);
    buf_put(&out, big, 200 * 1000);
    http_reply_take(req, 200, "application/json", &out);
}

static void empty(http_request *req, void *ctx)
{
    http_reply(req, 204, NULL, (bytes){ 0 });
}

static void stream(http_request *req, void *ctx)
{
    buf b;
    http_reply_begin(req, 200, "text/plain");
    ck_assert(http_reply_write(req, BYTES("one,")));
    ck_assert(http_reply_write(req, (bytes){ 0 }));
    buf_init(&b, 100);
    buf_putz(&b, "two,");
    ck_assert(http_reply_write_take(req, &b));
    http_reply_write(req, BYTES("three"));
    http_reply_end(req);
}

static void produce(http_request *req, void *ctx)
{
    app *a = ctx;
    if (http_is_canceled(req))
        a->stream_over = true;
    while (!a->stream_over && a->n_produced < STREAM_BLOCKS) {
        a->n_produced++;
        if (!http_reply_write(req, bytes_n(big, STREAM_BLOCK)) && a->n_produced < STREAM_BLOCKS) {
            a->n_drained++;
            http_reply_on_drain(req, produce, a);
            return;
        }
    }
    a->stream_over = true;
    http_reply_end(req);
}

static void flood(http_request *req, void *ctx)
{
    http_on_cancel(req, count_cancel, ctx);
    http_reply_begin(req, 200, "application/octet-stream");
    produce(req, ctx);
}

static void cut(http_request *req, void *ctx)
{
    http_reply_begin(req, 200, "text/plain");
    http_reply_write(req, BYTES("begun"));
    http_reply_abort(req);
}

static const http_route routes[] = {
    { METHOD_GET | METHOD_HEAD, "/hello", hello },
    { METHOD_POST | METHOD_PUT, "/echo", echo },
    { METHOD_POST, "/small", echo, ROUTE_RAW_BODY, 100 },
    { METHOD_GET | METHOD_POST, "/form/:x", form },
    { METHOD_GET, "/later", later },
    { METHOD_GET, "/big", send_big },
    { METHOD_GET | METHOD_HEAD, "/text", text },
    { METHOD_GET, "/raw", text, ROUTE_NO_GZIP },
    { METHOD_GET, "/page", page },
    { METHOD_GET, "/empty", empty },
    { METHOD_GET | METHOD_HEAD, "/stream", stream },
    { METHOD_GET, "/flood", flood },
    { METHOD_GET, "/cut", cut },
};

static void finished(const http_finished *f, void *ctx)
{
    app *a = ctx;
    a->n_finished++;
    a->last_status = f->status;
    a->last_pattern = f->pattern;
    a->last_bytes = f->sent_bytes;
    ck_assert(f->seconds >= 0 && f->seconds < 100);
}

void app_open(app *a, http_server_options opt)
{
    err e = { 0 };
    *a = (app){ .n_held = 0 };
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = "metric 123\n"[i % 11];
    harness_open(&a->h);
    opt.ctx = a;
    opt.finished = finished;
    a->server = http_server_new(&a->h.loop, &opt);
    http_server_routes(a->server, routes, sizeof routes / sizeof routes[0]);
    ck_assert_msg(http_server_listen(a->server, "127.0.0.1:0", &e), "%s", e.msg);
    a->port = http_server_port(a->server, 0);
    ck_assert_int_gt(a->port, 0);
}

static void on_closed(void *ctx)
{
    app *a = ctx;
    a->n_closed++;
}

static bool is_closed(void *ctx)
{
    return ((app *)ctx)->n_closed > 0;
}

void app_release(app *a, int i)
{
    http_request *req = a->held[i];
    ck_assert_ptr_nonnull(req);
    a->held[i] = NULL;
    http_reply(req, 200, "text/plain", arena_dup(req->arena, req->path));
}

void app_close(app *a)
{
    for (int i = 0; i < a->n_held && !a->auto_answer; i++)
        if (a->held[i])
            app_release(a, i);
    http_server_close(a->server, 100, on_closed, a);
    loop_until(&a->h, is_closed, a);
    worker_release(&a->h.loop);
    harness_close(&a->h);
}

bool app_holds_one(void *ctx)
{
    return ((app *)ctx)->n_held > 0;
}

bool app_canceled_one(void *ctx)
{
    return ((app *)ctx)->n_canceled > 0;
}

bool app_finished_one(void *ctx)
{
    return ((app *)ctx)->n_finished > 0;
}

bool app_has_no_connection(void *ctx)
{
    return http_server_connections(((app *)ctx)->server) == 0;
}
