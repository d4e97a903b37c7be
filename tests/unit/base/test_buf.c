/* test_buf.c: buffers with a maximum, and the readers of their encodings; vectors. */
#include "tests.h"
#include "base/vec.h"
#include <stdlib.h>

START_TEST(buf_grows_to_its_maximum_and_no_further)
{
    buf b;
    buf_init(&b, 10);
    buf_putz(&b, "01234");
    buf_putz(&b, "56789");
    ck_assert(!b.overflow);
    ck_bytes(buf_bytes(&b), "0123456789");
    buf_putc(&b, 'x');
    ck_assert(b.overflow);
    ck_bytes(buf_bytes(&b), "0123456789");
    buf_clear(&b);
    ck_assert(!b.overflow);
    ck_assert_uint_eq(b.len, 0);
    buf_putz(&b, "0123456789a"); /* all or nothing of one put */
    ck_assert(b.overflow);
    ck_assert_uint_eq(b.len, 0);
    buf_putz(&b, "a"); /* and nothing behind a hole */
    ck_assert_uint_eq(b.len, 0);
    buf_release(&b);
    ck_assert_uint_eq(b.max, 10);
}
END_TEST

START_TEST(buf_reserve_commit_consume_take)
{
    buf b;
    buf_init(&b, 1000);
    char *p = buf_reserve(&b, 6);
    memcpy(p, "abcdef", 6);
    buf_commit(&b, 6);
    buf_consume(&b, 2);
    ck_bytes(buf_bytes(&b), "cdef");
    buf_consume(&b, 4);
    ck_bytes(buf_bytes(&b), "");
    buf_printf(&b, "%s=%d", "k", 42);
    size_t len;
    char *text = buf_take(&b, &len);
    ck_assert_str_eq(text, "k=42");
    ck_assert_uint_eq(len, 4);
    ck_assert_uint_eq(b.len, 0);
    free(text);
    text = buf_take(&b, NULL);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(buf_put_of_nothing_changes_nothing)
{
    buf b;
    buf_init(&b, 0);
    buf_puts(&b, (bytes){ 0 });
    buf_putz(&b, "");
    ck_assert(!b.overflow);
    buf_putc(&b, 'a');
    ck_assert(b.overflow);
    buf_release(&b);
}
END_TEST

static const uint64_t varints[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_C(1) << 62, UINT64_MAX };
static const int64_t zigzags[] = { 0, -1, 1, -64, 63, 64, INT64_MIN, INT64_MAX, -1234567890123 };

START_TEST(cursors_read_back_what_buffers_write)
{
    buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < N_ROWS(varints); i++) {
        buf_put_varint(&b, varints[i]);
        buf_put_zigzag(&b, zigzags[i]);
        buf_put_u32(&b, (uint32_t)varints[i]);
        buf_put_u64(&b, varints[i]);
    }
    buf_putz(&b, "tail");
    cursor c = cursor_of(buf_bytes(&b));
    for (int i = 0; i < N_ROWS(varints); i++) {
        uint64_t u, u64;
        int64_t z;
        uint32_t u32;
        ck_assert(cursor_varint(&c, &u) && cursor_zigzag(&c, &z) && cursor_u32(&c, &u32) && cursor_u64(&c, &u64));
        ck_assert_uint_eq(u, varints[i]);
        ck_assert_int_eq(z, zigzags[i]);
        ck_assert_uint_eq(u32, (uint32_t)varints[i]);
        ck_assert_uint_eq(u64, varints[i]);
    }
    bytes tail;
    ck_assert(!cursor_bytes(&c, 5, &tail));
    ck_assert(cursor_bytes(&c, 4, &tail));
    ck_bytes(tail, "tail");
    ck_assert(cursor_done(&c));
    buf_release(&b);
}
END_TEST

START_TEST(cursors_refuse_what_ends_early_or_is_too_long)
{
    uint64_t u;
    uint32_t u32;
    cursor c = cursor_of(bytes_n("\x80\x80", 2));
    ck_assert(!cursor_varint(&c, &u));
    c = cursor_of(bytes_n("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10)); /* 65 bits */
    ck_assert(!cursor_varint(&c, &u));
    c = cursor_of(bytes_n("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11));
    ck_assert(!cursor_varint(&c, &u));
    c = cursor_of(bytes_n("abc", 3));
    ck_assert(!cursor_u32(&c, &u32));
    c = cursor_of(bytes_n("abcdefg", 7));
    ck_assert(!cursor_u64(&c, &u));
    c = cursor_of((bytes){ 0 });
    ck_assert(!cursor_varint(&c, &u) && cursor_peek(&c) == -1 && !cursor_take(&c, 'a'));
}
END_TEST

START_TEST(vec_pushes_and_frees)
{
    VEC(int) v = { 0 };
    for (int i = 0; i < 1000; i++)
        vec_push(&v, i);
    ck_assert_uint_eq(v.len, 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(v.p[i], i);
    vec_free(&v);
    ck_assert_uint_eq(v.len, 0);
    vec_reserve(&v, 3);
    ck_assert_uint_ge(v.cap, 3);
    vec_free(&v);
}
END_TEST

TCase *buf_cases(void)
{
    TCase *tc = tcase_create("buf");
    tcase_add_test(tc, buf_grows_to_its_maximum_and_no_further);
    tcase_add_test(tc, buf_reserve_commit_consume_take);
    tcase_add_test(tc, buf_put_of_nothing_changes_nothing);
    tcase_add_test(tc, cursors_read_back_what_buffers_write);
    tcase_add_test(tc, cursors_refuse_what_ends_early_or_is_too_long);
    tcase_add_test(tc, vec_pushes_and_frees);
    return tc;
}
