/* test_remote.c: the remote-write receiver on a store of its own: what is taken, refused, remembered and said. */
#include "base/pb.h"
#include "remote/write_handler.h"
#include "tsdb/select.h"
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    char dir[64];
    db *db;
    remote_writer *w;
    arena a;
} env;

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    return remove(path);
}

static void open_db(void)
{
    err e = { 0 };
    db_options opt = { .dir = env.dir };
    ck_assert_msg(db_open(&opt, &env.db, &e), "%s", e.msg);
    env.w = remote_writer_new(env.db);
}

static void setup(void)
{
    snprintf(env.dir, sizeof env.dir, "/tmp/remote-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(env.dir));
    arena_init(&env.a, 0);
    open_db();
}

static void teardown(void)
{
    err e = { 0 };
    remote_writer_free(env.w);
    ck_assert_msg(db_close(env.db, &e), "%s", e.msg);
    arena_release(&env.a);
    nftw(env.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "a=1,b=2" and samples; __name__ is m unless given. */
static void put_series(buf *b, const char *text, const sample *s, size_t n)
{
    size_t m = pb_begin(b, 1);
    bytes rest = bytes_of(text), pair;
    while (rest.len > 0) {
        bytes name, value;
        bytes_cut(rest, ',', &pair, &rest);
        bytes_cut(pair, '=', &name, &value);
        size_t l = pb_begin(b, 1);
        pb_put_bytes(b, 1, name);
        pb_put_bytes(b, 2, value);
        pb_end(b, l);
        if (pair.p + pair.len == text + strlen(text))
            break;
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = pb_begin(b, 2);
        pb_put_double(b, 1, s[i].v);
        pb_put_varint(b, 2, (uint64_t)s[i].t);
        pb_end(b, k);
    }
    pb_end(b, m);
}

static remote_write_result write_request(const buf *b, int64_t now_ms)
{
    rw_request r;
    err e = { 0 };
    remote_write_result out;
    ck_assert(rw_decode(buf_bytes(b), remote_writer_seed(env.w), &env.a, &r, &e));
    remote_writer_append(env.w, &r, now_ms, &out);
    return out;
}

static remote_write_result write_one(const char *labels_text, int64_t t, double v)
{
    buf b;
    buf_init(&b, 1 << 20);
    put_series(&b, labels_text, &(sample){ t, v }, 1);
    remote_write_result out = write_request(&b, t);
    buf_release(&b);
    return out;
}

/* All samples of all series, as one number each way. */
static size_t count_samples(double *sum)
{
    err e = { 0 };
    snapshot *s;
    series_view *v;
    size_t n, total = 0;
    sample_columns c = { 0 };
    db_selector sel = { .mint = INT64_MIN, .maxt = INT64_MAX };
    *sum = 0;
    ck_assert(snapshot_open(env.db, &sel, 1, &s, &e));
    ck_assert(snapshot_series(s, 0, &env.a, &v, &n, &e));
    for (size_t i = 0; i < n; i++) {
        ck_assert(series_read(s, &v[i], sel.mint, sel.maxt, &c, &e));
        total += c.n;
        for (size_t k = 0; k < c.n; k++)
            *sum += c.v[k];
    }
    sample_columns_release(&c);
    snapshot_free(s);
    return total;
}

START_TEST(samples_are_stored_and_series_remembered)
{
    double sum;
    for (int round = 0; round < 3; round++) {
        buf b;
        buf_init(&b, 1 << 20);
        for (int i = 0; i < 100; i++) {
            char text[64];
            snprintf(text, sizeof text, "__name__=m,i=%d", round == 1 ? 99 - i : i); /* order is no matter */
            put_series(&b, text, (sample[]){ { round * 1000 + 1, 1 }, { round * 1000 + 2, 2 } }, 2);
        }
        remote_write_result r = write_request(&b, round * 1000);
        ck_assert_int_eq(r.status, 204);
        ck_assert_uint_eq(r.n_stored, 200);
        ck_assert_uint_ne(r.seq, 0);
        buf_release(&b);
    }
    ck_assert_uint_eq(count_samples(&sum), 600);
    ck_assert_double_eq(sum, 900);
}
END_TEST

static const struct {
    const char *series;
    int64_t t;
    double v;
    int status;
    const char *error;
} answers[] = {
    { "__name__=m", 2000, 2, 204, "" }, /* the same again */
    { "__name__=m", 2000, 3, 400,
      "duplicate sample for timestamp 2000; overrides not allowed: existing 2, new value 3" },
    { "__name__=m", 1000, 9, 400, "out of order sample" },
    { "a=1", 1000, 1, 204, "" }, /* no name: counted and left out, as Prometheus does */
    { "__name__=n", 1000, 1, 204, "" },
};
START_TEST(refusals_are_worded_as_prometheus_does)
{
    ck_assert_int_eq(write_one("__name__=m", 1000, 1).status, 204);
    ck_assert_int_eq(write_one("__name__=m", 2000, 2).status, 204);
    remote_write_result r = write_one(answers[_i].series, answers[_i].t, answers[_i].v);
    ck_assert_int_eq(r.status, answers[_i].status);
    ck_assert_str_eq(r.error.msg, answers[_i].error);
}
END_TEST

START_TEST(what_fits_is_stored_beside_what_is_refused)
{
    buf b;
    double sum;
    buf_init(&b, 1 << 20);
    write_one("__name__=m", 2000, 2);
    put_series(&b, "__name__=m", (sample[]){ { 1000, 1 }, { 3000, 3 } }, 2);
    put_series(&b, "__name__=n", (sample[]){ { 1000, 4 } }, 1);
    put_series(&b, "__name__=empty", NULL, 0);
    remote_write_result r = write_request(&b, 3000);
    ck_assert_int_eq(r.status, 400);
    ck_assert_uint_eq(r.n_stored, 2);
    ck_assert_uint_eq(count_samples(&sum), 3);
    ck_assert_double_eq(sum, 9);
    buf_release(&b);
}
END_TEST

START_TEST(empty_request_waits_for_nothing)
{
    buf b;
    buf_init(&b, 64);
    remote_write_result r = write_request(&b, 1000);
    ck_assert_int_eq(r.status, 204);
    ck_assert_uint_eq(r.seq, 0);
    buf_release(&b);
}
END_TEST

START_TEST(forgotten_series_are_learned_again)
{
    enum { MIN = 60000 };
    double sum;
    ck_assert_int_eq(write_one("__name__=m", 1 * MIN, 1).status, 204);
    remote_writer_tick(env.w, 60 * MIN);
    ck_assert_int_eq(write_one("__name__=m", 61 * MIN, 2).status, 204);
    remote_writer_tick(env.w, 62 * MIN); /* still fresh */
    ck_assert_int_eq(write_one("__name__=m", 62 * MIN, 3).status, 204);
    ck_assert_uint_eq(count_samples(&sum), 3);
}
END_TEST

START_TEST(series_that_left_the_store_come_back_by_their_labels)
{
    double sum;
    err e = { 0 };
    uint64_t seq;
    write_one("__name__=m", 1000, 1);
    write_one("__name__=m", 2000, 2);
    ck_assert(db_delete(env.db, NULL, 0, INT64_MIN, INT64_MAX, &seq, &e));
    db_request_flush(env.db);
    db_drain(env.db, 10 * 3600 * 1000);
    db_drain(env.db, 20 * 3600 * 1000);
    remote_write_result r = write_one("__name__=m", 20 * 3600 * 1000, 3);
    ck_assert_int_eq(r.status, 204);
    ck_assert_uint_eq(r.n_stored, 1);
    ck_assert_uint_eq(count_samples(&sum), 1);
    ck_assert_double_eq(sum, 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("remote");
    TCase *tc = tcase_create("write_handler");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, samples_are_stored_and_series_remembered);
    tcase_add_loop_test(tc, refusals_are_worded_as_prometheus_does, 0, (int)(sizeof answers / sizeof answers[0]));
    tcase_add_test(tc, what_fits_is_stored_beside_what_is_refused);
    tcase_add_test(tc, empty_request_waits_for_nothing);
    tcase_add_test(tc, forgotten_series_are_learned_again);
    tcase_add_test(tc, series_that_left_the_store_come_back_by_their_labels);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
