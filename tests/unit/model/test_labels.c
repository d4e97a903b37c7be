/* test_labels.c: label sets: packing, order, counting, the builder. */
#include "tests.h"
#include "base/limits.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void check_print(const labels *l, const char *want)
{
    buf b;
    buf_init(&b, 10000);
    labels_print(&b, l);
    ck_bytes(buf_bytes(&b), want);
    buf_release(&b);
}

START_TEST(labels_are_sorted_distinct_and_without_empty_values)
{
    arena a;
    arena_init(&a, 0);
    check_print(test_labels(&a, "b=2,a=1,c=,b=3"), "{a=\"1\", b=\"3\"}"); /* the last of a name stays */
    check_print(test_labels(&a, "b=2,b="), "{}");                         /* even when it is empty */
    check_print(test_labels(&a, "=x,a=1"), "{a=\"1\"}");
    check_print(test_labels(&a, ""), "{}");
    ck_assert(labels_eq(test_labels(&a, ""), &labels_empty));
    ck_assert(labels_eq(test_labels(&a, "x="), &labels_empty));
    ck_assert_uint_eq(labels_count(test_labels(&a, "a=1,b=2")), 2);
    arena_release(&a);
}
END_TEST

START_TEST(labels_of_many_names_are_sorted_too)
{
    enum { N = 500 };
    static char text[N][2][16];
    label list[N];
    uint64_t seed = 3;
    for (int i = 0; i < N; i++) {
        snprintf(text[i][0], 16, "n%03d", (int)(test_random(&seed) % 300));
        snprintf(text[i][1], 16, "v%d", i);
        list[i] = (label){ bytes_of(text[i][0]), bytes_of(text[i][1]) };
    }
    labels *l = labels_new(list, N);
    bytes last = { 0 };
    label x;
    for (labels_iter it = labels_walk(l); labels_next(&it, &x); last = x.name) {
        ck_assert_int_lt(bytes_cmp(last, x.name), 0);
        bytes want = { 0 };
        for (int i = 0; i < N; i++)
            if (bytes_eq(list[i].name, x.name))
                want = list[i].value;
        ck_assert(bytes_eq(x.value, want));
    }
    labels_unref(l);
}
END_TEST

START_TEST(labels_get_and_has)
{
    arena a;
    arena_init(&a, 0);
    const labels *l = test_labels(&a, "__name__=up,instance=h:1,job=x");
    ck_bytes(labels_get(l, LABEL_NAME), "up");
    ck_bytes(labels_get(l, BYTES("job")), "x");
    ck_bytes(labels_get(l, BYTES("jo")), "");
    ck_bytes(labels_get(l, BYTES("zzz")), "");
    ck_assert(labels_has(l, BYTES("instance")) && !labels_has(l, BYTES("")));
    ck_assert(!labels_has(&labels_empty, BYTES("a")));
    arena_release(&a);
}
END_TEST

static const struct {
    const char *a, *b;
    int order;
} orders[] = {
    { "", "", 0 },           { "", "a=1", -1 },        { "a=1", "a=1", 0 },
    { "a=1", "a=2", -1 },    { "a=1", "a=1,b=1", -1 }, { "a=2", "a=1,b=1", 1 },
    { "b=1", "a=9,z=1", 1 }, { "a=1", "a=10", -1 },
};

START_TEST(labels_compare_pairwise)
{
    arena a;
    arena_init(&a, 0);
    const labels *x = test_labels(&a, orders[_i].a), *y = test_labels(&a, orders[_i].b);
    int c = labels_cmp(x, y), d = labels_cmp(y, x);
    ck_assert_int_eq((c > 0) - (c < 0), orders[_i].order);
    ck_assert_int_eq((d > 0) - (d < 0), -orders[_i].order);
    ck_assert_int_eq(labels_eq(x, y), orders[_i].order == 0);
    ck_assert_int_eq(x->hash == y->hash, orders[_i].order == 0);
    arena_release(&a);
}
END_TEST

START_TEST(labels_are_counted_on_the_heap_and_copied_from_an_arena)
{
    arena a;
    arena_init(&a, 0);
    const labels *in_arena = test_labels(&a, "a=1");
    labels *heap = labels_ref(in_arena);
    ck_assert_ptr_ne(heap, in_arena);
    labels_unref(in_arena); /* does nothing */
    arena_release(&a);
    check_print(heap, "{a=\"1\"}");
    ck_assert_ptr_eq(labels_ref(heap), heap);
    labels_unref(heap);
    check_print(heap, "{a=\"1\"}");
    labels_unref(heap);
    labels_unref(NULL);
    labels *none = labels_ref(&labels_empty);
    ck_assert(labels_eq(none, &labels_empty));
    labels_unref(none);
    labels_unref(&labels_empty);
}
END_TEST

