/* pb.h: protobuf wire format, read without copying and written to a buf. https://protobuf.dev/programming-guides/encoding/
 *
 * Reading: pb_next() walks the fields of one message; nested messages are `bytes` walked in turn. Unknown fields are
 * skipped by the caller ignoring them. false with r->bad: malformed. Groups (wire types 3, 4) are malformed.    */
#ifndef BASE_PB_H
#define BASE_PB_H
#include "base/buf.h"

enum pb_wire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };
typedef struct pb_reader {
    cursor c;
    bool bad;
} pb_reader;
typedef struct pb_field {
    uint32_t number;
    enum pb_wire wire;
    uint64_t u;      /* PB_VARINT, PB_FIXED64, PB_FIXED32 */
    bytes data;      /* PB_BYTES; borrowed from the message */
} pb_field;

pb_reader pb_read(bytes message);
bool pb_next(pb_reader *r, pb_field *f);
double pb_double(const pb_field *f);
int64_t pb_sint(uint64_t u);   /* zigzag */

void pb_put_varint(buf *b, uint32_t field, uint64_t v);
void pb_put_double(buf *b, uint32_t field, double v);
void pb_put_bytes(buf *b, uint32_t field, bytes v);
/* Nested message: begin returns a mark for end; the length is put in place (contents may move). */
size_t pb_begin(buf *b, uint32_t field);
void pb_end(buf *b, size_t mark);
#endif
