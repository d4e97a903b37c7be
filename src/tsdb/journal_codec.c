/* journal_codec.c: see journal_codec.h.
 *
 * Samples of one batch mostly share a time, come in the order in which their series were defined, and seven in ten have
 * the value they had before. So refs and times are runs, and a value is one control byte: 0 for "as before", a scale
 * with the difference of two decimals, or the XOR with the value before. zstd then makes of the control bytes next to
 * nothing.
 *
 *   batch  = codec(0 plain, 1 zstd) varint(raw length) raw
 *   raw    = varint(n_defs) varint(n_samples) { def } { ref run } { time run } { control } { value bytes }
 *   def    = zigzag(ref - ref before - 1) u64(group) varint(length) labels, packed
 *   run    = zigzag(ref - (last ref + 1)) varint(count)   |   zigzag(t - t before) varint(count)
 *   control= 0 as before | lead << 4 | len: XOR, lead < 8 | 0x80 | scale: zigzag varint of the difference
 *
 * Invariants: (1) both sides know per defined ref the bits of its last value, 0 after the definition; (2) encoding
 * takes a scale only after computing what the decoder will compute, so the bits are the same; (3) any bytes are safe to
 * decode. */
#include "tsdb/journal_codec.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/vec.h"
#include <assert.h>
#include <math.h>
#include <zstd.h>

enum { ZSTD_LEVEL = 1, PLAIN = 0, ZSTD = 1, SMALL = 64, CONTROL_SCALE = 0x80 };
/* Buffers above this are given back after a batch. */
enum { KEEP_BYTES = 512 * 1024 };

/* ---- decimals ---- */
enum { N_SCALES = 13, N_POWERS = 10 };
static const double scale_up[N_SCALES] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e3, 1e6, 1e9 };
static const double scale_down[N_SCALES] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e-3, 1e-6, 1e-9 };

/* The integer next to v at a scale; false where it would not be exact in a double. */
static inline bool to_integer(double v, unsigned scale, int64_t *out)
{
    double x = v * scale_up[scale];
    if (!(fabs(x) < 9007199254740992.0))
        return false;
    *out = llrint(x);
    return true;
}

static inline double from_integer(int64_t i, unsigned scale)
{
    return scale < N_POWERS ? (double)i / scale_down[scale] : (double)i * scale_down[scale];
}

/* The difference that leads from `last` to v at that scale, if one does so exactly. */
static inline bool decimal_step(double last, double v, unsigned scale, int64_t *d)
{
    int64_t from, to;
    if (!to_integer(last, scale, &from) || !to_integer(v, scale, &to)
        || num_bits(from_integer(to, scale)) != num_bits(v))
        return false;
    *d = to - from;
    return true;
}

static inline uint64_t zigzag(int64_t x)
{
    return (uint64_t)x << 1 ^ (uint64_t)(x >> 63);
}

/* ---- writing ---- */
/* hints[ref]: 0 not defined; 1 + scale: that one fitted last; HINT_XOR + k: none does, do not look for k samples. */
enum { HINT_FIRST = 1, HINT_XOR = 0x40, XOR_PAUSE = 16 };

struct batch_encoder {
    VEC(uint64_t) last;      /* bits of each ref's value before */
    VEC(uint8_t) hints;
    VEC(uint64_t) old;       /* of the samples of this batch: what `last` was */
    buf raw, values;
    ZSTD_CCtx *zstd;
};

batch_encoder *batch_encoder_new(void)
{
    batch_encoder *b = xcalloc(1, sizeof *b);
    buf_init(&b->raw, LIMIT_JOURNAL_RECORD);
    buf_init(&b->values, LIMIT_JOURNAL_RECORD);
    return b;
}

void batch_encoder_free(batch_encoder *b)
{
    if (!b)
        return;
    vec_free(&b->last);
    vec_free(&b->hints);
    vec_free(&b->old);
    buf_release(&b->raw);
    buf_release(&b->values);
    ZSTD_freeCCtx(b->zstd);
    free(b);
}

void batch_encoder_reset(batch_encoder *b)
{
    if (b->hints.len)
        memset(b->hints.p, 0, b->hints.len);
}

static void define(batch_encoder *b, uint32_t ref)
{
    assert(ref < LIMIT_JOURNAL_REFS);
    if (ref >= b->hints.len) {
        size_t n = (size_t)ref + 1, was = b->hints.len;
        vec_reserve(&b->last, n);
        vec_reserve(&b->hints, n);
        memset(b->hints.p + was, 0, n - was);
        b->last.len = b->hints.len = n;
    }
    b->last.p[ref] = 0;
    b->hints.p[ref] = HINT_FIRST;
}

