/* fuzz_exposition.c: any bytes as a page of either format: no crash, and the short ways agree with the long one. */
#include "base/err.h"
#include "base/num.h"
#include "format/expo.h"
#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void read_page(enum expo_format format, bytes page)
{
    expo x, y;
    arena a;
    err e = { 0 };
    enum expo_entry entry;
    expo_init(&x, format, page);
    expo_init(&y, format, page);
    arena_init(&a, 0);
    while ((entry = expo_next(&x, &e)) > EXPO_EOF) {
        label *list;
        size_t n;
        bytes key = entry == EXPO_SERIES ? x.series : expo_meta_line(&x);
        hash_key k = hash_key_of(key, 0);
        bool hit = entry == EXPO_SERIES ? expo_expect(&y, key.len, k) : expo_expect_meta(&y, key.len, k);
        if (!hit)
            must(expo_next(&y, &e) == entry);
        must(x.lex.i == y.lex.i && (entry != EXPO_SERIES || num_bits(x.value) == num_bits(y.value)));
        if (entry == EXPO_SERIES)
            expo_labels(&x, &a, &list, &n);
        else if (entry == EXPO_HELP)
            expo_help(&x, &a);
        arena_reset(&a);
    }
    must(entry == EXPO_EOF || e.kind != ERR_NONE);
    arena_release(&a);
    expo_release(&x);
    expo_release(&y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum expo_format format;
    err e = { 0 };
    read_page(EXPO_TEXT, bytes_n(data, size));
    read_page(EXPO_OPENMETRICS, bytes_n(data, size));
    expo_format_of(bytes_n(data, size), BYTES("text/plain"), &format, &e);
    return 0;
}
