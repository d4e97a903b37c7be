/* map.c: open addressing with linear probing.
 *
 * Invariants: (1) cap is 0 or a power of two and at least one slot is free (hash 0), so every probe ends; (2) n_used =
 * live + removed slots and stays at or below 3/4 of cap after a put; (3) a removed slot (hash 1) keeps no key.
 * A removed slot whose follower is free becomes free itself: no probe needs to pass it. So maps whose entries come and
 * go one at a time hardly collect any.                                                                        */
#include "base/map.h"
#include "base/arena.h"
#include <assert.h>
#include <stdlib.h>

enum { SLOT_FREE = 0, SLOT_REMOVED = 1, SLOT_FIRST_HASH = 2, MAP_MIN_CAP = 16 };

static uint64_t key_hash(bytes key)
{
    uint64_t h = bytes_hash(key);
    return h < SLOT_FIRST_HASH ? h + SLOT_FIRST_HASH : h;
}

void map_init(map *m, enum map_keys keys)
{
    *m = (map){ .keys = keys };
}

static void free_keys(map *m)
{
    if (m->keys != MAP_OWN_KEYS)
        return;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].hash >= SLOT_FIRST_HASH)
            free((void *)(uintptr_t)m->slots[i].key.p);
}

void map_release(map *m)
{
    free_keys(m);
    free(m->slots);
    map_init(m, m->keys);
}

void map_clear(map *m)
{
    free_keys(m);
    if (m->cap)
        memset(m->slots, 0, m->cap * sizeof *m->slots);
    m->n = m->n_used = 0;
}

/* The key's slot, or NULL. *free_at (may be NULL): where the key would go. cap > 0. */
static map_slot *find(const map *m, bytes key, uint64_t hash, map_slot **free_at)
{
    size_t mask = m->cap - 1;
    map_slot *removed = NULL;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        map_slot *s = &m->slots[i];
        if (s->hash == hash && bytes_eq(s->key, key))
            return s;
        if (s->hash == SLOT_REMOVED && !removed)
            removed = s;
        if (s->hash == SLOT_FREE) {
            if (free_at)
                *free_at = removed ? removed : s;
            return NULL;
        }
    }
}

uint64_t *map_get(const map *m, bytes key)
{
    if (m->n == 0)
        return NULL;
    map_slot *s = find(m, key, key_hash(key), NULL);
    return s ? &s->value : NULL;
}

/* Rehashes into a table that is at most half full with one more entry; drops the removed slots. */
static void grow(map *m)
{
    size_t cap = MAP_MIN_CAP;
    while (cap < (m->n + 1) * 2)
        cap *= 2;
    map_slot *old = m->slots;
    size_t old_cap = m->cap;
    m->slots = xcalloc(cap, sizeof *m->slots);
    m->cap = cap;
    m->n_used = m->n;
    for (size_t k = 0; k < old_cap; k++) {
        if (old[k].hash < SLOT_FIRST_HASH)
            continue;
        size_t i = old[k].hash & (cap - 1);
        while (m->slots[i].hash != SLOT_FREE)
            i = (i + 1) & (cap - 1);
        m->slots[i] = old[k];
    }
    free(old);
}

static bytes own_key(const map *m, bytes key)
{
    if (m->keys != MAP_OWN_KEYS)
        return key;
    if (key.len == 0)
        return (bytes){ 0 };
    char *p = xmalloc(key.len);
    memcpy(p, key.p, key.len);
    return (bytes){ p, key.len };
}

uint64_t *map_put(map *m, bytes key, bool *is_new)
{
    uint64_t hash = key_hash(key);
    map_slot *at = NULL;
    map_slot *s = m->cap ? find(m, key, hash, &at) : NULL;
    if (is_new)
        *is_new = s == NULL;
    if (s)
        return &s->value;
    if (m->cap == 0 || (at->hash == SLOT_FREE && (m->n_used + 1) * 4 > m->cap * 3)) {
        grow(m);
        find(m, key, hash, &at);
    }
    m->n_used += at->hash == SLOT_FREE;
    m->n++;
    *at = (map_slot){ .hash = hash, .key = own_key(m, key) };
    assert(m->n_used * 4 <= m->cap * 3); /* (2) */
    return &at->value;
}

bool map_remove(map *m, bytes key)
{
    map_slot *s = m->n ? find(m, key, key_hash(key), NULL) : NULL;
    if (!s)
        return false;
    if (m->keys == MAP_OWN_KEYS)
        free((void *)(uintptr_t)s->key.p);
    bool follower_is_free = m->slots[((size_t)(s - m->slots) + 1) & (m->cap - 1)].hash == SLOT_FREE;
    *s = (map_slot){ .hash = follower_is_free ? SLOT_FREE : SLOT_REMOVED };
    m->n--;
    m->n_used -= follower_is_free;
    return true;
}

map_slot *map_next(const map *m, size_t *i)
{
    while (*i < m->cap) {
        map_slot *s = &m->slots[(*i)++];
        if (s->hash >= SLOT_FIRST_HASH)
            return s;
    }
    return NULL;
}
