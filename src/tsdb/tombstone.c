/* tombstone.c: see tombstone.h. */
#include "tsdb/tombstone.h"
#include "base/limits.h"
#include <stdlib.h>

/* Matchers of one tombstone: what one delete request may hold. */
enum { TOMBSTONE_MAX_MATCHERS = 4096 };

static tombstone *tombstone_alloc(size_t n)
{
    tombstone *t = xcalloc(1, sizeof *t);
    t->refs = 1;
    arena_init(&t->a, 0);
    t->ms = ARENA_ARRAY(&t->a, matcher, n ? n : 1);
    return t;
}

static bool put_matcher(tombstone *t, enum matcher_op op, bytes name, bytes value, err *e)
{
    if (!matcher_init(&t->ms[t->n], &t->a, op, name, value, e))
        return false;
    t->n++;
    return true;
}

tombstone *tombstone_new(uint64_t id, uint64_t covered, const matcher *ms, size_t n, int64_t mint, int64_t maxt)
{
    tombstone *t = tombstone_alloc(n);
    t->id = id;
    t->covered = covered;
    t->mint = mint;
    t->maxt = maxt;
    for (size_t i = 0; i < n; i++)
        if (!put_matcher(t, ms[i].op, ms[i].name, ms[i].value, NULL))
            BUG("tombstone: a matcher that was compiled before does not compile");
    return t;
}

tombstone *tombstone_ref(tombstone *t)
{
    __atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void tombstone_unref(tombstone *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    for (size_t i = 0; i < t->n; i++)
        matcher_release(&t->ms[i]);
    arena_release(&t->a);
    free(t);
}

/* payload = varint id, varint covered, zigzag mint, zigzag maxt, varint n, n * (byte op, string name, string value) */
static void put_string(buf *out, bytes s)
{
    buf_put_varint(out, s.len);
    buf_puts(out, s);
}

void tombstone_write(const tombstone *t, buf *out)
{
    buf_put_varint(out, t->id);
    buf_put_varint(out, t->covered);
    buf_put_zigzag(out, t->mint);
    buf_put_zigzag(out, t->maxt);
    buf_put_varint(out, t->n);
    for (size_t i = 0; i < t->n; i++) {
        buf_putc(out, (char)t->ms[i].op);
        put_string(out, t->ms[i].name);
        put_string(out, t->ms[i].value);
    }
}

static bool take_string(cursor *c, bytes *out)
{
    uint64_t len = 0;
    return cursor_varint(c, &len) && len <= cursor_left(c) && cursor_bytes(c, (size_t)len, out);
}

static bool take_matcher(cursor *c, tombstone *t)
{
    bytes op, name, value;
    return cursor_bytes(c, 1, &op) && (unsigned char)op.p[0] <= MATCH_NRE && take_string(c, &name)
        && take_string(c, &value) && put_matcher(t, (enum matcher_op)op.p[0], name, value, NULL);
}

tombstone *tombstone_parse(bytes payload, err *e)
{
    cursor c = cursor_of(payload);
    uint64_t id, covered, n;
    int64_t mint, maxt;
    if (!cursor_varint(&c, &id) || !cursor_varint(&c, &covered) || !cursor_zigzag(&c, &mint)
        || !cursor_zigzag(&c, &maxt) || !cursor_varint(&c, &n) || n > TOMBSTONE_MAX_MATCHERS) {
        err_set(e, ERR_BAD_DATA, "damaged tombstone");
        return NULL;
    }
    tombstone *t = tombstone_alloc((size_t)n);
    t->id = id;
    t->covered = covered;
    t->mint = mint;
    t->maxt = maxt;
    for (uint64_t i = 0; i < n; i++) {
        if (take_matcher(&c, t))
            continue;
        err_set(e, ERR_BAD_DATA, "damaged tombstone");
        tombstone_unref(t);
        return NULL;
    }
    return t;
}

/* ---- sets ---- */

static tombstone_set *set_alloc(size_t n)
{
    tombstone_set *s = xmalloc(sizeof *s + n * sizeof s->items[0]);
    s->refs = 1;
    s->n = 0;
    return s;
}

tombstone_set *tombstone_set_with(const tombstone_set *old, tombstone *t)
{
    tombstone_set *s = set_alloc((old ? old->n : 0) + 1);
    for (size_t i = 0; old && i < old->n; i++)
        s->items[s->n++] = tombstone_ref(old->items[i]);
    s->items[s->n++] = tombstone_ref(t);
    return s;
}

tombstone_set *tombstone_set_without(const tombstone_set *old, uint64_t up_to,
                                     bool (*drop)(void *ctx, const tombstone *t), void *ctx)
{
    tombstone_set *s = set_alloc(old ? old->n : 0);
    for (size_t i = 0; old && i < old->n; i++) {
        bool goes = old->items[i]->id <= up_to && (!drop || drop(ctx, old->items[i]));
        if (!goes)
            s->items[s->n++] = tombstone_ref(old->items[i]);
    }
    return s;
}

tombstone_set *tombstone_set_ref(tombstone_set *s)
{
    if (s)
        __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void tombstone_set_unref(tombstone_set *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
        return;
    for (size_t i = 0; i < s->n; i++)
        tombstone_unref(s->items[i]);
    free(s);
}

static bool touches(const tombstone *t, int64_t mint, int64_t maxt)
{
    return t->mint <= maxt && t->maxt >= mint;
}

bool tombstones_touch(const tombstone_set *s, int64_t mint, int64_t maxt)
{
    for (size_t i = 0; s && i < s->n; i++)
        if (touches(s->items[i], mint, maxt))
            return true;
    return false;
}

size_t tombstones_hide(const tombstone_set *s, const labels *l, int64_t mint, int64_t maxt, arena *a, day_hide **out)
{
    size_t n = 0;
    *out = NULL;
    for (size_t i = 0; s && i < s->n; i++) {
        const tombstone *t = s->items[i];
        if (!touches(t, mint, maxt) || !matchers_match(t->ms, t->n, l))
            continue;
        if (!*out)
            *out = ARENA_ARRAY(a, day_hide, s->n - i);
        (*out)[n++] = (day_hide){ t->covered, t->mint, t->maxt };
    }
    return n;
}
