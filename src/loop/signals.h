/* signals.h: SIGTERM, SIGINT and SIGHUP as events of the loop; SIGPIPE is ignored. Loop thread. */
#ifndef LOOP_SIGNALS_H
#define LOOP_SIGNALS_H

typedef struct uv_loop_s uv_loop_t;
typedef struct signals signals;
typedef void (*signals_fn)(int signum, void *ctx);   /* SIGTERM, SIGINT or SIGHUP */

signals *signals_start(uv_loop_t *loop, signals_fn fn, void *ctx);
/* Default behaviour comes back; frees on a later turn of the loop. NULL is fine. */
void signals_stop(signals *s);
/* A write to a closed socket or pipe becomes an error instead of the end. signals_start() and the HTTP server and
 * client do it too. */
void signals_ignore_pipe(void);
#endif
