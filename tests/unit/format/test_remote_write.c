/* test_remote_write.c: requests written with base/pb.h's writer come back as they were; broken ones are refused
 * whole. */
#include "base/pb.h"
#include "format/remote_write.h"
#include "test_format.h"
#include <stdio.h>
#include <snappy-c.h>
#include <stdlib.h>

enum { SEED = 9 };

static void put_label(buf *b, const char *name, const char *value)
{
    size_t m = pb_begin(b, 1);
    if (*name)
        pb_put_bytes(b, 1, bytes_of(name));
    if (*value)
        pb_put_bytes(b, 2, bytes_of(value));
    pb_end(b, m);
}

static void put_sample(buf *b, sample s)
{
    size_t m = pb_begin(b, 2);
    if (num_bits(s.v) != 0) /* as proto3 writers do */
        pb_put_double(b, 1, s.v);
    if (s.t != 0)
        pb_put_varint(b, 2, (uint64_t)s.t);
    pb_end(b, m);
}

/* A block of literals only. */
static void snappy_literals(buf *out, bytes in)
{
    buf_put_varint(out, in.len);
    for (size_t at = 0; at < in.len; at += 60) {
        bytes part = bytes_sub(in, at, 60);
        buf_putc(out, (char)((part.len - 1) << 2));
        buf_puts(out, part);
    }
}

static void snappy_block(buf *out, bytes in)
{
    size_t len = snappy_max_compressed_length(in.len);
    char *p = buf_reserve(out, len);
    ck_assert_int_eq(snappy_compress(in.p, in.len, p, &len), SNAPPY_OK);
    buf_commit(out, len);
}

/* Series i has i samples; label bytes differ in length, the third's labels stand at both ends. */
static void build(buf *b, int n_series)
{
    for (int i = 0; i < n_series; i++) {
        char value[400];
        snprintf(value, sizeof value, "%0*d", i * 7 % 300 + 1, i);
        size_t m = pb_begin(b, 1);
        put_label(b, "__name__", "m");
        if (i != 3)
            put_label(b, "x", value);
        for (int k = 0; k < i % 5; k++)
            put_sample(b, (sample){ i * 1000 + k, k - 1.5 });
        if (i == 3)
            put_label(b, "x", value);
        if (i == 4) {
            pb_put_bytes(b, 3, BYTES(""));
            pb_put_bytes(b, 4, BYTES(""));
        }
        pb_end(b, m);
    }
    size_t m = pb_begin(b, 3);
    pb_put_varint(b, 1, 2);
    pb_put_bytes(b, 2, BYTES("m"));
    pb_put_bytes(b, 4, BYTES("help"));
    pb_put_bytes(b, 5, BYTES("unit"));
    pb_end(b, m);
}

static void check_request(const rw_request *r, int n_series, arena *a)
{
    err e = { 0 };
    ck_assert_uint_eq(r->n_series, (size_t)n_series);
    for (int i = 0; i < n_series; i++) {
        const rw_series *s = &r->series[i];
        const labels *l;
        ck_assert(rw_series_labels(s, a, &l, &e));
        ck_assert_uint_eq(labels_count(l), 2);
        ck_assert_int_eq(atoi(labels_get(l, BYTES("x")).p), i);
        ck_assert(hash_key_eq(s->key, hash_key_of(s->raw, SEED)));
        ck_assert_int_eq(s->n, i % 5);
        for (uint32_t k = 0; k < s->n; k++) {
            ck_assert_int_eq(r->samples[s->first + k].t, i * 1000 + (int)k);
            ck_assert(r->samples[s->first + k].v == k - 1.5);
        }
    }
    ck_assert_uint_eq(r->n_metadata, 1);
    ck_assert_int_eq(r->metadata[0].kind, KIND_GAUGE);
    ck_assert(bytes_eq(r->metadata[0].help, BYTES("help")));
    ck_assert(bytes_eq(r->metadata[0].unit, BYTES("unit")));
    ck_assert_uint_eq(r->n_exemplars, 1);
    ck_assert_uint_eq(r->n_histograms, 1);
}

START_TEST(request_comes_back)
{
    buf plain, packed;
    arena a;
    rw_request r;
    err e = { 0 };
    buf_init(&plain, 1 << 24);
    buf_init(&packed, 1 << 24);
    arena_init(&a, 0);
    build(&plain, 200);
    (_i ? snappy_literals : snappy_block)(&packed, buf_bytes(&plain));
    ck_assert_msg(rw_read(buf_bytes(&packed), SEED, &a, &r, &e), "%s", e.msg);
    check_request(&r, 200, &a);
    arena_release(&a);
    buf_release(&plain);
    buf_release(&packed);
}
END_TEST

