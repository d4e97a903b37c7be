/* re2_shim.h: the part of RE2 that base/regex.c uses, as C. Private to it.
 *
 * A program is immutable; matching is safe from any thread (RE2 builds its automaton lazily under its own lock). */
#ifndef BASE_RE2_SHIM_H
#define BASE_RE2_SHIM_H
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
typedef struct re2_program re2_program;

typedef struct re2_span {
    const char *p;   /* NULL: the group took no part */
    size_t len;
} re2_span;

/* What the engine refused: Go's name for it, and the part of the pattern. */
typedef struct re2_error {
    const char *what;
    char expr[256];
} re2_error;

/* Compiles pattern for whole-text matches, `.` matching newline. NULL: *e says why. */
re2_program *re2_program_new(const char *pattern, size_t len, size_t max_mem, re2_error *e);
void re2_program_free(re2_program *p);
bool re2_program_match(const re2_program *p, const char *text, size_t len);
/* As match; groups[0] is the whole text, groups[i] the i-th group, n of them. */
bool re2_program_groups(const re2_program *p, const char *text, size_t len, re2_span *groups, size_t n);
#ifdef __cplusplus
}
#endif
#endif
