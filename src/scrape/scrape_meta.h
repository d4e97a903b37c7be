/* scrape_meta.h: type, help and unit of the metric families a target shows, for /api/v1/metadata and
 * targets/metadata.
 *
 * Targets of one kind say the same words, so the words are interned: one copy per process part that made the
 * text_pool, each use counted. A family lives as long as comment lines in the target's cache speak of it
 * (scrape_cache.h). At most LIMIT_SCRAPE_METADATA families a target; more are not kept. Loop thread. */
#ifndef SCRAPE_SCRAPE_META_H
#define SCRAPE_SCRAPE_META_H
#include "base/map.h"
#include "model/metadata.h"

typedef struct shared_text {
    uint32_t refs, len;
    char s[];
} shared_text;
typedef struct text_pool {
    map by_bytes; /* borrowed keys -> shared_text */
    size_t n_bytes;
} text_pool;
void text_pool_init(text_pool *p);
void text_pool_release(text_pool *p);
const shared_text *text_intern(text_pool *p, bytes s); /* one reference; NULL for the empty string */
void text_release(text_pool *p, const shared_text *t); /* NULL is fine */
static inline bytes text_bytes(const shared_text *t)
{
    return t ? bytes_n(t->s, t->len) : BYTES("");
}

typedef struct family {
    const shared_text *name, *help, *unit;
    uint8_t kind;     /* enum metric_kind; FAMILY_FREE: nobody's place */
    uint32_t n_lines; /* comment lines that speak of it; of a free place: the next free one, plus 1 */
} family;
enum { FAMILY_FREE = 255 };

typedef struct scrape_meta {
    text_pool *pool;
    family *families; /* a family keeps its place */
    uint32_t n, cap, n_live;
    uint32_t first_free; /* plus 1; 0: none */
    map by_name;         /* borrowed keys (the names) -> place */
} scrape_meta;

void scrape_meta_init(scrape_meta *m, text_pool *pool);
void scrape_meta_release(scrape_meta *m);
/* The place of a family for one more line that speaks of it, made where unknown, plus 1. 0: there are too many. */
uint32_t scrape_meta_line(scrape_meta *m, bytes name);
void scrape_meta_set_kind(scrape_meta *m, uint32_t place1, enum metric_kind kind);
void scrape_meta_set_help(scrape_meta *m, uint32_t place1, bytes help);
void scrape_meta_set_unit(scrape_meta *m, uint32_t place1, bytes unit);
/* Bytes of the words of all families, as if none were shared. */
size_t scrape_meta_bytes(const scrape_meta *m);
/* One line less. */
void scrape_meta_line_gone(scrape_meta *m, uint32_t place1);
#endif
