/* The head: series come, are flushed, fall silent and leave, and the index follows. */
#include "tsdb/head.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>

enum { N = 3000 };

static labels *make_labels(int i, int life)
{
    char id[32], run[32];
    snprintf(id, sizeof id, "%d", i);
    snprintf(run, sizeof run, "%d-%d", i, life);
    label l[] = { { LABEL_NAME, bytes_of(i % 2 ? "odd" : "even") },
                  { BYTES("id"), bytes_of(id) },
                  { BYTES("run"), bytes_of(run) } };
    return labels_new(l, 3);
}

static void put(head *h, int i, int life, sample x)
{
    uint32_t slot;
    bool is_new;
    labels *l = make_labels(i, life);
    head_store(h, head_series(h, l, &slot, &is_new), x);
    labels_unref(l);
}

static void flush_all(head *h)
{
    head_flush f;
    head_flush_begin(h, &f);
    while (!head_flush_list(h, &f, 100))
        ;
    for (size_t i = 0; i < f.n; i++)
        ck_assert(chunk_is_sealed(f.items[i].first));
    head_flush_drop(h, f.items, f.n);
    head_flush_end(h, true);
    free(f.items);
}

static size_t count(head *h, const char *name, const char *value)
{
    arena a;
    matcher m;
    matcher_scan scan;
    uint32_t *slots;
    size_t n;
    arena_init(&a, 0);
    ck_assert(matcher_init(&m, &a, MATCH_EQ, bytes_of(name), bytes_of(value), NULL));
    matcher_scan_begin(&h->index, &m, &scan);
    postings_select(&h->index, &m, &scan, 1, &slots, &n);
    for (size_t i = 0; i < n; i++)
        ck_assert(matchers_match(&m, 1, series_at(&h->series, slots[i])->labels));
    matcher_scan_release(&scan);
    matcher_release(&m);
    arena_release(&a);
    free(slots);
    return n;
}

START_TEST(silent_series_leave_and_slots_are_used_again)
{
    head h;
    head_init(&h);
    for (int life = 0; life < 4; life++) {
        for (int i = 0; i < N; i++)
            put(&h, i, i % 3 ? 0 : life, (sample){ life * 1000 + i % 10, i });
        ck_assert_uint_eq(h.series.n_live, N + (life ? N / 3 : 0));
        ck_assert_uint_eq(h.n_samples, N);
        flush_all(&h);
        ck_assert_uint_eq(h.n_samples, 0);
        ck_assert_uint_eq(h.n_chunks, 0);
        ck_assert_uint_eq(h.chunk_bytes, 0);
        uint32_t at = 0;
        while (!head_collect(&h, &at, 37, life * 1000))
            ;
        ck_assert_uint_eq(h.series.n_live, N);
        ck_assert_uint_le(h.series.n_slots, N + N / 3);
        ck_assert_uint_eq(count(&h, "__name__", "even"), N / 2);
        ck_assert_uint_eq(count(&h, "run", "3-0"), life == 0);
        ck_assert_uint_eq(count(&h, "run", "4-0"), 1);
        ck_assert_uint_eq(h.index.n_pairs, 2 + 2 * N);
        /* dead values are swept now and then, not kept for ever */
        ck_assert_uint_le(postings_n_values(&h.index, postings_find_name(&h.index, BYTES("run"))), 2 * N);
    }
    head_release(&h);
}
END_TEST

START_TEST(a_flush_that_failed_keeps_everything)
{
    head h;
    head_flush f;
    head_init(&h);
    put(&h, 1, 0, (sample){ 10, 1 });
    put(&h, 1, 0, (sample){ 20, 2 });
    head_flush_begin(&h, &f);
    ck_assert(head_flush_list(&h, &f, 1000));
    put(&h, 1, 0, (sample){ 30, 3 });
    ck_assert_int_eq(h.min_t, 30);
    head_flush_end(&h, false);
    ck_assert_int_eq(h.min_t, 10);
    ck_assert_uint_eq(h.n_samples, 3);
    free(f.items);
    head_flush_begin(&h, &f);
    ck_assert(head_flush_list(&h, &f, 1000));
    ck_assert_uint_eq(f.n, 1);
    ck_assert_int_eq(series_min_t(f.items[0].s), 10);
    put(&h, 1, 0, (sample){ 40, 4 });
    ck_assert(!head_delete(&h, 0, 15, 25)); /* the flush goes on with the old list */
    ck_assert_uint_eq(chunk_len(f.items[0].first), 1);
    head_flush_drop(&h, f.items, f.n);
    ck_assert_uint_eq(h.n_samples, 3);      /* 10, 30, 40 were made anew by the delete */
    head_flush_end(&h, true);
    free(f.items);
    flush_all(&h);
    ck_assert_uint_eq(h.n_samples, 0);
    head_release(&h);
}
END_TEST

TCase *tcase_head(void)
{
    TCase *tc = tcase_create("head");
    tcase_add_test(tc, silent_series_leave_and_slots_are_used_again);
    tcase_add_test(tc, a_flush_that_failed_keeps_everything);
    return tc;
}
