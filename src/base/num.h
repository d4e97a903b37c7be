/* num.h: floats and integers, read and written as Go's strconv does, exactly (shortest digits that read back). */
#ifndef BASE_NUM_H
#define BASE_NUM_H
#include "base/bytes.h"

enum { NUM_MAX_TEXT = 352 };   /* longest text of the formatters below, 'f' of 1e308 with sign, and some room */

/* Shortest digits, plain notation always: strconv.FormatFloat(v, 'f', -1, 64). NaN, +Inf, -Inf. Length written. */
size_t num_format_f(double v, char out[NUM_MAX_TEXT]);
/* Go's 'g' with -1, which is also its %v: exponent notation (two digits at least) when exp < -4 or exp >= 6: 1e+06. */
size_t num_format_g(double v, char out[NUM_MAX_TEXT]);
/* Go's 'e' with -1. */
size_t num_format_e(double v, char out[NUM_MAX_TEXT]);
/* The API's sample values: 'f', but 'e' where |v| < 1e-6 (and not 0) or >= 1e21. */
size_t num_format_json(double v, char out[NUM_MAX_TEXT]);
size_t num_format_i64(int64_t v, char out[24]);
size_t num_format_u64(uint64_t v, char out[20]);
/* ms as seconds with at most 3 decimals and no trailing zeros: 1435781430.781, 60, -0.5. */
size_t num_format_time(int64_t ms, char out[32]);

/* The whole run as strconv.ParseFloat(s, 64): decimal, hex floats, Inf/Infinity/NaN in any case, sign; no spaces.
 * Underscores are refused. false: not a number, or (*out = +-Inf, *range = true, range may be NULL) out of range. */
bool num_parse(bytes s, double *out, bool *range);
/* The whole run as a decimal integer with optional sign. */
bool num_parse_i64(bytes s, int64_t *out);
bool num_parse_u64(bytes s, uint64_t *out);

static inline uint64_t num_bits(double v)
{
    uint64_t u;
    memcpy(&u, &v, 8);
    return u;
}

static inline double num_from_bits(uint64_t u)
{
    double v;
    memcpy(&v, &u, 8);
    return v;
}
#endif
