/* fuzz_remote_write.c: any bytes as a remote-write body, packed and plain: no crash; what is read can be asked for
 * labels. */
#include "format/remote_write.h"

static void read_request(bytes body, bool packed)
{
    arena a;
    rw_request r;
    err e = { 0 };
    const labels *l;
    arena_init(&a, 0);
    bool ok = packed ? rw_read(body, 1, &a, &r, &e) : rw_decode(body, 1, &a, &r, &e);
    for (size_t i = 0; ok && i < r.n_series; i++)
        if (rw_series_labels(&r.series[i], &a, &l, &e))
            labels_unref(labels_ref(l));
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_request(bytes_n(data, size), true);
    read_request(bytes_n(data, size), false);
    return 0;
}
