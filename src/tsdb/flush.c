/* flush.c: see flush.h.
 *
 * One day:  join --> place --> pack list by list --> commit
 *   join    the day's catalogue, which is sorted, is walked along with the flush's series, which are sorted too: series
 *           that the day knows get their place (list and slot) without a hash and without the catalogue in memory
 *   place   the others: those of a group share lists; the group's last list is filled before a new one begins. Groups of
 *           a few series (probes, small exporters) share lists with each other: a pack of ten series compresses poorly
 *   pack    per list the samples of the day in windows of WINDOW samples; packs gather in memory up to STAGE_BYTES,
 *           then go to the file in a transaction of their own, invisible until the block names them
 *   commit  catalogue, postings and the block in the last transaction, with the packs that are left: all or nothing
 * A flush that dies half-way leaves packs that no block names; the next one removes them. */
#include "tsdb/flush.h"
#include "base/arena.h"
#include "base/vec.h"
#include "tsdb/day_rows.h"
#include "tsdb/daystore_impl.h"
#include "tsdb/flush_index.h"
#include "tsdb/merge.h"
#include <assert.h>
#include <stdlib.h>

enum {
    WINDOW = 960,                    /* samples of one pack where series have more */
    STAGE_BYTES = 2 << 20,
    SMALL_GROUP = 24,                /* new series of a group that has no list yet */
};
static const uint32_t NO_PLACE = UINT32_MAX;           /* not known in the day */
static const uint64_t MIXED = UINT64_MAX;              /* the group of lists that small groups share */
#define STAGED_MAX ((size_t)64 << 20)                    /* STAGE_BYTES and one pack */

typedef struct staged_pack {
    size_t at, len;                  /* in `staged` */
} staged_pack;

/* The day at work. */
typedef struct day_flush {
    daystore *store;
    flush_input *in;
    flush_result *out;
    err *e;
    int32_t day;
    int64_t start, end;              /* first and last ms of the day */
    day_list *list;                  /* keeps `file`, the day as it was when joined (NULL: there was none) */
    day_file *file;
    arena a;
    uint32_t *who, *place;           /* series of the day (indexes into in->series, sorted by labels), their places */
    bool *is_new, *stored;           /* of who: not known before; had samples */
    size_t n;
    uint32_t n_series, n_lists;      /* of the day before this flush */
    int64_t next_postings;
    VEC(uint64_t) groups;            /* of all lists */
    VEC(uint16_t) sizes;             /* slots in use of all lists */
    day_block block;
    VEC(block_pack) packs;
    /* packs on their way */
    pack_encoder *encoder;
    buf staged;
    VEC(staged_pack) stage;
    int64_t next_pack;
    bool swept;                      /* packs without a block are removed */
    /* the list at work */
    sample_columns read;
    VEC(int64_t) t;
    VEC(double) v;
    VEC(int64_t) bounds;
} day_flush;

/* ---- which series ---- */

static int by_labels(const void *a, const void *b)
{
    return labels_cmp(((const flush_series *)a)->labels, ((const flush_series *)b)->labels);
}

static void select_series(day_flush *f)
{
    const flush_series *s = f->in->series;
    f->who = ARENA_ARRAY(&f->a, uint32_t, f->in->n);
    for (size_t i = 0; i < f->in->n; i++)
        if (s[i].mint <= f->end && s[i].maxt >= f->start)
            f->who[f->n++] = (uint32_t)i;
    f->place = ARENA_ARRAY(&f->a, uint32_t, f->n);
    f->is_new = arena_zalloc(&f->a, f->n);
    f->stored = arena_zalloc(&f->a, f->n);
    for (size_t i = 0; i < f->n; i++)
        f->place[i] = NO_PLACE;
}

static const flush_series *series_of(const day_flush *f, size_t i)
{
    return &f->in->series[f->who[i]];
}

/* ---- join ---- */

static void use_slot(day_flush *f, uint32_t place)
{
    uint16_t *size = &f->sizes.p[place_list(place)];
    *size = *size > place_slot(place) ? *size : (uint16_t)(place_slot(place) + 1);
}

