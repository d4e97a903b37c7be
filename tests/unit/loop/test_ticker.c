/* test_ticker.c: the grid rule by itself, and real ticks under a clock that is set. */
#include "loop/ticker.h"
#include "base/os.h"
#include "harness.h"
#include "test_loop.h"
#include <stdlib.h>

#define N_OF(rows) (int)(sizeof(rows) / sizeof(rows)[0])
#define NEVER INT64_MIN

static const struct {
    int64_t now, last, interval, offset, want;
} grid[] = {
    { 1000, NEVER, 100, 0, 1100 },      /* on the grid: the next one */
    { 1001, NEVER, 100, 0, 1100 },
    { 1099, 1000, 100, 0, 1100 },
    { 1050, NEVER, 100, 30, 1130 },
    { 1020, NEVER, 100, 30, 1030 },
    { 1020, NEVER, 100, -70, 1030 },
    { -5, NEVER, 100, 0, 0 },
    { -105, NEVER, 100, 0, -100 },
    { 1099, 1100, 100, 0, 1200 },       /* fired a little early */
    { 1010, 1100, 100, 0, 1200 },       /* slewed back less than an interval: not twice the same */
    { 950, 1100, 100, 0, 1000 },        /* set back by more: the new time counts */
    { 9950, 1100, 100, 0, 10000 },      /* held up, or set forward: what was missed is not made up for */
    { 0, NEVER, 15000, 7777, 7777 },
    { 1700000000123, 1700000000000, 1, 0, 1700000000124 },
};

START_TEST(the_next_point_of_the_grid)
{
    ck_assert_int_eq(ticker_next(grid[_i].now, grid[_i].last, grid[_i].interval, grid[_i].offset), grid[_i].want);
}
END_TEST

typedef struct ticks {
    int64_t due[64], missed[64];
    int n, stop_at;
    ticker *ticker;
    harness *h;
} ticks;

static void on_tick(void *ctx, int64_t due_ms, int64_t missed)
{
    ticks *t = ctx;
    t->due[t->n] = due_ms;
    t->missed[t->n++] = missed;
    if (t->n == t->stop_at)
        ticker_stop(t->ticker);
}

static bool enough(void *ctx)
{
    ticks *t = ctx;
    return t->n >= t->stop_at;
}

START_TEST(ticks_are_on_the_grid_and_none_is_lost)
{
    harness h;
    ticks t = { .stop_at = 20 };
    harness_open(&h);
    int64_t before = os.now_ms();
    t.ticker = ticker_start(&h.loop, 10, 3, on_tick, &t);
    ck_assert_int_gt(ticker_due_ms(t.ticker), before);
    loop_until(&h, enough, &t);
    for (int i = 0; i < t.n; i++) {
        ck_assert_int_eq(t.due[i] % 10, 3);
        if (i)
            ck_assert_int_eq(t.due[i], t.due[i - 1] + 10 * (1 + t.missed[i]));
    }
    ck_assert_int_le(t.due[19], os.now_ms());
    harness_close(&h);
}
END_TEST

static int64_t shift_ms;
static int64_t (*real_now)(void);

static int64_t shifted_now(void)
{
    return real_now() + shift_ms;
}

static const int64_t jumps[] = { -3600 * 1000, 3600 * 1000, -5, 5 };

START_TEST(a_clock_that_is_set_moves_the_grid_along)
{
    harness h;
    ticks t = { .stop_at = 3 };
    harness_open(&h);
    real_now = os.now_ms;
    os.now_ms = shifted_now;
    shift_ms = 0;
    t.ticker = ticker_start(&h.loop, 20, 0, on_tick, &t);
    while (t.n < 1)
        loop_for(&h, 5);
    shift_ms = jumps[_i];
    int64_t after = real_now();
    loop_until(&h, enough, &t);
    ck_assert_int_lt(real_now() - after, 1000);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(t.due[i] % 20, 0);
    ck_assert_int_lt(llabs(t.due[2] - shifted_now()), 500);   /* in the new time */
    os.now_ms = real_now;
    harness_close(&h);
}
END_TEST

START_TEST(a_loop_that_was_held_up_gets_one_tick_for_all)
{
    harness h;
    ticks t = { .stop_at = 3 };
    harness_open(&h);
    real_now = os.now_ms;
    os.now_ms = shifted_now;
    shift_ms = 0;
    t.ticker = ticker_start(&h.loop, 10, 0, on_tick, &t);
    while (t.n < 1)
        loop_for(&h, 2);
    shift_ms = 1000;   /* as if the loop had not turned for a second */
    loop_until(&h, enough, &t);
    ck_assert_int_ge(t.missed[1], 90);
    ck_assert_int_lt(t.missed[2], 50);
    os.now_ms = real_now;
    harness_close(&h);
}
END_TEST

START_TEST(a_stopped_ticker_is_silent)
{
    harness h;
    ticks t = { .stop_at = 60 };
    harness_open(&h);
    ticker *k = ticker_start(&h.loop, 5, 0, on_tick, &t);
    ticker_stop(k);
    ticker_stop(NULL);
    loop_for(&h, 20);
    ck_assert_int_eq(t.n, 0);
    harness_close(&h);
}
END_TEST

Suite *ticker_suite(void)
{
    Suite *s = suite_create("ticker");
    TCase *tc = tcase_create("ticker");
    tcase_set_timeout(tc, 20);
    tcase_add_loop_test(tc, the_next_point_of_the_grid, 0, N_OF(grid));
    tcase_add_test(tc, ticks_are_on_the_grid_and_none_is_lost);
    tcase_add_loop_test(tc, a_clock_that_is_set_moves_the_grid_along, 0, N_OF(jumps));
    tcase_add_test(tc, a_loop_that_was_held_up_gets_one_tick_for_all);
    tcase_add_test(tc, a_stopped_ticker_is_silent);
    suite_add_tcase(s, tc);
    return s;
}
