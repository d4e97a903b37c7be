/* The journal: what is written is read back in order; a torn or damaged tail ends the reading there; failed writes
 * leave no trace. */
#include "disk.h"
#include "base/num.h"
#include "base/os.h"
#include "base/vec.h"
#include "tsdb/journal.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything a reading has visited, as text: "S handle {labels} group", "t handle:v", "R type payload". */
typedef struct reading {
    buf text;
    uint64_t n_series;
    uint64_t n_samples;
} reading;

static uint64_t on_series(void *ctx, const labels *l, uint64_t group)
{
    reading *g = ctx;
    buf_printf(&g->text, "S %llu ", (unsigned long long)g->n_series);
    labels_print(&g->text, l);
    buf_printf(&g->text, " %llx\n", (unsigned long long)group);
    return g->n_series++;
}

static void on_samples(void *ctx, const uint64_t *handles, const int64_t *t, const double *v, size_t n)
{
    reading *g = ctx;
    for (size_t i = 0; i < n; i++)
        buf_printf(&g->text, "%lld %llu:%llx\n", (long long)t[i], (unsigned long long)handles[i],
                   (unsigned long long)num_bits(v[i]));
    g->n_samples += n;
}

static void on_record(void *ctx, int type, bytes payload)
{
    reading *g = ctx;
    buf_printf(&g->text, "R %d %.*s\n", type, BYTES_ARG(payload));
}

static journal_visitor visitor(reading *g)
{
    buf_init(&g->text, (size_t)64 << 20);
    g->n_series = g->n_samples = 0;
    return (journal_visitor){ g, on_series, on_samples, on_record };
}

/* What writing should be read as: the same text, written at the other end. */
typedef struct world {
    char *dir;
    journal *j;
    arena a;
    reading want;
    uint64_t handle_of[4096];
} world;

static void begin(world *w)
{
    err e = { 0 };
    *w = (world){ .dir = fresh_dir() };
    arena_init(&w->a, 0);
    visitor(&w->want);
    ck_assert_msg(journal_open(w->dir, 7, &w->j, &e), "%s", e.msg);
}

static void end(world *w)
{
    journal_close(w->j);
    arena_release(&w->a);
    buf_release(&w->want.text);
    drop_dir(w->dir);
}

static journal_def def_of(world *w, uint32_t ref, const char *name)
{
    label list[] = { { LABEL_NAME, bytes_of(name) }, { BYTES("job"), BYTES("node") } };
    return (journal_def){ .ref = ref, .group = ref * 77u, .labels = labels_from(&w->a, list, 2) };
}

static bool append(world *w, const journal_def *defs, size_t n_defs, const journal_sample *s, size_t n)
{
    err e = { 0 };
    if (!journal_append(w->j, defs, n_defs, s, n, &e))
        return false;
    for (size_t i = 0; i < n_defs; i++)
        w->handle_of[defs[i].ref] = on_series(&w->want, defs[i].labels, defs[i].group);
    for (size_t i = 0; i < n; i++)
        on_samples(&w->want, &w->handle_of[s[i].ref], &s[i].t, &s[i].v, 1);
    return true;
}

static void check_reads(world *w, uint64_t number, journal_result *got)
{
    reading g;
    err e = { 0 };
    journal_visitor v = visitor(&g);
    ck_assert_msg(journal_read(w->dir, number, false, &v, got, &e), "%s", e.msg);
    ck_assert_uint_eq(g.text.len, w->want.text.len);
    ck_assert(bytes_eq(buf_bytes(&g.text), buf_bytes(&w->want.text)));
    buf_release(&g.text);
}

/* Batches as scrapes and senders make them: new series now and then, all kinds of values, several samples of one
 * series. */
static void write_some(world *w, int batches)
{
    static double last[4096];
    static uint32_t n_refs;
    journal_def defs[64];
    journal_sample s[4096];
    int64_t t = 1700000000000;
    n_refs = 0;
    for (int b = 0; b < batches; b++, t += 15000) {
        size_t n = 0, n_defs = b == 0 ? 40 : rnd_below(3);
        for (size_t i = 0; i < n_defs; i++, n_refs++) {
            char name[32];
            snprintf(name, sizeof name, "metric_%u", n_refs);
            defs[i] = def_of(w, n_refs, name);
            last[n_refs] = 0;
        }
        for (uint32_t r = 0; r < n_refs; r++) {
            for (uint64_t k = rnd_below(30) ? 1 : rnd_below(5); k > 0; k--) {
                last[r] = value_of((int)(r % N_VALUE_KINDS), (size_t)b, last[r]);
                s[n++] =
                    (journal_sample){ .ref = r, .t = rnd_below(50) ? t : t + (int64_t)rnd_below(1000), .v = last[r] };
            }
        }
        ck_assert(append(w, defs, n_defs, s, n));
    }
}