/* One row of the catalogue against the series from *at on, both ascending. */
static bool join_row(day_flush *f, catalogue_reader *c, uint32_t n, size_t *at)
{
    if (c->left != n)
        return false;
    while (catalogue_next(c)) {
        if (place_list(c->place) >= f->n_lists)
            return false;
        use_slot(f, c->place);
        int d = -1;
        for (; *at < f->n; ++*at) {
            const labels *l = series_of(f, *at)->labels;
            if ((d = packed_cmp(bytes_n(l->data, l->len), buf_bytes(&c->labels))) >= 0)
                break;
        }
        if (*at < f->n && d == 0)
            f->place[(*at)++] = c->place;
    }
    return !c->bad;
}

static bool join_segment(day_flush *f, dayfile *h, const block_segment *seg)
{
    catalogue_reader c;
    buf row;
    size_t at = 0;
    bool ok = true;
    buf_init(&row, DAY_MAX_ROW);
    catalogue_reader_init(&c);
    for (uint32_t i = 0; ok && i < seg->n; i += CATALOGUE_ROW) {
        uint32_t n = seg->n - i < CATALOGUE_ROW ? seg->n - i : CATALOGUE_ROW;
        ok = dayfile_catalogue(h, seg->first + i, &row, f->e)
          && ((catalogue_open(&c, buf_bytes(&row)) && join_row(f, &c, n, &at))
              || err_set(f->e, ERR_BAD_DATA, "a row of the catalogue is malformed"));
    }
    catalogue_reader_release(&c);
    buf_release(&row);
    return ok;
}

static bool join_index(day_flush *f, dayfile *h, const day_index *x)
{
    f->n_series = x->n_series;
    f->n_lists = x->n_lists;
    f->next_pack = x->first_free_pack;
    f->next_postings = x->first_free_postings;
    f->block.id = x->last_block + 1;
    for (uint32_t b = 0; b < x->n_blocks; b++)
        for (uint32_t i = 0; i < x->blocks[b].n_groups; i++)
            vec_push(&f->groups, x->blocks[b].groups[i]);
    vec_reserve(&f->sizes, x->n_lists + 1);
    memset(f->sizes.p, 0, x->n_lists * sizeof *f->sizes.p);
    f->sizes.len = x->n_lists;
    for (uint32_t b = 0; b < x->n_blocks; b++)
        for (uint32_t i = 0; i < x->blocks[b].n_segments; i++)
            if (!join_segment(f, h, &x->blocks[b].segments[i]))
                return false;
    return true;
}

/* What a day that does not exist yet has. */
static void begin_empty(day_flush *f)
{
    f->file = NULL;
    f->n_series = f->n_lists = 0;
    f->next_pack = f->next_postings = 1;
    f->block.id = 1;
    f->groups.len = f->sizes.len = 0;
    for (size_t i = 0; i < f->n; i++)
        f->place[i] = NO_PLACE;
}

/* A day that proves damaged is out of service then, and begins anew. */
static bool join(day_flush *f)
{
    const day_entry *d;
    day_use u;
    bool whole = false;
    begin_empty(f);
    f->list = daystore_list(f->store);
    d = day_list_find(f->list, f->day);
    if (!d)
        return true;
    f->file = d->file;
    if (!day_use_begin(f->store, d, true, &u, f->e))
        return false;
    if (u.h) {
        whole = join_index(f, u.h, u.index);
        if (!day_use_end(&u, whole, f->e))
            return false;
    }
    if (!whole)
        begin_empty(f);
    return true;
}

/* ---- place ---- */

typedef struct group_list {
    uint64_t group;
    uint32_t list;
} group_list;

static int by_group(const void *a, const void *b)
{
    const group_list *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->list > y->list) - (x->list < y->list);
}

