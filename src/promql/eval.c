/* eval.c: see eval.h: budgets, rows and label sets of a running query, and the operators every other file needs. */
#include "promql/eval.h"
#include "base/os.h"
#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

/* ---- bits ---- */

void bits_fill(uint64_t *b, size_t n)
{
    memset(b, 0xff, n / 64 * sizeof *b);
    if (n % 64)
        b[n / 64] = (UINT64_C(1) << (n % 64)) - 1;
}

bool bits_any(const uint64_t *b, size_t words)
{
    uint64_t all = 0;
    for (size_t i = 0; i < words; i++)
        all |= b[i];
    return all != 0;
}

bool bits_meet(const uint64_t *a, const uint64_t *b, size_t words)
{
    uint64_t all = 0;
    for (size_t i = 0; i < words; i++)
        all |= a[i] & b[i];
    return all != 0;
}

size_t bits_count(const uint64_t *b, size_t words)
{
    size_t n = 0;
    for (size_t i = 0; i < words; i++)
        n += (size_t)__builtin_popcountll(b[i]);
    return n;
}

/* ---- errors and budgets ---- */

bool eval_fail(eval *ev, enum err_kind kind, const char *fmt, ...)
{
    if (eval_failed(ev))
        return false;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(ev->err.msg, sizeof ev->err.msg, fmt, ap);
    va_end(ap);
    ev->err.kind = kind;
    return false;
}

static bool over_budget(eval *ev)
{
    return eval_fail(ev, ERR_EXECUTION, "query processing would need more than %zu bytes of memory",
                     ev->a->limit_bytes);
}

bool eval_poll(eval *ev)
{
    if (eval_failed(ev))
        return false;
    if (ev->opt.cancel && atomic_load_explicit(ev->opt.cancel, memory_order_relaxed))
        return eval_fail(ev, ERR_CANCELED, "query was canceled in expression evaluation");
    if (ev->opt.deadline_ns && os.mono_ns() >= ev->opt.deadline_ns)
        return eval_fail(ev, ERR_TIMEOUT, "query timed out in expression evaluation");
    return !arena_over(ev->a) || over_budget(ev);
}

bool eval_points(eval *ev, size_t n, size_t more)
{
    ev->points += n;
    if (ev->points + more > ev->peak_points)
        ev->peak_points = ev->points + more;
    if (ev->points + more > ev->opt.max_samples)
        return eval_fail(ev, ERR_EXECUTION,
                         "query processing would load too many samples into memory in query execution");
    return !eval_failed(ev);
}

void *eval_alloc(eval *ev, size_t len)
{
    void *p = arena_try(ev->a, len);
    if (!p)
        over_budget(ev);
    return p;
}

void *eval_array(eval *ev, size_t n, size_t size)
{
    size_t len;
    if (__builtin_mul_overflow(n, size, &len))
        len = SIZE_MAX / 2;
    void *p = eval_alloc(ev, len);
    return p ? memset(p, 0, len) : NULL;
}

void note_quantile(eval *ev, place at, double q)
{
    char text[NUM_MAX_TEXT + 1];
    if (!(q >= 0 && q <= 1))
        annotations_add(&ev->notes, NOTE_WARNING, at, "quantile value should be between 0 and 1, got %s",
                        format_g(q, text));
}

/* ---- rows ---- */

void *op_new(eval *ev, size_t size, grid g, bool (*next)(op *o, row *out))
{
    op *o = arena_zalloc(ev->a, size);
    o->next = next;
    o->ev = ev;
    o->g = g;
    return o;
}

bool row_alloc(eval *ev, row *r, size_t n)
{
    size_t words = bit_words(n);
    uint64_t *p = EVAL_ARRAY(ev, uint64_t, words + n);   /* one piece: an instant query has many short rows */
    if (!p)
        return false;
    r->has = p;
    r->v = (double *)(void *)(p + words);
    r->h = NULL;
    return true;
}

static bool is_reserved_name(bytes name)
{
    return bytes_eq(name, LABEL_NAME) || bytes_eq(name, BYTES("__type__")) || bytes_eq(name, BYTES("__unit__"));
}

static bool has_reserved_name(const labels *l)
{
    labels_iter it = labels_walk(l);
    label x;
    while (labels_next(&it, &x))
        if (x.name.p[0] == '_' && is_reserved_name(x.name))
            return true;
    return false;
}

const labels *row_labels(const eval *ev, const row *r, arena *a)
{
    if (!r->drop_name || eval_delayed(ev) || !has_reserved_name(r->labels))
        return r->labels;
    return labels_without(a, r->labels, NULL, 0, true);
}

const labels *labels_keep(eval *ev, const labels *l)
{
    if (l->len == 0)
        return &labels_empty;
    labels *copy = arena_alloc(ev->a, sizeof *copy + l->len);
    memcpy(copy, l, sizeof *copy + l->len);
    copy->refs = 0;
    return copy;
}

/* ---- label map ---- */

size_t label_map_find(const label_map *m, const labels *l)
{
    if (m->cap == 0)
        return SIZE_MAX;
    for (size_t i = l->hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        if (m->slots[i] == 0)
            return SIZE_MAX;
        if (labels_eq(m->keys[m->slots[i] - 1], l))
            return m->slots[i] - 1;
    }
}

static void label_map_link(label_map *m, size_t n)
{
    size_t i = m->keys[n]->hash & (m->cap - 1);
    while (m->slots[i])
        i = (i + 1) & (m->cap - 1);
    m->slots[i] = (uint32_t)n + 1;
}

