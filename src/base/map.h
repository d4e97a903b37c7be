/* map.h: hash map from byte strings to one 64-bit word.
 *
 * Open addressing over XXH3 hashes. Keys are either borrowed (they must outlive the map: labels, arena text) or copied
 * into the map, chosen at map_init. The word holds a number or, by the *_ptr helpers, a pointer the map does not own.
 * Iteration order is unspecified. One thread at a time.                                                      */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "base/bytes.h"

enum map_keys { MAP_BORROWED_KEYS, MAP_OWN_KEYS };

typedef struct map_slot {
    uint64_t hash;   /* 0: free, 1: removed */
    bytes key;
    uint64_t value;
} map_slot;

typedef struct map {
    map_slot *slots;
    size_t n;          /* live entries */
    size_t n_used;     /* live and removed */
    size_t cap;        /* power of two, or 0 */
    enum map_keys keys;
} map;

void map_init(map *m, enum map_keys keys);
void map_release(map *m);
void map_clear(map *m);
/* The value's place, or NULL. Valid until the next put or remove. */
uint64_t *map_get(const map *m, bytes key);
/* The value's place, made (with value 0) where absent; *is_new (may be NULL) says which. */
uint64_t *map_put(map *m, bytes key, bool *is_new);
/* false: it was not there. */
bool map_remove(map *m, bytes key);
/* Walks: size_t i = 0; while ((s = map_next(m, &i))) ... Removing the current entry while walking is allowed. */
map_slot *map_next(const map *m, size_t *i);

static inline void *map_get_ptr(const map *m, bytes key)
{
    uint64_t *v = map_get(m, key);
    return v ? (void *)(uintptr_t)*v : NULL;
}

static inline void map_put_ptr(map *m, bytes key, void *p)
{
    *map_put(m, key, NULL) = (uint64_t)(uintptr_t)p;
}
#endif
