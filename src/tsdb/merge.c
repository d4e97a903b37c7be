/* merge.c: see merge.h. */
#include "tsdb/merge.h"
#include "base/arena.h"
#include <stdlib.h>

void sample_columns_release(sample_columns *c)
{
    free(c->t);
    free(c->v);
    *c = (sample_columns){ 0 };
}

void columns_reserve(sample_columns *out, size_t n)
{
    if (out->cap - out->n >= n)
        return;
    size_t cap = out->cap ? out->cap * 2 : 256;
    out->cap = cap < out->n + n ? out->n + n : cap;
    out->t = xreallocarray(out->t, out->cap, sizeof *out->t);
    out->v = xreallocarray(out->v, out->cap, sizeof *out->v);
}

void columns_push(sample_columns *out, sample x)
{
    columns_reserve(out, 1);
    out->t[out->n] = x.t;
    out->v[out->n++] = x.v;
}

size_t columns_lower_bound(const sample_columns *c, size_t from, int64_t t0)
{
    size_t n = c->n - from;
    while (n > 0) {
        size_t half = n / 2;
        if (c->t[from + half] < t0) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

static void remove_span(sample_columns *c, size_t from, size_t to)
{
    if (from == to)
        return;
    memmove(c->t + from, c->t + to, (c->n - to) * sizeof *c->t);
    memmove(c->v + from, c->v + to, (c->n - to) * sizeof *c->v);
    c->n -= to - from;
}

/* First index with t > t0. */
static size_t upper_bound(const sample_columns *c, size_t from, int64_t t0)
{
    return t0 == INT64_MAX ? c->n : columns_lower_bound(c, from, t0 + 1);
}

void columns_cut(sample_columns *out, size_t from, int64_t mint, int64_t maxt)
{
    if (from == out->n)
        return;
    if (out->t[out->n - 1] > maxt)
        out->n = upper_bound(out, from, maxt);
    if (from < out->n && out->t[from] < mint)
        remove_span(out, from, columns_lower_bound(out, from, mint));
}

void columns_drop(sample_columns *out, size_t from, int64_t mint, int64_t maxt)
{
    size_t a = columns_lower_bound(out, from, mint), b = upper_bound(out, from, maxt);
    if (a < b)
        remove_span(out, a, b);
}

void columns_merge_tail(sample_columns *out, size_t from, size_t mid)
{
    size_t n_old = mid - from, n_new = out->n - mid;
    if (!n_old || !n_new || out->t[mid - 1] < out->t[mid])
        return;
    /* what lies before the newer run stays; the older run's rest moves aside */
    from = columns_lower_bound(&(sample_columns){ .t = out->t, .n = mid }, from, out->t[mid]);
    n_old = mid - from;
    int64_t *t = xmalloc(n_old * sizeof *t);
    double *v = xmalloc(n_old * sizeof *v);
    memcpy(t, out->t + from, n_old * sizeof *t);
    memcpy(v, out->v + from, n_old * sizeof *v);
    size_t i = 0, j = mid, end = out->n, k = from;
    while (i < n_old || j < end) {
        bool take_new = i == n_old || (j < end && out->t[j] <= t[i]);
        if (take_new && i < n_old && out->t[j] == t[i])
            i++; /* the newer run wins */
        out->t[k] = take_new ? out->t[j] : t[i];
        out->v[k++] = take_new ? out->v[j++] : v[i++];
    }
    out->n = k;
    free(t);
    free(v);
}

static bool overlaps(const chunk_view *v, int64_t mint, int64_t maxt)
{
    return v->min_t <= maxt && v->max_t >= mint;
}

void views_read(const chunk_view *views, size_t n, int64_t mint, int64_t maxt, sample_columns *out)
{
    size_t start = out->n;
    for (int raw = 0; raw < 2; raw++) {
        for (size_t i = n; i-- > 0;) {
            const chunk_view *v = &views[i];
            size_t from = out->n;
            if ((chunk_encoding(v->c) == CHUNK_RAW) != (raw == 1) || !overlaps(v, mint, maxt))
                continue;
            columns_reserve(out, v->n);
            out->n += chunk_decode_sorted(v, out->t + from, out->v + from);
            if (v->min_t < mint || v->max_t > maxt)
                columns_cut(out, from, mint, maxt);
            columns_merge_tail(out, start, from);
        }
    }
}
