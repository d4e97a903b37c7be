/* write_handler.c: see write_handler.h.
 *
 * Series of one sender come in nearly the same order each time, so the entry behind the last one found is looked at
 * before the index is asked: a steady sender costs a comparison of 16 bytes a series, in the order of memory.
 * Invariant: entries have refs that the store gave out; it says so itself when it has forgotten one
 * (APPEND_UNKNOWN_REF), and then the request's labels are read after all. */
#include "remote/write_handler.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/os.h"
#include "base/vec.h"
#include <stdlib.h>

enum {
    FORGET_AFTER_MIN = 15,
    MAX_AHEAD_MS = 10 * 60 * 1000, /* how far a sample may lie in the future, as in Prometheus */
    KEEP_ITEMS = 65536 /* a larger batch's memory is given back after the request */
};

typedef struct known_series {
    hash_key key;
    uint64_t ref;
    uint32_t seen_min; /* minutes since the epoch */
} known_series;

typedef struct item_origin {
    uint32_t series; /* in the request */
    uint32_t entry;  /* in the cache, or NO_ENTRY */
} item_origin;
enum { NO_ENTRY = UINT32_MAX };

struct remote_writer {
    db *db;
    uint64_t seed;
    VEC(known_series) known;
    key_index index;
    size_t next; /* the entry expected next */
    VEC(append_item) items;
    VEC(item_origin) origins;
    arena scratch; /* labels of new series, for one request */
};

static metric_family invalid_labels = METRIC(COUNTER, "prometheus_api_remote_write_invalid_labels_samples_total",
                                             "The total number of received remote write samples and histogram samples "
                                             "which were rejected due to invalid labels.");
static metric_family without_metadata =
    METRIC(COUNTER, "prometheus_api_remote_write_without_metadata_appended_samples_total",
           "The total number of received remote write samples (and histogram samples) which were ingested without "
           "corresponding metadata.");
static metric_family received = METRIC(COUNTER, "tsdbd_remote_write_received_samples_total",
                                       "The total number of samples in remote write requests.");
static metric_family rejected =
    METRIC(COUNTER, "tsdbd_remote_write_rejected_samples_total",
           "The total number of samples of remote write requests that were not stored.", "reason");
static metric_family skipped =
    METRIC(COUNTER, "tsdbd_remote_write_skipped_total",
           "The total number of entries of remote write requests that are read past.", "kind");

remote_writer *remote_writer_new(db *d)
{
    remote_writer *w = xcalloc(1, sizeof *w);
    metric_family *const families[] = { &invalid_labels, &without_metadata, &received, &rejected, &skipped };
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        metric_register(families[i]);
    metric_get(&invalid_labels);
    metric_get(&without_metadata);
    metric_get(&received);
    w->db = d;
    os.random(&w->seed, sizeof w->seed);
    key_index_init(&w->index, sizeof(known_series));
    arena_init(&w->scratch, 0);
    return w;
}

void remote_writer_free(remote_writer *w)
{
    if (!w)
        return;
    vec_free(&w->known);
    vec_free(&w->items);
    vec_free(&w->origins);
    key_index_release(&w->index);
    arena_release(&w->scratch);
    free(w);
}

uint64_t remote_writer_seed(const remote_writer *w)
{
    return w->seed;
}

/* ---- the cache */

static known_series *find(remote_writer *w, hash_key key)
{
    if (w->next < w->known.len && hash_key_eq(w->known.p[w->next].key, key))
        return &w->known.p[w->next++];
    ptrdiff_t i = key_index_find(&w->index, key);
    if (i < 0)
        return NULL;
    w->next = (size_t)i + 1;
    return &w->known.p[i];
}

static void forget_all(remote_writer *w)
{
    w->known.len = w->next = 0;
    key_index_rebuild(&w->index, w->known.p, 0);
}

static void learn(remote_writer *w, hash_key key, uint64_t ref, uint32_t minute)
{
    if (w->known.len >= LIMIT_REMOTE_WRITE_CACHE)
        forget_all(w);
    vec_push(&w->known, (known_series){ .key = key, .ref = ref, .seen_min = minute });
    key_index_extend(&w->index, w->known.p, w->known.len);
}

