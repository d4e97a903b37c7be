/* sample.h: one value at one time, and the staleness marker. */
#ifndef MODEL_SAMPLE_H
#define MODEL_SAMPLE_H
#include "base/num.h"

typedef struct sample {
    int64_t t;   /* ms since the epoch, UTC */
    double v;
} sample;

/* The one NaN that says "this series has ended here"; compare bits, never ==. (Prometheus model/value/value.go) */
#define SAMPLE_STALE_BITS UINT64_C(0x7ff0000000000002)
/* The ordinary NaN that Go's math.NaN() / parsing gives: what a parser stores for "NaN". */
#define SAMPLE_NAN_BITS UINT64_C(0x7ff8000000000001)

static inline bool sample_is_stale(double v) { return num_bits(v) == SAMPLE_STALE_BITS; }
static inline double sample_stale(void) { return num_from_bits(SAMPLE_STALE_BITS); }
static inline double sample_nan(void) { return num_from_bits(SAMPLE_NAN_BITS); }
#endif
