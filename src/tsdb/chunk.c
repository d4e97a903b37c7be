/* chunk.c: see chunk.h: life, growth and views of chunks, and the RAW encoding. XOR is in chunk_xor.c. */
#include "tsdb/chunk.h"
#include "tsdb/chunk_impl.h"
#include <assert.h>
#include <stdlib.h>

/* Room of a chunk in words, step by step. Odd, since malloc hands out 16k + 8 bytes and the header has 48. */
static const uint16_t room_steps[] = {
    1, 3, 5, 7, 11, 15, 23, 33, 47, 69, 101, 149, 221, 329, 489, CHUNK_MAX_WORDS | 1
};

static uint16_t next_room(uint16_t cap)
{
    size_t i = 0;
    while (room_steps[i] <= cap)
        i++;
    assert(i < sizeof room_steps / sizeof *room_steps);
    return room_steps[i];
}

static chunk *chunk_alloc(uint16_t cap_words)
{
    return xmalloc(sizeof(chunk) + cap_words * sizeof(uint64_t));
}

chunk *chunk_new(enum chunk_encoding enc, sample s)
{
    uint16_t cap = enc == CHUNK_XOR ? 1 : 7;
    chunk *c = chunk_alloc(cap);
    *c = (chunk){ .refs = 1, .encoding = (uint8_t)enc, .cap_words = cap, .min_t = s.t, .leading = XOR_NO_WINDOW };
    if (enc == CHUNK_XOR) {
        chunk_xor_first(c, s);
        return c;
    }
    c->max_t = s.t;
    c->data[0] = (uint64_t)s.t;
    c->data[1] = num_bits(s.v);
    c->n_words = 2;
    c->n = 1;
    return c;
}

chunk *chunk_ref(chunk *c)
{
    __atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
    return c;
}

void chunk_unref(chunk *c)
{
    if (c && __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(c);
}

void chunk_grow(chunk **pc)
{
    chunk *old = *pc;
    uint16_t cap = next_room(old->cap_words);
    chunk *c = chunk_alloc(cap);
    memcpy(c, old, sizeof *c + old->n_words * sizeof(uint64_t));
    c->refs = 1;
    c->cap_words = cap;
    *pc = c;
    chunk_unref(old);
}

static void raw_append(chunk **pc, sample s)
{
    if ((*pc)->n_words + 2 > (*pc)->cap_words)
        chunk_grow(pc);
    chunk *c = *pc;
    c->data[c->n_words] = (uint64_t)s.t;
    c->data[c->n_words + 1] = num_bits(s.v);
    c->n_words += 2;
    c->n++;
    c->min_t = s.t < c->min_t ? s.t : c->min_t;
    c->max_t = s.t > c->max_t ? s.t : c->max_t;
}

bool chunk_append(chunk **c, sample last, sample s)
{
    assert(!(*c)->sealed);
    if ((*c)->n >= CHUNK_MAX_SAMPLES)
        return false;
    if ((*c)->encoding == CHUNK_XOR)
        chunk_xor_append(c, last, s);
    else
        raw_append(c, s);
    return true;
}

void chunk_seal(chunk *c, int64_t last_t)
{
    assert(!c->sealed);
    c->sealed = true;
    if (c->encoding == CHUNK_XOR)
        c->max_t = last_t;
}

enum chunk_encoding chunk_encoding(const chunk *c)
{
    return (enum chunk_encoding)c->encoding;
}

bool chunk_is_sealed(const chunk *c)
{
    return c->sealed;
}

size_t chunk_len(const chunk *c)
{
    return c->n;
}

int64_t chunk_min_t(const chunk *c)
{
    return c->min_t;
}

int64_t chunk_max_t(const chunk *c)
{
    assert(c->sealed || c->encoding == CHUNK_RAW);
    return c->max_t;
}

size_t chunk_mem_bytes(const chunk *c)
{
    return sizeof *c + c->cap_words * sizeof(uint64_t) + 8; /* malloc's header */
}

chunk_view chunk_look(chunk *c, int64_t last_t)
{
    bool open_xor = c->encoding == CHUNK_XOR && !c->sealed;
    return (chunk_view){ .c = c, .n = c->n, .n_words = c->n_words, .tail = c->tail, .min_t = c->min_t,
                         .max_t = open_xor ? last_t : c->max_t };
}

void chunk_decode(const chunk_view *v, int64_t *t, double *val)
{
    if (v->c->encoding == CHUNK_XOR) {
        chunk_xor_decode(v, t, val);
        return;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        t[i] = (int64_t)v->c->data[2 * i];
        val[i] = num_from_bits(v->c->data[2 * i + 1]);
    }
}

void chunk_decode_slow(const chunk_view *v, int64_t *t, double *val)
{
    if (v->c->encoding == CHUNK_XOR)
        chunk_xor_decode_slow(v, t, val);
    else
        chunk_decode(v, t, val);
}

/* Stable, and linear where the samples came in order: out-of-order ones mostly do, among themselves. */
static void sort_by_time(int64_t *t, double *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int64_t ti = t[i];
        double vi = v[i];
        size_t k = i;
        for (; k > 0 && t[k - 1] > ti; k--) {
            t[k] = t[k - 1];
            v[k] = v[k - 1];
        }
        t[k] = ti;
        v[k] = vi;
    }
}

size_t chunk_decode_sorted(const chunk_view *v, int64_t *t, double *val)
{
    chunk_decode(v, t, val);
    if (v->c->encoding == CHUNK_XOR)
        return v->n;
    sort_by_time(t, val, v->n);
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (n && t[n - 1] == t[i]) {
            val[n - 1] = val[i];
            continue;
        }
        t[n] = t[i];
        val[n++] = val[i];
    }
    return n;
}

chunk *chunk_next(const chunk *c)
{
    return c->next;
}

void chunk_set_next(chunk *c, chunk *next)
{
    c->next = next;
}
