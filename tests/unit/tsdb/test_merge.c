/* Columns: cutting, dropping, merging, and chunks of all kinds read as one run; against a plain table. */
#include "tsdb/merge.h"
#include "tests.h"
#include <stdlib.h>

static void fill(sample_columns *c, const int64_t *t, size_t n, double v)
{
    for (size_t i = 0; i < n; i++)
        columns_push(c, (sample){ t[i], v });
}

static void check_times(const sample_columns *c, const int64_t *want, size_t n)
{
    ck_assert_uint_eq(c->n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(c->t[i], want[i]);
}

#define TIMES(...) (const int64_t[]){ __VA_ARGS__ }, sizeof((const int64_t[]){ __VA_ARGS__ }) / 8

static const struct { int64_t mint, maxt; size_t cut_from, cut_n, dropped_n; } ranges[] = {
    { 1, 50, 0, 5, 0 },   { 10, 50, 0, 5, 0 }, { 11, 49, 1, 3, 2 }, { 20, 20, 1, 1, 4 }, { 21, 29, 0, 0, 5 },
    { 60, 70, 0, 0, 5 },  { 0, 5, 0, 0, 5 },   { INT64_MIN, INT64_MAX, 0, 5, 0 }, { 50, INT64_MAX, 4, 1, 4 },
};

START_TEST(cut_and_drop_are_complements)
{
    static const int64_t t[] = { 10, 20, 30, 40, 50 };
    sample_columns a = { 0 }, b = { 0 };
    fill(&a, t, 5, 1);
    fill(&b, t, 5, 1);
    columns_cut(&a, 0, ranges[_i].mint, ranges[_i].maxt);
    columns_drop(&b, 0, ranges[_i].mint, ranges[_i].maxt);
    check_times(&a, t + ranges[_i].cut_from, ranges[_i].cut_n);
    ck_assert_uint_eq(b.n, ranges[_i].dropped_n);
    sample_columns_release(&a);
    sample_columns_release(&b);
}
END_TEST

START_TEST(the_newer_run_wins)
{
    sample_columns c = { 0 };
    fill(&c, TIMES(1), 9); /* in front of `from`: untouched */
    fill(&c, TIMES(5, 10, 20, 30, 40), 1);
    size_t mid = c.n;
    fill(&c, TIMES(4, 20, 25, 40, 41), 2);
    columns_merge_tail(&c, 1, mid);
    check_times(&c, TIMES(1, 4, 5, 10, 20, 25, 30, 40, 41));
    static const double want[] = { 9, 2, 1, 1, 2, 2, 1, 2, 2 };
    for (size_t i = 0; i < c.n; i++)
        ck_assert_double_eq(c.v[i], want[i]);
    sample_columns_release(&c);
}
END_TEST

enum { RANGE = 700, N_CHUNKS = 9 };

/* Chunks in order of age, XOR ones disjoint and ascending as the head makes them. */
START_TEST(views_read_as_one_run)
{
    chunk_view views[N_CHUNKS];
    double xor_v[RANGE], raw_v[RANGE];
    bool in_xor[RANGE] = { 0 }, in_raw[RANGE] = { 0 };
    unsigned seed = (unsigned)_i;
    int at = 0;
    for (int k = 0; k < N_CHUNKS; k++) { /* oldest first; views hold the newest first */
        bool raw = rand_r(&seed) % 3 == 0;
        chunk *c = NULL;
        sample last = { 0 };
        for (int i = 0; i < 60; i++) {
            at += 1 + rand_r(&seed) % 2;
            int t = raw ? rand_r(&seed) % RANGE : at % RANGE;
            if (!raw && at >= RANGE)
                break;
            sample x = { t, (double)(rand_r(&seed) % 100) };
            if (!c)
                c = chunk_new(raw ? CHUNK_RAW : CHUNK_XOR, x);
            else
                ck_assert(chunk_append(&c, last, x));
            last = x;
            (raw ? in_raw : in_xor)[t] = true;
            (raw ? raw_v : xor_v)[t] = x.v;
        }
        if (!c)
            c = chunk_new(CHUNK_RAW, (sample){ RANGE + 1, 0 });
        chunk_seal(c, last.t);
        views[N_CHUNKS - 1 - k] = chunk_look(c, 0);
    }
    for (int round = 0; round < 20; round++) {
        int64_t mint = rand_r(&seed) % RANGE, maxt = mint + rand_r(&seed) % (RANGE - mint);
        sample_columns out = { 0 };
        columns_push(&out, (sample){ -1, 7 });
        views_read(views, N_CHUNKS, mint, maxt, &out);
        size_t k = 1;
        for (int64_t t = mint; t <= maxt; t++) {
            if (!in_raw[t] && !in_xor[t])
                continue;
            ck_assert_uint_lt(k, out.n);
            ck_assert_int_eq(out.t[k], t);
            ck_assert_double_eq(out.v[k++], in_raw[t] ? raw_v[t] : xor_v[t]);
        }
        ck_assert_uint_eq(k, out.n);
        sample_columns_release(&out);
    }
    for (int k = 0; k < N_CHUNKS; k++)
        chunk_unref(views[k].c);
}
END_TEST

TCase *tcase_merge(void)
{
    TCase *tc = tcase_create("merge");
    tcase_add_loop_test(tc, cut_and_drop_are_complements, 0, sizeof ranges / sizeof *ranges);
    tcase_add_test(tc, the_newer_run_wins);
    tcase_add_loop_test(tc, views_read_as_one_run, 0, 20);
    return tc;
}
