/* paths.c: see paths.h. Follows Go's path/filepath on Unix. */
#include "config/paths.h"
#include "base/limits.h"
#include "base/vec.h"
#include <dirent.h>
#include <sys/stat.h>

bytes path_clean(arena *a, bytes path)
{
    char *out = arena_text(a, path.len + 2);
    bool is_rooted = path.len && path.p[0] == '/';
    size_t n = 0, keep = is_rooted; /* keep: what ".." may not take away */
    if (is_rooted)
        out[n++] = '/';
    bytes rest = path, part;
    while (rest.len) {
        bytes tail = { 0 };
        bytes_cut(rest, '/', &part, &tail);
        rest = tail;
        if (part.len == 0 || bytes_eq(part, BYTES(".")))
            continue;
        bool is_up = bytes_eq(part, BYTES(".."));
        if (is_up && n > keep) {
            while (n > keep && out[n - 1] != '/')
                n--;
            if (n > keep)
                n--;
            continue;
        }
        if (is_up && is_rooted)
            continue;
        if (n > is_rooted)
            out[n++] = '/';
        memcpy(out + n, part.p, part.len);
        n += part.len;
        if (is_up)
            keep = n;
    }
    if (n == 0)
        out[n++] = '.';
    out[n] = '\0';
    return (bytes){ out, n };
}

static size_t dir_len(bytes path)
{
    size_t n = path.len;
    while (n && path.p[n - 1] != '/')
        n--;
    return n;
}

bytes path_dir(arena *a, bytes path)
{
    return path_clean(a, bytes_sub(path, 0, dir_len(path)));
}

bytes path_base(bytes path)
{
    return bytes_sub(path, dir_len(path), path.len);
}

bytes path_ext(bytes path)
{
    for (size_t i = path.len; i-- && path.p[i] != '/';) {
        if (path.p[i] == '.')
            return bytes_sub(path, i, path.len);
    }
    return BYTES("");
}

bytes path_join_dir(arena *a, bytes dir, bytes path)
{
    if (path.len == 0 || path.p[0] == '/')
        return path;
    return path_clean(a, arena_bytesf(a, "%.*s/%.*s", BYTES_ARG(dir), BYTES_ARG(path)));
}

/* ---- matching ---- */

/* One character of a [class]; \x is x. */
static bool class_char(cursor *p, unsigned char *out)
{
    bool is_escaped = cursor_take(p, '\\');
    if (cursor_done(p) || (!is_escaped && (*p->at == ']' || *p->at == '-')))
        return false;
    *out = (unsigned char)*p->at++;
    return !cursor_done(p);
}

/* The class behind '[' against ch; bytes, not runes: beyond ASCII only negated classes and ranges could tell. */
static bool match_class(cursor *p, unsigned char ch, bool *bad)
{
    bool negated = cursor_take(p, '^'), found = false;
    for (int n = 0;; n++) {
        unsigned char lo, hi;
        if (n && cursor_take(p, ']'))
            break;
        if (cursor_done(p) || !class_char(p, &lo)) {
            *bad = true;
            return false;
        }
        hi = lo;
        if (cursor_take(p, '-') && !class_char(p, &hi)) {
            *bad = true;
            return false;
        }
        found |= lo <= ch && ch <= hi;
    }
    return found != negated;
}

/* One element of the pattern (no star) against the next byte of the name, which may be at its end. */
static bool match_one(cursor *p, cursor *s, bool *bad)
{
    char want = *p->at++;
    bool have = !cursor_done(s) && *s->at != '/';
    if (want == '[')
        return match_class(p, have ? (unsigned char)*s->at : 0, bad) && have && (s->at++, true);
    if (want == '?')
        return have && (s->at++, true);
    if (want == '\\') {
        if (cursor_done(p)) {
            *bad = true;
            return false;
        }
        want = *p->at++;
    }
    return !cursor_done(s) && *s->at == want && (s->at++, true);
}

bool path_match(bytes pattern, bytes name, bool *bad)
{
    cursor p = cursor_of(pattern), s = cursor_of(name);
    cursor star = { 0 }, retry = s; /* behind the last star; where the name went on there */
    *bad = false;
    for (;;) {
        while (cursor_take(&p, '*')) {
            star = p;
            retry = s;
        }
        if (cursor_done(&p) && cursor_done(&s))
            return true;
        if (!cursor_done(&p) && match_one(&p, &s, bad))
            continue;
        if (*bad || !star.end || cursor_done(&retry) || *retry.at == '/')
            return false;
        retry.at++;
        p = star;
        s = retry;
    }
}

/* Go refuses a malformed pattern even where matching would stop before its fault. */
static bool is_well_formed(bytes pattern)
{
    cursor p = cursor_of(pattern);
    bool bad = false;
    while (!cursor_done(&p) && !bad) {
        cursor s = cursor_of(BYTES("x"));
        if (!cursor_take(&p, '*'))
            match_one(&p, &s, &bad);
    }
    return !bad;
}

/* ---- globbing ---- */

typedef VEC(bytes) bytes_vec;

static bool has_magic(bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (strchr("*?[\\", s.p[i]) && s.p[i])
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

static void glob_dir(arena *a, bytes dir, bytes pattern, bytes_vec *out)
{
    size_t first = out->len;
    DIR *d = opendir(arena_cstr(a, dir));
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d)) && out->len < LIMIT_GLOB_FILES;) {
        bytes name = bytes_of(entry->d_name);
        bool bad;
        if (bytes_eq(name, BYTES(".")) || bytes_eq(name, BYTES("..")) || !path_match(pattern, name, &bad))
            continue;
        vec_push(out, path_join_dir(a, dir, arena_dup(a, name)));
    }
    closedir(d);
    if (out->len > first)
        qsort(out->p + first, out->len - first, sizeof *out->p, by_name);
}

static void glob_into(arena *a, bytes pattern, int depth, bytes_vec *out)
{
    struct stat st;
    if (!has_magic(pattern)) {
        char *name = arena_cstr(a, pattern);
        if (lstat(name, &st) == 0)
            vec_push(out, (bytes){ name, pattern.len });
        return;
    }
    size_t cut = dir_len(pattern);
    bytes dir = bytes_sub(pattern, 0, cut > 1 ? cut - 1 : cut), file = bytes_sub(pattern, cut, pattern.len);
    if (dir.len == 0)
        dir = BYTES(".");
    if (!has_magic(dir)) {
        glob_dir(a, dir, file, out);
        return;
    }
    bytes_vec dirs = { 0 };
    if (depth < LIMIT_GLOB_DEPTH)
        glob_into(a, dir, depth + 1, &dirs);
    for (size_t i = 0; i < dirs.len; i++)
        glob_dir(a, dirs.p[i], file, out);
    vec_free(&dirs);
}

bool path_glob(arena *a, bytes pattern, bytes **out, size_t *n, err *e)
{
    bytes_vec found = { 0 };
    *out = NULL;
    *n = 0;
    if (!is_well_formed(pattern))
        return err_set(e, ERR_BAD_DATA, "syntax error in pattern");
    glob_into(a, pattern, 0, &found);
    *n = found.len;
    *out = ARENA_ARRAY(a, bytes, found.len);
    if (found.len)
        memcpy(*out, found.p, found.len * sizeof **out);
    vec_free(&found);
    return true;
}
