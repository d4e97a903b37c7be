/* labels.h: a set of labels: sorted by name, immutable, packed in one blob, counted.
 *
 * Invariants: (1) names are distinct and in byte order; (2) no empty name, no empty value; (3) bytes never change once
 * built, so equality is memcmp of `data`.
 * Layout of data: per label varint(name length), name, varint(value length), value.
 * A set lives on the heap (labels_ref/labels_unref, any thread) or in an arena (labels_in_arena: counting does nothing,
 * it dies with the arena; labels_ref() on it makes a heap copy, so keeping is always safe).                  */
#ifndef MODEL_LABELS_H
#define MODEL_LABELS_H
#include "base/arena.h"
#include "base/buf.h"

typedef struct labels {
    uint32_t refs;       /* atomic; 0: in an arena */
    uint32_t len;        /* bytes of data */
    uint64_t hash;       /* XXH3-64 of data */
    uint8_t data[];
} labels;

typedef struct label {
    bytes name, value;
} label;

extern const labels labels_empty;              /* the set without labels; never freed */

/* A counted reference: the same object, or a heap copy of an arena's. */
labels *labels_ref(const labels *l);
void labels_unref(const labels *l);            /* NULL and arena sets are fine */

static inline bool labels_eq(const labels *a, const labels *b)
{
    return a == b || (a->hash == b->hash && a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}
/* Prometheus' order: pairwise name then value, shorter set first. */
int labels_cmp(const labels *a, const labels *b);

/* Walk: labels_iter it = labels_walk(l); label x; while (labels_next(&it, &x)) ... ; x is borrowed from l. */
typedef struct labels_iter {
    const uint8_t *at, *end;
} labels_iter;
static inline labels_iter labels_walk(const labels *l)
{
    return (labels_iter){ l->data, l->data + l->len };
}
bool labels_next(labels_iter *it, label *out);
size_t labels_count(const labels *l);
/* The value of a name, borrowed; empty where the set lacks it. */
bytes labels_get(const labels *l, bytes name);
bool labels_has(const labels *l, bytes name);

/* From any list: sorted, empty values dropped, a repeated name keeps its last value. Arena / heap (one reference). */
const labels *labels_from(arena *a, const label *list, size_t n);
labels *labels_new(const label *list, size_t n);
/* From a list that satisfies (1) and (2) already. */
const labels *labels_from_sorted(arena *a, const label *list, size_t n);
/* Of the packed form (as `data`), checked: NULL where it breaks an invariant. For readers of files. */
const labels *labels_from_packed(arena *a, bytes data);
labels *labels_new_packed(bytes data);

/* A set under construction; memory from the arena. Start from base (may be NULL), change, build. */
typedef struct labels_builder {
    arena *a;
    label *list;         /* sorted by name */
    size_t n, cap;
} labels_builder;
void labels_builder_init(labels_builder *b, arena *a, const labels *base);
void labels_builder_set(labels_builder *b, bytes name, bytes value);   /* borrowed until build; empty value deletes */
void labels_builder_del(labels_builder *b, bytes name);
bytes labels_builder_get(const labels_builder *b, bytes name);
const labels *labels_builder_build(labels_builder *b);                 /* in the arena */

/* Without the given sorted names (and, with drop_name, without __name__, __type__, __unit__) / with only them. */
const labels *labels_without(arena *a, const labels *l, const bytes *names, size_t n, bool drop_name);
const labels *labels_only(arena *a, const labels *l, const bytes *names, size_t n);

/* `{a="b", c="d"}` with the name as a label, values Go-quoted: how errors print them. */
void labels_print(buf *out, const labels *l);
/* `name{a="b", c="d"}`: how Prometheus prints a metric. */
void labels_print_metric(buf *out, const labels *l);

/* [a-zA-Z_:][a-zA-Z0-9_:]* and [a-zA-Z_][a-zA-Z0-9_]*: what needs no quotes. */
bool label_is_legacy_metric_name(bytes s);
bool label_is_legacy_name(bytes s);
#define LABEL_NAME BYTES("__name__")
#endif
