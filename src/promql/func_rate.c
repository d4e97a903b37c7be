/* func_rate.c: how fast, how often, where to: rate and its kin, resets and changes, regression.
 *
 * What happens between neighbouring samples (a fall, a change) is found once per series and kept as a list of places;
 * two pointers then walk over it with the windows. So each step costs a constant plus the falls inside its window, and
 * the sums are formed in the same order as Prometheus forms them, window by window. Extrapolation follows
 * promql/functions.go (extrapolatedRate, extendedRate) of Prometheus 3.14. */
#include "promql/func_impl.h"
#include "promql/go_math.h"
#include "promql/op_range.h"

/* Sample i differs from sample i - 1 in the way looked for. */
typedef bool (*pair_fn)(double prev, double cur);

static bool is_fall(double prev, double cur) { return cur < prev; }
static bool is_change(double prev, double cur) { return cur != prev && !(isnan(cur) && isnan(prev)); }

typedef struct places {
    const uint32_t *at;     /* ascending */
    size_t n;
    size_t from, to;        /* those of the current window */
} places;

/* All places of a series, in the scratch room of w. */
static places find_places(const windows *w, pair_fn fn)
{
    uint32_t *at = (uint32_t *)(void *)w->scratch;
    size_t n = 0;
    for (size_t i = 1; i < w->n; i++)
        if (fn(w->v[i - 1], w->v[i]))
            at[n++] = (uint32_t)i;
    return (places){ .at = at, .n = n };
}

/* Moves on to the places in lo + 1 .. hi - 1: both samples of the pair lie in the window. */
static void places_move(places *p, size_t lo, size_t hi)
{
    while (p->from < p->n && p->at[p->from] <= lo)
        p->from++;
    p->to = p->to < p->from ? p->from : p->to;
    while (p->to < p->n && p->at[p->to] < hi)
        p->to++;
}

/* What the counter had counted before each reset in the window belongs to the increase. */
static double add_resets(const windows *w, const places *p, double d)
{
    for (size_t k = p->from; k < p->to; k++)
        d += w->v[p->at[k] - 1];
    return d;
}

/* From the first and last sample of window i to its bounds: how much longer the slope d is taken to go on, as a
 * factor. */
static double extrapolation(const windows *w, size_t i, double d, bool is_counter)
{
    size_t first = w->lo[i], last = w->hi[i] - 1;
    int64_t end = data_time_at(w->end, i);
    double to_start = (double)(w->t[first] - (end - w->range_ms)) / 1000;
    double to_end = (double)(end - w->t[last]) / 1000;
    double sampled = (double)(w->t[last] - w->t[first]) / 1000, average = sampled / (double)(last - first);
    double threshold = average * 1.1;
    if (to_start >= threshold)
        to_start = average / 2;
    if (is_counter && d > 0 && w->v[first] >= 0) {   /* a counter did not begin below zero */
        double to_zero = sampled * (w->v[first] / d);
        to_start = to_zero < to_start ? to_zero : to_start;
    }
    if (to_end >= threshold)
        to_end = average / 2;
    return sampled != 0 ? (sampled + to_start + to_end) / sampled : 1;
}

/* anchored: from the last sample before the window to the last one in it; smoothed: between interpolated values at the
 * bounds. No extrapolation. false: no value. */
static bool extended_delta(const windows *w, size_t i, bool is_counter, double *out)
{
    const int64_t *t = w->t + w->lo[i];
    const double *v = w->v + w->lo[i];
    size_t n = w->hi[i] - w->lo[i];
    int64_t end = data_time_at(w->end, i);
    extended_window x;
    if (n == 0 || !window_extend(t, v, n, end - w->range_ms, end, w->smoothed, is_counter, &x)
        || (w->smoothed && t[x.outer_first] > end))
        return false;
    *out = x.right - x.left;
    if (!is_counter)
        return true;
    double prev = x.left, resets = 0;
    for (size_t k = x.first; k < x.last; k++) {
        resets += v[k] < prev ? prev : 0;
        prev = v[k];
    }
    *out += resets + (x.right < prev ? prev : 0);
    return true;
}

static void slope(windows *w, bool is_counter, bool per_second)
{
    places falls = { 0 };
    double seconds = (double)w->range_ms / 1000;
    bool extended = w->anchored || w->smoothed;
    if (is_counter && !extended)
        falls = find_places(w, is_fall);
    for (size_t i = 0; i < w->n_steps; i++) {
        size_t lo = w->lo[i], hi = w->hi[i];
        double d;
        if (extended) {
            if (extended_delta(w, i, is_counter, &d))
                row_put(w->out, i, per_second ? d / seconds : d);
            continue;
        }
        if (hi - lo < 2)
            continue;
        d = w->v[hi - 1] - w->v[lo];
        if (falls.n) {
            places_move(&falls, lo, hi);
            d = add_resets(w, &falls, d);
        }
        double factor = extrapolation(w, i, d, is_counter);
        row_put(w->out, i, d * (per_second ? factor / seconds : factor));
    }
}

static void win_rate(windows *w) { slope(w, true, true); }
static void win_increase(windows *w) { slope(w, true, false); }
static void win_delta(windows *w) { slope(w, false, false); }

bool fn_rate(func_call *c) { return range_call(c, win_rate); }
bool fn_increase(func_call *c) { return range_call(c, win_increase); }
bool fn_delta(func_call *c) { return range_call(c, win_delta); }

