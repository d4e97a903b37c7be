/* quantile.c: see quantile.h. Follows promql/quantile.go of Prometheus 3.14 (quantile, BucketQuantile,
 * BucketFraction). */
#include "promql/quantile.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

/* NaN first. */
static bool is_less(double a, double b)
{
    return isnan(a) ? !isnan(b) : a < b;
}

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Puts the k-th smallest at v[k], nothing smaller behind it and nothing larger before it (Hoare's selection). */
static void select_kth(double *v, size_t n, size_t k)
{
    size_t lo = 0, hi = n - 1;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;   /* median of three as pivot */
        if (is_less(v[mid], v[lo]))
            swap(&v[mid], &v[lo]);
        if (is_less(v[hi], v[lo]))
            swap(&v[hi], &v[lo]);
        if (is_less(v[hi], v[mid]))
            swap(&v[hi], &v[mid]);
        double pivot = v[mid];
        size_t i = lo, j = hi;
        for (;;) {
            while (is_less(v[i], pivot))
                i++;
            while (is_less(pivot, v[j]))
                j--;
            if (i >= j)
                break;
            swap(&v[i++], &v[j--]);
        }
        if (k <= j)
            hi = j;
        else
            lo = j + 1;
    }
}

double quantile_of(double q, double *v, size_t n)
{
    if (isnan(q) || n == 0)
        return NAN;
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    double rank = q * (double)(n - 1), whole = floor(rank), weight = rank - whole;
    size_t lower = (size_t)whole;
    select_kth(v, n, lower);
    if (lower + 1 >= n)
        return v[lower] * (1 - weight) + v[lower] * weight;
    double upper = v[lower + 1];   /* the smallest of what lies behind */
    for (size_t i = lower + 2; i < n; i++)
        if (is_less(v[i], upper))
            upper = v[i];
    return v[lower] * (1 - weight) + upper * weight;
}

static int by_bound(const void *pa, const void *pb)
{
    const bucket *a = pa, *b = pb;
    return (a->upper > b->upper) - (a->upper < b->upper);
}

/* Sorts, and adds up buckets of the same bound. 0: the highest bound is not +Inf. */
static size_t bucket_sort(bucket *b, size_t n)
{
    qsort(b, n, sizeof *b, by_bound);
    if (b[n - 1].upper != INFINITY)
        return 0;
    size_t last = 0;
    for (size_t i = 1; i < n; i++) {
        if (b[i].upper == b[last].upper)
            b[last].count += b[i].count;
        else
            b[++last] = b[i];
    }
    return last + 1;
}

/* Relatively closer than the rounding of sums explains. */
static bool is_almost_equal(double a, double b)
{
    const double tolerance = 1e-12, min_normal = 0x1p-1022;
    if (a == b || (isnan(a) && isnan(b)))
        return true;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < min_normal)
        return diff < tolerance * min_normal;
    return diff / fmin(sum, DBL_MAX) < tolerance;
}

static void make_monotonic(bucket *b, size_t n, bucket_repair *r)
{
    double prev = b[0].count;
    for (size_t i = 1; i < n; i++) {
        double cur = b[i].count;
        if (cur == prev)
            continue;
        if (is_almost_equal(prev, cur)) {
            b[i].count = prev;
            continue;
        }
        if (!(cur < prev)) {
            prev = cur;
            continue;
        }
        b[i].count = prev;
        r->forced = true;
        r->min_bound = b[i].upper < r->min_bound ? b[i].upper : r->min_bound;
        r->max_bound = b[i].upper > r->max_bound ? b[i].upper : r->max_bound;
        r->max_diff = prev - cur > r->max_diff ? prev - cur : r->max_diff;
    }
}

double bucket_quantile(double q, bucket *b, size_t n, bucket_repair *repair)
{
    *repair = (bucket_repair){ .min_bound = INFINITY, .max_bound = -INFINITY };
    if (isnan(q))
        return NAN;
    if (q < 0)
        return -INFINITY;
    if (q > 1)
        return INFINITY;
    n = bucket_sort(b, n);
    if (n == 0)
        return NAN;
    make_monotonic(b, n, repair);
    double total = b[n - 1].count;
    if (n < 2 || total == 0)
        return NAN;
    double rank = q * total;
    size_t i = 0, end = n - 1; /* the first bucket that reaches the rank, by halving as Prometheus does (NaN counts) */
    while (i < end) {
        size_t mid = (i + end) / 2;
        if (b[mid].count >= rank)
            end = mid;
        else
            i = mid + 1;
    }
    if (i == n - 1)
        return b[n - 2].upper;
    if (i == 0 && b[0].upper <= 0)
        return b[0].upper;
    double lower = i ? b[i - 1].upper : 0, below = i ? b[i - 1].count : 0;
    return lower + (b[i].upper - lower) * ((rank - below) / (b[i].count - below));
}

/* Observations up to v, which lies inside the bucket (lower, upper]. */
static double rank_inside(double v, double lower, double upper, double below, double count)
{
    return lower == -INFINITY ? count : below + (count - below) * (v - lower) / (upper - lower);
}

/* Observations up to v. */
static double rank_of(double v, const bucket *b, size_t n)
{
    double below = 0, lower = b[0].upper <= 0 ? -INFINITY : 0;
    for (size_t i = 0; i < n; i++) {
        lower = i ? b[i - 1].upper : lower;
        if (lower >= v)
            return below;
        if (b[i].upper > v)
            return rank_inside(v, lower, b[i].upper, below, b[i].count);
        below = b[i].count;
    }
    return b[n - 1].count;
}

double bucket_fraction(double lower, double upper, bucket *b, size_t n)
{
    n = bucket_sort(b, n);
    double total = n ? b[n - 1].count : 0;
    if (total == 0 || isnan(lower) || isnan(upper))
        return NAN;
    if (lower >= upper)
        return 0;
    double from = rank_of(lower, b, n), to = rank_of(upper, b, n);
    return ((to > total ? total : to) - (from > total ? total : from)) / total;
}