static void put_defs(batch_encoder *b, const journal_def *defs, size_t n)
{
    int64_t next = 0;
    for (size_t i = 0; i < n; i++) {
        define(b, defs[i].ref);
        buf_put_zigzag(&b->raw, (int64_t)defs[i].ref - next);
        buf_put_u64(&b->raw, defs[i].group);
        buf_put_varint(&b->raw, defs[i].labels->len);
        buf_put(&b->raw, defs[i].labels->data, defs[i].labels->len);
        next = (int64_t)defs[i].ref + 1;
    }
}

static void put_ref_runs(buf *out, const journal_sample *s, size_t n)
{
    int64_t next = 0;
    for (size_t i = 0, from = 0; i < n; i++) {
        if (i + 1 < n && s[i + 1].ref == s[i].ref + 1)
            continue;
        buf_put_zigzag(out, (int64_t)s[from].ref - next);
        buf_put_varint(out, i + 1 - from);
        next = (int64_t)s[i].ref + 1;
        from = i + 1;
    }
}

static void put_time_runs(buf *out, const journal_sample *s, size_t n)
{
    uint64_t last = 0;
    for (size_t i = 0, from = 0; i < n; i++) {
        if (i + 1 < n && s[i + 1].t == s[i].t)
            continue;
        buf_put_zigzag(out, (int64_t)((uint64_t)s[i].t - last));
        buf_put_varint(out, i + 1 - from);
        last = (uint64_t)s[i].t;
        from = i + 1;
    }
}

/* A scale for the step, the one that fitted last first. */
static bool find_scale(uint8_t *hint, double last, double v, unsigned *scale, int64_t *d)
{
    if (*hint >= HINT_XOR + 1) {
        --*hint;
        return false;
    }
    *scale = *hint < HINT_XOR ? *hint - HINT_FIRST : 0;
    if (decimal_step(last, v, *scale, d))
        return true;
    for (*scale = 0; *scale < N_SCALES; ++*scale) {
        if (decimal_step(last, v, *scale, d)) {
            *hint = (uint8_t)(HINT_FIRST + *scale);
            return true;
        }
    }
    *hint = HINT_XOR + XOR_PAUSE;
    return false;
}

/* The control byte; what belongs to it is appended to values. */
static uint8_t put_value(uint8_t *hint, uint64_t last, double v, buf *values)
{
    uint64_t x = num_bits(v) ^ last;
    unsigned scale;
    int64_t d;
    if (x == 0)
        return 0;
    unsigned lead = (unsigned)__builtin_clzll(x) / 8, trail = (unsigned)__builtin_ctzll(x) / 8, len = 8 - lead - trail;
    if (find_scale(hint, num_from_bits(last), v, &scale, &d) && zigzag(d) >> (7 * len) == 0) {
        buf_put_zigzag(values, d);
        return (uint8_t)(CONTROL_SCALE | scale);
    }
    char part[8];
    for (unsigned i = 0; i < len; i++)
        part[i] = (char)(x >> (56 - 8 * (lead + i)));
    buf_put(values, part, len);
    return (uint8_t)(lead << 4 | len);
}

static void put_values(batch_encoder *b, const journal_sample *s, size_t n)
{
    char *control = buf_reserve(&b->raw, n);
    if (!control)
        return;
    vec_reserve(&b->old, n);
    b->old.len = n;
    for (size_t i = 0; i < n; i++) {
        assert(s[i].ref < b->hints.len && b->hints.p[s[i].ref]);
        uint64_t *last = &b->last.p[s[i].ref];
        control[i] = (char)put_value(&b->hints.p[s[i].ref], *last, s[i].v, &b->values);
        b->old.p[i] = *last;
        *last = num_bits(s[i].v);
    }
    buf_commit(&b->raw, n);
    buf_puts(&b->raw, buf_bytes(&b->values));
}

static void put_compressed(batch_encoder *b, buf *out)
{
    size_t n = ZSTD_compressBound(b->raw.len);
    if (!b->zstd) {
        b->zstd = ZSTD_createCCtx();
        if (!b->zstd)
            BUG("zstd: no context");
        ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_contentSizeFlag, 0);
    }
    size_t mark = out->len;
    buf_putc(out, ZSTD);
    buf_put_varint(out, b->raw.len);
    char *to = b->raw.len > SMALL ? buf_reserve(out, n) : NULL;
    size_t len = to ? ZSTD_compress2(b->zstd, to, n, b->raw.p, b->raw.len) : b->raw.len;
    if (!ZSTD_isError(len) && len < b->raw.len) {
        buf_commit(out, len);
        return;
    }
    out->p[mark] = PLAIN;
    buf_puts(out, buf_bytes(&b->raw));
}