/* The newest list of a group, or NO_PLACE; known is sorted. */
static uint32_t last_list(const group_list *known, size_t n, uint64_t group)
{
    size_t from = 0;
    for (size_t left = n; left > 0;) {
        size_t half = left / 2;
        if (known[from + half].group <= group) {
            from += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    return from && known[from - 1].group == group ? known[from - 1].list : NO_PLACE;
}

/* Puts small groups without a list of their own into MIXED. fresh is sorted by group. */
static void mix_small(const group_list *known, size_t n_known, group_list *fresh, size_t n)
{
    for (size_t i = 0, to; i < n; i = to) {
        uint64_t group = fresh[i].group;
        for (to = i + 1; to < n && fresh[to].group == group;)
            to++;
        if (to - i >= SMALL_GROUP || last_list(known, n_known, group) != NO_PLACE)
            continue;
        for (size_t k = i; k < to; k++)
            fresh[k].group = MIXED;
    }
}

/* A slot for one more series of a group whose newest list is *list (or NO_PLACE). false: the day is full. */
static bool take_slot(day_flush *f, uint64_t group, uint32_t *list, uint32_t *place)
{
    if (*list == NO_PLACE || f->sizes.p[*list] == PACK_MAX_SLOTS) {
        if (f->groups.len == DAY_MAX_LISTS - 1)
            return err_set(f->e, ERR_TOO_LARGE, "too many series in one day");
        *list = (uint32_t)f->groups.len;
        vec_push(&f->groups, group);
        vec_push(&f->sizes, 0);
    }
    *place = place_of(*list, f->sizes.p[*list]++);
    return true;
}

static bool place_new(day_flush *f)
{
    group_list *known = ARENA_ARRAY(&f->a, group_list, f->n_lists), *fresh = ARENA_ARRAY(&f->a, group_list, f->n);
    uint32_t mixed, list = NO_PLACE;
    size_t n = 0;
    for (uint32_t i = 0; i < f->n_lists; i++)
        known[i] = (group_list){ f->groups.p[i], i };
    qsort(known, f->n_lists, sizeof *known, by_group);
    for (uint32_t i = 0; i < f->n; i++)
        if (f->place[i] == NO_PLACE)
            fresh[n++] = (group_list){ series_of(f, i)->group, i };
    qsort(fresh, n, sizeof *fresh, by_group);
    mix_small(known, f->n_lists, fresh, n);
    mixed = last_list(known, f->n_lists, MIXED);
    for (size_t i = 0; i < n; i++) {
        uint32_t *at = fresh[i].group == MIXED ? &mixed : &list, who = fresh[i].list;
        if (at == &list && (i == 0 || fresh[i].group != fresh[i - 1].group))
            list = last_list(known, f->n_lists, fresh[i].group);
        if (!take_slot(f, fresh[i].group, at, &f->place[who]))
            return false;
        f->is_new[who] = true;
    }
    return true;
}

/* ---- packs on their way to the file ---- */

static bool begin_write(day_flush *f, day_use *u)
{
    if (!day_write_begin(f->store, f->day, u, f->e))
        return false;
    bool ok =
        (!f->file || u->file == f->file) || err_set(f->e, ERR_UNAVAILABLE, "the day was replaced during the flush");
    if (ok && !f->swept)
        ok = dayfile_drop_packs(u->h, f->next_pack, f->e);
    if (!ok)
        day_write_end(u, false, NULL, f->e);
    f->swept = ok;
    return ok;
}

static bool put_staged(day_flush *f, day_use *u)
{
    for (size_t i = 0; i < f->stage.len; i++)
        if (!dayfile_put_pack(u->h, f->next_pack + (int64_t)i,
                              (bytes){ f->staged.p + f->stage.p[i].at, f->stage.p[i].len }, f->e))
            return false;
    return true;
}

static void stage_written(day_flush *f)
{
    f->next_pack += (int64_t)f->stage.len;
    f->stage.len = 0;
    buf_clear(&f->staged);
}

static bool write_stage(day_flush *f)
{
    day_use u;
    if (!begin_write(f, &u))
        return false;
    bool ok = put_staged(f, &u);
    if (!day_write_end(&u, ok, NULL, f->e))
        return false;
    stage_written(f);
    return true;
}

static bool stage_pack(day_flush *f, uint32_t list, const pack_column *slots, size_t n_slots)
{
    int64_t mint = INT64_MAX, maxt = INT64_MIN;
    size_t at = f->staged.len;
    for (size_t i = 0; i < n_slots; i++) {
        if (!slots[i].n)
            continue;
        mint = slots[i].t[0] < mint ? slots[i].t[0] : mint;
        maxt = slots[i].t[slots[i].n - 1] > maxt ? slots[i].t[slots[i].n - 1] : maxt;
        f->out->n_samples += slots[i].n;
    }
    pack_encode(f->encoder, slots, n_slots, &f->staged);
    vec_push(&f->stage, (staged_pack){ at, f->staged.len - at });
    vec_push(&f->packs, (block_pack){ list, (uint32_t)(mint - f->start), (uint32_t)(maxt - f->start),
                                      (uint32_t)(f->staged.len - at), (uint32_t)n_slots });
    f->block.mint = mint < f->block.mint ? mint : f->block.mint;
    f->block.maxt = maxt > f->block.maxt ? maxt : f->block.maxt;
    f->out->n_bytes += f->staged.len - at;
    return f->staged.len < STAGE_BYTES || write_stage(f);
}

/* ---- one list ---- */

/* The samples of one window of a list: slot k has v[at, at + n), its times t[t_at, t_at + n). */
typedef struct slot_run {
    size_t at, t_at, n;
} slot_run;

static void read_slot(day_flush *f, const flush_series *s, int64_t from, int64_t to, const slot_run *before,
                      slot_run *out)
{
    sample_columns *c = &f->read;
    c->n = 0;
    *out = (slot_run){ 0 };
    if (s->mint <= to && s->maxt >= from)
        f->in->read(f->in->ctx, s, from, to, c);
    if (!c->n)
        return;
    assert(c->t[0] >= from && c->t[c->n - 1] <= to);
    out->n = c->n;
    out->at = f->v.len;
    vec_reserve(&f->v, f->v.len + c->n);
    memcpy(f->v.p + f->v.len, c->v, c->n * sizeof *c->v);
    f->v.len += c->n;
    /* scrapes share their times: keep them once */
    if (before && before->n == c->n && memcmp(f->t.p + before->t_at, c->t, c->n * sizeof *c->t) == 0) {
        out->t_at = before->t_at;
        return;
    }
    out->t_at = f->t.len;
    vec_reserve(&f->t, f->t.len + c->n);
    memcpy(f->t.p + f->t.len, c->t, c->n * sizeof *c->t);
    f->t.len += c->n;
}

/* Cuts the runs into packs none of whose slots has more than PACK_MAX_SAMPLES. */
static bool pack_runs(day_flush *f, uint32_t list, const slot_run *runs, size_t n_slots)
{
    size_t done[PACK_MAX_SLOTS] = { 0 };
    for (;;) {
        pack_column slots[PACK_MAX_SLOTS] = { 0 };
        int64_t before = INT64_MAX; /* the pack takes times below this one; INT64_MAX: all */
        bool any = false;
        for (size_t k = 0; k < n_slots; k++) {
            const int64_t *t = f->t.p + runs[k].t_at + done[k];
            if (runs[k].n - done[k] > PACK_MAX_SAMPLES && t[PACK_MAX_SAMPLES] < before)
                before = t[PACK_MAX_SAMPLES];
        }
        for (size_t k = 0; k < n_slots; k++) {
            const int64_t *t = f->t.p + runs[k].t_at + done[k];
            size_t left = runs[k].n - done[k], n = left;
            while (before != INT64_MAX && n > 0 && t[n - 1] >= before)
                n--;
            if (n)
                slots[k] = (pack_column){ t, f->v.p + runs[k].at + done[k], n };
            done[k] += n;
            any |= n > 0;
        }
        if (!any)
            return true;
        if (!stage_pack(f, list, slots, n_slots))
            return false;
    }
}

/* One window of a list: keys[0..n) are place << 32 | index into who. */
static bool pack_window(day_flush *f, uint32_t list, const uint64_t *keys, size_t n, int64_t from, int64_t to)
{
    slot_run runs[PACK_MAX_SLOTS] = { 0 }, *before = NULL;
    size_t n_slots = 0;
    f->t.len = f->v.len = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = place_slot((uint32_t)(keys[i] >> 32)), who = (uint32_t)keys[i];
        read_slot(f, series_of(f, who), from, to, before, &runs[slot]);
        if (!runs[slot].n)
            continue;
        before = &runs[slot];
        n_slots = slot + 1;
        f->stored[who] = true;
    }
    return n_slots == 0 || pack_runs(f, list, runs, n_slots);
}

/* Where the windows of a list begin: every so many samples of the series that lasts longest, at most WINDOW. */
static void find_windows(day_flush *f, const uint64_t *keys, size_t n)
{
    const flush_series *longest = NULL;
    for (size_t i = 0; i < n; i++) {
        const flush_series *s = series_of(f, (uint32_t)keys[i]);
        if (!longest || (uint64_t)s->maxt - (uint64_t)s->mint > (uint64_t)longest->maxt - (uint64_t)longest->mint)
            longest = s;
    }
    f->read.n = 0;
    f->in->read(f->in->ctx, longest, f->start, f->end, &f->read);
    size_t windows = (f->read.n + WINDOW - 1) / WINDOW, each = windows ? (f->read.n + windows - 1) / windows : 0;
    f->bounds.len = 0;
    vec_push(&f->bounds, f->start);
    for (size_t k = 1; k < windows; k++)
        vec_push(&f->bounds, f->read.t[k * each]);
}

static bool pack_list(day_flush *f, uint32_t list, const uint64_t *keys, size_t n)
{
    find_windows(f, keys, n);
    for (size_t k = 0; k < f->bounds.len; k++) {
        int64_t to = k + 1 < f->bounds.len ? f->bounds.p[k + 1] - 1 : f->end;
        if (!pack_window(f, list, keys, n, f->bounds.p[k], to))
            return false;
    }
    return true;
}

static int by_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool pack_lists(day_flush *f)
{
    uint64_t *keys = ARENA_ARRAY(&f->a, uint64_t, f->n);
    for (size_t i = 0; i < f->n; i++)
        keys[i] = (uint64_t)f->place[i] << 32 | i;
    qsort(keys, f->n, sizeof *keys, by_u64);
    for (size_t i = 0, to; i < f->n; i = to) {
        uint32_t list = place_list((uint32_t)(keys[i] >> 32));
        for (to = i + 1; to < f->n && place_list((uint32_t)(keys[to] >> 32)) == list;)
            to++;
        if (!pack_list(f, list, keys + i, to - i))
            return false;
    }
    return true;
}

/* ---- commit ---- */

static size_t list_new_series(day_flush *f, new_series **out)
{
    size_t n = 0;
    *out = ARENA_ARRAY(&f->a, new_series, f->n);
    for (size_t i = 0; i < f->n; i++)
        if (f->is_new[i] && f->stored[i])
            (*out)[n++] = (new_series){ series_of(f, i)->labels, f->place[i] };
    return n;
}

static bool commit(day_flush *f)
{
    new_series *fresh;
    size_t n = list_new_series(f, &fresh);
    day_block *b = &f->block;
    day_use u;
    if (n > DAY_MAX_SERIES - f->n_series)
        return err_set(f->e, ERR_TOO_LARGE, "too many series in one day");
    b->covered = f->in->covered;
    b->packs = f->packs.p;
    b->n_packs = (uint32_t)f->packs.len;
    b->first_list = f->n_lists;
    b->groups = f->groups.p + f->n_lists;
    b->n_groups = (uint32_t)f->groups.len - f->n_lists;
    if (!begin_write(f, &u))
        return false;
    b->first_pack = f->next_pack + (int64_t)f->stage.len - b->n_packs;
    bool ok = put_staged(f, &u) && flush_put_series(u.h, fresh, n, f->n_series, f->next_postings, &f->a, b, f->e)
           && dayfile_put_block(u.h, b, f->e);
    ok = day_write_end(&u, ok, b, f->e);
    f->out->n_packs += ok ? b->n_packs : 0;
    f->out->n_new_series += ok ? n : 0;
    f->out->n_days += ok;
    return ok;
}

static bool run_day(day_flush *f)
{
    f->block.mint = INT64_MAX;
    f->block.maxt = INT64_MIN;
    select_series(f);
    return join(f) && place_new(f) && pack_lists(f) && (f->packs.len == 0 || commit(f));
}

static void day_flush_release(day_flush *f)
{
    day_list_unref(f->list);
    arena_release(&f->a);
    vec_free(&f->groups);
    vec_free(&f->sizes);
    vec_free(&f->packs);
    vec_free(&f->stage);
    vec_free(&f->t);
    vec_free(&f->v);
    vec_free(&f->bounds);
    buf_release(&f->staged);
    sample_columns_release(&f->read);
}

/* ---- days ---- */

typedef VEC(int32_t) day_numbers;

static int by_day(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void add_day(day_numbers *days, int32_t day)
{
    if (!days->len || days->p[days->len - 1] != day)
        vec_push(days, day);
}

static void sort_days(day_numbers *days)
{
    size_t n = 0;
    if (days->len)
        qsort(days->p, days->len, sizeof *days->p, by_day);
    for (size_t i = 0; i < days->len; i++)
        if (n == 0 || days->p[i] != days->p[n - 1])
            days->p[n++] = days->p[i];
    days->len = n;
}

/* The days on which there are samples, ascending. A series that spans more than two is looked through: backfill may put
 * years between two samples. */
static void list_days(const flush_input *in, day_numbers *days)
{
    sample_columns c = { 0 };
    for (size_t i = 0; i < in->n; i++) {
        const flush_series *s = &in->series[i];
        int32_t first = day_of(s->mint), last = day_of(s->maxt);
        add_day(days, first);
        c.n = 0;
        if (last > first + 1)
            in->read(in->ctx, s, s->mint, s->maxt, &c);
        for (size_t k = 0; k < c.n; k++)
            add_day(days, day_of(c.t[k]));
        add_day(days, last);
        if (days->len > 4096 + in->n)
            sort_days(days);
    }
    sort_days(days);
    sample_columns_release(&c);
}

static bool flush_day(daystore *s, flush_input *in, int32_t day, pack_encoder *encoder, flush_result *out, err *e)
{
    err mine = { 0 };
    day_flush f = { .store = s, .in = in, .out = out, .e = &mine, .day = day, .start = (int64_t)day * DAY_MS,
                    .encoder = encoder };
    f.end = f.start + DAY_MS - 1;
    arena_init(&f.a, 0);
    buf_init(&f.staged, STAGED_MAX);
    bool ok = run_day(&f);
    day_flush_release(&f);
    return ok || err_set(e, mine.kind, "flush: %s", mine.msg);
}

bool flush_run(daystore *s, flush_input *in, flush_result *out, err *e)
{
    day_numbers days = { 0 };
    bool ok = true;
    *out = (flush_result){ 0 };
    if (daystore_is_read_only(s))
        return err_set(e, ERR_UNAVAILABLE, "the store is open for reading only");
    if (in->n == 0)
        return true;
    pack_encoder *encoder = pack_encoder_new();
    qsort(in->series, in->n, sizeof *in->series, by_labels);
    list_days(in, &days);
    for (size_t i = 0; ok && i < days.len; i++)
        ok = flush_day(s, in, days.p[i], encoder, out, e);
    pack_encoder_free(encoder);
    vec_free(&days);
    return ok;
}
