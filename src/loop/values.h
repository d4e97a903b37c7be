/* values.h: an ordered list of name/value pairs: headers, query and form values, path parameters.
 *
 * A name may stand there several times; order is kept. Names and bytes belong to the arena (or message) the list was
 * made from. Header names compare without case, all others exactly. */
#ifndef LOOP_VALUES_H
#define LOOP_VALUES_H
#include "base/arena.h"
#include "base/bytes.h"

typedef struct http_value {
    bytes name, value;
} http_value;

typedef struct http_values {
    http_value *v;
    size_t n, cap;
} http_values;

void values_add(http_values *vs, arena *a, bytes name, bytes value);
/* First value of the name. false: there is none; *out (may be NULL) is then empty. */
bool values_get(const http_values *vs, const char *name, bytes *out);
bool values_get_nocase(const http_values *vs, const char *name, bytes *out);
/* Walks all values of one name: size_t i = 0; while (values_next(vs, "match[]", &i, &v)) ... */
bool values_next(const http_values *vs, const char *name, size_t *i, bytes *out);
#endif
