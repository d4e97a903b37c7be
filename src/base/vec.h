/* vec.h: a growing typed array on the heap.
 *
 *     VEC(sample) v = {0};
 *     vec_push(&v, s);             v.p[i], v.len
 *     vec_free(&v);
 * Elements move when it grows, so keep indexes rather than pointers. Out of memory ends the process.        */
#ifndef BASE_VEC_H
#define BASE_VEC_H
#include "base/arena.h"

#define VEC(type)                                                                                    \
    struct {                                                                                         \
        type *p;                                                                                     \
        size_t len, cap;                                                                             \
    }

#define vec_reserve(v, n)                                                                            \
    do {                                                                                             \
        if ((v)->cap < (size_t)(n)) {                                                                \
            size_t vec_cap_ = (v)->cap ? (v)->cap * 2 : 8;                                           \
            (v)->cap = vec_cap_ < (size_t)(n) ? (size_t)(n) : vec_cap_;                              \
            (v)->p = xreallocarray((v)->p, (v)->cap, sizeof *(v)->p);                                \
        }                                                                                            \
    } while (0)

#define vec_push(v, ...)                                                                             \
    do {                                                                                             \
        vec_reserve((v), (v)->len + 1);                                                              \
        (v)->p[(v)->len++] = (__VA_ARGS__);                                                          \
    } while (0)

#define vec_free(v)                                                                                  \
    do {                                                                                             \
        free((v)->p);                                                                                \
        (v)->p = NULL;                                                                               \
        (v)->len = (v)->cap = 0;                                                                     \
    } while (0)
#include <stdlib.h>
#endif
