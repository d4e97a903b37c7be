/* daystore.c: the folder of day files: which days there are, lists of them, damage, whole days. Using one: day_use.c.
 * See daystore.h, and day_files.h for the invariants.                                                               */
#include "tsdb/daystore.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/os.h"
#include "base/vec.h"
#include "tsdb/day_files.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_ROOM = 4200 };

static metric_family quarantined = METRIC(COUNTER, "tsdbd_storage_quarantined_day_files_total",
                                          "Number of day files found damaged and taken out of service.");

/* ---- files ---- */

static void day_path(const daystore *s, int32_t day, char *out, size_t size)
{
    time_t at = (time_t)day * 86400;
    struct tm tm;
    gmtime_r(&at, &tm);
    snprintf(out, size, "%s/%04d-%02d-%02d.db", s->dir, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

uint64_t day_file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

day_file *day_file_new(daystore *s, int32_t day)
{
    char path[PATH_ROOM];
    pthread_rwlockattr_t attr;
    day_file *f = xcalloc(1, sizeof *f);
    day_path(s, day, path, sizeof path);
    f->store = s;
    f->day = day;
    f->path = xstrdup(path);
    f->refs = 1;
    f->size = day_file_size(path);
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&f->rw, &attr);
    pthread_rwlockattr_destroy(&attr);
    return f;
}

day_file *day_file_ref(day_file *f)
{
    atomic_fetch_add(&f->refs, 1);
    return f;
}

/* Takes the idle handles of a file (NULL: the one used longest ago, of any) out of the pool. Locked; close them
 * unlocked. */
idle_handle *daystore_take_idle(daystore *s, const day_file *f)
{
    idle_handle *out = NULL;
    for (idle_handle **at = &s->idle; *at;) {
        idle_handle *x = *at;
        if (f ? x->file != f : x->next != NULL) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        x->next = out;
        out = x;
        s->n_open--;
    }
    return out;
}

void idle_handles_close(idle_handle *x)
{
    while (x) {
        idle_handle *next = x->next;
        dayfile_close(x->h);
        free(x);
        x = next;
    }
}

/* Locked. */
day_index *day_file_forget_index(day_file *f)
{
    day_index *x = f->index;
    if (x)
        f->store->index_bytes -= x->bytes;
    f->index = NULL;
    return x;
}

void day_file_unref(day_file *f)
{
    if (atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    pthread_mutex_lock(&f->store->lock);
    idle_handle *handles = daystore_take_idle(f->store, f);
    day_index *index = day_file_forget_index(f);
    pthread_mutex_unlock(&f->store->lock);
    idle_handles_close(handles);
    day_index_unref(index);
    if (f->unlink_at_end)
        os.unlink(f->path);
    pthread_rwlock_destroy(&f->rw);
    free(f->path);
    free(f);
}

/* Takes the cached directory that was used longest ago out. Locked; NULL: none is left. */
day_index *daystore_evict_index(daystore *s)
{
    day_file *oldest = NULL;
    for (uint32_t i = 0; i < s->list->n; i++) {
        day_file *f = s->list->days[i]->file;
        if (f->index && (!oldest || f->index_used < oldest->index_used))
            oldest = f;
    }
    return oldest ? day_file_forget_index(oldest) : NULL;
}

/* ---- lists ---- */

static day_list *list_new(uint32_t n)
{
    size_t head = sizeof(day_list) + n * sizeof(day_entry *);
    day_list *l = xcalloc(1, head + n * sizeof(day_entry));
    day_entry *entries = (day_entry *)(void *)((char *)l + head);
    l->refs = 1;
    l->n = n;
    l->days = (day_entry **)(void *)(l + 1);
    for (uint32_t i = 0; i < n; i++)
        l->days[i] = &entries[i];
    return l;
}

void day_list_unref(day_list *l)
{
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    for (uint32_t i = 0; i < l->n; i++)
        day_file_unref(l->days[i]->file);
    free(l);
}

day_list *daystore_list(daystore *s)
{
    pthread_mutex_lock(&s->lock);
    day_list *l = s->list;
    atomic_fetch_add(&l->refs, 1);
    pthread_mutex_unlock(&s->lock);
    return l;
}

const day_entry *day_list_find(const day_list *l, int32_t day)
{
    uint32_t from = 0, n = l->n;
    while (n > 0) {
        uint32_t half = n / 2;
        if (l->days[from + half]->day < day) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from < l->n && l->days[from]->day == day ? l->days[from] : NULL;
}

/* A new list in which the day is `put` (file referenced anew), or missing where put.file is NULL. Locked; gives back
 * the old list, to be unreferenced unlocked. */
day_list *daystore_replace_list(daystore *s, day_entry put)
{
    day_list *old = s->list, *l = list_new(old->n + 1);
    uint32_t n = 0;
    bool placed = put.file == NULL;
    for (uint32_t i = 0; i < old->n; i++) {
        if (!placed && old->days[i]->day >= put.day) {
            *l->days[n++] = put;
            placed = true;
        }
        if (old->days[i]->day != put.day)
            *l->days[n++] = *old->days[i];
    }
    if (!placed)
        *l->days[n++] = put;
    l->n = n;
    for (uint32_t i = 0; i < n; i++)
        day_file_ref(l->days[i]->file);
    s->list = l;
    return old;
}

/* ---- opening and closing ---- */

/* The day of a file named YYYY-MM-DD.db. */
static bool parse_name(const char *name, int32_t *day)
{
    int y, m, d, end = 0;
    struct tm tm = { 0 };
    char again[32];
    if (sscanf(name, "%d-%d-%d.db%n", &y, &m, &d, &end) != 3 || !end || name[end])
        return false;
    tm.tm_year = y - 1900;
    tm.tm_mon = m - 1;
    tm.tm_mday = d;
    time_t at = timegm(&tm);
    snprintf(again, sizeof again, "%04d-%02d-%02d.db", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    *day = (int32_t)(at / 86400);
    return strcmp(again, name) == 0 && (int64_t)*day * 86400 == at;
}

static int by_day(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Copies that daystore_replace() had kept for readers of another life. */
static void drop_leftover(const daystore *s, const char *name)
{
    char path[PATH_ROOM];
    if (s->read_only || !strstr(name, ".db.old-"))
        return;
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    os.unlink(path);
}

static bool read_folder(daystore *s, err *e)
{
    VEC(int32_t) days = { 0 };
    DIR *d = opendir(s->dir);
    int32_t day;
    if (!d && !(errno == ENOENT && s->read_only))
        return err_set(e, ERR_UNAVAILABLE, "open %s: %s", s->dir, file_errno_text(errno));
    for (struct dirent *f; d && (f = readdir(d));) {
        if (parse_name(f->d_name, &day))
            vec_push(&days, day);
        else
            drop_leftover(s, f->d_name);
    }
    if (d)
        closedir(d);
    if (days.len)
        qsort(days.p, days.len, sizeof *days.p, by_day);
    s->list = list_new((uint32_t)days.len);
    for (uint32_t i = 0; i < s->list->n; i++)
        *s->list->days[i] = (day_entry){ days.p[i], DAY_UNKNOWN, day_file_new(s, days.p[i]) };
    vec_free(&days);
    return true;
}

bool daystore_open(const char *dir, bool read_only, daystore **out, err *e)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/days", dir);
    if (!read_only && !dir_make(path, e))
        return false;
    metric_register(&quarantined);
    daystore *s = xcalloc(1, sizeof *s);
    s->dir = xstrdup(path);
    s->read_only = read_only;
    pthread_mutex_init(&s->lock, NULL);
    if (!read_folder(s, e)) {
        pthread_mutex_destroy(&s->lock);
        free(s->dir);
        free(s);
        return false;
    }
    *out = s;
    return true;
}

void daystore_close(daystore *s)
{
    if (!s)
        return;
    if (s->fresh)
        day_file_unref(s->fresh);
    day_list_unref(s->list);
    assert(!s->idle && !s->n_open);
    pthread_mutex_destroy(&s->lock);
    free(s->dir);
    free(s);
}

bool daystore_is_read_only(const daystore *s)
{
    return s->read_only;
}

/* ---- out of service ---- */

/* Moves the file and its rollback journal to a free name FILE.corrupt[.N]. */
static void move_aside(const char *path)
{
    char to[PATH_ROOM + 32], journal[PATH_ROOM + 16];
    snprintf(to, sizeof to, "%s.corrupt", path);
    for (int i = 1; access(to, F_OK) == 0 && i < 1000; i++)
        snprintf(to, sizeof to, "%s.corrupt.%d", path, i);
    os.rename(path, to);
    snprintf(journal, sizeof journal, "%s-journal", path);
    if (access(journal, F_OK) == 0) {
        snprintf(to + strlen(to), 16, "-journal");
        os.rename(journal, to);
    }
}

/* Takes a file out of the list. true: it was in service until now. */
static bool day_file_retire(day_file *f)
{
    daystore *s = f->store;
    day_list *old = NULL;
    pthread_mutex_lock(&s->lock);
    bool was_alive = !f->dead;
    f->dead = true;
    if (was_alive && day_list_find(s->list, f->day) && day_list_find(s->list, f->day)->file == f)
        old = daystore_replace_list(s, (day_entry){ .day = f->day });
    idle_handle *handles = daystore_take_idle(s, f);
    day_index *index = day_file_forget_index(f);
    pthread_mutex_unlock(&s->lock);
    idle_handles_close(handles);
    day_index_unref(index);
    day_list_unref(old);
    return was_alive;
}

void day_file_quarantine(day_file *f, const err *why)
{
    if (!day_file_retire(f))
        return;
    metric_inc(metric_get(&quarantined));
    log_error("Day file is damaged, taken out of service", "file", f->path, "err", why->msg);
    if (!f->store->read_only)
        move_aside(f->path);
}

/* ---- whole days ---- */

/* Makes the file known; false: there is nothing to know. */
static bool look_at(daystore *s, const day_entry *d, dayfile_state *out)
{
    day_use u;
    err e = { 0 };
    pthread_mutex_lock(&s->lock);
    bool known = d->file->known;
    pthread_mutex_unlock(&s->lock);
    if (!known) {
        if (!day_use_begin(s, d, false, &u, &e)) {
            log_warn("Day file cannot be read at the moment", "file", d->file->path, "err", e.msg);
            return false;
        }
        day_use_end(&u, true, &e);
    }
    pthread_mutex_lock(&s->lock);
    known = d->file->known && !d->file->dead && d->file->state.mint <= d->file->state.maxt;
    *out = d->file->state;
    pthread_mutex_unlock(&s->lock);
    return known;
}

void daystore_bounds(daystore *s, int64_t *mint, int64_t *maxt)
{
    day_list *l = daystore_list(s);
    dayfile_state state;
    *mint = INT64_MAX;
    *maxt = INT64_MIN;
    for (uint32_t i = 0; i < l->n && *mint == INT64_MAX; i++)
        if (look_at(s, l->days[i], &state))
            *mint = state.mint;
    for (uint32_t i = l->n; i-- > 0 && *maxt == INT64_MIN;)
        if (look_at(s, l->days[i], &state))
            *maxt = state.maxt;
    day_list_unref(l);
}

uint64_t daystore_covered(daystore *s, int32_t day)
{
    day_list *l = daystore_list(s);
    dayfile_state state;
    const day_entry *d = day_list_find(l, day);
    uint64_t covered = d && look_at(s, d, &state) ? state.covered : 0;
    day_list_unref(l);
    return covered;
}

uint64_t daystore_bytes(daystore *s)
{
    uint64_t n = 0;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->list->n; i++)
        n += s->list->days[i]->file->size;
    pthread_mutex_unlock(&s->lock);
    return n;
}

void daystore_rest(daystore *s)
{
    for (bool more = true; more;) {
        pthread_mutex_lock(&s->lock);
        idle_handle *h = daystore_take_idle(s, NULL);
        day_index *x = daystore_evict_index(s);
        pthread_mutex_unlock(&s->lock);
        more = h || x;
        idle_handles_close(h);
        day_index_unref(x);
    }
}

static void unlink_journal(const char *path)
{
    char journal[PATH_ROOM + 16];
    snprintf(journal, sizeof journal, "%s-journal", path);
    os.unlink(journal);
}

static bool sync_folder(const daystore *s, err *e)
{
    return os_sync_dir(s->dir) == 0 || err_set(e, ERR_UNAVAILABLE, "sync %s: %s", s->dir, file_errno_text(errno));
}

bool daystore_drop(daystore *s, int32_t day, err *e)
{
    day_list *l = daystore_list(s);
    const day_entry *d = day_list_find(l, day);
    bool ok = true;
    if (d) {
        day_file *f = d->file;
        pthread_rwlock_wrlock(&f->rw);
        day_file_retire(f);
        if (os.unlink(f->path) != 0 && errno != ENOENT)
            ok = err_set(e, ERR_UNAVAILABLE, "remove %s: %s", f->path, file_errno_text(errno));
        unlink_journal(f->path);
        pthread_rwlock_unlock(&f->rw);
    }
    day_list_unref(l);
    return ok && sync_folder(s, e);
}

/* Gives the old file a second name, under which lists that know it still find it; false: it is then gone for them. */
static void keep_for_readers(day_file *f)
{
    char path[PATH_ROOM + 40];
    daystore *s = f->store;
    pthread_mutex_lock(&s->lock);
    snprintf(path, sizeof path, "%s.old-%llu", f->path, (unsigned long long)++s->n_replaced);
    idle_handle *handles = daystore_take_idle(s, f);
    pthread_mutex_unlock(&s->lock);
    idle_handles_close(handles); /* they look for a rollback journal under the old name */
    os.unlink(path);
    if (link(f->path, path) == 0) {
        free(f->path);
        f->path = xstrdup(path);
        f->unlink_at_end = true;
    } else {
        day_file_retire(f);
    }
}

bool daystore_replace(daystore *s, int32_t day, const char *path, err *e)
{
    char to[PATH_ROOM];
    day_list *l = daystore_list(s), *old = NULL;
    const day_entry *d = day_list_find(l, day);
    day_path(s, day, to, sizeof to);
    if (d) {
        pthread_rwlock_wrlock(&d->file->rw);
        keep_for_readers(d->file);
    }
    unlink_journal(to);
    bool ok = os.rename(path, to) == 0 || err_set(e, ERR_UNAVAILABLE, "rename %s: %s", path, file_errno_text(errno));
    if (ok) {
        day_file *f = day_file_new(s, day);
        pthread_mutex_lock(&s->lock);
        old = daystore_replace_list(s, (day_entry){ day, DAY_UNKNOWN, f });
        pthread_mutex_unlock(&s->lock);
        day_file_unref(f);
    }
    if (d)
        pthread_rwlock_unlock(&d->file->rw);
    day_list_unref(old);
    day_list_unref(l);
    return ok && sync_folder(s, e);
}
