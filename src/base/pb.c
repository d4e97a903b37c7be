/* pb.c: protobuf wire format. https://protobuf.dev/programming-guides/encoding/
 *
 * Field numbers are 1..2^29-1. A length that passes the end of the message, a group, or an over-long varint makes the
 * message malformed, and the reader stops for good.                                                           */
#include "base/pb.h"
#include "base/num.h"
#include <assert.h>

enum { FIELD_MAX = (1 << 29) - 1, LENGTH_ROOM = 5 };

pb_reader pb_read(bytes message)
{
    return (pb_reader){ .c = cursor_of(message) };
}

static bool malformed(pb_reader *r)
{
    r->bad = true;
    r->c.at = r->c.end;
    return false;
}

static bool read_payload(cursor *c, pb_field *f)
{
    uint32_t u32;
    switch (f->wire) {
    case PB_VARINT: return cursor_varint(c, &f->u);
    case PB_FIXED64: return cursor_u64(c, &f->u);
    case PB_FIXED32:
        if (!cursor_u32(c, &u32))
            return false;
        f->u = u32;
        return true;
    case PB_BYTES: return cursor_varint(c, &f->u) && f->u <= cursor_left(c) && cursor_bytes(c, (size_t)f->u, &f->data);
    default: return false;
    }
}

bool pb_next(pb_reader *r, pb_field *f)
{
    if (cursor_done(&r->c))
        return false;
    uint64_t tag;
    if (!cursor_varint(&r->c, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
        return malformed(r);
    *f = (pb_field){ .number = (uint32_t)(tag >> 3), .wire = (enum pb_wire)(tag & 7) };
    return read_payload(&r->c, f) || malformed(r);
}

double pb_double(const pb_field *f)
{
    return num_from_bits(f->u);
}

int64_t pb_sint(uint64_t u)
{
    return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

static void put_tag(buf *b, uint32_t field, enum pb_wire wire)
{
    buf_put_varint(b, (uint64_t)field << 3 | wire);
}

void pb_put_varint(buf *b, uint32_t field, uint64_t v)
{
    put_tag(b, field, PB_VARINT);
    buf_put_varint(b, v);
}

void pb_put_double(buf *b, uint32_t field, double v)
{
    put_tag(b, field, PB_FIXED64);
    buf_put_u64(b, num_bits(v));
}

void pb_put_bytes(buf *b, uint32_t field, bytes v)
{
    put_tag(b, field, PB_BYTES);
    buf_put_varint(b, v.len);
    buf_puts(b, v);
}

size_t pb_begin(buf *b, uint32_t field)
{
    put_tag(b, field, PB_BYTES);
    size_t mark = b->len;
    if (buf_reserve(b, LENGTH_ROOM))
        buf_commit(b, LENGTH_ROOM);
    return mark;
}

/* The room for the length is that of the longest one; what the length does not need is closed by moving the contents.
 */
void pb_end(buf *b, size_t mark)
{
    if (b->overflow)
        return;
    assert(b->len >= mark + LENGTH_ROOM);
    size_t len = b->len - mark - LENGTH_ROOM;
    size_t width = 1;
    for (size_t rest = len >> 7; rest; rest >>= 7)
        width++;
    memmove(b->p + mark + width, b->p + mark + LENGTH_ROOM, len);
    b->len = mark;
    buf_put_varint(b, len);
    buf_commit(b, len);
}
