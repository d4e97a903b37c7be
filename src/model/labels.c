/* labels.c: packed label sets. See labels.h for the layout and its invariants, to which the numbers refer. */
#include "model/labels.h"
#include "base/limits.h"
#include "base/err.h"
#include "base/utf8.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

const labels labels_empty = { .refs = 0, .len = 0, .hash = UINT64_C(0x2d06800538d394c2) };   /* XXH3-64 of nothing */

/* ---- packing ---- */

static size_t varint_len(size_t v)
{
    return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : v < 0x10000000 ? 4 : 5;
}

static uint8_t *put_run(uint8_t *at, bytes b)
{
    size_t v = b.len;
    for (; v >= 0x80; v >>= 7)
        *at++ = (uint8_t)(v | 0x80);
    *at++ = (uint8_t)v;
    if (b.len)
        memcpy(at, b.p, b.len);
    return at + b.len;
}

static bool get_run(const uint8_t **at, const uint8_t *end, bytes *out)
{
    size_t len = 0;
    for (int shift = 0; shift < 35 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        len |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if ((size_t)(end - *at) < len)
                return false;
            *out = (bytes){ (const char *)*at, len };
            *at += len;
            return true;
        }
    }
    return false;
}

static size_t packed_len(const label *list, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += varint_len(list[i].name.len) + list[i].name.len + varint_len(list[i].value.len) + list[i].value.len;
    if (len > UINT32_MAX)
        BUG("labels: set of %zu bytes", len);
    return len;
}

static void pack(labels *l, const label *list, size_t n, size_t len, uint32_t refs)
{
    uint8_t *at = l->data;
    for (size_t i = 0; i < n; i++) {
        assert(list[i].name.len && list[i].value.len);                         /* (2) */
        assert(i == 0 || bytes_cmp(list[i - 1].name, list[i].name) < 0);       /* (1) */
        at = put_run(put_run(at, list[i].name), list[i].value);
    }
    l->refs = refs;
    l->len = (uint32_t)len;
    l->hash = XXH3_64bits(l->data, len);
}

const labels *labels_from_sorted(arena *a, const label *list, size_t n)
{
    if (n == 0)
        return &labels_empty;
    size_t len = packed_len(list, n);
    labels *l = arena_alloc(a, sizeof *l + len);
    pack(l, list, n, len, 0);
    return l;
}

static labels *new_from_sorted(const label *list, size_t n)
{
    size_t len = packed_len(list, n);
    labels *l = xmalloc(sizeof *l + len);
    pack(l, list, n, len, 1);
    return l;
}

/* ---- lists in any order ---- */

/* Stable insertion sort by name: lists are short and mostly sorted. */
static void sort_list(label *list, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        label x = list[i];
        size_t j = i;
        for (; j > 0 && bytes_cmp(list[j - 1].name, x.name) > 0; j--)
            list[j] = list[j - 1];
        list[j] = x;
    }
}

static int by_name_then_place(const void *pa, const void *pb)
{
    const label *const *a = pa, *const *b = pb;
    int c = bytes_cmp((*a)->name, (*b)->name);
    return c ? c : (*a > *b) - (*a < *b);
}

/* Sorted copy of list in out: of a repeated name the last, empty values dropped. */
static size_t normalise(const label *list, size_t n, label *out, arena *scratch)
{
    if (n <= 64) {
        memcpy(out, list, n * sizeof *list);
        sort_list(out, n);
    } else {
        const label **order = arena_array(scratch, n, sizeof *order);
        for (size_t i = 0; i < n; i++)
            order[i] = &list[i];
        qsort(order, n, sizeof *order, by_name_then_place);
        for (size_t i = 0; i < n; i++)
            out[i] = *order[i];
    }
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && bytes_eq(out[i].name, out[i + 1].name))
            continue;
        if (out[i].value.len && out[i].name.len)
            out[m++] = out[i];
    }
    return m;
}

const labels *labels_from(arena *a, const label *list, size_t n)
{
    if (n == 0)
        return &labels_empty;
    label *sorted = arena_array(a, n, sizeof *sorted);
    return labels_from_sorted(a, sorted, normalise(list, n, sorted, a));
}

labels *labels_new(const label *list, size_t n)
{
    arena scratch;
    arena_init(&scratch, 0);
    label *sorted = arena_array(&scratch, n ? n : 1, sizeof *sorted);
    labels *l = new_from_sorted(sorted, n ? normalise(list, n, sorted, &scratch) : 0);
    arena_release(&scratch);
    return l;
}

