/* daystore_impl.h: using one day of a store: for the reader and the flush only. */
#ifndef TSDB_DAYSTORE_IMPL_H
#define TSDB_DAYSTORE_IMPL_H
#include "tsdb/day_index.h"
#include "tsdb/daystore.h"

/* A day in use by one thread: its lock held, a handle on its file. Never two at a time in a thread. */
typedef struct day_use {
    daystore *store;
    day_file *file;
    dayfile *h;              /* NULL: the day is gone or was damaged; nothing to read */
    day_index *index;        /* what the entry may see; where asked for */
} day_use;

/* Shared use. true with h == NULL: there is no such day any more. */
bool day_use_begin(daystore *s, const day_entry *d, bool with_index, day_use *out, err *e);
/* ok false with e of ERR_BAD_DATA takes the file out of service, and gives true: the caller goes on without the day.
 * Else gives ok. Ends the use in any case. */
bool day_use_end(day_use *u, bool ok, err *e);

/* Exclusive use with a transaction begun; makes the day's file where there is none. One writer per store. */
bool day_write_begin(daystore *s, int32_t day, day_use *out, err *e);
/* ok: commits, else rolls back. With `block` (committed, so it becomes visible): lists taken from now on show it. */
bool day_write_end(day_use *u, bool ok, const day_block *block, err *e);

/* The entry of a day, or NULL. */
const day_entry *day_list_find(const day_list *l, int32_t day);
bool daystore_is_read_only(const daystore *s);
#endif
