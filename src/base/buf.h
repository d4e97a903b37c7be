/* buf.h: a growing run of bytes with a maximum.
 *
 * Every buffer is born with its maximum (limits.h). Writing past it sets `overflow` and drops the rest: the writer
 * checks once at the end instead of at each put.                                                             */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include "base/bytes.h"
#include <stdarg.h>

typedef struct buf {
    char *p;
    size_t len, cap;
    size_t max;      /* largest len allowed */
    bool overflow;   /* something was dropped */
} buf;

void buf_init(buf *b, size_t max);
void buf_release(buf *b);          /* frees; usable again with the same max */
/* len = 0, overflow = false; memory is kept. */
void buf_clear(buf *b);
/* Room for n more bytes: pointer to it, or NULL (and overflow) over the maximum. Follow with buf_commit(). */
char *buf_reserve(buf *b, size_t n);
static inline void buf_commit(buf *b, size_t n) { b->len += n; }
void buf_put(buf *b, const void *p, size_t n);
void buf_putc(buf *b, char c);
static inline void buf_puts(buf *b, bytes s) { buf_put(b, s.p, s.len); }
static inline void buf_putz(buf *b, const char *s) { buf_put(b, s, strlen(s)); }
void buf_printf(buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Little-endian fixed width and LEB128 varint / zigzag. */
void buf_put_u32(buf *b, uint32_t v);
void buf_put_u64(buf *b, uint64_t v);
void buf_put_varint(buf *b, uint64_t v);
void buf_put_zigzag(buf *b, int64_t v);
/* The contents, borrowed until the next write. */
static inline bytes buf_bytes(const buf *b) { return (bytes){ b->p, b->len }; }
/* Hands the memory to the caller (free() it); b is empty again. The result is NUL-terminated. */
char *buf_take(buf *b, size_t *len);
/* Drops the first n bytes (n <= len). */
void buf_consume(buf *b, size_t n);

/* Readers for the same encodings; false at the end of the input or on an over-long varint. */
bool cursor_u32(cursor *c, uint32_t *v);
bool cursor_u64(cursor *c, uint64_t *v);
bool cursor_varint(cursor *c, uint64_t *v);
bool cursor_zigzag(cursor *c, int64_t *v);
bool cursor_bytes(cursor *c, size_t n, bytes *out);
#endif