/* ---- the packed form from outside ---- */

static bool packed_valid(bytes data)
{
    const uint8_t *at = (const uint8_t *)data.p, *end = at + data.len;
    bytes last = { 0 };
    if (data.len > LIMIT_LABELS_BYTES)
        return false;
    while (at < end) {
        const uint8_t *from = at;
        label x;
        if (!get_run(&at, end, &x.name) || !get_run(&at, end, &x.value) || !x.name.len || !x.value.len)
            return false;
        if (last.len && bytes_cmp(last, x.name) >= 0)
            return false;
        /* Lengths must be in their shortest form, or equal sets could differ in bytes (3). */
        size_t want = varint_len(x.name.len) + x.name.len + varint_len(x.value.len) + x.value.len;
        if ((size_t)(at - from) != want)
            return false;
        last = x.name;
    }
    return true;
}

static void fill_packed(labels *l, bytes data, uint32_t refs)
{
    l->refs = refs;
    l->len = (uint32_t)data.len;
    if (data.len)
        memcpy(l->data, data.p, data.len);
    l->hash = XXH3_64bits(l->data, data.len);
}

const labels *labels_from_packed(arena *a, bytes data)
{
    if (data.len == 0)
        return &labels_empty;
    if (!packed_valid(data))
        return NULL;
    labels *l = arena_alloc(a, sizeof *l + data.len);
    fill_packed(l, data, 0);
    return l;
}

labels *labels_new_packed(bytes data)
{
    if (data.len && !packed_valid(data))
        return NULL;
    labels *l = xmalloc(sizeof *l + data.len);
    fill_packed(l, data, 1);
    return l;
}

/* ---- counting ---- */

static _Atomic uint32_t *counter(const labels *l)
{
    return (_Atomic uint32_t *)(uintptr_t)&l->refs;
}

labels *labels_ref(const labels *l)
{
    if (atomic_load_explicit(counter(l), memory_order_relaxed)) {
        atomic_fetch_add_explicit(counter(l), 1, memory_order_relaxed);
        return (labels *)(uintptr_t)l;
    }
    labels *copy = xmalloc(sizeof *copy + l->len);
    copy->refs = 1;
    copy->len = l->len;
    copy->hash = l->hash;
    memcpy(copy->data, l->data, l->len);
    return copy;
}

void labels_unref(const labels *l)
{
    if (!l || l == &labels_empty || atomic_load_explicit(counter(l), memory_order_relaxed) == 0)
        return;
    if (atomic_fetch_sub_explicit(counter(l), 1, memory_order_acq_rel) == 1)
        free((void *)(uintptr_t)l);
}

/* ---- reading ---- */

bool labels_next(labels_iter *it, label *out)
{
    return it->at < it->end && get_run(&it->at, it->end, &out->name) && get_run(&it->at, it->end, &out->value);
}

int labels_cmp(const labels *a, const labels *b)
{
    labels_iter ia = labels_walk(a), ib = labels_walk(b);
    label x = { 0 }, y = { 0 };
    for (;;) {
        bool has_a = labels_next(&ia, &x), has_b = labels_next(&ib, &y);
        if (!has_a || !has_b)
            return has_a - has_b;
        int c = bytes_cmp(x.name, y.name);
        if (c == 0)
            c = bytes_cmp(x.value, y.value);
        if (c)
            return c;
    }
}

size_t labels_count(const labels *l)
{
    size_t n = 0;
    label x;
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);)
        n++;
    return n;
}

static bool find(const labels *l, bytes name, bytes *value)
{
    label x;
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);) {
        int c = bytes_cmp(x.name, name);
        if (c == 0)
            *value = x.value;
        if (c >= 0)
            return c == 0;
    }
    return false;
}

bytes labels_get(const labels *l, bytes name)
{
    bytes value = { 0 };
    find(l, name, &value);
    return value;
}

bool labels_has(const labels *l, bytes name)
{
    bytes value;
    return find(l, name, &value);
}

/* ---- building ---- */

void labels_builder_init(labels_builder *b, arena *a, const labels *base)
{
    *b = (labels_builder){ .a = a };
    size_t n = base ? labels_count(base) : 0;
    b->cap = n + 8;
    b->list = arena_array(a, b->cap, sizeof *b->list);
    label x;
    if (base)
        for (labels_iter it = labels_walk(base); labels_next(&it, &x);)
            b->list[b->n++] = x;
}

