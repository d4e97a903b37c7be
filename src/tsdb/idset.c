/* idset.c: see idset.h.
 *
 * Invariants: (1) parts ascend by key, none is empty; (2) an array part ascends, n <= cap; (3) a bitmap part (cap 0)
 * has more than PART_ARRAY_MIN numbers: it falls back to an array only well below the size at which it was made, so
 * that a set that hovers around the limit does not flap; (4) n_parts == 0 exactly when n <= 2.                    */
#include "tsdb/idset.h"
#include "base/arena.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PART_ARRAY_MAX = 4096, PART_ARRAY_MIN = 3072, PART_WORDS = 1024 };

struct idset_part {
    uint16_t key;    /* upper half of its numbers */
    uint16_t cap;    /* room of ids; 0: a bitmap */
    uint32_t n;
    union {
        uint16_t *ids;
        uint64_t *bits;
    };
};

/* ---- one part ---- */

/* First position whose id is >= low. */
static uint32_t part_lower_bound(const idset_part *p, uint16_t low)
{
    uint32_t at = 0, n = p->n;
    /* most numbers arrive in ascending order */
    if (n && p->ids[n - 1] < low)
        return n;
    while (n > 0) {
        uint32_t half = n / 2;
        if (p->ids[at + half] < low) {
            at += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return at;
}

static bool part_has(const idset_part *p, uint16_t low)
{
    if (!p->cap)
        return p->bits[low / 64] >> (low % 64) & 1;
    uint32_t at = part_lower_bound(p, low);
    return at < p->n && p->ids[at] == low;
}

static void part_to_bitmap(idset_part *p)
{
    uint64_t *bits = xcalloc(PART_WORDS, sizeof *bits);
    for (uint32_t i = 0; i < p->n; i++)
        bits[p->ids[i] / 64] |= UINT64_C(1) << (p->ids[i] % 64);
    free(p->ids);
    p->bits = bits;
    p->cap = 0;
}

static void part_to_array(idset_part *p)
{
    uint16_t *ids = xmalloc(p->n * sizeof *ids);
    uint32_t n = 0;
    for (uint32_t w = 0; w < PART_WORDS; w++)
        for (uint64_t bits = p->bits[w]; bits; bits &= bits - 1)
            ids[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(bits));
    assert(n == p->n);
    free(p->bits);
    p->ids = ids;
    p->cap = (uint16_t)n;
}

static bool part_add(idset_part *p, uint16_t low)
{
    if (!p->cap) {
        uint64_t bit = UINT64_C(1) << (low % 64);
        if (p->bits[low / 64] & bit)
            return false;
        p->bits[low / 64] |= bit;
        p->n++;
        return true;
    }
    uint32_t at = part_lower_bound(p, low);
    if (at < p->n && p->ids[at] == low)
        return false;
    if (p->n == PART_ARRAY_MAX) {
        part_to_bitmap(p);
        return part_add(p, low);
    }
    if (p->n == p->cap) {
        uint32_t cap = (p->cap + p->cap / 4 + 4) & ~3u;
        p->cap = (uint16_t)(cap > PART_ARRAY_MAX ? PART_ARRAY_MAX : cap);
        p->ids = xreallocarray(p->ids, p->cap, sizeof *p->ids);
    }
    memmove(p->ids + at + 1, p->ids + at, (p->n - at) * sizeof *p->ids);
    p->ids[at] = low;
    p->n++;
    return true;
}

static bool part_remove(idset_part *p, uint16_t low)
{
    if (!part_has(p, low))
        return false;
    if (p->cap) {
        uint32_t at = part_lower_bound(p, low);
        memmove(p->ids + at, p->ids + at + 1, (p->n - at - 1) * sizeof *p->ids);
        p->n--;
        return true;
    }
    p->bits[low / 64] &= ~(UINT64_C(1) << (low % 64));
    if (--p->n <= PART_ARRAY_MIN)
        part_to_array(p); /* (3) */
    return true;
}

/* ---- the list of parts ---- */

static uint32_t parts_lower_bound(const idset *s, uint16_t key)
{
    uint32_t at = 0, n = s->n_parts;
    if (n && s->parts[n - 1].key < key)
        return n;
    while (n > 0) {
        uint32_t half = n / 2;
        if (s->parts[at + half].key < key) {
            at += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return at;
}

static idset_part *part_find(const idset *s, uint16_t key)
{
    uint32_t at = parts_lower_bound(s, key);
    return at < s->n_parts && s->parts[at].key == key ? &s->parts[at] : NULL;
}

static idset_part *part_make(idset *s, uint16_t key)
{
    uint32_t at = parts_lower_bound(s, key);
    if (at < s->n_parts && s->parts[at].key == key)
        return &s->parts[at];
    if ((s->n_parts & (s->n_parts - 1)) == 0) /* a power of two, or none: full */
        s->parts = xreallocarray(s->parts, s->n_parts ? s->n_parts * (size_t)2 : 1, sizeof *s->parts);
    memmove(s->parts + at + 1, s->parts + at, (s->n_parts - at) * sizeof *s->parts);
    s->n_parts++;
    s->parts[at] = (idset_part){ .key = key, .cap = 4, .ids = xmalloc(4 * sizeof(uint16_t)) };
    return &s->parts[at];
}

static void part_drop(idset *s, idset_part *p)
{
    uint32_t at = (uint32_t)(p - s->parts);
    free(p->ids);
    memmove(s->parts + at, s->parts + at + 1, (s->n_parts - at - 1) * sizeof *s->parts);
    s->n_parts--;
    if (s->n_parts && (s->n_parts & (s->n_parts - 1)) == 0) /* keeps part_make's rule of capacity */
        s->parts = xreallocarray(s->parts, s->n_parts, sizeof *s->parts);
}

static void parts_add(idset *s, uint32_t id)
{
    part_add(part_make(s, (uint16_t)(id >> 16)), (uint16_t)id);
}

/* From two numbers in the struct to parts, and back when only two are left: (4). */
static void grow_out_of_few(idset *s)
{
    uint32_t few[2] = { s->few[0], s->few[1] };
    s->parts = NULL;
    parts_add(s, few[0]);
    parts_add(s, few[1]);
}

static void shrink_into_few(idset *s)
{
    uint32_t few[2];
    idset_list(s, few);
    for (uint32_t i = 0; i < s->n_parts; i++)
        free(s->parts[i].ids);
    free(s->parts);
    s->n_parts = 0;
    s->few[0] = few[0];
    s->few[1] = few[1];
}

void idset_release(idset *s)
{
    for (uint32_t i = 0; i < s->n_parts; i++)
        free(s->parts[i].ids);
    if (s->n_parts)
        free(s->parts);
    *s = (idset){ 0 };
}

bool idset_has(const idset *s, uint32_t id)
{
    if (!s->n_parts) {
        return (s->n > 0 && s->few[0] == id) || (s->n > 1 && s->few[1] == id);
    }
    const idset_part *p = part_find(s, (uint16_t)(id >> 16));
    return p && part_has(p, (uint16_t)id);
}

static bool few_add(idset *s, uint32_t id)
{
    if (idset_has(s, id))
        return false;
    if (s->n == 2) {
        grow_out_of_few(s);
        parts_add(s, id);
    } else if (s->n == 1 && id < s->few[0]) {
        s->few[1] = s->few[0];
        s->few[0] = id;
    } else {
        s->few[s->n] = id;
    }
    s->n++;
    return true;
}

bool idset_add(idset *s, uint32_t id)
{
    if (!s->n_parts)
        return few_add(s, id);
    if (!part_add(part_make(s, (uint16_t)(id >> 16)), (uint16_t)id))
        return false;
    s->n++;
    return true;
}

bool idset_remove(idset *s, uint32_t id)
{
    if (!s->n_parts) {
        if (!idset_has(s, id))
            return false;
        if (s->few[0] == id)
            s->few[0] = s->few[1];
        s->n--;
        return true;
    }
    idset_part *p = part_find(s, (uint16_t)(id >> 16));
    if (!p || !part_remove(p, (uint16_t)id))
        return false;
    if (p->n == 0)
        part_drop(s, p);
    if (--s->n == 2)
        shrink_into_few(s);
    return true;
}

void idset_list(const idset *s, uint32_t *out)
{
    if (!s->n_parts) {
        memcpy(out, s->few, s->n * sizeof *out);
        return;
    }
    for (uint32_t i = 0; i < s->n_parts; i++) {
        const idset_part *p = &s->parts[i];
        uint32_t high = (uint32_t)p->key << 16;
        if (p->cap) {
            for (uint32_t j = 0; j < p->n; j++)
                *out++ = high | p->ids[j];
            continue;
        }
        for (uint32_t w = 0; w < PART_WORDS; w++)
            for (uint64_t bits = p->bits[w]; bits; bits &= bits - 1)
                *out++ = high | (w * 64 + (uint32_t)__builtin_ctzll(bits));
    }
}

size_t idset_mem_bytes(const idset *s)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < s->n_parts; i++)
        sum +=
            sizeof *s->parts + (s->parts[i].cap ? s->parts[i].cap * sizeof(uint16_t) : PART_WORDS * sizeof(uint64_t));
    return sum;
}

/* ---- flat bitmaps ---- */

static void map_set(idmap m, uint32_t id)
{
    if (id / 64 < m.n_words)
        m.words[id / 64] |= UINT64_C(1) << (id % 64);
}

/* The words of m that a part covers. */
static size_t part_window(const idset_part *p, idmap m, uint64_t **at)
{
    size_t from = (size_t)p->key * PART_WORDS;
    if (from >= m.n_words)
        return 0;
    *at = m.words + from;
    return m.n_words - from < PART_WORDS ? m.n_words - from : PART_WORDS;
}

void idset_or_into(const idset *s, idmap m)
{
    for (uint32_t i = 0; !s->n_parts && i < s->n; i++)
        map_set(m, s->few[i]);
    for (uint32_t i = 0; i < s->n_parts; i++) {
        const idset_part *p = &s->parts[i];
        uint64_t *w = NULL;
        size_t n = part_window(p, m, &w);
        for (size_t k = 0; !p->cap && k < n; k++)
            w[k] |= p->bits[k];
        for (uint32_t j = 0; p->cap && j < p->n; j++)
            map_set(m, (uint32_t)p->key << 16 | p->ids[j]);
    }
}

/* Keeps of n words at w what stands in the sorted ids. */
static void and_array(const idset_part *p, uint64_t *w, size_t n)
{
    uint32_t j = 0;
    for (size_t k = 0; k < n; k++) {
        uint64_t keep = 0;
        for (; j < p->n && p->ids[j] / 64 == k; j++)
            keep |= UINT64_C(1) << (p->ids[j] % 64);
        w[k] &= keep;
    }
}

void idset_and_into(const idset *s, idmap m)
{
    if (!s->n_parts) {
        bool has[2] = { s->n > 0 && idmap_has(m, s->few[0]), s->n > 1 && idmap_has(m, s->few[1]) };
        memset(m.words, 0, m.n_words * sizeof *m.words);
        for (int i = 0; i < 2; i++)
            if (has[i])
                map_set(m, s->few[i]);
        return;
    }
    size_t done = 0; /* words before it are settled */
    for (uint32_t i = 0; i < s->n_parts; i++) {
        const idset_part *p = &s->parts[i];
        uint64_t *w = NULL;
        size_t n = part_window(p, m, &w);
        if (!n)
            break;
        memset(m.words + done, 0, (size_t)(w - (m.words + done)) * sizeof *w);
        if (p->cap)
            and_array(p, w, n);
        for (size_t k = 0; !p->cap && k < n; k++)
            w[k] &= p->bits[k];
        done = (size_t)(w - m.words) + n;
    }
    memset(m.words + done, 0, (m.n_words - done) * sizeof *m.words);
}

static void map_clear(idmap m, uint32_t id)
{
    if (id / 64 < m.n_words)
        m.words[id / 64] &= ~(UINT64_C(1) << (id % 64));
}

void idset_andnot_into(const idset *s, idmap m)
{
    for (uint32_t i = 0; !s->n_parts && i < s->n; i++)
        map_clear(m, s->few[i]);
    for (uint32_t i = 0; i < s->n_parts; i++) {
        const idset_part *p = &s->parts[i];
        uint64_t *w = NULL;
        size_t n = part_window(p, m, &w);
        for (size_t k = 0; !p->cap && k < n; k++)
            w[k] &= ~p->bits[k];
        for (uint32_t j = 0; p->cap && j < p->n; j++)
            map_clear(m, (uint32_t)p->key << 16 | p->ids[j]);
    }
}

size_t idmap_count(idmap m)
{
    size_t n = 0;
    for (size_t k = 0; k < m.n_words; k++)
        n += (size_t)__builtin_popcountll(m.words[k]);
    return n;
}

void idmap_list(idmap m, uint32_t *out)
{
    for (size_t k = 0; k < m.n_words; k++)
        for (uint64_t bits = m.words[k]; bits; bits &= bits - 1)
            *out++ = (uint32_t)(k * 64) + (uint32_t)__builtin_ctzll(bits);
}