START_TEST(reads_what_was_written)
{
    world w;
    journal_result got;
    err e = { 0 };
    rnd_seed(1 + (uint64_t)_i);
    begin(&w);
    write_some(&w, 30);
    ck_assert(journal_append_record(w.j, JOURNAL_TOMBSTONE, BYTES("gone"), &e));
    on_record(&w.want, JOURNAL_TOMBSTONE, BYTES("gone"));
    ck_assert(journal_sync(w.j, &e));
    check_reads(&w, 7, &got);
    ck_assert_uint_eq(got.n_records, 31);
    ck_assert_uint_eq(got.n_samples, w.want.n_samples);
    ck_assert_uint_eq(got.good_bytes, journal_bytes(w.j));
    ck_assert_uint_eq(got.cut_bytes, 0);
    end(&w);
}
END_TEST

START_TEST(a_ref_can_be_given_to_another_series)
{
    world w;
    journal_result got;
    begin(&w);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        journal_def d = def_of(&w, 5, name);
        journal_sample s[] = { { .ref = 5, .t = 10 * i, .v = 0.1 * i }, { .ref = 5, .t = 10 * i + 1, .v = 0.1 * i } };
        ck_assert(append(&w, &d, 1, s, 2));
    }
    check_reads(&w, 7, &got);
    ck_assert_uint_eq(got.n_series, 3);
    end(&w);
}
END_TEST

