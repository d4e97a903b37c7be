/* os.h: the outside world as one table, so that a simulator and a fault shim can stand in its place.
 *
 * Clock, randomness and files of the core go through `os`. Production keeps the default table; tests replace entries
 * before they open a store. Calls return as POSIX does: -1 and errno. Any thread.                             */
#ifndef BASE_OS_H
#define BASE_OS_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct os {
    int64_t (*now_ms)(void);          /* wall clock, ms since the epoch */
    int64_t (*mono_ns)(void);         /* monotonic */
    void (*random)(void *p, size_t len);
    int (*open)(const char *path, int flags, int mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *p, size_t len);
    ssize_t (*pread)(int fd, void *p, size_t len, off_t at);
    ssize_t (*write)(int fd, const void *p, size_t len);
    ssize_t (*pwrite)(int fd, const void *p, size_t len, off_t at);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*ftruncate)(int fd, off_t len);
    int (*fallocate)(int fd, int mode, off_t at, off_t len);
    int (*unlink)(const char *path);
    int (*rename)(const char *from, const char *to);
    int (*mkdir)(const char *path, int mode);
};
extern struct os os;

/* fsync of the directory that holds path's entry (after create, rename, unlink). */
int os_sync_dir(const char *dir);
#endif
