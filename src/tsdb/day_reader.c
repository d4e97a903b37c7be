/* day_reader.c: reading samples of a day, and the reader itself. Finding series: day_find.c.
 *
 * Queries read series by series, packs hold up to 256 of them in frames of 64 or more. So a plan says what will be read
 * in which order, and the reader gathers ahead: for the next series of the plan it takes their encoded columns out of
 * all packs of the day in range, each pack read once and each frame inflated once, into one arena; day_read() then only
 * decodes. Encoded columns are about half a byte a sample, so a batch within the budget is thousands of series.
 *
 *   plan:  ids[0..n)      [from, to) is gathered: parts[i - from] are the encoded columns of ids[i], oldest block first
 *
 * A pack that is damaged costs its samples, a metric and one log line. Later blocks win over earlier ones at equal
 * times. */
#include "tsdb/day_reader.h"
#include "base/log.h"
#include "base/metrics.h"
#include "tsdb/day_reader_impl.h"
#include "tsdb/merge.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { PLANS_PER_DAY = 4, BATCH_LEAST = 64 };

static metric_family corrupt_packs = METRIC(COUNTER, "tsdbd_storage_corrupt_packs_total",
                                            "Number of reads of a pack that was damaged and left out.");

/* The encoded column of one series in one pack; memory of the plan's arena. */
typedef struct part {
    struct part *next;
    pack_slice slice;
    bytes timelines;
    int64_t mint, maxt;      /* of the pack */
    uint64_t covered;        /* of the block */
} part;

typedef struct part_list {
    part *first, *last;
} part_list;

struct day_plan_state {
    day_plan_state *next;
    int32_t day;
    int64_t mint, maxt;
    uint32_t *ids;
    uint64_t *by_id;         /* id << 32 | position, ascending; made when somebody reads out of order */
    size_t n, at;            /* at: the position expected next */
    size_t from, to;
    part_list *parts;
    arena a;
};

bool day_reader_go_on(const day_reader *r, err *e)
{
    return !r->cancel || !atomic_load_explicit(r->cancel, memory_order_relaxed)
        || err_set(e, ERR_CANCELED, "query was canceled in query execution");
}

day_reader *day_reader_new(daystore *s, day_list *list, size_t cache_bytes)
{
    day_reader *r = xcalloc(1, sizeof *r);
    metric_register(&corrupt_packs);
    r->store = s;
    r->cache_bytes = cache_bytes;
    if (list)
        atomic_fetch_add(&list->refs, 1);
    r->list = list ? list : daystore_list(s);
    buf_init(&r->row, DAY_MAX_ROW);
    buf_init(&r->blob, DAY_MAX_ROW);
    buf_init(&r->frame, DAY_MAX_ROW);
    catalogue_reader_init(&r->catalogue);
    return r;
}

static void plan_free(day_plan_state *p)
{
    arena_release(&p->a);
    free(p->ids);
    free(p->by_id);
    free(p);
}

void day_reader_free(day_reader *r)
{
    if (!r)
        return;
    while (r->plans) {
        day_plan_state *next = r->plans->next;
        plan_free(r->plans);
        r->plans = next;
    }
    day_list_unref(r->list);
    buf_release(&r->row);
    buf_release(&r->blob);
    buf_release(&r->frame);
    catalogue_reader_release(&r->catalogue);
    pack_decoder_free(r->decoder);
    free(r);
}

void day_reader_set_cancel(day_reader *r, const _Atomic bool *cancel)
{
    r->cancel = cancel;
}

/* ---- plans ---- */

static day_plan_state *plan_new(int32_t day, const uint32_t *ids, size_t n, int64_t mint, int64_t maxt)
{
    day_plan_state *p = xcalloc(1, sizeof *p);
    p->day = day;
    p->mint = mint;
    p->maxt = maxt;
    p->n = n;
    p->ids = xmalloc((n ? n : 1) * sizeof *p->ids);
    if (n)
        memcpy(p->ids, ids, n * sizeof *ids);
    arena_init(&p->a, 0);
    return p;
}

/* Drops the oldest plan of a day that has as many as it may. */
static void make_room(day_reader *r, int32_t day)
{
    day_plan_state **oldest = NULL;
    int n = 0;
    for (day_plan_state **at = &r->plans; *at; at = &(*at)->next) {
        if ((*at)->day != day)
            continue;
        oldest = at;
        n++;
    }
    if (n < PLANS_PER_DAY)
        return;
    day_plan_state *p = *oldest;
    *oldest = p->next;
    plan_free(p);
    r->n_plans--;
}

/* Times outside the day have no samples: without them plans and reads are about the same range. */
static void clip(int32_t day, int64_t *mint, int64_t *maxt)
{
    int64_t from = (int64_t)day * DAY_MS, to = from + DAY_MS - 1;
    *mint = *mint < from ? from : *mint;
    *maxt = *maxt > to ? to : *maxt;
}

void day_plan(day_reader *r, int32_t day, const uint32_t *ids, size_t n, int64_t mint, int64_t maxt)
{
    if (!day_list_find(r->list, day))
        return;
    clip(day, &mint, &maxt);
    make_room(r, day);
    day_plan_state *p = plan_new(day, ids, n, mint, maxt);
    p->next = r->plans;
    r->plans = p;
    r->n_plans++;
}

