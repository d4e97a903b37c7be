/* key_index.h: byte strings known by a 128-bit hash, and where in an array each one stands.
 *
 * For caches of very many strings (lines of a page, labels of a remote-write sender) that shall not keep the bytes:
 * an entry is found by its key alone. With a seed from os.random equal keys mean equal bytes for all purposes: among
 * 10^6 strings two collide with probability 10^-27, and nobody who does not know the seed can make them. The entries
 * are the caller's array; each begins with its hash_key. The index holds 32-bit positions, at most three quarters
 * full. Nothing is removed singly: a cache that forgets compacts its array and builds the index anew. */
#ifndef FORMAT_KEY_INDEX_H
#define FORMAT_KEY_INDEX_H
#include "base/bytes.h"

typedef struct hash_key {
    uint64_t lo, hi;
} hash_key;
hash_key hash_key_of(bytes b, uint64_t seed);

static inline bool hash_key_eq(hash_key a, hash_key b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

typedef struct key_index {
    uint32_t *slots;     /* position + 1, 0: free */
    size_t cap, n;       /* cap: power of two or 0 */
    const void *entries; /* moves when the caller's array does */
    size_t stride;
} key_index;

void key_index_init(key_index *ix, size_t stride);
void key_index_release(key_index *ix);
/* The position of the entry with this key, or -1. */
ptrdiff_t key_index_find(const key_index *ix, hash_key key);
/* Entries are at `entries` from now on, and [0, n) of them are indexed. Fast where only the last few are new. */
void key_index_extend(key_index *ix, const void *entries, size_t n);
/* The array was compacted: indexes [0, n) anew. */
void key_index_rebuild(key_index *ix, const void *entries, size_t n);
#endif
