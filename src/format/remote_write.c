/* remote_write.c: see remote_write.h.
 *
 * The usual form of a request is read without the general walker: a TimeSeries whose labels come first and whose
 * samples are `09 <8 bytes> 10 <varint>`, as every known sender writes them. What looks otherwise goes through
 * base/pb.h, to the same result. Field numbers: prometheus.WriteRequest { 1 timeseries, 3 metadata }, TimeSeries { 1
 * labels, 2 samples, 3 exemplars, 4 histograms }, Label { 1 name, 2 value }, Sample { 1 value, 2 timestamp },
 * MetricMetadata { 1 type, 2 family, 4 help, 5 unit }. */
#include "format/remote_write.h"
#include "base/limits.h"
#include "base/pb.h"
#include "base/utf8.h"
#include <snappy-c.h>

static bool malformed(err *e)
{
    return err_set(e, ERR_BAD_DATA, "proto: malformed or oversized remote write request");
}

bool rw_decompress(bytes body, size_t max, arena *a, bytes *out, err *e)
{
    size_t len = 0;
    if (body.len == 0 || snappy_uncompressed_length(body.p, body.len, &len) != SNAPPY_OK)
        return err_set(e, ERR_BAD_DATA, "snappy: corrupt input");
    if (len > max)
        return err_set(e, ERR_TOO_LARGE, "snappy: decoded block is too large (%zu bytes, at most %zu)", len, max);
    char *p = arena_try(a, len ? len : 1);
    if (!p)
        return err_set(e, ERR_TOO_LARGE, "snappy: decoded block is too large");
    if (snappy_uncompress(body.p, body.len, p, &len) != SNAPPY_OK)
        return err_set(e, ERR_BAD_DATA, "snappy: corrupt input");
    *out = bytes_n(p, len);
    return true;
}

/* pb_next(), with the usual field (number 1, a length of one or two bytes) read in place: there is one per series. */
static inline bool next_field(pb_reader *r, pb_field *f)
{
    const uint8_t *at = (const uint8_t *)r->c.at;
    size_t left = cursor_left(&r->c);
    if (left > 3 && at[0] == 0x0a && (at[1] < 0x80 || at[2] < 0x80)) {
        size_t head = at[1] < 0x80 ? 2 : 3;
        size_t len = at[1] < 0x80 ? at[1] : (size_t)(at[1] & 0x7f) | (size_t)at[2] << 7;
        if (len <= left - head) {
            *f = (pb_field){ .number = 1, .wire = PB_BYTES, .data = { r->c.at + head, len } };
            r->c.at += head + len;
            return true;
        }
    }
    return pb_next(r, f);
}

/* ---- samples */

typedef struct decoder {
    arena *a;
    rw_request *r;
    size_t cap_samples, cap_series, cap_metadata;
    uint64_t seed;
} decoder;

static bool add_sample(decoder *d, sample s)
{
    rw_request *r = d->r;
    if (r->n_samples >= LIMIT_REMOTE_WRITE_SAMPLES)
        return false;
    if (r->n_samples == d->cap_samples) {
        size_t old = d->cap_samples * sizeof s;
        d->cap_samples = d->cap_samples ? d->cap_samples * 2 : 64;
        r->samples = arena_grow(d->a, r->samples, old, d->cap_samples * sizeof s);
    }
    r->samples[r->n_samples++] = s;
    return true;
}

/* `09 <8 bytes> 10 <varint>` and nothing else. */
static bool short_sample(bytes msg, sample *out)
{
    const uint8_t *p = (const uint8_t *)msg.p;
    if (msg.len < 11 || msg.len > 20 || p[0] != 0x09 || p[9] != 0x10)
        return false;
    uint64_t t = 0;
    size_t i = 10;
    for (unsigned shift = 0; i < msg.len; i++, shift += 7) {
        t |= (uint64_t)(p[i] & 0x7f) << shift;
        if (p[i] < 0x80)
            break;
    }
    if (i + 1 != msg.len)
        return false;
    memcpy(&out->v, p + 1, 8);
    out->t = (int64_t)t;
    return true;
}

static bool read_sample(bytes msg, sample *out)
{
    if (short_sample(msg, out))
        return true;
    *out = (sample){ 0 };
    pb_reader r = pb_read(msg);
    pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == 1 && f.wire == PB_FIXED64)
            out->v = pb_double(&f);
        else if (f.number == 2 && f.wire == PB_VARINT)
            out->t = (int64_t)f.u;
        else if (f.number == 1 || f.number == 2)
            return false;
    }
    return !r.bad;
}

