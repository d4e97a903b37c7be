/* day_reader.h: reading day files: which series, which label values, which samples.
 *
 * A reader belongs to one thread and one query; it sees the days and blocks of the list it was given, whatever is
 * flushed meanwhile. It answers "nothing" for a day that is damaged or gone; what fails is a disk that cannot be read
 * (ERR_UNAVAILABLE) or being canceled. Series ids are those of one day, in no order that means anything. */
#ifndef TSDB_DAY_READER_H
#define TSDB_DAY_READER_H
#include "model/matcher.h"
#include "tsdb/daystore.h"
#include "tsdb/select.h"

typedef struct day_reader day_reader;

/* list: taken over by reference; NULL: the store's present one. cache_bytes: what encoded columns read ahead may
 * take. */
day_reader *day_reader_new(daystore *s, day_list *list, size_t cache_bytes);
void day_reader_free(day_reader *r);
void day_reader_set_cancel(day_reader *r, const _Atomic bool *cancel);   /* may be NULL */

typedef struct day_series {
    const labels *labels;    /* the arena's */
    uint32_t id;
} day_series;

/* The series of a day that satisfy all matchers (n 0: all) and may have samples in [mint, maxt], sorted by labels_cmp,
 * distinct. Arrays and labels are the arena's. */
bool day_find(day_reader *r, int32_t day, const matcher *ms, size_t n, int64_t mint, int64_t maxt, arena *a,
              day_series **out, size_t *n_out, err *e);

/* Label names / values of one name in a day over series that satisfy the matchers and may have samples in [mint, maxt];
 * sorted, distinct, the arena's. */
bool day_label_names(day_reader *r, int32_t day, const matcher *ms, size_t n, int64_t mint, int64_t maxt, arena *a,
                     bytes **out, size_t *n_out, err *e);
bool day_label_values(day_reader *r, int32_t day, bytes name, const matcher *ms, size_t n, int64_t mint, int64_t maxt,
                      arena *a, bytes **out, size_t *n_out, err *e);

/* Says in which order series will be read, so that each frame is inflated once for all of them. ids are copied.
 * Optional; series may then be skipped, or read again. The last four plans of a day are remembered. */
void day_plan(day_reader *r, int32_t day, const uint32_t *ids, size_t n, int64_t mint, int64_t maxt);
/* Appends the samples of one series in [mint, maxt]: ascending, one per t (the last written wins). */
bool day_read(day_reader *r, int32_t day, uint32_t id, int64_t mint, int64_t maxt, sample_columns *out, err *e);

/* What deletes have hidden of one series: samples in [mint, maxt] of blocks whose flush had `covered` <= this number.
 * (A delete hides what was stored before it; the same times written later come with a later flush.) */
typedef struct day_hide {
    uint64_t covered;
    int64_t mint, maxt;
} day_hide;
/* As day_read, without what is hidden: applied block by block, before blocks are merged. */
bool day_read_visible(day_reader *r, int32_t day, uint32_t id, int64_t mint, int64_t maxt, const day_hide *hides,
                      size_t n_hides, sample_columns *out, err *e);
#endif
