/* pack_impl.h: the parts of the pack codec, for pack*.c only. Layout of all of them: docs/format/pack.md. */
#ifndef TSDB_PACK_IMPL_H
#define TSDB_PACK_IMPL_H
#include "base/buf.h"
#include "tsdb/pack.h"

/* A column begins with its form: a kind and flags. */
enum column_kind {
    COLUMN_CONST,      /* one value */
    COLUMN_LINEAR,     /* first value and a constant difference */
    COLUMN_DELTA,      /* first value, differences */
    COLUMN_DELTA2,     /* first value, first difference, differences of differences */
    COLUMN_OFFSET,     /* smallest value, distances from it */
    COLUMN_XOR,        /* any doubles, each against the one before */
    COLUMN_HISTOGRAM,  /* reserved for native histograms */
    COLUMN_KIND_MASK = 7
};
enum column_flag {
    COLUMN_RICE = 0x08,       /* the integers are Rice coded in the frame's bits, not varints */
    COLUMN_OWN_TIMES = 0x10,  /* timestamps of its own */
    COLUMN_PARTIAL = 0x20,    /* samples at some of the timeline's times only */
    COLUMN_EXCEPT = 0x40,     /* a list of values that the kind cannot hold */
    COLUMN_TIMELINE = 0x80,   /* not timeline 0: its number follows */
};

/* ---- varints at full speed: the writer has made room (10 bytes each) ---- */
static inline uint8_t *put_varint(uint8_t *p, uint64_t x)
{
    while (x >= 128) {
        *p++ = (uint8_t)(x | 128);
        x >>= 7;
    }
    *p++ = (uint8_t)x;
    return p;
}
static inline uint64_t zigzag(int64_t x)
{
    return (uint64_t)x << 1 ^ (uint64_t)(x >> 63);
}
static inline int64_t unzigzag(uint64_t u)
{
    return (int64_t)(u >> 1 ^ -(u & 1));
}
static inline size_t varint_len(uint64_t x)
{
    return x < 128 ? 1 : (70 - (size_t)__builtin_clzll(x)) / 7;
}

/* ---- Rice codes: pack_rice.c ---- */
/* Best parameter for n numbers and the bits they then take; UINT64_MAX where it sees at once that `limit` is exceeded. */
unsigned rice_choose(const uint64_t *z, size_t n, uint64_t limit, uint64_t *n_bits);
/* Appends the codes, padded to a byte. */
void rice_encode(const uint64_t *z, size_t n, unsigned k, buf *out);
/* false: the bits end too early, or k is out of range. */
bool rice_decode(bytes bits, unsigned k, uint64_t *z, size_t n);

/* ---- values: pack_values.c ---- */
typedef struct values_scratch {
    int64_t x[PACK_MAX_SAMPLES];                              /* the column as integers */
    uint64_t delta[PACK_MAX_SAMPLES], delta2[PACK_MAX_SAMPLES], offset[PACK_MAX_SAMPLES];
    uint16_t except[PACK_MAX_SAMPLES];                        /* positions of exceptions */
    uint8_t text[PACK_MAX_SAMPLES * 10];                      /* varints on trial */
} values_scratch;
/* Appends n values (0 < n <= PACK_MAX_SAMPLES) to column (and bits); returns the kind and the flags RICE and EXCEPT. */
uint8_t values_encode(values_scratch *w, const double *v, size_t n, buf *column, buf *bits);
/* Reads n values of a column with that form. false: malformed. */
bool values_decode(values_scratch *w, uint8_t form, cursor *column, bytes bits, size_t n, double *out);

/* ---- timestamps: pack_times.c ---- */
/* Appends n > 0 ascending times. */
void times_encode(const int64_t *t, size_t n, buf *out);
/* Reads a column of at most PACK_MAX_SAMPLES times; they ascend. */
bool times_decode(cursor *c, int64_t *t, size_t *n);
/* Skips one. */
bool times_skip(cursor *c);
/* Which of the timeline's times has the column? As runs: absent, present, absent, ... lengths. Returns the number of
 * runs, or 0 when the column has a time that the timeline lacks. */
size_t presence_encode(const int64_t *line, size_t n_line, const int64_t *t, size_t n, buf *out);
/* Picks the present times. */
bool presence_decode(cursor *c, const int64_t *line, size_t n_line, int64_t *t, size_t *n);
#endif
