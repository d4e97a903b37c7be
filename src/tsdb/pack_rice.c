/* pack_rice.c: Rice codes: numbers whose low bits are noise, at close to their entropy.
 *
 * A number z is z >> k zeros, a one, and its k low bits, all from the low end of the stream upwards. RICE_ESCAPE zeros
 * and a one announce 64 plain bits, so that one outlier costs no more than that. zstd sees none of it: noise does not
 * shrink, and mixed with other bytes it would spoil their statistics. */
#include "tsdb/pack_impl.h"

enum { RICE_ESCAPE = 24, RICE_MAX_K = 31 };   /* 24 + 1 + 31 bits fit into one 57-bit load */

static uint64_t cost(const uint64_t *z, size_t n, unsigned k)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t q = z[i] >> k;
        sum += q < RICE_ESCAPE ? q + 1 + k : RICE_ESCAPE + 1 + 64;
    }
    return sum;
}

unsigned rice_choose(const uint64_t *z, size_t n, uint64_t limit, uint64_t *n_bits)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)z[i];
    double mean = sum / (double)n;
    unsigned k = 0;
    while (k < RICE_MAX_K && (double)(UINT64_C(2) << k) < mean)
        k++;
    *n_bits = UINT64_MAX;
    if (n * (k > 2 ? k - 2 : 0) > limit) /* a smaller k than that is best only for tails heavier than any seen */
        return k;
    uint64_t best = cost(z, n, k);
    for (unsigned i = k; i > 0;) {          /* a heavy tail pulls the mean up, seldom down */
        uint64_t c = cost(z, n, --i);
        if (c >= best)
            break;
        best = c;
        k = i;
    }
    uint64_t up = k < RICE_MAX_K ? cost(z, n, k + 1) : UINT64_MAX;
    if (up < best) {
        best = up;
        k++;
    }
    *n_bits = best;
    return k;
}

/* ---- writing ---- */
typedef struct bit_writer {
    buf *out;
    uint64_t word;
    unsigned fill;
} bit_writer;

/* Puts the low `len` <= 32 bits of x. */
static void put_bits(bit_writer *w, uint64_t x, unsigned len)
{
    w->word |= x << w->fill;
    w->fill += len;
    if (w->fill >= 32) {
        buf_put_u32(w->out, (uint32_t)w->word);
        w->word >>= 32;
        w->fill -= 32;
    }
}

void rice_encode(const uint64_t *z, size_t n, unsigned k, buf *out)
{
    bit_writer w = { .out = out };
    for (size_t i = 0; i < n; i++) {
        uint64_t q = z[i] >> k;
        if (q < RICE_ESCAPE) {
            put_bits(&w, UINT64_C(1) << q, (unsigned)q + 1);
            put_bits(&w, z[i] & ((UINT64_C(1) << k) - 1), k);
            continue;
        }
        put_bits(&w, UINT64_C(1) << RICE_ESCAPE, RICE_ESCAPE + 1);
        put_bits(&w, z[i] & UINT32_MAX, 32);
        put_bits(&w, z[i] >> 32, 32);
    }
    for (; w.fill > 0; w.fill = w.fill > 8 ? w.fill - 8 : 0, w.word >>= 8)
        buf_putc(out, (char)w.word);
}

/* ---- reading ---- */
/* 57 bits at least from bit `at` on; bits behind the end read as zero. */
static inline uint64_t load_bits(const uint8_t *p, size_t len, size_t at)
{
    size_t byte = at >> 3;
    uint64_t w = 0;
    if (byte + 8 <= len)
        memcpy(&w, p + byte, 8);
    else if (byte < len)
        memcpy(&w, p + byte, len - byte);
    return w >> (at & 7);
}

bool rice_decode(bytes bits, unsigned k, uint64_t *z, size_t n)
{
    const uint8_t *p = (const uint8_t *)bits.p;
    size_t at = 0, end = bits.len * 8;
    if (k > RICE_MAX_K)
        return false;
    uint64_t mask = (UINT64_C(1) << k) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t w = load_bits(p, bits.len, at);
        unsigned q = w ? (unsigned)__builtin_ctzll(w) : 64;
        if (q < RICE_ESCAPE) {
            z[i] = (uint64_t)q << k | (w >> (q + 1) & mask);
            at += q + 1 + k;
        } else if (q == RICE_ESCAPE) {
            at += RICE_ESCAPE + 1;
            z[i] = (load_bits(p, bits.len, at) & UINT32_MAX) | load_bits(p, bits.len, at + 32) << 32;
            at += 64;
        } else {
            return false;
        }
        if (at > end)
            return false;
    }
    return true;
}
