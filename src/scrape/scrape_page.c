/* scrape_page.c: see scrape_page.h. */
#include "scrape/scrape_page.h"
#include "base/limits.h"
#include "loop/gzip.h"
#include "scrape/scrape_labels.h"
#include <stdlib.h>

enum { MAX_AHEAD_MS = 10 * 60 * 1000 };

void scrape_page_init(scrape_page *p)
{
    *p = (scrape_page){ 0 };
    arena_init(&p->a, 0);
    arena_init(&p->line, 0);
    buf_init(&p->body, LIMIT_SCRAPE_BODY_ASKED);
    buf_init(&p->plain, LIMIT_SCRAPE_BODY_ASKED);
}

void scrape_page_release(scrape_page *p)
{
    buf_release(&p->body);
    buf_release(&p->plain);
    arena_release(&p->a);
    arena_release(&p->line);
}

/* ---- the batch */

void scrape_page_reserve(scrape_page *p, size_t n)
{
    if (n <= p->cap)
        return;
    size_t cap = p->cap + p->cap / 2 + 64;
    if (cap < n)
        cap = n;
    p->items = arena_grow(&p->a, p->items, p->cap * sizeof *p->items, cap * sizeof *p->items);
    p->lines = arena_grow(&p->a, p->lines, p->cap * sizeof *p->lines, cap * sizeof *p->lines);
    p->cap = cap;
}

static void add_item(scrape_page *p, cache_line *l, const labels *set, int64_t t, double v)
{
    scrape_page_reserve(p, p->n_items + 1);
    p->lines[p->n_items] = (uint32_t)(l - p->cache->lines);
    p->items[p->n_items++] = (append_item){ .ref = l->ref, .labels = set, .t = t, .v = v };
}

/* A mark for a line that is not there any more. */
static void add_mark(scrape_page *p, cache_line *l)
{
    add_item(p, l, NULL, p->time_ms, sample_stale());
    scrape_cache_track(p->cache, l, false);
    l->flags &= 255 ^ LINE_DUE;
}

/* Marks for tracked lines: those this page lacks, or all. */
static void add_marks(scrape_page *p, bool all)
{
    scrape_cache *c = p->cache;
    size_t left = c->n_tracked;
    if (left == 0 || (!all && c->n_seen == c->n && !p->any_due))
        return;
    for (size_t i = 0; i < c->n && left > 0; i++) {
        cache_line *l = &c->lines[i];
        if (!(l->flags & LINE_TRACKED))
            continue;
        left--;
        if (all || l->seen != c->iter || (l->flags & LINE_DUE))
            add_mark(p, l);
    }
}

/* ---- series */

/* The line has no sample on this page that is watched for staleness. If it had one on the page before, that series
 * ends, unless the page says otherwise in another line of the same words. */
static void unwatched(scrape_page *p, cache_line *l)
{
    if ((l->flags & LINE_TRACKED) && !(l->flags & LINE_FRESH)) {
        l->flags |= LINE_DUE;
        p->any_due = true;
    }
}

static void watched(scrape_page *p, cache_line *l)
{
    scrape_cache_track(p->cache, l, true);
    l->flags = (l->flags | LINE_FRESH) & (255 ^ LINE_DUE);
}

static bool has_own_time(const scrape_page *p, const expo *x)
{
    return x->has_time && p->config->honor_timestamps;
}

/* May the sample be stored? Counts it, and what keeps it out. */
static bool admit(scrape_page *p, const expo *x)
{
    const scrape_config *sc = p->config;
    bool own_time = has_own_time(p, x);
    p->added++;
    if (sc->sample_limit > 0 && ++p->n_tried > sc->sample_limit) {
        p->over_samples = true;
        return false;
    }
    if (!own_time || (x->time_ms >= p->oldest_ms && x->time_ms <= p->now_ms + MAX_AHEAD_MS))
        return true;
    p->n_out_of_bounds++;
    return false;
}

/* Into the batch. */
static void add_sample(scrape_page *p, const expo *x, cache_line *l, const labels *set)
{
    bool own_time = has_own_time(p, x);
    add_item(p, l, set, own_time ? x->time_ms : p->time_ms, x->value);
    if (!own_time || p->config->track_timestamps_staleness)
        watched(p, l);
    else
        unwatched(p, l);
}

/* What is written on the way to a set is several times its size, so only the set itself stays. */
static bool series_labels(scrape_page *p, expo *x, const labels **out)
{
    label *list;
    size_t n;
    arena_reset(&p->line);
    expo_labels(x, &p->line, &list, &n);
    if (!scrape_labels(p->config, p->target, list, n, &p->line, out, &p->over_labels, &p->error))
        return false;
    if (*out) {
        size_t size = sizeof **out + (*out)->len;
        *out = memcpy(arena_alloc(&p->a, size), *out, size);
    }
    return true;
}