START_TEST(each_segment_stands_alone)
{
    world w;
    journal_result got;
    err e = { 0 };
    arena a;
    uint64_t *numbers, n_bytes;
    size_t n;
    arena_init(&a, 0);
    begin(&w);
    ck_assert_uint_eq(journal_segment(w.j), 7);
    write_some(&w, 3);
    buf_clear(&w.want.text);
    w.want.n_series = 0;
    ck_assert(journal_rotate(w.j, &e));
    ck_assert_uint_eq(journal_segment(w.j), 8);
    write_some(&w, 3);
    check_reads(&w, 8, &got);
    ck_assert(journal_list(w.dir, &a, &numbers, &n, &n_bytes, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(numbers[0], 7);
    ck_assert_uint_eq(numbers[1], 8);
    ck_assert_uint_gt(n_bytes, journal_bytes(w.j));
    ck_assert(journal_drop_below(w.dir, 8, &e));
    ck_assert(journal_list(w.dir, &a, &numbers, &n, &n_bytes, &e));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(n_bytes, journal_bytes(w.j));
    arena_release(&a);
    end(&w);
}
END_TEST

START_TEST(an_idle_journal_writes_nothing)
{
    world w;
    err e = { 0 };
    arena a;
    uint64_t *numbers, n_bytes;
    size_t n;
    arena_init(&a, 0);
    begin(&w);
    ck_assert(journal_sync(w.j, &e));
    ck_assert(journal_rotate(w.j, &e));
    ck_assert(journal_list(w.dir, &a, &numbers, &n, &n_bytes, &e));
    ck_assert_uint_eq(n, 0);
    ck_assert(journal_list("/tmp/no/such/folder", &a, &numbers, &n, &n_bytes, &e));
    ck_assert_uint_eq(n, 0);
    arena_release(&a);
    end(&w);
}
END_TEST

static char *read_segment(world *w, size_t *len)
{
    char path[200];
    snprintf(path, sizeof path, "%s/000007", w->dir);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    char *p = malloc(1 << 20);
    *len = fread(p, 1, 1 << 20, f);
    fclose(f);
    return p;
}

/* Cut anywhere, the records before the cut are there and nothing else. */
START_TEST(a_torn_tail_costs_its_record_only)
{
    world w;
    size_t len, ends[16], texts[16];
    rnd_seed(9);
    begin(&w);
    for (int i = 0; i < 8; i++) {
        journal_def d = def_of(&w, (uint32_t)i, "m");
        journal_sample s = { .ref = (uint32_t)i, .t = i, .v = i * 0.5 };
        ck_assert(append(&w, &d, 1, &s, 1));
        ends[i] = journal_bytes(w.j);
        texts[i] = w.want.text.len;
    }
    char *p = read_segment(&w, &len);
    ck_assert_uint_eq(len, ends[7]);
    for (size_t cut = 0; cut <= len; cut++) {
        reading g;
        journal_result got;
        err e = { 0 };
        journal_visitor v = visitor(&g);
        size_t whole = 0;
        while (whole < 8 && ends[whole] <= cut)
            whole++;
        ck_assert_msg(journal_parse((bytes){ p, cut }, &v, &got, &e), "%s", e.msg);
        ck_assert_uint_eq(got.n_records, whole);
        ck_assert_uint_eq(g.text.len, whole ? texts[whole - 1] : 0);
        ck_assert_uint_eq(got.good_bytes, whole ? ends[whole - 1] : cut >= 8 ? 8 : 0);
        buf_release(&g.text);
    }
    free(p);
    end(&w);
}
END_TEST

START_TEST(a_changed_byte_ends_the_reading)
{
    world w;
    size_t len;
    rnd_seed(10);
    begin(&w);
    write_some(&w, 4);
    char *p = read_segment(&w, &len);
    for (size_t i = 8; i < len; i++) {
        reading g;
        journal_result got;
        err e = { 0 };
        journal_visitor v = visitor(&g);
        p[i] ^= (char)(1 << (i % 8));
        ck_assert(journal_parse((bytes){ p, len }, &v, &got, &e));
        ck_assert_uint_lt(got.n_records, 4);
        ck_assert_uint_le(got.good_bytes, i);
        ck_assert(bytes_has_prefix(buf_bytes(&w.want.text), buf_bytes(&g.text)));
        p[i] ^= (char)(1 << (i % 8));
        buf_release(&g.text);
    }
    free(p);
    end(&w);
}
END_TEST

START_TEST(repair_cuts_the_tail_and_zeros_do_not_count)
{
    static const struct { const char *tail; size_t len; uint64_t cut; } cases[] = {
        { "", 0, 0 }, { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0 }, { "\0\0rubbish\0\0", 11, 9 }, { "x", 1, 1 },
    };
    world w;
    journal_result got;
    err e = { 0 };
    char path[200];
    struct stat st;
    begin(&w);
    write_some(&w, 3);
    uint64_t good = journal_bytes(w.j);
    journal_close(w.j);
    w.j = NULL;
    snprintf(path, sizeof path, "%s/000007", w.dir);
    FILE *f = fopen(path, "ab");
    fwrite(cases[_i].tail, 1, cases[_i].len, f);
    fclose(f);
    check_reads(&w, 7, &got);
    ck_assert_uint_eq(got.cut_bytes, cases[_i].cut);
    ck_assert_uint_eq(got.good_bytes, good);
    journal_visitor none = { 0 };
    ck_assert(journal_read(w.dir, 7, true, &none, &got, &e));
    ck_assert_int_eq(stat(path, &st), 0);
    if (cases[_i].cut)
        ck_assert_uint_eq((uint64_t)st.st_size, good);
    end(&w);
}
END_TEST

START_TEST(foreign_files_are_refused)
{
    journal_visitor none = { 0 };
    journal_result got;
    err e = { 0 };
    ck_assert(!journal_parse(BYTES("SQLite format 3 and more"), &none, &got, &e));
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
    ck_assert(!journal_parse(BYTES("tsdbJ\0\0\2........"), &none, &got, &e));
    ck_assert(journal_parse(BYTES(""), &none, &got, &e));
    ck_assert(journal_parse(BYTES("tsd"), &none, &got, &e));
    ck_assert_uint_eq(got.cut_bytes, 3);
}
END_TEST

START_TEST(unknown_types_are_skipped)
{
    world w;
    journal_result got;
    err e = { 0 };
    begin(&w);
    write_some(&w, 2);
    ck_assert(journal_append_record(w.j, 200, BYTES("from the future"), &e));
    journal_def d = def_of(&w, 900, "later");
    journal_sample s = { .ref = 900, .t = 1, .v = 2 };
    ck_assert(append(&w, &d, 1, &s, 1));
    check_reads(&w, 7, &got);
    ck_assert_uint_eq(got.n_records, 4);
    end(&w);
}
END_TEST

/* ---- failing disks ---- */
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static size_t room;             /* bytes that still fit */
static int truncates_fail;

static ssize_t short_write(int fd, const void *p, size_t len)
{
    if (room == 0) {
        errno = ENOSPC;
        return -1;
    }
    size_t n = len < room ? len : room;
    room -= n;
    return real_write(fd, p, n);
}

static int failing_ftruncate(int fd, off_t len)
{
    if (truncates_fail > 0) {
        truncates_fail--;
        errno = EIO;
        return -1;
    }
    return real_ftruncate(fd, len);
}

/* The disk is full after any number of bytes of the third batch; the batch is tried again, and all is as if nothing had
 * been. */
START_TEST(a_full_disk_leaves_no_trace)
{
    real_write = os.write;
    real_ftruncate = os.ftruncate;
    for (size_t fit = 0; fit < 400; fit += 7) {
        world w;
        journal_result got;
        begin(&w);
        rnd_seed(3);
        write_some(&w, 2);
        journal_def d = def_of(&w, 1000, "new");
        journal_sample s[50];
        for (uint32_t i = 0; i < 50; i++)
            s[i] =
                (journal_sample){ .ref = i < 40 ? i : 1000, .t = INT64_C(1700000300000) + i, .v = value_of(4, i, 0) };
        os.write = short_write;
        os.ftruncate = failing_ftruncate;
        room = fit;
        truncates_fail = (int)(fit % 3);
        err e = { 0 };
        for (int k = 0; k < 3; k++) {
            ck_assert(!append(&w, &d, 1, s, 50));
            ck_assert(!journal_append(w.j, &d, 1, s, 50, &e));
            ck_assert_int_eq(e.kind, ERR_UNAVAILABLE);
        }
        room = SIZE_MAX;
        ck_assert(append(&w, &d, 1, s, 50));
        write_some(&w, 1);
        os.write = real_write;
        os.ftruncate = real_ftruncate;
        check_reads(&w, 7, &got);
        ck_assert_uint_eq(got.n_records, 4);
        end(&w);
    }
}
END_TEST

/* Killed at any moment: what was acknowledged is there. */
START_TEST(kill_loses_nothing_acknowledged)
{
    rnd_seed(40 + (uint64_t)_i);
    char *dir = fresh_dir();
    int ack[2];
    ck_assert_int_eq(pipe(ack), 0);
    pid_t pid = fork();
    if (pid == 0) {
        world w = { .dir = dir };
        err e = { 0 };
        arena_init(&w.a, 0);
        if (!journal_open(dir, 7, &w.j, &e))
            _exit(1);
        for (uint64_t i = 0;; i++) {
            journal_def d = def_of(&w, 0, "m");
            journal_sample s[200];
            for (uint32_t k = 0; k < 200; k++)
                s[k] = (journal_sample){ .ref = 0, .t = (int64_t)(i * 200 + k), .v = (double)rnd() };
            if (!journal_append(w.j, &d, i == 0, s, 200, &e) || write(ack[1], &i, sizeof i) != sizeof i)
                _exit(1);
        }
    }
    close(ack[1]);
    uint64_t last = 0, stop = 5 + rnd_below(60);
    while (last < stop && read(ack[0], &last, sizeof last) == sizeof last)
        ;
    kill(pid, SIGKILL);
    while (read(ack[0], &last, sizeof last) == sizeof last)
        ;
    close(ack[0]);
    reading g;
    journal_result got;
    err e = { 0 };
    journal_visitor v = visitor(&g);
    ck_assert_msg(journal_read(dir, 7, true, &v, &got, &e), "%s", e.msg);
    ck_assert_uint_ge(got.n_samples, (last + 1) * 200);
    ck_assert_uint_eq(got.n_samples % 200, 0);
    buf_release(&g.text);
    drop_dir(dir);
}
END_TEST

TCase *tcase_journal(void)
{
    TCase *tc = tcase_create("journal");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, reads_what_was_written, 0, 10);
    tcase_add_test(tc, a_ref_can_be_given_to_another_series);
    tcase_add_test(tc, each_segment_stands_alone);
    tcase_add_test(tc, an_idle_journal_writes_nothing);
    tcase_add_test(tc, a_torn_tail_costs_its_record_only);
    tcase_add_test(tc, a_changed_byte_ends_the_reading);
    tcase_add_loop_test(tc, repair_cuts_the_tail_and_zeros_do_not_count, 0, 4);
    tcase_add_test(tc, foreign_files_are_refused);
    tcase_add_test(tc, unknown_types_are_skipped);
    tcase_add_test(tc, a_full_disk_leaves_no_trace);
    tcase_add_loop_test(tc, kill_loses_nothing_acknowledged, 0, 20);
    return tc;
}
