/* quantile.h: quantiles of values and of the buckets of classic histograms. Private to the room. */
#ifndef PROMQL_QUANTILE_H
#define PROMQL_QUANTILE_H
#include <stdbool.h>
#include <stddef.h>

/* The q-quantile of n > 0 values, interpolated between neighbours; NaN counts as the smallest. Reorders v. q < 0: -Inf,
 * q > 1: +Inf, q NaN: NaN. */
double quantile_of(double q, double *v, size_t n);

typedef struct bucket {
    double upper;    /* bound, inclusive */
    double count;    /* cumulative */
} bucket;

/* What had to be repaired so that counts do not fall. */
typedef struct bucket_repair {
    bool forced;
    double min_bound, max_bound, max_diff;
} bucket_repair;

/* The q-quantile of n > 0 buckets in any order; reorders and changes them. */
double bucket_quantile(double q, bucket *b, size_t n, bucket_repair *repair);
/* The share of observations in (lower, upper]. */
double bucket_fraction(double lower, double upper, bucket *b, size_t n);
#endif
