/* func_over_time.c: aggregations over the samples of a window.
 *
 * Sums: where windows overlap much, a window is put together from two parts, the end of an older run summed from its
 * end backwards and the beginning of the newer run summed forwards, so each sample is added twice in all, however long
 * the windows (the "two stacks" queue). Nothing is ever subtracted, so no digits are lost. Values near overflow, NaN
 * and Inf go the plain way, window by window. Minimum and maximum: a queue of candidates, each sample enters and
 * leaves once.
 * Follows promql/functions.go of Prometheus 3.14. */
#include "promql/func_impl.h"
#include "promql/go_math.h"
#include "promql/op_range.h"
#include "promql/quantile.h"

/* Functions that need but a loop over the windows that are not empty: first sample lo, behind the last hi. */
#define OVER_TIME(name, expr)                                                                        \
    static void win_##name(windows *w)                                                               \
    {                                                                                                \
        for (size_t i = 0; i < w->n_steps; i++) {                                                    \
            size_t lo = w->lo[i], hi = w->hi[i];                                                     \
            if (lo < hi)                                                                             \
                row_put(w->out, i, expr);                                                            \
        }                                                                                            \
    }                                                                                                \
    bool fn_##name(func_call *c)                                                                     \
    {                                                                                                \
        return range_call(c, win_##name);                                                            \
    }

OVER_TIME(count_over_time, (double)(hi - lo))
OVER_TIME(present_over_time, 1)
OVER_TIME(first_over_time, w->v[lo])
OVER_TIME(last_over_time, w->v[hi - 1])
OVER_TIME(ts_of_first_over_time, (double)w->t[lo] / 1000)
OVER_TIME(ts_of_last_over_time, (double)w->t[hi - 1] / 1000)

/* ---- sums ---- */

static double plain_sum(const windows *w, size_t lo, size_t hi)
{
    double sum = 0, c = 0;
    for (size_t k = lo; k < hi; k++)
        kahan_add(w->v[k], &sum, &c);
    return isinf(sum) ? sum : sum + c;
}

static double plain_mean(const windows *w, size_t lo, size_t hi)
{
    kahan_mean m = { 0 };
    for (size_t k = lo; k < hi; k++)
        kahan_mean_add(&m, w->v[k]);
    return kahan_mean_value(&m);
}

/* Do the windows share so many samples, all of them harmless, that the queue pays? */
static bool queue_pays(const windows *w)
{
    size_t total = 0;
    for (size_t i = 0; i < w->n_steps; i++)
        total += w->hi[i] - w->lo[i];
    if (total < 4 * w->n)
        return false;
    for (size_t k = 0; k < w->n; k++)
        if (!(fabs(w->v[k]) < 1e290))
            return false;
    return true;
}

typedef struct sum_queue {
    double *sum, *c;       /* of the samples k .. mid - 1 */
    size_t mid, end;
    double new_sum, new_c; /* of mid .. end - 1 */
} sum_queue;

static void sum_queue_move(const windows *w, sum_queue *q, size_t lo, size_t hi)
{
    for (; q->end < hi; q->end++)
        kahan_add(w->v[q->end], &q->new_sum, &q->new_c);
    if (lo < q->mid)
        return;
    double sum = 0, c = 0;
    for (size_t k = hi; k-- > lo;) {
        kahan_add(w->v[k], &sum, &c);
        q->sum[k] = sum;
        q->c[k] = c;
    }
    q->mid = hi;
    q->new_sum = q->new_c = 0;
}

static void sum_queue_run(windows *w, bool mean)
{
    sum_queue q = { .sum = w->scratch, .c = w->scratch + w->n };
    for (size_t i = 0; i < w->n_steps; i++) {
        size_t lo = w->lo[i], hi = w->hi[i];
        if (lo == hi)
            continue;
        sum_queue_move(w, &q, lo, hi);
        double sum = q.sum[lo], c = q.c[lo] + q.new_c, n = (double)(hi - lo);
        kahan_add(q.new_sum, &sum, &c);
        row_put(w->out, i, mean ? sum / n + c / n : sum + c);
    }
}

static void sum_windows(windows *w, bool mean)
{
    if (queue_pays(w)) {
        sum_queue_run(w, mean);
        return;
    }
    for (size_t i = 0; i < w->n_steps; i++)
        if (w->lo[i] < w->hi[i])
            row_put(w->out, i, mean ? plain_mean(w, w->lo[i], w->hi[i]) : plain_sum(w, w->lo[i], w->hi[i]));
}

static void win_sum_over_time(windows *w) { sum_windows(w, false); }
static void win_avg_over_time(windows *w) { sum_windows(w, true); }

bool fn_sum_over_time(func_call *c) { return range_call(c, win_sum_over_time); }
bool fn_avg_over_time(func_call *c) { return range_call(c, win_avg_over_time); }

static double variance(const windows *w, size_t lo, size_t hi)
{
    double n = 0, mean = 0, mean_c = 0, sum = 0, sum_c = 0;
    for (size_t k = lo; k < hi; k++) {
        n++;
        double d = w->v[k] - (mean + mean_c);
        kahan_add(d / n, &mean, &mean_c);
        kahan_add(d * (w->v[k] - (mean + mean_c)), &sum, &sum_c);
    }
    return (sum + sum_c) / n;
}

OVER_TIME(stdvar_over_time, variance(w, lo, hi))
OVER_TIME(stddev_over_time, sqrt(variance(w, lo, hi)))

/* ---- extremes ---- */

/* NaN is never an extreme while there is another value. Of equal ones the first counts, or the latest (for its time).
 */
static void extremes(windows *w, bool max, bool want_time)
{
    uint32_t *queue = (uint32_t *)(void *)w->scratch;   /* candidates, best first */
    size_t head = 0, tail = 0, k = 0;
    for (size_t i = 0; i < w->n_steps; i++) {
        size_t lo = w->lo[i], hi = w->hi[i];
        for (; k < hi; k++) {
            double x = w->v[k];
            if (isnan(x))
                continue;
            while (tail > head) {
                double y = w->v[queue[tail - 1]];
                bool worse = max ? y < x : y > x;
                if (!worse && !(want_time && y == x))
                    break;
                tail--;
            }
            queue[tail++] = (uint32_t)k;
        }
        while (head < tail && queue[head] < lo)
            head++;
        if (lo == hi)
            continue;
        size_t best = head < tail ? queue[head] : hi - 1;
        row_put(w->out, i, want_time ? (double)w->t[best] / 1000 : w->v[best]);
    }
}

static void win_max_over_time(windows *w) { extremes(w, true, false); }
static void win_min_over_time(windows *w) { extremes(w, false, false); }
static void win_ts_of_max_over_time(windows *w) { extremes(w, true, true); }
static void win_ts_of_min_over_time(windows *w) { extremes(w, false, true); }

bool fn_max_over_time(func_call *c) { return range_call(c, win_max_over_time); }
bool fn_min_over_time(func_call *c) { return range_call(c, win_min_over_time); }
bool fn_ts_of_max_over_time(func_call *c) { return range_call(c, win_ts_of_max_over_time); }
bool fn_ts_of_min_over_time(func_call *c) { return range_call(c, win_ts_of_min_over_time); }

/* ---- quantiles ---- */

static void win_quantile_over_time(windows *w)
{
    for (size_t i = 0; i < w->n_steps; i++) {
        size_t lo = w->lo[i], n = w->hi[i] - lo;
        double q = w->args[0][i];
        if (n == 0)
            continue;
        note_quantile(w->ev, w->arg0, q);
        memcpy(w->scratch, w->v + lo, n * sizeof *w->scratch);
        row_put(w->out, i, quantile_of(q, w->scratch, n));
    }
}

bool fn_quantile_over_time(func_call *c) { return range_call(c, win_quantile_over_time); }

/* The median distance from the median. */
static double mad(const windows *w, size_t lo, size_t hi)
{
    double *v = w->scratch;
    size_t n = hi - lo;
    for (size_t k = 0; k < n; k++) {
        v[k] = w->v[lo + k];
        if (isnan(v[k]))
            return NAN;
    }
    double median = quantile_of(0.5, v, n);
    for (size_t k = 0; k < n; k++)
        v[k] = fabs(v[k] - median);
    return quantile_of(0.5, v, n);
}

OVER_TIME(mad_over_time, mad(w, lo, hi))
