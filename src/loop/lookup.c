/* lookup.c: see lookup.h. getaddrinfo() as a worker job of its own kind, so that a dead name server holds at most the
 * threads the worker gives to lookups. */
#include "loop/lookup.h"
#include "base/arena.h"
#include "loop/worker.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct lookup {
    char host[256], service[8];
    job *job;
    addresses found;   /* found, rc and errnum: the worker's until done */
    int rc, errnum;
    lookup_fn done;
    void *ctx;
    void (*on_gone)(void *ctx);
    void *gone_ctx;
};

static void copy_addresses(const struct addrinfo *list, addresses *out)
{
    for (const struct addrinfo *a = list; a && out->n < LOOKUP_MAX; a = a->ai_next)
        if (a->ai_addrlen <= sizeof out->v[0])
            memcpy(&out->v[out->n++], a->ai_addr, a->ai_addrlen);
}

static void run(job *j, void *ctx)
{
    lookup *l = ctx;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *list = NULL;
    if (job_canceled(j))
        return;
    l->rc = getaddrinfo(l->host, l->service, &hints, &list);
    l->errnum = errno;
    if (l->rc == 0) {
        copy_addresses(list, &l->found);
        freeaddrinfo(list);
    }
}

static void describe(const lookup *l, err *e)
{
    if (l->rc == EAI_NONAME || l->rc == EAI_NODATA || (l->rc == 0 && !l->found.n))
        err_set(e, ERR_UNAVAILABLE, "lookup %s: no such host", l->host);
    else if (l->rc == EAI_SYSTEM)
        err_set(e, ERR_UNAVAILABLE, "lookup %s: %s", l->host, strerror(l->errnum));
    else if (l->rc != 0)
        err_set(e, ERR_UNAVAILABLE, "lookup %s: %s", l->host, gai_strerror(l->rc));
}

static void done(job *j, void *ctx)
{
    lookup *l = ctx;
    err e = { 0 };
    describe(l, &e);
    if (l->done)
        l->done(l->ctx, &l->found, &e);
    else if (l->on_gone)
        l->on_gone(l->gone_ctx);
    free(l);
}

lookup *lookup_start(uv_loop_t *loop, bytes host, uint16_t port, lookup_fn fn, void *ctx)
{
    lookup *l = xcalloc(1, sizeof *l);
    snprintf(l->host, sizeof l->host, "%.*s", BYTES_ARG(host));
    snprintf(l->service, sizeof l->service, "%u", port);
    l->done = fn;
    l->ctx = ctx;
    l->job = worker_run(loop, WORKER_LOOKUP, run, done, l);
    return l;
}

void lookup_drop(lookup *l, void (*on_gone)(void *ctx), void *ctx)
{
    l->done = NULL;
    l->on_gone = on_gone;
    l->gone_ctx = ctx;
    job_cancel(l->job);
}

bool lookup_literal(bytes host, uint16_t port, addresses *out)
{
    char text[256];
    if (host.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(host));
    out->n = uv_ip4_addr(text, port, (struct sockaddr_in *)&out->v[0]) == 0
          || uv_ip6_addr(text, port, (struct sockaddr_in6 *)&out->v[0]) == 0;
    return out->n > 0;
}
