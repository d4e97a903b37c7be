/* bytes.c: the longer functions of bytes.h. */
#include "base/bytes.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

ptrdiff_t bytes_find_bytes(bytes b, bytes needle)
{
    if (needle.len == 0)
        return 0;
    const char *q = b.len >= needle.len ? memmem(b.p, b.len, needle.p, needle.len) : NULL;
    return q ? q - b.p : -1;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bytes bytes_trim(bytes b)
{
    while (b.len && is_space(b.p[0])) {
        b.p++;
        b.len--;
    }
    while (b.len && is_space(b.p[b.len - 1]))
        b.len--;
    return b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool bytes_eq_nocase(bytes a, bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

uint64_t bytes_hash(bytes b)
{
    return XXH3_64bits(b.len ? b.p : "", b.len);
}

bool bytes_cut(bytes b, char sep, bytes *head, bytes *tail)
{
    ptrdiff_t at = bytes_find(b, sep);
    if (at < 0) {
        *head = b;
        *tail = (bytes){ 0 };
        return false;
    }
    *head = bytes_sub(b, 0, (size_t)at);
    *tail = bytes_sub(b, (size_t)at + 1, b.len);
    return true;
}
