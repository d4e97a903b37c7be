/* idset.h: a set of 32-bit numbers: what one label value's postings are made of.
 *
 * A set of up to two numbers stands in the 16 bytes of the struct. A bigger one is cut by the upper 16 bits into
 * parts, each a sorted array of the lower 16 bits or, from 4096 numbers on, a bitmap of 8 KiB (the idea of Roaring
 * bitmaps, Chambi et al. 2014). So dense sets cost an eighth of a byte per series, sparse ones about two, and numbers
 * come and go in any order. Wide operations work on a flat bitmap over all slots, `idmap`, which the caller makes.
 * One thread; a zeroed idset is empty.                                                                         */
#ifndef TSDB_IDSET_H
#define TSDB_IDSET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct idset_part idset_part;
typedef struct idset {
    uint32_t n;         /* numbers in the set */
    uint32_t n_parts;   /* 0: they stand in few */
    union {
        uint32_t few[2];
        idset_part *parts;   /* ascending; room for the next power of two */
    };
} idset;

void idset_release(idset *s);
bool idset_add(idset *s, uint32_t id);       /* false: was there */
bool idset_remove(idset *s, uint32_t id);    /* false: was not there */
bool idset_has(const idset *s, uint32_t id);
/* Writes the numbers, ascending, to out (room for s->n). */
void idset_list(const idset *s, uint32_t *out);
size_t idset_mem_bytes(const idset *s);      /* heap behind the struct */

/* A flat bitmap over [0, 64 * n_words). Numbers of a set beyond it are ignored. */
typedef struct idmap {
    uint64_t *words;
    size_t n_words;
} idmap;

void idset_or_into(const idset *s, idmap m);       /* m |= s */
void idset_and_into(const idset *s, idmap m);      /* m &= s */
void idset_andnot_into(const idset *s, idmap m);   /* m &= ~s */
size_t idmap_count(idmap m);
/* Writes the numbers, ascending, to out (room for idmap_count). */
void idmap_list(idmap m, uint32_t *out);
static inline bool idmap_has(idmap m, uint32_t id)
{
    return id / 64 < m.n_words && (m.words[id / 64] >> (id % 64) & 1);
}
#endif
