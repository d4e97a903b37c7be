/* test_gzip.c: whole bodies and streams; limits; broken input. zlib is the second decoder. */
#include "loop/gzip.h"
#include "base/arena.h"
#include "test_loop.h"
#include <stdlib.h>
#include <zlib.h>

enum { BIG = 300 * 1000, NO_LIMIT = 1 << 30 };

static char *page(size_t len)
{
    char *p = xmalloc(len);
    uint32_t x = 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = i % 7 ? "node_cpu{} 0123456789\n"[x >> 28] : (char)(x >> 24);
    }
    return p;
}

static void packed(bytes in, buf *out)
{
    buf_init(out, NO_LIMIT);
    ck_assert(gzip_deflate(in, 1, out));
}

START_TEST(what_is_deflated_comes_back)
{
    static const size_t sizes[] = { 0, 1, 18, 1000, 65536, BIG };
    char *text = page(BIG);
    buf z, out;
    err e = { 0 };
    bytes in = { text, sizes[_i] };
    packed(in, &z);
    buf_init(&out, NO_LIMIT);
    ck_assert_msg(gzip_inflate(buf_bytes(&z), BIG, &out, &e), "%s", e.msg);
    ck_assert(bytes_eq(buf_bytes(&out), in));
    buf_release(&z);
    buf_release(&out);
    free(text);
}
END_TEST

START_TEST(members_follow_each_other)
{
    buf z, out;
    err e = { 0 };
    packed(BYTES("hello "), &z);
    ck_assert(gzip_deflate(BYTES(""), 6, &z));
    ck_assert(gzip_deflate(BYTES("world"), 9, &z));
    buf_init(&out, NO_LIMIT);
    buf_putz(&out, "> ");
    ck_assert_msg(gzip_inflate(buf_bytes(&z), 11, &out, &e), "%s", e.msg);
    ck_assert(bytes_eq(buf_bytes(&out), BYTES("> hello world")));
    ck_assert(!gzip_inflate(buf_bytes(&z), 10, &out, &e));
    ck_assert_int_eq(e.kind, ERR_TOO_LARGE);
    ck_assert(bytes_eq(buf_bytes(&out), BYTES("> hello world")));
    buf_release(&z);
    buf_release(&out);
}
END_TEST

START_TEST(a_wrong_size_in_the_trailer_of_a_large_member_is_found)
{
    char *text = page(BIG);
    buf z, out;
    err e = { 0 };
    packed(bytes_n(text, BIG), &z);
    ck_assert(gzip_deflate(BYTES("x"), 6, &z));   /* the trailer speaks of one byte only */
    buf_init(&out, NO_LIMIT);
    ck_assert_msg(gzip_inflate(buf_bytes(&z), NO_LIMIT, &out, &e), "%s", e.msg);
    ck_assert_uint_eq(out.len, BIG + 1);
    buf_release(&z);
    buf_release(&out);
    free(text);
}
END_TEST

START_TEST(a_bomb_costs_no_more_than_the_limit)
{
    char *zeros = xcalloc(1, 64 << 20);
    buf z, out;
    err e = { 0 };
    packed(bytes_n(zeros, 64 << 20), &z);
    buf_init(&out, NO_LIMIT);
    ck_assert(!gzip_inflate(buf_bytes(&z), 1 << 20, &out, &e));
    ck_assert_int_eq(e.kind, ERR_TOO_LARGE);
    ck_assert_str_eq(e.msg, "body size limit exceeded");
    ck_assert_uint_lt(out.cap, 3 << 20);
    buf_release(&out);
    buf_init(&out, 1 << 16);   /* the buffer's own maximum holds too */
    ck_assert(!gzip_inflate(buf_bytes(&z), NO_LIMIT, &out, &e));
    ck_assert_int_eq(e.kind, ERR_TOO_LARGE);
    buf_release(&z);
    buf_release(&out);
    free(zeros);
}
END_TEST

