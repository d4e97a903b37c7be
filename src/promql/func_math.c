/* func_math.c: functions that look at one value at a time. They drop the metric name. */
#include "promql/func_impl.h"
#include "promql/go_math.h"
#include "promql/op_each.h"
#include "promql/plan.h"

/* f(v, scalar...): the vector comes first. */
static bool each_call(func_call *c, each_fn fn)
{
    op *src = call_arg(c, 0), *args[EACH_MAX_ARGS];
    for (size_t i = 1; src && i < c->n_args; i++)
        if (!(args[i - 1] = call_arg(c, i)))
            return false;
    if (!src)
        return false;
    c->out = each_new(c->ev, src, fn, args, c->n_args - 1);
    return true;
}

/* One function of x: the loop over a row and the callback of the table. */
#define MATH(name, expr)                                                                             \
    static void each_##name(row *r, size_t n, double *const *args)                                    \
    {                                                                                                \
        (void)args;                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                             \
            double x = r->v[i];                                                                      \
            r->v[i] = expr;                                                                          \
        }                                                                                            \
    }                                                                                                \
    bool fn_##name(func_call *c)                                                                     \
    {                                                                                                \
        return each_call(c, each_##name);                                                              \
    }

MATH(abs, fabs(x))
MATH(acos, acos(x))
MATH(acosh, acosh(x))
MATH(asin, asin(x))
MATH(asinh, asinh(x))
MATH(atan, atan(x))
MATH(atanh, atanh(x))
MATH(ceil, ceil(x))
MATH(cos, cos(x))
MATH(cosh, cosh(x))
MATH(deg, x * 180 / M_PI)
MATH(exp, exp(x))
MATH(floor, floor(x))
MATH(ln, log(x))
MATH(log10, log10(x))
MATH(log2, log2(x))
MATH(rad, x * M_PI / 180)
MATH(sgn, x < 0 ? -1 : x > 0 ? 1 : x)
MATH(sin, sin(x))
MATH(sinh, sinh(x))
MATH(sqrt, sqrt(x))
MATH(tan, tan(x))
MATH(tanh, tanh(x))

static void clamp_row(row *r, size_t n, const double *min, const double *max)
{
    for (size_t i = 0; i < n; i++) {
        double lo = min ? min[i] : -INFINITY, hi = max ? max[i] : INFINITY;
        r->v[i] = go_max(lo, go_min(hi, r->v[i]));
        if (hi < lo)
            bit_clear(r->has, i);
    }
}

static void each_clamp(row *r, size_t n, double *const *args) { clamp_row(r, n, args[0], args[1]); }
static void each_clamp_max(row *r, size_t n, double *const *args) { clamp_row(r, n, NULL, args[0]); }
static void each_clamp_min(row *r, size_t n, double *const *args) { clamp_row(r, n, args[0], NULL); }

bool fn_clamp(func_call *c) { return each_call(c, each_clamp); }
bool fn_clamp_max(func_call *c) { return each_call(c, each_clamp_max); }
bool fn_clamp_min(func_call *c) { return each_call(c, each_clamp_min); }

/* Ties go up. Multiplying by the inverse rounds better than dividing (Prometheus does the same). */
static void each_round(row *r, size_t n, double *const *args)
{
    for (size_t i = 0; i < n; i++) {
        double inverse = 1.0 / (args[0] ? args[0][i] : 1);
        r->v[i] = floor(r->v[i] * inverse + 0.5) / inverse;
    }
}

bool fn_round(func_call *c) { return each_call(c, each_round); }

static void each_max_of(row *r, size_t n, double *const *args)
{
    for (size_t i = 0; i < n; i++)
        r->v[i] = go_max(r->v[i], args[0][i]);
}

static void each_min_of(row *r, size_t n, double *const *args)
{
    for (size_t i = 0; i < n; i++)
        r->v[i] = go_min(r->v[i], args[0][i]);
}

bool fn_max_of(func_call *c) { return each_call(c, each_max_of); }
bool fn_min_of(func_call *c) { return each_call(c, each_min_of); }

bool fn_pi(func_call *c)
{
    c->out = number_new(c->ev, c->g, M_PI);
    return true;
}
