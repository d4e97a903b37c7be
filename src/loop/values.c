/* values.c: see values.h. A plain array in the arena, searched from its beginning: the lists have some ten entries. */
#include "loop/values.h"

void values_add(http_values *vs, arena *a, bytes name, bytes value)
{
    if (vs->n == vs->cap) {
        size_t cap = vs->cap ? vs->cap * 2 : 8;
        http_value *v = ARENA_ARRAY(a, http_value, cap);
        if (vs->n)
            memcpy(v, vs->v, vs->n * sizeof *v);
        vs->v = v;
        vs->cap = cap;
    }
    vs->v[vs->n++] = (http_value){ name, value };
}

bool values_next(const http_values *vs, const char *name, size_t *i, bytes *out)
{
    bytes want = bytes_of(name);
    while (*i < vs->n) {
        const http_value *v = &vs->v[(*i)++];
        if (bytes_eq(v->name, want)) {
            *out = v->value;
            return true;
        }
    }
    return false;
}

bool values_get(const http_values *vs, const char *name, bytes *out)
{
    size_t i = 0;
    bytes v = { 0 };
    bool found = values_next(vs, name, &i, &v);
    if (out)
        *out = v;
    return found;
}

bool values_get_nocase(const http_values *vs, const char *name, bytes *out)
{
    bytes want = bytes_of(name), none = { 0 };
    for (size_t i = 0; i < vs->n; i++)
        if (vs->v[i].name.len == want.len && bytes_eq_nocase(vs->v[i].name, want)) {
            if (out)
                *out = vs->v[i].value;
            return true;
        }
    if (out)
        *out = none;
    return false;
}
