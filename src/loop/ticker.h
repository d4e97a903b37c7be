/* ticker.h: ticks on a grid of the wall clock: every interval_ms, at times t with t mod interval_ms == offset_ms.
 *
 * Each due time is computed from the grid, never from the last tick, so nothing drifts; the waiting itself is done on
 * the monotonic clock. A loop that was held up gets one tick for all it missed. If the wall clock is set, the next
 * tick is on the new grid within one interval. Loop thread. */
#ifndef LOOP_TICKER_H
#define LOOP_TICKER_H
#include <stdint.h>

typedef struct uv_loop_s uv_loop_t;
typedef struct ticker ticker;

/* due_ms: the grid point this tick is for (wall clock; now or shortly before). missed: grid points passed over since
 * the tick before. The ticker may be stopped from inside. */
typedef void (*ticker_fn)(void *ctx, int64_t due_ms, int64_t missed);

/* interval_ms > 0; offset_ms is taken modulo the interval. First tick: the first grid point after now. */
ticker *ticker_start(uv_loop_t *loop, int64_t interval_ms, int64_t offset_ms, ticker_fn fn, void *ctx);
/* No tick follows. Frees the ticker on a later turn of the loop; NULL is fine. */
void ticker_stop(ticker *t);
int64_t ticker_due_ms(const ticker *t);   /* grid point of the next tick */

/* The rule by itself, for tests and simulations: the grid point to wait for at now_ms when the last tick was for
 * last_ms
 * (INT64_MIN: there was none). It lies after last_ms, unless the clock was set back by more than an interval. */
int64_t ticker_next(int64_t now_ms, int64_t last_ms, int64_t interval_ms, int64_t offset_ms);
#endif
