/* http_exchange.h: what http_server.c, http_session.c (reading), http_exchange.c and http_reply.c (writing) share;
 * private to them.
 *
 * An exchange is one request and its answer. It outlives its connection: while a handler works the client may go, and
 * the exchange stays, without a session, until the handler has answered.
 *
 *     READING --dispatch--> WORKING --http_reply--> ANSWERED --all sent--> settled: exchange_settle() hands on
 *                              `--http_reply_begin--> STREAMING --http_reply_end--^                             */
#ifndef LOOP_HTTP_EXCHANGE_H
#define LOOP_HTTP_EXCHANGE_H
#include "base/vec.h"
#include "loop/conn.h"
#include "loop/http_msg.h"
#include "loop/http_server.h"
#include "loop/worker.h"

typedef struct session session;
typedef struct exchange exchange;
typedef struct listener listener;
struct router;
struct http_metrics;
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

enum session_state { SESSION_IDLE, SESSION_HEAD, SESSION_BODY, SESSION_BUSY, SESSION_LINGER };

/* One accepted connection. */
struct session {
    conn conn;   /* first: events name it */
    http_server *server;
    session *prev, *next;        /* of all sessions */
    enum session_state state;
    bool is_new;                 /* no request yet */
    bool consuming, direct;      /* direct: the read under way goes into the body */
    bool has_eof;                /* the client sends no more, but still gets its answer */
    exchange *x;
    buf ahead;                   /* bytes of later requests */
    uint64_t since_ms;           /* loop time: idle, head or body begun */
    size_t unsent, lingered;
    char peer[CONN_ADDRESS_MAX];
};

enum { HTTP_READ_BUFFER = 64 << 10 };

struct http_server {
    uv_loop_t *loop;
    http_server_options opt;
    struct router *router;
    struct http_metrics *metrics;   /* NULL: none */
    VEC(listener *) listeners;
    session *sessions;
    size_t n_sessions, n_exchanges, n_handles;
    exchange *free_exchanges;
    size_t n_free;
    char *scratch;                  /* HTTP_READ_BUFFER bytes: what was read, for the length of one event */
    int64_t date_sec;
    char date[64];
    bool closing;
    bool accept_fails;              /* has been logged */
    uv_timer_t timer;               /* looks for room at the limit; the grace time when closing */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* http_exchange.c */
exchange *exchange_new(session *s);
void exchange_free(exchange *x);                  /* back to the free ones, as new but for some memory */
void exchange_destroy(exchange *x);
/* The answer has gone out (or has nobody to go to): counts it and lets the connection go on. Nothing happens while the
 * exchange is held, unsent or unanswered; so call it whenever one of these may have changed. */
void exchange_settle(exchange *x);
bytes server_date(http_server *s);                /* "Date: ...\r\n" of this second */

/* http_reply.c */
void exchange_flush(exchange *x);                 /* sends what is queued, as far as the socket takes it */
void exchange_written(exchange *x);               /* the write under way is done */
void exchange_queue_static(exchange *x, const char *text);
void exchange_drop_queue(exchange *x);
/* Answers in the server's own name: text/plain, nothing compressed. */
void exchange_refuse(exchange *x, int status, const char *text);

/* http_session.c */
void session_start(http_server *server, uv_stream_t *from);   /* accepts one */
void session_writing(session *s);                 /* a write is under way: watch its progress */
void session_answered(session *s, bool close, bool is_unread);    /* unread: the request was not read to its end */
void session_gone(session *s);                    /* closes, orderly */
void session_cut(session *s);                     /* closes, so that the client sees a broken answer */

/* http_server.c */
void server_accept_waiting(http_server *s);       /* a session has closed */
/* At the limit, with a connection waiting: the session that has been idle longest goes. */
void server_make_room(http_server *s);
void server_maybe_free(http_server *s);
#endif
