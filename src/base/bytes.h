/* bytes.h: a borrowed run of bytes, and a cursor that reads one from left to right.
 *
 * `bytes` is a value: a pointer and a length, no terminator, no ownership. It may hold any byte, NUL included.
 * An empty run may have p == NULL. Functions that return `bytes` say whose memory it is.                    */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bytes {
    const char *p;
    size_t len;
} bytes;

/* BYTES("literal"): a constant run; bytes_of(s): a C string, NULL gives the empty run. */
#define BYTES(lit) ((bytes){ "" lit, sizeof(lit) - 1 })
#define BYTES_INIT(lit) { "" lit, sizeof(lit) - 1 }
/* For printf("%.*s", BYTES_ARG(b)). */
#define BYTES_ARG(b) (int)(b).len, (b).p ? (b).p : ""

static inline bytes bytes_of(const char *s)
{
    return (bytes){ s, s ? strlen(s) : 0 };
}

static inline bytes bytes_n(const void *p, size_t len)
{
    return (bytes){ p, len };
}

static inline bool bytes_eq(bytes a, bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Byte order, a shorter run before its extensions: <0, 0, >0. */
static inline int bytes_cmp(bytes a, bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline bool bytes_has_prefix(bytes b, bytes prefix)
{
    return b.len >= prefix.len && (prefix.len == 0 || memcmp(b.p, prefix.p, prefix.len) == 0);
}

static inline bool bytes_has_suffix(bytes b, bytes suffix)
{
    return b.len >= suffix.len
        && (suffix.len == 0 || memcmp(b.p + b.len - suffix.len, suffix.p, suffix.len) == 0);
}

/* The part from `from` on, and of at most `len` bytes; positions past the end give what is there. */
static inline bytes bytes_sub(bytes b, size_t from, size_t len)
{
    if (from > b.len)
        from = b.len;
    if (len > b.len - from)
        len = b.len - from;
    return (bytes){ b.p ? b.p + from : NULL, len };
}

/* Position of the first c, or -1. */
static inline ptrdiff_t bytes_find(bytes b, char c)
{
    const char *q = b.len ? memchr(b.p, c, b.len) : NULL;
    return q ? q - b.p : -1;
}

/* Position of the first occurrence of needle (an empty one is at 0), or -1. */
ptrdiff_t bytes_find_bytes(bytes b, bytes needle);
/* Without ASCII white space at both ends. */
bytes bytes_trim(bytes b);
/* ASCII letters compared without case. */
bool bytes_eq_nocase(bytes a, bytes b);
/* XXH3-64 of the run. */
uint64_t bytes_hash(bytes b);
/* Cuts b at the first sep: *head is what stands before it, *tail what stands behind. false: no sep, *head = b. */
bool bytes_cut(bytes b, char sep, bytes *head, bytes *tail);

/* A reading position in a run. Invariant: at <= end. */
typedef struct cursor {
    const char *at;
    const char *end;
    const char *start;
} cursor;

static inline cursor cursor_of(bytes b)
{
    return (cursor){ b.p, b.p + b.len, b.p };
}

static inline bool cursor_done(const cursor *c)
{
    return c->at >= c->end;
}

static inline size_t cursor_left(const cursor *c)
{
    return (size_t)(c->end - c->at);
}

/* The next byte without moving, or -1 at the end. */
static inline int cursor_peek(const cursor *c)
{
    return c->at < c->end ? (unsigned char)*c->at : -1;
}

/* True, and past it, if the next byte is ch. */
static inline bool cursor_take(cursor *c, char ch)
{
    if (c->at < c->end && *c->at == ch) {
        c->at++;
        return true;
    }
    return false;
}
#endif
