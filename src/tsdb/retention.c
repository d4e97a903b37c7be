/* retention.c: whole days go when all of their samples are older than the store keeps. */
#include "base/log.h"
#include "tsdb/db_impl.h"

void db_refresh_bounds(db *d)
{
    d->disk_min_t = INT64_MAX;
    d->disk_max_t = INT64_MIN;
    daystore_bounds(d->days, &d->disk_min_t, &d->disk_max_t);
}

static void run_retention(db_job *j)
{
    day_list *list = daystore_list(j->d->days);
    j->ok = true;
    for (uint32_t i = 0; i < list->n && j->ok; i++) {
        int64_t end = ((int64_t)list->days[i]->day + 1) * DAY_MS;
        if (end > j->before)
            break;
        j->ok = daystore_drop(j->d->days, list->days[i]->day, &j->e);
        j->n_done += j->ok;
    }
    day_list_unref(list);
}

static bool is_outdated(void *ctx, const tombstone *t)
{
    return t->maxt < *(const int64_t *)ctx;
}

/* Tombstones of times that no day holds any more are forgotten at the next rewrite; here only in memory. */
static void retention_done(db *d, db_job *j)
{
    if (!j->ok)
        log_error("Removing days that are out of retention failed", "err", j->e.msg);
    if (!j->n_done)
        return;
    log_info("Days out of retention removed", "days", log_i64((int64_t)j->n_done));
    db_refresh_bounds(d);
    tombstone_set *set = tombstone_set_without(d->tombstones, UINT64_MAX, is_outdated, &j->before);
    tombstone_set_unref(d->tombstones);
    d->tombstones = set;
}

db_job *db_retention_job(db *d)
{
    d->next_retention_ms = d->now_ms + DB_RETENTION_EVERY_MS;
    if (d->oldest_allowed == INT64_MIN || d->opt.read_only || d->disk_min_t >= d->oldest_allowed)
        return NULL;
    db_job *j = db_job_new(d, run_retention, retention_done);
    j->before = d->oldest_allowed;
    return j;
}
