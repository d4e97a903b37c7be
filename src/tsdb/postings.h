/* postings.h: the head's index: label name -> values -> slots of the series that carry the pair.
 *
 * A name's values stand in a `value_table`: append-only, immutable up to the length a reader saw, counted, so that a
 * worker can run a regular expression over it while the loop goes on adding values. A value whose last series left
 * stays in the table, without postings, until half of the table is such; then the loop makes a new table (readers
 * keep the old). Matching: `matcher_terms` says per matcher which values fit; terms_select() turns terms into slots.
 * Literals, alternations, `.*` and `.+` are answered from the hash; prefixes and real expressions walk the table, on
 * a worker where it is long.
 * Loop thread, except value_table_* readers.                                                                   */
#ifndef TSDB_POSTINGS_H
#define TSDB_POSTINGS_H
#include "model/labels.h"
#include "model/matcher.h"
#include "tsdb/idset.h"

/* ---- values of one name ---- */
typedef struct value_table value_table;
value_table *value_table_ref(value_table *t);
void value_table_unref(value_table *t);
/* Value i of those there were when the length was read. Any thread with a reference. */
bytes value_table_at(const value_table *t, uint32_t i);

typedef struct label_index label_index;   /* one name: opaque */
typedef struct postings {
    label_index **names;      /* in order of first use; an emptied one stays */
    uint32_t n_names;
    uint32_t *buckets;        /* name index + 1 */
    uint32_t n_buckets;
    uint64_t n_pairs;         /* values with at least one series */
    idset all;                /* the slots of all series */
    uint32_t n_slots;         /* slots are below it */
} postings;

void postings_init(postings *p);
void postings_release(postings *p);
/* Enters / takes out a series. */
void postings_add(postings *p, const labels *l, uint32_t slot);
void postings_remove(postings *p, const labels *l, uint32_t slot);
/* Rebuilds value tables that are mostly dead; short. */
void postings_tidy(postings *p);
size_t postings_mem_bytes(const postings *p);

/* Walking, for statistics and label answers: name i; value k of it with its number of series. */
bytes postings_name(const postings *p, uint32_t i);
/* The name's index, or n_names. */
uint32_t postings_find_name(const postings *p, bytes name);
uint32_t postings_n_series(const postings *p, uint32_t i);        /* that carry the name */
uint32_t postings_n_live_values(const postings *p, uint32_t i);
uint32_t postings_n_values(const postings *p, uint32_t i);        /* length of the table, dead ones included */
value_table *postings_values(const postings *p, uint32_t i);      /* borrowed */
uint32_t postings_value_series(const postings *p, uint32_t i, uint32_t k);
/* A bit per value of name i: does a series carry it? Malloced. */
uint64_t *postings_live_values(const postings *p, uint32_t i);

/* ---- selecting ---- */
/* What one matcher needs between the three steps (loop, worker, loop). */
typedef struct matcher_scan {
    value_table *table;     /* counted; NULL: nothing to walk */
    uint32_t n;             /* its length when taken */
    uint64_t *hits;         /* bit per value that the pattern matches (also for MATCH_NRE) */
    bool done;
} matcher_scan;

/* Takes the table if the matcher has to walk one. */
void matcher_scan_begin(const postings *p, const matcher *m, matcher_scan *s);
/* Is it long enough to be a worker's? */
bool matcher_scan_is_long(const matcher_scan *s);
/* Fills hits. Any thread. */
void matcher_scan_run(const matcher *m, matcher_scan *s);
void matcher_scan_release(matcher_scan *s);

/* The slots of series that satisfy all matchers, ascending; n == 0: all. scans[i] belongs to ms[i]; those that are not
 * done are run here. *out is malloced (NULL where none). */
void postings_select(const postings *p, const matcher *ms, matcher_scan *scans, size_t n, uint32_t **out,
                     size_t *n_out);
#endif
