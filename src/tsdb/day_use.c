/* day_use.c: one day in use by one thread: its lock, a handle on its file, its directory; and the writer's transaction.
 *
 * Directories are cached per file within INDEX_BUDGET over all files, so that memory does not grow with the days kept.
 * See daystore_impl.h for the face, day_files.h for the invariants.                                                  */
#include "tsdb/daystore_impl.h"
#include "base/file.h"
#include "base/os.h"
#include "tsdb/day_files.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { INDEX_BUDGET = 4 << 20 };

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
        victim = daystore_take_idle(s, NULL);
    if (!mine)
        s->n_open++;
    pthread_mutex_unlock(&s->lock);
    idle_handles_close(victim);
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

static void cache_index(day_file *f, day_index *x)
{
    daystore *s = f->store;
    day_index *gone;
    pthread_mutex_lock(&s->lock);
    gone = !f->index || f->index->last_block < x->last_block ? day_file_forget_index(f) : NULL;
    if (!f->index && !f->dead && x->bytes <= INDEX_BUDGET) {
        f->index = day_index_ref(x);
        f->index_used = ++s->tick;
        s->index_bytes += x->bytes;
    }
    while (s->index_bytes > INDEX_BUDGET) {
        pthread_mutex_unlock(&s->lock);
        day_index_unref(gone);
        pthread_mutex_lock(&s->lock);
        if (!(gone = daystore_evict_index(s)))
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
        day_file_quarantine(u->file, e);
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
        f = s->fresh = day_file_new(s, day);
    }
    day_file_ref(f);
    pthread_mutex_unlock(&s->lock);
    if (stale)
        day_file_unref(stale);
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
    f->size = day_file_size(f->path);
    day_list *old = daystore_replace_list(s, (day_entry){ f->day, b->id, f });
    bool was_fresh = s->fresh == f;
    if (was_fresh)
        s->fresh = NULL;
    pthread_mutex_unlock(&s->lock);
    day_list_unref(old);
    if (was_fresh)
        day_file_unref(f);
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
        day_file_quarantine(f, e); /* the next flush begins a new file; samples are still in memory */
    if (u->h)
        give_back(f, u->h);
    u->h = NULL;
    pthread_rwlock_unlock(&f->rw);
    day_file_unref(f);
    return ok;
}
