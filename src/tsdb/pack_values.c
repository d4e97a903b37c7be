/* pack_values.c: a column of doubles as integers where that is exact, and the cheapest way to write those.
 *
 * Exporters print short decimals, so nearly every column is i / 10^e with one small e; some compute milli-, micro- or
 * nanoseconds by a multiplication, which gives another double than the decimal nearest to it, so those products are
 * scales of their own (the table `scales`). A scale is taken only if it gives back every value bit for bit. Values that
 * it cannot hold (NaN, staleness marks, infinities, -0, an odd one out) go to a short list of exceptions; their places
 * in the column repeat the number before. Integers with common trailing zero bits (memory in pages) lose them.
 * Then: constant, constant difference, else the smallest of differences, differences of differences and distances from
 * the minimum, written as varints for zstd, or Rice coded where their entropy says that zstd would gain nothing.
 * What no scale holds is XORed with the value before, byte by byte.
 *
 *   column values = [ exceptions ] scale ...                                       (docs/format/pack.md)
 * Invariant: decoding is exact: any input bits come back; and any input bytes are safe to decode. */
#include "tsdb/pack_impl.h"
#include "base/num.h"
#include <assert.h>
#include <math.h>

/* ---- scales ---- */
enum {
    SCALE_POWERS = 16,          /* 0..15: i / 10^scale */
    SCALE_MILLI = 16,           /* i * 1e-3, i * 1e-6, i * 1e-9 */
    SCALE_MICRO_BY_DIVISION = 19, /* i / 1000 / 1000 */
    SCALE_N = 20,
    SCALE_BITS = 31,            /* no number: the double's bits (constant columns only) */
    SCALE_SHIFT = 0x20,         /* flag: a shift follows */
};
static const struct {
    double up, down;            /* i = round(v * up); v = i / down, or i * down, or i / down / down */
} scales[SCALE_N] = {
    { 1, 1 },      { 1e1, 1e1 },   { 1e2, 1e2 },   { 1e3, 1e3 },   { 1e4, 1e4 },   { 1e5, 1e5 },   { 1e6, 1e6 },
    { 1e7, 1e7 },  { 1e8, 1e8 },   { 1e9, 1e9 },   { 1e10, 1e10 }, { 1e11, 1e11 }, { 1e12, 1e12 }, { 1e13, 1e13 },
    { 1e14, 1e14 }, { 1e15, 1e15 }, { 1e3, 1e-3 }, { 1e6, 1e-6 },  { 1e9, 1e-9 },  { 1e6, 1e3 },
};

static inline double scale_up(int64_t i, unsigned scale)
{
    double down = scales[scale].down;
    if (scale < SCALE_POWERS)
        return (double)i / down;
    return scale == SCALE_MICRO_BY_DIVISION ? (double)i / down / down : (double)i * down;
}

/* Is v exactly a number at that scale? Integers stay below 2^53, where each has its double. */
static inline bool fits(double v, unsigned scale, int64_t *out)
{
    double x = v * scales[scale].up;
    if (!(fabs(x) < 9007199254740992.0))
        return false;
    int64_t i = llrint(x);
    *out = i;
    return num_bits(scale_up(i, scale)) == num_bits(v);
}

/* Numbers at `scale`; what does not fit becomes an exception. false: more than max of those. */
static bool try_scale(values_scratch *w, const double *v, size_t n, unsigned scale, size_t max, size_t *n_except)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (fits(v[i], scale, &w->x[i]))
            continue;
        if (bad == max)
            return false;
        w->except[bad++] = (uint16_t)i;
        w->x[i] = i ? w->x[i - 1] : 0;
    }
    *n_except = bad;
    return true;
}

/* The smallest power of ten that holds all values which some power holds; SCALE_N when more than max have none. */
static unsigned decimal_exponent(const double *v, size_t n, size_t max)
{
    unsigned e = 0;
    size_t bad = 0;
    int64_t x;
    for (size_t i = 0; i < n; i++) {
        unsigned k = e;
        while (k < SCALE_POWERS && !fits(v[i], k, &x))
            k++;
        if (k < SCALE_POWERS)
            e = k;
        else if (bad++ == max)
            return SCALE_N;
    }
    return e;
}

/* Integers of the column in w->x, exceptions in w->except; SCALE_N: no scale holds it. */
static unsigned choose_scale(values_scratch *w, const double *v, size_t n, size_t *n_except)
{
    size_t max = n / 8 + 1;
    unsigned e = decimal_exponent(v, n, max);
    if (e < SCALE_N && try_scale(w, v, n, e, max, n_except) && *n_except <= n / 32 + 1)
        return e;
    for (unsigned s = SCALE_MILLI; s < SCALE_N; s++)
        if (try_scale(w, v, n, s, n / 32 + 1, n_except))
            return s;
    return e < SCALE_N && try_scale(w, v, n, e, max, n_except) ? e : SCALE_N;
}

