/* seam.c: stands in for journal, day files and meta.db until those files are there: nothing reaches the disk. */
#include "base/os.h"
#include "tsdb/day_reader.h"
#include "tsdb/flush.h"
#include "tsdb/journal.h"
#include "tsdb/meta.h"
#include <stdlib.h>
#define WEAK __attribute__((weak))

struct daystore { int x; };
WEAK bool daystore_open(const char *dir, bool read_only, daystore **out, err *e) { *out = xcalloc(1, sizeof **out); return true; }
WEAK void daystore_close(daystore *s) { free(s); }
WEAK day_list *daystore_list(daystore *s)
{
    day_list *l = xcalloc(1, sizeof *l);
    l->refs = 1;
    return l;
}
WEAK void day_list_unref(day_list *l) { if (l && --l->refs == 0) free(l); }
WEAK void daystore_bounds(daystore *s, int64_t *mint, int64_t *maxt) { *mint = INT64_MAX; *maxt = INT64_MIN; }
WEAK uint64_t daystore_bytes(daystore *s) { return 0; }
WEAK uint64_t daystore_covered(daystore *s, int32_t day) { return 0; }
WEAK bool daystore_drop(daystore *s, int32_t day, err *e) { return true; }
WEAK bool daystore_replace(daystore *s, int32_t day, const char *path, err *e) { return true; }

struct day_reader { day_list *l; };
WEAK day_reader *day_reader_new(daystore *s, day_list *list, size_t cache) { return xcalloc(1, sizeof(day_reader)); }
WEAK void day_reader_free(day_reader *r) { free(r); }
WEAK void day_reader_set_cancel(day_reader *r, const _Atomic bool *c) {}
WEAK bool day_find(day_reader *r, int32_t day, const matcher *ms, size_t n, int64_t mint, int64_t maxt, arena *a, day_series **out,
                   size_t *n_out, err *e) { *out = NULL; *n_out = 0; return true; }
WEAK bool day_label_names(day_reader *r, int32_t day, const matcher *ms, size_t n, int64_t mint, int64_t maxt, arena *a, bytes **out,
                          size_t *n_out, err *e) { *out = NULL; *n_out = 0; return true; }
WEAK bool day_label_values(day_reader *r, int32_t day, bytes name, const matcher *ms, size_t n, int64_t mint, int64_t maxt, arena *a,
                           bytes **out, size_t *n_out, err *e) { *out = NULL; *n_out = 0; return true; }
WEAK void day_plan(day_reader *r, int32_t day, const uint32_t *ids, size_t n, int64_t mint, int64_t maxt) {}
WEAK bool day_read(day_reader *r, int32_t day, uint32_t id, int64_t mint, int64_t maxt, sample_columns *out, err *e) { return true; }
WEAK bool day_read_visible(day_reader *r, int32_t day, uint32_t id, int64_t mint, int64_t maxt, const day_hide *hides, size_t n_hides,
                           sample_columns *out, err *e) { return true; }
WEAK bool flush_run(daystore *s, flush_input *in, flush_result *out, err *e) { return true; }
