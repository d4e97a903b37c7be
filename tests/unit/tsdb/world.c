/* world.c: see world.h. */
#include "world.h"
#include "tsdb/merge.h"
#include <stdio.h>
#include <stdlib.h>

static void open_store(world *w)
{
    err e = { 0 };
    ck_assert_msg(daystore_open(w->dir, false, &w->s, &e), "%s", e.msg);
}

void world_begin(world *w)
{
    memset(w, 0, sizeof *w);
    w->dir = fresh_dir();
    w->covered = 1;
    arena_init(&w->a, 0);
    map_init(&w->by_labels, MAP_BORROWED_KEYS);
    open_store(w);
}

void world_end(world *w)
{
    daystore_close(w->s);
    for (size_t i = 0; i < w->n; i++) {
        sample_columns_release(&w->series[i].all);
        sample_columns_release(&w->series[i].now);
    }
    map_release(&w->by_labels);
    arena_release(&w->a);
    drop_dir(w->dir);
}

void world_reopen(world *w)
{
    daystore_close(w->s);
    open_store(w);
}

/* Cuts the next "name OP value" off text. */
static bool next_term(bytes *text, bytes *name, enum matcher_op *op, bytes *value)
{
    static const struct { const char *text; enum matcher_op op; } ops[] = {
        { "!=", MATCH_NE }, { "=~", MATCH_RE }, { "!~", MATCH_NRE }, { "=", MATCH_EQ },
    };
    bytes term;
    if (!text->len)
        return false;
    bytes_cut(*text, ',', &term, text);
    if (term.len == text->len && term.p == text->p)
        *text = (bytes){ 0 };
    for (size_t i = 0; i < term.len; i++) {
        for (size_t k = 0; k < 4; k++) {
            bytes o = bytes_of(ops[k].text);
            if (!bytes_has_prefix(bytes_sub(term, i, term.len), o))
                continue;
            *name = bytes_sub(term, 0, i);
            *op = ops[k].op;
            *value = bytes_sub(term, i + o.len, term.len);
            return true;
        }
    }
    *name = LABEL_NAME;
    *op = MATCH_EQ;
    *value = term;
    return true;
}

matcher *world_matchers(world *w, const char *text, size_t *n)
{
    bytes rest = bytes_of(text), name, value;
    enum matcher_op op;
    matcher *ms = ARENA_ARRAY(&w->a, matcher, 16);
    err e = { 0 };
    for (*n = 0; next_term(&rest, &name, &op, &value); ++*n)
        ck_assert_msg(matcher_init(&ms[*n], &w->a, op, name, value, &e), "%s", e.msg);
    return ms;
}

size_t world_series_add(world *w, const char *text, uint64_t group)
{
    label list[32];
    size_t n = 0;
    enum matcher_op op;
    bytes rest = arena_dup(&w->a, bytes_of(text));
    while (next_term(&rest, &list[n].name, &op, &list[n].value))
        n++;
    must(w->n < WORLD_SERIES);
    const labels *l = labels_from(&w->a, list, n);
    bool is_new;
    uint64_t *at = map_put(&w->by_labels, bytes_n(l->data, l->len), &is_new);
    if (!is_new)
        return *at;
    *at = w->n;
    w->series[w->n] = (world_series){ .labels = l, .group = group };
    return w->n++;
}

void world_put(world *w, size_t series, int64_t t, double v)
{
    columns_push(&w->series[series].now, (sample){ t, v });
}

static void read_now(void *ctx, const flush_series *s, int64_t mint, int64_t maxt, sample_columns *out)
{
    const sample_columns *c = &((const world_series *)s->source)->now;
    for (size_t i = columns_lower_bound(c, 0, mint); i < c->n && c->t[i] <= maxt; i++)
        columns_push(out, (sample){ c->t[i], c->v[i] });
}

/* now over all, in the model. */
static void fold(world_series *s)
{
    size_t mid = s->all.n;
    for (size_t i = 0; i < s->now.n; i++)
        columns_push(&s->all, (sample){ s->now.t[i], s->now.v[i] });
    columns_merge_tail(&s->all, 0, mid);
    s->now.n = 0;
}

bool world_flush(world *w, err *e)
{
    flush_series *list = calloc(WORLD_SERIES, sizeof *list);
    flush_input in = { .series = list, .read = read_now, .covered = w->covered };
    for (size_t i = 0; i < w->n; i++) {
        world_series *s = &w->series[i];
        if (s->now.n)
            list[in.n++] = (flush_series){ s->labels, s->group, s->now.t[0], s->now.t[s->now.n - 1], s };
    }
    bool ok = flush_run(w->s, &in, &w->last, e);
    free(list);
    if (ok)
        w->covered++;
    for (size_t i = 0; ok && i < w->n; i++)
        fold(&w->series[i]);
    return ok;
}

/* ---- asking ---- */

static world_series *series_with(world *w, const labels *l)
{
    uint64_t *at = map_get(&w->by_labels, bytes_n(l->data, l->len));
    return at ? &w->series[*at] : NULL;
}

static bool has_samples(const world_series *s, int64_t mint, int64_t maxt)
{
    size_t i = columns_lower_bound(&s->all, 0, mint);
    return i < s->all.n && s->all.t[i] <= maxt;
}

static void check_samples(const world_series *s, int64_t mint, int64_t maxt, const sample_columns *got)
{
    size_t i = columns_lower_bound(&s->all, 0, mint), n = 0;
    for (; i < s->all.n && s->all.t[i] <= maxt; i++, n++) {
        must(n < got->n);
        must(got->t[n] == s->all.t[i]);
        must(num_bits(got->v[n]) == num_bits(s->all.v[i]));
    }
    must(got->n == n);
}

