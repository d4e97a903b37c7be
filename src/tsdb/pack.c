/* pack.c: the pack as a whole: checksum, directory, timelines, frames. Columns: pack_values.c, pack_times.c,
 * pack_rice.c.
 *
 * Writing: every slot becomes one encoded column; columns that only say "constant" go to a frame of their own, the
 * others FRAME_SLOTS to a frame in slot order; each frame's columns are compressed, its Rice bits follow as they are.
 * Timestamps: slots with the same times form a class. Classes become timelines (TIMELINES_MAX at most, the biggest
 * first); a class whose times are part of a timeline is written as presence runs, any other into its columns.
 *
 * Invariants, checked when reading: (1) the XXH3-64 in front is that of all bytes behind it; (2) sections fill the
 * blob exactly; (3) every slot has one frame or is empty, and a frame's table has as many columns as slots name it.
 * Source of the design and its figures: docs/format/pack.md. */
#include "tsdb/pack.h"
#include "base/arena.h"
#include "tsdb/merge.h"
#include "tsdb/pack_impl.h"
#include <assert.h>
#include <stdlib.h>
#include <zstd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    PACK_VERSION = 1,
    FRAME_SLOTS = 32,        /* of columns that vary */
    TIMELINES_MAX = 64,
    FEW_RUNS = 3,            /* presence this short is cheaper than a timeline of its own */
    ZSTD_LEVEL = 3,
    COLUMN_MAX = PACK_MAX_SAMPLES * 32 + 256,      /* bytes of one column, upper bound */
};

/* ---- writing ---- */
typedef struct time_class {
    const int64_t *t;
    size_t n, members;
    int timeline;            /* its own or the one it is part of; -1: own times */
    bool partial;
} time_class;

typedef struct slot_code {
    size_t at, len;          /* in `columns` */
    size_t bits_at, bits_len;
    uint8_t form;
} slot_code;

struct pack_encoder {
    values_scratch values;
    ZSTD_CCtx *zstd;
    buf columns, bits;       /* of all slots, as encoded */
    buf value, head;         /* of one slot; of the pack */
    buf raw, frames;
    time_class classes[PACK_MAX_SLOTS];
    size_t n_classes;
    const time_class *timelines[TIMELINES_MAX];
    size_t n_timelines;
    slot_code slots[PACK_MAX_SLOTS];
    uint8_t class_of[PACK_MAX_SLOTS], frame_of[PACK_MAX_SLOTS];
};

pack_encoder *pack_encoder_new(void)
{
    pack_encoder *p = xcalloc(1, sizeof *p);
    buf *bufs[] = { &p->columns, &p->bits, &p->value, &p->head, &p->raw, &p->frames };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_init(bufs[i], (size_t)2 * PACK_MAX_SLOTS * COLUMN_MAX);
    p->zstd = ZSTD_createCCtx();
    if (!p->zstd)
        BUG("zstd: no context");
    ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 0);
    ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_contentSizeFlag, 0);
    return p;
}

void pack_encoder_free(pack_encoder *p)
{
    if (!p)
        return;
    buf *bufs[] = { &p->columns, &p->bits, &p->value, &p->head, &p->raw, &p->frames };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_release(bufs[i]);
    ZSTD_freeCCtx(p->zstd);
    free(p);
}

/* ---- timestamps ---- */
static bool same_times(const time_class *k, const pack_column *s)
{
    return k->n == s->n
           && (k->t == s->t
               || (k->t[0] == s->t[0] && k->t[k->n - 1] == s->t[s->n - 1]
                   && memcmp(k->t, s->t, s->n * sizeof *s->t) == 0));
}

static void classify(pack_encoder *p, const pack_column *slots, size_t n)
{
    p->n_classes = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        if (slots[i].n == 0)
            continue;
        while (k < p->n_classes && !same_times(&p->classes[k], &slots[i]))
            k++;
        if (k == p->n_classes)
            p->classes[p->n_classes++] = (time_class){ .t = slots[i].t, .n = slots[i].n, .timeline = -1 };
        p->classes[k].members++;
        p->class_of[i] = (uint8_t)k;
    }
}

/* The timeline that holds all of the class's times in at most max_runs runs, or -1. */
static int timeline_around(const pack_encoder *p, const time_class *k, size_t max_runs)
{
    for (size_t i = 0; i < p->n_timelines; i++) {
        const time_class *line = p->timelines[i];
        size_t runs = line->n >= k->n ? presence_encode(line->t, line->n, k->t, k->n, NULL) : 0;
        if (runs > 0 && runs <= max_runs)
            return (int)i;
    }
    return -1;
}

