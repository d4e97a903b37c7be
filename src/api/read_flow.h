/* read_flow.h: one request that reads the store: parse, snapshot, compute on a worker, answer.
 *
 *     start --> [parse_job] --> parsed --> [regex_job] --> take --> [run_job] --> finish
 *                   | failed                                           |            ^
 *                   `--------------------------------------------------'------------'
 * Jobs in brackets run on workers; parse_job and regex_job are left out where nothing in them can be slow. The client going
 * away cancels the flow: the running job sees `canceled` and every path still ends in finish().
 * The owner embeds a read_flow first in its own struct, allocated in the request's arena, and gives the three functions.  */
#ifndef API_READ_FLOW_H
#define API_READ_FLOW_H
#include "api/api.h"
#include "loop/worker.h"
#include "tsdb/select.h"
#include <stdatomic.h>

typedef struct read_flow read_flow;
typedef struct read_flow_steps {
    /* Fills sels and n_sels. May run on a worker (if parse_is_slow) or the loop. NULL: already done. */
    bool (*parse)(read_flow *f, err *e);
    /* Writes the whole answer to f->body. Worker. snap is NULL where n_sels is 0. */
    bool (*run)(read_flow *f, err *e);
    /* Gives back what the two made. Loop, once, after the answer. May be NULL. */
    void (*release)(read_flow *f);
} read_flow_steps;

struct read_flow {
    const read_flow_steps *steps;
    api_env *env;
    http_request *req;
    const db_selector *sels;
    size_t n_sels;
    snapshot *snap;
    buf body;
    err e;
    atomic_bool canceled;
    bool parse_is_slow;
    job *job;                 /* in flight, or NULL */
};

void read_flow_start(read_flow *f, const read_flow_steps *steps, api_env *env, http_request *req);
#endif
