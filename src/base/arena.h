/* arena.h: memory that dies whole.
 *
 * One arena per query, scrape, request, loaded configuration. Allocation moves a pointer in a block; nothing is freed
 * one by one. arena_alloc() never returns NULL (out of memory ends the process, see xmalloc); what a user's input can
 * make large asks arena_fits() first, or uses arena_try(), against the budget given to arena_init().
 * An arena belongs to one thread at a time.                                                                   */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "base/bytes.h"

typedef struct arena_block arena_block;
typedef struct arena {
    arena_block *head;    /* newest block, the one being filled */
    char *at, *end;       /* free part of it */
    size_t used_bytes;    /* handed out plus block overhead, all blocks */
    size_t peak_bytes;    /* high-water mark of used_bytes over all resets */
    size_t limit_bytes;   /* 0: none */
    size_t next_block;    /* size of the next block */
} arena;

/* Caller's storage; limit_bytes 0 means no budget. No memory is taken before the first allocation. */
void arena_init(arena *a, size_t limit_bytes);
/* Frees all; the arena may be used again as after arena_init. */
void arena_release(arena *a);
/* Forgets all but keeps the largest block, for reuse in a loop. */
void arena_reset(arena *a);

/* 16-byte aligned, uninitialised / zeroed. Size 0 gives a valid pointer. May exceed the budget (see arena_over). */
void *arena_alloc(arena *a, size_t len);
void *arena_zalloc(arena *a, size_t len);
/* As arena_alloc, but NULL where the budget would be exceeded. */
void *arena_try(arena *a, size_t len);
/* n * size with overflow check: over SIZE_MAX ends the process as out of memory does. */
void *arena_array(arena *a, size_t n, size_t size);
/* Byte-aligned memory for text. */
char *arena_text(arena *a, size_t len);
/* Grows the last allocation p (old_len) to new_len, in place where possible; contents kept. */
void *arena_grow(arena *a, void *p, size_t old_len, size_t new_len);

bool arena_fits(const arena *a, size_t len);   /* would len more stay within the budget? */
bool arena_over(const arena *a);               /* is the budget exceeded? */

bytes arena_dup(arena *a, bytes b);            /* a copy, not terminated */
char *arena_cstr(arena *a, bytes b);           /* a copy with a NUL behind it */
char *arena_printf(arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As arena_printf, as bytes. */
bytes arena_bytesf(arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_array((a), (n), sizeof(type)))

/* Heap with one policy: out of memory (or an overflowing n * size) prints one line and ends the process. */
void *xmalloc(size_t len);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t len);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
#endif
