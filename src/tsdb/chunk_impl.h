/* chunk_impl.h: the inside of a chunk, for chunk.c and chunk_xor.c only. */
#ifndef TSDB_CHUNK_IMPL_H
#define TSDB_CHUNK_IMPL_H
#include "base/arena.h"
#include "tsdb/chunk.h"

struct chunk {
    uint32_t refs;        /* atomic */
    uint16_t n;           /* samples */
    uint8_t encoding;
    bool sealed;
    uint16_t cap_words, n_words;
    uint8_t tail_bits;    /* used bits of tail, from the top; 0..63 */
    uint8_t leading;      /* XOR: window of the last value that opened one; XOR_NO_WINDOW: none yet */
    uint8_t sig;          /* its width */
    uint64_t tail;
    int64_t min_t;
    union {
        int64_t delta;    /* open XOR: newest time minus the one before */
        int64_t max_t;    /* sealed XOR, and RAW */
    };
    struct chunk *next;
    uint64_t data[];
};

enum {
    XOR_NO_WINDOW = 0xff,
    /* 240 samples of at most 68 bits of time and 77 of value, the first value, and what a reader may look ahead */
    CHUNK_MAX_WORDS = CHUNK_MAX_SAMPLES * (68 + 77) / 64 + 4,
};

/* Replaces *c by a copy with more room. */
void chunk_grow(chunk **c);

void chunk_xor_first(chunk *c, sample s);
void chunk_xor_append(chunk **c, sample last, sample s);
void chunk_xor_decode(const chunk_view *v, int64_t *t, double *val);
void chunk_xor_decode_slow(const chunk_view *v, int64_t *t, double *val);
#endif
