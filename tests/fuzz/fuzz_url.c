/* fuzz_url.c: any bytes as a URL, a reference, a query string, a path, an address: what parses prints and parses
 * again. */
#include "loop/url.h"
#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void round_trip(bytes text, arena *a)
{
    url u, again;
    err e = { 0 };
    if (!url_parse(text, a, &u, &e)) {
        must(e.kind == ERR_BAD_DATA && e.msg[0]);
        return;
    }
    bytes printed = url_format(&u, false, a);
    if (!u.has_user)   /* a user name may need escapes that Go's rules for user names refuse */
        must(url_parse(printed, a, &again, &e) && bytes_eq(url_format(&again, false, a), printed));
    for (size_t i = 0; i < printed.len; i++)
        must((unsigned char)printed.p[i] >= ' ');
    url_redact(text, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena a;
    bytes in = { (const char *)data, size }, host, out;
    url base, u;
    err e = { 0 };
    uint16_t port;
    http_values vs = { 0 };
    buf text;
    arena_init(&a, 0);
    buf_init(&text, 1 << 20);
    round_trip(in, &a);
    must(url_parse(BYTES("http://h:1/a/b?c"), &a, &base, &e));
    if (url_resolve(&base, in, &a, &u, &e))
        url_format(&u, true, &a);
    url_parse_query(in, &a, &vs, &e);
    out = url_clean_path(in, &a);
    must(out.len > 0 && out.p[0] == '/');
    must(bytes_find_bytes(out, BYTES("//")) < 0 && bytes_find_bytes(out, BYTES("/../")) < 0);
    must(bytes_eq(url_clean_path(out, &a), out));
    url_split_host_port(in, &host, &port, &e);
    url_escape_query(&text, in);
    must(url_unescape(buf_bytes(&text), true, &a, &out, &e) && bytes_eq(out, in));
    buf_release(&text);
    arena_release(&a);
    return 0;
}
