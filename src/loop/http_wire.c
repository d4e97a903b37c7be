/* http_wire.c: see http_wire.h. Hosts are in a map by "host:port" and live as long as they have a wire; their idle
 * wires form a list, newest first, so that those not needed any more grow old and go. */
#include "loop/http_wire.h"
#include "base/arena.h"
#include <stdlib.h>

static host *host_of(http_client *c, bytes key)
{
    host *h = map_get_ptr(&c->hosts, key);
    if (!h) {
        h = xcalloc(1, sizeof *h);
        char *copy = memcpy(xmalloc(key.len), key.p, key.len);
        h->key = bytes_n(copy, key.len);
        map_put_ptr(&c->hosts, h->key, h);
    }
    return h;
}

static void host_drop_wire(http_client *c, host *h)
{
    if (--h->n_wires)
        return;
    map_remove(&c->hosts, h->key);
    free((char *)(uintptr_t)h->key.p);
    free(h);
}

static void leave_idle(wire *w)
{
    if (!w->is_idle)
        return;
    *(w->idle_prev ? &w->idle_prev->idle_next : &w->host->idle) = w->idle_next;
    if (w->idle_next)
        w->idle_next->idle_prev = w->idle_prev;
    w->idle_prev = w->idle_next = NULL;
    w->is_idle = false;
    w->host->n_idle--;
    w->client->n_idle--;
}

void wire_close(wire *w)
{
    leave_idle(w);
    conn_close(&w->conn);
}

void wire_keep(wire *w)
{
    http_client *c = w->client;
    host *h = w->host;
    if (c->closing || h->n_idle >= c->opt.max_idle_per_host || c->n_idle >= (size_t)c->opt.max_idle) {
        wire_close(w);
        return;
    }
    w->is_idle = w->was_used = true;
    w->idle_next = h->idle;
    if (h->idle)
        h->idle->idle_prev = w;
    h->idle = w;
    h->n_idle++;
    c->n_idle++;
    conn_deadline(&w->conn, (uint64_t)c->opt.idle_timeout_ms);
    conn_read(&w->conn, true);
}

wire *wire_reuse(http_client *c, bytes key, bool careful)
{
    host *h = map_get_ptr(&c->hosts, key);
    while (h && h->idle) {
        wire *w = h->idle;
        if (!careful || !conn_is_stale(&w->conn)) {
            leave_idle(w);
            conn_deadline(&w->conn, 0);
            return w;
        }
        wire_close(w);   /* the host stays until the wire has closed */
    }
    return NULL;
}

wire *wire_new(http_client *c, bytes key, const conn_events *events)
{
    wire *w = xcalloc(1, sizeof *w);
    w->client = c;
    w->host = host_of(c, key);
    w->host->n_wires++;
    w->next = c->wires;
    if (w->next)
        w->next->prev = w;
    c->wires = w;
    c->n_wires++;
    c->stats.opened++;
    conn_init(&w->conn, c->loop, events);
    return w;
}

void wire_closed(wire *w)
{
    http_client *client = w->client;
    *(w->prev ? &w->prev->next : &client->wires) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    host_drop_wire(client, w->host);
    free(w);
    client->n_wires--;
    http_client_maybe_free(client);
}