static int by_size(const void *a, const void *b)
{
    const time_class *x = *(time_class *const *)a, *y = *(time_class *const *)b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return x->members != y->members ? (x->members < y->members ? 1 : -1) : (x > y) - (x < y);
}

static void choose_timelines(pack_encoder *p)
{
    time_class *order[PACK_MAX_SLOTS];
    for (size_t i = 0; i < p->n_classes; i++)
        order[i] = &p->classes[i];
    qsort(order, p->n_classes, sizeof *order, by_size);
    p->n_timelines = 0;
    for (size_t i = 0; i < p->n_classes; i++) {
        time_class *k = order[i];
        k->timeline = timeline_around(p, k, FEW_RUNS);
        k->partial = k->timeline >= 0;
        if (k->partial || p->n_timelines == TIMELINES_MAX || (k->members == 1 && p->n_timelines > 0))
            continue;
        k->timeline = (int)p->n_timelines;
        p->timelines[p->n_timelines++] = k;
    }
    for (size_t i = 0; i < p->n_classes; i++) {
        time_class *k = order[i];
        if (k->timeline < 0) {
            k->timeline = timeline_around(p, k, PACK_MAX_SAMPLES);
            k->partial = k->timeline >= 0;
        }
    }
}

/* ---- columns ---- */
/* form, [timeline number], [presence or own times], values */
static void encode_slot(pack_encoder *p, const pack_column *s, const time_class *k, slot_code *out)
{
    *out = (slot_code){ .at = p->columns.len, .bits_at = p->bits.len };
    buf_clear(&p->value);
    out->form = values_encode(&p->values, s->v, s->n, &p->value, &p->bits);
    out->form |= k->timeline < 0 ? COLUMN_OWN_TIMES : k->timeline > 0 ? COLUMN_TIMELINE : 0;
    out->form |= k->partial ? COLUMN_PARTIAL : 0;
    buf_putc(&p->columns, (char)out->form);
    if (k->timeline > 0)
        buf_putc(&p->columns, (char)k->timeline);
    if (k->timeline < 0)
        times_encode(s->t, s->n, &p->columns);
    else if (k->partial)
        presence_encode(p->timelines[k->timeline]->t, p->timelines[k->timeline]->n, s->t, s->n, &p->columns);
    buf_puts(&p->columns, buf_bytes(&p->value));
    out->len = p->columns.len - out->at;
    out->bits_len = p->bits.len - out->bits_at;
}

static bool is_quiet(uint8_t form)
{
    return (form & COLUMN_KIND_MASK) <= COLUMN_LINEAR && !(form & COLUMN_OWN_TIMES);
}

/* Spreads the slots over frames; how many frames. Quiet columns have their own, unless one frame holds everything. */
static size_t assign_frames(pack_encoder *p, const pack_column *slots, size_t n)
{
    size_t loud = 0, quiet = 0;
    for (size_t i = 0; i < n; i++)
        if (slots[i].n > 0)
            *(is_quiet(p->slots[i].form) ? &quiet : &loud) += 1;
    bool together = loud + quiet <= FRAME_SLOTS || loud == 0;
    size_t n_loud = (loud + FRAME_SLOTS - 1) / FRAME_SLOTS, at = 0;
    size_t per = n_loud ? (loud + n_loud - 1) / n_loud : 1;
    for (size_t i = 0; i < n; i++) {
        p->frame_of[i] = PACK_EMPTY;
        if (slots[i].n > 0)
            p->frame_of[i] = (uint8_t)(together ? 0 : is_quiet(p->slots[i].form) ? n_loud : at++ / per);
    }
    return together ? 1 : n_loud + (quiet > 0);
}

/* ---- the blob ---- */
static size_t compress(pack_encoder *p, bytes raw)
{
    size_t room = ZSTD_compressBound(raw.len);
    char *to = buf_reserve(&p->frames, room);
    if (!to)
        BUG("pack: frames too large");
    size_t len = ZSTD_compress2(p->zstd, to, room, raw.p, raw.len);
    if (ZSTD_isError(len) || len >= raw.len) {
        memcpy(to, raw.p, raw.len);
        len = raw.len;
    }
    buf_commit(&p->frames, len);
    return len;
}

