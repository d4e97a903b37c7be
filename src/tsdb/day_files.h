/* day_files.h: the inside of a daystore: files, handles, lists. For daystore.c and day_use.c only.
 *
 * A day_file is one file on disk, counted: the lists that name it keep it. Its rwlock is held shared while SQLite reads
 * it and exclusively during a transaction, so our own threads never meet SQLITE_BUSY. Handles wait in one pool, the one
 * used last in front; a handle belongs to its file for life.
 * Invariants: (1) `list` names the files in service, ascending by day; it is replaced, never changed; (2) a file that
 * is `dead` is in no new list and is not opened again; (3) state and base_block of a file are set once it is `known`;
 * (4) what stands below `lock` is touched with it held, and it is never held while a file is opened, read or waited
 * for. */
#ifndef TSDB_DAY_FILES_H
#define TSDB_DAY_FILES_H
#include "tsdb/daystore_impl.h"
#include <pthread.h>

typedef struct idle_handle {
    struct idle_handle *next;
    day_file *file;
    dayfile *h;
} idle_handle;

struct day_file {
    daystore *store;
    pthread_rwlock_t rw;
    _Atomic uint32_t refs;
    int32_t day;
    char *path;
    bool unlink_at_end;      /* replaced: only old lists still know it */
    /* under the store's lock */
    bool dead, known;
    uint32_t base_block;     /* the newest when it was first opened */
    dayfile_state state;
    uint64_t size;
    day_index *index;        /* cached, or NULL */
    uint64_t index_used;     /* tick of its last use */
};

struct daystore {
    char *dir;
    bool read_only;
    pthread_mutex_t lock;
    day_list *list;
    day_file *fresh;         /* made by the writer, not in the list before its first block */
    idle_handle *idle;       /* used last in front */
    uint32_t n_open;
    uint64_t tick;
    size_t index_bytes;
    uint64_t n_replaced;
};

day_file *day_file_new(daystore *s, int32_t day);      /* one reference */
day_file *day_file_ref(day_file *f);
void day_file_unref(day_file *f);                      /* the last one closes its handles */
uint64_t day_file_size(const char *path);              /* on disk; 0 where there is none */
/* Damaged: out of service, renamed, logged and counted, once. */
void day_file_quarantine(day_file *f, const err *why);

/* These want s->lock held; what they give is closed or unreferenced without it. */
/* The idle handles of a file, or (NULL) the one used longest ago of any. */
idle_handle *daystore_take_idle(daystore *s, const day_file *f);
day_index *day_file_forget_index(day_file *f);
day_index *daystore_evict_index(daystore *s);          /* the cached directory used longest ago; NULL: none is left */
/* A new list in which put.day is `put`, or missing where put.file is NULL. The old list. */
day_list *daystore_replace_list(daystore *s, day_entry put);

void idle_handles_close(idle_handle *x);
#endif
