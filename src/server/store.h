/* store.h: the daemon's driver of the database: its jobs on workers, and who waits for a commit.
 *
 * Owns no data: the db decides what is due, this room only carries jobs to workers and back, and keeps a timer for when
 * nothing else would ask. Loop thread.                                                                          */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H
#include "base/err.h"
#include "tsdb/db.h"
#include <uv.h>

typedef struct store store;

store *store_new(uv_loop_t *loop, db *d);
/* Something was appended or asked for: start the jobs that are due. Cheap; call it after each append. */
void store_kick(store *s);
/* fn(arg, NULL) once seq is committed; fn(arg, e) when the store cannot write it at the moment (ERR_UNAVAILABLE). From
 * inside this call where seq has been committed already: make it your last step. */
void store_wait(store *s, uint64_t seq, void (*fn)(void *arg, const err *e), void *arg);
/* No further jobs but those that write what is queued; on_closed once none is in flight; s is gone then. The db stays the
 * caller's to close. */
void store_close(store *s, void (*on_closed)(void *ctx), void *ctx);
#endif