static int by_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Where the plan has an id: the next one in order, or searched for. */
static bool plan_position(day_plan_state *p, uint32_t id, size_t *pos)
{
    for (size_t k = 0; k < 2 && p->at + k < p->n; k++) {
        if (p->ids[p->at + k] == id) {
            *pos = p->at + k;
            return true;
        }
    }
    if (!p->by_id) {
        p->by_id = xmalloc((p->n ? p->n : 1) * sizeof *p->by_id);
        for (size_t i = 0; i < p->n; i++)
            p->by_id[i] = (uint64_t)p->ids[i] << 32 | i;
        qsort(p->by_id, p->n, sizeof *p->by_id, by_u64);
    }
    size_t from = 0, n = p->n;
    while (n > 0) {
        size_t half = n / 2;
        if (p->by_id[from + half] >> 32 < id) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    if (from == p->n || p->by_id[from] >> 32 != id)
        return false;
    *pos = (uint32_t)p->by_id[from];
    return true;
}

static day_plan_state *plan_with(day_reader *r, int32_t day, uint32_t id, int64_t mint, int64_t maxt, size_t *pos)
{
    for (day_plan_state *p = r->plans; p; p = p->next)
        if (p->day == day && p->mint <= mint && p->maxt >= maxt && plan_position(p, id, pos))
            return p;
    return NULL;
}

/* ---- gathering ---- */

typedef struct gathering {
    day_reader *r;
    day_plan_state *p;
    const day_use *u;
    int64_t day_start;
    err *e;
} gathering;

static bool overlaps(const gathering *g, const block_pack *k)
{
    return g->day_start + k->mint <= g->p->maxt && g->day_start + k->maxt >= g->p->mint;
}

/* About what the columns of one series of a list take, all packs in range. */
static size_t estimate(const gathering *g, uint32_t list)
{
    const day_index *x = g->u->index;
    size_t sum = 0;
    for (uint32_t i = 0; i < x->n_blocks; i++) {
        uint32_t from, to;
        day_block_packs(&x->blocks[i], list, &from, &to);
        for (; from < to; from++) {
            const block_pack *k = &x->blocks[i].packs[from];
            if (overlaps(g, k))
                sum += sizeof(part) + 2 * (size_t)k->bytes / (k->n_slots ? k->n_slots : 1);
        }
    }
    return sum;
}

/* How far the batch that starts at `from` reaches within the budget. */
static size_t batch_end(const gathering *g, size_t from)
{
    const day_plan_state *p = g->p;
    size_t budget = g->r->cache_bytes / (g->r->n_plans ? g->r->n_plans : 1), sum = 0, last_cost = 0, i = from;
    uint32_t last = UINT32_MAX;
    for (; i < p->n && (sum < budget || i - from < BATCH_LEAST); i++) {
        uint32_t list = place_list(p->ids[i]);
        if (list != last)
            last_cost = estimate(g, list);
        last = list;
        sum += last_cost;
    }
    return i;
}

static bytes keep(arena *a, bytes b)
{
    return b.len ? arena_dup(a, b) : (bytes){ 0 };
}

/* Takes the columns of the wanted slots (of sorted keys: place << 32 | position) out of an opened pack. */
static bool take_slots(gathering *g, const pack_view *v, const day_block *b, const uint64_t *keys, size_t n)
{
    pack_slice slices[PACK_MAX_SLOTS];
    bytes timelines = { 0 };
    for (uint32_t k = 0; k < v->n_frames; k++) {
        bool inflated = false;
        for (size_t i = 0; i < n; i++) {
            uint32_t slot = place_slot((uint32_t)(keys[i] >> 32));
            if (slot >= v->n_slots || v->frame_of[slot] != k)
                continue;
            if (!inflated && (!pack_inflate(g->r->decoder, v, k, &g->r->frame, g->e)
                              || !pack_slices(v, k, buf_bytes(&g->r->frame), slices, g->e)))
                return false;
            inflated = true;
            if (!timelines.p)
                timelines = keep(&g->p->a, v->timelines);
            const pack_slice *s = &slices[v->rank[slot]];
            part *x = arena_alloc(&g->p->a, sizeof *x);
            *x = (part){ .slice = { keep(&g->p->a, s->column), keep(&g->p->a, s->bits) }, .timelines = timelines,
                         .mint = v->mint, .maxt = v->maxt, .covered = b->covered };
            part_list *l = &g->p->parts[(uint32_t)keys[i] - g->p->from];
            *(l->last ? &l->last->next : &l->first) = x;
            l->last = x;
        }
    }
    return true;
}

/* Counts each, logs the first that a query meets. */
static void leave_out(day_reader *r, int32_t day, int64_t pack, const err *e)
{
    metric_inc(metric_get(&corrupt_packs));
    if (!r->has_complained)
        log_warn("Leaving out a damaged pack", "day", log_i64(day), "pack", log_i64(pack), "err", e->msg);
    r->has_complained = true;
}

/* A damaged pack is left out; anything else that fails ends the gathering. */
static bool take_pack(gathering *g, const day_block *b, uint32_t k, const uint64_t *keys, size_t n)
{
    pack_view v;
    if (!day_reader_go_on(g->r, g->e))
        return false;
    if (dayfile_pack(g->u->h, b->first_pack + k, &g->r->blob, g->e)
        && pack_open(buf_bytes(&g->r->blob), &v, g->e) && take_slots(g, &v, b, keys, n))
        return true;
    if (g->e->kind != ERR_BAD_DATA)
        return false;
    leave_out(g->r, g->p->day, b->first_pack + k, g->e);
    *g->e = (err){ 0 };
    return true;
}

/* All packs of one list, for the ids keys[0..n) of it. */
static bool take_list(gathering *g, uint32_t list, const uint64_t *keys, size_t n)
{
    const day_index *x = g->u->index;
    for (uint32_t i = 0; i < x->n_blocks; i++) {
        const day_block *b = &x->blocks[i];
        uint32_t from, to;
        if (b->mint > g->p->maxt || b->maxt < g->p->mint)
            continue;
        day_block_packs(b, list, &from, &to);
        for (; from < to; from++)
            if (overlaps(g, &b->packs[from]) && !take_pack(g, b, from, keys, n))
                return false;
    }
    return true;
}

static bool take_batch(gathering *g)
{
    day_plan_state *p = g->p;
    size_t n = p->to - p->from;
    uint64_t *keys = xmalloc((n ? n : 1) * sizeof *keys);
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        keys[i] = (uint64_t)p->ids[p->from + i] << 32 | (p->from + i);
    qsort(keys, n, sizeof *keys, by_u64);
    for (size_t i = 0, to; i < n && ok; i = to) {
        uint32_t list = place_list((uint32_t)(keys[i] >> 32));
        for (to = i + 1; to < n && place_list((uint32_t)(keys[to] >> 32)) == list;)
            to++;
        ok = take_list(g, list, keys + i, to - i);
    }
    free(keys);
    return ok;
}

/* Gathers from position `from` on. */
static bool gather(day_reader *r, day_plan_state *p, size_t from, err *e)
{
    const day_entry *d = day_list_find(r->list, p->day);
    day_use u = { 0 };
    err mine = { 0 };
    arena_reset(&p->a);
    p->from = p->to = from;
    if (d && !day_use_begin(r->store, d, true, &u, e))
        return false;
    if (!r->decoder)
        r->decoder = pack_decoder_new();
    gathering g = { r, p, &u, (int64_t)p->day * DAY_MS, &mine };
    p->to = u.h ? batch_end(&g, from) : p->n;
    p->parts = arena_zalloc(&p->a, (p->to - from + 1) * sizeof *p->parts);
    if (!u.h)
        return true;
    bool ok = take_batch(&g);
    if (!ok)
        p->to = from; /* what is there is not whole */
    return day_use_end(&u, ok, &mine) || err_set(e, mine.kind, "%s", mine.msg);
}

/* ---- reading ---- */

static void drop_hidden(const part *x, const day_hide *hides, size_t n, size_t mid, sample_columns *out)
{
    for (size_t i = 0; i < n; i++)
        if (x->covered <= hides[i].covered)
            columns_drop(out, mid, hides[i].mint, hides[i].maxt);
}

static void decode_parts(day_reader *r, int32_t day, const part *x, int64_t mint, int64_t maxt, const day_hide *hides,
                         size_t n_hides, sample_columns *out)
{
    size_t start = out->n;
    for (; x; x = x->next) {
        size_t mid = out->n;
        err e = { 0 };
        if (x->mint > maxt || x->maxt < mint)
            continue;
        if (!pack_decode(r->decoder, x->timelines, &x->slice, mint, maxt, out, &e)) {
            leave_out(r, day, -1, &e);
            out->n = mid;
            continue;
        }
        drop_hidden(x, hides, n_hides, mid, out);
        columns_merge_tail(out, start, mid);
    }
}

bool day_read_visible(day_reader *r, int32_t day, uint32_t id, int64_t mint, int64_t maxt, const day_hide *hides,
                      size_t n_hides, sample_columns *out, err *e)
{
    size_t pos = 0;
    clip(day, &mint, &maxt);
    day_plan_state *p = plan_with(r, day, id, mint, maxt, &pos), *once = NULL;
    if (!day_reader_go_on(r, e))
        return false;
    if (!p)
        p = once = plan_new(day, &id, 1, mint, maxt);
    bool ok = (pos >= p->from && pos < p->to) || gather(r, p, pos, e);
    if (ok && pos < p->to)
        decode_parts(r, day, p->parts[pos - p->from].first, mint, maxt, hides, n_hides, out);
    p->at = pos + 1;
    if (once)
        plan_free(once);
    return ok;
}

bool day_read(day_reader *r, int32_t day, uint32_t id, int64_t mint, int64_t maxt, sample_columns *out, err *e)
{
    return day_read_visible(r, day, id, mint, maxt, NULL, 0, out, e);
}
