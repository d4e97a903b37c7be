/* scrape_cache.c: see scrape_cache.h. */
#include "scrape/scrape_cache.h"
#include "base/arena.h"
#include <assert.h>
#include "base/limits.h"
#include <stdlib.h>

_Static_assert(LIMIT_SCRAPE_LINE < 1 << 24, "cache_line.len");

enum {
    META_PAGES = 10,   /* a family stays known for so many pages after its last line */
    REORDER_PAGES = 16 /* the order is renewed at most this often */
};

void scrape_cache_init(scrape_cache *c, uint64_t seed)
{
    *c = (scrape_cache){ .seed = seed };
    key_index_init(&c->index, sizeof *c->lines);
}

void scrape_cache_release(scrape_cache *c)
{
    free(c->lines);
    free(c->order);
    key_index_release(&c->index);
    *c = (scrape_cache){ 0 };
}

void scrape_cache_begin(scrape_cache *c)
{
    c->iter++;
    c->n_before = c->n;
    c->n_seen = c->n_displaced = c->next = c->n_order = 0;
}

cache_line *scrape_cache_expected(scrape_cache *c)
{
    return c->next < c->n ? &c->lines[c->next] : NULL;
}

cache_line *scrape_cache_find(scrape_cache *c, hash_key key)
{
    ptrdiff_t i = key_index_find(&c->index, key);
    return i < 0 ? NULL : &c->lines[i];
}

void scrape_cache_see(scrape_cache *c, cache_line *l)
{
    size_t i = (size_t)(l - c->lines);
    c->n_displaced += i != c->next;
    c->next = i + 1;
    if (l->seen == c->iter)
        return;
    l->seen = c->iter;
    l->flags &= 255 ^ LINE_FRESH;
    c->n_seen++;
    if (c->order)
        c->order[c->n_order++] = (uint32_t)i;
}

cache_line *scrape_cache_add(scrape_cache *c, hash_key key, size_t len, unsigned flags)
{
    if (c->n == c->cap) {
        c->cap = c->cap + c->cap / 2 + 16;
        c->lines = xreallocarray(c->lines, c->cap, sizeof *c->lines);
    }
    cache_line *l = &c->lines[c->n++];
    *l = (cache_line){ .key = key, .seen = c->iter, .len = len & 0xffffff, .flags = flags & 255 };
    key_index_extend(&c->index, c->lines, c->n);
    c->n_seen++;
    if (c->next == c->n - 1)
        c->next = c->n; /* behind all that is known; elsewhere the line expected so far is still expected */
    return l;
}

void scrape_cache_track(scrape_cache *c, cache_line *l, bool on)
{
    bool was = l->flags & LINE_TRACKED;
    if (on == was)
        return;
    l->flags ^= LINE_TRACKED;
    c->n_tracked += on ? (size_t)1 : (size_t)-1;
}

static void drop_order(scrape_cache *c)
{
    free(c->order);
    c->order = NULL;
}

void scrape_cache_refuse(scrape_cache *c)
{
    drop_order(c);
    for (size_t i = c->n_before; i < c->n; i++)
        scrape_cache_track(c, &c->lines[i], false);
}

/* Keeps the lines for which it is not yet time to go, in their order. */
static size_t compact(scrape_cache *c, void (*gone)(void *ctx, uint64_t meta), void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        cache_line *l = &c->lines[i];
        bool meta = l->flags & LINE_META;
        if (l->seen == c->iter || (meta && c->iter - l->seen <= META_PAGES))
            c->lines[kept++] = *l;
        else if (meta && gone)
            gone(ctx, l->ref);
        else
            scrape_cache_track(c, l, false);
    }
    return kept;
}

/* After a first page, and when most lines have gone: no more room than for a few new ones. */
static void trim(scrape_cache *c)
{
    if (c->n_before > 0 && (c->cap < 64 || c->n > c->cap / 4))
        return;
    c->cap = c->n + 16;
    c->lines = xreallocarray(c->lines, c->cap, sizeof *c->lines);
}

/* The lines seen in the order seen, the others behind them. */
static void renew_order(scrape_cache *c)
{
    cache_line *lines = xmalloc(c->cap * sizeof *lines);
    size_t n = 0;
    for (size_t i = 0; i < c->n_order; i++)
        lines[n++] = c->lines[c->order[i]];
    for (size_t i = 0; i < c->n; i++)
        if (c->lines[i].seen != c->iter || i >= c->n_before)
            lines[n++] = c->lines[i];
    assert(n == c->n);
    free(c->lines);
    c->lines = lines;
    c->ordered_at = c->iter;
    drop_order(c);
}

/* Too many lines stand elsewhere than expected: note the order of the next page. */
static void consider_order(scrape_cache *c)
{
    if (c->n_displaced > 8 + c->n / 32 && c->iter - c->ordered_at >= REORDER_PAGES)
        c->order = xreallocarray(NULL, c->n + 1, sizeof *c->order);
}

static void flush(scrape_cache *c, void (*gone)(void *ctx, uint64_t meta), void *ctx)
{
    bool reordered = c->order != NULL;
    if (reordered)
        renew_order(c);
    size_t kept = c->n_seen == c->n ? c->n : compact(c, gone, ctx);
    if (reordered || kept < c->n) {
        c->n = kept;
        trim(c);
        key_index_rebuild(&c->index, c->lines, c->n);
    } else if (c->n_before == 0 && c->n > 0) {
        trim(c);
        key_index_extend(&c->index, c->lines, c->n);
    }
}

void scrape_cache_flush(scrape_cache *c, void (*gone)(void *ctx, uint64_t meta), void *ctx)
{
    flush(c, gone, ctx);
    c->n_stored = c->n;
    consider_order(c);
}

bool scrape_cache_bound(scrape_cache *c, void (*gone)(void *ctx, uint64_t meta), void *ctx)
{
    if (c->n <= c->n_stored * 2 + 1000)
        return false;
    flush(c, gone, ctx);
    return true;
}
