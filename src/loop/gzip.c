/* gzip.c: see gzip.h. Whole bodies by libdeflate, streams by zlib.
 *
 * libdeflate wants to know the room for its output. The last four bytes of a gzip file state the size of the last
 * member modulo 2^32, which is right for nearly all bodies; it is only a hint here: never more than the limit nor
 * than deflate can expand, and a member that needs more gets twice the room, from its beginning, until the limit is
 * reached. */
#include "loop/gzip.h"
#include "base/arena.h"
#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    GZIP_MIN = 18,              /* an empty member: header 10, empty block 2 (at least), trailer 8; less is cut */
    DEFLATE_MAX_RATIO = 1032,
    STREAM_STEP = 16 << 10,
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Room for the first try: the size the trailer states, within what is possible. */
static size_t size_hint(bytes in, size_t room)
{
    const uint8_t *t = (const uint8_t *)in.p + in.len - 4;
    size_t stated = (size_t)t[0] | (size_t)t[1] << 8 | (size_t)t[2] << 16 | (size_t)t[3] << 24;
    size_t possible = in.len > SIZE_MAX / DEFLATE_MAX_RATIO ? SIZE_MAX : in.len * DEFLATE_MAX_RATIO;
    if (stated > possible)
        stated = in.len * 4;   /* no trailer of ours: cut, or followed by something else */
    return least(stated, room);
}

/* libdeflate tells "bad" and "cut" not apart, so look at what there is. */
static bool broken(bytes in, err *e)
{
    const uint8_t *p = (const uint8_t *)in.p;
    bool is_header = (in.len < 1 || p[0] == 0x1f) && (in.len < 2 || p[1] == 0x8b) && (in.len < 3 || p[2] == 8);
    if (!is_header)
        return err_set(e, ERR_BAD_DATA, "gzip: invalid header");
    if (in.len < GZIP_MIN)
        return err_set(e, ERR_BAD_DATA, "unexpected EOF");
    z_stream z = { .next_in = (z_const Bytef *)in.p, .avail_in = (uInt)least(in.len, UINT32_MAX) };
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return err_set(e, ERR_BAD_DATA, "gzip: invalid header");
    uint8_t sink[8192];
    int rc = Z_OK;
    while (rc == Z_OK) {
        z.next_out = sink;
        z.avail_out = sizeof sink;
        rc = inflate(&z, Z_NO_FLUSH);
    }
    bool is_cut = rc == Z_BUF_ERROR;
    bool bad_sum = rc == Z_DATA_ERROR && z.msg && (strstr(z.msg, "data check") || strstr(z.msg, "length check"));
    inflateEnd(&z);
    return err_set(e, ERR_BAD_DATA, "%s", is_cut ? "unexpected EOF" : bad_sum ? "gzip: invalid checksum"
                                                                              : "flate: corrupt input");
}

/* One member at the beginning of in, appended to out; *used: its length. max: bytes it may grow to. */
static bool inflate_member(struct libdeflate_decompressor *d, bytes in, size_t max, buf *out, size_t *used, err *e)
{
    size_t room = size_hint(in, max), made = 0;
    for (;;) {
        char *at = buf_reserve(out, room + 1);   /* + 1: never an empty reserve */
        enum libdeflate_result rc = libdeflate_gzip_decompress_ex(d, in.p, in.len, at, room, used, &made);
        if (rc == LIBDEFLATE_SUCCESS) {
            buf_commit(out, made);
            return true;
        }
        if (rc != LIBDEFLATE_INSUFFICIENT_SPACE)
            return broken(in, e);
        if (room >= max)
            return err_set(e, ERR_TOO_LARGE, "body size limit exceeded");
        room = room > max / 2 ? max : least(room * 2 + 1024, max);
    }
}

bool gzip_inflate(bytes in, size_t max, buf *out, err *e)
{
    size_t start = out->len, used = 0;
    size_t left = out->max > start ? out->max - start - 1 : 0;
    max = least(max, left);
    if (in.len == 0)
        return err_set(e, ERR_BAD_DATA, "EOF");
    if (in.len < GZIP_MIN)
        return broken(in, e);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d)
        return err_set(e, ERR_INTERNAL, "gzip: no memory for the decompressor");
    bool ok = true;
    while (ok && in.len) {
        ok = in.len < GZIP_MIN ? broken(in, e) : inflate_member(d, in, max - (out->len - start), out, &used, e);
        in = bytes_sub(in, used, in.len);
    }
    libdeflate_free_decompressor(d);
    if (!ok)
        out->len = start;
    return ok;
}

bool gzip_deflate(bytes in, int level, buf *out)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    if (!c)
        return false;
    size_t bound = libdeflate_gzip_compress_bound(c, in.len);
    char *at = buf_reserve(out, bound);
    size_t n = at ? libdeflate_gzip_compress(c, in.len ? in.p : "", in.len, at, bound) : 0;
    buf_commit(out, n);
    libdeflate_free_compressor(c);
    return n > 0;
}

struct gzip_stream {
    z_stream z;
};

gzip_stream *gzip_stream_new(int level)
{
    gzip_stream *s = xcalloc(1, sizeof *s);
    if (deflateInit2(&s->z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(s);
        return NULL;
    }
    return s;
}

void gzip_stream_free(gzip_stream *s)
{
    if (s)
        deflateEnd(&s->z);
    free(s);
}

static bool pump(gzip_stream *s, int flush, buf *out)
{
    int rc;
    do {
        char *at = buf_reserve(out, STREAM_STEP);
        if (!at)
            return false;
        s->z.next_out = (Bytef *)at;
        s->z.avail_out = STREAM_STEP;
        rc = deflate(&s->z, flush);
        buf_commit(out, STREAM_STEP - s->z.avail_out);
    } while (s->z.avail_out == 0 || (flush == Z_FINISH && rc == Z_OK));
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;   /* the last: nothing was left to do */
}

bool gzip_stream_write(gzip_stream *s, bytes in, bool flush, buf *out)
{
    while (in.len) {
        size_t n = least(in.len, (size_t)1 << 30);   /* zlib counts in 32 bits */
        s->z.next_in = (z_const Bytef *)in.p;
        s->z.avail_in = (uInt)n;
        if (!pump(s, Z_NO_FLUSH, out))
            return false;
        in = bytes_sub(in, n, in.len);
    }
    return !flush || pump(s, Z_SYNC_FLUSH, out);
}

bool gzip_stream_end(gzip_stream *s, buf *out)
{
    return pump(s, Z_FINISH, out);
}
