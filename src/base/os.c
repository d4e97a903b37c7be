/* os.c: the default table: the real clock, randomness and files.
 *
 * Wrappers rather than the libc functions themselves, since open() is variadic and marked close-on-exec here, and
 * read() & co. go on after a signal (EINTR) so that no caller has to.                                         */
#include "base/os.h"
#include "base/err.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Evaluates call again while a signal interrupts it. */
#define RETRY(call)                                                                                                    \
    ({                                                                                                                 \
        __typeof__(call) r_;                                                                                           \
        do                                                                                                             \
            r_ = (call);                                                                                               \
        while (r_ < 0 && errno == EINTR);                                                                              \
        r_;                                                                                                            \
    })

static int64_t real_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void real_random(void *p, size_t len)
{
    char *at = p;
    while (len > 0) {
        ssize_t n = RETRY(getrandom(at, len, 0));
        if (n < 0)
            BUG("os: getrandom failed: errno %d", errno);
        at += n;
        len -= (size_t)n;
    }
}

static int real_open(const char *path, int flags, int mode)
{
    return RETRY(open(path, flags | O_CLOEXEC, mode));
}

static int real_close(int fd)
{
    return close(fd); /* never repeated: on Linux the descriptor is gone even after EINTR */
}

static ssize_t real_read(int fd, void *p, size_t len)
{
    return RETRY(read(fd, p, len));
}

static ssize_t real_pread(int fd, void *p, size_t len, off_t at)
{
    return RETRY(pread(fd, p, len, at));
}

static ssize_t real_write(int fd, const void *p, size_t len)
{
    return RETRY(write(fd, p, len));
}

static ssize_t real_pwrite(int fd, const void *p, size_t len, off_t at)
{
    return RETRY(pwrite(fd, p, len, at));
}

static int real_fdatasync(int fd)
{
    return RETRY(fdatasync(fd));
}

static int real_fsync(int fd)
{
    return RETRY(fsync(fd));
}

static int real_ftruncate(int fd, off_t len)
{
    return RETRY(ftruncate(fd, len));
}

static int real_fallocate(int fd, int mode, off_t at, off_t len)
{
    return RETRY(fallocate(fd, mode, at, len));
}

static int real_mkdir(const char *path, int mode)
{
    return mkdir(path, (mode_t)mode);
}

struct os os = {
    .now_ms = real_now_ms,
    .mono_ns = real_mono_ns,
    .random = real_random,
    .open = real_open,
    .close = real_close,
    .read = real_read,
    .pread = real_pread,
    .write = real_write,
    .pwrite = real_pwrite,
    .fdatasync = real_fdatasync,
    .fsync = real_fsync,
    .ftruncate = real_ftruncate,
    .fallocate = real_fallocate,
    .unlink = unlink,
    .rename = rename,
    .mkdir = real_mkdir,
};

int os_sync_dir(const char *dir)
{
    int fd = os.open(dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return -1;
    int rc = os.fsync(fd);
    int saved = errno;
    os.close(fd);
    errno = saved;
    return rc;
}
