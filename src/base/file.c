/* file.c: see file.h. All access goes through the os table, so that a fault shim sees it.
 *
 * Error kinds: ERR_NOT_FOUND where the file does not exist, ERR_TOO_LARGE over the limit, ERR_INTERNAL else.   */
#include "base/file.h"
#include "base/arena.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 64 << 10 };

static const struct {
    int errnum;
    const char *text;
} errno_texts[] = {
    { EPERM, "operation not permitted" },
    { ENOENT, "no such file or directory" },
    { EINTR, "interrupted system call" },
    { EIO, "input/output error" },
    { ENXIO, "no such device or address" },
    { EBADF, "bad file descriptor" },
    { EAGAIN, "resource temporarily unavailable" },
    { ENOMEM, "cannot allocate memory" },
    { EACCES, "permission denied" },
    { EBUSY, "device or resource busy" },
    { EEXIST, "file exists" },
    { EXDEV, "invalid cross-device link" },
    { ENODEV, "no such device" },
    { ENOTDIR, "not a directory" },
    { EISDIR, "is a directory" },
    { EINVAL, "invalid argument" },
    { ENFILE, "too many open files in system" },
    { EMFILE, "too many open files" },
    { EFBIG, "file too large" },
    { ENOSPC, "no space left on device" },
    { ESPIPE, "illegal seek" },
    { EROFS, "read-only file system" },
    { EMLINK, "too many links" },
    { EPIPE, "broken pipe" },
    { ENAMETOOLONG, "file name too long" },
    { ENOTEMPTY, "directory not empty" },
    { ELOOP, "too many levels of symbolic links" },
    { EOVERFLOW, "value too large for defined data type" },
    { EADDRINUSE, "address already in use" },
    { EADDRNOTAVAIL, "cannot assign requested address" },
    { ENETDOWN, "network is down" },
    { ENETUNREACH, "network is unreachable" },
    { ECONNABORTED, "software caused connection abort" },
    { ECONNRESET, "connection reset by peer" },
    { ENOTCONN, "transport endpoint is not connected" },
    { ETIMEDOUT, "connection timed out" },
    { ECONNREFUSED, "connection refused" },
    { EHOSTUNREACH, "no route to host" },
    { EDQUOT, "disk quota exceeded" },
    { ECANCELED, "operation canceled" },
    { ENOTSUP, "operation not supported" },
    { ENOSYS, "function not implemented" },
    { EPROTO, "protocol error" },
    { ESTALE, "stale file handle" },
    { ETXTBSY, "text file busy" },
};

const char *file_errno_text(int errnum)
{
    for (size_t i = 0; i < sizeof errno_texts / sizeof *errno_texts; i++)
        if (errno_texts[i].errnum == errnum)
            return errno_texts[i].text;
    const char *libc = strerrordesc_np(errnum);
    return libc ? libc : "unknown error";
}

/* "verb path: text of errno". */
static bool fail(err *e, const char *verb, const char *path)
{
    int errnum = errno;
    return err_set(e, errnum == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, "%s %s: %s", verb, path,
                   file_errno_text(errnum));
}

static bool read_all(int fd, const char *path, size_t max, buf *out, err *e)
{
    for (;;) {
        size_t room = max - out->len < READ_STEP ? max - out->len : READ_STEP;
        char *p = room ? buf_reserve(out, room) : NULL;
        char beyond;
        ssize_t n = os.read(fd, p ? p : &beyond, p ? room : 1);
        if (n < 0)
            return fail(e, "read", path);
        if (n == 0)
            return true;
        if (!p)
            return err_set(e, ERR_TOO_LARGE, "read %s: file is larger than %zu bytes", path, max);
        buf_commit(out, (size_t)n);
    }
}

bool file_read(const char *path, size_t max, buf *out, err *e)
{
    buf_init(out, max);
    int fd = os.open(path, O_RDONLY, 0);
    if (fd < 0)
        return fail(e, "open", path);
    bool ok = read_all(fd, path, max, out, e);
    os.close(fd);
    if (!ok)
        buf_release(out);
    return ok;
}

static bool write_all(int fd, const char *path, bytes data, err *e)
{
    while (data.len > 0) {
        ssize_t n = os.write(fd, data.p, data.len);
        if (n < 0)
            return fail(e, "write", path);
        data = bytes_sub(data, (size_t)n, data.len);
    }
    return os.fsync(fd) == 0 || fail(e, "fsync", path);
}

/* A new file beside path, named path.tmp-<random>; *tmp is the caller's to free. -1 on failure. */
static int open_temporary(const char *path, int mode, char **tmp, err *e)
{
    for (int tries = 0;; tries++) {
        uint64_t r;
        os.random(&r, sizeof r);
        buf name;
        buf_init(&name, 65536);
        buf_printf(&name, "%s.tmp-%016llx", path, (unsigned long long)r);
        *tmp = buf_take(&name, NULL);
        int fd = os.open(*tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (fd >= 0)
            return fd;
        bool taken = errno == EEXIST && tries < 10;
        if (!taken)
            fail(e, "open", *tmp);
        free(*tmp);
        *tmp = NULL;
        if (!taken)
            return -1;
    }
}

static bool sync_parent(const char *path, err *e)
{
    char *copy = xstrdup(path);
    const char *dir = dirname(copy);
    bool ok = os_sync_dir(dir) == 0 || fail(e, "fsync", dir);
    free(copy);
    return ok;
}

bool file_write_atomic(const char *path, bytes data, int mode, err *e)
{
    char *tmp;
    int fd = open_temporary(path, mode, &tmp, e);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, tmp, data, e);
    if (os.close(fd) < 0 && ok)
        ok = fail(e, "close", tmp);
    if (ok && os.rename(tmp, path) < 0)
        ok = fail(e, "rename", path);
    if (!ok)
        os.unlink(tmp);
    free(tmp);
    return ok && sync_parent(path, e);
}

/* One folder, which may be there already. */
static bool make_one(const char *path, err *e)
{
    if (os.mkdir(path, 0777) == 0)
        return true;
    int errnum = errno;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    errno = errnum == EEXIST ? ENOTDIR : errnum;
    return fail(e, "mkdir", path);
}

bool dir_make(const char *path, err *e)
{
    char *copy = xstrdup(path);
    bool ok = true;
    for (char *slash = copy; ok && (slash = strchr(slash + 1, '/')) != NULL;) {
        if (slash[-1] == '/')
            continue;
        *slash = '\0';
        ok = make_one(copy, e);
        *slash = '/';
    }
    free(copy);
    return ok && make_one(path, e);
}