bool batch_encode(batch_encoder *b, const journal_def *defs, size_t n_defs, const journal_sample *samples, size_t n,
                  buf *out, err *e)
{
    buf_clear(&b->raw);
    buf_clear(&b->values);
    b->old.len = 0;
    buf_put_varint(&b->raw, n_defs);
    buf_put_varint(&b->raw, n);
    put_defs(b, defs, n_defs);
    put_ref_runs(&b->raw, samples, n);
    put_time_runs(&b->raw, samples, n);
    put_values(b, samples, n);
    if (!b->raw.overflow && !b->values.overflow)
        put_compressed(b, out);
    if (!b->raw.overflow && !b->values.overflow && !out->overflow)
        return true;
    batch_undo(b, samples, n);
    return err_set(e, ERR_TOO_LARGE, "journal: a batch of %zu samples and %zu series is too large", n, n_defs);
}

void batch_undo(batch_encoder *b, const journal_sample *samples, size_t n)
{
    for (size_t i = b->old.len < n ? b->old.len : n; i-- > 0;)
        b->last.p[samples[i].ref] = b->old.p[i];
    b->old.len = 0;
}

void batch_settle(batch_encoder *b)
{
    if (b->raw.cap > KEEP_BYTES)
        buf_release(&b->raw);
    if (b->values.cap > KEEP_BYTES)
        buf_release(&b->values);
    if (b->old.cap > KEEP_BYTES / sizeof *b->old.p)
        vec_free(&b->old);
}

/* ---- reading ---- */
/* Refs of a segment, in pages, so that one high number costs one page. */
enum { PAGE = 1024 };
typedef struct read_ref {
    uint64_t handle, last;
} read_ref;
typedef struct ref_page {
    read_ref refs[PAGE];
    bool defined[PAGE];
} ref_page;

struct batch_decoder {
    VEC(ref_page *) pages;
    VEC(uint64_t) handles;
    VEC(read_ref *) refs;    /* of the samples of the batch */
    VEC(int64_t) t;
    VEC(double) v;
    buf raw;
    ZSTD_DCtx *zstd;
};

batch_decoder *batch_decoder_new(void)
{
    batch_decoder *b = xcalloc(1, sizeof *b);
    buf_init(&b->raw, LIMIT_JOURNAL_RECORD);
    return b;
}

void batch_decoder_free(batch_decoder *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->pages.len; i++)
        free(b->pages.p[i]);
    vec_free(&b->pages);
    vec_free(&b->handles);
    vec_free(&b->refs);
    vec_free(&b->t);
    vec_free(&b->v);
    buf_release(&b->raw);
    ZSTD_freeDCtx(b->zstd);
    free(b);
}

static read_ref *find_ref(batch_decoder *b, uint64_t ref)
{
    ref_page *p = ref / PAGE < b->pages.len ? b->pages.p[ref / PAGE] : NULL;
    return p && p->defined[ref % PAGE] ? &p->refs[ref % PAGE] : NULL;
}

static void define_ref(batch_decoder *b, uint64_t ref, uint64_t handle)
{
    while (b->pages.len <= ref / PAGE)
        vec_push(&b->pages, NULL);
    ref_page **p = &b->pages.p[ref / PAGE];
    if (!*p)
        *p = xcalloc(1, sizeof **p);
    (*p)->defined[ref % PAGE] = true;
    (*p)->refs[ref % PAGE] = (read_ref){ .handle = handle };
}

static bool read_defs(batch_decoder *b, cursor *c, uint64_t n, const journal_visitor *v)
{
    uint64_t next = 0, group, len;
    int64_t step;
    bytes packed;
    for (uint64_t i = 0; i < n; i++) {
        if (!cursor_zigzag(c, &step) || !cursor_u64(c, &group) || !cursor_varint(c, &len)
            || !cursor_bytes(c, len, &packed))
            return false;
        uint64_t ref = next + (uint64_t)step;
        labels *l = ref < LIMIT_JOURNAL_REFS ? labels_new_packed(packed) : NULL;
        if (!l)
            return false;
        define_ref(b, ref, v->series ? v->series(v->ctx, l, group) : ref);
        labels_unref(l);
        next = ref + 1;
    }
    return true;
}

static bool read_ref_runs(batch_decoder *b, cursor *c, uint64_t n)
{
    uint64_t next = 0, count;
    int64_t step;
    b->refs.len = 0;
    while (b->refs.len < n) {
        if (!cursor_zigzag(c, &step) || !cursor_varint(c, &count) || count == 0 || count > n - b->refs.len)
            return false;
        next += (uint64_t)step;
        for (uint64_t i = 0; i < count; i++, next++) {
            read_ref *r = find_ref(b, next);
            if (!r)
                return false;
            b->refs.p[b->refs.len] = r;
            b->handles.p[b->refs.len++] = r->handle;
        }
    }
    return true;
}