/* Values in front of the first number repeat it, so that an exception there makes no jump. */
static void fill_front(values_scratch *w, size_t n_except)
{
    size_t k = 0;
    while (k < n_except && w->except[k] == k)
        k++;
    for (size_t i = 0; i < k; i++)
        w->x[i] = w->x[k];
}

/* ---- writing ---- */
static void put_exceptions(const values_scratch *w, const double *v, size_t n_except, buf *out)
{
    buf_put_varint(out, n_except);
    size_t at = 0;
    for (size_t i = 0; i < n_except; i++) {
        buf_put_varint(out, w->except[i] - at);
        buf_put_u64(out, num_bits(v[w->except[i]]));
        at = w->except[i] + 1;
    }
}

/* Drops the trailing zero bits that all integers share; how many. */
static unsigned drop_zero_bits(int64_t *x, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= (uint64_t)x[i];
    unsigned shift = all ? (unsigned)__builtin_ctzll(all) : 0;
    if (shift < 2)
        return 0;
    for (size_t i = 0; i < n; i++)
        x[i] >>= shift;
    return shift;
}

/* Bytes that an ideal coder of single bytes would need: what zstd makes of varints without repetitions, nearly. */
static double entropy_bytes(const uint8_t *p, size_t n)
{
    uint32_t count[256] = { 0 };
    double bits = 0;
    for (size_t i = 0; i < n; i++)
        count[p[i]]++;
    for (int b = 0; b < 256; b++)
        if (count[b])
            bits += count[b] * log2((double)n / count[b]);
    return bits / 8;
}

enum { RICE_OVERHEAD = 16 };   /* bits: the parameter, the length of the bits */

typedef struct integers {
    uint8_t kind;
    const uint64_t *z;       /* what follows the head */
    size_t n;
    size_t varint_bytes;
} integers;

/* The three ways to write the integers, each measured in varint bytes. Differences cannot overflow: |x| < 2^53. The
 * smallest of them. */
static int64_t list_kinds(values_scratch *w, size_t n, integers out[3])
{
    const int64_t *x = w->x;
    int64_t min = x[0];
    size_t len[3] = { 0 };
    for (size_t i = 1; i < n; i++) {
        int64_t d = x[i] - x[i - 1];
        w->delta[i] = zigzag(d);
        w->delta2[i] = zigzag(i > 1 ? d - (x[i - 1] - x[i - 2]) : d);
        len[0] += varint_len(w->delta[i]);
        len[1] += varint_len(w->delta2[i]);
        min = x[i] < min ? x[i] : min;
    }
    for (size_t i = 0; i < n; i++) {
        w->offset[i] = (uint64_t)(x[i] - min);
        len[2] += varint_len(w->offset[i]);
    }
    out[0] = (integers){ COLUMN_DELTA, w->delta + 1, n - 1, len[0] };
    out[1] = (integers){ COLUMN_DELTA2, w->delta2 + 1, n - 1, len[1] };
    out[2] = (integers){ COLUMN_OFFSET, w->offset, n, len[2] };
    return min;
}

static uint8_t put_integers(values_scratch *w, size_t n, buf *column, buf *bits)
{
    integers ways[3];
    int64_t min = list_kinds(w, n, ways);
    const integers *best = &ways[0], *rice = NULL;
    for (int i = 1; i < 3; i++)
        if (ways[i].varint_bytes < best->varint_bytes)
            best = &ways[i];
    uint8_t *end = w->text;
    for (size_t i = 0; i < best->n; i++)
        end = put_varint(end, best->z[i]);
    /* Rice codes must be shorter than the entropy of the varints */
    uint64_t limit = (uint64_t)(entropy_bytes(w->text, (size_t)(end - w->text)) * 8);
    unsigned k = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t cost;
        unsigned ki = rice_choose(ways[i].z, ways[i].n, limit, &cost);
        if (cost >= limit || limit - cost < RICE_OVERHEAD)
            continue;
        rice = &ways[i];
        limit = cost;
        k = ki;
    }
    bool is_noise = rice != NULL;
    if (is_noise)
        best = rice;
    buf_put_zigzag(column, best->kind == COLUMN_OFFSET ? min : w->x[0]);
    if (is_noise) {
        buf_putc(column, (char)k);
        rice_encode(best->z, best->n, k, bits);
        return best->kind | COLUMN_RICE;
    }
    buf_put(column, w->text, (size_t)(end - w->text));
    return best->kind;
}

