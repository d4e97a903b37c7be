/* tombstone_clean.c: day files rewritten without what tombstones hide, so that the space comes back.
 *
 * One job, all days that a tombstone touches, one after the other: a day of which nothing is left is dropped; of others
 * the visible samples go through an ordinary flush into a store of their own (DIR/clean) and that file takes the old
 * one's place. Its blocks carry the old day's covered number, so tombstones that still stand, from before or made
 * meanwhile, mean the same on the new file as on the old. Only when all days are done are the tombstones forgotten: a
 * crash in the middle costs doing it
 * again. */
#include "base/log.h"
#include "base/os.h"
#include "tsdb/append.h"
#include "tsdb/db_impl.h"
#include "tsdb/flush.h"
#include "tsdb/merge.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CLEAN_CACHE = 8 << 20 };

typedef struct cleaning {
    db_job *j;
    day_reader *reader;
    int32_t day;
    int64_t mint, maxt;
    arena a;                 /* of the day at work */
    uint64_t n_hidden;       /* series of it that tombstones touch */
} cleaning;

/* One series to be kept: flush_series.source. */
typedef struct kept {
    uint32_t id;
    day_hide *hides;
    size_t n_hides;
} kept;

static void read_kept(void *ctx, const flush_series *s, int64_t mint, int64_t maxt, sample_columns *out)
{
    cleaning *c = ctx;
    const kept *k = s->source;
    err e = { 0 };
    if (!day_read_visible(c->reader, c->day, k->id, mint, maxt, k->hides, k->n_hides, out, &e))
        log_warn("Reading a series under tombstones failed", "err", e.msg);
}

/* The series of the day that have samples left, with their ranges. */
static bool list_kept(cleaning *c, flush_series **out, size_t *n_out, size_t *n_all, err *e)
{
    day_series *all = NULL;
    sample_columns x = { 0 };
    bool ok = day_find(c->reader, c->day, NULL, 0, c->mint, c->maxt, &c->a, &all, n_all, e);
    flush_series *list = ARENA_ARRAY(&c->a, flush_series, ok ? *n_all : 0);
    *n_out = 0;
    for (size_t i = 0; ok && i < *n_all; i++) {
        kept *k = ARENA_NEW(&c->a, kept);
        k->id = all[i].id;
        k->n_hides = tombstones_hide(c->j->tombstones, all[i].labels, c->mint, c->maxt, &c->a, &k->hides);
        c->n_hidden += k->n_hides > 0;
        x.n = 0;
        ok = day_read_visible(c->reader, c->day, k->id, c->mint, c->maxt, k->hides, k->n_hides, &x, e);
        if (ok && x.n)
            list[(*n_out)++] = (flush_series){ .labels = all[i].labels, .group = append_group(all[i].labels),
                                               .mint = x.t[0], .maxt = x.t[x.n - 1], .source = k };
    }
    sample_columns_release(&x);
    *out = list;
    return ok;
}

static void day_path(char *out, size_t size, const char *dir, int32_t day, const char *tail)
{
    time_t at = (time_t)day * 86400;
    struct tm tm;
    gmtime_r(&at, &tm);
    snprintf(out, size, "%s/days/%04d-%02d-%02d.db%s", dir, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tail);
}

static bool write_day(cleaning *c, flush_series *list, size_t n, err *e)
{
    char dir[4096], path[4200], extra[4200];
    daystore *side = NULL;
    flush_input in = { .series = list, .n = n, .read = read_kept, .ctx = c,
                       .covered = daystore_covered(c->j->d->days, c->day) };
    flush_result got;
    snprintf(dir, sizeof dir, "%s/clean", c->j->d->dir);
    day_path(path, sizeof path, dir, c->day, "");
    day_path(extra, sizeof extra, dir, c->day, "-journal");
    os.unlink(path); /* of a run that was cut short */
    os.unlink(extra);
    if (!daystore_open(dir, false, &side, e))
        return false;
    bool ok = flush_run(side, &in, &got, e);
    daystore_close(side);
    ok = ok && daystore_replace(c->j->d->days, c->day, path, e);
    os.unlink(extra);
    return ok;
}

static bool clean_day(cleaning *c, err *e)
{
    flush_series *list = NULL;
    size_t n = 0, n_all = 0;
    c->n_hidden = 0;
    if (!list_kept(c, &list, &n, &n_all, e))
        return false;
    if (!c->n_hidden) /* none of the tombstones is about this day's series; or it could not be read */
        return true;
    return n ? write_day(c, list, n, e) : daystore_drop(c->j->d->days, c->day, e);
}

static bool forget_tombstones(db_job *j)
{
    size_t n = j->tombstones->n;
    uint8_t (*keys)[8] = xcalloc(n ? n : 1, sizeof *keys);
    meta_change *changes = xcalloc(n ? n : 1, sizeof *changes);
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 8; k++)
            keys[i][k] = (uint8_t)(j->tombstones->items[i]->id >> (56 - 8 * k));
        changes[i] = (meta_change){ .space = "tombstones", .key = bytes_n(keys[i], 8) };
    }
    bool ok = !n || meta_apply(j->d->meta, changes, n, &j->e);
    meta_rest(j->d->meta);
    free(keys);
    free(changes);
    return ok;
}

static void run_clean(db_job *j)
{
    day_list *list = daystore_list(j->d->days);
    cleaning c = { .j = j };
    j->ok = true;
    for (uint32_t i = 0; i < list->n && j->ok; i++) {
        c.day = list->days[i]->day;
        c.mint = (int64_t)c.day * DAY_MS;
        c.maxt = c.mint + DAY_MS - 1;
        if (!tombstones_touch(j->tombstones, c.mint, c.maxt))
            continue;
        arena_init(&c.a, 0);
        c.reader = day_reader_new(j->d->days, list, CLEAN_CACHE);
        j->ok = clean_day(&c, &j->e);
        day_reader_free(c.reader);
        arena_release(&c.a);
    }
    day_list_unref(list);
    j->ok = j->ok && forget_tombstones(j);
}

static void clean_done(db *d, db_job *j)
{
    if (j->ok) {
        uint64_t up_to = j->tombstones->n ? j->tombstones->items[j->tombstones->n - 1]->id : 0;
        tombstone_set *set = tombstone_set_without(d->tombstones, up_to, NULL, NULL);
        tombstone_set_unref(d->tombstones);
        d->tombstones = set;
    } else {
        log_error("Rewriting days under tombstones failed", "err", j->e.msg);
    }
    tombstone_set_unref(j->tombstones);
    db_refresh_bounds(d);
}

/* Waits for a flush to end, and for the journal to have what is to be forgotten. */
db_job *db_clean_job(db *d)
{
    if (d->queue.first || d->commit_busy)
        return NULL;
    d->clean_requested = false;
    if (!d->tombstones || !d->tombstones->n)
        return NULL;
    db_job *j = db_job_new(d, run_clean, clean_done);
    j->tombstones = tombstone_set_ref(d->tombstones);
    return j;
}
