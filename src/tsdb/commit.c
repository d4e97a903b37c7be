/* commit.c: see commit.h. */
#include "tsdb/commit.h"
#include "base/arena.h"
#include <stdlib.h>

/* A spare batch keeps at most this many samples' room, so that one burst does not hold memory for good. */
enum { SPARE_MAX = 4096, FIRST_ROOM = 256 };

void commit_queue_init(commit_queue *q, uint64_t segment)
{
    *q = (commit_queue){ .segment = segment };
}

static void batch_empty(commit_batch *b)
{
    for (size_t i = 0; i < b->n_defs; i++)
        labels_unref(b->defs[i].labels);
    free((void *)b->record.p);
    b->record = (bytes){ 0 };
    b->n_defs = b->n_samples = 0;
    b->next = NULL;
}

static void batch_free(commit_batch *b)
{
    if (!b)
        return;
    batch_empty(b);
    free(b->defs);
    free(b->samples);
    free(b);
}

void commit_queue_release(commit_queue *q)
{
    for (commit_batch *b = q->first; b;) {
        commit_batch *next = b->next;
        batch_free(b);
        b = next;
    }
    batch_free(q->spare);
    *q = (commit_queue){ 0 };
}

static commit_batch *batch_open(commit_queue *q)
{
    commit_batch *b = q->spare ? q->spare : xcalloc(1, sizeof *b);
    q->spare = NULL;
    b->segment = q->segment;
    if (q->last)
        q->last->next = b;
    else
        q->first = b;
    q->last = b;
    return b;
}

/* The batch that takes the next sample. */
static commit_batch *batch_for_samples(commit_queue *q)
{
    commit_batch *b = q->last;
    if (!b || b->segment != q->segment || b->record.p || b->n_samples >= COMMIT_BATCH_MAX)
        b = batch_open(q);
    return b;
}

void commit_put_def(commit_queue *q, uint32_t ref, uint64_t group, const labels *l)
{
    commit_batch *b = batch_for_samples(q);
    if (b->n_defs == b->cap_defs) {
        b->cap_defs = b->cap_defs ? b->cap_defs * 2 : FIRST_ROOM;
        b->defs = xreallocarray(b->defs, b->cap_defs, sizeof *b->defs);
    }
    b->defs[b->n_defs++] = (journal_def){ .ref = ref, .group = group, .labels = labels_ref(l) };
    q->n_bytes += sizeof *b->defs;
}

void commit_put_sample(commit_queue *q, uint32_t ref, int64_t t, double v)
{
    commit_batch *b = batch_for_samples(q);
    if (b->n_samples == b->cap_samples) {
        b->cap_samples = b->cap_samples ? b->cap_samples * 2 : FIRST_ROOM;
        b->samples = xreallocarray(b->samples, b->cap_samples, sizeof *b->samples);
    }
    b->samples[b->n_samples++] = (journal_sample){ .t = t, .v = v, .ref = ref };
    q->n_bytes += sizeof *b->samples;
}

void commit_put_record(commit_queue *q, bytes payload, uint64_t meta_id, uint64_t seq)
{
    commit_batch *b = batch_open(q);
    b->record = payload;
    b->meta_id = meta_id;
    b->last_seq = seq;
    q->n_bytes += payload.len;
}

void commit_mark(commit_queue *q, uint64_t seq)
{
    if (q->last)
        q->last->last_seq = seq;
}

void commit_next_segment(commit_queue *q)
{
    q->segment++;
}

commit_batch *commit_take(commit_queue *q)
{
    commit_batch *list = q->first;
    q->first = q->last = NULL;
    q->n_bytes = 0;
    return list;
}

void commit_give_back(commit_queue *q, commit_batch *list)
{
    commit_batch *last = NULL;
    for (commit_batch *b = list; b; b = b->next) {
        q->n_bytes += b->n_defs * sizeof *b->defs + b->n_samples * sizeof *b->samples + b->record.len;
        last = b;
    }
    if (!last)
        return;
    last->next = q->first;
    q->first = list;
    if (!q->last)
        q->last = last;
}

void commit_batch_done(commit_queue *q, commit_batch *b)
{
    batch_empty(b);
    if (q->spare || b->cap_samples > SPARE_MAX) {
        batch_free(b);
        return;
    }
    q->spare = b;
}