/* ---- series */

/* Labels that do not stand together: their fields are copied so that they do. */
static void append_raw(decoder *d, rw_series *s, const char *from, const char *to)
{
    size_t len = (size_t)(to - from);
    char *p = arena_text(d->a, s->raw.len + len);
    memcpy(p, s->raw.p, s->raw.len);
    memcpy(p + s->raw.len, from, len);
    s->raw = bytes_n(p, s->raw.len + len);
}

static void add_label_field(decoder *d, rw_series *s, const char *from, const char *to)
{
    if (s->raw.len == 0)
        s->raw = bytes_n(from, (size_t)(to - from));
    else if (s->raw.p + s->raw.len == from)
        s->raw.len += (size_t)(to - from);
    else
        append_raw(d, s, from, to);
}

/* Label fields with one-byte lengths at the front of a TimeSeries; returns what is behind them. */
static const char *skip_short_labels(bytes msg, rw_series *s)
{
    const char *at = msg.p, *end = msg.p + msg.len;
    while (end - at >= 2 && at[0] == 0x0a && (signed char)at[1] >= 0 && at[1] <= end - at - 2)
        at += 2 + at[1];
    s->raw = bytes_n(msg.p, (size_t)(at - msg.p));
    return at;
}

/* Samples in their usual form; returns what is behind them. */
static const char *take_short_samples(decoder *d, rw_series *s, const char *at, const char *end)
{
    sample x;
    while (end - at > 2 && at[0] == 0x12 && (signed char)at[1] >= 0 && at[1] <= end - at - 2
           && short_sample(bytes_n(at + 2, (size_t)at[1]), &x) && add_sample(d, x)) {
        s->n++;
        at += 2 + at[1];
    }
    return at;
}

static bool series_field(decoder *d, rw_series *s, const pb_field *f, const char *from, const char *to)
{
    sample x;
    if (f->number < 1 || f->number > 4)
        return true;
    if (f->wire != PB_BYTES)
        return false;
    switch (f->number) {
    case 1: add_label_field(d, s, from, to); return true;
    case 2: s->n++; return read_sample(f->data, &x) && add_sample(d, x);
    case 3: s->n_exemplars++; return true;
    default: s->n_histograms++; return true;
    }
}

static bool read_series(decoder *d, bytes msg)
{
    rw_series *s = &d->r->series[d->r->n_series++];
    *s = (rw_series){ .first = (uint32_t)d->r->n_samples };
    const char *at = take_short_samples(d, s, skip_short_labels(msg, s), msg.p + msg.len);
    pb_reader r = pb_read(bytes_n(at, (size_t)(msg.p + msg.len - at)));
    pb_field f;
    for (const char *from = at; pb_next(&r, &f); from = r.c.at)
        if (!series_field(d, s, &f, from, r.c.at))
            return false;
    s->key = hash_key_of(s->raw, d->seed);
    d->r->n_exemplars += s->n_exemplars;
    d->r->n_histograms += s->n_histograms;
    return !r.bad;
}

/* ---- metadata */

static enum metric_kind kind_of(uint64_t type)
{
    static const uint8_t kinds[] = { KIND_UNKNOWN,        KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM,
                                     KIND_GAUGEHISTOGRAM, KIND_SUMMARY, KIND_INFO,  KIND_STATESET };
    return type < sizeof kinds ? (enum metric_kind)kinds[type] : KIND_UNKNOWN;
}

static bool read_metadata(decoder *d, bytes msg)
{
    rw_metadata *m = &d->r->metadata[d->r->n_metadata++];
    *m = (rw_metadata){ .kind = KIND_UNKNOWN };
    pb_reader r = pb_read(msg);
    pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == 1 && f.wire == PB_VARINT)
            m->kind = kind_of(f.u);
        else if (f.number == 2 && f.wire == PB_BYTES)
            m->family = f.data;
        else if (f.number == 4 && f.wire == PB_BYTES)
            m->help = f.data;
        else if (f.number == 5 && f.wire == PB_BYTES)
            m->unit = f.data;
    }
    return !r.bad;
}

/* How many series and metadata there are, so that their arrays never move. */
static bool count_fields(decoder *d, bytes message)
{
    pb_reader r = pb_read(message);
    pb_field f;
    while (next_field(&r, &f)) {
        d->cap_series += f.number == 1;
        d->cap_metadata += f.number == 3;
        if ((f.number == 1 || f.number == 3) && f.wire != PB_BYTES)
            return false;
    }
    return !r.bad && d->cap_series <= LIMIT_REMOTE_WRITE_SERIES && d->cap_metadata <= LIMIT_REMOTE_WRITE_SERIES;
}

