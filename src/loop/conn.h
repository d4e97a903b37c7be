/* conn.h: one TCP connection on the loop: reading, one write at a time, one deadline, an orderly end.
 *
 * Used by the server for accepted connections and by the client for its own. The owner embeds a conn and gets events;
 * what it reads goes straight into memory it names. TLS will sit here, between the socket and these events, and its
 * users will not notice. Loop thread.
 *
 *     conn_init --> conn_accept or conn_connect --> conn_read --> room, data, room, data ... --> ended
 *                                                   conn_write --> (true: all is out) or --> written
 *                   conn_close --> closed
 * A write that fails while reading is on ends by what reading then finds: what the peer said before it closed, then
 * `ended`. After conn_close() only `closed` comes; memory goes there, never before. */
#ifndef LOOP_CONN_H
#define LOOP_CONN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

typedef struct conn conn;
typedef struct conn_events {
    void (*connected)(conn *c, int status);      /* 0 or a uv error */
    void (*room)(conn *c, char **p, size_t *len);
    void (*data)(conn *c, size_t n);             /* n > 0 bytes lie where room said */
    void (*ended)(conn *c, int status);          /* UV_EOF, then perhaps an error of writing; or an error */
    void (*written)(conn *c);                    /* the write that conn_write() left under way is done */
    void (*deadline)(conn *c);
    void (*closed)(conn *c);
} conn_events;

enum { CONN_MAX_BUFS = 64 };

struct conn {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    uv_connect_t connect;
    const conn_events *events;
    uint64_t deadline_ms;     /* loop time; 0: none */
    int n_open;               /* handles not closed yet */
    bool reading, writing, write_failed, has_eof, ended, closing;
};

void conn_init(conn *c, uv_loop_t *loop, const conn_events *events);
int conn_accept(conn *c, uv_stream_t *listener);             /* 0 or a uv error; close it in both cases */
int conn_connect(conn *c, const struct sockaddr *addr);      /* connected follows, also where this fails */

/* Reading is off at first. Data, then `ended`; while it is off neither comes. */
void conn_read(conn *c, bool on);

/* Sends all bufs (at most CONN_MAX_BUFS). true: all has gone out, the memory is free. false: the rest goes out later,
 * the memory must stay until `written` (or `closed`). A failed write says so by `ended`, later. One at a time. */
bool conn_write(conn *c, const uv_buf_t *bufs, unsigned n);
size_t conn_unsent(const conn *c);

/* ms from now, replacing the one before; 0: none. Moving it costs no timer operation. */
void conn_deadline(conn *c, uint64_t ms);
/* Says FIN to the peer, when what is under way has gone out; reading goes on. */
void conn_shutdown(conn *c);
void conn_close(conn *c);                                    /* twice is fine */
void conn_reset(conn *c);                                    /* closes with RST: the peer sees that it was cut */
bool conn_is_closing(const conn *c);

/* "127.0.0.1:9090" or "[::1]:9090"; "" where unknown. */
enum { CONN_ADDRESS_MAX = 64 };
void conn_address(const struct sockaddr *sa, char out[CONN_ADDRESS_MAX]);
void conn_peer(const conn *c, char out[CONN_ADDRESS_MAX]);
void conn_local(const conn *c, char out[CONN_ADDRESS_MAX]);
/* Has the peer closed or sent something unexpected already? For a kept connection, before it is used again. */
bool conn_is_stale(const conn *c);
#endif
