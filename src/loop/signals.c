/* signals.c: see signals.h. One uv_signal per row of the table; the struct is freed when the last one has closed. */
#include "loop/signals.h"
#include "base/arena.h"
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

static const int watched[] = { SIGTERM, SIGINT, SIGHUP };
enum { N_WATCHED = sizeof watched / sizeof watched[0] };

struct signals {
    uv_signal_t handles[N_WATCHED];
    int n_open;
    signals_fn fn;
    void *ctx;
};

static void on_signal(uv_signal_t *h, int signum)
{
    signals *s = h->data;
    s->fn(signum, s->ctx);
}

static void on_closed(uv_handle_t *h)
{
    signals *s = h->data;
    if (--s->n_open == 0)
        free(s);
}

void signals_ignore_pipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}

signals *signals_start(uv_loop_t *loop, signals_fn fn, void *ctx)
{
    signals *s = xcalloc(1, sizeof *s);
    s->fn = fn;
    s->ctx = ctx;
    signals_ignore_pipe();
    for (int i = 0; i < N_WATCHED; i++) {
        uv_signal_init(loop, &s->handles[i]);
        s->handles[i].data = s;
        s->n_open++;
        uv_signal_start(&s->handles[i], on_signal, watched[i]);
        uv_unref((uv_handle_t *)&s->handles[i]);   /* waiting for a signal is no reason to keep the loop alive */
    }
    return s;
}

void signals_stop(signals *s)
{
    for (int i = 0; s && i < N_WATCHED; i++)
        uv_close((uv_handle_t *)&s->handles[i], on_closed);
}
