/* test_file.c: whole files, with a disk that fails where told to. */
#include "tests.h"
#include "base/file.h"
#include "base/os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char path[128];

static void make_folder(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_base_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
}

static void remove_tree(const char *at)
{
    DIR *d = opendir(at);
    for (struct dirent *entry; d && (entry = readdir(d)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char below[600];
        snprintf(below, sizeof below, "%s/%s", at, entry->d_name);
        remove_tree(below);
    }
    if (d)
        closedir(d);
    remove(at);
}

static void remove_folder(void)
{
    remove_tree(dir);
}

static int count_entries(void)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

START_TEST(file_reads_what_it_wrote)
{
    err e = { 0 };
    static char text[200001];
    memset(text, 'x', sizeof text);
    size_t lens[] = { 0, 1, 65535, 65536, 65537, sizeof text };
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        ck_assert_msg(file_write_atomic(path, bytes_n(text, lens[i]), 0640, &e), "%s", e.msg);
        buf b;
        ck_assert_msg(file_read(path, lens[i], &b, &e), "%s", e.msg); /* exactly the limit */
        ck_assert(bytes_eq(buf_bytes(&b), bytes_n(text, lens[i])));
        buf_release(&b);
    }
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(count_entries(), 1); /* no temporary file stays */
}
END_TEST

START_TEST(file_read_refuses_what_is_too_large)
{
    err e = { 0 };
    buf b;
    ck_assert(file_write_atomic(path, BYTES("12345"), 0600, &e));
    ck_assert(!file_read(path, 4, &b, &e));
    ck_assert_int_eq(e.kind, ERR_TOO_LARGE);
    ck_assert_ptr_null(b.p);
}
END_TEST

START_TEST(file_errors_read_as_those_of_go)
{
    err e = { 0 };
    buf b;
    char want[300];
    ck_assert(!file_read(path, 10, &b, &e));
    snprintf(want, sizeof want, "open %s: no such file or directory", path);
    ck_assert_str_eq(e.msg, want);
    ck_assert_int_eq(e.kind, ERR_NOT_FOUND);
    ck_assert(!file_read(dir, 10, &b, &e));
    snprintf(want, sizeof want, "read %s: is a directory", dir);
    ck_assert_str_eq(e.msg, want);
    ck_assert_str_eq(file_errno_text(ECONNREFUSED), "connection refused");
    ck_assert_str_eq(file_errno_text(ENOSPC), "no space left on device");
    ck_assert_ptr_nonnull(file_errno_text(123456));
}
END_TEST

static int failing_call; /* the call that fails; the others go through */
static struct os real;

static ssize_t bad_write(int fd, const void *p, size_t len)
{
    if (failing_call == 0)
        return errno = ENOSPC, -1;
    return real.write(fd, p, len > 3 ? 3 : len); /* short writes on the way */
}

static int bad_fsync(int fd)
{
    return failing_call == 1 ? errno = EIO, -1 : real.fsync(fd);
}

static int bad_rename(const char *from, const char *to)
{
    return failing_call == 2 ? errno = EACCES, -1 : real.rename(from, to);
}

START_TEST(file_write_leaves_the_old_file_when_the_disk_fails)
{
    err e = { 0 };
    ck_assert(file_write_atomic(path, BYTES("old contents"), 0600, &e));
    real = os;
    os.write = bad_write;
    os.fsync = bad_fsync;
    os.rename = bad_rename;
    failing_call = _i;
    bool ok = file_write_atomic(path, BYTES("new contents"), 0600, &e);
    os = real;
    ck_assert_int_eq(ok, _i == 3);
    buf b;
    ck_assert(file_read(path, 100, &b, NULL));
    ck_bytes(buf_bytes(&b), _i == 3 ? "new contents" : "old contents");
    buf_release(&b);
    ck_assert_int_eq(count_entries(), 1);
    static const char *const texts[] = { "no space left on device", "input/output error", "permission denied" };
    if (_i < 3)
        ck_assert_ptr_nonnull(strstr(e.msg, texts[_i]));
}
END_TEST

START_TEST(dir_make_makes_the_parents)
{
    err e = { 0 };
    char deep[200];
    snprintf(deep, sizeof deep, "%s/a//b/c/", dir);
    ck_assert_msg(dir_make(deep, &e), "%s", e.msg);
    ck_assert_msg(dir_make(deep, &e), "%s", e.msg); /* again is fine */
    struct stat st;
    ck_assert(stat(deep, &st) == 0 && S_ISDIR(st.st_mode));
    ck_assert(file_write_atomic(path, BYTES("x"), 0600, &e));
    ck_assert(!dir_make(path, &e)); /* a file is in the way */
    ck_assert_ptr_nonnull(strstr(e.msg, "not a directory"));
    snprintf(deep, sizeof deep, "%s/x", path);
    ck_assert(!dir_make(deep, &e));
}
END_TEST

START_TEST(os_table_works)
{
    int64_t a = os.mono_ns(), b = os.mono_ns();
    ck_assert_int_le(a, b);
    ck_assert_int_gt(os.now_ms(), INT64_C(1600000000000));
    unsigned char x[64] = { 0 }, y[64] = { 0 };
    os.random(x, sizeof x);
    os.random(y, sizeof y);
    ck_assert(memcmp(x, y, sizeof x) != 0);
    int fd = os.open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(os.pwrite(fd, "hello", 5, 0), 5);
    char text[8] = { 0 };
    ck_assert_int_eq(os.pread(fd, text, 3, 1), 3);
    ck_assert_str_eq(text, "ell");
    ck_assert_int_eq(os.ftruncate(fd, 2), 0);
    ck_assert_int_eq(os.read(fd, text, 8), 2);
    ck_assert_int_eq(os.fdatasync(fd), 0);
    ck_assert_int_eq(os.close(fd), 0);
    ck_assert_int_eq(os.unlink(path), 0);
    ck_assert_int_eq(os_sync_dir(dir), 0);
    ck_assert_int_eq(os_sync_dir("/nonexistent"), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TCase *file_cases(void)
{
    TCase *tc = tcase_create("file");
    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    tcase_add_test(tc, file_reads_what_it_wrote);
    tcase_add_test(tc, file_read_refuses_what_is_too_large);
    tcase_add_test(tc, file_errors_read_as_those_of_go);
    tcase_add_loop_test(tc, file_write_leaves_the_old_file_when_the_disk_fails, 0, 4);
    tcase_add_test(tc, dir_make_makes_the_parents);
    tcase_add_test(tc, os_table_works);
    return tc;
}
