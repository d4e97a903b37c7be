/* func_impl.h: the callbacks of the function table (funcs.c). Each plans one call: it sets call->out and gives true,
 * or false with the query's error set. Private to the room. */
#ifndef PROMQL_FUNC_IMPL_H
#define PROMQL_FUNC_IMPL_H
#include <stdbool.h>

struct func_call;
#define FUNC_IMPL(name) bool fn_##name(struct func_call *c)

/* func_math.c */
FUNC_IMPL(abs);
FUNC_IMPL(acos);
FUNC_IMPL(acosh);
FUNC_IMPL(asin);
FUNC_IMPL(asinh);
FUNC_IMPL(atan);
FUNC_IMPL(atanh);
FUNC_IMPL(ceil);
FUNC_IMPL(clamp);
FUNC_IMPL(clamp_max);
FUNC_IMPL(clamp_min);
FUNC_IMPL(cos);
FUNC_IMPL(cosh);
FUNC_IMPL(deg);
FUNC_IMPL(exp);
FUNC_IMPL(floor);
FUNC_IMPL(ln);
FUNC_IMPL(log10);
FUNC_IMPL(log2);
FUNC_IMPL(max_of);
FUNC_IMPL(min_of);
FUNC_IMPL(pi);
FUNC_IMPL(rad);
FUNC_IMPL(round);
FUNC_IMPL(sgn);
FUNC_IMPL(sin);
FUNC_IMPL(sinh);
FUNC_IMPL(sqrt);
FUNC_IMPL(tan);
FUNC_IMPL(tanh);

/* func_time.c */
FUNC_IMPL(day_of_month);
FUNC_IMPL(day_of_week);
FUNC_IMPL(day_of_year);
FUNC_IMPL(days_in_month);
FUNC_IMPL(end);
FUNC_IMPL(hour);
FUNC_IMPL(minute);
FUNC_IMPL(month);
FUNC_IMPL(range);
FUNC_IMPL(start);
FUNC_IMPL(step);
FUNC_IMPL(time);
FUNC_IMPL(timestamp);
FUNC_IMPL(year);

/* func_vector.c */
FUNC_IMPL(absent);
FUNC_IMPL(absent_over_time);
FUNC_IMPL(scalar);
FUNC_IMPL(sort);
FUNC_IMPL(sort_by_label);
FUNC_IMPL(sort_by_label_desc);
FUNC_IMPL(sort_desc);
FUNC_IMPL(vector);

/* func_info.c */
FUNC_IMPL(info);

/* func_label.c */
FUNC_IMPL(label_join);
FUNC_IMPL(label_replace);

/* func_rate.c */
FUNC_IMPL(changes);
FUNC_IMPL(delta);
FUNC_IMPL(deriv);
FUNC_IMPL(double_exponential_smoothing);
FUNC_IMPL(idelta);
FUNC_IMPL(increase);
FUNC_IMPL(irate);
FUNC_IMPL(predict_linear);
FUNC_IMPL(rate);
FUNC_IMPL(resets);

/* func_over_time.c */
FUNC_IMPL(avg_over_time);
FUNC_IMPL(count_over_time);
FUNC_IMPL(first_over_time);
FUNC_IMPL(last_over_time);
FUNC_IMPL(mad_over_time);
FUNC_IMPL(max_over_time);
FUNC_IMPL(min_over_time);
FUNC_IMPL(present_over_time);
FUNC_IMPL(quantile_over_time);
FUNC_IMPL(stddev_over_time);
FUNC_IMPL(stdvar_over_time);
FUNC_IMPL(sum_over_time);
FUNC_IMPL(ts_of_first_over_time);
FUNC_IMPL(ts_of_last_over_time);
FUNC_IMPL(ts_of_max_over_time);
FUNC_IMPL(ts_of_min_over_time);

/* func_hist.c */
FUNC_IMPL(histogram_fraction);
FUNC_IMPL(histogram_quantile);
FUNC_IMPL(histogram_quantiles);
#endif
