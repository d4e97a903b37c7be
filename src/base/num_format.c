/* num_format.c: floats as Go's strconv prints them: the fewest digits that read back as the same float, and of those
 * the closest to it.
 *
 * Integers below 2^53 take a short way: their decimal digits are the answer, since a shorter decimal would be another
 * integer, and no two of them read as one float. All else goes through Schubfach (R. Giulietti, "The Schubfach way to
 * render doubles", 2021): scale the float and the two ends of its rounding interval by a power of ten so that the
 * interval holds one to ten integers, then take the one ending in 0 if there is one, else the closest.
 * Invariant of `decimal`: (1) digits is 0, or does not end in a zero digit; at most 17 digits.
 * The unit tests compare with a search over %.{1..17}e and strtod.                                            */
#include "base/num.h"
#include "num_pow10_rows.h"
#include <assert.h>
#include <math.h>

typedef unsigned __int128 u128;

enum { MANTISSA_BITS = 52, EXPONENT_MAX = 0x7ff, EXPONENT_BIAS = 1075 };

/* digits * 10^exp. */
typedef struct decimal {
    uint64_t digits;
    int exp;
} decimal;

static const char digit_pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                     "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                     "8081828384858687888990919293949596979899";

static int count_digits(uint64_t v)
{
    static const uint64_t powers[] = {
        0, /* zero has one digit too */
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000u,
    };
    int few = (64 - __builtin_clzll(v | 1)) * 1233 >> 12; /* floor(bits * log10(2)): right, or one too few */
    return few + (v >= powers[few]);
}

