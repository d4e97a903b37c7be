/* ticker.c: see ticker.h. One uv timer per ticker, armed anew for each grid point; uv's timers count on the monotonic
 * clock, so the wall clock is read only to find the next grid point and to see, when the timer fires, where on the
 * grid we are.
 *
 * A timer that fires early (uv counts whole milliseconds) or after the wall clock was set back is armed again for the
 * rest. Invariant: (1) grid points handed out ascend, but for a clock set back by more than an interval.            */
#include "loop/ticker.h"
#include "base/arena.h"
#include "base/os.h"
#include <assert.h>
#include <stdlib.h>
#include <uv.h>

struct ticker {
    uv_timer_t timer;
    int64_t interval_ms, offset_ms;
    int64_t last_ms, due_ms;
    ticker_fn fn;
    void *ctx;
};

static int64_t grid_floor(int64_t t, int64_t interval_ms, int64_t offset_ms)
{
    int64_t past = (t - offset_ms) % interval_ms;
    return t - (past < 0 ? past + interval_ms : past);
}

int64_t ticker_next(int64_t now_ms, int64_t last_ms, int64_t interval_ms, int64_t offset_ms)
{
    int64_t next = grid_floor(now_ms, interval_ms, offset_ms) + interval_ms;
    /* fired a little early, or the clock was slewed back: not the same grid point again */
    if (last_ms != INT64_MIN && next <= last_ms && last_ms - now_ms <= interval_ms)
        next = last_ms + interval_ms;
    return next;
}

static void arm(ticker *t, int64_t now_ms);

static void on_timer(uv_timer_t *h)
{
    ticker *t = h->data;
    int64_t now = os.now_ms();
    if (now < t->due_ms) {
        if (t->due_ms - now > t->interval_ms)   /* set back: the old due time is far away now */
            t->due_ms = ticker_next(now, INT64_MIN, t->interval_ms, t->offset_ms);
        uv_timer_start(&t->timer, on_timer, (uint64_t)(t->due_ms - now), 0);
        return;
    }
    int64_t due = grid_floor(now, t->interval_ms, t->offset_ms);   /* the newest of those that have passed */
    assert(due >= t->due_ms); /* (1) */
    int64_t missed = (due - t->due_ms) / t->interval_ms;
    t->last_ms = due;
    arm(t, now);
    t->fn(t->ctx, due, missed);   /* last: it may stop the ticker */
}

static void arm(ticker *t, int64_t now_ms)
{
    t->due_ms = ticker_next(now_ms, t->last_ms, t->interval_ms, t->offset_ms);
    uv_update_time(t->timer.loop);   /* a long callback before us would make the wait too short */
    uv_timer_start(&t->timer, on_timer, (uint64_t)(t->due_ms - now_ms), 0);
}

ticker *ticker_start(uv_loop_t *loop, int64_t interval_ms, int64_t offset_ms, ticker_fn fn, void *ctx)
{
    assert(interval_ms > 0);
    ticker *t = xcalloc(1, sizeof *t);
    t->interval_ms = interval_ms;
    t->offset_ms = offset_ms % interval_ms;
    t->last_ms = INT64_MIN;
    t->fn = fn;
    t->ctx = ctx;
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    arm(t, os.now_ms());
    return t;
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void ticker_stop(ticker *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->timer, on_closed);
}

int64_t ticker_due_ms(const ticker *t)
{
    return t->due_ms;
}