START_TEST(broken_input_is_named)
{
    buf z, out;
    err e = { 0 };
    packed(BYTES("some text that is long enough to be compressed, compressed, compressed"), &z);
    buf_init(&out, NO_LIMIT);
    static const struct {
        int cut, flip;   /* bytes to keep (0: all), byte to change (-1: none; from the end where < -1) */
        const char *err;
    } rows[] = {
        { 0, 0, "gzip: invalid header" },    { 0, 2, "gzip: invalid header" }, { 5, -1, "unexpected EOF" },
        { 30, -1, "unexpected EOF" },        { 0, -8, "gzip: invalid checksum" }, { 0, -4, "gzip: invalid checksum" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *copy = memcpy(xmalloc(z.len), z.p, z.len);
        size_t len = rows[i].cut ? (size_t)rows[i].cut : z.len;
        if (rows[i].flip != -1)
            copy[rows[i].flip >= 0 ? (size_t)rows[i].flip : z.len + (size_t)(rows[i].flip + 1) - 1] ^= 0x55;
        e = (err){ 0 };
        ck_assert(!gzip_inflate(bytes_n(copy, len), NO_LIMIT, &out, &e));
        ck_assert_str_eq(e.msg, rows[i].err);
        ck_assert_int_eq(e.kind, ERR_BAD_DATA);
        ck_assert_uint_eq(out.len, 0);
        free(copy);
    }
    e = (err){ 0 };
    ck_assert(!gzip_inflate((bytes){ 0 }, NO_LIMIT, &out, &e));
    ck_assert_str_eq(e.msg, "EOF");
    buf_release(&z);
    buf_release(&out);
}
END_TEST

START_TEST(no_cut_and_no_flipped_byte_is_taken_for_the_whole)
{
    buf z, out;
    err e = { 0 };
    bytes in = BYTES("up 1\ndown 0\nup 1\ndown 0\n");
    packed(in, &z);
    buf_init(&out, 1 << 20);
    for (size_t len = 1; len < z.len; len++)
        ck_assert(!gzip_inflate(bytes_n(z.p, len), 1 << 20, &out, &e));
    for (size_t i = 10; i < z.len; i++) {   /* the header's time and system bytes may say anything */
        z.p[i] ^= 1;
        ck_assert(!gzip_inflate(buf_bytes(&z), 1 << 20, &out, &e));
        z.p[i] ^= 1;
    }
    buf_release(&z);
    buf_release(&out);
}
END_TEST

START_TEST(a_stream_is_one_member_and_can_be_read_at_each_flush)
{
    char *text = page(BIG);
    buf z, out;
    err e = { 0 };
    gzip_stream *s = gzip_stream_new(6);
    buf_init(&z, NO_LIMIT);
    ck_assert(gzip_stream_write(s, bytes_n(text, 1000), true, &z));
    z_stream zs = { .next_in = (Bytef *)z.p, .avail_in = (uInt)z.len };
    uint8_t back[2000];
    ck_assert_int_eq(inflateInit2(&zs, 31), Z_OK);
    zs.next_out = back;
    zs.avail_out = sizeof back;
    inflate(&zs, Z_SYNC_FLUSH);
    ck_assert_uint_eq(zs.total_out, 1000);
    inflateEnd(&zs);

    for (size_t at = 1000; at < BIG; at += 50000)
        ck_assert(gzip_stream_write(s, bytes_sub(bytes_n(text, BIG), at, 50000), false, &z));
    ck_assert(gzip_stream_end(s, &z));
    buf_init(&out, NO_LIMIT);
    ck_assert_msg(gzip_inflate(buf_bytes(&z), BIG, &out, &e), "%s", e.msg);
    ck_assert(bytes_eq(buf_bytes(&out), bytes_n(text, BIG)));
    gzip_stream_free(s);
    buf_release(&z);
    buf_release(&out);
    free(text);
}
END_TEST

START_TEST(a_full_buffer_is_an_error_not_an_overflow)
{
    buf z;
    gzip_stream *s = gzip_stream_new(1);
    buf_init(&z, 100);
    ck_assert(!gzip_deflate(BYTES("0123456789012345678901234567890123456789012345678901234567890123456789"
                                  "012345678901234567890123456789"), 1, &z));
    buf_clear(&z);
    ck_assert(!gzip_stream_end(s, &z));
    ck_assert_uint_eq(z.len, 0);
    gzip_stream_free(s);
    gzip_stream_free(NULL);
    buf_release(&z);
}
END_TEST

Suite *gzip_suite(void)
{
    Suite *s = suite_create("gzip");
    TCase *tc = tcase_create("gzip");
    tcase_add_loop_test(tc, what_is_deflated_comes_back, 0, 6);
    tcase_add_test(tc, members_follow_each_other);
    tcase_add_test(tc, a_wrong_size_in_the_trailer_of_a_large_member_is_found);
    tcase_add_test(tc, a_bomb_costs_no_more_than_the_limit);
    tcase_add_test(tc, broken_input_is_named);
    tcase_add_test(tc, no_cut_and_no_flipped_byte_is_taken_for_the_whole);
    tcase_add_test(tc, a_stream_is_one_member_and_can_be_read_at_each_flush);
    tcase_add_test(tc, a_full_buffer_is_an_error_not_an_overflow);
    suite_add_tcase(s, tc);
    return s;
}
