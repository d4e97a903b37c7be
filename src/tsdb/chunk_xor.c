/* chunk_xor.c: the XOR encoding: Gorilla (Pelkonen et al., VLDB 2015) with buckets for ms times.
 *
 * Bits from the top of 64-bit words. The first time is in the header, the first value is data[0]. Then per sample:
 *   time, d = delta of deltas (the first delta counts from 0):
 *       0                  d == 0
 *       10   8 bits        d in (-2^7, 2^7],   stored d + 2^7 - 1
 *       110  14 bits       d in (-2^13, 2^13]
 *       1110 20 bits       d in (-2^19, 2^19]
 *       1111 64 bits       any d
 *   value, x = XOR with the value before:
 *       0                  x == 0
 *       10   w bits        x without the zeros outside the last window
 *       11   5, 6, w bits  leading zeros (at most 31), w - 1, and x in that new window
 * A window that is much too wide for x is not used again: the 13 bits for a new one pay off over the next values.
 * Arithmetic wraps, so any two times work.                                                                     */
#include "tsdb/chunk_impl.h"
#include <assert.h>

enum { WINDOW_WASTE = 13 };

/* ---- writing ---- */

/* Appends the low n (1..64) bits of v; the rest of v is zero. */
static inline void put_bits(chunk **pc, uint64_t v, unsigned n)
{
    chunk *c = *pc;
    unsigned room = 64u - c->tail_bits;
    if (n < room) {
        c->tail |= v << (room - n);
        c->tail_bits = (uint8_t)(c->tail_bits + n);
        return;
    }
    if (c->n_words == c->cap_words) {
        chunk_grow(pc);
        c = *pc;
    }
    unsigned rest = n - room;
    c->data[c->n_words++] = c->tail | v >> rest;
    c->tail = rest ? v << (64 - rest) : 0;
    c->tail_bits = (uint8_t)rest;
}

void chunk_xor_first(chunk *c, sample s)
{
    c->data[0] = num_bits(s.v);
    c->n_words = 1;
    c->n = 1;
}

static const struct { unsigned bits, mark, n_mark; } time_buckets[] = { { 8, 2, 2 }, { 14, 6, 3 }, { 20, 14, 4 } };

static inline void put_time(chunk **c, int64_t dod)
{
    if (dod == 0) {
        put_bits(c, 0, 1);
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        unsigned bits = time_buckets[i].bits;
        uint64_t u = (uint64_t)dod + (UINT64_C(1) << (bits - 1)) - 1;
        if (u >> bits == 0) {
            put_bits(c, (uint64_t)time_buckets[i].mark << bits | u, bits + time_buckets[i].n_mark);
            return;
        }
    }
    put_bits(c, 15, 4);
    put_bits(c, (uint64_t)dod, 64);
}

static inline void put_value(chunk **pc, uint64_t x)
{
    chunk *c = *pc;
    if (x == 0) {
        put_bits(pc, 0, 1);
        return;
    }
    unsigned lead = (unsigned)__builtin_clzll(x), trail = (unsigned)__builtin_ctzll(x);
    lead = lead > 31 ? 31 : lead;
    unsigned sig = 64 - lead - trail;
    if (c->leading != XOR_NO_WINDOW && lead >= c->leading && trail >= 64u - c->leading - c->sig
        && c->sig < sig + WINDOW_WASTE) {
        unsigned width = c->sig;
        x >>= 64u - c->leading - width;
        if (width <= 62) {
            put_bits(pc, UINT64_C(2) << width | x, width + 2);
        } else {
            put_bits(pc, 2, 2);
            put_bits(pc, x, width);
        }
        return;
    }
    c->leading = (uint8_t)lead;
    c->sig = (uint8_t)sig;
    put_bits(pc, UINT64_C(3) << 11 | (uint64_t)lead << 6 | (sig - 1), 13);
    put_bits(pc, x >> trail, sig);
}

void chunk_xor_append(chunk **pc, sample last, sample s)
{
    assert(s.t > last.t); /* (4) */
    int64_t delta = (int64_t)((uint64_t)s.t - (uint64_t)last.t);
    int64_t dod = (int64_t)((uint64_t)delta - (uint64_t)(*pc)->delta);
    (*pc)->delta = delta;
    put_time(pc, dod);
    put_value(pc, num_bits(s.v) ^ num_bits(last.v));
    (*pc)->n++;
}

