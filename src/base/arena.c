/* arena.c: see arena.h. Blocks are a singly linked list, newest first; sizes double from 1 KiB to 1 MiB, larger requests get
 * a block of their own. Small first blocks matter: an idle connection or a scrape holds an arena too.              */
#include "base/arena.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK = 1 << 10, LARGEST_BLOCK = 1 << 20, ALIGN = 16 };

struct arena_block {
    arena_block *older;
    size_t len;   /* of data */
    _Alignas(ALIGN) char data[];
};

static _Noreturn void out_of_memory(size_t len)
{
    fprintf(stderr, "out of memory: cannot allocate %zu bytes\n", len);
    abort();
}

void *xmalloc(size_t len)
{
    void *p = malloc(len ? len : 1);
    if (!p)
        out_of_memory(len);
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        out_of_memory(n * size);
    return p;
}

void *xrealloc(void *p, size_t len)
{
    void *q = realloc(p, len ? len : 1);
    if (!q)
        out_of_memory(len);
    return q;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
    size_t len;
    if (__builtin_mul_overflow(n, size, &len))
        out_of_memory(SIZE_MAX);
    return xrealloc(p, len);
}

char *xstrdup(const char *s)
{
    size_t len = strlen(s) + 1;
    return memcpy(xmalloc(len), s, len);
}

void arena_init(arena *a, size_t limit_bytes)
{
    *a = (arena){ .limit_bytes = limit_bytes, .next_block = FIRST_BLOCK };
}

static void free_blocks(arena_block *b)
{
    while (b) {
        arena_block *older = b->older;
        free(b);
        b = older;
    }
}

void arena_release(arena *a)
{
    free_blocks(a->head);
    size_t peak = a->peak_bytes, limit = a->limit_bytes;
    arena_init(a, limit);
    a->peak_bytes = peak;
}

void arena_reset(arena *a)
{
    arena_block *keep = a->head;
    for (arena_block *b = a->head; b; b = b->older)
        if (b->len > keep->len)
            keep = b;
    if (!keep)
        return;
    for (arena_block *b = a->head; b;) {
        arena_block *older = b->older;
        if (b != keep)
            free(b);
        b = older;
    }
    keep->older = NULL;
    a->head = keep;
    a->at = keep->data;
    a->end = keep->data + keep->len;
    a->used_bytes = sizeof *keep + keep->len;
}

/* A new block with room for len bytes becomes the one being filled, unless it is a large one made for this request only:
 * then the current block keeps being filled and the large one stands behind it.                                  */
static char *new_block(arena *a, size_t len)
{
    bool own = len > a->next_block / 4 && a->head && (size_t)(a->end - a->at) > len / 8;
    size_t size = len > a->next_block ? len : own ? len : a->next_block;
    if (size > SIZE_MAX - sizeof(arena_block) - ALIGN)
        out_of_memory(len);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    arena_block *b = xmalloc(sizeof *b + size);
    b->len = size;
    a->used_bytes += sizeof *b + size;
    if (a->used_bytes > a->peak_bytes)
        a->peak_bytes = a->used_bytes;
    if (own) {
        b->older = a->head->older;
        a->head->older = b;
        return b->data;
    }
    b->older = a->head;
    a->head = b;
    a->end = b->data + size;
    a->at = b->data + len;
    if (a->next_block < LARGEST_BLOCK)
        a->next_block *= 2;
    return b->data;
}

static char *take(arena *a, size_t len, size_t align)
{
    uintptr_t at = ((uintptr_t)a->at + align - 1) & ~(uintptr_t)(align - 1);
    if (a->at && at <= (uintptr_t)a->end && (uintptr_t)a->end - at >= len) {
        a->at = (char *)at + len;
        return (char *)at;
    }
    return new_block(a, len);
}

void *arena_alloc(arena *a, size_t len)
{
    return take(a, len, ALIGN);
}

void *arena_zalloc(arena *a, size_t len)
{
    void *p = arena_alloc(a, len);
    return len ? memset(p, 0, len) : p;
}

void *arena_try(arena *a, size_t len)
{
    return arena_fits(a, len) ? arena_alloc(a, len) : NULL;
}

void *arena_array(arena *a, size_t n, size_t size)
{
    size_t len;
    if (__builtin_mul_overflow(n, size, &len))
        out_of_memory(SIZE_MAX);
    return arena_alloc(a, len);
}

char *arena_text(arena *a, size_t len)
{
    return take(a, len, 1);
}

void *arena_grow(arena *a, void *p, size_t old_len, size_t new_len)
{
    if (new_len <= old_len)
        return p;
    if (p && (char *)p + old_len == a->at && (size_t)(a->end - (char *)p) >= new_len) {
        a->at = (char *)p + new_len;
        return p;
    }
    void *q = arena_alloc(a, new_len);
    if (old_len)
        memcpy(q, p, old_len);
    return q;
}

bool arena_fits(const arena *a, size_t len)
{
    size_t left = (size_t)(a->end - a->at);
    if (a->limit_bytes == 0 || (a->at && len + ALIGN <= left))
        return true;
    return a->used_bytes <= a->limit_bytes && len <= a->limit_bytes - a->used_bytes;
}

bool arena_over(const arena *a)
{
    return a->limit_bytes != 0 && a->used_bytes > a->limit_bytes;
}

bytes arena_dup(arena *a, bytes b)
{
    char *p = arena_text(a, b.len);
    if (b.len)
        memcpy(p, b.p, b.len);
    return (bytes){ p, b.len };
}

char *arena_cstr(arena *a, bytes b)
{
    char *p = arena_text(a, b.len + 1);
    if (b.len)
        memcpy(p, b.p, b.len);
    p[b.len] = '\0';
    return p;
}

static __attribute__((format(printf, 2, 0), noinline)) bytes format_into(arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    size_t len = n > 0 ? (size_t)n : 0;
    char *p = arena_text(a, len + 1);
    vsnprintf(p, len + 1, fmt, again);
    va_end(again);
    return (bytes){ p, len };
}

char *arena_printf(arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bytes b = format_into(a, fmt, ap);
    va_end(ap);
    return (char *)b.p;
}

bytes arena_bytesf(arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bytes b = format_into(a, fmt, ap);
    va_end(ap);
    return b;
}
