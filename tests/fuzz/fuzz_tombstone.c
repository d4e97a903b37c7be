/* Tombstones as they come from meta.db or the journal: what parses must write back to something that parses the
 * same. */
#include "tsdb/tombstone.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tombstone *t = tombstone_parse(bytes_n(data, size), NULL);
    if (!t)
        return 0;
    buf b;
    buf_init(&b, SIZE_MAX);
    tombstone_write(t, &b);
    tombstone *u = tombstone_parse(buf_bytes(&b), NULL);
    if (!u || u->id != t->id || u->mint != t->mint || u->maxt != t->maxt || u->n != t->n)
        abort();
    tombstone_unref(t);
    tombstone_unref(u);
    buf_release(&b);
    return 0;
}
