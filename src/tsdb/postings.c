/* postings.c: see postings.h. Selecting is in postings_select.c.
 *
 * Invariants: (1) entries of a value table below n never change; (2) post[i] belongs to value i, may be empty (dead);
 * (3) n_live counts the values whose set is not empty; (4) the hash of a name finds every value, dead ones too, so
 *     that one
 * that comes back takes its old place.                                                                          */
#include "tsdb/postings.h"
#include "base/arena.h"
#include "tsdb/postings_impl.h"
#include <assert.h>
#include <stdlib.h>

/* ---- value tables ---- */

static value_table *value_table_new(void)
{
    value_table *t = xcalloc(1, sizeof *t);
    t->refs = 1;
    return t;
}

value_table *value_table_ref(value_table *t)
{
    __atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void value_table_unref(value_table *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    for (uint32_t i = 0; i < VALUE_SEGMENTS; i++)
        free(t->segments[i]);
    while (t->text) {
        value_text *next = t->text->next;
        free(t->text);
        t->text = next;
    }
    free(t);
}

static char *text_keep(value_table *t, bytes value)
{
    value_text *x = t->text;
    if (!x || x->cap - x->len < value.len) {
        size_t cap = x ? x->cap * (size_t)2 : 64;
        cap = cap > VALUE_TEXT_MAX ? VALUE_TEXT_MAX : cap;
        cap = cap < value.len ? value.len : cap;
        x = xmalloc(sizeof *x + cap);
        *x = (value_text){ .next = t->text, .cap = (uint32_t)cap };
        t->text = x;
        t->mem_bytes += sizeof *x + cap;
    }
    char *p = x->data + x->len;
    memcpy(p, value.p, value.len);
    x->len += (uint32_t)value.len;
    return p;
}

static uint32_t value_table_push(value_table *t, bytes value)
{
    uint32_t k, at;
    uint32_t i = t->n;
    value_segment_of(i, &k, &at);
    if (!t->segments[k]) {
        t->segments[k] = xmalloc(value_segment_len(k) * sizeof(value_entry));
        t->mem_bytes += value_segment_len(k) * sizeof(value_entry);
    }
    t->segments[k][at] = (value_entry){ text_keep(t, value), (uint32_t)value.len, (uint32_t)bytes_hash(value) };
    t->n++;
    return i;
}

bytes value_table_at(const value_table *t, uint32_t i)
{
    const value_entry *v = value_entry_at(t, i);
    return (bytes){ v->p, v->len };
}

/* ---- one name ---- */

static label_index *label_index_new(bytes name)
{
    label_index *x = xcalloc(1, sizeof *x);
    x->name = xmalloc(name.len + 1);
    memcpy(x->name, name.p, name.len);
    x->name[name.len] = '\0';
    x->name_len = (uint32_t)name.len;
    x->values = value_table_new();
    return x;
}

static void label_index_free(label_index *x)
{
    for (uint32_t i = 0; i < x->values->n; i++)
        idset_release(&x->post[i]);
    free(x->post);
    free(x->buckets);
    idset_release(&x->has);
    value_table_unref(x->values);
    free(x->name);
    free(x);
}

static void value_rehash(label_index *x, uint32_t n_buckets)
{
    x->buckets = xreallocarray(x->buckets, n_buckets, sizeof *x->buckets);
    memset(x->buckets, 0, n_buckets * sizeof *x->buckets);
    x->n_buckets = n_buckets;
    for (uint32_t i = 0; i < x->values->n; i++) {
        uint32_t b = value_entry_at(x->values, i)->hash & (n_buckets - 1);
        while (x->buckets[b])
            b = (b + 1) & (n_buckets - 1);
        x->buckets[b] = i + 1;
    }
}

uint32_t label_index_find(const label_index *x, bytes value)
{
    if (!x->n_buckets)
        return VALUE_NONE;
    uint32_t hash = (uint32_t)bytes_hash(value);
    for (uint32_t b = hash & (x->n_buckets - 1); x->buckets[b]; b = (b + 1) & (x->n_buckets - 1)) {
        const value_entry *v = value_entry_at(x->values, x->buckets[b] - 1);
        if (v->hash == hash && bytes_eq((bytes){ v->p, v->len }, value))
            return x->buckets[b] - 1;
    }
    return VALUE_NONE;
}

static uint32_t value_make(label_index *x, bytes value)
{
    uint32_t i = label_index_find(x, value);
    if (i != VALUE_NONE)
        return i;
    i = value_table_push(x->values, value);
    if (i == x->cap_post) {
        x->cap_post = x->cap_post ? x->cap_post + x->cap_post / 2 + 1 : 1;
        x->post = xreallocarray(x->post, x->cap_post, sizeof *x->post);
    }
    x->post[i] = (idset){ 0 };
    if ((uint64_t)x->values->n * 4 > (uint64_t)x->n_buckets * 3) {
        value_rehash(x, x->n_buckets ? x->n_buckets * 2 : 2);
        return i;
    }
    uint32_t b = value_entry_at(x->values, i)->hash & (x->n_buckets - 1);
    while (x->buckets[b])
        b = (b + 1) & (x->n_buckets - 1);
    x->buckets[b] = i + 1;
    return i;
}

/* A table without the dead values; snapshots that hold the old one keep it. */
static void label_index_rebuild(label_index *x)
{
    value_table *old = x->values;
    uint32_t n = 0;
    x->values = value_table_new();
    for (uint32_t i = 0; i < old->n; i++) {
        if (x->post[i].n) {
            value_table_push(x->values, value_table_at(old, i));
            x->post[n++] = x->post[i];
        }
    }
    x->cap_post = n;
    x->post = n ? xreallocarray(x->post, n, sizeof *x->post) : (free(x->post), NULL);
    value_table_unref(old);
    uint32_t n_buckets = 2;
    while ((uint64_t)n * 4 > (uint64_t)n_buckets * 3)
        n_buckets *= 2;
    value_rehash(x, n_buckets);
}

/* ---- all names ---- */

void postings_init(postings *p)
{
    *p = (postings){ 0 };
}

void postings_release(postings *p)
{
    for (uint32_t i = 0; i < p->n_names; i++)
        label_index_free(p->names[i]);
    free(p->names);
    free(p->buckets);
    idset_release(&p->all);
    *p = (postings){ 0 };
}

static void names_rehash(postings *p, uint32_t n_buckets)
{
    p->buckets = xreallocarray(p->buckets, n_buckets, sizeof *p->buckets);
    memset(p->buckets, 0, n_buckets * sizeof *p->buckets);
    p->n_buckets = n_buckets;
    for (uint32_t i = 0; i < p->n_names; i++) {
        uint32_t b = (uint32_t)bytes_hash(postings_name(p, i)) & (n_buckets - 1);
        while (p->buckets[b])
            b = (b + 1) & (n_buckets - 1);
        p->buckets[b] = i + 1;
    }
}

uint32_t postings_find_name(const postings *p, bytes name)
{
    if (!p->n_buckets)
        return p->n_names;
    uint32_t b = (uint32_t)bytes_hash(name) & (p->n_buckets - 1);
    for (; p->buckets[b]; b = (b + 1) & (p->n_buckets - 1))
        if (bytes_eq(postings_name(p, p->buckets[b] - 1), name))
            return p->buckets[b] - 1;
    return p->n_names;
}

static label_index *name_make(postings *p, bytes name)
{
    uint32_t i = postings_find_name(p, name);
    if (i < p->n_names)
        return p->names[i];
    p->names = xreallocarray(p->names, p->n_names + (size_t)1, sizeof *p->names);
    p->names[p->n_names++] = label_index_new(name);
    uint32_t n_buckets = p->n_buckets ? p->n_buckets : 16;
    names_rehash(p, p->n_names * 2 > n_buckets ? n_buckets * 2 : n_buckets);
    return p->names[i];
}

void postings_add(postings *p, const labels *l, uint32_t slot)
{
    label x;
    idset_add(&p->all, slot);
    p->n_slots = slot >= p->n_slots ? slot + 1 : p->n_slots;
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);) {
        label_index *name = name_make(p, x.name);
        uint32_t k = value_make(name, x.value); /* may move post */
        idset *set = &name->post[k];
        if (!set->n) {
            name->n_live++;
            p->n_pairs++;
        }
        idset_add(set, slot);
        idset_add(&name->has, slot);
    }
}

