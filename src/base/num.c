/* num.c: text to numbers, as strconv.ParseFloat, ParseInt and ParseUint read it.
 *
 * A decimal is read once into (mantissa of at most 19 digits, exponent of ten). Then, cheapest first:
 *   1. Clinger's exact case: mantissa <= 2^53 and |exponent| <= 22: one multiplication or division rounds correctly;
 *   2. Eisel-Lemire (D. Lemire, "Number parsing at a gigabyte per second", 2021): a 64x128-bit product decides all but
 *      a few in a billion; with digits beyond the 19th, mantissa and mantissa + 1 must agree;
 *   3. strtod in the C locale on a bounded copy of the text.
 * Hex floats are rounded here by hand: a 64-bit mantissa with a sticky lowest bit.
 * Scrape lines come through num_parse() a million times a second, so (1) is laid out straight.               */
#include "base/num.h"
#include "num_pow10_rows.h"
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { MAX_DIGITS = 19, EXP_LIMIT = 10000, STRTOD_DIGITS = 800 };

/* A number as it stands in the text. */
typedef struct number {
    uint64_t mantissa; /* the first MAX_DIGITS significant digits (15 for hex) */
    int64_t exp;       /* of ten (of two for hex) */
    bool negative;
    bool inexact; /* non-zero digits were left out of mantissa */
    bytes digits; /* the digits and their point, for strtod */
} number;

