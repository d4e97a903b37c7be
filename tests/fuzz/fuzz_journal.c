/* fuzz_journal.c: any bytes as a journal segment whose records have right checksums: no crash; what is reported adds
 * up. */
#include "tsdb/journal.h"
#include "base/arena.h"
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MAGIC = 8, HEAD = 13 };

static uint64_t n_series, n_samples;

static uint64_t on_series(void *ctx, const labels *l, uint64_t group)
{
    labels_unref(labels_ref(l));
    return n_series++;
}

static void on_samples(void *ctx, const uint64_t *handles, const int64_t *t, const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (handles[i] >= n_series)
            abort();
    n_samples += n;
}

/* Gives each record that is whole its checksum. */
static void mend(char *p, size_t size)
{
    for (size_t at = MAGIC; size - at >= HEAD;) {
        uint32_t len;
        memcpy(&len, p + at + 8, 4);
        if (len > size - at - HEAD)
            return;
        uint64_t sum = XXH3_64bits(p + at + 8, (size_t)len + HEAD - 8);
        memcpy(p + at, &sum, 8);
        at += HEAD + (size_t)len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char magic[MAGIC] = { 't', 's', 'd', 'b', 'J', 0, 0, 1 };
    const journal_visitor v = { .series = on_series, .samples = on_samples };
    journal_result got;
    err e = { 0 };
    if (size < MAGIC || size > (1 << 20))
        return 0;
    char *p = xmalloc(size);
    memcpy(p, data, size);
    if (size % 4)
        memcpy(p, magic, MAGIC);
    mend(p, size);
    n_series = n_samples = 0;
    if (journal_parse((bytes){ p, size }, &v, &got, &e)
        && (got.good_bytes + got.cut_bytes > size || got.n_samples != n_samples || got.n_series > n_series))
        abort();
    free(p);
    return 0;
}
