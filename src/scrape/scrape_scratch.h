/* scrape_scratch.h: a few sets of memory for rounds, used again and again.
 *
 * A round needs a batch and a decompressed page, a hundred kilobytes or two, for a millisecond. Given back to the
 * allocator each time, that memory would return to the kernel and be faulted in anew, which costs as much as parsing.
 * At most SCRATCH_SETS sets of at most SCRATCH_BYTES each are kept. Loop thread; a set lent to a round may be used by
 * its job. */
#ifndef SCRAPE_SCRAPE_SCRATCH_H
#define SCRAPE_SCRAPE_SCRATCH_H
#include "base/arena.h"
#include "base/buf.h"

enum { SCRATCH_SETS = 4, SCRATCH_BYTES = 512 << 10 };

typedef struct scrape_scratch {
    struct scratch_set {
        arena a;
        buf plain;
    } sets[SCRATCH_SETS];
    size_t n;
} scrape_scratch;

/* Both are empty; whether they hold memory already is no matter to the taker. */
void scrape_scratch_take(scrape_scratch *s, arena *a, buf *plain);
/* They are empty and without memory after it. */
void scrape_scratch_give(scrape_scratch *s, arena *a, buf *plain);
void scrape_scratch_release(scrape_scratch *s);
#endif