static void check_day(world *w, day_reader *r, int32_t day, const matcher *ms, size_t n, int64_t mint, int64_t maxt,
                      bool plan)
{
    arena a;
    day_series *found;
    size_t n_found, n_want = 0;
    sample_columns got = { 0 };
    err e = { 0 };
    int64_t from = (int64_t)day * DAY_MS, to = from + DAY_MS - 1;
    from = from < mint ? mint : from;
    to = to > maxt ? maxt : to;
    arena_init(&a, 0);
    ck_assert_msg(day_find(r, day, ms, n, mint, maxt, &a, &found, &n_found, &e), "%s", e.msg);
    uint32_t *ids = ARENA_ARRAY(&a, uint32_t, n_found);
    for (size_t i = 0; i < n_found; i++) {
        ids[i] = found[i].id;
        must(i == 0 || labels_cmp(found[i - 1].labels, found[i].labels) < 0);
        must(matchers_match(ms, n, found[i].labels));
    }
    if (plan)
        day_plan(r, day, ids, n_found, from, to);
    for (size_t i = 0; i < n_found; i++) {
        const world_series *s = series_with(w, found[i].labels);
        must(s);
        n_want += has_samples(s, from, to);
        got.n = 0;
        must(day_read(r, day, found[i].id, mint, maxt, &got, &e));
        check_samples(s, from, to, &got);
    }
    for (size_t i = 0; i < w->n; i++) /* none is missing */
        if (matchers_match(ms, n, w->series[i].labels))
            n_want -= has_samples(&w->series[i], from, to);
    ck_assert_uint_eq(n_want, 0);
    sample_columns_release(&got);
    arena_release(&a);
}

void world_check(world *w, const matcher *ms, size_t n, int64_t mint, int64_t maxt, bool plan)
{
    day_list *l = daystore_list(w->s);
    day_reader *r = day_reader_new(w->s, l, (size_t)1 << (10 + rnd_below(12)));
    for (uint32_t i = 0; i < l->n; i++)
        check_day(w, r, l->days[i]->day, ms, n, mint, maxt, plan);
    day_reader_free(r);
    day_list_unref(l);
}

static int by_text(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

/* Names or values of the series of one day that match. */
static size_t model_texts(world *w, int32_t day, bytes name, const matcher *ms, size_t n, bytes *out)
{
    size_t count = 0, distinct = 0;
    int64_t from = (int64_t)day * DAY_MS;
    label x;
    for (size_t i = 0; i < w->n; i++) {
        if (!has_samples(&w->series[i], from, from + DAY_MS - 1) || !matchers_match(ms, n, w->series[i].labels))
            continue;
        labels_iter it = labels_walk(w->series[i].labels);
        while (labels_next(&it, &x))
            if (name.len == 0 || bytes_eq(name, x.name))
                out[count++] = name.len ? x.value : x.name;
    }
    qsort(out, count, sizeof *out, by_text);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !bytes_eq(out[i], out[i - 1]))
            out[distinct++] = out[i];
    return distinct;
}

void world_check_labels(world *w, bytes name, const matcher *ms, size_t n, int64_t mint, int64_t maxt)
{
    static bytes want[WORLD_SERIES * 10];
    day_list *l = daystore_list(w->s);
    day_reader *r = day_reader_new(w->s, l, 1 << 20);
    arena a;
    err e = { 0 };
    arena_init(&a, 0);
    for (uint32_t i = 0; i < l->n; i++) {
        bytes *got;
        size_t n_got;
        int32_t day = l->days[i]->day;
        size_t n_want = model_texts(w, day, name, ms, n, want);
        bool ok = name.len ? day_label_values(r, day, name, ms, n, mint, maxt, &a, &got, &n_got, &e)
                           : day_label_names(r, day, ms, n, mint, maxt, &a, &got, &n_got, &e);
        ck_assert_msg(ok, "%s", e.msg);
        ck_assert_uint_eq(n_got, n_want);
        for (size_t k = 0; k < n_want; k++)
            ck_assert(bytes_eq(got[k], want[k]));
    }
    arena_release(&a);
    day_reader_free(r);
    day_list_unref(l);
}

void world_check_all(world *w)
{
    world_check(w, NULL, 0, INT64_MIN, INT64_MAX, true);
    world_check(w, NULL, 0, INT64_MIN, INT64_MAX, false);
    world_check_labels(w, (bytes){ 0 }, NULL, 0, INT64_MIN, INT64_MAX);
    world_check_labels(w, LABEL_NAME, NULL, 0, INT64_MIN, INT64_MAX);
}

void world_read(world *w, day_reader *r, const labels *l, int64_t mint, int64_t maxt, sample_columns *out)
{
    arena a;
    err e = { 0 };
    day_series *found;
    size_t n;
    day_list *days = daystore_list(w->s);
    out->n = 0;
    arena_init(&a, 0);
    for (uint32_t i = 0; i < days->n; i++) {
        ck_assert(day_find(r, days->days[i]->day, NULL, 0, mint, maxt, &a, &found, &n, &e));
        for (size_t k = 0; k < n; k++)
            if (labels_eq(found[k].labels, l))
                ck_assert(day_read(r, days->days[i]->day, found[k].id, mint, maxt, out, &e));
    }
    arena_release(&a);
    day_list_unref(days);
}
