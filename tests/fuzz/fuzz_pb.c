/* fuzz_pb.c: any bytes as a protobuf message, three levels deep: no crash, and what was read can be written and read
 * again. */
#include "base/num.h"
#include "base/pb.h"
#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void walk(bytes message, int depth, buf *out)
{
    pb_reader r = pb_read(message);
    pb_field f;
    while (pb_next(&r, &f)) {
        must(f.number > 0 && f.number < 1u << 29);
        must(f.wire != PB_BYTES || f.data.len == 0
             || (f.data.p >= message.p && f.data.p + f.data.len <= message.p + message.len));
        if (f.wire == PB_VARINT) {
            pb_put_varint(out, f.number, f.u);
        } else if (f.wire == PB_FIXED64) {
            pb_put_double(out, f.number, pb_double(&f));
        } else if (f.wire == PB_BYTES && depth == 0) {
            pb_put_bytes(out, f.number, f.data);
        } else if (f.wire == PB_BYTES) {
            size_t mark = pb_begin(out, f.number);
            walk(f.data, depth - 1, out);
            pb_end(out, mark);
        }
    }
    must(!pb_next(&r, &f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    buf once, twice;
    buf_init(&once, 1 << 22);
    buf_init(&twice, 1 << 22);
    walk(bytes_n(data, size), 3, &once);
    if (!once.overflow) {
        walk(buf_bytes(&once), 3, &twice);
        must(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
    }
    buf_release(&once);
    buf_release(&twice);
    return 0;
}
