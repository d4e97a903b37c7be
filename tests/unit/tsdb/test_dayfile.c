/* Day files: damage costs what is damaged and never gives a wrong value; what was committed survives kills and full
 * disks; readers see what there was when they took their list. */
#include "world.h"
#include "tsdb/sql.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t NOON = INT64_C(1700049600000);    /* 2023-11-15 12:00 */
static const char DAY[] = "2023-11-15.db";

static void add_series(world *w, int n)
{
    char text[100];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "metric_%d,instance=host%d,job=node", i, i % 3);
        world_series_add(w, text, (uint64_t)(i % 3));
    }
}

static void put_all(world *w, int64_t t, int n, int kind)
{
    for (size_t i = 0; i < w->n; i++) {
        double v = 100;
        for (int k = 0; k < n; k++)
            world_put(w, i, t + k * 15000, v = value_of(kind >= 0 ? kind : (int)(i % N_VALUE_KINDS), (size_t)k, v));
    }
}

static void flush(world *w)
{
    err e = { 0 };
    ck_assert_msg(world_flush(w, &e), "%s", e.msg);
}

static char *path_of(const world *w, const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/days/%s", w->dir, name);
    return path;
}

static bool is_there(const world *w, const char *name)
{
    return access(path_of(w, name), F_OK) == 0;
}

/* Reads everything through `list` (NULL: the present one); how many samples. All of them must be in the model. */
static size_t read_known(world *w, day_list *list)
{
    day_list *l = list ? list : daystore_list(w->s);
    day_reader *r = day_reader_new(w->s, l, 1 << 20);
    sample_columns got = { 0 };
    arena a;
    err e = { 0 };
    size_t n_samples = 0;
    arena_init(&a, 0);
    for (uint32_t i = 0; i < l->n; i++) {
        day_series *found;
        size_t n;
        must(day_find(r, l->days[i]->day, NULL, 0, INT64_MIN, INT64_MAX, &a, &found, &n, &e));
        for (size_t k = 0; k < n; k++) {
            uint64_t *at = map_get(&w->by_labels, bytes_n(found[k].labels->data, found[k].labels->len));
            got.n = 0;
            must(at);
            must(day_read(r, l->days[i]->day, found[k].id, INT64_MIN, INT64_MAX, &got, &e));
            const sample_columns *all = &w->series[*at].all;
            for (size_t x = 0, y = 0; x < got.n; x++, y++) {
                while (y < all->n && all->t[y] < got.t[x])
                    y++;
                must(y < all->n && all->t[y] == got.t[x] && num_bits(all->v[y]) == num_bits(got.v[x]));
            }
            n_samples += got.n;
        }
    }
    sample_columns_release(&got);
    arena_release(&a);
    day_reader_free(r);
    if (!list)
        day_list_unref(l);
    return n_samples;
}

static size_t count_all(const world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->series[i].all.n;
    return n;
}

/* ---- damage ---- */

static char *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    char *p = malloc(8 << 20);
    *len = fread(p, 1, 8 << 20, f);
    fclose(f);
    return p;
}

static void spew(const char *path, const char *p, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, len, f), len);
    fclose(f);
}

/* Puts the file in the state of `p`, opens, reads: nothing wrong may come, and the store takes a flush afterwards. */
static size_t read_damaged(world *w, const char *p, size_t len)
{
    daystore_close(w->s);
    spew(path_of(w, DAY), p, len);
    err e = { 0 };
    ck_assert(daystore_open(w->dir, false, &w->s, &e));
    int64_t mint, maxt;
    daystore_bounds(w->s, &mint, &maxt);
    size_t n = read_known(w, NULL);
    remove(path_of(w, "2023-11-15.db.corrupt"));
    remove(path_of(w, "2023-11-15.db-journal"));
    return n;
}

static world *damage_world(int seed)
{
    world *w = malloc(sizeof *w);
    rnd_seed(4 + (uint64_t)seed);
    world_begin(w);
    add_series(w, 300);
    put_all(w, NOON, 60, -1);
    flush(w);
    put_all(w, NOON + 900000, 60, -1);
    flush(w);
    daystore_close(w->s);
    err e = { 0 };
    ck_assert(daystore_open(w->dir, false, &w->s, &e));
    return w;
}

