/* scrape_scratch.c: see scrape_scratch.h. */
#include "scrape/scrape_scratch.h"
#include "base/limits.h"

void scrape_scratch_take(scrape_scratch *s, arena *a, buf *plain)
{
    if (s->n == 0) {
        arena_init(a, 0);
        buf_init(plain, LIMIT_SCRAPE_BODY_ASKED);
        return;
    }
    s->n--;
    *a = s->sets[s->n].a;
    *plain = s->sets[s->n].plain;
}

void scrape_scratch_give(scrape_scratch *s, arena *a, buf *plain)
{
    if (s->n == SCRATCH_SETS || a->used_bytes > SCRATCH_BYTES || plain->cap > SCRATCH_BYTES) {
        arena_release(a);
        buf_release(plain);
        return;
    }
    arena_reset(a);
    buf_clear(plain);
    s->sets[s->n++] = (struct scratch_set){ *a, *plain };
    arena_init(a, 0);
    buf_init(plain, LIMIT_SCRAPE_BODY_ASKED);
}

void scrape_scratch_release(scrape_scratch *s)
{
    for (; s->n > 0; s->n--) {
        arena_release(&s->sets[s->n - 1].a);
        buf_release(&s->sets[s->n - 1].plain);
    }
}
