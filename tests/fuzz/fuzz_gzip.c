/* fuzz_gzip.c: any bytes as a gzip body: never over the limit, and zlib agrees about what is in it. */
#include "loop/gzip.h"
#include <stdlib.h>
#include <zlib.h>

enum { LIMIT = 1 << 18 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* The content by zlib, members one after the other. false: broken or over the limit. */
static bool inflate_slowly(bytes in, buf *out)
{
    while (in.len) {
        z_stream z = { .next_in = (z_const Bytef *)in.p, .avail_in = (uInt)in.len };
        int rc = Z_OK;
        must(inflateInit2(&z, 31) == Z_OK);
        while (rc == Z_OK && out->len <= LIMIT) {
            z.next_out = (Bytef *)buf_reserve(out, 4096);
            z.avail_out = 4096;
            rc = inflate(&z, Z_NO_FLUSH);
            buf_commit(out, 4096 - z.avail_out);
        }
        in = bytes_sub(in, in.len - z.avail_in, in.len);
        inflateEnd(&z);
        if (rc != Z_STREAM_END || out->len > LIMIT)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes in = { (const char *)data, size };
    buf fast, slow;
    err e = { 0 };
    buf_init(&fast, 4 * LIMIT);
    buf_init(&slow, 4 * LIMIT);
    bool ok = size > 0 && gzip_inflate(in, LIMIT, &fast, &e), slow_ok = size > 0 && inflate_slowly(in, &slow);
    must(ok ? fast.len <= LIMIT : fast.len == 0);
    if (ok && slow_ok)
        must(bytes_eq(buf_bytes(&fast), buf_bytes(&slow)));
    must(ok || !slow_ok);   /* not the reverse: zlib checks the header's optional checksum, libdeflate does not */
    buf_release(&fast);
    buf_release(&slow);
    return 0;
}