START_TEST(cut_request_is_refused_or_shorter)
{
    buf plain;
    buf_init(&plain, 1 << 24);
    build(&plain, 20);
    for (size_t len = 0; len < plain.len; len++) {
        char *copy = malloc(len + 1);
        memcpy(copy, plain.p, len);
        arena a;
        rw_request r;
        err e = { 0 };
        arena_init(&a, 0);
        if (rw_decode(bytes_n(copy, len), SEED, &a, &r, &e))
            ck_assert_uint_le(r.n_series, 20);
        else
            ck_assert_int_eq(e.kind, ERR_BAD_DATA);
        arena_release(&a);
        free(copy);
    }
    buf_release(&plain);
}
END_TEST

START_TEST(special_values_keep_their_bits)
{
    const sample in[] = { { 0, 0.0 }, { -5, -0.0 }, { INT64_MAX, sample_stale() }, { INT64_MIN, sample_nan() } };
    buf b;
    arena a;
    rw_request r;
    err e = { 0 };
    buf_init(&b, 4096);
    arena_init(&a, 0);
    size_t m = pb_begin(&b, 1);
    for (int i = 0; i < 4; i++)
        put_sample(&b, in[i]);
    pb_end(&b, m);
    ck_assert(rw_decode(buf_bytes(&b), SEED, &a, &r, &e));
    ck_assert_uint_eq(r.n_samples, 4);
    ck_assert_int_eq(memcmp(r.samples, in, sizeof in), 0);
    arena_release(&a);
    buf_release(&b);
}
END_TEST

static const struct {
    const char *names[4], *values[4];
    const char *want;
} label_cases[] = {
    { { "__name__", "a" }, { "m", "1" }, NULL },
    { { "b", "a", "__name__" }, { "2", "1", "m" }, NULL },
    { { "__name__", "a" }, { "m", "" }, NULL },
    { { "a" }, { "1" }, "invalid metric name or labels, got {a=\"1\"}" },
    { { "__name__" }, { "" }, "invalid metric name or labels, got {}" },
    { { "__name__", "" }, { "m", "x" }, "invalid metric name or labels, got {__name__=\"m\"}" },
    { { "__name__", "a" }, { "m", "\xff" }, "invalid metric name or labels, got {__name__=\"m\", a=\"\\xff\"}" },
    { { "__name__", "a", "a" },
      { "m", "1", "2" },
      "invalid labels for series, labels {__name__=\"m\", a=\"2\"}, duplicated label a" },
};
START_TEST(labels_are_checked)
{
    buf b;
    arena a;
    err e = { 0 };
    const labels *l;
    buf_init(&b, 4096);
    arena_init(&a, 0);
    for (int i = 0; i < 4 && label_cases[_i].names[i]; i++)
        put_label(&b, label_cases[_i].names[i], label_cases[_i].values[i]);
    rw_series s = { .raw = buf_bytes(&b) };
    bool ok = rw_series_labels(&s, &a, &l, &e);
    ck_assert_int_eq(ok, label_cases[_i].want == NULL);
    ck_assert_str_eq(e.msg, ok ? "" : label_cases[_i].want);
    ck_assert(!ok || bytes_eq(labels_get(l, LABEL_NAME), BYTES("m")));
    arena_release(&a);
    buf_release(&b);
}
END_TEST

static const struct {
    bytes in;
    const char *err;
} broken[] = {
    { BYTES_INIT("this is not snappy"), "snappy: corrupt input" },
    { BYTES_INIT(""), "snappy: corrupt input" },
    { BYTES_INIT("\x03\x08\xff\xff\xff"), "proto: malformed or oversized remote write request" },
    { BYTES_INIT("\xff\xff\xff\x7f\x00"), "snappy: decoded block is too large (268435455 bytes, at most 33554432)" },
};
START_TEST(broken_bodies_are_refused)
{
    arena a;
    rw_request r;
    err e = { 0 };
    arena_init(&a, 0);
    ck_assert(!rw_read(broken[_i].in, SEED, &a, &r, &e));
    ck_assert_str_eq(e.msg, broken[_i].err);
    arena_release(&a);
}
END_TEST

START_TEST(empty_request_is_fine)
{
    arena a;
    rw_request r;
    err e = { 0 };
    arena_init(&a, 0);
    ck_assert(rw_read(BYTES("\0"), SEED, &a, &r, &e));
    ck_assert_uint_eq(r.n_series, 0);
    arena_release(&a);
}
END_TEST

Suite *remote_write_suite(void)
{
    Suite *s = suite_create("remote_write");
    TCase *tc = tcase_create("remote_write");
    tcase_add_loop_test(tc, request_comes_back, 0, 2);
    tcase_add_test(tc, cut_request_is_refused_or_shorter);
    tcase_add_test(tc, special_values_keep_their_bits);
    tcase_add_loop_test(tc, labels_are_checked, 0, (int)(sizeof label_cases / sizeof label_cases[0]));
    tcase_add_loop_test(tc, broken_bodies_are_refused, 0, (int)(sizeof broken / sizeof broken[0]));
    tcase_add_test(tc, empty_request_is_fine);
    suite_add_tcase(s, tc);
    return s;
}
