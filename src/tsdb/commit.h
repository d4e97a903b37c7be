/* commit.h: what has been appended and is not in the journal yet: a queue of batches between loop and commit job.
 *
 * The loop puts samples into the newest batch; a commit job takes the oldest ones away, writes them and gives them
 * back. A batch belongs to one journal segment: after commit_next_segment() a new one begins, and series are defined
 * anew in it. Invariants: (1) batches are in order of sequence and segment; (2) a batch that a job has taken is not
 * in the queue. Loop thread, but for the batches a job has
 * taken. */
#ifndef TSDB_COMMIT_H
#define TSDB_COMMIT_H
#include "tsdb/journal.h"

typedef struct commit_batch {
    struct commit_batch *next;
    uint64_t segment;             /* of the journal, where it belongs */
    uint64_t last_seq;            /* appends up to this one are done with it */
    journal_def *defs;            /* each with a reference on its labels */
    size_t n_defs, cap_defs;
    journal_sample *samples;
    size_t n_samples, cap_samples;
    bytes record;                 /* a tombstone's payload instead of samples, malloced; p NULL: none */
    uint64_t meta_id;             /* its key in meta.db, where it goes too; 0: it does not */
} commit_batch;

typedef struct commit_queue {
    commit_batch *first, *last;
    uint64_t segment;             /* of what is appended now */
    size_t n_bytes;               /* in the queue, not what a job has taken */
    commit_batch *spare;          /* one emptied batch whose arrays are used again */
} commit_queue;

enum { COMMIT_BATCH_MAX = 256 * 1024 };   /* samples of one batch, so of one journal record */

void commit_queue_init(commit_queue *q, uint64_t segment);
void commit_queue_release(commit_queue *q);
void commit_put_def(commit_queue *q, uint32_t ref, uint64_t group, const labels *l);
void commit_put_sample(commit_queue *q, uint32_t ref, int64_t t, double v);
/* A tombstone's record, in order between the samples around it; payload is taken over (malloced). */
void commit_put_record(commit_queue *q, bytes payload, uint64_t meta_id, uint64_t seq);
/* Ends an append: what has been put since the last call carries this number. */
void commit_mark(commit_queue *q, uint64_t seq);
/* What is put from now on belongs to the next segment. */
void commit_next_segment(commit_queue *q);

/* All batches, oldest first, for a job; NULL where there is none. */
commit_batch *commit_take(commit_queue *q);
/* Back to the front of the queue: it could not be written. */
void commit_give_back(commit_queue *q, commit_batch *list);
/* Written: frees it (or keeps its memory for the next). */
void commit_batch_done(commit_queue *q, commit_batch *b);
#endif