static uint8_t put_numbers(values_scratch *w, size_t n, unsigned scale, buf *column, buf *bits)
{
    bool linear = true;
    int64_t step = n > 1 ? w->x[1] - w->x[0] : 0;
    for (size_t i = 1; i < n; i++)
        linear &= w->x[i] - w->x[i - 1] == step;
    unsigned shift = linear ? 0 : drop_zero_bits(w->x, n);
    buf_putc(column, (char)(scale | (shift ? SCALE_SHIFT : 0)));
    if (shift)
        buf_putc(column, (char)shift);
    if (!linear)
        return put_integers(w, n, column, bits);
    buf_put_zigzag(column, w->x[0]);
    if (step == 0)
        return COLUMN_CONST;
    buf_put_zigzag(column, step);
    return COLUMN_LINEAR;
}

/* n control bytes (leading zero bytes << 4 | bytes that follow; 0: the same value), then the bytes, high ones first. */
static uint8_t put_xor(values_scratch *w, const double *v, size_t n, buf *column)
{
    uint8_t *control = w->text, *data = w->text + n;
    uint64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = num_bits(v[i]) ^ last;
        last ^= x;
        if (x == 0) {
            *control++ = 0;
            continue;
        }
        unsigned lead = (unsigned)__builtin_clzll(x) / 8, trail = (unsigned)__builtin_ctzll(x) / 8;
        *control++ = (uint8_t)(lead << 4 | (8 - lead - trail));
        for (unsigned b = 8 - lead; b-- > trail;)
            *data++ = (uint8_t)(x >> (b * 8));
    }
    buf_put(column, w->text, (size_t)(data - w->text));
    return COLUMN_XOR;
}

static bool all_same(const double *v, size_t n)
{
    return n == 1 || memcmp(v, v + 1, (n - 1) * sizeof *v) == 0;
}

uint8_t values_encode(values_scratch *w, const double *v, size_t n, buf *column, buf *bits)
{
    assert(n > 0 && n <= PACK_MAX_SAMPLES);
    size_t n_except = 0;
    if (all_same(v, n)) {
        unsigned scale = decimal_exponent(v, 1, 0);
        if (scale < SCALE_N && fits(v[0], scale, w->x))
            return put_numbers(w, 1, scale, column, bits);
        buf_putc(column, SCALE_BITS);
        buf_put_u64(column, num_bits(v[0]));
        return COLUMN_CONST;
    }
    unsigned scale = choose_scale(w, v, n, &n_except);
    if (scale == SCALE_N || n_except == n)
        return put_xor(w, v, n, column);
    if (n_except)
        put_exceptions(w, v, n_except, column);
    fill_front(w, n_except);
    return put_numbers(w, n, scale, column, bits) | (n_except ? COLUMN_EXCEPT : 0);
}

/* ---- reading ---- */
/* n varints, the usual one-byte case in a tight loop. */
static bool get_varints(cursor *c, uint64_t *z, size_t n)
{
    const uint8_t *p = (const uint8_t *)c->at, *end = (const uint8_t *)c->end;
    for (size_t i = 0; i < n; i++) {
        if (p < end && *p < 128) {
            z[i] = *p++;
            continue;
        }
        if (end - p >= 2 && p[1] < 128) {
            z[i] = (uint64_t)(p[0] & 127) | (uint64_t)p[1] << 7;
            p += 2;
            continue;
        }
        c->at = (const char *)p;
        if (!cursor_varint(c, &z[i]))
            return false;
        p = (const uint8_t *)c->at;
    }
    c->at = (const char *)p;
    return true;
}

/* Integers of each kind from what was stored. Sums wrap: a damaged column gives other numbers, nothing worse. */
static void add_up(uint8_t kind, uint64_t first, const uint64_t *z, size_t n, int64_t *x)
{
    uint64_t at = first, delta = 0;
    if (kind == COLUMN_OFFSET) {
        for (size_t i = 0; i < n; i++)
            x[i] = (int64_t)(first + z[i]);
        return;
    }
    x[0] = (int64_t)at;
    for (size_t i = 1; i < n; i++) {
        uint64_t d = (uint64_t)unzigzag(z[i - 1]);
        delta = kind == COLUMN_DELTA2 ? delta + d : d;
        at += delta;
        x[i] = (int64_t)at;
    }
}