static void *ref_many(void *ctx)
{
    for (int i = 0; i < 20000; i++)
        labels_unref(labels_ref(ctx));
    return NULL;
}

START_TEST(labels_are_counted_from_any_thread)
{
    label list[] = { { BYTES("a"), BYTES("1") } };
    labels *l = labels_new(list, 1);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, ref_many, l);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(l->refs, 1);
    labels_unref(l);
}
END_TEST

static const struct {
    const char *data;
    size_t len;
    bool ok;
} packed[] = {
    { "", 0, true },
    { "\1a\1x", 4, true },
    { "\1a\1x\1b\1y", 8, true },
    { "\1a\1x\1a\1y", 8, false }, /* twice */
    { "\1b\1x\1a\1y", 8, false }, /* order */
    { "\0\1x", 3, false },        /* no name */
    { "\1a\0", 3, false },        /* no value */
    { "\1a\2x", 4, false },       /* past the end */
    { "\1a", 2, false },
    { "\1", 1, false },
    { "\x81\0a\1x", 5, false }, /* a length longer than need be */
    { "\xff\xff\xff\xff\xff\1a", 7, false },
    { "\xff\xff\xff\xff\x0f\1a", 7, false },
};

START_TEST(labels_from_packed_checks_every_invariant)
{
    arena a;
    arena_init(&a, 0);
    bytes data = bytes_n(packed[_i].data, packed[_i].len);
    const labels *l = labels_from_packed(&a, data);
    labels *heap = labels_new_packed(data);
    ck_assert_int_eq(l != NULL, packed[_i].ok);
    ck_assert_int_eq(heap != NULL, packed[_i].ok);
    ck_assert(!l || labels_eq(l, heap));
    labels_unref(heap);
    arena_release(&a);
}
END_TEST

START_TEST(labels_survive_packing)
{
    uint64_t seed = 17;
    arena a;
    arena_init(&a, 0);
    for (int i = 0; i < 2000; i++) {
        static char text[64][300];
        label list[32];
        size_t n = test_random(&seed) % 32;
        for (size_t k = 0; k < n; k++) {
            size_t len = 1 + test_random(&seed) % (k == 3 ? 290 : 12);
            for (size_t c = 0; c < len; c++)
                text[k][c] = (char)test_random(&seed);
            list[k].name = bytes_n(text[k], 1 + len / 3);
            list[k].value = bytes_n(text[k], len);
        }
        const labels *l = labels_from(&a, list, n);
        const labels *back = labels_from_packed(&a, bytes_n(l->data, l->len));
        ck_assert(back && labels_eq(l, back) && labels_cmp(l, back) == 0);
        labels_builder b;
        labels_builder_init(&b, &a, l);
        ck_assert(labels_eq(labels_builder_build(&b), l));
        arena_reset(&a);
    }
    arena_release(&a);
}
END_TEST

START_TEST(labels_builder_changes_a_base)
{
    arena a;
    arena_init(&a, 0);
    const labels *base = test_labels(&a, "b=2,d=4");
    labels_builder b;
    labels_builder_init(&b, &a, base);
    labels_builder_set(&b, BYTES("c"), BYTES("3"));
    labels_builder_set(&b, BYTES("a"), BYTES("1"));
    labels_builder_set(&b, BYTES("b"), BYTES("two"));
    labels_builder_set(&b, BYTES("d"), BYTES("")); /* deletes */
    labels_builder_set(&b, BYTES("none"), BYTES(""));
    labels_builder_del(&b, BYTES("missing"));
    ck_bytes(labels_builder_get(&b, BYTES("b")), "two");
    ck_bytes(labels_builder_get(&b, BYTES("d")), "");
    check_print(labels_builder_build(&b), "{a=\"1\", b=\"two\", c=\"3\"}");
    check_print(base, "{b=\"2\", d=\"4\"}");
    labels_builder_init(&b, &a, NULL);
    ck_assert(labels_eq(labels_builder_build(&b), &labels_empty));
    for (int i = 0; i < 100; i++) {
        bytes name = arena_bytesf(&a, "n%d", i);
        labels_builder_set(&b, name, name);
    }
    ck_assert_uint_eq(labels_count(labels_builder_build(&b)), 100);
    arena_release(&a);
}
END_TEST

