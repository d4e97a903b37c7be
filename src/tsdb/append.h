/* append.h: which samples are taken: order, duplicates, the out-of-order window. Prometheus' head decides the same way
 * (tsdb/head_append.go), except that a new series may begin at any time retention allows.                       */
#ifndef TSDB_APPEND_H
#define TSDB_APPEND_H
#include "tsdb/daystore.h"
#include "tsdb/db.h"
#include "tsdb/head.h"

typedef struct append_rules {
    int64_t ooo_window_ms;   /* 0: none */
    int64_t newest;          /* newest time in the store; INT64_MIN: empty */
    int64_t oldest;          /* times before it are out of retention */
} append_rules;

/* No day file can hold times further away than this from 1970 (50,000 years). */
#define APPEND_LAST_T (DAY_LAST * DAY_MS)

enum append_verdict { VERDICT_STORE, VERDICT_STORE_OOO, VERDICT_SAME, VERDICT_REFUSE };

/* What becomes of x as the next sample of s (NULL: a series to be made). *status says why where it is refused. */
enum append_verdict append_judge(const append_rules *r, const series *s, sample x, uint8_t *status);

/* What series of one scrape target or sender have in common: a hash of job and instance. */
uint32_t append_group(const labels *l);
#endif
