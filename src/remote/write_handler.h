/* write_handler.h: what a remote-write receiver does with one decoded request.
 *
 *     worker  rw_read(body)                      format/remote_write.h
 *     loop    remote_writer_append(w, req, ...)  series looked up by key, one db_append, outcome counted
 *     loop    answer once db_committed_seq(db) >= seq
 * The series cache maps the key of a sender's label bytes to a ref of the store, so a steady sender's request never
 * builds labels. It forgets series that were not written for a while and knows no more than its maximum.
 * A request is applied as far as it fits: valid samples are stored also when others are refused (remote write 1.0).
 * Source: storage/remote/write_handler.go, Prometheus 3.14. Loop thread.                                           */
#ifndef REMOTE_WRITE_HANDLER_H
#define REMOTE_WRITE_HANDLER_H
#include "format/remote_write.h"
#include "tsdb/db.h"

typedef struct remote_writer remote_writer;

remote_writer *remote_writer_new(db *d);
void remote_writer_free(remote_writer *w);
/* For rw_read(). Any thread. */
uint64_t remote_writer_seed(const remote_writer *w);

typedef struct remote_write_result {
    int status;   /* HTTP: 204, 400, 500, 503 */
    uint64_t seq; /* to wait for in db_committed_seq() before the answer; 0: nothing to wait for */
    err error;    /* the text of the answer where status is not 204 */
    size_t n_stored;
} remote_write_result;

/* now_ms bounds the future as Prometheus does not: remote-written samples of any time are taken. */
void remote_writer_append(remote_writer *w, const rw_request *req, int64_t now_ms, remote_write_result *out);
/* Drops what has not been written for a while; call it about once a minute. */
void remote_writer_tick(remote_writer *w, int64_t now_ms);
#endif
