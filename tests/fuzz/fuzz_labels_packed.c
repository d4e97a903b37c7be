/* fuzz_labels_packed.c: any bytes as a packed label set: refused, or a set that satisfies every invariant. */
#include "base/arena.h"
#include "model/labels.h"
#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena a;
    arena_init(&a, 0);
    labels *heap = labels_new_packed(bytes_n(data, size));
    const labels *l = labels_from_packed(&a, bytes_n(data, size));
    must((heap == NULL) == (l == NULL));
    if (l) {
        label list[1024], x;
        size_t n = 0;
        bytes last = { 0 };
        for (labels_iter it = labels_walk(l); labels_next(&it, &x); last = x.name) {
            must(x.name.len && x.value.len && (n == 0 || bytes_cmp(last, x.name) < 0));
            must(bytes_eq(labels_get(l, x.name), x.value));
            if (n < 1024)
                list[n] = x;
            n++;
        }
        must(labels_count(l) == n && labels_eq(l, heap) && labels_cmp(l, heap) == 0);
        if (n <= 1024)
            must(labels_eq(labels_from(&a, list, n), l));
        buf b;
        buf_init(&b, 1 << 24);
        labels_print(&b, l);
        labels_print_metric(&b, l);
        buf_release(&b);
    }
    labels_unref(heap);
    arena_release(&a);
    return 0;
}