static const double exact_pow10[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static inline bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(int c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* exponent = [sign] digits; the cursor stands behind the letter. Digits past EXP_LIMIT are dropped, as Go does. */
static bool read_exponent(cursor *c, int64_t *exp)
{
    bool negative = cursor_peek(c) == '-';
    if (negative || cursor_peek(c) == '+')
        c->at++;
    if (!is_digit(cursor_peek(c)))
        return false;
    int64_t v = 0;
    for (; is_digit(cursor_peek(c)); c->at++)
        if (v < EXP_LIMIT)
            v = v * 10 + (*c->at - '0');
    *exp = negative ? -v : v;
    return true;
}

/* mantissa = digits [ "." [digits] ] | "." digits ; then optional exponent. The cursor stands behind the sign. */
static bool read_decimal(cursor *c, number *n)
{
    const char *start = c->at;
    const char *end = c->end;
    const char *p = start;
    const char *point = NULL;
    uint64_t m = 0;
    int used = 0;         /* significant digits in m */
    int64_t dropped = 0;  /* digits before the point that are not in m */
    int64_t fraction = 0; /* digits behind the point that are in m */
    for (; p < end; p++) {
        unsigned d = (unsigned char)*p - '0';
        if (d > 9) {
            if (*p != '.' || point)
                break;
            point = p;
            continue;
        }
        if (used < MAX_DIGITS) {
            m = m * 10 + d;
            used += m != 0;
            fraction += point != NULL;
        } else {
            n->inexact |= d != 0;
            dropped += point == NULL;
        }
    }
    if (p - start == (point ? 1 : 0))
        return false;
    n->mantissa = m;
    n->digits = (bytes){ start, (size_t)(p - start) };
    n->exp = dropped - fraction;
    c->at = p;
    if (p < end && (*p | 0x20) == 'e') {
        int64_t exp;
        c->at++;
        if (!read_exponent(c, &exp))
            return false;
        n->exp += exp;
    }
    return c->at == end;
}

/* 0x mantissa p exponent; the cursor stands behind "0x". The exponent is required, as in Go. */
static bool read_hex(cursor *c, number *n)
{
    bool point = false, any = false;
    int used = 0;
    for (; c->at < c->end; c->at++) {
        int d = hex_digit((unsigned char)*c->at);
        if (*c->at == '.' && !point) {
            point = true;
            continue;
        }
        if (d < 0)
            break;
        any = true;
        if (used < 15) {
            n->mantissa = n->mantissa << 4 | (unsigned)d;
            used += n->mantissa != 0;
            n->exp -= point ? 4 : 0;
        } else {
            n->inexact |= d != 0;
            n->exp += point ? 0 : 4;
        }
    }
    int64_t exp;
    if (!any || cursor_left(c) == 0 || (*c->at | 0x20) != 'p')
        return false;
    c->at++;
    if (!read_exponent(c, &exp))
        return false;
    n->exp += exp;
    return cursor_done(c);
}

/* mantissa * 2^exp rounded to nearest even. The mantissa has at most 60 bits, so a sticky bit finds room. */
static double hex_value(const number *n)
{
    if (n->mantissa == 0)
        return 0;
    uint64_t m = n->mantissa << 1 | n->inexact;
    int64_t exp = n->exp - 1;
    int shift = __builtin_clzll(m);
    m <<= shift;
    exp -= shift; /* value = m * 2^exp, 2^63 <= m */
    if (exp + 63 > 1023)
        return HUGE_VAL;
    int drop = 64 - 53;
    if (exp + 63 < -1022) /* subnormal: fewer bits */
        drop += (int)(-1022 - (exp + 63) < 64 ? -1022 - (exp + 63) : 64);
    if (drop > 64)
        return 0;
    uint64_t kept = drop == 64 ? 0 : m >> drop;
    uint64_t rest = drop == 64 ? m : m << (64 - drop);
    const uint64_t half = UINT64_C(1) << 63;
    kept += rest > half || (rest == half && (kept & 1));
    return ldexp((double)kept, (int)exp + drop);
}

/* Eisel-Lemire: *out = w * 10^q rounded, w > 0. false: the product does not decide. */
static bool eisel_lemire(uint64_t w, int64_t q, double *out)
{
    enum { KEEP = 55 }; /* 53 bits, one for rounding, one for the product's own carry */
    if (q < POW10_FIRST) {
        *out = 0;
        return true;
    }
    if (q > 308) {
        *out = HUGE_VAL;
        return true;
    }
    int lz = __builtin_clzll(w);
    w <<= lz;
    const uint64_t *row = pow10_rows[q - POW10_FIRST];
    uint64_t row_low = row[1] + (q < 0 && q >= -27); /* these are exact only when rounded up */
    unsigned __int128 product = (unsigned __int128)row[0] * w;
    const uint64_t undecided = UINT64_MAX >> KEEP;
    if (((uint64_t)(product >> 64) & undecided) == undecided)
        product += (uint64_t)((unsigned __int128)row_low * w >> 64);
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if (low == UINT64_MAX && (q < -27 || q > 55))
        return false;
    int carry = (int)(high >> 63);
    int shift = carry + 64 - KEEP;
    uint64_t m = high >> shift;
    int exp = (int)(((152170 + 65536) * q) >> 16) + 63 + carry - lz + 1023; /* biased */
    if (exp <= 0) {
        if (exp <= -63) {
            *out = 0;
            return true;
        }
        m >>= 1 - exp;
        m = (m + (m & 1)) >> 1;
        *out = num_from_bits(m); /* m == 2^52 carries into the smallest normal by itself */
        return true;
    }
    /* exactly between two floats: only for these q can that be, and then the even one is right */
    if (low <= 1 && q >= -4 && q <= 23 && (m & 3) == 1 && m << shift == high)
        m &= ~UINT64_C(1);
    m = (m + (m & 1)) >> 1;
    if (m == UINT64_C(1) << 53) {
        m >>= 1;
        exp++;
    }
    *out = exp >= 0x7ff ? HUGE_VAL : num_from_bits((m & ((UINT64_C(1) << 52) - 1)) | (uint64_t)exp << 52);
    return true;
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Digits without point, leading zeros cut; those behind the 800th only as one non-zero digit: no float's boundary has
 * more. So the text is bounded whatever the input is. */
static double by_strtod(const number *n)
{
    char text[STRTOD_DIGITS + 40];
    size_t len = 0;
    int64_t exp = n->exp;
    bool sticky = false;
    int significant = 0;
    for (size_t i = 0; i < n->digits.len; i++) {
        char d = n->digits.p[i];
        if (d == '.' || (d == '0' && len == 0))
            continue;
        significant++;
        if (len < STRTOD_DIGITS)
            text[len++] = d;
        else
            sticky |= d != '0';
    }
    /* exp counts from the end of the first MAX_DIGITS digits; here the text ends later. */
    int64_t kept = significant < MAX_DIGITS ? significant : MAX_DIGITS;
    exp -= (int64_t)len - kept;
    if (sticky) {
        text[len++] = '1';
        exp--;
    }
    text[len++] = 'e';
    len += num_format_i64(exp, text + len);
    text[len] = '\0';
    pthread_once(&c_locale_once, c_locale_make);
    return strtod_l(text, NULL, c_locale);
}

static double decimal_value(const number *n)
{
    if (n->mantissa == 0)
        return 0;
    double low, high;
    if (eisel_lemire(n->mantissa, n->exp, &low)
        && (!n->inexact || (eisel_lemire(n->mantissa + 1, n->exp, &high) && low == high)))
        return low;
    return by_strtod(n);
}

static bool parse_special(bytes word, bool has_sign, bool negative, double *out)
{
    if (bytes_eq_nocase(word, BYTES("inf")) || bytes_eq_nocase(word, BYTES("infinity"))) {
        *out = negative ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    if (!has_sign && bytes_eq_nocase(word, BYTES("nan"))) {
        *out = num_from_bits(UINT64_C(0x7ff8000000000001)); /* as Go's math.NaN() */
        return true;
    }
    return false;
}

/* Everything but Clinger's case. */
static bool parse_slow(cursor c, number *n, bool has_sign, double *out, bool *range)
{
    bytes word = { c.at, cursor_left(&c) };
    double v;
    if (word.len > 2 && word.p[0] == '0' && (word.p[1] | 0x20) == 'x') {
        *n = (number){ .negative = n->negative };
        c.at += 2;
        if (!read_hex(&c, n))
            return false;
        v = hex_value(n);
    } else if (n->digits.len) {
        v = decimal_value(n);
    } else {
        return parse_special(word, has_sign, n->negative, out);
    }
    *out = n->negative ? -v : v;
    if (range)
        *range = isinf(v);
    return !isinf(v);
}

bool num_parse(bytes s, double *out, bool *range)
{
    cursor c = cursor_of(s);
    number n = { 0 };
    if (range)
        *range = false;
    n.negative = cursor_peek(&c) == '-';
    bool has_sign = n.negative || cursor_peek(&c) == '+';
    c.at += has_sign;
    cursor body = c;
    if (!read_decimal(&c, &n))
        n.digits.len = 0;
    else if (n.mantissa <= UINT64_C(1) << 53 && n.exp >= -22 && n.exp <= 22 && !n.inexact) {
        double v = (double)n.mantissa;
        v = n.exp < 0 ? v / exact_pow10[-n.exp] : v * exact_pow10[n.exp];
        *out = n.negative ? -v : v;
        return true;
    }
    return parse_slow(body, &n, has_sign, out, range);
}

bool num_parse_u64(bytes s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len > 0 && s.p[0] == '+')
        s = bytes_sub(s, 1, s.len);
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit((unsigned char)s.p[i]) || __builtin_mul_overflow(v, 10, &v)
            || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    *out = v;
    return s.len > 0;
}

bool num_parse_i64(bytes s, int64_t *out)
{
    bool negative = s.len > 0 && s.p[0] == '-';
    uint64_t u;
    if (!num_parse_u64(negative ? bytes_sub(s, 1, s.len) : s, &u) || (negative && s.p[1] == '+'))
        return false;
    if (u > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - u) : (int64_t)u;
    return true;
}
