/* Packs: what goes in comes out bit for bit, by the fast decoder and by the slow one; damage is noticed, hostile bytes
 * are safe. */
#include "disk.h"
#include "base/num.h"
#include "tsdb/pack.h"
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define LIMIT_TEST_BLOB ((size_t)16 << 20)

typedef struct columns {
    pack_column slots[PACK_MAX_SLOTS];
    size_t n;
    void *owned[2 * PACK_MAX_SLOTS];
    size_t n_owned;
} columns;

static void *own(columns *c, size_t len)
{
    return c->owned[c->n_owned++] = malloc(len ? len : 1);
}

static void release(columns *c)
{
    for (size_t i = 0; i < c->n_owned; i++)
        free(c->owned[i]);
    c->n = c->n_owned = 0;
}

/* A slot with those times and values of a kind. */
static void add_slot(columns *c, const int64_t *t, size_t n, int value_kind)
{
    double *v = own(c, n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = value_of(value_kind, i, i ? v[i - 1] : 1000);
    c->slots[c->n++] = (pack_column){ t, v, n };
}

static int64_t *own_times(columns *c, int kind, size_t n)
{
    int64_t *t = own(c, n * sizeof *t);
    times_of(kind, INT64_C(1700000000000) + (int64_t)rnd_below(100000), n, t);
    return t;
}

static void check_same(const pack_column *want, size_t from, size_t to, const sample_columns *got)
{
    ck_assert_uint_eq(got->n, to - from);
    for (size_t i = from; i < to; i++) {
        must(got->t[i - from] == want->t[i]);
        must(num_bits(got->v[i - from]) == num_bits(want->v[i]));
    }
}

/* Encodes, reads every slot by both decoders, and once a part of it. The blob's length. */
static size_t round_trip(columns *c)
{
    pack_encoder *enc = pack_encoder_new();
    pack_decoder *dec = pack_decoder_new();
    buf blob;
    err e = { 0 };
    buf_init(&blob, LIMIT_TEST_BLOB);
    pack_encode(enc, c->slots, c->n, &blob);
    sample_columns out = { 0 };
    for (uint32_t i = 0; i < c->n; i++) {
        const pack_column *s = &c->slots[i];
        out.n = 0;
        ck_assert_msg(pack_read(dec, buf_bytes(&blob), i, INT64_MIN, INT64_MAX, &out, &e), "slot %u: %s", i, e.msg);
        check_same(s, 0, s->n, &out);
        out.n = 0;
        ck_assert_msg(slow_pack_read(buf_bytes(&blob), i, &out), "slow decoder, slot %u", i);
        check_same(s, 0, s->n, &out);
        if (s->n == 0)
            continue;
        size_t from = rnd_below(s->n), to = from + 1 + rnd_below(s->n - from);
        out.n = 0;
        ck_assert(pack_read(dec, buf_bytes(&blob), i, s->t[from], s->t[to - 1], &out, &e));
        check_same(s, from, to, &out);
    }
    size_t len = blob.len;
    sample_columns_release(&out);
    buf_release(&blob);
    pack_decoder_free(dec);
    pack_encoder_free(enc);
    return len;
}

START_TEST(every_kind_of_value_comes_back)
{
    static const size_t lengths[] = { 1, 2, 3, 17, 120, 240, 1024 };
    columns c = { 0 };
    rnd_seed(100 + (uint64_t)_i);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
        add_slot(&c, own_times(&c, _i % N_TIME_KINDS, lengths[k]), lengths[k], _i % N_VALUE_KINDS);
    round_trip(&c);
    release(&c);
}
END_TEST

/* Slots of all kinds, some empty, some with parts of the shared times, some with their own. */
START_TEST(mixed_slots_come_back)
{
    columns c = { 0 };
    rnd_seed(900 + (uint64_t)_i);
    size_t n_slots = 1 + rnd_below(PACK_MAX_SLOTS), n = 1 + rnd_below(300);
    int64_t *shared = own_times(&c, (int)rnd_below(N_TIME_KINDS), n);
    while (c.n < n_slots && c.n_owned < 2 * PACK_MAX_SLOTS - 4) {
        size_t from = rnd_below(n), m = 0;
        int kind = (int)rnd_below(N_VALUE_KINDS);
        switch (rnd_below(8)) {
        case 0: c.slots[c.n++] = (pack_column){ 0 }; break;
        case 1: add_slot(&c, shared + from, 1 + rnd_below(n - from), kind); break;
        case 2: m = 1 + rnd_below(400); add_slot(&c, own_times(&c, (int)rnd_below(N_TIME_KINDS), m), m, kind); break;
        case 3: {
            int64_t *some = own(&c, n * sizeof *some);
            for (size_t i = 0; i < n; i++)
                if (rnd_below(4))
                    some[m++] = shared[i];
            if (m)
                add_slot(&c, some, m, kind);
            break;
        }
        default: add_slot(&c, shared, n, kind); break;
        }
    }
    bool any = false;
    for (size_t i = 0; i < c.n; i++)
        any |= c.slots[i].n > 0;
    if (any)
        round_trip(&c);
    release(&c);
}
END_TEST

START_TEST(extreme_times_come_back)
{
    static const int64_t edges[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
    columns c = { 0 };
    for (size_t from = 0; from < 7; from++)
        add_slot(&c, edges + from, 7 - from, (int)from);
    round_trip(&c);
    release(&c);
}
END_TEST

START_TEST(columns_are_small)
{
    static const struct { int kind; size_t max; } cases[] = {
        { 0, 60 },      /* constant */
        { 1, 60 },      /* constant difference */
        { 6, 700 },     /* constant with exceptions */
        { 8, 3 * 240 }, /* noise of 17 bits */
        { 11, 3 * 240 },
        { 19, 70 },     /* constant, no decimal */
    };
    columns c = { 0 };
    rnd_seed(7);
    add_slot(&c, own_times(&c, 0, 240), 240, cases[_i].kind);
    ck_assert_uint_le(round_trip(&c), cases[_i].max);
    release(&c);
}
END_TEST

/* One staleness marker costs its exception, not the column. */
START_TEST(a_marker_does_not_spoil_a_column)
{
    columns c = { 0 };
    double *v = own(&c, 240 * sizeof *v);
    for (size_t i = 0; i < 240; i++)
        v[i] = 1000 + (double)(i * 7 % 13) / 4;
    int64_t *t = own_times(&c, 0, 240);
    c.slots[c.n++] = (pack_column){ t, v, 240 };
    size_t clean = round_trip(&c);
    v[239] = sample_stale();
    ck_assert_uint_le(round_trip(&c), clean + 16);
    release(&c);
}
END_TEST

static buf sample_blob(columns *c)
{
    pack_encoder *enc = pack_encoder_new();
    buf blob;
    buf_init(&blob, LIMIT_TEST_BLOB);
    int64_t *t = own_times(c, 1, 100);
    for (int k = 0; k < 2 * N_VALUE_KINDS; k++)
        add_slot(c, t, k % 3 ? 100 : 60, k % N_VALUE_KINDS);
    pack_encode(enc, c->slots, c->n, &blob);
    pack_encoder_free(enc);
    return blob;
}

START_TEST(every_changed_byte_is_noticed)
{
    columns c = { 0 };
    err e = { 0 };
    pack_view view;
    rnd_seed(5);
    buf blob = sample_blob(&c);
    ck_assert(pack_open(buf_bytes(&blob), &view, &e));
    for (size_t i = 0; i < blob.len; i++) {
        blob.p[i] ^= (char)(1 << (i % 8));
        must(!pack_open(buf_bytes(&blob), &view, &e));
        blob.p[i] ^= (char)(1 << (i % 8));
        must(!pack_open((bytes){ blob.p, i }, &view, &e));
    }
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
    buf_release(&blob);
    release(&c);
}
END_TEST

/* Damage under a right checksum: any answer or an error, times ascending, no crash (run under the sanitizers). */
START_TEST(hostile_bytes_are_safe)
{
    columns c = { 0 };
    err e = { 0 };
    rnd_seed(60 + (uint64_t)_i);
    buf blob = sample_blob(&c);
    pack_decoder *dec = pack_decoder_new();
    sample_columns out = { 0 };
    char *copy = malloc(blob.len);
    for (int round = 0; round < 300; round++) {
        memcpy(copy, blob.p, blob.len);
        for (uint64_t k = 1 + rnd_below(4); k > 0; k--)
            copy[8 + rnd_below(rnd_below(2) ? 60 : blob.len - 8)] = (char)rnd();
        uint64_t sum = XXH3_64bits(copy + 8, blob.len - 8);
        memcpy(copy, &sum, 8);
        for (uint32_t slot = 0; slot < c.n; slot += 3) {
            out.n = 0;
            if (!pack_read(dec, (bytes){ copy, blob.len }, slot, INT64_MIN, INT64_MAX, &out, &e))
                continue;
            for (size_t i = 1; i < out.n; i++)
                must(out.t[i - 1] < out.t[i]);
        }
    }
    free(copy);
    sample_columns_release(&out);
    pack_decoder_free(dec);
    buf_release(&blob);
    release(&c);
}
END_TEST

TCase *tcase_pack(void)
{
    TCase *tc = tcase_create("pack");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_kind_of_value_comes_back, 0, N_VALUE_KINDS * N_TIME_KINDS);
    tcase_add_loop_test(tc, mixed_slots_come_back, 0, 60);
    tcase_add_test(tc, extreme_times_come_back);
    tcase_add_loop_test(tc, columns_are_small, 0, 6);
    tcase_add_test(tc, a_marker_does_not_spoil_a_column);
    tcase_add_test(tc, every_changed_byte_is_noticed);
    tcase_add_loop_test(tc, hostile_bytes_are_safe, 0, 10);
    return tc;
}
