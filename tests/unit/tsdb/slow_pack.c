/* slow_pack.c: a second decoder of packs, written from docs/format/pack.md and nothing else: byte by byte, one value at
 * a time. */
#include "disk.h"
#include "base/num.h"
#include <stdlib.h>
#include <zstd.h>

typedef struct reader {
    const uint8_t *p;
    size_t len, at;
    bool bad;
} reader;

static uint64_t byte_of(reader *r)
{
    if (r->at >= r->len) {
        r->bad = true;
        return 0;
    }
    return r->p[r->at++];
}

static uint64_t varint_of(reader *r)
{
    uint64_t x = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint64_t b = byte_of(r);
        x |= (b & 127) << shift;
        if (b < 128)
            return x;
    }
    r->bad = true;
    return 0;
}

static int64_t zigzag_of(reader *r)
{
    uint64_t u = varint_of(r);
    return u & 1 ? (int64_t) ~(u >> 1) : (int64_t)(u >> 1);
}

static uint64_t fixed_of(reader *r)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x |= byte_of(r) << (8 * i);
    return x;
}

static reader part_of(reader *r, size_t len)
{
    reader part = { .p = r->p + r->at, .len = len };
    if (len > r->len - r->at)
        r->bad = part.bad = true;
    r->at += len;
    return part;
}

static int bit_of(reader *r, size_t *bit)
{
    size_t at = (*bit)++;
    if (at / 8 >= r->len) {
        r->bad = true;
        return 0;
    }
    return r->p[at / 8] >> (at % 8) & 1;
}

static uint64_t bits_of(reader *r, size_t *bit, unsigned n)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < n; i++)
        x |= (uint64_t)bit_of(r, bit) << i;
    return x;
}

static uint64_t rice_of(reader *r, size_t *bit, unsigned k)
{
    unsigned q = 0;
    while (!r->bad && !bit_of(r, bit))
        q++;
    return q == 24 ? bits_of(r, bit, 64) : (uint64_t)q << k | bits_of(r, bit, k);
}

static double scaled(int64_t i, unsigned scale)
{
    static const double powers[16] = { 1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    switch (scale) {
    case 16: return (double)i * 1e-3;
    case 17: return (double)i * 1e-6;
    case 18: return (double)i * 1e-9;
    case 19: return (double)i / 1000 / 1000;
    default: return (double)i / powers[scale];
    }
}

static size_t read_times(reader *r, int64_t *t)
{
    uint64_t head = varint_of(r);
    size_t n = head >> 1;
    t[0] = zigzag_of(r);
    uint64_t delta = n > 1 ? varint_of(r) : 0;
    for (size_t i = 1; i < n && n <= 1024; i++) {
        if (i > 1 && !(head & 1))
            delta += (uint64_t)zigzag_of(r);
        t[i] = (int64_t)((uint64_t)t[i - 1] + delta);
    }
    return n;
}

static size_t read_presence(reader *r, const int64_t *line, size_t n_line, int64_t *t)
{
    size_t n = 0, at = 0;
    uint64_t runs = varint_of(r);
    for (uint64_t k = 0; k < runs && !r->bad; k++) {
        uint64_t len = varint_of(r);
        for (uint64_t i = 0; i < len && at < n_line; i++, at++)
            if (k % 2)
                t[n++] = line[at];
    }
    return n;
}

static void read_xor(reader *r, size_t n, double *v)
{
    reader control = part_of(r, n);
    uint64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t c = byte_of(&control), lead = c >> 4, len = c & 15;
        for (uint64_t b = 0; b < len; b++)
            last ^= byte_of(r) << (56 - 8 * (lead + b));
        v[i] = num_from_bits(last);
    }
}

static void read_numbers(reader *r, reader bits, unsigned form, size_t n, double *v)
{
    unsigned head = (unsigned)byte_of(r), scale = head & 31, kind = form & 7,
             shift = head & 32 ? (unsigned)byte_of(r) : 0;
    if (scale == 31) {
        uint64_t u = fixed_of(r);
        for (size_t i = 0; i < n; i++)
            v[i] = num_from_bits(u);
        return;
    }
    int64_t x = zigzag_of(r), step = kind == 1 ? zigzag_of(r) : 0, min = x;
    size_t bit = 0;
    unsigned k = form & 8 ? (unsigned)byte_of(r) : 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t z = 0;
        if (kind == 4 || (kind > 1 && i > 0))
            z = form & 8 ? rice_of(&bits, &bit, k) : varint_of(r);
        int64_t d = z & 1 ? (int64_t) ~(z >> 1) : (int64_t)(z >> 1);
        if (kind == 2)
            step = d;
        if (kind == 3)
            step += d;
        if (kind == 4)
            x = min + (int64_t)z;
        else if (i > 0)
            x += step;
        v[i] = scaled(x * ((int64_t)1 << shift), scale);
    }
    r->bad |= bits.bad;
}

