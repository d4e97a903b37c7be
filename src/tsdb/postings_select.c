/* postings_select.c: from matchers to slots.
 *
 * Each matcher becomes at most two terms: "in one of these sets" or "in none of them", where a missing label is the
 * empty value. The cheapest positive term gives the candidates. Few candidates are kept as a list and asked one by one;
 * many become a flat bitmap over all slots, and the other terms are ANDed into it: at a million series a pass over
 * the bitmap is 125 KB.                                                                                       */
#include "tsdb/postings.h"
#include "base/arena.h"
#include "tsdb/postings_impl.h"
#include <stdlib.h>

/* A table of fewer values is walked on the loop: 2000 matches of a hundred ns. */
enum { SCAN_SHORT = 2000, LIST_SLOTS = 32, MANY_SETS = 8 };

/* ---- walking a value table ---- */

static bool needs_scan(const matcher *m)
{
    if (m->op != MATCH_RE && m->op != MATCH_NRE)
        return false;
    enum regex_kind k = regex_kind(m->re);
    return k == REGEX_ENGINE || k == REGEX_PREFIX || k == REGEX_PREFIX_PLUS;
}

void matcher_scan_begin(const postings *p, const matcher *m, matcher_scan *s)
{
    *s = (matcher_scan){ .done = true };
    uint32_t i = needs_scan(m) ? postings_find_name(p, m->name) : p->n_names;
    if (i == p->n_names)
        return;
    s->table = value_table_ref(p->names[i]->values);
    s->n = s->table->n;
    s->done = false;
}

bool matcher_scan_is_long(const matcher_scan *s)
{
    return !s->done && s->n > SCAN_SHORT;
}

void matcher_scan_run(const matcher *m, matcher_scan *s)
{
    if (s->done)
        return;
    s->hits = xcalloc(s->n / 64 + 1, sizeof *s->hits);
    for (uint32_t i = 0; i < s->n; i++)
        if (regex_match(m->re, value_table_at(s->table, i)))
            s->hits[i / 64] |= UINT64_C(1) << (i % 64);
    s->done = true;
}

void matcher_scan_release(matcher_scan *s)
{
    value_table_unref(s->table);
    free(s->hits);
    *s = (matcher_scan){ 0 };
}

/* ---- terms ---- */

typedef struct term {
    const idset **sets;      /* malloced */
    size_t n, cap;
    bool exclude;
    const idset *has;        /* not exclude: series outside of it fit as well (the label is missing) */
    uint64_t size;           /* numbers in the sets, together */
} term;

static void term_put(term *t, const idset *set)
{
    if (!set->n)
        return;
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 1;
        t->sets = xreallocarray(t->sets, t->cap, sizeof *t->sets);
    }
    t->sets[t->n++] = set;
    t->size += set->n;
}

static void put_value(term *t, const label_index *x, bytes value)
{
    uint32_t k = x ? label_index_find(x, value) : VALUE_NONE;
    if (k != VALUE_NONE)
        term_put(t, &x->post[k]);
}

static void put_scanned(term *t, const label_index *x, const matcher *m, matcher_scan *s)
{
    matcher_scan_run(m, s);
    if (!s->table)
        return;
    /* A table rebuilt since the scan began, which is rare, is walked again, here. */
    uint32_t n = s->table == x->values ? s->n : 0;
    for (uint32_t w = 0; w * 64 < n; w++)
        for (uint64_t bits = s->hits[w]; bits; bits &= bits - 1)
            term_put(t, &x->post[w * 64 + (uint32_t)__builtin_ctzll(bits)]);
    for (uint32_t i = n; i < x->values->n; i++) /* those that came since */
        if (regex_match(m->re, value_table_at(x->values, i)))
            term_put(t, &x->post[i]);
}

/* The sets of values that a regex takes, the empty one aside. */
static void put_regex(term *t, const label_index *x, const matcher *m, matcher_scan *s)
{
    size_t n = 0;
    if (!x)
        return;
    switch (regex_kind(m->re)) {
    case REGEX_ANY:
    case REGEX_NOT_EMPTY:
        term_put(t, &x->has);
        break;
    case REGEX_LITERALS: {
        const bytes *literals = regex_literals(m->re, &n);
        for (size_t i = 0; i < n; i++)
            put_value(t, x, literals[i]);
        break;
    }
    case REGEX_PREFIX:
    case REGEX_PREFIX_PLUS:
    case REGEX_ENGINE:
        put_scanned(t, x, m, s);
        break;
    }
}

