/* key_index.c: see key_index.h. Linear probing. */
#include "format/key_index.h"
#include "base/arena.h"
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

hash_key hash_key_of(bytes b, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(b.p, b.len, seed);
    return (hash_key){ h.low64, h.high64 };
}

void key_index_init(key_index *ix, size_t stride)
{
    *ix = (key_index){ .stride = stride };
}

void key_index_release(key_index *ix)
{
    free(ix->slots);
    *ix = (key_index){ .stride = ix->stride };
}

static hash_key key_at(const key_index *ix, size_t i)
{
    return *(const hash_key *)((const char *)ix->entries + i * ix->stride);
}

ptrdiff_t key_index_find(const key_index *ix, hash_key key)
{
    if (ix->n == 0)
        return -1;
    for (size_t at = key.lo & (ix->cap - 1);; at = (at + 1) & (ix->cap - 1)) {
        uint32_t slot = ix->slots[at];
        if (slot == 0)
            return -1;
        if (hash_key_eq(key_at(ix, slot - 1), key))
            return (ptrdiff_t)slot - 1;
    }
}

static void insert(key_index *ix, size_t i)
{
    size_t at = key_at(ix, i).lo & (ix->cap - 1);
    while (ix->slots[at] != 0)
        at = (at + 1) & (ix->cap - 1);
    ix->slots[at] = (uint32_t)i + 1;
}

void key_index_extend(key_index *ix, const void *entries, size_t n)
{
    ix->entries = entries;
    if (n * 4 > ix->cap * 3) {
        key_index_rebuild(ix, entries, n);
        return;
    }
    for (; ix->n < n; ix->n++)
        insert(ix, ix->n);
}

void key_index_rebuild(key_index *ix, const void *entries, size_t n)
{
    size_t cap = 16;
    while (cap * 3 < n * 4)
        cap *= 2;
    if (cap != ix->cap) {
        free(ix->slots);
        ix->slots = xmalloc(cap * sizeof *ix->slots);
    }
    memset(ix->slots, 0, cap * sizeof *ix->slots);
    ix->cap = cap;
    ix->entries = entries;
    for (ix->n = 0; ix->n < n; ix->n++)
        insert(ix, ix->n);
}
