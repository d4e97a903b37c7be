/* gzip.h: gzip (RFC 1952) in and out. No uv, any thread.
 *
 * Whole bodies go through libdeflate, two to three times as fast as zlib; output that is made piece by piece goes
 * through zlib's stream.                                                                                       */
#ifndef LOOP_GZIP_H
#define LOOP_GZIP_H
#include "base/buf.h"
#include "base/err.h"

/* Appends the content of all gzip members of `in` to out. At most max bytes in all and never past out->max: more is
 * ERR_TOO_LARGE ("body size limit exceeded"), so a bomb costs no more memory than the limit; broken input is
 * ERR_BAD_DATA with Go's words ("gzip: invalid header", "gzip: invalid checksum", "unexpected EOF"). out is unchanged
 * on failure but for its capacity. */
bool gzip_inflate(bytes in, size_t max, buf *out, err *e);

/* Appends one gzip member. level 1..9. false: over out->max. */
bool gzip_deflate(bytes in, int level, buf *out);

/* A stream that is written piece by piece: what is ready is appended to out. */
typedef struct gzip_stream gzip_stream;
gzip_stream *gzip_stream_new(int level);
void gzip_stream_free(gzip_stream *z);   /* NULL is fine */
/* flush: all that was given so far can be decoded from what has been put out. */
bool gzip_stream_write(gzip_stream *z, bytes in, bool flush, buf *out);
/* Trailer; nothing may be written after it. */
bool gzip_stream_end(gzip_stream *z, buf *out);
#endif