/* ---- reading ---- */

/* 64 bits from bit `at` on; one word past them is readable. */
static inline uint64_t peek(const uint64_t *w, size_t at)
{
    size_t i = at >> 6, s = at & 63;
    return w[i] << s | w[i + 1] >> 1 >> (63 - s);
}

/* The delta of deltas behind a 1; *at moves past it. Out of line: with regular scrapes it hardly ever runs. */
static int64_t read_dod(const uint64_t *w, size_t *at)
{
    uint64_t x = peek(w, *at);
    /* length of the mark: 2, 3, 4, or 5 for 1111 */
    unsigned ones = (unsigned)__builtin_clzll(~x | UINT64_C(1) << 59) + 1;
    if (ones >= 5) {
        int64_t d = (int64_t)peek(w, *at + 4);
        *at += 68;
        return d;
    }
    unsigned bits = time_buckets[ones - 2].bits;
    uint64_t u = x << ones >> (64 - bits);
    *at += ones + bits;
    return (int64_t)(u - (UINT64_C(1) << (bits - 1)) + 1);
}

void chunk_xor_decode(const chunk_view *v, int64_t *t, double *val)
{
    uint64_t w[CHUNK_MAX_WORDS];
    memcpy(w, v->c->data, v->n_words * sizeof *w);
    w[v->n_words] = v->tail;
    w[v->n_words + 1] = 0;
    w[v->n_words + 2] = 0;
    uint64_t time = (uint64_t)v->min_t, delta = 0, bits = w[0];
    unsigned sig = 0, shift = 0;
    size_t at = 64;
    t[0] = v->min_t;
    memcpy(&val[0], &bits, 8);
    for (uint32_t i = 1; i < v->n; i++) {
        uint64_t x = peek(w, at);
        if (x >> 63) {
            delta += (uint64_t)read_dod(w, &at);
            x = peek(w, at);
        } else {
            at++;
            x <<= 1;
        }
        time += delta;
        if (x >> 63) {
            if (x >> 62 & 1) {
                unsigned lead = x >> 57 & 31;
                sig = (x >> 51 & 63) + 1;
                shift = 64 - lead - sig;
                at += 13;
            } else {
                at += 2;
            }
            bits ^= peek(w, at) >> (64 - sig) << shift;
            at += sig;
        } else {
            at++;
        }
        t[i] = (int64_t)time;
        memcpy(&val[i], &bits, 8);
    }
}

/* ---- the same, slow and obvious ---- */

typedef struct bit_reader {
    const chunk_view *v;
    size_t at;
} bit_reader;

static uint64_t take_bits(bit_reader *r, unsigned n)
{
    uint64_t out = 0;
    while (n--) {
        size_t i = r->at / 64;
        uint64_t word = i < r->v->n_words ? r->v->c->data[i] : r->v->tail;
        out = out << 1 | (word >> (63 - r->at % 64) & 1);
        r->at++;
    }
    return out;
}

static int64_t take_dod(bit_reader *r)
{
    unsigned ones = 0;
    while (ones < 4 && take_bits(r, 1))
        ones++;
    switch (ones) {
    case 0: return 0;
    case 1: return (int64_t)take_bits(r, 8) - 127;
    case 2: return (int64_t)take_bits(r, 14) - 8191;
    case 3: return (int64_t)take_bits(r, 20) - 524287;
    default: return (int64_t)take_bits(r, 64);
    }
}

void chunk_xor_decode_slow(const chunk_view *v, int64_t *t, double *val)
{
    bit_reader r = { v, 0 };
    uint64_t bits = take_bits(&r, 64), delta = 0, time = (uint64_t)v->min_t;
    unsigned lead = 0, sig = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        if (i > 0) {
            delta += (uint64_t)take_dod(&r);
            time += delta;
            if (take_bits(&r, 1)) {
                if (take_bits(&r, 1)) {
                    lead = (unsigned)take_bits(&r, 5);
                    sig = (unsigned)take_bits(&r, 6) + 1;
                }
                bits ^= take_bits(&r, sig) << (64 - lead - sig);
            }
        }
        t[i] = (int64_t)time;
        val[i] = num_from_bits(bits);
    }
}
