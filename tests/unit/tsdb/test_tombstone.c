/* Tombstones: bytes and back, damaged bytes, sets, what they hide. */
#include "tsdb/tombstone.h"
#include "tests.h"

static tombstone *make(uint64_t id, int64_t mint, int64_t maxt)
{
    arena a;
    matcher ms[2];
    arena_init(&a, 0);
    ck_assert(matcher_init(&ms[0], &a, MATCH_RE, LABEL_NAME, BYTES("a|b.*"), NULL));
    ck_assert(matcher_init(&ms[1], &a, MATCH_NE, BYTES("x"), BYTES("1"), NULL));
    tombstone *t = tombstone_new(id, 40 + id, ms, 2, mint, maxt);
    matcher_release(&ms[0]);
    matcher_release(&ms[1]);
    arena_release(&a);
    return t;
}

START_TEST(what_is_written_reads_back)
{
    tombstone *t = make(7, INT64_MIN, 99);
    buf b;
    err e = { 0 };
    buf_init(&b, 4096);
    tombstone_write(t, &b);
    tombstone *u = tombstone_parse(buf_bytes(&b), &e);
    ck_assert_msg(u != NULL, "%s", e.msg);
    ck_assert_uint_eq(u->id, 7);
    ck_assert_uint_eq(u->covered, 47);
    ck_assert_int_eq(u->mint, INT64_MIN);
    ck_assert_int_eq(u->maxt, 99);
    ck_assert_uint_eq(u->n, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(u->ms[i].op, t->ms[i].op);
        ck_assert(bytes_eq(u->ms[i].name, t->ms[i].name));
        ck_assert(bytes_eq(u->ms[i].value, t->ms[i].value));
    }
    for (size_t len = 0; len < b.len; len++)
        ck_assert_ptr_null(tombstone_parse(bytes_n(b.p, len), NULL));
    for (size_t at = 0; at < b.len; at++) { /* no damage may do more than fail or mean another delete */
        char was = b.p[at];
        b.p[at] = (char)(was ^ 0x55);
        tombstone_unref(tombstone_parse(buf_bytes(&b), NULL));
        b.p[at] = was;
    }
    tombstone_unref(t);
    tombstone_unref(u);
    buf_release(&b);
}
END_TEST

START_TEST(sets_hide_by_labels_and_time)
{
    static const struct { const char *name, *x; int64_t mint, maxt; size_t want; } rows[] = {
        { "a", "2", 0, 1000, 2 }, { "bc", "", 0, 1000, 2 }, { "a", "1", 0, 1000, 0 }, { "c", "2", 0, 1000, 0 },
        { "a", "2", 0, 99, 0 },   { "a", "2", 200, 299, 1 }, { "a", "2", 150, 150, 1 }, { "a", "2", 250, 5000, 1 },
    };
    arena a;
    tombstone_set *set = NULL;
    arena_init(&a, 0);
    for (uint64_t i = 1; i <= 2; i++) {
        tombstone *t = make(i, (int64_t)i * 200 - 100, (int64_t)i * 200);
        tombstone_set *with = tombstone_set_with(set, t);
        tombstone_unref(t);
        tombstone_set_unref(set);
        set = with;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        label l[] = { { LABEL_NAME, bytes_of(rows[i].name) }, { BYTES("x"), bytes_of(rows[i].x) } };
        day_hide *hides = NULL;
        size_t n = tombstones_hide(set, labels_from(&a, l, 2), rows[i].mint, rows[i].maxt, &a, &hides);
        ck_assert_msg(n == rows[i].want, "row %zu: %zu", i, n);
        if (n == 2)
            ck_assert_uint_eq(hides[1].covered, 42);
        ck_assert(n == 0 || tombstones_touch(set, rows[i].mint, rows[i].maxt));
    }
    ck_assert(!tombstones_touch(set, 201, 299));
    ck_assert(!tombstones_touch(NULL, 0, 1000));
    tombstone_set *rest = tombstone_set_without(set, 1, NULL, NULL);
    ck_assert_uint_eq(rest->n, 1);
    ck_assert_uint_eq(rest->items[0]->id, 2);
    tombstone_set_unref(set);
    tombstone_set_unref(rest);
    arena_release(&a);
}
END_TEST

TCase *tcase_tombstone(void)
{
    TCase *tc = tcase_create("tombstone");
    tcase_add_test(tc, what_is_written_reads_back);
    tcase_add_test(tc, sets_hide_by_labels_and_time);
    return tc;
}