void remote_writer_tick(remote_writer *w, int64_t now_ms)
{
    uint32_t now = (uint32_t)(now_ms / 60000);
    size_t kept = 0;
    for (size_t i = 0; i < w->known.len; i++)
        if (w->known.p[i].seen_min + FORGET_AFTER_MIN >= now)
            w->known.p[kept++] = w->known.p[i];
    if (kept == w->known.len)
        return;
    w->known.len = kept;
    w->next = 0;
    if (kept < w->known.cap / 4) {
        w->known.cap = kept + 64;
        w->known.p = xreallocarray(w->known.p, w->known.cap, sizeof *w->known.p);
    }
    key_index_rebuild(&w->index, w->known.p, kept);
}

/* ---- the batch */

typedef struct write_state {
    remote_writer *w;
    const rw_request *req;
    remote_write_result *out;
    uint32_t minute;
    int64_t latest_ms; /* of a sample */
    uint64_t n_invalid;
    uint64_t n_rejected[APPEND_NO_MEMORY + 1];
} write_state;

static void refuse_future(write_state *s)
{
    s->n_rejected[APPEND_OUT_OF_BOUNDS]++;
    if (s->out->status != 204)
        return;
    s->out->status = 400;
    err_set(&s->out->error, ERR_OUT_OF_BOUNDS, "out of bounds: timestamp is too far in the future");
}

static void add_items(write_state *s, uint32_t series, const labels *set, uint64_t ref, uint32_t entry)
{
    const rw_series *rs = &s->req->series[series];
    const sample *x = &s->req->samples[rs->first];
    remote_writer *w = s->w;
    for (uint32_t i = 0; i < rs->n; i++) {
        if (x[i].t > s->latest_ms) {
            refuse_future(s);
            continue;
        }
        vec_push(&w->items, (append_item){ .ref = ref, .labels = set, .t = x[i].t, .v = x[i].v });
        vec_push(&w->origins, (item_origin){ series, entry });
    }
}

/* Labels from the request itself. An unfit series is counted and left out, the request goes on. */
static void add_by_labels(write_state *s, uint32_t series)
{
    const rw_series *rs = &s->req->series[series];
    const labels *set;
    err ignored = { 0 };
    if (rw_series_labels(rs, &s->w->scratch, &set, &ignored))
        add_items(s, series, set, 0, NO_ENTRY);
    else
        s->n_invalid += rs->n + rs->n_histograms;
}

static void add_series(write_state *s, uint32_t series)
{
    const rw_series *rs = &s->req->series[series];
    if (rs->n == 0)
        return;
    known_series *k = find(s->w, rs->key);
    if (!k) {
        add_by_labels(s, series);
        return;
    }
    k->seen_min = s->minute;
    add_items(s, series, NULL, k->ref, (uint32_t)(k - s->w->known.p));
}

static void clear_batch(remote_writer *w)
{
    w->items.len = w->origins.len = 0;
    if (w->items.cap > KEEP_ITEMS) {
        vec_free(&w->items);
        vec_free(&w->origins);
    }
}

/* ---- what the store said */

static void duplicate_text(const remote_writer *w, const append_item *it, err *e)
{
    sample last;
    char old[NUM_MAX_TEXT], new[NUM_MAX_TEXT];
    if (!db_last(w->db, it->ref, &last) || last.t != it->t) {
        err_set(e, ERR_DUPLICATE, "duplicate sample for timestamp");
        return;
    }
    size_t n_old = num_format_g(last.v, old), n_new = num_format_g(it->v, new);
    err_set(e, ERR_DUPLICATE,
            "duplicate sample for timestamp %lld; overrides not allowed: existing %.*s, new value %.*s",
            (long long)it->t, (int)n_old, old, (int)n_new, new);
}

/* The first refusal speaks for the request. */
static void refuse(write_state *s, const append_item *it)
{
    static const struct {
        int status;
        enum err_kind kind;
        const char *text;
    } texts[] = {
        [APPEND_OUT_OF_ORDER] = { 400, ERR_OUT_OF_ORDER, "out of order sample" },
        [APPEND_DUPLICATE] = { 400, ERR_DUPLICATE, "" },
        [APPEND_TOO_OLD] = { 400, ERR_TOO_OLD, "too old sample" },
        [APPEND_OUT_OF_BOUNDS] = { 400, ERR_OUT_OF_BOUNDS, "out of bounds" },
        [APPEND_NO_MEMORY] = { 400, ERR_UNAVAILABLE, "series refused: the memory limit is reached" },
        [APPEND_UNKNOWN_REF] = { 500, ERR_INTERNAL, "series not found" },
    };
    s->n_rejected[it->status]++;
    remote_write_result *out = s->out;
    const char *trouble = it->status == APPEND_NO_MEMORY ? db_trouble(s->w->db) : NULL;
    if (trouble) { /* a retry can help, so this one goes before all others */
        out->status = 503;
        err_set(&out->error, ERR_UNAVAILABLE, "%s", trouble);
    }
    if (out->status != 204)
        return;
    out->status = texts[it->status].status;
    if (it->status == APPEND_DUPLICATE)
        duplicate_text(s->w, it, &out->error);
    else
        err_set(&out->error, texts[it->status].kind, "%s", texts[it->status].text);
}

