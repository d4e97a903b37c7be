/* test_signals.c: signals become events; a broken pipe is no end. */
#include "loop/signals.h"
#include "harness.h"
#include "test_loop.h"
#include <signal.h>
#include <unistd.h>

typedef struct seen {
    int n, last;
} seen;

static void on_signal(int signum, void *ctx)
{
    seen *s = ctx;
    s->n++;
    s->last = signum;
}

static bool has_any(void *ctx)
{
    return ((seen *)ctx)->n > 0;
}

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

static void on_timer(uv_timer_t *t)
{
}

START_TEST(a_signal_is_told_on_the_loop)
{
    harness h;
    seen s = { 0 };
    harness_open(&h);
    signals *sig = signals_start(&h.loop, on_signal, &s);
    uv_timer_t keep;   /* signals alone do not keep the loop alive */
    uv_timer_init(&h.loop, &keep);
    uv_timer_start(&keep, on_timer, 100000, 0);
    ck_assert_int_eq(kill(getpid(), numbers[_i]), 0);
    loop_until(&h, has_any, &s);
    ck_assert_int_eq(s.last, numbers[_i]);
    signals_stop(sig);
    signals_stop(NULL);
    uv_close((uv_handle_t *)&keep, NULL);
    harness_close(&h);
}
END_TEST

START_TEST(a_broken_pipe_is_an_error)
{
    int fds[2];
    signals_ignore_pipe();
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    ck_assert_int_eq(write(fds[1], "x", 1), -1);
    close(fds[1]);
}
END_TEST

Suite *signals_suite(void)
{
    Suite *s = suite_create("signals");
    TCase *tc = tcase_create("signals");
    tcase_add_loop_test(tc, a_signal_is_told_on_the_loop, 0, 3);
    tcase_add_test(tc, a_broken_pipe_is_an_error);
    suite_add_tcase(s, tc);
    return s;
}
