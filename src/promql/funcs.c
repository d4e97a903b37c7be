/* funcs.c: the table of functions (see funcs.h). Sorted by name: promql_func_find() searches by halves.         */
#include "promql/funcs.h"

#define V VALUE_VECTOR
#define S VALUE_SCALAR
#define EXP FUNC_EXPERIMENTAL

/* args: s scalar, v instant vector, m range vector, t string. variadic: see funcs.h. */
const promql_func promql_funcs[] = {
    /* name                         args     variadic returns flags            evaluated by */
    { "abs",                          "v",     0,  V, 0,                        NULL },
    { "absent",                       "v",     0,  V, 0,                        NULL },
    { "absent_over_time",             "m",     0,  V, 0,                        NULL },
    { "acos",                         "v",     0,  V, 0,                        NULL },
    { "acosh",                        "v",     0,  V, 0,                        NULL },
    { "asin",                         "v",     0,  V, 0,                        NULL },
    { "asinh",                        "v",     0,  V, 0,                        NULL },
    { "atan",                         "v",     0,  V, 0,                        NULL },
    { "atanh",                        "v",     0,  V, 0,                        NULL },
    { "avg_over_time",                "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "ceil",                         "v",     0,  V, 0,                        NULL },
    { "changes",                      "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "clamp",                        "vss",   0,  V, 0,                        NULL },
    { "clamp_max",                    "vs",    0,  V, 0,                        NULL },
    { "clamp_min",                    "vs",    0,  V, 0,                        NULL },
    { "cos",                          "v",     0,  V, 0,                        NULL },
    { "cosh",                         "v",     0,  V, 0,                        NULL },
    { "count_over_time",              "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "day_of_month",                 "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
    { "day_of_week",                  "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
    { "day_of_year",                  "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
    { "days_in_month",                "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
    { "deg",                          "v",     0,  V, 0,                        NULL },
    { "delta",                        "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "deriv",                        "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "double_exponential_smoothing", "mss",   0,  V, EXP | FUNC_OVER_TIME,     NULL },
    { "end",                          "",      0,  S, EXP | FUNC_NOT_INVARIANT, NULL },
    { "exp",                          "v",     0,  V, 0,                        NULL },
    { "first_over_time",              "m",     0,  V, FUNC_OVER_TIME | FUNC_KEEP_NAME, NULL },
    { "floor",                        "v",     0,  V, 0,                        NULL },
    { "histogram_avg",                "v",     0,  V, 0,                        NULL },
    { "histogram_count",              "v",     0,  V, 0,                        NULL },
    { "histogram_fraction",           "ssv",   0,  V, 0,                        NULL },
    { "histogram_quantile",           "sv",    0,  V, 0,                        NULL },
    { "histogram_quantiles",          "vtss",  9,  V, EXP,                      NULL },
    { "histogram_stddev",             "v",     0,  V, 0,                        NULL },
    { "histogram_stdvar",             "v",     0,  V, 0,                        NULL },
    { "histogram_sum",                "v",     0,  V, 0,                        NULL },
    { "hour",                         "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
    { "idelta",                       "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "increase",                     "m",     0,  V, FUNC_OVER_TIME | FUNC_COUNTER, NULL },
    { "info",                         "vv",    1,  V, EXP | FUNC_KEEP_NAME,     NULL },
    { "irate",                        "m",     0,  V, FUNC_OVER_TIME | FUNC_COUNTER, NULL },
    { "label_join",                   "vttt", -1,  V, FUNC_KEEP_NAME,           NULL },
    { "label_replace",                "vtttt", 0,  V, FUNC_KEEP_NAME,           NULL },
    { "last_over_time",               "m",     0,  V, FUNC_OVER_TIME | FUNC_KEEP_NAME, NULL },
    { "ln",                           "v",     0,  V, 0,                        NULL },
    { "log10",                        "v",     0,  V, 0,                        NULL },
    { "log2",                         "v",     0,  V, 0,                        NULL },
    { "mad_over_time",                "m",     0,  V, EXP | FUNC_OVER_TIME,     NULL },
    { "max_of",                       "ss",    0,  S, EXP,                      NULL },
    { "max_over_time",                "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "min_of",                       "ss",    0,  S, EXP,                      NULL },
    { "min_over_time",                "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "minute",                       "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
    { "month",                        "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
    { "pi",                           "",      0,  S, 0,                        NULL },
    { "predict_linear",               "ms",    0,  V, FUNC_OVER_TIME | FUNC_NOT_INVARIANT, NULL },
    { "present_over_time",            "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "quantile_over_time",           "sm",    0,  V, FUNC_OVER_TIME,           NULL },
    { "rad",                          "v",     0,  V, 0,                        NULL },
    { "range",                        "",      0,  S, EXP | FUNC_NOT_INVARIANT, NULL },
    { "rate",                         "m",     0,  V, FUNC_OVER_TIME | FUNC_COUNTER, NULL },
    { "resets",                       "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "round",                        "vs",    1,  V, 0,                        NULL },
    { "scalar",                       "v",     0,  S, 0,                        NULL },
    { "sgn",                          "v",     0,  V, 0,                        NULL },
    { "sin",                          "v",     0,  V, 0,                        NULL },
    { "sinh",                         "v",     0,  V, 0,                        NULL },
    { "sort",                         "v",     0,  V, FUNC_KEEP_NAME,           NULL },
    { "sort_by_label",                "vt",   -1,  V, EXP | FUNC_KEEP_NAME,     NULL },
    { "sort_by_label_desc",           "vt",   -1,  V, EXP | FUNC_KEEP_NAME,     NULL },
    { "sort_desc",                    "v",     0,  V, FUNC_KEEP_NAME,           NULL },
    { "sqrt",                         "v",     0,  V, 0,                        NULL },
    { "start",                        "",      0,  S, EXP | FUNC_NOT_INVARIANT, NULL },
    { "start_timestamp",              "v",     0,  V, EXP | FUNC_NOT_INVARIANT, NULL },
    { "stddev_over_time",             "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "stdvar_over_time",             "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "step",                         "",      0,  S, EXP | FUNC_NOT_INVARIANT, NULL },
    { "sum_over_time",                "m",     0,  V, FUNC_OVER_TIME,           NULL },
    { "tan",                          "v",     0,  V, 0,                        NULL },
    { "tanh",                         "v",     0,  V, 0,                        NULL },
    { "time",                         "",      0,  S, FUNC_NOT_INVARIANT,       NULL },
    { "timestamp",                    "v",     0,  V, FUNC_NOT_INVARIANT,       NULL },
    { "ts_of_first_over_time",        "m",     0,  V, EXP | FUNC_OVER_TIME,     NULL },
    { "ts_of_last_over_time",         "m",     0,  V, EXP | FUNC_OVER_TIME,     NULL },
    { "ts_of_max_over_time",          "m",     0,  V, EXP | FUNC_OVER_TIME,     NULL },
    { "ts_of_min_over_time",          "m",     0,  V, EXP | FUNC_OVER_TIME,     NULL },
    { "vector",                       "s",     0,  V, 0,                        NULL },
    { "year",                         "v",     1,  V, FUNC_NOT_INVARIANT,       NULL },
};
const size_t promql_n_funcs = sizeof promql_funcs / sizeof *promql_funcs;

const promql_func *promql_func_find(bytes name)
{
    size_t low = 0, high = promql_n_funcs;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = bytes_cmp(name, bytes_of(promql_funcs[mid].name));
        if (c == 0)
            return &promql_funcs[mid];
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

enum value_type promql_func_arg(const promql_func *f, size_t i)
{
    size_t n = strlen(f->args);
    if (n == 0)
        return VALUE_NONE;
    switch (f->args[i < n ? i : n - 1]) {
    case 's': return VALUE_SCALAR;
    case 'v': return VALUE_VECTOR;
    case 'm': return VALUE_MATRIX;
    case 't': return VALUE_STRING;
    default: return VALUE_NONE;
    }
}