/* A ref for the cache, from the first item of a series that came with labels. */
static void take_ref(write_state *s, size_t item)
{
    remote_writer *w = s->w;
    const item_origin *o = &w->origins.p[item];
    bool first = item == 0 || w->origins.p[item - 1].series != o->series;
    if (o->entry != NO_ENTRY || !first || w->items.p[item].ref == 0)
        return;
    const rw_series *rs = &s->req->series[o->series];
    ptrdiff_t at = key_index_find(&w->index, rs->key);
    if (at >= 0)
        w->known.p[at].ref = w->items.p[item].ref;
    else
        learn(w, rs->key, w->items.p[item].ref, s->minute);
}

/* Looks at the answers; series whose ref is unknown now are collected in lost (may be NULL: it was their second try).
 */
static void judge(write_state *s, uint32_t *lost, size_t *n_lost)
{
    remote_writer *w = s->w;
    for (size_t i = 0; i < w->items.len; i++) {
        const append_item *it = &w->items.p[i];
        if (it->status == APPEND_UNKNOWN_REF && lost) {
            if (*n_lost == 0 || lost[*n_lost - 1] != w->origins.p[i].series)
                lost[(*n_lost)++] = w->origins.p[i].series;
            continue;
        }
        take_ref(s, i);
        if (it->status == APPEND_OK)
            s->out->n_stored++;
        else
            refuse(s, it);
    }
}

static void append_lost(write_state *s, const uint32_t *lost, size_t n)
{
    remote_writer *w = s->w;
    w->items.len = w->origins.len = 0;
    for (size_t i = 0; i < n; i++)
        add_by_labels(s, lost[i]);
    if (w->items.len == 0)
        return;
    s->out->seq = db_append(w->db, w->items.p, w->items.len);
    judge(s, NULL, NULL);
}

static void count(const write_state *s)
{
    static const char *const reasons[] = {
        [APPEND_UNKNOWN_REF] = "not_found", [APPEND_OUT_OF_ORDER] = "out_of_order",   [APPEND_DUPLICATE] = "duplicate",
        [APPEND_TOO_OLD] = "too_old",       [APPEND_OUT_OF_BOUNDS] = "out_of_bounds", [APPEND_NO_MEMORY] = "memory",
    };
    metric_add(metric_get(&received), (double)s->req->n_samples);
    metric_add(metric_get(&without_metadata), (double)s->out->n_stored);
    if (s->n_invalid > 0)
        metric_add(metric_get(&invalid_labels), (double)s->n_invalid);
    for (size_t i = APPEND_UNKNOWN_REF; i <= APPEND_NO_MEMORY; i++)
        if (s->n_rejected[i] > 0)
            metric_add(metric_with(&rejected, reasons[i]), (double)s->n_rejected[i]);
    if (s->req->n_histograms > 0)
        metric_add(metric_with(&skipped, "histogram"), (double)s->req->n_histograms);
    if (s->req->n_exemplars > 0)
        metric_add(metric_with(&skipped, "exemplar"), (double)s->req->n_exemplars);
}

void remote_writer_append(remote_writer *w, const rw_request *req, int64_t now_ms, remote_write_result *out)
{
    *out = (remote_write_result){ .status = 204 };
    write_state s = { .w = w, .req = req, .out = out, .minute = (uint32_t)(now_ms / 60000),
                      .latest_ms = now_ms + MAX_AHEAD_MS };
    vec_reserve(&w->items, req->n_samples);
    vec_reserve(&w->origins, req->n_samples);
    for (size_t i = 0; i < req->n_series; i++)
        add_series(&s, (uint32_t)i);
    if (w->items.len > 0) {
        size_t n_lost = 0;
        uint32_t *lost = ARENA_ARRAY(&w->scratch, uint32_t, w->items.len);
        out->seq = db_append(w->db, w->items.p, w->items.len);
        judge(&s, lost, &n_lost);
        if (n_lost > 0)
            append_lost(&s, lost, n_lost);
    }
    count(&s);
    clear_batch(w);
    arena_reset(&w->scratch);
}