static bool read_column(reader r, reader bits, reader lines, sample_columns *out)
{
    static int64_t line[1024], t[1024];
    static double v[1024];
    unsigned form = (unsigned)byte_of(&r);
    size_t n;
    if (form & 16) {
        n = read_times(&r, t);
    } else {
        uint64_t number = form & 128 ? byte_of(&r) : 0;
        size_t n_line = 0;
        for (uint64_t i = 0; i <= number; i++)
            n_line = read_times(&lines, line);
        n = n_line;
        memcpy(t, line, n * sizeof *t);
        if (form & 32)
            n = read_presence(&r, line, n_line, t);
    }
    reader list = r;
    if (form & 64)
        for (uint64_t i = varint_of(&r); i > 0; i--) {
            varint_of(&r);
            fixed_of(&r);
        }
    if ((form & 7) == 5)
        read_xor(&r, n, v);
    else
        read_numbers(&r, bits, form, n, v);
    if (form & 64) {
        size_t at = 0;
        for (uint64_t i = varint_of(&list); i > 0; i--) {
            at += varint_of(&list);
            v[at++] = num_from_bits(fixed_of(&list));
        }
    }
    for (size_t i = 0; i < n; i++)
        put_columns(out, t[i], v[i]);
    return !r.bad && r.at == r.len;
}

bool slow_pack_read(bytes blob, uint32_t slot, sample_columns *out)
{
    reader r = { .p = (const uint8_t *)blob.p, .len = blob.len, .at = 8 };
    uint8_t frame_of[256];
    uint64_t raw_len[16], stored[16], n_bits[16];
    if (byte_of(&r) != 1)
        return false;
    zigzag_of(&r);
    varint_of(&r);
    uint64_t n_slots = varint_of(&r);
    for (uint64_t i = 0; i < n_slots;) {
        uint8_t frame = (uint8_t)byte_of(&r);
        for (uint64_t len = varint_of(&r); len > 0; len--)
            frame_of[i++] = frame;
    }
    uint64_t n_frames = varint_of(&r);
    for (uint64_t k = 0; k < n_frames; k++) {
        raw_len[k] = varint_of(&r);
        stored[k] = varint_of(&r);
        n_bits[k] = varint_of(&r);
    }
    size_t lines_len = varint_of(&r);
    reader lines = part_of(&r, lines_len);
    if (r.bad || slot >= n_slots)
        return false;
    if (frame_of[slot] == 255)
        return true;
    for (uint64_t k = 0; k < frame_of[slot]; k++)
        part_of(&r, stored[k] + n_bits[k]);
    uint64_t k = frame_of[slot];
    reader packed = part_of(&r, stored[k]), all_bits = part_of(&r, n_bits[k]);
    uint8_t *raw = malloc(raw_len[k] + 1);
    if (stored[k] == raw_len[k])
        memcpy(raw, packed.p, raw_len[k]);
    else if (ZSTD_decompress(raw, raw_len[k], packed.p, stored[k]) != raw_len[k])
        return false;
    reader frame = { .p = raw, .len = raw_len[k] };
    size_t len[256], bit_len[256], n = 0, rank = 0;
    for (uint64_t i = 0; i < n_slots; i++) {
        if (frame_of[i] != k)
            continue;
        if (i == slot)
            rank = n;
        uint64_t head = varint_of(&frame);
        len[n] = head >> 1;
        bit_len[n++] = head & 1 ? varint_of(&frame) : 0;
    }
    for (size_t i = 0; i < rank; i++) {
        part_of(&frame, len[i]);
        part_of(&all_bits, bit_len[i]);
    }
    bool ok = read_column(part_of(&frame, len[rank]), part_of(&all_bits, bit_len[rank]), lines, out) && !r.bad;
    free(raw);
    return ok;
}
