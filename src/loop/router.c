/* router.c: see router.h. A walk over some sixty rows; the first bytes of a literal pattern decide most of them. */
#include "loop/router.h"
#include "base/vec.h"
#include <assert.h>

struct router {
    VEC(const http_route *) rows;
};

router *router_new(void)
{
    return xcalloc(1, sizeof(router));
}

void router_free(router *r)
{
    if (r)
        vec_free(&r->rows);
    free(r);
}

void router_add(router *r, const http_route *routes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert(routes[i].pattern[0] == '/');
        vec_push(&r->rows, &routes[i]);
    }
}

size_t router_len(const router *r)
{
    return r->rows.len;
}

const http_route *router_row(const router *r, size_t index)
{
    return r->rows.p[index];
}

static size_t segment_len(const char *p, size_t max)
{
    const char *slash = memchr(p, '/', max);
    return slash ? (size_t)(slash - p) : max;
}

bool router_fits(const char *pattern, bytes path, arena *a, http_values *params)
{
    const char *p = pattern;
    size_t at = 0;
    while (*p) {
        if (*p == '*') {   /* always the last; takes the slash before it too */
            bytes rest = bytes_sub(path, at - 1, path.len);
            if (params)
                values_add(params, a, bytes_of(p + 1), rest);
            return true;
        }
        if (*p == ':') {
            size_t name = segment_len(p + 1, strlen(p + 1)), len = segment_len(path.p + at, path.len - at);
            if (len == 0)
                return false;
            if (params)
                values_add(params, a, bytes_n(p + 1, name), bytes_sub(path, at, len));
            p += 1 + name;
            at += len;
            continue;
        }
        if (at >= path.len || path.p[at] != *p)
            return false;
        p++;
        at++;
    }
    return at == path.len;
}

static bool has_row(const router *r, unsigned method, bytes path)
{
    for (size_t i = 0; i < r->rows.len; i++)
        if ((r->rows.p[i]->methods & method) && router_fits(r->rows.p[i]->pattern, path, NULL, NULL))
            return true;
    return false;
}

/* Is there a row for the path with one slash more or less at its end? */
static bool has_row_by_slash(const router *r, unsigned method, bytes path, arena *a)
{
    if (!path.len || path.p[0] != '/')
        return false;
    if (path.len > 1 && path.p[path.len - 1] == '/')
        return has_row(r, method, bytes_sub(path, 0, path.len - 1));
    return has_row(r, method, arena_bytesf(a, "%.*s/", BYTES_ARG(path)));
}

router_match router_find(const router *r, unsigned method, bytes path, arena *a)
{
    router_match m = { .outcome = ROUTER_NOT_FOUND };
    for (size_t i = 0; i < r->rows.len; i++) {
        const http_route *row = r->rows.p[i];
        if (!router_fits(row->pattern, path, NULL, NULL))
            continue;
        if (row->methods & method) {
            m.outcome = ROUTER_FOUND;
            m.route = row;
            m.index = i;
            router_fits(row->pattern, path, a, &m.params);
            return m;
        }
        m.allowed |= row->methods | METHOD_OPTIONS;
    }
    if (has_row_by_slash(r, method, path, a))
        m.outcome = ROUTER_REDIRECT;
    else if (m.allowed)
        m.outcome = ROUTER_METHOD;
    return m;
}

void router_put_methods(unsigned methods, buf *out)
{
    static const struct {
        unsigned bit;
        const char *name;
    } rows[] = {
        { METHOD_DELETE, "DELETE" }, { METHOD_GET, "GET" }, { METHOD_HEAD, "HEAD" }, { METHOD_OPTIONS, "OPTIONS" },
        { METHOD_PATCH, "PATCH" }, { METHOD_POST, "POST" }, { METHOD_PUT, "PUT" },
    };
    size_t start = out->len;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (methods & rows[i].bit)
            buf_printf(out, "%s%s", out->len > start ? ", " : "", rows[i].name);
}
