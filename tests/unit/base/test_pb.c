/* test_pb.c: protobuf's wire format. */
#include "tests.h"
#include "base/num.h"
#include "base/pb.h"

START_TEST(pb_reads_what_it_writes)
{
    buf b;
    buf_init(&b, 1 << 20);
    pb_put_varint(&b, 1, 300);
    pb_put_double(&b, 2, -1.25);
    size_t outer = pb_begin(&b, 3);
    pb_put_bytes(&b, 1, BYTES("name"));
    size_t inner = pb_begin(&b, 2);
    pb_end(&b, inner); /* an empty message */
    for (int i = 0; i < 100; i++)
        pb_put_bytes(&b, 15, BYTES("some more contents, for a length of two bytes"));
    pb_end(&b, outer);
    pb_put_varint(&b, (1 << 29) - 1, UINT64_MAX);

    pb_reader r = pb_read(buf_bytes(&b));
    pb_field f;
    ck_assert(pb_next(&r, &f) && f.number == 1 && f.wire == PB_VARINT && f.u == 300);
    ck_assert(pb_next(&r, &f) && f.number == 2 && f.wire == PB_FIXED64);
    ck_assert_double_eq(pb_double(&f), -1.25);
    ck_assert(pb_next(&r, &f) && f.number == 3 && f.wire == PB_BYTES);
    pb_reader nested = pb_read(f.data);
    pb_field g;
    ck_assert(pb_next(&nested, &g) && g.number == 1);
    ck_bytes(g.data, "name");
    ck_assert(pb_next(&nested, &g) && g.number == 2 && g.data.len == 0);
    int n = 0;
    while (pb_next(&nested, &g))
        n++;
    ck_assert(n == 100 && !nested.bad);
    ck_assert(pb_next(&r, &f) && f.number == (1 << 29) - 1 && f.u == UINT64_MAX);
    ck_assert(!pb_next(&r, &f) && !r.bad);
    buf_release(&b);
}
END_TEST

START_TEST(pb_end_closes_the_room_for_any_length)
{
    static const size_t lens[] = { 0, 1, 127, 128, 16383, 16384, 300000 };
    for (int i = 0; i < N_ROWS(lens); i++) {
        buf b, plain;
        buf_init(&b, 1 << 20);
        buf_init(&plain, 1 << 20);
        size_t mark = pb_begin(&b, 5);
        char *p = buf_reserve(&b, lens[i]);
        memset(p, 'x', lens[i]);
        buf_commit(&b, lens[i]);
        pb_put_bytes(&plain, 5, bytes_sub(buf_bytes(&b), mark + 5, lens[i]));
        pb_end(&b, mark);
        ck_assert(bytes_eq(buf_bytes(&b), buf_bytes(&plain)));
        buf_release(&b);
        buf_release(&plain);
    }
}
END_TEST

START_TEST(pb_end_leaves_an_overflowed_buffer_alone)
{
    buf b;
    buf_init(&b, 8);
    size_t mark = pb_begin(&b, 1);
    pb_put_bytes(&b, 2, BYTES("too long for it"));
    pb_end(&b, mark);
    ck_assert(b.overflow);
    ck_assert_uint_le(b.len, 8);
    buf_release(&b);
}
END_TEST

static const struct {
    const char *in;
    size_t len;
} malformed[] = {
    { "\x08", 1 },     /* no value */
    { "\x08\x80", 2 }, /* value cut */
    { "\x0a\x05"
      "abc",
      5 },                                                  /* length past the end */
    { "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 }, /* length of 2^64 - 1 */
    { "\x09"
      "1234567",
      8 }, /* fixed64 cut */
    { "\x0d"
      "123",
      4 },                                                  /* fixed32 cut */
    { "\x0b\x0c", 2 },                                      /* group */
    { "\x0e\x01", 2 },                                      /* wire type 6 */
    { "\x0f\x01", 2 },                                      /* wire type 7 */
    { "\x00\x01", 2 },                                      /* field 0 */
    { "\x80\x80\x80\x80\x10\x01", 6 },                      /* field 2^29 */
    { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01", 11 }, /* tag over 64 bits */
};

START_TEST(pb_stops_for_good_at_what_is_malformed)
{
    pb_reader r = pb_read(bytes_n(malformed[_i].in, malformed[_i].len));
    pb_field f;
    ck_assert(!pb_next(&r, &f));
    ck_assert(r.bad);
    ck_assert(!pb_next(&r, &f));
}
END_TEST

START_TEST(pb_reads_fixed32_sint_and_nothing)
{
    pb_reader r = pb_read(bytes_n("\x0d\x01\x02\x03\xff", 5));
    pb_field f;
    ck_assert(pb_next(&r, &f) && f.wire == PB_FIXED32 && f.u == 0xff030201);
    r = pb_read((bytes){ 0 });
    ck_assert(!pb_next(&r, &f) && !r.bad);
    ck_assert_int_eq(pb_sint(0), 0);
    ck_assert_int_eq(pb_sint(1), -1);
    ck_assert_int_eq(pb_sint(2), 1);
    ck_assert_int_eq(pb_sint(UINT64_MAX), INT64_MIN);
    ck_assert_int_eq(pb_sint(UINT64_MAX - 1), INT64_MAX);
}
END_TEST

TCase *pb_cases(void)
{
    TCase *tc = tcase_create("pb");
    tcase_add_test(tc, pb_reads_what_it_writes);
    tcase_add_test(tc, pb_end_closes_the_room_for_any_length);
    tcase_add_test(tc, pb_end_leaves_an_overflowed_buffer_alone);
    tcase_add_loop_test(tc, pb_stops_for_good_at_what_is_malformed, 0, N_ROWS(malformed));
    tcase_add_test(tc, pb_reads_fixed32_sint_and_nothing);
    return tc;
}