/* The line's place in the cache, made where it has none. */
static cache_line *see_line(scrape_page *p, const expo *x, cache_line *l, hash_key key)
{
    if (!l)
        return scrape_cache_add(p->cache, key, x->series.len, 0);
    scrape_cache_see(p->cache, l);
    l->flags &= 255 ^ LINE_LOST;
    return l;
}

/* A line without a ref: new, or refused by the store the last time. One that is kept out now stays unknown. */
static bool new_series(scrape_page *p, expo *x, cache_line *l, hash_key key)
{
    const labels *set;
    if (!series_labels(p, x, &set))
        return false;
    if (!set) {
        see_line(p, x, l, key)->flags |= LINE_DROPPED;
        return true;
    }
    if (!admit(p, x))
        return true;
    p->new_series += !l || l->seen != p->cache->iter;
    add_sample(p, x, see_line(p, x, l, key), set);
    return true;
}

static bool repeats(const scrape_page *p, const expo *x, const cache_line *l)
{
    return l->seen == p->cache->iter && !has_own_time(p, x);
}

/* A line of which the cache knows the series. */
static void known_series(scrape_page *p, const expo *x, cache_line *l)
{
    bool again = repeats(p, x, l);
    scrape_cache_see(p->cache, l);
    if (l->flags & LINE_DROPPED)
        return;
    if (again) {
        p->n_duplicates++;
        p->added++;
        unwatched(p, l);
    } else if (admit(p, x)) {
        add_sample(p, x, l, NULL);
    } else {
        unwatched(p, l);
    }
}

static bool is_known(const scrape_page *p, const expo *x, const cache_line *l)
{
    return l->ref != 0 || (l->flags & LINE_DROPPED) || repeats(p, x, l);
}

/* ---- comment lines */

static void add_meta(scrape_page *p, expo *x, enum expo_entry what, cache_line *l)
{
    if (p->n_meta == p->cap_meta) {
        size_t cap = p->cap_meta * 2 + 16;
        p->meta = arena_grow(&p->a, p->meta, p->cap_meta * sizeof *p->meta, cap * sizeof *p->meta);
        p->cap_meta = cap;
    }
    meta_line *m = &p->meta[p->n_meta++];
    *m = (meta_line){ .line = (uint32_t)(l - p->cache->lines), .what = what, .kind = x->kind, .name = x->name };
    m->text = what == EXPO_HELP ? expo_help(x, &p->a) : x->text;
}

static void comment_line(scrape_page *p, expo *x, enum expo_entry what)
{
    bytes line = expo_meta_line(x);
    hash_key key = hash_key_of(line, p->cache->seed);
    cache_line *l = scrape_cache_find(p->cache, key);
    bool said_now = l && l->seen + 1 >= p->cache->iter; /* on the last page or on this one: its word still stands */
    if (l) {
        scrape_cache_see(p->cache, l);
    } else {
        l = scrape_cache_add(p->cache, key, line.len, LINE_META);
        l->ref = line_meta(0, what == EXPO_TYPE ? x->kind : LINE_NO_KIND);
    }
    if (!said_now && what != EXPO_COMMENT)
        add_meta(p, x, what, l);
}

/* ---- the page */

/* The line that is expected, if it is there. Most lines end here. */
static bool expected_line(scrape_page *p, expo *x)
{
    scrape_cache *c = p->cache;
    cache_line *l = scrape_cache_expected(c);
    if (!l || l->seen == c->iter)
        return false;
    if (l->flags & LINE_META) {
        if (l->seen + 1 != c->iter || !expo_expect_meta(x, l->len, l->key))
            return false;
        if ((l->ref & 255) != LINE_NO_KIND)
            x->kind = (enum metric_kind)(l->ref & 255);
        scrape_cache_see(c, l);
        return true;
    }
    if ((l->ref == 0 && !(l->flags & LINE_DROPPED)) || !expo_expect(x, l->len, l->key))
        return false;
    p->total++;
    known_series(p, x, l);
    return true;
}

/* A small page, well packed, may unfold to more lines than there is memory for what is kept of each. */
static bool too_many_lines(scrape_page *p)
{
    uint64_t asked = p->config->sample_limit; /* and as many comment lines */
    uint64_t most = asked <= LIMIT_SCRAPE_LINES / 2 ? LIMIT_SCRAPE_LINES : asked < UINT64_MAX / 2 ? asked * 2 : UINT64_MAX;
    if (p->n_lines <= most)
        return false;
    err_set(&p->error, ERR_BAD_DATA, "page has more than %llu lines", (unsigned long long)most);
    return true;
}

static bool other_line(scrape_page *p, expo *x, enum expo_entry what)
{
    if (too_many_lines(p))
        return false;
    if (what != EXPO_SERIES) {
        comment_line(p, x, what);
        return true;
    }
    p->total++;
    hash_key key = hash_key_of(x->series, p->cache->seed);
    cache_line *l = scrape_cache_find(p->cache, key);
    if (!l || !is_known(p, x, l))
        return new_series(p, x, l, key);
    known_series(p, x, l);
    return true;
}

