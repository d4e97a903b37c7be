/* meta.db: what is put is there, in order, after closing, killing and damage; several changes are one. */
#include "disk.h"
#include "base/os.h"
#include "tsdb/meta.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *get(meta *m, const char *space, const char *key)
{
    static char text[64];
    buf b;
    err e = { 0 };
    bool found;
    buf_init(&b, 63);
    ck_assert_msg(meta_get(m, space, bytes_of(key), &b, &found, &e), "%s", e.msg);
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(buf_bytes(&b)));
    buf_release(&b);
    return found ? text : NULL;
}

static void put(meta *m, const char *space, const char *key, const char *value)
{
    err e = { 0 };
    ck_assert_msg(meta_put(m, space, bytes_of(key), bytes_of(value), &e), "%s", e.msg);
}

static bool collect(void *ctx, bytes key, bytes value)
{
    buf_printf(ctx, "%.*s=%.*s ", BYTES_ARG(key), BYTES_ARG(value));
    return key.len < 3;
}

START_TEST(values_stay)
{
    char *dir = fresh_dir();
    meta *m = meta_new(dir, false);
    err e = { 0 };
    buf all;
    ck_assert_ptr_null(get(m, "a", "x"));
    put(m, "a", "x", "1");
    put(m, "a", "x", "2");
    put(m, "b", "x", "other");
    put(m, "a", "", "empty key");
    put(m, "a", "k", "");
    ck_assert_str_eq(get(m, "a", "x"), "2");
    meta_rest(m);
    ck_assert_str_eq(get(m, "b", "x"), "other");
    ck_assert_str_eq(get(m, "a", "k"), "");
    ck_assert(meta_del(m, "a", BYTES("k"), &e));
    ck_assert_ptr_null(get(m, "a", "k"));
    meta_free(m);
    m = meta_new(dir, false);
    put(m, "a", "abc", "3");
    put(m, "a", "z", "not visited");
    buf_init(&all, 1000);
    ck_assert(meta_each(m, "a", collect, &all, &e));
    ck_assert(bytes_eq(buf_bytes(&all), BYTES("=empty key abc=3 ")));
    buf_release(&all);
    meta_free(m);
    drop_dir(dir);
}
END_TEST

START_TEST(changes_are_one)
{
    char *dir = fresh_dir();
    meta *m = meta_new(dir, false);
    err e = { 0 };
    put(m, "s", "old", "1");
    meta_change changes[] = { { "s", BYTES("old"), { 0 } },
                              { "s", BYTES("new"), BYTES("2") },
                              { "t", BYTES("new"), BYTES("3") } };
    ck_assert(meta_apply(m, changes, 3, &e));
    ck_assert_ptr_null(get(m, "s", "old"));
    ck_assert_str_eq(get(m, "t", "new"), "3");
    changes[1].space = NULL; /* not allowed by the schema: the second of three fails */
    changes[0].value = BYTES("again");
    ck_assert(!meta_apply(m, changes, 3, &e));
    ck_assert_ptr_null(get(m, "s", "old"));
    meta_free(m);
    drop_dir(dir);
}
END_TEST

static void write_file(const char *dir, const char *name, const char *text, size_t len, long at)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, at ? "r+b" : "wb");
    ck_assert_ptr_nonnull(f);
    fseek(f, at, SEEK_SET);
    fwrite(text, 1, len, f);
    fclose(f);
}

START_TEST(a_damaged_file_is_set_aside)
{
    static const struct { const char *text; size_t len; long at; } cases[] = {
        { "this is not a database at all, is it? no", 40, 0 },
        { "rubbish rubbish rubbish rubbish rubbish ", 40, 16 },
        { "rubbish rubbish rubbish rubbish rubbish ", 40, 100 },
        { "rubbish rubbish rubbish rubbish rubbish ", 40, 4096 },
        { "\0\0\0\7", 4, 60 },      /* user_version: a later version */
    };
    char *dir = fresh_dir(), path[300];
    meta *m = meta_new(dir, false);
    put(m, "a", "x", "1");
    meta_free(m);
    write_file(dir, "meta.db", cases[_i].text, cases[_i].len, cases[_i].at);
    m = meta_new(dir, false);
    ck_assert_ptr_null(get(m, "a", "x"));
    put(m, "a", "x", "2");
    meta_rest(m);
    ck_assert_str_eq(get(m, "a", "x"), "2");
    snprintf(path, sizeof path, "%s/meta.db.corrupt", dir);
    ck_assert_int_eq(access(path, F_OK), 0);
    meta_free(m);
    drop_dir(dir);
}
END_TEST

START_TEST(reading_only_changes_nothing)
{
    char *dir = fresh_dir(), path[300];
    meta *m = meta_new(dir, true);
    err e = { 0 };
    ck_assert_ptr_null(get(m, "a", "x"));
    ck_assert(!meta_put(m, "a", BYTES("x"), BYTES("1"), &e));
    ck_assert_int_eq(e.kind, ERR_UNAVAILABLE);
    snprintf(path, sizeof path, "%s/meta.db", dir);
    ck_assert_int_ne(access(path, F_OK), 0);
    meta_free(m);
    m = meta_new(dir, false);
    put(m, "a", "x", "1");
    meta_free(m);
    m = meta_new(dir, true);
    ck_assert_str_eq(get(m, "a", "x"), "1");
    meta_free(m);
    drop_dir(dir);
}
END_TEST

START_TEST(kill_loses_nothing_stored)
{
    char *dir = fresh_dir();
    int ack[2];
    uint32_t last = 0, n;
    ck_assert_int_eq(pipe(ack), 0);
    rnd_seed(70 + (uint64_t)_i);
    pid_t pid = fork();
    if (pid == 0) {
        meta *m = meta_new(dir, false);
        err e = { 0 };
        for (uint32_t i = 1;; i++)
            if (!meta_put(m, "n", BYTES("i"), bytes_n(&i, 4), &e) || write(ack[1], &i, 4) != 4)
                _exit(1);
    }
    close(ack[1]);
    uint32_t stop = 5 + (uint32_t)rnd_below(50);
    while (last < stop && read(ack[0], &last, 4) == 4)
        ;
    kill(pid, SIGKILL);
    while (read(ack[0], &last, 4) == 4)
        ;
    waitpid(pid, NULL, 0);
    meta *m = meta_new(dir, false);
    buf b;
    bool found;
    err e = { 0 };
    buf_init(&b, 4);
    ck_assert(meta_get(m, "n", BYTES("i"), &b, &found, &e) && found);
    memcpy(&n, b.p, 4);
    ck_assert_uint_ge(n, last);
    buf_release(&b);
    meta_free(m);
    close(ack[0]);
    drop_dir(dir);
}
END_TEST

TCase *tcase_meta(void)
{
    TCase *tc = tcase_create("meta");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, values_stay);
    tcase_add_test(tc, changes_are_one);
    tcase_add_loop_test(tc, a_damaged_file_is_set_aside, 0, 5);
    tcase_add_test(tc, reading_only_changes_nothing);
    tcase_add_loop_test(tc, kill_loses_nothing_stored, 0, 10);
    return tc;
}
