/* http_exchange.h: what http_server.c (connections, reading) and http_reply.c (answers, writing) share. Private to them.
 *
 * An exchange is one request and its answer. It outlives its connection: while a handler works the client may go, and the
 * exchange stays, without a session, until the handler has answered.
 *
 *     READING --dispatch--> WORKING --http_reply--> ANSWERED --all sent--> settled: exchange_settle() hands on
 *                              `--http_reply_begin--> STREAMING --http_reply_end--^                             */
#ifndef LOOP_HTTP_EXCHANGE_H
#define LOOP_HTTP_EXCHANGE_H
#include "loop/conn.h"
#include "loop/http_msg.h"
#include "loop/http_server.h"
#include "loop/worker.h"

typedef struct session session;
typedef struct exchange exchange;
typedef void (*exchange_fn)(http_request *req, void *ctx);

enum exchange_state { EXCHANGE_READING, EXCHANGE_WORKING, EXCHANGE_STREAMING, EXCHANGE_ANSWERED };

/* A piece of answer on its way out: up to three runs of bytes. */
typedef struct block {
    struct block *next;
    char before[24];        /* chunk size line */
    unsigned before_len;
    bytes data;
    const char *after;      /* static text, or NULL */
    char *owned;            /* freed with the block */
    bool is_head;           /* counts as no body bytes */
} block;

struct exchange {
    http_request req;            /* first: handlers hold this */
    http_server *server;
    session *session;            /* NULL: the client has gone */
    enum exchange_state state;
    unsigned hold;               /* users on the stack; settled only at 0 */
    bool canceled;

    /* reading */
    http_msg *msg;
    arena arena;
    buf body;
    bool prepared;               /* head looked at: target, route, limit */
    bool has_route;
    size_t route_index;
    int64_t started_ns;          /* request complete */

    /* answering */
    int status;
    buf extra;                   /* header lines the handler added */
    bool has_encoding, has_vary, close_after, chunked, no_content;
    block *first, *last;         /* queue; the first n_flying are in the socket's hands */
    unsigned n_flying;
    size_t queued_bytes;         /* of the queue */
    uint64_t sent_bytes;         /* body as sent */
    job *gzip_job;
    buf gzip_in, gzip_out;
    const char *gzip_type;
    exchange_fn on_cancel, on_drain;
    void *cancel_ctx, *drain_ctx;

    exchange *next_free;
};

static inline exchange *exchange_of(http_request *req)
{
    return (exchange *)req;
}

/* http_reply.c */
void exchange_flush(exchange *x);                 /* sends what is queued, as far as the socket takes it */
void exchange_written(exchange *x);               /* the write under way is done */
void exchange_queue_static(exchange *x, const char *text);
void exchange_drop_queue(exchange *x);
/* Answers in the server's own name: text/plain, nothing compressed. */
void exchange_refuse(exchange *x, int status, const char *text);

/* http_server.c */
conn *session_conn(session *s);
void session_writing(session *s);                 /* a write is under way: watch its progress */
void session_cut(session *s);
bool server_is_closing(const http_server *s);
const http_server_options *server_options(const http_server *s);
uv_loop_t *server_loop(const http_server *s);
bytes server_date(http_server *s);                /* "Date: ...\r\n" of this second */
/* The answer has gone out (or has nobody to go to): counts it and lets the connection go on. Nothing happens while the
 * exchange is held, unsent or unanswered; so call it whenever one of these may have changed. */
void exchange_settle(exchange *x);
#endif
