/* day_find.c: which series of a day satisfy matchers; which label names and values they have.
 *
 * Series are bits in a map over the day's catalogue. A matcher that an absent label does not satisfy selects: the ids
 * of the values that match are united, and the result intersected. One that an absent label satisfies takes away: the
 * ids of the values that do not match. Equality and lists of literals look their values up, prefixes read the part of
 * the postings that begins with them, all else runs over the distinct values of the name, never over series.
 * Then the catalogue rows with a bit set are read for labels and places.                                             */
#include "base/vec.h"
#include "tsdb/day_reader_impl.h"
#include <stdlib.h>

enum { FEW_LITERALS = 64 };

/* One search in one day. */
typedef struct search {
    day_reader *r;
    const day_use *u;
    const day_index *x;
    arena a;                 /* maps */
    size_t n_words;
    err *e;
} search;

static bool malformed(search *s, const char *what)
{
    return err_set(s->e, ERR_BAD_DATA, "%s is malformed", what);
}

static uint64_t *map_new(search *s)
{
    return arena_zalloc(&s->a, s->n_words * sizeof(uint64_t));
}

/* ---- walking label pairs ---- */

/* The pairs of a segment with one name, values from `from` on, ascending; or all pairs, with all_names. */
typedef struct pair_walk {
    search *s;
    const block_segment *seg;
    bytes name, from;
    bool all_names;
    uint32_t row;            /* next to read */
    postings_reader at;
    bool started, bad;
} pair_walk;

static int key_cmp(pair_key k, bytes name, bytes value)
{
    int d = bytes_cmp(k.name, name);
    return d ? d : bytes_cmp(k.value, value);
}

