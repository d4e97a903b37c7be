/* day_reader_impl.h: the inside of a reader, for day_reader.c and day_find.c. */
#ifndef TSDB_DAY_READER_IMPL_H
#define TSDB_DAY_READER_IMPL_H
#include "tsdb/day_reader.h"
#include "tsdb/daystore_impl.h"

typedef struct day_plan_state day_plan_state;

struct day_reader {
    daystore *store;
    day_list *list;
    size_t cache_bytes;
    const _Atomic bool *cancel;
    buf row;                         /* an inflated row of postings or catalogue */
    catalogue_reader catalogue;
    buf blob, frame;                 /* a pack, one of its frames */
    pack_decoder *decoder;
    day_plan_state *plans;           /* newest first */
    uint32_t n_plans;
    bool has_complained;             /* of damage, in the log */
};

/* false, with e, when the query has been canceled. */
bool day_reader_go_on(const day_reader *r, err *e);
#endif
