/* funcs.c: the table of functions (see funcs.h). Sorted by name: promql_func_find() searches by halves.         */
#include "promql/funcs.h"
#include "promql/func_impl.h"

#define V VALUE_VECTOR
#define S VALUE_SCALAR
#define EXP FUNC_EXPERIMENTAL

/* args: s scalar, v instant vector, m range vector, t string. variadic: see funcs.h. */
const promql_func promql_funcs[] = {
    /* name                         args     variadic returns flags            evaluated by */
    { "abs",                          "v",     0,  V, 0,                        fn_abs },
    { "absent",                       "v",     0,  V, 0,                        fn_absent },
    { "absent_over_time",             "m",     0,  V, 0,                        fn_absent_over_time },
    { "acos",                         "v",     0,  V, 0,                        fn_acos },
    { "acosh",                        "v",     0,  V, 0,                        fn_acosh },
    { "asin",                         "v",     0,  V, 0,                        fn_asin },
    { "asinh",                        "v",     0,  V, 0,                        fn_asinh },
    { "atan",                         "v",     0,  V, 0,                        fn_atan },
    { "atanh",                        "v",     0,  V, 0,                        fn_atanh },
    { "avg_over_time",                "m",     0,  V, FUNC_OVER_TIME,           fn_avg_over_time },
    { "ceil",                         "v",     0,  V, 0,                        fn_ceil },
    { "changes",                      "m",     0,  V, FUNC_OVER_TIME,           fn_changes },
    { "clamp",                        "vss",   0,  V, 0,                        fn_clamp },
    { "clamp_max",                    "vs",    0,  V, 0,                        fn_clamp_max },
    { "clamp_min",                    "vs",    0,  V, 0,                        fn_clamp_min },
    { "cos",                          "v",     0,  V, 0,                        fn_cos },
    { "cosh",                         "v",     0,  V, 0,                        fn_cosh },
    { "count_over_time",              "m",     0,  V, FUNC_OVER_TIME,           fn_count_over_time },
    { "day_of_month",                 "v",     1,  V, FUNC_NOT_INVARIANT,       fn_day_of_month },
    { "day_of_week",                  "v",     1,  V, FUNC_NOT_INVARIANT,       fn_day_of_week },
    { "day_of_year",                  "v",     1,  V, FUNC_NOT_INVARIANT,       fn_day_of_year },
    { "days_in_month",                "v",     1,  V, FUNC_NOT_INVARIANT,       fn_days_in_month },
    { "deg",                          "v",     0,  V, 0,                        fn_deg },
    { "delta",                        "m",     0,  V, FUNC_OVER_TIME,           fn_delta },
    { "deriv",                        "m",     0,  V, FUNC_OVER_TIME,           fn_deriv },
    { "double_exponential_smoothing", "mss",   0,  V, EXP | FUNC_OVER_TIME,     fn_double_exponential_smoothing },
    { "end",                          "",      0,  S, EXP,                      fn_end },
    { "exp",                          "v",     0,  V, 0,                        fn_exp },
    { "first_over_time",              "m",     0,  V, FUNC_OVER_TIME | FUNC_KEEP_NAME, fn_first_over_time },
    { "floor",                        "v",     0,  V, 0,                        fn_floor },
    { "histogram_avg",                "v",     0,  V, 0,                        NULL },
    { "histogram_count",              "v",     0,  V, 0,                        NULL },
    { "histogram_fraction",           "ssv",   0,  V, 0,                        fn_histogram_fraction },
    { "histogram_quantile",           "sv",    0,  V, 0,                        fn_histogram_quantile },
    { "histogram_quantiles",          "vtss",  9,  V, EXP,                      fn_histogram_quantiles },
    { "histogram_stddev",             "v",     0,  V, 0,                        NULL },
    { "histogram_stdvar",             "v",     0,  V, 0,                        NULL },
    { "histogram_sum",                "v",     0,  V, 0,                        NULL },
    { "hour",                         "v",     1,  V, FUNC_NOT_INVARIANT,       fn_hour },
    { "idelta",                       "m",     0,  V, FUNC_OVER_TIME,           fn_idelta },
    { "increase",                     "m",     0,  V, FUNC_OVER_TIME | FUNC_COUNTER, fn_increase },
    { "info",                         "vv",    1,  V, EXP | FUNC_KEEP_NAME,     fn_info },
    { "irate",                        "m",     0,  V, FUNC_OVER_TIME,           fn_irate },
    { "label_join",                   "vttt", -1,  V, FUNC_KEEP_NAME,           fn_label_join },
    { "label_replace",                "vtttt", 0,  V, FUNC_KEEP_NAME,           fn_label_replace },
    { "last_over_time",               "m",     0,  V, FUNC_OVER_TIME | FUNC_KEEP_NAME, fn_last_over_time },
    { "ln",                           "v",     0,  V, 0,                        fn_ln },
    { "log10",                        "v",     0,  V, 0,                        fn_log10 },
    { "log2",                         "v",     0,  V, 0,                        fn_log2 },
    { "mad_over_time",                "m",     0,  V, EXP | FUNC_OVER_TIME,     fn_mad_over_time },
    { "max_of",                       "ss",    0,  S, EXP,                      fn_max_of },
    { "max_over_time",                "m",     0,  V, FUNC_OVER_TIME,           fn_max_over_time },
    { "min_of",                       "ss",    0,  S, EXP,                      fn_min_of },
    { "min_over_time",                "m",     0,  V, FUNC_OVER_TIME,           fn_min_over_time },
    { "minute",                       "v",     1,  V, FUNC_NOT_INVARIANT,       fn_minute },
    { "month",                        "v",     1,  V, FUNC_NOT_INVARIANT,       fn_month },
    { "pi",                           "",      0,  S, 0,                        fn_pi },
    { "predict_linear",               "ms",    0,  V, FUNC_OVER_TIME | FUNC_NOT_INVARIANT, fn_predict_linear },
    { "present_over_time",            "m",     0,  V, FUNC_OVER_TIME,           fn_present_over_time },
    { "quantile_over_time",           "sm",    0,  V, FUNC_OVER_TIME,           fn_quantile_over_time },
    { "rad",                          "v",     0,  V, 0,                        fn_rad },
    { "range",                        "",      0,  S, EXP,                      fn_range },
    { "rate",                         "m",     0,  V, FUNC_OVER_TIME | FUNC_COUNTER, fn_rate },
    { "resets",                       "m",     0,  V, FUNC_OVER_TIME,           fn_resets },
    { "round",                        "vs",    1,  V, 0,                        fn_round },
    { "scalar",                       "v",     0,  S, 0,                        fn_scalar },
    { "sgn",                          "v",     0,  V, 0,                        fn_sgn },
    { "sin",                          "v",     0,  V, 0,                        fn_sin },
    { "sinh",                         "v",     0,  V, 0,                        fn_sinh },
    { "sort",                         "v",     0,  V, FUNC_KEEP_NAME,           fn_sort },
    { "sort_by_label",                "vt",   -1,  V, EXP | FUNC_KEEP_NAME,     fn_sort_by_label },
    { "sort_by_label_desc",           "vt",   -1,  V, EXP | FUNC_KEEP_NAME,     fn_sort_by_label_desc },
    { "sort_desc",                    "v",     0,  V, FUNC_KEEP_NAME,           fn_sort_desc },
    { "sqrt",                         "v",     0,  V, 0,                        fn_sqrt },
    { "start",                        "",      0,  S, EXP,                      fn_start },
    { "start_timestamp",              "v",     0,  V, EXP | FUNC_NOT_INVARIANT, NULL },
    { "stddev_over_time",             "m",     0,  V, FUNC_OVER_TIME,           fn_stddev_over_time },
    { "stdvar_over_time",             "m",     0,  V, FUNC_OVER_TIME,           fn_stdvar_over_time },
    { "step",                         "",      0,  S, EXP,                      fn_step },
    { "sum_over_time",                "m",     0,  V, FUNC_OVER_TIME,           fn_sum_over_time },
    { "tan",                          "v",     0,  V, 0,                        fn_tan },
    { "tanh",                         "v",     0,  V, 0,                        fn_tanh },
    { "time",                         "",      0,  S, FUNC_NOT_INVARIANT,       fn_time },
    { "timestamp",                    "v",     0,  V, FUNC_NOT_INVARIANT,       fn_timestamp },
    { "ts_of_first_over_time",        "m",     0,  V, EXP | FUNC_OVER_TIME,     fn_ts_of_first_over_time },
    { "ts_of_last_over_time",         "m",     0,  V, EXP | FUNC_OVER_TIME,     fn_ts_of_last_over_time },
    { "ts_of_max_over_time",          "m",     0,  V, EXP | FUNC_OVER_TIME,     fn_ts_of_max_over_time },
    { "ts_of_min_over_time",          "m",     0,  V, EXP | FUNC_OVER_TIME,     fn_ts_of_min_over_time },
    { "vector",                       "s",     0,  V, 0,                        fn_vector },
    { "year",                         "v",     1,  V, FUNC_NOT_INVARIANT,       fn_year },
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
