/* scrape_retire.h: staleness marks for series of a target that is not scraped any more.
 *
 * The target may come back under another name for the same labels (a reload, a flapping discovery), so the marks wait a
 * little over two intervals and are then written for the time when the next scrape would have been; a series that has a
 * newer sample by then goes on. At shutdown nothing is marked: the next start goes on where this one stopped.
 * Source: endOfRunStaleness in scrape/scrape.go, Prometheus 3.14.                                                  */
#ifndef SCRAPE_SCRAPE_RETIRE_H
#define SCRAPE_SCRAPE_RETIRE_H
#include "tsdb/db.h"
#include <uv.h>

typedef struct scrape_retire scrape_retire;
typedef struct scrape_retirees { /* those that wait; the manager's */
    uv_loop_t *loop;
    db *db;
    scrape_retire *first;
    size_t n; /* closing ones included */
    void (*appended)(void *ctx);
    void (*on_empty)(void *ctx); /* NULL, or called once n is 0 */
    void *ctx;
} scrape_retirees;

/* Takes refs (heap); due_ms: when the next scrape would have been. */
void scrape_retire_take(scrape_retirees *all, uint64_t *refs, size_t n, int64_t due_ms, int64_t interval_ms);
/* Ends the waiting without marks; on_empty follows, perhaps from inside. */
void scrape_retirees_close(scrape_retirees *all, void (*on_empty)(void *ctx));
#endif