/* Frame k: a table of column lengths, the columns, compressed; then the columns' bits. Its sizes go to the head. */
static void put_frame(pack_encoder *p, size_t k, size_t n_slots)
{
    size_t n_bits = 0;
    buf_clear(&p->raw);
    for (size_t i = 0; i < n_slots; i++) {
        const slot_code *s = &p->slots[i];
        if (p->frame_of[i] != k)
            continue;
        buf_put_varint(&p->raw, (uint64_t)s->len << 1 | (s->bits_len > 0));
        if (s->bits_len)
            buf_put_varint(&p->raw, s->bits_len);
        n_bits += s->bits_len;
    }
    for (size_t i = 0; i < n_slots; i++)
        if (p->frame_of[i] == k)
            buf_put(&p->raw, p->columns.p + p->slots[i].at, p->slots[i].len);
    buf_put_varint(&p->head, p->raw.len);
    buf_put_varint(&p->head, compress(p, buf_bytes(&p->raw)));
    buf_put_varint(&p->head, n_bits);
    for (size_t i = 0; i < n_slots; i++)
        if (p->frame_of[i] == k)
            buf_put(&p->frames, p->bits.p + p->slots[i].bits_at, p->slots[i].bits_len);
}

static void put_directory(pack_encoder *p, const pack_column *slots, size_t n)
{
    int64_t mint = INT64_MAX, maxt = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        if (slots[i].n == 0)
            continue;
        mint = slots[i].t[0] < mint ? slots[i].t[0] : mint;
        maxt = slots[i].t[slots[i].n - 1] > maxt ? slots[i].t[slots[i].n - 1] : maxt;
    }
    assert(mint <= maxt);
    buf_putc(&p->head, PACK_VERSION);
    buf_put_zigzag(&p->head, mint);
    buf_put_varint(&p->head, (uint64_t)maxt - (uint64_t)mint);
    buf_put_varint(&p->head, n);
    for (size_t i = 0, from = 0; i < n; i++) {
        if (i + 1 < n && p->frame_of[i + 1] == p->frame_of[i])
            continue;
        buf_putc(&p->head, (char)p->frame_of[i]);
        buf_put_varint(&p->head, i + 1 - from);
        from = i + 1;
    }
}

void pack_encode(pack_encoder *p, const pack_column *slots, size_t n, buf *out)
{
    assert(n > 0 && n <= PACK_MAX_SLOTS);
    buf *bufs[] = { &p->columns, &p->bits, &p->head, &p->frames };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_clear(bufs[i]);
    classify(p, slots, n);
    choose_timelines(p);
    for (size_t i = 0; i < n; i++)
        if (slots[i].n > 0)
            encode_slot(p, &slots[i], &p->classes[p->class_of[i]], &p->slots[i]);
    size_t n_frames = assign_frames(p, slots, n);
    put_directory(p, slots, n);
    buf_put_varint(&p->head, n_frames);
    for (size_t k = 0; k < n_frames; k++)
        put_frame(p, k, n);
    size_t lines_at = p->columns.len; /* the columns are in the frames: their buffer has room for the timelines */
    for (size_t i = 0; i < p->n_timelines; i++)
        times_encode(p->timelines[i]->t, p->timelines[i]->n, &p->columns);
    bytes lines = { p->columns.p + lines_at, p->columns.len - lines_at };
    buf_put_varint(&p->head, lines.len);

    size_t start = out->len;
    buf_put_u64(out, 0);
    buf_puts(out, buf_bytes(&p->head));
    buf_puts(out, lines);
    buf_puts(out, buf_bytes(&p->frames));
    if (out->overflow || p->columns.overflow || p->bits.overflow || p->frames.overflow)
        BUG("pack: a buffer was too small");
    uint64_t sum = XXH3_64bits(out->p + start + 8, out->len - start - 8);
    memcpy(out->p + start, &sum, 8);
}

/* ---- reading ---- */
static bool damaged(err *e, const char *what)
{
    return err_set(e, ERR_BAD_DATA, "damaged pack: %s", what);
}

static bool read_slots(cursor *c, pack_view *v)
{
    uint64_t n, len;
    if (!cursor_varint(c, &n) || n == 0 || n > PACK_MAX_SLOTS)
        return false;
    v->n_slots = (uint32_t)n;
    for (uint32_t at = 0; at < v->n_slots; at += (uint32_t)len) {
        int frame = cursor_peek(c);
        c->at += frame >= 0;
        if (frame < 0 || !cursor_varint(c, &len) || len == 0 || len > v->n_slots - at)
            return false;
        if (frame >= PACK_MAX_FRAMES && frame != PACK_EMPTY)
            return false;
        for (uint32_t i = at; i < at + len; i++) {
            v->frame_of[i] = (uint8_t)frame;
            if (frame != PACK_EMPTY)
                v->rank[i] = (uint8_t)v->frames[frame].n_slots++;
        }
    }
    return true;
}

