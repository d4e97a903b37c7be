/* lookup.h: a host name's addresses, asked for on a worker. Loop thread. */
#ifndef LOOP_LOOKUP_H
#define LOOP_LOOKUP_H
#include "base/bytes.h"
#include "base/err.h"
#include <stdint.h>
#include <sys/socket.h>

typedef struct uv_loop_s uv_loop_t;
typedef struct lookup lookup;

enum { LOOKUP_MAX = 8 };
typedef struct addresses {
    struct sockaddr_storage v[LOOKUP_MAX];   /* in the system's order of preference (RFC 6724), with the port */
    int n;
} addresses;

/* e: kind ERR_NONE with n > 0, or why not, as Go: "lookup x: no such host". Both live until it returns. */
typedef void (*lookup_fn)(void *ctx, const addresses *found, const err *e);

lookup *lookup_start(uv_loop_t *loop, bytes host, uint16_t port, lookup_fn done, void *ctx);
/* done will not be called; not after it has been. on_gone (may be NULL) comes when the worker has let go of it. */
void lookup_drop(lookup *l, void (*on_gone)(void *ctx), void *ctx);
/* A literal address needs no lookup. */
bool lookup_literal(bytes host, uint16_t port, addresses *out);
#endif