/* Appends the terms of one matcher (0 to 2). */
static size_t matcher_terms(const postings *p, const matcher *m, matcher_scan *s, term *out)
{
    static const idset none;
    uint32_t i = postings_find_name(p, m->name);
    const label_index *x = i < p->n_names ? p->names[i] : NULL;
    bool takes_empty = matcher_matches_empty(m);
    bool negative = m->op == MATCH_NE || m->op == MATCH_NRE;
    bool is_regex = m->op == MATCH_RE || m->op == MATCH_NRE;
    if (m->op == MATCH_RE && regex_kind(m->re) == REGEX_ANY)
        return 0;
    /* what the pattern itself takes, not the negation */
    term t = { .exclude = negative };
    if (is_regex)
        put_regex(&t, x, m, s);
    else if (m->value.len)
        put_value(&t, x, m->value);
    if (!negative) {
        t.has = takes_empty ? (x ? &x->has : &none) : NULL;
        *out = t;
        return 1;
    }
    *out = t;
    if (takes_empty)
        return 1;
    /* != "" and its like: the label must be there as well */
    out[1] = (term){ 0 };
    if (x)
        term_put(&out[1], &x->has);
    return 2;
}

/* ---- many candidates: bitmaps ---- */

static void map_apply(const term *t, idmap m, uint64_t *scratch)
{
    if (t->exclude) {
        for (size_t i = 0; i < t->n; i++)
            idset_andnot_into(t->sets[i], m);
        return;
    }
    if (!t->has && t->n == 1) {
        idset_and_into(t->sets[0], m);
        return;
    }
    idmap fits = { scratch, m.n_words };
    if (t->has) {
        memset(scratch, 0xff, m.n_words * sizeof *scratch);
        idset_andnot_into(t->has, fits);
    } else {
        memset(scratch, 0, m.n_words * sizeof *scratch);
    }
    for (size_t i = 0; i < t->n; i++)
        idset_or_into(t->sets[i], fits);
    for (size_t k = 0; k < m.n_words; k++)
        m.words[k] &= scratch[k];
}

static void select_by_map(const term *terms, size_t n, const term *first, size_t n_words, uint32_t **out, size_t *n_out)
{
    idmap m = { xcalloc(n_words, sizeof(uint64_t)), n_words };
    uint64_t *scratch = xmalloc(n_words * sizeof *scratch);
    for (size_t i = 0; i < first->n; i++)
        idset_or_into(first->sets[i], m);
    for (size_t i = 0; i < n; i++)
        if (&terms[i] != first)
            map_apply(&terms[i], m, scratch);
    *n_out = idmap_count(m);
    *out = *n_out ? xmalloc(*n_out * sizeof **out) : NULL;
    idmap_list(m, *out);
    free(m.words);
    free(scratch);
}

/* ---- few candidates: a list ---- */

static bool term_takes(const term *t, uint32_t id)
{
    if (t->has && !idset_has(t->has, id))
        return true;
    bool in = false;
    for (size_t i = 0; i < t->n && !in; i++)
        in = idset_has(t->sets[i], id);
    return in != t->exclude;
}

static int cmp_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void select_by_list(const term *terms, size_t n, const term *first, uint32_t **out, size_t *n_out)
{
    uint32_t *ids = first->size ? xmalloc(first->size * sizeof *ids) : NULL;
    size_t len = 0;
    for (size_t i = 0; i < first->n; i++) {
        idset_list(first->sets[i], ids + len);
        len += first->sets[i]->n;
    }
    if (first->n > 1) /* sets of one name are disjoint, but interleave */
        qsort(ids, len, sizeof *ids, cmp_u32);
    for (size_t i = 0; i < n; i++) {
        size_t kept = 0;
        if (&terms[i] == first)
            continue;
        for (size_t k = 0; k < len; k++)
            if (term_takes(&terms[i], ids[k]))
                ids[kept++] = ids[k];
        len = kept;
    }
    *n_out = len;
    *out = ids;
}

/* The smallest term that can give candidates; live (all slots) where there is none. */
static const term *cheapest(const term *terms, size_t n, const term *live)
{
    const term *best = live;
    for (size_t i = 0; i < n; i++)
        if (!terms[i].exclude && !terms[i].has && (best == live || terms[i].size < best->size))
            best = &terms[i];
    return best;
}

/* Asking a list of candidates about a term of many sets costs more than a bitmap. */
static bool lists_are_cheap(const term *terms, size_t n, const term *first, size_t n_words)
{
    if (first->size > n_words * 64 / LIST_SLOTS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (&terms[i] != first && terms[i].n > MANY_SETS && first->size > MANY_SETS)
            return false;
    return true;
}

void postings_select(const postings *p, const matcher *ms, matcher_scan *scans, size_t n, uint32_t **out, size_t *n_out)
{
    term *terms = xcalloc(n * 2 + 1, sizeof *terms);
    size_t n_terms = 0;
    for (size_t i = 0; i < n; i++)
        n_terms += matcher_terms(p, &ms[i], &scans[i], &terms[n_terms]);
    term all = { 0 };
    term_put(&all, &p->all);
    const term *first = cheapest(terms, n_terms, &all);
    size_t n_words = (p->n_slots + 63) / 64;
    *out = NULL;
    *n_out = 0;
    if (first->size && lists_are_cheap(terms, n_terms, first, n_words))
        select_by_list(terms, n_terms, first, out, n_out);
    else if (first->size)
        select_by_map(terms, n_terms, first, n_words, out, n_out);
    for (size_t i = 0; i < n_terms; i++)
        free(terms[i].sets);
    free(all.sets);
    free(terms);
}