/* Sizes of the frames first, their places once the length of the timelines is known. */
static bool read_frames(cursor *c, pack_view *v)
{
    uint64_t n, raw, stored, n_bits, n_lines;
    if (!cursor_varint(c, &n) || n == 0 || n > PACK_MAX_FRAMES)
        return false;
    v->n_frames = (uint32_t)n;
    for (uint32_t k = 0; k < v->n_frames; k++) {
        pack_frame_ref *f = &v->frames[k];
        if (!cursor_varint(c, &raw) || !cursor_varint(c, &stored) || !cursor_varint(c, &n_bits))
            return false;
        if (f->n_slots == 0 || raw > (uint64_t)f->n_slots * COLUMN_MAX || stored > cursor_left(c)
            || n_bits > cursor_left(c))
            return false;
        f->raw_len = (uint32_t)raw;
        f->columns.len = stored;
        f->bits.len = n_bits;
    }
    for (uint32_t i = 0; i < v->n_slots; i++)
        if (v->frame_of[i] != PACK_EMPTY && v->frame_of[i] >= v->n_frames)
            return false;
    if (!cursor_varint(c, &n_lines) || !cursor_bytes(c, n_lines, &v->timelines))
        return false;
    for (uint32_t k = 0; k < v->n_frames; k++)
        if (!cursor_bytes(c, v->frames[k].columns.len, &v->frames[k].columns)
            || !cursor_bytes(c, v->frames[k].bits.len, &v->frames[k].bits))
            return false;
    return cursor_done(c);
}

bool pack_open(bytes blob, pack_view *out, err *e)
{
    cursor c = cursor_of(blob);
    uint64_t sum, span;
    memset(out, 0, sizeof *out);
    if (!cursor_u64(&c, &sum))
        return damaged(e, "too short");
    if (XXH3_64bits(c.at, cursor_left(&c)) != sum)
        return damaged(e, "wrong checksum");
    if (!cursor_take(&c, PACK_VERSION))
        return damaged(e, "unknown version");
    if (!cursor_zigzag(&c, &out->mint) || !cursor_varint(&c, &span))
        return damaged(e, "directory");
    out->maxt = (int64_t)((uint64_t)out->mint + span);
    return (read_slots(&c, out) && read_frames(&c, out)) || damaged(e, "directory");
}

struct pack_decoder {
    values_scratch values;
    double v[PACK_MAX_SAMPLES];
    int64_t t[PACK_MAX_SAMPLES];
    ZSTD_DCtx *zstd;
    /* The timeline decoded last: series of a pack share it. Known by its bytes. */
    buf line_bytes;
    int64_t line[PACK_MAX_SAMPLES];
    size_t n_line, line_number;
    buf frame;
};

pack_decoder *pack_decoder_new(void)
{
    pack_decoder *p = xcalloc(1, sizeof *p);
    buf_init(&p->line_bytes, TIMELINES_MAX * PACK_MAX_SAMPLES * 10 + 256);
    buf_init(&p->frame, (size_t)PACK_MAX_SLOTS * COLUMN_MAX * 2);
    return p;
}

void pack_decoder_free(pack_decoder *p)
{
    if (!p)
        return;
    buf_release(&p->line_bytes);
    buf_release(&p->frame);
    ZSTD_freeDCtx(p->zstd);
    free(p);
}

bool pack_inflate(pack_decoder *p, const pack_view *v, uint32_t k, buf *out, err *e)
{
    const pack_frame_ref *f = &v->frames[k];
    assert(k < v->n_frames);
    buf_clear(out);
    char *to = buf_reserve(out, f->raw_len + f->bits.len + 1);
    if (!to)
        return damaged(e, "frame too large");
    if (f->columns.len == f->raw_len) {
        memcpy(to, f->columns.p, f->raw_len);
    } else {
        if (!p->zstd && !(p->zstd = ZSTD_createDCtx()))
            BUG("zstd: no context");
        size_t n = ZSTD_decompressDCtx(p->zstd, to, f->raw_len, f->columns.p, f->columns.len);
        if (ZSTD_isError(n) || n != f->raw_len)
            return damaged(e, "frame does not inflate");
    }
    if (f->bits.len)
        memcpy(to + f->raw_len, f->bits.p, f->bits.len);
    buf_commit(out, f->raw_len + f->bits.len);
    return true;
}

