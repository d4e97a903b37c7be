/* daystore.c: see daystore.h.
 *
 * A day_file is one file on disk, counted: the lists that name it keep it. Its rwlock is held shared while SQLite reads it and
 * exclusively during a transaction, so our own threads never meet SQLITE_BUSY. Handles wait in one pool, the one used last
 * in front; a handle belongs to its file for life. Directories (day_index) are cached per file within a budget over all
 * files, so that memory does not grow with the days kept.
 *
 * Invariants: (1) `list` names the files in service, ascending by day; it is replaced, never changed; (2) a file that is `dead`
 * is in no new list and is not opened again; (3) state and base_block of a file are set once it is `known`; (4) all fields below
 * `lock` are touched with it held, and it is never held while a file is opened, read or waited for.                  */
#include "tsdb/daystore.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/os.h"
#include "base/vec.h"
#include "tsdb/daystore_impl.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { INDEX_BUDGET = 4 << 20, PATH_ROOM = 4200 };

static metric_family quarantined = METRIC(COUNTER, "tsdbd_storage_quarantined_day_files_total",
                                          "Number of day files found damaged and taken out of service.");

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

/* ---- files ---- */

static void day_path(const daystore *s, int32_t day, char *out, size_t size)
{
    time_t at = (time_t)day * 86400;
    struct tm tm;
    gmtime_r(&at, &tm);
    snprintf(out, size, "%s/%04d-%02d-%02d.db", s->dir, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static day_file *file_new(daystore *s, int32_t day)
{
    char path[PATH_ROOM];
    pthread_rwlockattr_t attr;
    day_file *f = xcalloc(1, sizeof *f);
    day_path(s, day, path, sizeof path);
    f->store = s;
    f->day = day;
    f->path = xstrdup(path);
    f->refs = 1;
    f->size = size_of(path);
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&f->rw, &attr);
    pthread_rwlockattr_destroy(&attr);
    return f;
}

static day_file *file_ref(day_file *f)
{
    atomic_fetch_add(&f->refs, 1);
    return f;
}

/* Takes the idle handles of a file (NULL: the one used longest ago, of any) out of the pool. Locked; close them unlocked. */
static idle_handle *take_idle(daystore *s, const day_file *f)
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

static void close_handles(idle_handle *x)
{
    while (x) {
        idle_handle *next = x->next;
        dayfile_close(x->h);
        free(x);
        x = next;
    }
}

/* Locked. */
static day_index *forget_index(day_file *f)
{
    day_index *x = f->index;
    if (x)
        f->store->index_bytes -= x->bytes;
    f->index = NULL;
    return x;
}

static void file_unref(day_file *f)
{
    if (atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    pthread_mutex_lock(&f->store->lock);
    idle_handle *handles = take_idle(f->store, f);
    day_index *index = forget_index(f);
    pthread_mutex_unlock(&f->store->lock);
    close_handles(handles);
    day_index_unref(index);
    if (f->unlink_at_end)
        os.unlink(f->path);
    pthread_rwlock_destroy(&f->rw);
    free(f->path);
    free(f);
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
        file_unref(l->days[i]->file);
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

/* A new list in which the day is `put` (file referenced anew), or missing where put.file is NULL. Locked; gives back the old
 * list, to be unreferenced unlocked. */
static day_list *replace_list(daystore *s, day_entry put)
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
        file_ref(l->days[i]->file);
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
        *s->list->days[i] = (day_entry){ days.p[i], DAY_UNKNOWN, file_new(s, days.p[i]) };
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
        file_unref(s->fresh);
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
static bool retire(day_file *f)
{
    daystore *s = f->store;
    day_list *old = NULL;
    pthread_mutex_lock(&s->lock);
    bool was_alive = !f->dead;
    f->dead = true;
    if (was_alive && day_list_find(s->list, f->day) && day_list_find(s->list, f->day)->file == f)
        old = replace_list(s, (day_entry){ .day = f->day });
    idle_handle *handles = take_idle(s, f);
    day_index *index = forget_index(f);
    pthread_mutex_unlock(&s->lock);
    close_handles(handles);
    day_index_unref(index);
    day_list_unref(old);
    return was_alive;
}

static void quarantine(day_file *f, const err *why)
{
    if (!retire(f))
        return;
    metric_inc(metric_get(&quarantined));
    log_error("Day file is damaged, taken out of service", "file", f->path, "err", why->msg);
    if (!f->store->read_only)
        move_aside(f->path);
}

/* ---- use ---- */

/* A handle on the file: an idle one, or a new one, for which the pool may give up another. */
static dayfile *checkout(day_file *f, enum sql_mode mode, err *e)
{
    daystore *s = f->store;
    idle_handle *mine = NULL, *victim = NULL;
    dayfile *h = NULL;
    pthread_mutex_lock(&s->lock);
    for (idle_handle **at = &s->idle; *at && !mine; at = &(*at)->next) {
        if ((*at)->file != f)
            continue;
        mine = *at;
        *at = mine->next;
        break;
    }
    if (!mine && s->n_open >= DAYSTORE_MAX_OPEN)
        victim = take_idle(s, NULL);
    if (!mine)
        s->n_open++;
    pthread_mutex_unlock(&s->lock);
    close_handles(victim);
    if (mine) {
        h = mine->h;
        free(mine);
        return h;
    }
    if (dayfile_open(f->path, mode, &h, e))
        return h;
    pthread_mutex_lock(&s->lock);
    s->n_open--;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void give_back(day_file *f, dayfile *h)
{
    daystore *s = f->store;
    idle_handle *x = xmalloc(sizeof *x);
    pthread_mutex_lock(&s->lock);
    bool keep = !f->dead && s->n_open <= DAYSTORE_MAX_OPEN;
    if (keep) {
        *x = (idle_handle){ s->idle, f, h };
        s->idle = x;
    } else {
        s->n_open--;
    }
    pthread_mutex_unlock(&s->lock);
    if (!keep) {
        dayfile_close(h);
        free(x);
    }
}

/* Reads what the file says of itself, the first time. */
static bool get_known(day_file *f, dayfile *h, err *e)
{
    daystore *s = f->store;
    dayfile_state state;
    pthread_mutex_lock(&s->lock);
    bool known = f->known;
    pthread_mutex_unlock(&s->lock);
    if (known)
        return true;
    if (!dayfile_get_state(h, &state, e))
        return false;
    pthread_mutex_lock(&s->lock);
    if (!f->known) {
        f->state = state;
        f->base_block = state.last_block;
        f->known = true;
    }
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* Takes the cached directory that was used longest ago out. Locked; NULL: none is left. */
static day_index *evict_one(daystore *s)
{
    day_file *oldest = NULL;
    for (uint32_t i = 0; i < s->list->n; i++) {
        day_file *f = s->list->days[i]->file;
        if (f->index && (!oldest || f->index_used < oldest->index_used))
            oldest = f;
    }
    return oldest ? forget_index(oldest) : NULL;
}

static void cache_index(day_file *f, day_index *x)
{
    daystore *s = f->store;
    day_index *gone;
    pthread_mutex_lock(&s->lock);
    gone = !f->index || f->index->last_block < x->last_block ? forget_index(f) : NULL;
    if (!f->index && !f->dead && x->bytes <= INDEX_BUDGET) {
        f->index = day_index_ref(x);
        f->index_used = ++s->tick;
        s->index_bytes += x->bytes;
    }
    while (s->index_bytes > INDEX_BUDGET) {
        pthread_mutex_unlock(&s->lock);
        day_index_unref(gone);
        pthread_mutex_lock(&s->lock);
        if (!(gone = evict_one(s)))
            break;
    }
    pthread_mutex_unlock(&s->lock);
    day_index_unref(gone);
}

/* The directory up to block `last`: cached, or read. */
static bool get_index(day_file *f, dayfile *h, uint32_t last, day_index **out, err *e)
{
    daystore *s = f->store;
    *out = NULL;
    pthread_mutex_lock(&s->lock);
    if (last == DAY_UNKNOWN)
        last = f->base_block;
    if (f->index && f->index->last_block == last) {
        *out = day_index_ref(f->index);
        f->index_used = ++s->tick;
    }
    pthread_mutex_unlock(&s->lock);
    if (*out)
        return true;
    if (!day_index_load(h, last, out, e))
        return false;
    cache_index(f, *out);
    return true;
}

static bool is_dead(day_file *f)
{
    pthread_mutex_lock(&f->store->lock);
    bool dead = f->dead;
    pthread_mutex_unlock(&f->store->lock);
    return dead;
}

bool day_use_begin(daystore *s, const day_entry *d, bool with_index, day_use *out, err *e)
{
    err mine = { 0 };
    *out = (day_use){ .store = s, .file = d->file };
    pthread_rwlock_rdlock(&d->file->rw);
    if (is_dead(d->file)) {
        pthread_rwlock_unlock(&d->file->rw);
        return true;
    }
    out->h = checkout(d->file, s->read_only ? SQL_READ : SQL_WRITE, &mine);
    bool ok = out->h && dayfile_begin_read(out->h, &mine) && get_known(d->file, out->h, &mine)
           && (!with_index || get_index(d->file, out->h, d->last_block, &out->index, &mine));
    if (!ok && access(d->file->path, F_OK) != 0)
        mine.kind = ERR_BAD_DATA; /* somebody took the file away */
    if (ok)
        return true;
    if (!day_use_end(out, false, &mine))
        return err_set(e, mine.kind, "%s", mine.msg);
    return true;
}

bool day_use_end(day_use *u, bool ok, err *e)
{
    if (!u->h && ok)
        return true; /* begun on nothing */
    if (!ok && e->kind == ERR_BAD_DATA) {
        quarantine(u->file, e);
        *e = (err){ 0 };
        ok = true;
    }
    day_index_unref(u->index);
    u->index = NULL;
    if (u->h)
        dayfile_end_read(u->h);
    if (u->h)
        give_back(u->file, u->h);
    u->h = NULL;
    pthread_rwlock_unlock(&u->file->rw);
    return ok;
}

/* ---- writing ---- */

/* The file of a day: in service, begun by this writer before, or new. */
static day_file *writable_file(daystore *s, int32_t day)
{
    day_file *stale = NULL;
    pthread_mutex_lock(&s->lock);
    const day_entry *d = day_list_find(s->list, day);
    day_file *f = d ? d->file : NULL;
    if (!f && s->fresh && s->fresh->day == day && !s->fresh->dead)
        f = s->fresh;
    if (!f) {
        stale = s->fresh;
        f = s->fresh = file_new(s, day);
    }
    file_ref(f);
    pthread_mutex_unlock(&s->lock);
    if (stale)
        file_unref(stale);
    return f;
}

bool day_write_begin(daystore *s, int32_t day, day_use *out, err *e)
{
    err mine = { 0 };
    day_file *f = writable_file(s, day);
    *out = (day_use){ .store = s, .file = f };
    bool is_new = access(f->path, F_OK) != 0;
    pthread_rwlock_wrlock(&f->rw);
    out->h = checkout(f, SQL_CREATE, &mine);
    bool ok = out->h && get_known(f, out->h, &mine) && dayfile_begin(out->h, &mine);
    if (ok && is_new && os_sync_dir(s->dir) != 0)
        ok = err_set(&mine, ERR_UNAVAILABLE, "sync %s: %s", s->dir, file_errno_text(errno));
    if (ok)
        return true;
    day_write_end(out, false, NULL, &mine);
    return err_set(e, mine.kind, "%s", mine.msg);
}

/* Lets new lists show the file up to the block. */
static void publish(day_file *f, const day_block *b)
{
    daystore *s = f->store;
    pthread_mutex_lock(&s->lock);
    dayfile_state *st = &f->state;
    st->last_block = b->id;
    st->covered = b->covered > st->covered ? b->covered : st->covered;
    st->mint = b->mint < st->mint ? b->mint : st->mint;
    st->maxt = b->maxt > st->maxt ? b->maxt : st->maxt;
    f->size = size_of(f->path);
    day_list *old = replace_list(s, (day_entry){ f->day, b->id, f });
    bool was_fresh = s->fresh == f;
    if (was_fresh)
        s->fresh = NULL;
    pthread_mutex_unlock(&s->lock);
    day_list_unref(old);
    if (was_fresh)
        file_unref(f);
}

bool day_write_end(day_use *u, bool ok, const day_block *block, err *e)
{
    day_file *f = u->file;
    ok = ok && dayfile_commit(u->h, e);
    if (ok && block)
        publish(f, block);
    if (!ok && u->h)
        dayfile_rollback(u->h);
    if (!ok && e->kind == ERR_BAD_DATA)
        quarantine(f, e); /* the next flush begins a new file; samples are still in memory */
    if (u->h)
        give_back(f, u->h);
    u->h = NULL;
    pthread_rwlock_unlock(&f->rw);
    file_unref(f);
    return ok;
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
        retire(f);
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
    idle_handle *handles = take_idle(s, f);
    pthread_mutex_unlock(&s->lock);
    close_handles(handles); /* they look for a rollback journal under the old name */
    os.unlink(path);
    if (link(f->path, path) == 0) {
        free(f->path);
        f->path = xstrdup(path);
        f->unlink_at_end = true;
    } else {
        retire(f);
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
        day_file *f = file_new(s, day);
        pthread_mutex_lock(&s->lock);
        old = replace_list(s, (day_entry){ day, DAY_UNKNOWN, f });
        pthread_mutex_unlock(&s->lock);
        file_unref(f);
    }
    if (d)
        pthread_rwlock_unlock(&d->file->rw);
    day_list_unref(old);
    day_list_unref(l);
    return ok && sync_folder(s, e);
}
