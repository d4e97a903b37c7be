/* http_wire.h: connections of the HTTP client and their pool by host; private to http_client.c and http_wire.c. Loop
 * thread. */
#ifndef LOOP_HTTP_WIRE_H
#define LOOP_HTTP_WIRE_H
#include "base/map.h"
#include "loop/conn.h"
#include "loop/http_client.h"

typedef struct wire wire;

typedef struct host {
    bytes key;                   /* owned */
    wire *idle;                  /* newest first */
    int n_idle, n_wires;
} host;

struct wire {
    conn conn;   /* first: events name it */
    http_client *client;
    host *host;
    http_call *call;             /* NULL: idle, or on its way out; call->wire is this one */
    wire *prev, *next;           /* all wires */
    wire *idle_prev, *idle_next;
    bool is_idle, was_used, direct;
    char peer[CONN_ADDRESS_MAX];
};

/* What http_client.h hides. */
struct http_client {
    uv_loop_t *loop;
    http_client_options opt;
    map hosts;                   /* key → host */
    wire *wires;
    http_call *calls, *free_calls;
    size_t n_wires, n_idle, n_calls, n_free, n_timers, n_lookups;
    char *scratch;
    http_client_stats stats;
    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* The wire is in the client's list and its host's count from here to `closed`; its events are those given. */
wire *wire_new(http_client *c, bytes key, const conn_events *events);
/* Closes it, idle or busy. Its call, if it has one, must have let go of it before. */
void wire_close(wire *w);
/* Its call is over and it may serve another: into the pool, or closed where the pool is full. */
void wire_keep(wire *w);
/* An idle wire for the host, out of the pool, or NULL. careful: only one that has been looked at and seems alive. */
wire *wire_reuse(http_client *c, bytes key, bool careful);
void wire_closed(wire *w);   /* from the `closed` event; frees it */
void http_client_maybe_free(http_client *c);
#endif