/* Twice the places. Old arrays stay in the arena: together less than the new ones. */
static void label_map_grow(eval *ev, label_map *m)
{
    size_t cap = m->cap ? m->cap * 2 : 16;
    const labels **keys = arena_array(ev->a, cap, sizeof *keys);
    if (m->n)
        memcpy(keys, m->keys, m->n * sizeof *keys);
    m->keys = keys;
    m->slots = arena_zalloc(ev->a, cap * sizeof *m->slots);
    m->cap = cap;
    for (size_t i = 0; i < m->n; i++)
        label_map_link(m, i);
}

size_t label_map_add(eval *ev, label_map *m, const labels *l)
{
    if (m->n * 4 >= m->cap * 3)
        label_map_grow(ev, m);
    m->keys[m->n] = l;
    label_map_link(m, m->n);
    return m->n++;
}

uint64_t *label_bits_put(eval *ev, label_bits *t, const labels *l, size_t n_steps)
{
    size_t i = label_map_find(&t->map, l);
    if (i != SIZE_MAX)
        return t->bits[i];
    uint64_t *bits = EVAL_ARRAY(ev, uint64_t, bit_words(n_steps));
    if (!bits)
        return NULL;
    i = label_map_add(ev, &t->map, l->refs == 0 ? labels_keep(ev, l) : l);
    if (i >= t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        uint64_t **grown = EVAL_ARRAY(ev, uint64_t *, cap);
        if (!grown)
            return NULL;
        if (t->cap)
            memcpy(grown, t->bits, t->cap * sizeof *grown);
        t->bits = grown;
        t->cap = cap;
    }
    return t->bits[i] = bits;
}

uint64_t *label_bits_get(const label_bits *t, const labels *l)
{
    size_t i = label_map_find(&t->map, l);
    return i == SIZE_MAX ? NULL : t->bits[i];
}

bool fail_earlier(op *o)
{
    eval *ev = o->ev;
    row rest;
    err later = ev->err;
    if (later.kind != ERR_EXECUTION)
        return false;
    ev->err = (err){ 0 };
    while (op_next(o, &rest))
        continue;
    if (!eval_failed(ev))
        ev->err = later;
    return false;
}

bool fail_same_labels(eval *ev, op *src)
{
    row rest;
    while (src && op_next(src, &rest))
        continue;
    return eval_fail(ev, ERR_EXECUTION, "vector cannot contain metrics with the same labelset");
}

bool row_seen_add(op *o, op *src, label_bits *seen, row *r)
{
    eval *ev = o->ev;
    if (eval_delayed(ev))
        return true;
    arena_reset(&ev->scratch);
    const labels *l = row_labels(ev, r, &ev->scratch);
    size_t n_known = seen->map.n;
    uint64_t *bits = label_bits_put(ev, seen, l, o->g.n);
    if (!bits)
        return false;
    if (seen->map.n == n_known && bits_meet(bits, r->has, bit_words(o->g.n)))
        return fail_same_labels(ev, src);
    for (size_t w = 0; w < bit_words(o->g.n); w++)
        bits[w] |= r->has[w];
    r->labels = seen->map.keys[label_map_find(&seen->map, l)];
    return true;
}

/* ---- small operators ---- */

double *scalar_values(op *o)
{
    row r;
    if (!op_next(o, &r)) {
        if (!eval_failed(o->ev))
            BUG("promql: a scalar without a row");
        return NULL;
    }
    return r.v;
}

static bool empty_next(op *o, row *out)
{
    (void)o;
    (void)out;
    return false;
}

op *empty_new(eval *ev, grid g)
{
    return op_new(ev, sizeof(op), g, empty_next);
}

typedef struct number_op {
    op o;
    double v;
    bool done;
} number_op;

static bool number_next(op *o, row *out)
{
    number_op *n = (number_op *)o;
    if (n->done || !row_alloc(o->ev, out, o->g.n))
        return false;
    n->done = true;
    out->labels = &labels_empty;
    out->drop_name = false;
    for (size_t i = 0; i < o->g.n; i++)
        out->v[i] = n->v;
    bits_fill(out->has, o->g.n);
    return true;
}

op *number_new(eval *ev, grid g, double v)
{
    number_op *n = op_new(ev, sizeof *n, g, number_next);
    n->v = v;
    return &n->o;
}

typedef struct repeat_op {
    op o;
    op *once;
    row buf;
} repeat_op;

static bool repeat_next(op *o, row *out)
{
    repeat_op *r = (repeat_op *)o;
    row in;
    if (!r->buf.v && !row_alloc(o->ev, &r->buf, o->g.n))
        return false;
    if (!op_next(r->once, &in))
        return false;
    *out = in;
    out->v = r->buf.v;
    out->has = r->buf.has;
    if (!bit_get(in.has, 0)) {
        row_clear(out, o->g.n);
        return true;
    }
    for (size_t i = 0; i < o->g.n; i++)
        out->v[i] = in.v[0];
    bits_fill(out->has, o->g.n);
    return true;
}

op *repeat_new(eval *ev, op *once, grid g)
{
    assert(once->g.n == 1);
    repeat_op *r = op_new(ev, sizeof *r, g, repeat_next);
    r->once = once;
    r->o.may_repeat = once->may_repeat;
    return &r->o;
}