bool pack_slices(const pack_view *v, uint32_t k, bytes frame, pack_slice *out, err *e)
{
    const pack_frame_ref *f = &v->frames[k];
    if (frame.len != f->raw_len + f->bits.len)
        return damaged(e, "frame length");
    cursor c = cursor_of(bytes_sub(frame, 0, f->raw_len));
    cursor bits = cursor_of(bytes_sub(frame, f->raw_len, f->bits.len));
    for (uint32_t i = 0; i < f->n_slots; i++) {
        uint64_t head, n_bits = 0;
        if (!cursor_varint(&c, &head) || ((head & 1) && !cursor_varint(&c, &n_bits)))
            return damaged(e, "column table");
        out[i].column.len = head >> 1;
        if (!cursor_bytes(&bits, n_bits, &out[i].bits))
            return damaged(e, "column table");
    }
    for (uint32_t i = 0; i < f->n_slots; i++)
        if (!cursor_bytes(&c, out[i].column.len, &out[i].column))
            return damaged(e, "column table");
    return (cursor_done(&c) && cursor_done(&bits)) || damaged(e, "column table");
}

/* Decodes timeline `number` into p->line, unless it is there already. */
static bool load_timeline(pack_decoder *p, bytes lines, size_t number)
{
    if (p->n_line && p->line_number == number && bytes_eq(buf_bytes(&p->line_bytes), lines))
        return true;
    p->n_line = 0;
    if (lines.len > p->line_bytes.max)
        return false;
    cursor c = cursor_of(lines);
    for (size_t i = 0; i < number; i++)
        if (!times_skip(&c))
            return false;
    size_t n;
    if (!times_decode(&c, p->line, &n))
        return false;
    buf_clear(&p->line_bytes);
    buf_puts(&p->line_bytes, lines);
    p->line_number = number;
    p->n_line = n;
    return true;
}

/* The times of a column whose form has been read: borrowed from p. */
static bool column_times(pack_decoder *p, bytes lines, uint8_t form, cursor *c, const int64_t **t, size_t *n)
{
    *t = p->t;
    if (form & COLUMN_OWN_TIMES)
        return times_decode(c, p->t, n);
    int number = 0;
    if (form & COLUMN_TIMELINE) {
        number = cursor_peek(c);
        c->at += number >= 0;
    }
    if (number < 0 || number >= TIMELINES_MAX || !load_timeline(p, lines, (size_t)number))
        return false;
    if (form & COLUMN_PARTIAL)
        return presence_decode(c, p->line, p->n_line, p->t, n);
    *t = p->line;
    *n = p->n_line;
    return true;
}

/* First index in t[0..n) with t >= x. */
static size_t lower_bound(const int64_t *t, size_t n, int64_t x)
{
    size_t from = 0;
    while (n > 0) {
        size_t half = n / 2;
        if (t[from + half] < x) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

bool pack_decode(pack_decoder *p, bytes lines, const pack_slice *s, int64_t mint, int64_t maxt, sample_columns *out,
                 err *e)
{
    cursor c = cursor_of(s->column);
    const int64_t *t;
    size_t n;
    int form = cursor_peek(&c);
    c.at += form >= 0;
    if (form < 0 || !column_times(p, lines, (uint8_t)form, &c, &t, &n))
        return damaged(e, "timestamps");
    size_t from = t[0] >= mint ? 0 : lower_bound(t, n, mint);
    size_t to = t[n - 1] <= maxt ? n : lower_bound(t, n, maxt + 1); /* maxt < t[n - 1], so no overflow */
    if (from >= to)
        return true;
    columns_reserve(out, to - from);
    double *v = to - from == n ? out->v + out->n : p->v;
    if (!values_decode(&p->values, (uint8_t)form, &c, s->bits, n, v))
        return damaged(e, "values");
    if (v == p->v)
        memcpy(out->v + out->n, v + from, (to - from) * sizeof *v);
    memcpy(out->t + out->n, t + from, (to - from) * sizeof *t);
    out->n += to - from;
    return true;
}

bool pack_read(pack_decoder *p, bytes blob, uint32_t slot, int64_t mint, int64_t maxt, sample_columns *out, err *e)
{
    pack_view v;
    pack_slice slices[PACK_MAX_SLOTS];
    if (!pack_open(blob, &v, e))
        return false;
    if (slot >= v.n_slots || v.frame_of[slot] == PACK_EMPTY)
        return true;
    uint32_t k = v.frame_of[slot];
    return pack_inflate(p, &v, k, &p->frame, e) && pack_slices(&v, k, buf_bytes(&p->frame), slices, e)
        && pack_decode(p, v.timelines, &slices[v.rank[slot]], mint, maxt, out, e);
}