static bool read_lines(scrape_page *p, expo *x)
{
    for (;; p->n_lines++) {
        if (expected_line(p, x))
            continue;
        enum expo_entry what = expo_next(x, &p->error);
        if (what <= EXPO_EOF)
            return what == EXPO_EOF;
        if (!other_line(p, x, what))
            return false;
    }
}

static void refuse(scrape_page *p)
{
    scrape_cache_refuse(p->cache);
    p->n_items = p->n_samples = 0;
    add_marks(p, true);
}

size_t scrape_page_max(const scrape_config *sc)
{
    uint64_t limit = (uint64_t)sc->body_size_limit;
    if (limit == 0)
        return LIMIT_SCRAPE_BODY;
    return limit < LIMIT_SCRAPE_BODY_ASKED ? (size_t)limit : LIMIT_SCRAPE_BODY_ASKED;
}

/* The page as plain text. *too_much: it is larger than may be read at once, and still as it came. One byte less than
 * body_size_limit fits, as in Prometheus. */
static bool inflate(scrape_page *p, bool *too_much)
{
    uint64_t limit = (uint64_t)p->config->body_size_limit;
    size_t max = scrape_page_max(p->config);
    bool quick = p->quick_max > 0 && p->quick_max < max;
    bool ok = true;
    p->text = buf_bytes(&p->body);
    if (p->is_gzip) {
        ok = gzip_inflate(p->text, quick ? p->quick_max : max, &p->plain, &p->error);
        *too_much = quick && p->error.kind == ERR_TOO_LARGE;
        p->text = buf_bytes(&p->plain);
    } else {
        *too_much = quick && p->text.len > p->quick_max;
    }
    if (!ok || *too_much)
        return false;
    if (limit > 0 && p->text.len >= limit)
        return err_set(&p->error, ERR_TOO_LARGE, "body size limit exceeded");
    p->body_bytes = (int64_t)p->text.len;
    return true;
}

static bool choose_format(scrape_page *p)
{
    bytes fallback = { "", 0 }, rest;
    if (p->config->fallback_scrape_protocol >= 0)
        bytes_cut(bytes_of(scrape_protocol_types[p->config->fallback_scrape_protocol]), ';', &fallback, &rest);
    if (!expo_format_of(p->content_type, fallback, &p->format, &p->error))
        return false;
    p->error = (err){ 0 }; /* that the fallback was used is no error */
    return true;
}

static bool parse(scrape_page *p)
{
    expo x;
    if (!choose_format(p))
        return false;
    expo_init(&x, p->format, p->text);
    x.seed = p->cache->seed;
    scrape_page_reserve(p, p->cache->n_samples + 16); /* and a report */
    bool ok = read_lines(p, &x);
    expo_release(&x);
    return ok && (!p->over_samples || err_set(&p->error, ERR_BAD_DATA, "sample limit exceeded"));
}

/* The second pass: of the lines that the store has forgotten, labels and samples once more. */
static void resolve_lost(scrape_page *p)
{
    expo x;
    enum expo_entry what;
    p->n_items = p->n_samples = 0;
    expo_init(&x, p->format, p->text);
    while ((what = expo_next(&x, &p->error)) > EXPO_EOF) {
        const labels *set;
        cache_line *l = what == EXPO_SERIES ? scrape_cache_find(p->cache, hash_key_of(x.series, p->cache->seed)) : NULL;
        if (!l || !(l->flags & LINE_LOST) || !series_labels(p, &x, &set) || !set)
            continue;
        l->flags &= 255 ^ LINE_LOST;
        add_item(p, l, set, has_own_time(p, &x) ? x.time_ms : p->time_ms, x.value);
    }
    expo_release(&x);
    p->n_samples = p->n_items;
}

static void read_page(scrape_page *p, bool ok)
{
    scrape_cache_begin(p->cache);
    p->over_body = p->error.kind == ERR_TOO_LARGE;
    if (p->over_body)
        p->body_bytes = -1;
    if (ok && p->text.len > 0)
        ok = parse(p);
    if (!ok || p->text.len == 0) {
        refuse(p);
        return;
    }
    p->n_samples = p->cache->n_samples = p->n_items;
    add_marks(p, false);
}

bool scrape_page_read(scrape_page *p)
{
    if (p->resolve_lost) {
        resolve_lost(p);
        return true;
    }
    bool too_much = false, ok = inflate(p, &too_much);
    if (too_much) {
        p->error = (err){ 0 };
        return false;
    }
    read_page(p, ok);
    return true;
}

void scrape_page_fail(scrape_page *p)
{
    scrape_cache_begin(p->cache);
    refuse(p);
}
