/* zblob.h: a blob with its checksum, compressed: how day files hold everything but packs (which do that themselves).
 *
 *   zblob = u64 XXH3-64 of the rest  varint(raw length)  zstd frame | raw, where that is not longer */
#ifndef TSDB_ZBLOB_H
#define TSDB_ZBLOB_H
#include "base/buf.h"
#include "base/err.h"
#include <zstd.h>

/* Appends. */
void zblob_put(ZSTD_CCtx *z, bytes raw, buf *out);
/* out is cleared, then filled; its maximum bounds what is inflated. ERR_BAD_DATA: damaged. */
bool zblob_get(ZSTD_DCtx *z, bytes blob, buf *out, err *e);
#endif