/* The last row that begins at or before the pair: the first that may hold it. */
static uint32_t first_row(const block_segment *seg, bytes name, bytes value)
{
    uint32_t from = 0, n = seg->n_rows;
    while (n > 0) {
        uint32_t half = n / 2;
        if (key_cmp(seg->keys[from + half], name, value) <= 0) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from ? from - 1 : 0;
}

static pair_walk walk_name(search *s, const block_segment *seg, bytes name, bytes from)
{
    return (pair_walk){ .s = s, .seg = seg, .name = name, .from = from, .row = first_row(seg, name, from) };
}

static pair_walk walk_all(search *s, const block_segment *seg)
{
    return (pair_walk){ .s = s, .seg = seg, .all_names = true };
}

static bool next_row(pair_walk *w)
{
    search *s = w->s;
    if (w->row >= w->seg->n_rows || (!w->all_names && bytes_cmp(w->seg->keys[w->row].name, w->name) > 0))
        return false;
    if (!day_reader_go_on(s->r, s->e) || !dayfile_postings(s->u->h, w->seg->first_row + w->row, &s->r->row, s->e)) {
        w->bad = true;
        return false;
    }
    w->row++;
    postings_open(&w->at, buf_bytes(&s->r->row));
    return true;
}

/* The next pair in w->at; false: no more, or w->bad. Its bytes stay until the next call. */
static bool walk_next(pair_walk *w)
{
    for (;;) {
        while (postings_next(&w->at)) {
            int d = w->all_names ? 0 : bytes_cmp(w->at.name, w->name);
            if (d > 0)
                return false;
            if (d == 0 && (w->all_names || bytes_cmp(w->at.value, w->from) >= 0))
                return true;
        }
        if (w->at.bad)
            w->bad = !malformed(w->s, "a row of postings");
        if (w->bad || !next_row(w))
            return false;
    }
}

static bool mark(pair_walk *w, uint64_t *map)
{
    return postings_mark(w->at.ids, w->seg->first, w->seg->first + w->seg->n, map)
           || malformed(w->s, "a list of series");
}

/* ---- matchers ---- */

/* Marks the series with name = value. */
static bool mark_value(search *s, const block_segment *seg, bytes name, bytes value, uint64_t *map)
{
    pair_walk w = walk_name(s, seg, name, value);
    if (walk_next(&w) && bytes_eq(w.at.value, value))
        return mark(&w, map);
    return !w.bad;
}

/* The values that decide a matcher if they are few: those that match (EQ, RE), or that alone do not (NE, NRE). */
static bool few_values(const matcher *m, const bytes **values, size_t *n)
{
    *values = &m->value;
    *n = 1;
    if (m->op == MATCH_EQ || m->op == MATCH_NE)
        return true;
    if (regex_kind(m->re) != REGEX_LITERALS)
        return false;
    *values = regex_literals(m->re, n);
    return *n <= FEW_LITERALS;
}

/* Marks the series whose label has a value that matches (want) or does not (!want); none that lacks the label. */
static bool mark_scan(search *s, const block_segment *seg, const matcher *m, bool want, uint64_t *map)
{
    bool is_prefix = want && m->op == MATCH_RE
                  && (regex_kind(m->re) == REGEX_PREFIX || regex_kind(m->re) == REGEX_PREFIX_PLUS);
    bytes prefix = is_prefix ? regex_prefix(m->re) : (bytes){ 0 };
    pair_walk w = walk_name(s, seg, m->name, prefix);
    while (walk_next(&w)) {
        if (is_prefix && !bytes_has_prefix(w.at.value, prefix))
            break;
        if (matcher_matches(m, w.at.value) == want && !mark(&w, map))
            return false;
    }
    return !w.bad;
}

static bool mark_segment(search *s, const block_segment *seg, const matcher *m, bool want, uint64_t *map)
{
    const bytes *values;
    size_t n;
    bool negative = m->op == MATCH_NE || m->op == MATCH_NRE;
    if (negative == want || !few_values(m, &values, &n))
        return mark_scan(s, seg, m, want, map);
    for (size_t i = 0; i < n; i++)
        if (values[i].len && !mark_value(s, seg, m->name, values[i], map))
            return false;
    return true;
}

static bool mark_matcher(search *s, const matcher *m, bool want, uint64_t *map)
{
    for (uint32_t b = 0; b < s->x->n_blocks; b++)
        for (uint32_t i = 0; i < s->x->blocks[b].n_segments; i++)
            if (!mark_segment(s, &s->x->blocks[b].segments[i], m, want, map))
                return false;
    return true;
}

static void mark_all(search *s, uint64_t *map)
{
    uint32_t n = s->x->n_series;
    memset(map, 0xff, n / 64 * sizeof *map);
    if (n % 64)
        map[n / 64] = (UINT64_C(1) << (n % 64)) - 1;
}

static bool any_marked(const search *s, const uint64_t *map)
{
    for (size_t i = 0; i < s->n_words; i++)
        if (map[i])
            return true;
    return false;
}

/* The series that satisfy all matchers; NULL: failed. Selecting ones first: the others then only take away. */
static uint64_t *select_series(search *s, const matcher *ms, size_t n)
{
    uint64_t *map = map_new(s), *one = NULL;
    mark_all(s, map);
    for (int taking = 0; taking < 2; taking++) {
        for (size_t k = 0; k < n && any_marked(s, map); k++) {
            if (matcher_matches_empty(&ms[k]) != taking)
                continue;
            if (one)
                memset(one, 0, s->n_words * sizeof *one);
            else
                one = map_new(s);
            if (!mark_matcher(s, &ms[k], !taking, one))
                return NULL;
            for (size_t i = 0; i < s->n_words; i++)
                map[i] &= taking ? ~one[i] : one[i];
        }
    }
    return map;
}

/* ---- from ids to series ---- */

static inline bool is_marked(const uint64_t *map, uint32_t i)
{
    return map[i / 64] >> (i % 64) & 1;
}

/* The lists that have packs in the range. */
static uint64_t *active_lists(search *s, int64_t mint, int64_t maxt, int64_t day_start)
{
    uint64_t *map = arena_zalloc(&s->a, (s->x->n_lists / 64 + 1) * sizeof *map);
    for (uint32_t k = 0; k < s->x->n_blocks; k++) {
        const day_block *b = &s->x->blocks[k];
        if (b->mint > maxt || b->maxt < mint)
            continue;
        for (uint32_t i = 0; i < b->n_packs; i++)
            if (day_start + b->packs[i].mint <= maxt && day_start + b->packs[i].maxt >= mint)
                map[b->packs[i].list / 64] |= UINT64_C(1) << (b->packs[i].list % 64);
    }
    return map;
}

typedef VEC(day_series) series_list;

/* The marked series of one catalogue row, [first, first + n), whose list is active. */
static bool list_row(search *s, uint32_t first, uint32_t n, const uint64_t *map, const uint64_t *active, arena *a,
                     series_list *out)
{
    catalogue_reader *c = &s->r->catalogue;
    if (!day_reader_go_on(s->r, s->e) || !dayfile_catalogue(s->u->h, first, &s->r->row, s->e))
        return false;
    if (!catalogue_open(c, buf_bytes(&s->r->row)) || c->left != n)
        return malformed(s, "a row of the catalogue");
    for (uint32_t id = first; id < first + n; id++) {
        if (!catalogue_next(c) || place_list(c->place) >= s->x->n_lists)
            return malformed(s, "a row of the catalogue");
        if (!is_marked(map, id) || !is_marked(active, place_list(c->place)))
            continue;
        const labels *l = labels_from_packed(a, buf_bytes(&c->labels));
        if (!l)
            return malformed(s, "a label set");
        vec_push(out, (day_series){ l, c->place });
    }
    return true;
}

/* Is any bit of [from, to) set? */
static bool any_in(const uint64_t *map, uint32_t from, uint32_t to)
{
    uint32_t a = from / 64, b = (to - 1) / 64;
    uint64_t head = UINT64_MAX << (from % 64), tail = UINT64_MAX >> (63 - (to - 1) % 64);
    if (a == b)
        return (map[a] & head & tail) != 0;
    for (uint32_t i = a + 1; i < b; i++)
        if (map[i])
            return true;
    return (map[a] & head) || (map[b] & tail);
}

static bool list_series(search *s, const uint64_t *map, const uint64_t *active, arena *a, series_list *out)
{
    for (uint32_t b = 0; b < s->x->n_blocks; b++) {
        for (uint32_t i = 0; i < s->x->blocks[b].n_segments; i++) {
            const block_segment *seg = &s->x->blocks[b].segments[i];
            for (uint32_t at = 0; at < seg->n; at += CATALOGUE_ROW) {
                uint32_t first = seg->first + at, n = seg->n - at < CATALOGUE_ROW ? seg->n - at : CATALOGUE_ROW;
                if (any_in(map, first, first + n) && !list_row(s, first, n, map, active, a, out))
                    return false;
            }
        }
    }
    return true;
}

static int by_labels(const void *a, const void *b)
{
    return labels_cmp(((const day_series *)a)->labels, ((const day_series *)b)->labels);
}

static void sort_series(series_list *l)
{
    for (size_t i = 1; i < l->len; i++) {
        if (by_labels(&l->p[i - 1], &l->p[i]) > 0) {
            qsort(l->p, l->len, sizeof *l->p, by_labels);
            return;
        }
    }
}

/* ---- the three questions ---- */

typedef struct question {
    const matcher *ms;
    size_t n;
    int64_t mint, maxt;
    bytes name;              /* values of this one; names: empty */
    arena *a;
    series_list series;      /* answers */
    VEC(bytes) texts;
} question;

static bool answer_series(search *s, int32_t day, question *q)
{
    const uint64_t *map = select_series(s, q->ms, q->n);
    return map && list_series(s, map, active_lists(s, q->mint, q->maxt, (int64_t)day * DAY_MS), q->a, &q->series);
}

static bool answer_segment(search *s, const block_segment *seg, const uint64_t *map, question *q)
{
    bool names = q->name.len == 0;
    bytes last = { 0 };
    pair_walk w = names ? walk_all(s, seg) : walk_name(s, seg, q->name, (bytes){ 0 });
    while (walk_next(&w)) {
        bytes text = names ? w.at.name : w.at.value;
        if (names && bytes_eq(text, last))
            continue;
        if (map && !postings_hits(w.at.ids, seg->first, seg->first + seg->n, map))
            continue;
        last = arena_dup(q->a, text);
        vec_push(&q->texts, last);
    }
    return !w.bad;
}

static bool answer_texts(search *s, int32_t day, question *q)
{
    const uint64_t *map = q->n ? select_series(s, q->ms, q->n) : NULL;
    if (q->n && (!map || !any_marked(s, map)))
        return map != NULL;
    for (uint32_t b = 0; b < s->x->n_blocks; b++)
        for (uint32_t i = 0; i < s->x->blocks[b].n_segments; i++)
            if (!answer_segment(s, &s->x->blocks[b].segments[i], map, q))
                return false;
    return true;
}

/* Does any block of the day have samples in the range? */
static bool in_range(const day_index *x, int64_t mint, int64_t maxt)
{
    for (uint32_t i = 0; i < x->n_blocks; i++)
        if (x->blocks[i].mint <= maxt && x->blocks[i].maxt >= mint)
            return true;
    return false;
}

static bool ask(day_reader *r, int32_t day, question *q, bool (*answer)(search *s, int32_t day, question *q), err *e)
{
    const day_entry *d = day_list_find(r->list, day);
    day_use u;
    err mine = { 0 };
    if (!d)
        return true;
    if (!day_use_begin(r->store, d, true, &u, e))
        return false;
    if (!u.h)
        return true;
    search s = { .r = r, .u = &u, .x = u.index, .n_words = u.index->n_series / 64 + 1, .e = &mine };
    arena_init(&s.a, 0);
    bool ok = !in_range(u.index, q->mint, q->maxt) || answer(&s, day, q);
    arena_release(&s.a);
    if (!ok && mine.kind == ERR_BAD_DATA)
        q->series.len = q->texts.len = 0;
    return day_use_end(&u, ok, &mine) || err_set(e, mine.kind, "%s", mine.msg);
}

bool day_find(day_reader *r, int32_t day, const matcher *ms, size_t n, int64_t mint, int64_t maxt, arena *a,
              day_series **out, size_t *n_out, err *e)
{
    question q = { .ms = ms, .n = n, .mint = mint, .maxt = maxt, .a = a };
    bool ok = ask(r, day, &q, answer_series, e);
    *out = NULL;
    *n_out = 0;
    if (ok && q.series.len) {
        sort_series(&q.series);
        *out = ARENA_ARRAY(a, day_series, q.series.len);
        memcpy(*out, q.series.p, q.series.len * sizeof **out);
        *n_out = q.series.len;
    }
    vec_free(&q.series);
    return ok;
}

static int by_text(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

/* Segments may repeat each other: sorted and distinct. */
static void give_texts(question *q, bytes **out, size_t *n_out)
{
    size_t n = 0;
    if (q->texts.len)
        qsort(q->texts.p, q->texts.len, sizeof *q->texts.p, by_text);
    *out = ARENA_ARRAY(q->a, bytes, q->texts.len);
    for (size_t i = 0; i < q->texts.len; i++)
        if (i == 0 || !bytes_eq(q->texts.p[i], q->texts.p[i - 1]))
            (*out)[n++] = q->texts.p[i];
    *n_out = n;
}

bool day_label_names(day_reader *r, int32_t day, const matcher *ms, size_t n, int64_t mint, int64_t maxt, arena *a,
                     bytes **out, size_t *n_out, err *e)
{
    question q = { .ms = ms, .n = n, .mint = mint, .maxt = maxt, .a = a };
    bool ok = ask(r, day, &q, answer_texts, e);
    give_texts(&q, out, n_out);
    vec_free(&q.texts);
    return ok;
}

bool day_label_values(day_reader *r, int32_t day, bytes name, const matcher *ms, size_t n, int64_t mint, int64_t maxt,
                      arena *a, bytes **out, size_t *n_out, err *e)
{
    question q = { .ms = ms, .n = n, .mint = mint, .maxt = maxt, .name = name, .a = a };
    bool ok = name.len == 0 || ask(r, day, &q, answer_texts, e);
    give_texts(&q, out, n_out);
    vec_free(&q.texts);
    return ok;
}