/* Writes v, which has n digits, to out[0..n). */
static void put_digits(char *out, uint64_t v, int n)
{
    while (n > 1) {
        n -= 2;
        memcpy(out + n, digit_pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (n)
        *out = (char)('0' + v);
}

/* The top 64 bits of g * x where g has 128 bits, the lowest made odd where any bit below is set. */
static uint64_t scale_round_to_odd(u128 g, uint64_t x)
{
    u128 low = (u128)(uint64_t)g * x;
    u128 high = (u128)(uint64_t)(g >> 64) * x + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* 10^q, rounded up where 128 bits cannot hold it. */
static u128 pow10_ceil(int q)
{
    assert(q >= POW10_FIRST && q <= POW10_LAST);
    const uint64_t *row = pow10_rows[q - POW10_FIRST];
    u128 g = (u128)row[0] << 64 | row[1];
    return q < 0 || q > 55 ? g + 1 : g; /* 5^55 < 2^128 < 5^56 */
}

static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* The shortest decimal of c * 2^q; lower_is_closer: c is a power of two, so the float below is only half as far. */
static decimal schubfach(uint64_t c, int q, bool lower_is_closer)
{
    int k = (q * 1262611 - (lower_is_closer ? 524031 : 0)) >> 22; /* floor(log10(2^q)) or of 3/4 2^q */
    int h = q + floor_log2_pow10(-k) + 1;
    u128 g = pow10_ceil(-k);
    uint64_t left = scale_round_to_odd(g, (4 * c - 2 + lower_is_closer) << h);
    uint64_t mid = scale_round_to_odd(g, (4 * c) << h);
    uint64_t right = scale_round_to_odd(g, (4 * c + 2) << h);
    uint64_t lower = left + (c & 1); /* the ends of the interval read back as c only where c is even */
    uint64_t upper = right - (c & 1);
    uint64_t s = mid / 4;
    if (s >= 10) {
        uint64_t tens = s / 10;
        bool down_fits = lower <= 40 * tens;
        bool up_fits = 40 * tens + 40 <= upper;
        if (down_fits != up_fits)
            return (decimal){ tens + up_fits, k + 1 };
    }
    bool down_fits = lower <= 4 * s;
    bool up_fits = 4 * s + 4 <= upper;
    if (down_fits != up_fits)
        return (decimal){ s + up_fits, k };
    uint64_t half = 4 * s + 2;
    return (decimal){ s + (mid > half || (mid == half && (s & 1))), k };
}

static decimal without_trailing_zeros(decimal d)
{
    while (d.digits != 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.exp++;
    }
    return d;
}

/* v: finite, not negative. */
static decimal shortest(double v)
{
    uint64_t bits = num_bits(v);
    uint64_t fraction = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    int exponent = (int)(bits >> MANTISSA_BITS);
    if (v < 0x1p53 && v == (double)(uint64_t)v)
        return without_trailing_zeros((decimal){ (uint64_t)v, 0 });
    if (exponent == 0)
        return without_trailing_zeros(schubfach(fraction, 1 - EXPONENT_BIAS, false));
    return without_trailing_zeros(
        schubfach(fraction | UINT64_C(1) << MANTISSA_BITS, exponent - EXPONENT_BIAS, fraction == 0 && exponent > 1));
}

/* "NaN", "+Inf", "-Inf": their length, or 0 where v is finite. */
static size_t put_special(double v, char *out)
{
    if (isfinite(v))
        return 0;
    memcpy(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf", 4);
    return isnan(v) ? 3 : 4;
}

static size_t put_plain(decimal d, char *out)
{
    int n = count_digits(d.digits);
    if (d.digits == 0 || d.exp >= 0) {
        put_digits(out, d.digits, n);
        if (d.exp > 0)
            memset(out + n, '0', (size_t)d.exp);
        return (size_t)(n + (d.exp > 0 ? d.exp : 0));
    }
    int whole = n + d.exp; /* digits before the point */
    if (whole > 0) {
        put_digits(out + 1, d.digits, n);
        memmove(out, out + 1, (size_t)whole);
        out[whole] = '.';
        return (size_t)n + 1;
    }
    memset(out, '0', (size_t)(2 - whole));
    out[1] = '.';
    put_digits(out + 2 - whole, d.digits, n);
    return (size_t)(2 - whole + n);
}

static size_t put_scientific(decimal d, char *out)
{
    int n = count_digits(d.digits);
    int exp = d.digits ? d.exp + n - 1 : 0;
    put_digits(out + 1, d.digits, n);
    out[0] = out[1];
    out[1] = '.';
    char *at = out + (n > 1 ? n + 1 : 1);
    *at++ = 'e';
    *at++ = exp < 0 ? '-' : '+';
    unsigned abs_exp = (unsigned)(exp < 0 ? -exp : exp);
    int exp_digits = abs_exp >= 100 ? 3 : 2;
    put_digits(at, abs_exp, exp_digits);
    return (size_t)(at + exp_digits - out);
}

enum notation { PLAIN, SCIENTIFIC, GENERAL };

static size_t format(double v, enum notation notation, char *out)
{
    size_t n = put_special(v, out);
    if (n)
        return n;
    char *at = out;
    if (signbit(v))
        *at++ = '-';
    double abs_v = fabs(v);
    if (notation == PLAIN && abs_v < 0x1p53 && abs_v == (double)(uint64_t)abs_v) { /* most samples are integers */
        int len = count_digits((uint64_t)abs_v);
        put_digits(at, (uint64_t)abs_v, len);
        return (size_t)(at + len - out);
    }
    decimal d = shortest(abs_v);
    if (notation == GENERAL) {
        int exp = d.digits ? d.exp + count_digits(d.digits) - 1 : 0;
        notation = exp < -4 || exp >= 6 ? SCIENTIFIC : PLAIN;
    }
    at += notation == PLAIN ? put_plain(d, at) : put_scientific(d, at);
    return (size_t)(at - out);
}

size_t num_format_f(double v, char out[NUM_MAX_TEXT])
{
    return format(v, PLAIN, out);
}

size_t num_format_g(double v, char out[NUM_MAX_TEXT])
{
    return format(v, GENERAL, out);
}

size_t num_format_e(double v, char out[NUM_MAX_TEXT])
{
    return format(v, SCIENTIFIC, out);
}

size_t num_format_json(double v, char out[NUM_MAX_TEXT])
{
    double abs_v = fabs(v);
    bool scientific = isfinite(v) && abs_v != 0 && (abs_v < 1e-6 || abs_v >= 1e21);
    return format(v, scientific ? SCIENTIFIC : PLAIN, out);
}

size_t num_format_u64(uint64_t v, char out[20])
{
    int n = count_digits(v);
    put_digits(out, v, n);
    return (size_t)n;
}

size_t num_format_i64(int64_t v, char out[24])
{
    if (v >= 0)
        return num_format_u64((uint64_t)v, out);
    *out = '-';
    return 1 + num_format_u64(0 - (uint64_t)v, out + 1);
}

size_t num_format_time(int64_t ms, char out[32])
{
    char *at = out;
    uint64_t u = (uint64_t)ms;
    if (ms < 0) {
        *at++ = '-';
        u = 0 - u;
    }
    unsigned rest = (unsigned)(u % 1000);
    decimal d = rest ? without_trailing_zeros((decimal){ u, -3 }) : (decimal){ u / 1000, 0 };
    return (size_t)(at - out) + put_plain(d, at);
}