/* Place of name, or where it would go; *found says which. */
static size_t builder_find(const labels_builder *b, bytes name, bool *found)
{
    size_t lo = 0, hi = b->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = bytes_cmp(b->list[mid].name, name);
        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = false;
    return lo;
}

void labels_builder_del(labels_builder *b, bytes name)
{
    bool found;
    size_t at = builder_find(b, name, &found);
    if (found)
        memmove(&b->list[at], &b->list[at + 1], (--b->n - at) * sizeof *b->list);
}

void labels_builder_set(labels_builder *b, bytes name, bytes value)
{
    if (value.len == 0 || name.len == 0) {
        labels_builder_del(b, name);
        return;
    }
    bool found;
    size_t at = builder_find(b, name, &found);
    if (!found) {
        if (b->n == b->cap) {
            b->list = arena_grow(b->a, b->list, b->cap * sizeof *b->list, b->cap * 2 * sizeof *b->list);
            b->cap *= 2;
        }
        memmove(&b->list[at + 1], &b->list[at], (b->n++ - at) * sizeof *b->list);
        b->list[at].name = name;
    }
    b->list[at].value = value;
}

bytes labels_builder_get(const labels_builder *b, bytes name)
{
    bool found;
    size_t at = builder_find(b, name, &found);
    return found ? b->list[at].value : (bytes){ 0 };
}

const labels *labels_builder_build(labels_builder *b)
{
    return labels_from_sorted(b->a, b->list, b->n);
}

/* ---- subsets ---- */

static bool in_list(bytes name, const bytes *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_eq(names[i], name))
            return true;
    return false;
}

static bool is_name_label(bytes name)
{
    return bytes_eq(name, LABEL_NAME) || bytes_eq(name, BYTES("__type__")) || bytes_eq(name, BYTES("__unit__"));
}

/* The labels that `keep` wants, copied run by run: no list in between. */
static const labels *subset(arena *a, const labels *l, const bytes *names, size_t n, bool listed, bool drop_name)
{
    labels *out = arena_alloc(a, sizeof *out + l->len);
    uint8_t *to = out->data;
    label x = { 0 };
    for (labels_iter it = labels_walk(l); it.at < it.end;) {
        const uint8_t *from = it.at;
        labels_next(&it, &x);
        if (in_list(x.name, names, n) != listed || (drop_name && is_name_label(x.name)))
            continue;
        memcpy(to, from, (size_t)(it.at - from));
        to += it.at - from;
    }
    out->refs = 0;
    out->len = (uint32_t)(to - out->data);
    out->hash = XXH3_64bits(out->data, out->len);
    return out;
}

const labels *labels_without(arena *a, const labels *l, const bytes *names, size_t n, bool drop_name)
{
    return subset(a, l, names, n, false, drop_name);
}

const labels *labels_only(arena *a, const labels *l, const bytes *names, size_t n)
{
    return subset(a, l, names, n, true, false);
}

/* ---- printing ---- */

bool label_is_legacy_metric_name(bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return s.len > 0;
}

bool label_is_legacy_name(bytes s)
{
    return label_is_legacy_metric_name(s) && bytes_find(s, ':') < 0;
}

static void print_list(buf *out, const labels *l, bool skip_name)
{
    bool first = true;
    label x = { 0 };
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);) {
        if (skip_name && bytes_eq(x.name, LABEL_NAME))
            continue;
        if (!first)
            buf_puts(out, BYTES(", "));
        first = false;
        if (label_is_legacy_name(x.name))
            buf_puts(out, x.name);
        else
            utf8_quote(out, x.name);
        buf_putc(out, '=');
        utf8_quote(out, x.value);
    }
}

void labels_print(buf *out, const labels *l)
{
    buf_putc(out, '{');
    print_list(out, l, false);
    buf_putc(out, '}');
}

void labels_print_metric(buf *out, const labels *l)
{
    bytes name = labels_get(l, LABEL_NAME);
    bool others = labels_count(l) > (name.len ? 1 : 0);
    bool plain = name.len && label_is_legacy_metric_name(name);
    if (plain)
        buf_puts(out, name);
    if (!others && plain)
        return;
    buf_putc(out, '{');
    if (name.len && !plain) {
        utf8_quote(out, name);
        if (others)
            buf_puts(out, BYTES(", "));
    }
    print_list(out, l, true);
    buf_putc(out, '}');
}
