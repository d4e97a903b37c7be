/* harness.h: what the tests with sockets share: turning the loop until something is true, a raw client, a scripted
 * server.
 *
 * Nothing here sleeps: loop_until() waits for the loop's and the clients' descriptors together.                      */
#ifndef HARNESS_H
#define HARNESS_H
#include "base/buf.h"
#include <uv.h>

/* A raw TCP client, read by loop_until(). */
typedef struct peer {
    int fd;
    buf got;
    bool has_eof, was_reset, is_deaf;   /* deaf: does not read */
} peer;

enum { MAX_PEERS = 16 };
typedef struct harness {
    uv_loop_t loop;
    peer peers[MAX_PEERS];
    int n_peers;
} harness;

void harness_open(harness *h);
/* Closes the peers, turns the loop until all handles have gone, and closes it; fails the test where some stay. */
void harness_close(harness *h);

typedef bool (*condition)(void *ctx);
/* Turns the loop until the condition holds; fails the test after five seconds. */
#define loop_until(h, fn, ctx) loop_until_at(h, fn, ctx, __FILE__, __LINE__)
void loop_until_at(harness *h, condition fn, void *ctx, const char *file, int line);
/* Turns it for so long, at most. */
void loop_for(harness *h, int ms);

peer *peer_open(harness *h, int port);
void peer_send(peer *p, const char *text);
/* All of it, turning the loop while the socket is full; stops where the connection ends. */
void peer_send_bytes(harness *h, peer *p, bytes b);
void peer_shutdown(peer *p);   /* no more will be sent */
void peer_close(peer *p);
void peer_reset(peer *p);
/* Everything up to the end of the connection. */
const char *peer_read_to_end(harness *h, peer *p);
/* Until the text has come n times; all that has come so far. */
const char *peer_read_until(harness *h, peer *p, const char *text, int n);
int count_of(const char *in, const char *text);
/* The part behind the first empty line. */
const char *body_of(const char *answer);

/* A server that answers the k-th request it gets (over all connections) with the k-th answer, and records what it
 * got. */
typedef struct fake_answer {
    const char *text;   /* NULL: none, keep quiet */
    size_t len;         /* 0: strlen */
    enum { FAKE_KEEP, FAKE_CLOSE, FAKE_RESET } then;
} fake_answer;
typedef struct fake {
    uv_tcp_t listener;
    const fake_answer *answers;
    int n_answers, n_requests, n_connections;
    int port;
    buf got;
    struct fake_conn *conns;
} fake;
void fake_open(fake *f, harness *h, const fake_answer *answers, int n);
void fake_close(fake *f);
/* A port on which nothing listens. */
int free_port(void);
#endif