static bool read_time_runs(batch_decoder *b, cursor *c, uint64_t n)
{
    uint64_t t = 0, count;
    int64_t step;
    b->t.len = 0;
    while (b->t.len < n) {
        if (!cursor_zigzag(c, &step) || !cursor_varint(c, &count) || count == 0 || count > n - b->t.len)
            return false;
        t += (uint64_t)step;
        for (uint64_t i = 0; i < count; i++)
            b->t.p[b->t.len++] = (int64_t)t;
    }
    return true;
}

static bool read_step(cursor *c, unsigned scale, uint64_t last, double *v)
{
    int64_t from, d;
    if (scale >= N_SCALES || !cursor_zigzag(c, &d) || !to_integer(num_from_bits(last), scale, &from))
        return false;
    *v = from_integer((int64_t)((uint64_t)from + (uint64_t)d), scale);
    return true;
}

static bool read_xor(cursor *c, unsigned control, uint64_t last, double *v)
{
    unsigned lead = control >> 4, len = control & 15;
    bytes part;
    if (len == 0 || lead + len > 8 || !cursor_bytes(c, len, &part))
        return false;
    for (unsigned i = 0; i < len; i++)
        last ^= (uint64_t)(uint8_t)part.p[i] << (56 - 8 * (lead + i));
    *v = num_from_bits(last);
    return true;
}

/* The values; the refs' state moves only when all of them are good. */
static bool read_values(batch_decoder *b, cursor *c, uint64_t n)
{
    bytes control;
    if (!cursor_bytes(c, n, &control))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        unsigned ctl = (uint8_t)control.p[i];
        uint64_t last = b->refs.p[i]->last;
        bool ok = true;
        if (ctl == 0)
            b->v.p[i] = num_from_bits(last);
        else if (ctl & CONTROL_SCALE)
            ok = read_step(c, ctl & ~(unsigned)CONTROL_SCALE, last, &b->v.p[i]);
        else
            ok = read_xor(c, ctl, last, &b->v.p[i]);
        if (!ok)
            return false;
        b->refs.p[i]->last = num_bits(b->v.p[i]);
    }
    return cursor_done(c);
}

static bool inflate(batch_decoder *b, bytes payload, bytes *raw)
{
    cursor c = cursor_of(payload);
    uint64_t len;
    int codec = cursor_peek(&c);
    c.at += codec >= 0;
    if (codec < 0 || !cursor_varint(&c, &len) || len > LIMIT_JOURNAL_RECORD)
        return false;
    if (codec == PLAIN)
        return cursor_left(&c) == len && cursor_bytes(&c, len, raw);
    buf_clear(&b->raw);
    char *to = codec == ZSTD ? buf_reserve(&b->raw, len) : NULL;
    if (!to)
        return false;
    if (!b->zstd && !(b->zstd = ZSTD_createDCtx()))
        BUG("zstd: no context");
    size_t got = ZSTD_decompressDCtx(b->zstd, to, len, c.at, cursor_left(&c));
    if (ZSTD_isError(got) || got != len)
        return false;
    buf_commit(&b->raw, len);
    *raw = buf_bytes(&b->raw);
    return true;
}

static bool read_batch(batch_decoder *b, bytes raw, const journal_visitor *v, journal_result *count)
{
    cursor c = cursor_of(raw);
    uint64_t n_defs, n;
    if (!cursor_varint(&c, &n_defs) || !cursor_varint(&c, &n) || n > cursor_left(&c))
        return false;
    vec_reserve(&b->refs, n);
    vec_reserve(&b->handles, n);
    vec_reserve(&b->t, n);
    vec_reserve(&b->v, n);
    if (!read_defs(b, &c, n_defs, v) || !read_ref_runs(b, &c, n) || !read_time_runs(b, &c, n) || !read_values(b, &c, n))
        return false;
    if (n && v->samples)
        v->samples(v->ctx, b->handles.p, b->t.p, b->v.p, n);
    count->n_series += n_defs;
    count->n_samples += n;
    return true;
}

bool batch_decode(batch_decoder *b, bytes payload, const journal_visitor *v, journal_result *count, err *e)
{
    bytes raw;
    if (inflate(b, payload, &raw) && read_batch(b, raw, v, count))
        return true;
    return err_set(e, ERR_BAD_DATA, "journal: malformed batch");
}