START_TEST(a_damaged_page_never_gives_a_wrong_value)
{
    world *w = damage_world(_i);
    size_t len, whole = count_all(w), full = 0;
    char *p = slurp(path_of(w, DAY), &len);
    ck_assert_uint_gt(len, 20 * 4096);
    for (size_t page = 0; page < len / 4096; page++) {
        char keep[64];
        size_t at = page * 4096 + (page % 3 == 0 ? rnd_below(16) : page % 3 == 1 ? rnd_below(4096 - 64) : 4096 - 64);
        memcpy(keep, p + at, sizeof keep);
        for (int i = 0; i < (page % 2 ? 1 : 64); i++)
            p[at + (size_t)i] = (char)rnd();
        full += read_damaged(w, p, len) == whole;
        memcpy(p + at, keep, sizeof keep);
    }
    ck_assert_uint_eq(read_damaged(w, p, len), whole);
    ck_assert_uint_lt(full, len / 4096 / 3);      /* most damage was in what is read */
    free(p);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(a_truncated_file_never_gives_a_wrong_value)
{
    world *w = damage_world(_i);
    size_t len;
    char *p = slurp(path_of(w, DAY), &len);
    for (size_t cut = 0; cut < len; cut += cut < 8192 ? 1000 : 4096 * (1 + rnd_below(8)) + rnd_below(2) * 77)
        read_damaged(w, p, cut);
    free(p);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(a_foreign_file_is_set_aside)
{
    world *w = malloc(sizeof *w);
    sqlite3 *file;
    err e = { 0 };
    world_begin(w);
    add_series(w, 3);
    put_all(w, NOON, 5, 1);
    flush(w);
    world_reopen(w);
    if (_i == 0) {
        spew(path_of(w, DAY), "a text file that somebody put here, long enough to be looked at\n", 64);
    } else {
        remove(path_of(w, DAY));
        ck_assert(sql_open(path_of(w, DAY), SQL_CREATE, 64, &file, &e));
        ck_assert(sql_exec(
            file, _i == 1 ? "CREATE TABLE t(x)" : "PRAGMA user_version=9; PRAGMA application_id=0x74736464", &e));
        sql_close(file);
    }
    ck_assert_uint_eq(read_known(w, NULL), 0);
    ck_assert(is_there(w, "2023-11-15.db.corrupt"));
    ck_assert(!is_there(w, DAY));
    put_all(w, NOON, 5, 1);
    flush(w);
    ck_assert_uint_eq(read_known(w, NULL), 15);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(a_damaged_pack_costs_itself_only)
{
    world *w = malloc(sizeof *w);
    err e = { 0 };
    sqlite3 *file;
    world_begin(w);
    add_series(w, 90);                                   /* 3 groups: 3 packs a flush */
    put_all(w, NOON, 20, 3);
    flush(w);
    daystore_close(w->s);
    ck_assert(sql_open(path_of(w, DAY), SQL_WRITE, 64, &file, &e));
    ck_assert(
        sql_exec(file, "UPDATE packs SET data=CAST(substr(data,1,30)||x'00'||substr(data,32) AS BLOB) WHERE id=2", &e));
    sql_close(file);
    ck_assert(daystore_open(w->dir, false, &w->s, &e));
    ck_assert_uint_eq(read_known(w, NULL), 60 * 20);
    ck_assert(is_there(w, DAY));
    daystore_close(w->s);
    ck_assert(sql_open(path_of(w, DAY), SQL_WRITE, 64, &file, &e));
    ck_assert(sql_exec(file, "DELETE FROM packs WHERE id=3", &e));
    sql_close(file);
    ck_assert(daystore_open(w->dir, false, &w->s, &e));
    ck_assert_uint_eq(read_known(w, NULL), 30 * 20);
    world_end(w);
    free(w);
}
END_TEST

/* ---- what a list shows ---- */

START_TEST(lists_are_views_of_their_time)
{
    world *w = malloc(sizeof *w);
    err e = { 0 };
    world_begin(w);
    add_series(w, 10);
    day_list *lists[4];
    for (int k = 0; k < 4; k++) {
        lists[k] = daystore_list(w->s);
        put_all(w, NOON + k * 3600000, 10, 1);
        flush(w);
    }
    for (int k = 0; k < 4; k++)
        ck_assert_uint_eq(read_known(w, lists[k]), (size_t)k * 100);
    for (int k = 1; k < 4; k++)
        day_list_unref(lists[k]);
    day_list_unref(lists[0]);
    /* from a file that was there at the start: what it had when it was first opened */
    world_reopen(w);
    day_list *before = daystore_list(w->s);
    put_all(w, NOON + 9 * 3600000, 10, 1);
    flush(w);
    ck_assert_uint_eq(read_known(w, before), 400);
    ck_assert_uint_eq(read_known(w, NULL), 500);
    /* dropped: gone for all */
    ck_assert_msg(daystore_drop(w->s, day_of(NOON), &e), "%s", e.msg);
    ck_assert_uint_eq(read_known(w, before), 0);
    ck_assert_uint_eq(read_known(w, NULL), 0);
    ck_assert(!is_there(w, DAY));
    ck_assert(daystore_drop(w->s, day_of(NOON), &e));
    day_list_unref(before);
    put_all(w, NOON, 2, 1);
    flush(w);
    ck_assert_uint_eq(read_known(w, NULL), 20);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(a_replaced_day_stays_for_those_who_read_it)
{
    world *w = malloc(sizeof *w), *side = malloc(sizeof *side);
    err e = { 0 };
    char path[300];
    world_begin(w);
    add_series(w, 10);
    put_all(w, NOON, 30, 1);
    flush(w);
    world_begin(side);
    add_series(side, 5);
    put_all(side, NOON, 7, 1);
    flush(side);
    snprintf(path, sizeof path, "%s", path_of(side, DAY));
    daystore_close(side->s);
    day_list *before = daystore_list(w->s);
    ck_assert_uint_eq(read_known(w, before), 300);
    ck_assert_msg(daystore_replace(w->s, day_of(NOON), path, &e), "%s", e.msg);
    ck_assert_uint_eq(read_known(w, NULL), 35);
    ck_assert_uint_eq(read_known(w, before), 300);
    put_all(w, NOON + 3600000, 1, 1);
    flush(w);
    ck_assert_uint_eq(read_known(w, NULL), 45);
    ck_assert_uint_eq(read_known(w, before), 300);
    ck_assert(is_there(w, "2023-11-15.db.old-1"));
    day_list_unref(before);
    ck_assert(!is_there(w, "2023-11-15.db.old-1"));
    world_reopen(w);
    ck_assert_uint_eq(read_known(w, NULL), 45);
    ck_assert(daystore_open(side->dir, false, &side->s, &e));
    world_end(side);
    world_end(w);
    free(side);
    free(w);
}
END_TEST

static int count_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

START_TEST(few_files_stay_open)
{
    world *w = malloc(sizeof *w);
    int before = count_fds();
    int64_t mint, maxt;
    world_begin(w);
    add_series(w, 3);
    for (int day = 0; day < 60; day++)
        for (size_t i = 0; i < 3; i++)
            world_put(w, i, NOON + day * DAY_MS, day);
    flush(w);
    ck_assert_uint_eq(w->last.n_days, 60);
    world_check_all(w);
    ck_assert_int_le(count_fds() - before, DAYSTORE_MAX_OPEN);
    daystore_rest(w->s);
    ck_assert_int_eq(count_fds(), before);
    world_check_all(w);
    world_reopen(w);
    ck_assert_int_eq(count_fds(), before);
    daystore_bounds(w->s, &mint, &maxt);
    ck_assert_int_eq(mint, NOON);
    ck_assert_int_eq(maxt, NOON + 59 * DAY_MS);
    ck_assert_int_le(count_fds() - before, 2);
    ck_assert_uint_eq(daystore_covered(w->s, day_of(NOON) + 5), 1);
    ck_assert_uint_eq(daystore_covered(w->s, day_of(NOON) + 60), 0);
    ck_assert_uint_ge(daystore_bytes(w->s), 60 * 5 * 4096);
    world_check_all(w);
    world_end(w);
    free(w);
}
END_TEST

START_TEST(reading_only_changes_nothing)
{
    world *w = malloc(sizeof *w);
    err e = { 0 };
    daystore *s;
    struct stat before, after;
    ck_assert(daystore_open("/tmp/no/such/folder", true, &s, &e));
    daystore_close(s);
    world_begin(w);
    add_series(w, 10);
    put_all(w, NOON, 10, 1);
    flush(w);
    daystore_close(w->s);
    ck_assert_int_eq(stat(path_of(w, DAY), &before), 0);
    ck_assert(daystore_open(w->dir, true, &w->s, &e));
    ck_assert_uint_eq(read_known(w, NULL), 100);
    put_all(w, NOON + 3600000, 1, 1);
    ck_assert(!world_flush(w, &e));
    ck_assert_int_eq(stat(path_of(w, DAY), &after), 0);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    world_end(w);
    free(w);
}
END_TEST

/* ---- readers beside a writer ---- */

typedef struct race {
    world *w;
    _Atomic bool stop;
    _Atomic uint64_t n_reads;
} race;

/* Each list must show whole flushes: every series has the same number of samples, a multiple of ten. */
static void *read_on(void *ctx)
{
    race *x = ctx;
    while (!atomic_load(&x->stop)) {
        day_reader *r = day_reader_new(x->w->s, NULL, 1 << 20);
        arena a;
        day_series *found;
        size_t n = 0, each = 0;
        sample_columns got = { 0 };
        err e = { 0 };
        arena_init(&a, 0);
        must(day_find(r, day_of(NOON), NULL, 0, INT64_MIN, INT64_MAX, &a, &found, &n, &e));
        must(n == 0 || n == x->w->n);
        for (size_t i = 0; i < n; i++) {
            got.n = 0;
            must(day_read(r, day_of(NOON), found[i].id, INT64_MIN, INT64_MAX, &got, &e));
            must(got.n > 0 && got.n % 10 == 0 && (i == 0 || got.n == each));
            each = got.n;
        }
        sample_columns_release(&got);
        arena_release(&a);
        day_reader_free(r);
        atomic_fetch_add(&x->n_reads, 1);
    }
    return NULL;
}

START_TEST(readers_see_whole_flushes)
{
    world *w = malloc(sizeof *w);
    race x = { .w = w };
    pthread_t threads[3];
    world_begin(w);
    add_series(w, 60);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_on, &x), 0);
    for (int k = 0; k < 40 || atomic_load(&x.n_reads) < 30; k++) {
        put_all(w, NOON + k * 150000, 10, -1);
        flush(w);
    }
    atomic_store(&x.stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    world_check_all(w);
    world_end(w);
    free(w);
}
END_TEST

/* ---- kills and full disks ---- */

/* Enough incompressible samples for several transactions a flush. */
static void put_noise(world *w, int flush_number)
{
    rnd_seed(1000 + (uint64_t)flush_number);
    for (size_t i = 0; i < w->n; i++)
        for (int k = 0; k < 100; k++)
            world_put(w, i, NOON + flush_number * 1500000 + k * 15000, (double)rnd() * 1e-7);
}

static void noise_world(world *w, char *dir)
{
    err e = { 0 };
    memset(w, 0, sizeof *w);
    w->dir = dir;
    w->covered = 1;
    arena_init(&w->a, 0);
    map_init(&w->by_labels, MAP_BORROWED_KEYS);
    add_series(w, 1000);
    ck_assert(daystore_open(dir, false, &w->s, &e));
}

START_TEST(kill_keeps_what_was_committed)
{
    char *dir = fresh_dir();
    int ack[2], last = -1;
    ck_assert_int_eq(pipe(ack), 0);
    pid_t pid = fork();
    if (pid == 0) {
        world *w = malloc(sizeof *w);
        err e = { 0 };
        noise_world(w, dir);
        for (int k = 0;; k++) {
            put_noise(w, k);
            if (!world_flush(w, &e) || write(ack[1], &k, sizeof k) != sizeof k)
                _exit(1);
        }
    }
    close(ack[1]);
    for (int k = 0; k <= _i % 3; k++)
        ck_assert_int_eq(read(ack[0], &last, sizeof last), sizeof last);
    rnd_seed((uint64_t)_i);
    usleep((useconds_t)rnd_below(60000));
    kill(pid, SIGKILL);
    while (read(ack[0], &last, sizeof last) == sizeof last)
        ;
    waitpid(pid, NULL, 0);
    world *w = malloc(sizeof *w);
    noise_world(w, dir);
    size_t n_flushes = 0;
    int64_t mint, maxt;
    daystore_bounds(w->s, &mint, &maxt);
    n_flushes = (size_t)((maxt - NOON) / 1500000 + 1);
    ck_assert_int_ge((int)n_flushes, last + 1);
    ck_assert_int_le((int)n_flushes, last + 2);   /* committed, but killed before saying so */
    ck_assert_uint_eq(daystore_covered(w->s, day_of(NOON)), n_flushes);
    for (size_t k = 0; k <= n_flushes; k++) { /* the model: as if all had been flushed here, and one more really is */
        put_noise(w, (int)k);
        if (k == n_flushes) {
            flush(w);
            break;
        }
        for (size_t i = 0; i < w->n; i++) {
            sample_columns *now = &w->series[i].now;
            for (size_t j = 0; j < now->n; j++)
                put_columns(&w->series[i].all, now->t[j], now->v[j]);
            now->n = 0;
        }
    }
    ck_assert_uint_eq(read_known(w, NULL), count_all(w));
    close(ack[0]);
    world_end(w);
    free(w);
}
END_TEST

/* The file cannot grow beyond any limit: the flush fails and leaves no trace; with room it works. */
START_TEST(a_full_disk_leaves_no_trace)
{
    world *w = malloc(sizeof *w);
    struct rlimit limit, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    noise_world(w, fresh_dir());
    put_noise(w, 0);
    flush(w);
    uint64_t size = daystore_bytes(w->s);
    for (int k = 0; k < 12; k++) {
        err e = { 0 };
        for (size_t i = 0; k == 0 && i < w->n; i++)
            for (int j = 0; j < 100; j++)
                world_put(w, i, NOON + 1500000 + j * 15000, (double)rnd() * 1e-7);
        small = (struct rlimit){ size + (uint64_t)k * 60000 + 5000, limit.rlim_max };
        setrlimit(RLIMIT_FSIZE, &small);
        bool ok = world_flush(w, &e);
        setrlimit(RLIMIT_FSIZE, &limit);
        ck_assert(!ok);
        ck_assert_int_eq(e.kind, ERR_UNAVAILABLE);
        ck_assert_uint_eq(read_known(w, NULL), count_all(w));
        ck_assert(is_there(w, DAY));
        if (k % 5 == 4)
            world_reopen(w);
    }
    flush(w);
    ck_assert_uint_eq(read_known(w, NULL), 200 * w->n);
    world_end(w);
    free(w);
}
END_TEST

TCase *tcase_dayfile(void)
{
    TCase *tc = tcase_create("dayfile");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_damaged_page_never_gives_a_wrong_value, 0, 6);
    tcase_add_loop_test(tc, a_truncated_file_never_gives_a_wrong_value, 0, 3);
    tcase_add_loop_test(tc, a_foreign_file_is_set_aside, 0, 3);
    tcase_add_test(tc, a_damaged_pack_costs_itself_only);
    tcase_add_test(tc, lists_are_views_of_their_time);
    tcase_add_test(tc, a_replaced_day_stays_for_those_who_read_it);
    tcase_add_test(tc, few_files_stay_open);
    tcase_add_test(tc, reading_only_changes_nothing);
    tcase_add_test(tc, readers_see_whole_flushes);
    tcase_add_loop_test(tc, kill_keeps_what_was_committed, 0, 10);
    tcase_add_test(tc, a_full_disk_leaves_no_trace);
    return tc;
}
