/* zblob.c: see zblob.h. */
#include "tsdb/zblob.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

void zblob_put(ZSTD_CCtx *z, bytes raw, buf *out)
{
    size_t start = out->len, room = ZSTD_compressBound(raw.len);
    buf_put_u64(out, 0);
    buf_put_varint(out, raw.len);
    char *to = buf_reserve(out, room);
    if (!to)
        BUG("zblob: %zu bytes are too many", raw.len);
    size_t len = ZSTD_compress2(z, to, room, raw.p, raw.len);
    if (ZSTD_isError(len) || len >= raw.len) {
        if (raw.len)
            memcpy(to, raw.p, raw.len);
        len = raw.len;
    }
    buf_commit(out, len);
    uint64_t sum = XXH3_64bits(out->p + start + 8, out->len - start - 8);
    memcpy(out->p + start, &sum, 8);
}

bool zblob_get(ZSTD_DCtx *z, bytes blob, buf *out, err *e)
{
    cursor c = cursor_of(blob);
    uint64_t sum, len;
    bytes raw;
    buf_clear(out);
    if (!cursor_u64(&c, &sum) || XXH3_64bits(c.at, cursor_left(&c)) != sum)
        return err_set(e, ERR_BAD_DATA, "wrong checksum of a row");
    char *to = cursor_varint(&c, &len) ? buf_reserve(out, len) : NULL;
    if (!to && (len || cursor_left(&c)))
        return err_set(e, ERR_BAD_DATA, "a row is too large");
    if (cursor_left(&c) == len) {
        cursor_bytes(&c, len, &raw);
        buf_puts(out, raw);
        return true;
    }
    size_t got = ZSTD_decompressDCtx(z, to, len, c.at, cursor_left(&c));
    if (ZSTD_isError(got) || got != len)
        return err_set(e, ERR_BAD_DATA, "a row does not inflate");
    buf_commit(out, len);
    return true;
}
