/* chunk.h: one run of samples of one series in memory.
 *
 * A chunk grows at its end until it is sealed; what it has once published never changes. So the head, a running flush
 * and running queries share it by reference, each seeing the samples there were when it took its view.
 * A chunk knows no labels, no clock and no file: whoever holds it knows whose samples these are. Chunks never reach the
 * disk as they are (packs are made from decoded samples, docs/format/pack.md), so their layout is free to change.
 *
 * Invariants:
 *  (1) an open chunk has one writer, the loop thread; a sealed one has none;
 *  (2) words of `data` below the ones a view covers are never written again: the unfinished last word lives in the
 *      header (`tail`) and is copied into each view, so that readers on workers share no byte with the writer;
 *  (3) data does not move: a full chunk is copied into a bigger one, the old one lives as long as its views;
 *  (4) CHUNK_XOR holds ascending, distinct times. CHUNK_RAW holds any times in the order of arrival (out-of-order
 *      samples): whoever decodes it sorts.                                                                      */
#ifndef TSDB_CHUNK_H
#define TSDB_CHUNK_H
#include "model/sample.h"

enum chunk_encoding {
    CHUNK_XOR,   /* delta of delta times, XORed values (Gorilla): chunk_xor.c */
    CHUNK_RAW,   /* (t, v) pairs */
};

typedef struct chunk chunk;

enum { CHUNK_MAX_SAMPLES = 240 };   /* the next sample opens another chunk; a pack holds as many per series */

/* The samples a chunk had when the view was taken. A value: copy it freely, but each copy that outlives the owner's
 * reference needs chunk_ref(). Any thread may read through it. */
typedef struct chunk_view {
    chunk *c;
    uint32_t n;          /* samples, > 0 */
    uint32_t n_words;    /* finished words of data */
    uint64_t tail;       /* the bits behind them */
    int64_t min_t, max_t;
} chunk_view;

/* A chunk with one reference, holding s. Loop thread. */
chunk *chunk_new(enum chunk_encoding enc, sample s);
/* Any thread; chunk_unref(NULL) is fine. */
chunk *chunk_ref(chunk *c);
void chunk_unref(chunk *c);

/* Appends s to the open chunk *c, whose newest sample is `last` (XOR: s.t > last.t, checked by the caller). Where the
 * memory is full, *c is replaced by a bigger copy and the old one loses a reference. false: CHUNK_MAX_SAMPLES are
 * there, nothing happened: seal it and start the next. Loop thread. */
bool chunk_append(chunk **c, sample last, sample s);
/* Ends the chunk: its times are final. Loop thread. */
void chunk_seal(chunk *c, int64_t last_t);

enum chunk_encoding chunk_encoding(const chunk *c);
bool chunk_is_sealed(const chunk *c);
size_t chunk_len(const chunk *c);           /* samples; loop thread while open */
int64_t chunk_min_t(const chunk *c);
int64_t chunk_max_t(const chunk *c);        /* RAW, and XOR once sealed */
size_t chunk_mem_bytes(const chunk *c);     /* what it takes of the heap */

/* A view without a reference of its own. last_t: the newest time (used while a XOR chunk is open). Loop thread. */
chunk_view chunk_look(chunk *c, int64_t last_t);
/* Writes v->n samples to t and v (room for them is the caller's), in the chunk's own order. Any thread. */
void chunk_decode(const chunk_view *v, int64_t *t, double *val);
/* As chunk_decode, but RAW samples come sorted by t, one per t (the last that arrived): returns how many. Any
 * thread. */
size_t chunk_decode_sorted(const chunk_view *v, int64_t *t, double *val);
/* The same samples by another decoder, slow and obvious: for tests. */
void chunk_decode_slow(const chunk_view *v, int64_t *t, double *val);

/* Links of the head's list of chunks of a series, newest first; the list owns one reference each. Loop thread. */
chunk *chunk_next(const chunk *c);
void chunk_set_next(chunk *c, chunk *next);
#endif