START_TEST(labels_subsets)
{
    arena a;
    arena_init(&a, 0);
    const labels *l = test_labels(&a, "__name__=m,__type__=gauge,__unit__=s,a=1,b=2,c=3");
    const bytes names[] = { BYTES("a"), BYTES("c"), BYTES("x") };
    check_print(labels_only(&a, l, names, 3), "{a=\"1\", c=\"3\"}");
    check_print(labels_only(&a, l, NULL, 0), "{}");
    check_print(labels_without(&a, l, names, 3, true), "{b=\"2\"}");
    check_print(labels_without(&a, l, NULL, 0, false),
                "{__name__=\"m\", __type__=\"gauge\", __unit__=\"s\", a=\"1\", b=\"2\", c=\"3\"}");
    ck_assert(labels_eq(labels_only(&a, l, NULL, 0), &labels_empty));
    const bytes all[] = { BYTES("__name__"), BYTES("__type__"), BYTES("__unit__"), BYTES("a"), BYTES("b"), BYTES("c") };
    ck_assert(labels_eq(labels_only(&a, l, all, 6), l));
    arena_release(&a);
}
END_TEST

static const struct {
    const char *labels, *plain, *metric;
} prints[] = {
    { "", "{}", "{}" },
    { "__name__=up", "{__name__=\"up\"}", "up" },
    { "__name__=up,a=b", "{__name__=\"up\", a=\"b\"}", "up{a=\"b\"}" },
    { "a=b", "{a=\"b\"}", "{a=\"b\"}" },
    { "a=q\"\n\\", "{a=\"q\\\"\\n\\\\\"}", "{a=\"q\\\"\\n\\\\\"}" },
    { "a.b=c", "{\"a.b\"=\"c\"}", "{\"a.b\"=\"c\"}" },
    { "__name__=my.metric,a=b", "{__name__=\"my.metric\", a=\"b\"}", "{\"my.metric\", a=\"b\"}" },
};

START_TEST(labels_print_as_prometheus_prints)
{
    arena a;
    arena_init(&a, 0);
    const labels *l = test_labels(&a, prints[_i].labels);
    check_print(l, prints[_i].plain);
    buf b;
    buf_init(&b, 1000);
    labels_print_metric(&b, l);
    ck_bytes(buf_bytes(&b), prints[_i].metric);
    buf_release(&b);
    arena_release(&a);
}
END_TEST

START_TEST(label_names_of_the_old_kind)
{
    ck_assert(label_is_legacy_metric_name(BYTES("a:b_C9")) && label_is_legacy_metric_name(BYTES(":")));
    ck_assert(!label_is_legacy_metric_name(BYTES("9a")) && !label_is_legacy_metric_name(BYTES("")));
    ck_assert(!label_is_legacy_metric_name(BYTES("a.b")) && !label_is_legacy_metric_name(BYTES("é")));
    ck_assert(label_is_legacy_name(BYTES("_a9")) && !label_is_legacy_name(BYTES("a:b")));
    ck_assert(!label_is_legacy_name(BYTES("")) && !label_is_legacy_name(BYTES("9")));
}
END_TEST

TCase *labels_cases(void)
{
    TCase *tc = tcase_create("labels");
    tcase_add_test(tc, labels_are_sorted_distinct_and_without_empty_values);
    tcase_add_test(tc, labels_of_many_names_are_sorted_too);
    tcase_add_test(tc, labels_get_and_has);
    tcase_add_loop_test(tc, labels_compare_pairwise, 0, N_ROWS(orders));
    tcase_add_test(tc, labels_are_counted_on_the_heap_and_copied_from_an_arena);
    tcase_add_test(tc, labels_are_counted_from_any_thread);
    tcase_add_loop_test(tc, labels_from_packed_checks_every_invariant, 0, N_ROWS(packed));
    tcase_add_test(tc, labels_survive_packing);
    tcase_add_test(tc, labels_builder_changes_a_base);
    tcase_add_test(tc, labels_subsets);
    tcase_add_loop_test(tc, labels_print_as_prometheus_prints, 0, N_ROWS(prints));
    tcase_add_test(tc, label_names_of_the_old_kind);
    return tc;
}
