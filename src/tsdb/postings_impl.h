/* postings_impl.h: the inside of the index, for postings.c and postings_select.c only. */
#ifndef TSDB_POSTINGS_IMPL_H
#define TSDB_POSTINGS_IMPL_H
#include "tsdb/postings.h"

enum { VALUE_SEGMENTS = 28, VALUE_TEXT_MAX = 64 << 10 };
#define VALUE_NONE UINT32_MAX

typedef struct value_entry {
    const char *p;
    uint32_t len, hash;
} value_entry;

/* Text of values, one after the other; never moves. */
typedef struct value_text {
    struct value_text *next;
    uint32_t len, cap;
    char data[];
} value_text;

/* Segment k holds 2 << k entries, so that growing moves nothing a reader may look at. */
struct value_table {
    uint32_t refs;      /* atomic */
    uint32_t n;         /* loop thread; readers have their own copy */
    value_entry *segments[VALUE_SEGMENTS];
    value_text *text;
    size_t mem_bytes;
};

struct label_index {
    char *name;
    uint32_t name_len;
    uint32_t n_live;
    value_table *values;
    idset *post;         /* per value */
    uint32_t cap_post;
    uint32_t n_buckets;  /* power of two, or 0 */
    uint32_t *buckets;   /* value index + 1 */
    idset has;           /* every series that carries the name */
};

static inline size_t value_segment_len(uint32_t k)
{
    return (size_t)2 << k;
}

/* Entry i is number i + 2 - (2 << k) of segment k. */
static inline void value_segment_of(uint32_t i, uint32_t *k, uint32_t *at)
{
    *k = 30 - (uint32_t)__builtin_clz(i + 2);
    *at = i + 2 - (UINT32_C(2) << *k);
}

static inline const value_entry *value_entry_at(const value_table *t, uint32_t i)
{
    uint32_t k, at;
    value_segment_of(i, &k, &at);
    return &t->segments[k][at];
}

/* The value's index, or VALUE_NONE. */
uint32_t label_index_find(const label_index *x, bytes value);
#endif
