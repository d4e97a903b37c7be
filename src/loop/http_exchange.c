/* http_exchange.c: an exchange from its first byte to the end of its answer: made, used again, counted, settled. */
#include "loop/http_exchange.h"
#include "base/limits.h"
#include "base/os.h"
#include "loop/http_metrics.h"
#include <stdlib.h>
#include <time.h>

enum {
    FREE_EXCHANGES = 16,
    KEEP_ARENA = 16 << 10,   /* of a free exchange */
};

bytes server_date(http_server *s)
{
    int64_t sec = os.now_ms() / 1000;
    if (sec != s->date_sec) {
        time_t t = sec;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(s->date, sizeof s->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        s->date_sec = sec;
    }
    return bytes_of(s->date);
}
exchange *exchange_new(session *s)
{
    http_server *server = s->server;
    exchange *x = server->free_exchanges;
    if (x) {
        server->free_exchanges = x->next_free;
        server->n_free--;
    } else {
        x = xcalloc(1, sizeof *x);
        x->msg = http_msg_new(HTTP_MSG_REQUEST);
        arena_init(&x->arena, 0);
        buf_init(&x->extra, LIMIT_HTTP_HEAD);
        buf_init(&x->body, LIMIT_HTTP_BODY);
    }
    x->server = server;
    x->session = s;
    x->req.arena = &x->arena;
    x->body.max = LIMIT_HTTP_BODY;
    server->n_exchanges++;
    http_msg_begin(x->msg, &x->arena, &x->body, false);
    return x;
}

void exchange_destroy(exchange *x)
{
    http_msg_free(x->msg);
    arena_release(&x->arena);
    buf_release(&x->extra);
    buf_release(&x->body);
    free(x);
}

/* Back to the free ones, as new but for some memory. */
void exchange_free(exchange *x)
{
    http_server *s = x->server;
    s->n_exchanges--;
    exchange_drop_queue(x);
    if (s->n_free >= FREE_EXCHANGES || s->closing) {
        exchange_destroy(x);
        return;
    }
    exchange clean = {
        .msg = x->msg, .arena = x->arena, .body = x->body, .extra = x->extra, .next_free = s->free_exchanges
    };
    *x = clean;
    if (x->arena.used_bytes > KEEP_ARENA)
        arena_release(&x->arena);
    else
        arena_reset(&x->arena);
    if (x->body.cap > KEEP_ARENA)
        buf_release(&x->body);
    else
        buf_clear(&x->body);
    buf_clear(&x->extra);
    s->free_exchanges = x;
    s->n_free++;
}

static void report(exchange *x, bool was_sent)
{
    http_server *s = x->server;
    if (!x->prepared)
        return;
    http_finished f = {
        .req = &x->req,
        .pattern = x->has_route ? x->req.route->pattern : NULL,
        .status = was_sent ? x->status : 0,
        .seconds = x->started_ns ? (double)(os.mono_ns() - x->started_ns) / 1e9 : 0,
        .sent_bytes = x->sent_bytes,
    };
    if (s->metrics && x->has_route && was_sent)
        http_metrics_count(s->metrics, x->route_index, x->status, f.seconds, x->sent_bytes);
    if (s->opt.finished)
        s->opt.finished(&f, s->opt.ctx);
}
void exchange_settle(exchange *x)
{
    if (x->hold || x->state != EXCHANGE_ANSWERED || x->first || x->gzip_job)
        return;
    session *s = x->session;
    x->state = EXCHANGE_READING;   /* settled once */
    report(x, s != NULL);
    bool close = x->close_after, is_unread = http_msg_state(x->msg) != HTTP_MSG_COMPLETE;
    http_server *server = x->server;
    exchange_free(x);
    if (s) {
        s->x = NULL;
        session_answered(s, close, is_unread);
    }
    server_maybe_free(server);
}
