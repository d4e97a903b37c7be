/* go_math.h: the few functions of Go's math package that differ from C's, and compensated summation. Private to the
 * room. */
#ifndef PROMQL_GO_MATH_H
#define PROMQL_GO_MATH_H
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* An infinity of the right sign wins over NaN, NaN over the rest; +0 is larger than -0. */
static inline double go_max(double x, double y)
{
    if (x == INFINITY || y == INFINITY)
        return INFINITY;
    if (isnan(x) || isnan(y))
        return NAN;
    if (x == 0 && x == y)
        return signbit(x) ? y : x;
    return x > y ? x : y;
}

static inline double go_min(double x, double y)
{
    if (x == -INFINITY || y == -INFINITY)
        return -INFINITY;
    if (isnan(x) || isnan(y))
        return NAN;
    if (x == 0 && x == y)
        return signbit(x) ? x : y;
    return x < y ? x : y;
}

/* int64(v): what does not fit is the smallest number, as on amd64. */
static inline int64_t go_int64(double v)
{
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}

/* Kahan's sum in Neumaier's variant: *c collects what rounding took from *sum. The value is *sum + *c. */
static inline void kahan_add(double x, double *sum, double *c)
{
    double t = *sum + x;
    double lost = fabs(*sum) >= fabs(x) ? (*sum - t) + x : (x - t) + *sum;
    *c = fabs(t) > DBL_MAX ? 0 : *c + lost;
    *sum = t;
}

/* A mean that is sum / n while the sum does not overflow, and from then on adjusted value by value. */
typedef struct kahan_mean {
    double v, c;        /* sum, later mean, and its compensation */
    double n;
    bool incremental;
} kahan_mean;

static inline void kahan_mean_add(kahan_mean *m, double x)
{
    m->n++;
    if (m->n == 1) {
        m->v = x;
        return;
    }
    if (!m->incremental) {
        double v = m->v, c = m->c;
        kahan_add(x, &v, &c);
        if (!isinf(v)) {
            m->v = v;
            m->c = c;
            return;
        }
        m->incremental = true;
        m->v /= m->n - 1;
        m->c /= m->n - 1;
    }
    double q = (m->n - 1) / m->n;
    m->v *= q;
    m->c *= q;
    kahan_add(x / m->n, &m->v, &m->c);
}

static inline double kahan_mean_value(const kahan_mean *m)
{
    return m->incremental ? m->v + m->c : m->v / m->n + m->c / m->n;
}
#endif