static void last_two(windows *w, bool is_counter)
{
    for (size_t i = 0; i < w->n_steps; i++) {
        if (w->hi[i] - w->lo[i] < 2)
            continue;
        const double *v = w->v + w->hi[i] - 2;
        const int64_t *t = w->t + w->hi[i] - 2;
        bool reset = is_counter && v[1] < v[0];
        double d = reset ? v[1] : v[1] - v[0];
        if (t[1] != t[0])
            row_put(w->out, i, is_counter ? d / ((double)(t[1] - t[0]) / 1000) : d);
    }
}

static void win_irate(windows *w) { last_two(w, true); }
static void win_idelta(windows *w) { last_two(w, false); }

bool fn_irate(func_call *c) { return range_call(c, win_irate); }
bool fn_idelta(func_call *c) { return range_call(c, win_idelta); }

static void count_pairs(windows *w, pair_fn fn)
{
    places p = find_places(w, fn);
    for (size_t i = 0; i < w->n_steps; i++) {
        size_t lo = w->lo[i], hi = w->hi[i];
        if (w->anchored) {   /* from the last sample before the window on, if there is one inside */
            int64_t start = data_time_at(w->end, i) - w->range_ms;
            if (lo == hi || w->t[hi - 1] <= start)
                continue;
            while (lo + 1 < hi && w->t[lo + 1] <= start)
                lo++;
        }
        if (lo == hi)
            continue;
        places_move(&p, lo, hi);
        row_put(w->out, i, (double)(p.to - p.from));
    }
}

static void win_resets(windows *w) { count_pairs(w, is_fall); }
static void win_changes(windows *w) { count_pairs(w, is_change); }

bool fn_resets(func_call *c) { return range_call(c, win_resets); }
bool fn_changes(func_call *c) { return range_call(c, win_changes); }

/* ---- regression ---- */

typedef struct line {
    double slope, at_origin;
} line;

/* Least squares through the window's samples; x in seconds from the time origin. */
static line regression(const windows *w, size_t i, int64_t origin)
{
    double n = 0, x_sum = 0, x_c = 0, y_sum = 0, y_c = 0, xy_sum = 0, xy_c = 0, xx_sum = 0, xx_c = 0;
    double first = w->v[w->lo[i]];
    bool is_constant = true;
    for (size_t k = w->lo[i]; k < w->hi[i]; k++) {
        double x = (double)(w->t[k] - origin) / 1000, y = w->v[k];
        if (k > w->lo[i] && y != first)
            is_constant = false;
        n++;
        kahan_add(x, &x_sum, &x_c);
        kahan_add(y, &y_sum, &y_c);
        kahan_add(x * y, &xy_sum, &xy_c);
        kahan_add(x * x, &xx_sum, &xx_c);
    }
    if (is_constant)
        return isinf(first) ? (line){ NAN, NAN } : (line){ 0, first };
    x_sum += x_c;
    y_sum += y_c;
    xy_sum += xy_c;
    xx_sum += xx_c;
    double slope_xy = (xy_sum - x_sum * y_sum / n) / (xx_sum - x_sum * x_sum / n);
    return (line){ slope_xy, y_sum / n - slope_xy * x_sum / n };
}

static void win_deriv(windows *w)
{
    for (size_t i = 0; i < w->n_steps; i++)
        if (w->hi[i] - w->lo[i] >= 2)
            row_put(w->out, i, regression(w, i, w->t[w->lo[i]]).slope);
}

static void win_predict_linear(windows *w)
{
    for (size_t i = 0; i < w->n_steps; i++) {
        if (w->hi[i] - w->lo[i] < 2)
            continue;
        line l = regression(w, i, grid_time(w->g, i));
        row_put(w->out, i, l.slope * w->args[0][i] + l.at_origin);
    }
}

bool fn_deriv(func_call *c) { return range_call(c, win_deriv); }
bool fn_predict_linear(func_call *c) { return range_call(c, win_predict_linear); }

static bool is_factor(windows *w, const char *name, const char *letter, double v)
{
    if (v <= 0 || v >= 1)
        return eval_fail(w->ev, ERR_EXECUTION, "invalid %s factor. Expected: 0 < %s < 1, got: %f", name, letter, v);
    return true;
}

/* Holt's linear trend: level and trend both decay exponentially. */
static void win_double_exponential_smoothing(windows *w)
{
    for (size_t i = 0; i < w->n_steps; i++) {
        size_t lo = w->lo[i], hi = w->hi[i];
        double sf = w->args[0][i], tf = w->args[1][i];
        if (lo == hi)
            continue;
        if (!is_factor(w, "smoothing", "sf", sf) || !is_factor(w, "trend", "tf", tf))
            return;
        if (hi - lo < 2)
            continue;
        double before = 0, level = w->v[lo], trend = w->v[lo + 1] - w->v[lo];
        for (size_t k = lo + 1; k < hi; k++) {
            if (k > lo + 1)
                trend = tf * (level - before) + (1 - tf) * trend;
            double next = sf * w->v[k] + (1 - sf) * (level + trend);
            before = level;
            level = next;
        }
        row_put(w->out, i, level);
    }
}

bool fn_double_exponential_smoothing(func_call *c) { return range_call(c, win_double_exponential_smoothing); }