static void scale_all(const int64_t *x, size_t n, unsigned scale, unsigned shift, double *out)
{
    if (scale == 0)
        for (size_t i = 0; i < n; i++)
            out[i] = (double)(int64_t)((uint64_t)x[i] << shift);
    else if (scale < SCALE_POWERS)
        for (size_t i = 0; i < n; i++)
            out[i] = (double)(int64_t)((uint64_t)x[i] << shift) / scales[scale].down;
    else
        for (size_t i = 0; i < n; i++)
            out[i] = scale_up((int64_t)((uint64_t)x[i] << shift), scale);
}

static void fill(double *out, size_t n, double v)
{
    for (size_t i = 0; i < n; i++)
        out[i] = v;
}

static bool get_xor(cursor *c, size_t n, double *out)
{
    bytes control;
    uint64_t last = 0;
    if (!cursor_bytes(c, n, &control))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned ctl = (uint8_t)control.p[i], lead = ctl >> 4, len = ctl & 15;
        uint64_t x = 0;
        bytes part;
        if (lead + len > 8 || !cursor_bytes(c, len, &part))
            return false;
        for (unsigned b = 0; b < len; b++)
            x |= (uint64_t)(uint8_t)part.p[b] << (56 - 8 * (lead + b));
        last ^= x;
        out[i] = num_from_bits(last);
    }
    return true;
}

static bool get_integers(values_scratch *w, uint8_t form, cursor *c, bytes bits, size_t n, int64_t first)
{
    uint8_t kind = form & COLUMN_KIND_MASK;
    size_t n_z = kind == COLUMN_OFFSET ? n : n - 1;
    if (form & COLUMN_RICE) {
        int k = cursor_peek(c);
        if (k < 0 || !rice_decode(bits, (unsigned)k, w->delta, n_z))
            return false;
        c->at++;
    } else if (!get_varints(c, w->delta, n_z)) {
        return false;
    }
    add_up(kind, (uint64_t)first, w->delta, n, w->x);
    return true;
}

static bool get_scale(cursor *c, unsigned *scale, unsigned *shift)
{
    int head = cursor_peek(c);
    if (head < 0)
        return false;
    c->at++;
    *scale = (unsigned)head & 31;
    *shift = 0;
    if (!(head & SCALE_SHIFT))
        return head == SCALE_BITS || (head < 64 && *scale < SCALE_N);
    int s = cursor_peek(c);
    c->at += s >= 0;
    *shift = (unsigned)s;
    return s >= 0 && s < 64 && head < 64 && *scale < SCALE_N;
}

static bool get_numbers(values_scratch *w, uint8_t form, cursor *c, bytes bits, size_t n, double *out)
{
    unsigned scale, shift;
    int64_t first, step;
    uint64_t u;
    uint8_t kind = form & COLUMN_KIND_MASK;
    if (!get_scale(c, &scale, &shift))
        return false;
    if (scale == SCALE_BITS) {
        if (kind != COLUMN_CONST || !cursor_u64(c, &u))
            return false;
        fill(out, n, num_from_bits(u));
        return true;
    }
    if (!cursor_zigzag(c, &first))
        return false;
    switch (kind) {
    case COLUMN_CONST:
        scale_all(&first, 1, scale, shift, out);
        fill(out, n, out[0]);
        return true;
    case COLUMN_LINEAR:
        if (!cursor_zigzag(c, &step))
            return false;
        for (size_t i = 0; i < n; i++)
            w->x[i] = (int64_t)((uint64_t)first + i * (uint64_t)step);
        break;
    case COLUMN_DELTA:
    case COLUMN_DELTA2:
    case COLUMN_OFFSET:
        if (!get_integers(w, form, c, bits, n, first))
            return false;
        break;
    default:
        return false;
    }
    scale_all(w->x, n, scale, shift, out);
    return true;
}

/* Puts the exceptions, which stand at `list`, over the numbers. */
static bool put_back(cursor *list, size_t n, double *out)
{
    uint64_t count, gap, u;
    size_t at = 0;
    if (!cursor_varint(list, &count) || count > n)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (!cursor_varint(list, &gap) || gap >= n - at || !cursor_u64(list, &u))
            return false;
        at += gap;
        if (out)
            out[at] = num_from_bits(u);
        at++;
        if (at >= n && i + 1 < count)
            return false;
    }
    return true;
}

bool values_decode(values_scratch *w, uint8_t form, cursor *column, bytes bits, size_t n, double *out)
{
    cursor list = *column;
    if ((form & COLUMN_EXCEPT) && !put_back(column, n, NULL))
        return false;
    bool ok = (form & COLUMN_KIND_MASK) == COLUMN_XOR ? get_xor(column, n, out)
                                                       : get_numbers(w, form, column, bits, n, out);
    return ok && (!(form & COLUMN_EXCEPT) || put_back(&list, n, out));
}