void postings_remove(postings *p, const labels *l, uint32_t slot)
{
    label x;
    idset_remove(&p->all, slot);
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);) {
        uint32_t i = postings_find_name(p, x.name);
        assert(i < p->n_names);
        label_index *name = p->names[i];
        uint32_t k = label_index_find(name, x.value);
        assert(k != VALUE_NONE);
        idset_remove(&name->has, slot);
        if (idset_remove(&name->post[k], slot) && !name->post[k].n) {
            name->n_live--;
            p->n_pairs--;
        }
    }
}

void postings_tidy(postings *p)
{
    for (uint32_t i = 0; i < p->n_names; i++) {
        label_index *x = p->names[i];
        if (x->values->n >= 16 && x->n_live < x->values->n / 2)
            label_index_rebuild(x);
    }
}

size_t postings_mem_bytes(const postings *p)
{
    size_t sum = p->n_buckets * sizeof(uint32_t) + p->n_names * sizeof(void *);
    for (uint32_t i = 0; i < p->n_names; i++) {
        const label_index *x = p->names[i];
        sum += sizeof *x + sizeof *x->values + x->name_len + x->values->mem_bytes + x->cap_post * sizeof(idset)
             + x->n_buckets * sizeof(uint32_t) + idset_mem_bytes(&x->has);
        for (uint32_t k = 0; k < x->values->n; k++)
            sum += idset_mem_bytes(&x->post[k]);
    }
    return sum;
}

bytes postings_name(const postings *p, uint32_t i)
{
    return (bytes){ p->names[i]->name, p->names[i]->name_len };
}

uint32_t postings_n_series(const postings *p, uint32_t i)
{
    return p->names[i]->has.n;
}

uint32_t postings_n_live_values(const postings *p, uint32_t i)
{
    return p->names[i]->n_live;
}

uint32_t postings_n_values(const postings *p, uint32_t i)
{
    return p->names[i]->values->n;
}

value_table *postings_values(const postings *p, uint32_t i)
{
    return p->names[i]->values;
}

uint64_t *postings_live_values(const postings *p, uint32_t i)
{
    const label_index *x = p->names[i];
    uint64_t *bits = xcalloc(x->values->n / 64 + 1, sizeof *bits);
    for (uint32_t k = 0; k < x->values->n; k++)
        if (x->post[k].n)
            bits[k / 64] |= UINT64_C(1) << (k % 64);
    return bits;
}

uint32_t postings_value_series(const postings *p, uint32_t i, uint32_t k)
{
    return p->names[i]->post[k].n;
}
