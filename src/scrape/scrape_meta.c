/* scrape_meta.c: see scrape_meta.h. */
#include "scrape/scrape_meta.h"
#include "base/arena.h"
#include "base/limits.h"
#include <stdlib.h>

void text_pool_init(text_pool *p)
{
    *p = (text_pool){ 0 };
    map_init(&p->by_bytes, MAP_BORROWED_KEYS);
}

void text_pool_release(text_pool *p)
{
    size_t i = 0;
    for (map_slot *s; (s = map_next(&p->by_bytes, &i));)
        free((void *)(uintptr_t)s->value);
    map_release(&p->by_bytes);
}

const shared_text *text_intern(text_pool *p, bytes s)
{
    if (s.len == 0)
        return NULL;
    shared_text *t = map_get_ptr(&p->by_bytes, s);
    if (!t) {
        t = xmalloc(sizeof *t + s.len);
        t->refs = 0;
        t->len = (uint32_t)s.len;
        memcpy(t->s, s.p, s.len);
        map_put_ptr(&p->by_bytes, text_bytes(t), t);
        p->n_bytes += s.len;
    }
    t->refs++;
    return t;
}

void text_release(text_pool *p, const shared_text *shared)
{
    shared_text *t = (shared_text *)(uintptr_t)shared; /* const is for those who read it */
    if (!t || --t->refs > 0)
        return;
    p->n_bytes -= t->len;
    map_remove(&p->by_bytes, text_bytes(t));
    free(t);
}

void scrape_meta_init(scrape_meta *m, text_pool *pool)
{
    *m = (scrape_meta){ .pool = pool };
    map_init(&m->by_name, MAP_BORROWED_KEYS);
}

static void clear_family(scrape_meta *m, family *f)
{
    text_release(m->pool, f->name);
    text_release(m->pool, f->help);
    text_release(m->pool, f->unit);
    *f = (family){ 0 };
}

void scrape_meta_release(scrape_meta *m)
{
    map_release(&m->by_name);
    for (uint32_t i = 0; i < m->n; i++)
        clear_family(m, &m->families[i]);
    free(m->families);
    *m = (scrape_meta){ .pool = m->pool };
}

static uint32_t free_place(scrape_meta *m)
{
    if (m->first_free) {
        uint32_t place = m->first_free - 1;
        m->first_free = m->families[place].n_lines;
        return place;
    }
    if (m->n == m->cap) {
        m->cap = m->cap + m->cap / 2 + 8;
        m->families = xreallocarray(m->families, m->cap, sizeof *m->families);
    }
    return m->n++;
}

uint32_t scrape_meta_line(scrape_meta *m, bytes name)
{
    uint64_t *known = map_get(&m->by_name, name);
    if (known) {
        m->families[*known].n_lines++;
        return (uint32_t)*known + 1;
    }
    if (m->n_live >= LIMIT_SCRAPE_METADATA || name.len > LIMIT_SCRAPE_LINE)
        return 0;
    uint32_t place = free_place(m);
    m->families[place] = (family){ .name = text_intern(m->pool, name), .n_lines = 1 };
    *map_put(&m->by_name, text_bytes(m->families[place].name), NULL) = place;
    m->n_live++;
    return place + 1;
}

void scrape_meta_set_kind(scrape_meta *m, uint32_t place1, enum metric_kind kind)
{
    if (place1)
        m->families[place1 - 1].kind = (uint8_t)kind;
}

static void set_text(scrape_meta *m, const shared_text **to, bytes s)
{
    const shared_text *old = *to;
    *to = text_intern(m->pool, s);
    text_release(m->pool, old);
}

void scrape_meta_set_help(scrape_meta *m, uint32_t place1, bytes help)
{
    if (place1)
        set_text(m, &m->families[place1 - 1].help, help);
}

void scrape_meta_set_unit(scrape_meta *m, uint32_t place1, bytes unit)
{
    if (place1)
        set_text(m, &m->families[place1 - 1].unit, unit);
}

void scrape_meta_line_gone(scrape_meta *m, uint32_t place1)
{
    if (!place1)
        return;
    family *f = &m->families[place1 - 1];
    if (--f->n_lines > 0)
        return;
    map_remove(&m->by_name, text_bytes(f->name));
    clear_family(m, f);
    *f = (family){ .kind = FAMILY_FREE, .n_lines = m->first_free };
    m->first_free = place1;
    m->n_live--;
}

size_t scrape_meta_bytes(const scrape_meta *m)
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->n; i++)
        n += text_bytes(m->families[i].name).len + text_bytes(m->families[i].help).len
             + text_bytes(m->families[i].unit).len;
    return n;
}
