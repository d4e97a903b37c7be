/* rank.c: now and then, every series of the head gets its place in the order of labels.
 *
 * Answers are sorted by labels, and comparing label sets is what sorting costs: about half a microsecond a series at
 * 100k. Ranks turn that into comparing numbers. They are given by a job that sorts all series (55 ms at 100k) and are
 * put in place at once, so that a snapshot has ranks of one sort only; series made since then have none and are
 * compared by labels, which agrees. How often follows from what it costs: at most every 20 seconds, longer with more
 * series, and only after enough new ones.
 * While the job sorts, no series leaves the head and no slot is used again: the worker reads labels of the slots there
 * were.                                                                                                          */
#include "tsdb/db_impl.h"
#include <stdlib.h>

enum { RANK_MIN_NEW = 64, RANK_EVERY_MS = 20000, RANK_SERIES_PER_MS = 2 };

int64_t db_rank_due(const db *d)
{
    return d->head.n_unranked >= RANK_MIN_NEW ? d->next_rank_ms : INT64_MAX;
}

static int cmp_labels(const void *a, const void *b, void *slabs)
{
    series *const *s = slabs;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return labels_cmp(s[x / SERIES_SLAB][x % SERIES_SLAB].labels, s[y / SERIES_SLAB][y % SERIES_SLAB].labels);
}

static void run_rank(db_job *j)
{
    uint32_t *order = xmalloc((j->n_slots ? j->n_slots : 1) * sizeof *order);
    uint32_t n = 0;
    for (uint32_t i = 0; i < j->n_slots; i++)
        if (j->slabs[i / SERIES_SLAB][i % SERIES_SLAB].labels)
            order[n++] = i;
    qsort_r(order, n, sizeof *order, cmp_labels, j->slabs);
    j->ranks = xcalloc(j->n_slots ? j->n_slots : 1, sizeof *j->ranks);
    for (uint32_t i = 0; i < n; i++)
        j->ranks[order[i]] = i + 1;
    free(order);
}

static void rank_done(db *d, db_job *j)
{
    series_table *table = &d->head.series;
    head_unpin(&d->head);
    for (uint32_t i = 0; i < table->n_slots; i++)
        series_at(table, i)->rank = i < j->n_slots ? j->ranks[i] : 0;
    d->next_rank_ms = d->now_ms + RANK_EVERY_MS + table->n_live / RANK_SERIES_PER_MS;
    free(j->slabs);
    free(j->ranks);
}

db_job *db_rank_job(db *d)
{
    series_table *table = &d->head.series;
    db_job *j = db_job_new(d, run_rank, rank_done);
    size_t n_slabs = (table->n_slots + SERIES_SLAB - 1) / SERIES_SLAB;
    head_pin(&d->head);
    j->slabs = xmalloc((n_slabs ? n_slabs : 1) * sizeof *j->slabs);
    memcpy(j->slabs, table->slabs, n_slabs * sizeof *j->slabs);
    j->n_slots = table->n_slots;
    d->head.n_unranked = 0;
    return j;
}
