/* scrape_retire.c: see scrape_retire.h. */
#include "scrape/scrape_retire.h"
#include "base/arena.h"
#include "base/os.h"
#include <stdlib.h>

struct scrape_retire {
    scrape_retire *next;
    scrape_retirees *all;
    uv_timer_t timer;
    uint64_t *refs;
    size_t n;
    int64_t time_ms; /* of the marks */
};

static void on_timer_closed(uv_handle_t *h)
{
    scrape_retire *r = h->data;
    scrape_retirees *all = r->all;
    free(r->refs);
    free(r);
    if (--all->n == 0 && all->on_empty)
        all->on_empty(all->ctx);
}

static void leave(scrape_retire *r)
{
    for (scrape_retire **at = &r->all->first; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    uv_close((uv_handle_t *)&r->timer, on_timer_closed);
}

static void mark(scrape_retire *r)
{
    append_item *items = xcalloc(r->n ? r->n : 1, sizeof *items);
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        sample last;
        if (db_last(r->all->db, r->refs[i], &last) && last.t < r->time_ms && !sample_is_stale(last.v))
            items[n++] = (append_item){ .ref = r->refs[i], .t = r->time_ms, .v = sample_stale() };
    }
    if (n > 0)
        db_append(r->all->db, items, n);
    free(items);
    if (n > 0 && r->all->appended)
        r->all->appended(r->all->ctx);
}

static void on_timer(uv_timer_t *timer)
{
    scrape_retire *r = timer->data;
    mark(r);
    leave(r);
}

void scrape_retire_take(scrape_retirees *all, uint64_t *refs, size_t n, int64_t due_ms, int64_t interval_ms)
{
    if (n == 0 || all->on_empty) {
        free(refs);
        return;
    }
    scrape_retire *r = xcalloc(1, sizeof *r);
    int64_t now = os.now_ms();
    int64_t wait = (due_ms > now ? due_ms - now : 0) + interval_ms + interval_ms / 10;
    *r =
        (scrape_retire){ .next = all->first, .all = all, .refs = refs, .n = n, .time_ms = due_ms > now ? due_ms : now };
    all->first = r;
    all->n++;
    uv_timer_init(all->loop, &r->timer);
    r->timer.data = r;
    uv_timer_start(&r->timer, on_timer, (uint64_t)wait, 0);
}

void scrape_retirees_close(scrape_retirees *all, void (*on_empty)(void *ctx))
{
    all->on_empty = on_empty;
    if (all->n == 0)
        on_empty(all->ctx);
    else
        while (all->first)
            leave(all->first);
}
