/* fuzz_pack.c: any bytes as a pack, under a right checksum: no crash; times ascend; what is read lies in the range
 * asked for. */
#include "tsdb/pack.h"
#include "base/arena.h"
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pack_view v;
    err e = { 0 };
    if (size < 8 || size > (1 << 20))
        return 0;
    char *blob = xmalloc(size);
    memcpy(blob, data, size);
    uint64_t sum = XXH3_64bits(blob + 8, size - 8);
    memcpy(blob, &sum, 8);
    if (pack_open((bytes){ blob, size }, &v, &e)) {
        pack_decoder *dec = pack_decoder_new();
        sample_columns out = { 0 };
        for (uint32_t slot = 0; slot < v.n_slots; slot += 1 + slot / 8) {
            int64_t from = slot % 2 ? INT64_MIN : v.mint + 1000;
            out.n = 0;
            if (!pack_read(dec, (bytes){ blob, size }, slot, from, INT64_MAX, &out, &e))
                continue;
            for (size_t i = 0; i < out.n; i++)
                if (out.t[i] < from || (i && out.t[i - 1] >= out.t[i]))
                    abort();
        }
        sample_columns_release(&out);
        pack_decoder_free(dec);
    }
    free(blob);
    return 0;
}