bool rw_decode(bytes message, uint64_t seed, arena *a, rw_request *out, err *e)
{
    *out = (rw_request){ 0 };
    decoder d = { .a = a, .r = out, .seed = seed };
    if (message.len > UINT32_MAX || !count_fields(&d, message))
        return malformed(e);
    out->series = ARENA_ARRAY(a, rw_series, d.cap_series + 1);
    out->metadata = ARENA_ARRAY(a, rw_metadata, d.cap_metadata + 1);
    d.cap_samples = d.cap_series + 1;
    out->samples = ARENA_ARRAY(a, sample, d.cap_samples);
    pb_reader r = pb_read(message);
    pb_field f;
    while (next_field(&r, &f)) {
        bool ok = f.number == 1 ? read_series(&d, f.data) : f.number == 3 ? read_metadata(&d, f.data) : true;
        if (!ok)
            return malformed(e);
    }
    return true;
}

bool rw_read(bytes body, uint64_t seed, arena *a, rw_request *out, err *e)
{
    bytes message;
    return rw_decompress(body, LIMIT_REMOTE_WRITE, a, &message, e) && rw_decode(message, seed, a, out, e);
}

/* ---- labels, for series not seen before */

static bool read_label(bytes msg, label *out)
{
    *out = (label){ { "", 0 }, { "", 0 } };
    pb_reader r = pb_read(msg);
    pb_field f;
    while (pb_next(&r, &f)) {
        if (f.wire == PB_BYTES && f.number == 1)
            out->name = f.data;
        else if (f.wire == PB_BYTES && f.number == 2)
            out->value = f.data;
        else if (f.number == 1 || f.number == 2)
            return false;
    }
    return !r.bad;
}

static size_t count_labels(bytes raw)
{
    size_t n = 0;
    pb_reader r = pb_read(raw);
    pb_field f;
    while (pb_next(&r, &f))
        n++;
    return n;
}

static void sort_by_name(label *list, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        label x = list[i];
        size_t j = i;
        for (; j > 0 && bytes_cmp(list[j - 1].name, x.name) > 0; j--)
            list[j] = list[j - 1];
        list[j] = x;
    }
}

static bool refuse(const label *list, size_t n, arena *a, const char *why, bytes repeated, err *e)
{
    buf b;
    buf_init(&b, 900);
    labels_print(&b, labels_from(a, list, n));
    if (repeated.len > 0)
        err_set(e, ERR_BAD_DATA, "%s%.*s, duplicated label %.*s", why, BYTES_ARG(buf_bytes(&b)), BYTES_ARG(repeated));
    else
        err_set(e, ERR_BAD_DATA, "%s%.*s", why, BYTES_ARG(buf_bytes(&b)));
    buf_release(&b);
    return false;
}

static bool valid_label(const label *l)
{
    return l->name.len > 0 && utf8_valid(l->name) && utf8_valid(l->value);
}

static bool check_labels(const label *list, size_t n, arena *a, err *e)
{
    bool named = false, valid = true;
    for (size_t i = 0; i < n; i++) {
        valid = valid && valid_label(&list[i]);
        named = named || (bytes_eq(list[i].name, LABEL_NAME) && list[i].value.len > 0);
    }
    if (!named || !valid)
        return refuse(list, n, a, "invalid metric name or labels, got ", (bytes){ 0 }, e);
    for (size_t i = 1; i < n; i++)
        if (bytes_eq(list[i - 1].name, list[i].name))
            return refuse(list, n, a, "invalid labels for series, labels ", list[i].name, e);
    return true;
}

bool rw_series_labels(const rw_series *s, arena *a, const labels **out, err *e)
{
    size_t cap = count_labels(s->raw), n = 0;
    if (cap > LIMIT_LABELS || s->raw.len > LIMIT_LABELS_BYTES)
        return err_set(e, ERR_BAD_DATA, "more than %d labels or %zu bytes of them in one series", (int)LIMIT_LABELS,
                       (size_t)LIMIT_LABELS_BYTES);
    label *list = ARENA_ARRAY(a, label, cap + 1);
    pb_reader r = pb_read(s->raw);
    pb_field f;
    while (pb_next(&r, &f))
        if (!read_label(f.data, &list[n++]))
            return malformed(e);
    sort_by_name(list, n);
    if (!check_labels(list, n, a, e))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].value.len > 0)
            list[kept++] = list[i];
    *out = labels_from_sorted(a, list, kept);
    return true;
}
