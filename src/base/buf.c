/* buf.c: see buf.h. Growth doubles; overflow is sticky until buf_clear(). */
#include "base/buf.h"
#include "base/arena.h"
#include <stdio.h>
#include <stdlib.h>

void buf_init(buf *b, size_t max)
{
    *b = (buf){ .max = max };
}

void buf_release(buf *b)
{
    free(b->p);
    buf_init(b, b->max);
}

void buf_clear(buf *b)
{
    b->len = 0;
    b->overflow = false;
}

char *buf_reserve(buf *b, size_t n)
{
    if (b->overflow || n > b->max - b->len || b->len > b->max) {
        b->overflow = true;
        return NULL;
    }
    if (b->cap - b->len < n) {
        size_t cap = b->cap ? b->cap * 2 : 64;
        if (cap < b->len + n)
            cap = b->len + n;
        if (cap > b->max)
            cap = b->max;
        b->p = xrealloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->len;
}

void buf_put(buf *b, const void *p, size_t n)
{
    char *at = n ? buf_reserve(b, n) : NULL;
    if (at) {
        memcpy(at, p, n);
        b->len += n;
    }
}

void buf_putc(buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_vprintf(buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *at = n > 0 ? buf_reserve(b, (size_t)n + 1) : NULL;   /* + 1 for vsnprintf's own terminator */
    if (at) {
        vsnprintf(at, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_printf(buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_put_u32(buf *b, uint32_t v)
{
    uint8_t le[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };
    buf_put(b, le, sizeof le);
}

void buf_put_u64(buf *b, uint64_t v)
{
    buf_put_u32(b, (uint32_t)v);
    buf_put_u32(b, (uint32_t)(v >> 32));
}

void buf_put_varint(buf *b, uint64_t v)
{
    uint8_t out[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    buf_put(b, out, n);
}

void buf_put_zigzag(buf *b, int64_t v)
{
    buf_put_varint(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

char *buf_take(buf *b, size_t *len)
{
    char *p = xrealloc(b->p, b->len + 1);
    p[b->len] = '\0';
    if (len)
        *len = b->len;
    buf_init(b, b->max);
    return p;
}

void buf_consume(buf *b, size_t n)
{
    if (n < b->len)
        memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
}

bool cursor_u32(cursor *c, uint32_t *v)
{
    if (cursor_left(c) < 4)
        return false;
    const uint8_t *p = (const uint8_t *)c->at;
    *v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    c->at += 4;
    return true;
}

bool cursor_u64(cursor *c, uint64_t *v)
{
    uint32_t lo, hi;
    if (cursor_left(c) < 8 || !cursor_u32(c, &lo) || !cursor_u32(c, &hi))
        return false;
    *v = lo | (uint64_t)hi << 32;
    return true;
}

bool cursor_varint(cursor *c, uint64_t *v)
{
    uint64_t u = 0;
    for (int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = (uint8_t)*c->at++;
        if (shift == 63 && byte > 1)
            return false;
        u |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *v = u;
            return true;
        }
    }
    return false;
}

bool cursor_zigzag(cursor *c, int64_t *v)
{
    uint64_t u;
    if (!cursor_varint(c, &u))
        return false;
    *v = (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
    return true;
}

bool cursor_bytes(cursor *c, size_t n, bytes *out)
{
    if (cursor_left(c) < n)
        return false;
    *out = (bytes){ c->at, n };
    c->at += n;
    return true;
}
