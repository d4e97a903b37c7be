/* meta.h: meta.db, the small SQLite file of what is durable and is not samples.
 *
 * WAL, synchronous=FULL: what a call has stored survives a power cut when it returns. Opened by the first call that
 * needs it, closed again by meta_rest(). Rooms above get a key-value space each (`space`: "tombstones", "cursors",
 * ...), keys in byte order; what needs tables of its own adds them by meta_exec(). Layout: docs/format/meta.md.
 * Any thread: calls are serialised inside.                                                                       */
#ifndef TSDB_META_H
#define TSDB_META_H
#include "base/buf.h"
#include "base/err.h"

typedef struct meta meta;

/* Remembers the path; touches no file. */
meta *meta_new(const char *dir, bool read_only);
void meta_free(meta *m);
void meta_rest(meta *m);             /* closes the file until the next call: gives its memory back */

bool meta_put(meta *m, const char *space, bytes key, bytes value, err *e);
bool meta_del(meta *m, const char *space, bytes key, err *e);
/* *found false: no such key. out is cleared, then filled. */
bool meta_get(meta *m, const char *space, bytes key, buf *out, bool *found, err *e);
/* Visits a space in key order; fn returns false to end. Must not call meta_*. */
bool meta_each(meta *m, const char *space, bool (*fn)(void *ctx, bytes key, bytes value), void *ctx, err *e);

/* Several changes as one: all durable or none. put: value.p == NULL deletes. */
typedef struct meta_change {
    const char *space;
    bytes key, value;
} meta_change;
bool meta_apply(meta *m, const meta_change *changes, size_t n, err *e);
#endif
