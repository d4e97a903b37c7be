/* daystore.h: the day files of a store: days/YYYY-MM-DD.db, one SQLite file per UTC day.
 *
 * Knows which days there are, opens files when somebody needs one (at most DAYSTORE_MAX_OPEN handles stay open), keeps
 * a reader-writer lock per day, and takes damaged files out of service (renamed to *.corrupt, a log line, a metric; the
 * rest is served). Reading: day_reader.h. Writing: flush.h. One file: dayfile.h. Layout: docs/format/dayfile.md.
 * Any thread, but open and close.                                                                               */
#ifndef TSDB_DAYSTORE_H
#define TSDB_DAYSTORE_H
#include "base/err.h"
#include "model/labels.h"

typedef struct daystore daystore;
enum { DAYSTORE_MAX_OPEN = 16 };
#define DAY_MS INT64_C(86400000)

/* The UTC day of t as days since the epoch: floor, so that times before 1970 work. Times more than DAY_LAST days away
 * from 1970 (50,000 years) count to the last day there is, and are not stored. */
enum { DAY_LAST = 18262500 };
static inline int32_t day_of(int64_t t)
{
    int64_t d = t >= 0 ? t / DAY_MS : -((-(t + 1)) / DAY_MS) - 1;
    return (int32_t)(d > DAY_LAST ? DAY_LAST : d < -DAY_LAST ? -DAY_LAST : d);
}

/* Lists dir/days (made unless read_only); opens no file. */
bool daystore_open(const char *dir, bool read_only, daystore **out, err *e);
void daystore_close(daystore *s);            /* no reader or writer may be alive */

/* What there is at one moment: immutable, counted. A reader that is given a list sees of its days what had been
 * committed when it was taken. */
typedef struct day_file day_file;
typedef struct day_entry {
    int32_t day;
    uint32_t last_block;     /* newest visible block; DAY_UNKNOWN: the newest when the file was first opened */
    day_file *file;          /* daystore.c's */
} day_entry;
typedef struct day_list {
    _Atomic uint32_t refs;
    uint32_t n;
    day_entry **days;        /* ascending */
} day_list;
#define DAY_UNKNOWN UINT32_MAX
day_list *daystore_list(daystore *s);        /* one reference, the caller's */
void day_list_unref(day_list *l);

/* Times of the oldest and newest sample over all days; INT64_MAX / INT64_MIN where there is none. Opens at most the
 * first and the last file, once: afterwards it answers from memory. */
void daystore_bounds(daystore *s, int64_t *mint, int64_t *maxt);
uint64_t daystore_bytes(daystore *s);        /* size of all files */
/* Closes the handles nobody uses and forgets cached directories: gives their memory back, at the price of opening
 * again. */
void daystore_rest(daystore *s);
/* Journal segments below this number need not be replayed for samples of that day (0: none is covered). */
uint64_t daystore_covered(daystore *s, int32_t day);
/* Removes a day: closes handles, unlinks, syncs the folder. Readers in the middle of it finish on the open file. */
bool daystore_drop(daystore *s, int32_t day, err *e);
/* Puts the day file at `path` (made in another daystore's folder by flush_run(), closed) in the place of a day: rename,
 * sync of the folder. Readers in the middle of the old one finish on the open file. For the rewrite under
 * tombstones. */
bool daystore_replace(daystore *s, int32_t day, const char *path, err *e);
#endif
