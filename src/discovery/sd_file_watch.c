/* sd_file_watch.c: file_sd: files of target groups, read again when they change and every refresh_interval.
 *
 *   start, on_tick ------------------------.
 *   on_event --> (wait 100 ms) --> on_calm --> refresh --> read_job --> on_read --> on_change
 *                                               | busy: again ------------'
 * The job finds the globs' files and reads those whose text has changed; it owns what it writes. Invariants: (1) one
 * job at a time; (2) a file that cannot be read or parsed keeps the groups it had; (3) a file that is gone takes its
 * groups with it; (4) folders are watched before files are read, so no change falls between. Behaviour:
 * discovery/file/file.go of Prometheus.                                                          */
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/os.h"
#include "base/vec.h"
#include "config/paths.h"
#include "config/sd_file.h"
#include "discovery/provider.h"
#include "loop/worker.h"
#include <stdlib.h>
#include <sys/stat.h>

enum { CALM_MS = 100 }; /* an editor's rename, truncate and write are one change */

/* One file as last read. */
typedef struct sd_file {
    char *path;
    uint64_t hash;   /* of the text */
    bool has_groups; /* false: never read well */
    arena a;         /* holds the groups */
    target_group *groups;
    size_t n_groups;
    int64_t mtime_sec;
    bool is_failed; /* the last read failed: said once */
} sd_file;
typedef VEC(sd_file) sd_file_vec;

typedef struct watch {
    uv_fs_event_t event;
    struct file_provider *owner;
    char *dir;
    bool is_failed; /* said once */
} watch;

typedef struct file_provider {
    provider base;
    uv_loop_t *loop;
    arena a; /* patterns and folders */
    bytes_list patterns;
    int64_t interval_ms;
    uv_timer_t tick, calm;
    watch **watches;
    size_t n_watches, n_open; /* open handles, and the job */
    job *running;
    bool is_again, is_closing;
    sd_file_vec files;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
} file_provider;

/* What a job brings back about one file. */
typedef struct reading {
    sd_file file;
    bool is_same; /* the text is the one known */
    bool ok;
    err why;
} reading;

typedef struct read_job {
    file_provider *p; /* patterns only */
    arena a;
    sd_file_vec known; /* paths and hashes before */
    map known_at;      /* path -> index + 1 in known */
    map seen;          /* paths read in this job: files that two globs find are read once */
    VEC(reading) found;
    int64_t started_ns;
} read_job;

/* ---- metrics ---- */

static metric_family scan_duration =
    METRIC(SUMMARY, "prometheus_sd_file_scan_duration_seconds", "The duration of the File-SD scan in seconds.");
static metric_family read_errors =
    METRIC(COUNTER, "prometheus_sd_file_read_errors_total", "The number of File-SD read errors.");
static metric_family watcher_errors = METRIC(COUNTER, "prometheus_sd_file_watcher_errors_total",
                                             "The number of File-SD errors caused by filesystem watch failures.");
static metric_family mtimes =
    METRIC(GAUGE, "prometheus_sd_file_mtime_seconds",
           "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.", "filename");

void file_provider_register_metrics(void)
{
    metric_family *const all[] = { &scan_duration, &read_errors, &watcher_errors, &mtimes };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        metric_register(all[i]);
    metric_get(&read_errors);
    metric_get(&watcher_errors);
}

/* ---- the job ---- */

/* The file of that path, by a map of places. */
static sd_file *find_file(const sd_file_vec *files, const map *at, const char *path)
{
    uint64_t *i = map_get(at, bytes_of(path));
    return i ? &files->p[*i - 1] : NULL;
}

static void index_files(const sd_file_vec *files, map *at)
{
    map_init(at, MAP_BORROWED_KEYS);
    for (size_t i = 0; i < files->len; i++)
        *map_put(at, bytes_of(files->p[i].path), NULL) = i + 1;
}

static bool read_text(reading *r, const sd_file *known, err *e)
{
    buf text;
    struct stat st;
    sd_file *f = &r->file;
    bool ok = file_read(f->path, LIMIT_CONFIG_FILE, &text, e);
    if (ok) {
        f->hash = bytes_hash(buf_bytes(&text));
        r->is_same = known && known->has_groups && !known->is_failed && known->hash == f->hash;
        f->mtime_sec = stat(f->path, &st) == 0 ? (int64_t)st.st_mtime : 0;
        ok = r->is_same || sd_file_parse(buf_bytes(&text), f->path, &f->a, &f->groups, &f->n_groups, e);
    }
    buf_release(&text);
    return ok;
}

static void read_one(read_job *j, bytes path)
{
    reading r = { 0 };
    r.file.path = xstrdup(path.p);
    arena_init(&r.file.a, LIMIT_CONFIG_MEMORY);
    r.ok = read_text(&r, find_file(&j->known, &j->known_at, path.p), &r.why);
    r.file.has_groups = r.ok && !r.is_same;
    if (!r.file.has_groups)
        arena_release(&r.file.a);
    vec_push(&j->found, r);
}

static void run_read(job *self, void *ctx)
{
    read_job *j = ctx;
    err e = { 0 };
    for (size_t i = 0; i < j->p->patterns.n && !job_canceled(self); i++) {
        bytes *paths;
        size_t n;
        if (!path_glob(&j->a, j->p->patterns.p[i], &paths, &n, &e)) {
            log_error("Error expanding glob", "discovery", "file", "glob", j->p->patterns.p[i].p, "err", e.msg);
            continue;
        }
        for (size_t k = 0; k < n && !job_canceled(self); k++) {
            bool is_new;
            map_put(&j->seen, paths[k], &is_new);
            if (is_new)
                read_one(j, paths[k]);
        }
    }
}

/* ---- back on the loop ---- */

static void release_file(sd_file *f)
{
    arena_release(&f->a);
    free(f->path);
}

static void drop_file(sd_file *f)
{
    metric_forget(&mtimes, (const char *const[METRIC_MAX_LABELS]){ f->path });
    release_file(f);
}

/* (2): the file keeps what it had; the first failure in a row is said. */
static void note_failure(sd_file *known, const reading *r)
{
    metric_inc(metric_get(&read_errors));
    if (!known->is_failed || known->hash != r->file.hash)
        log_error("Error reading file", "discovery", "file", "path", known->path, "err", r->why.msg);
    known->is_failed = true;
    known->hash = r->file.hash;
}

/* Moves one reading into the provider's file; true: its groups changed. */
static bool take_reading(sd_file *known, reading *r)
{
    if (!r->ok) {
        note_failure(known, r);
        return false;
    }
    known->mtime_sec = r->file.mtime_sec;
    metric_set(metric_with(&mtimes, known->path), (double)known->mtime_sec);
    if (r->is_same)
        return false;
    arena_release(&known->a);
    known->a = r->file.a;
    known->groups = r->file.groups;
    known->n_groups = r->file.n_groups;
    known->hash = r->file.hash;
    known->has_groups = true;
    known->is_failed = false;
    r->file.a = (arena){ 0 };
    return true;
}

/* The file a reading is about, taken out of the provider's list, or a new one. */
static sd_file take_file(file_provider *p, const map *at, const char *path)
{
    sd_file *known = find_file(&p->files, at, path);
    sd_file f = { 0 };
    if (known) {
        f = *known;
        known->path = NULL;
    } else {
        f.path = xstrdup(path);
        arena_init(&f.a, 0);
    }
    return f;
}

/* The files now are those that were found, in that order; (3) others are dropped. */
static bool take_readings(file_provider *p, read_job *j)
{
    sd_file_vec now = { 0 };
    map at;
    bool changed = false;
    index_files(&p->files, &at);
    for (size_t i = 0; i < j->found.len; i++) {
        sd_file f = take_file(p, &at, j->found.p[i].file.path);
        changed |= take_reading(&f, &j->found.p[i]);
        vec_push(&now, f);
    }
    map_release(&at);
    for (size_t i = 0; i < p->files.len; i++) {
        if (!p->files.p[i].path)
            continue;
        changed |= p->files.p[i].n_groups > 0;
        drop_file(&p->files.p[i]);
    }
    vec_free(&p->files);
    p->files.p = now.p;
    p->files.len = now.len;
    p->files.cap = now.cap;
    return changed;
}

static void list_groups(file_provider *p)
{
    VEC(const target_group *) all = { 0 };
    for (size_t i = 0; i < p->files.len; i++) {
        for (size_t k = 0; k < p->files.p[i].n_groups; k++)
            vec_push(&all, &p->files.p[i].groups[k]);
    }
    free(p->base.groups);
    p->base.groups = all.p;
    p->base.n_groups = all.len;
}

static void free_job(read_job *j)
{
    for (size_t i = 0; i < j->found.len; i++)
        release_file(&j->found.p[i].file);
    for (size_t i = 0; i < j->known.len; i++)
        free(j->known.p[i].path);
    vec_free(&j->found);
    vec_free(&j->known);
    map_release(&j->known_at);
    map_release(&j->seen);
    arena_release(&j->a);
    free(j);
}

static void refresh(file_provider *p);
static void finish_close(file_provider *p);

static void on_read(job *self, void *ctx)
{
    read_job *j = ctx;
    file_provider *p = j->p;
    bool was_read = p->base.is_read, changed = false;
    p->running = NULL;
    p->n_open--;
    if (!p->is_closing) {
        metric_observe(metric_get(&scan_duration), (double)(os.mono_ns() - j->started_ns) / 1e9);
        changed = take_readings(p, j);
        list_groups(p);
        p->base.is_read = true;
    }
    free_job(j);
    if (p->is_closing) {
        finish_close(p);
        return;
    }
    if ((changed || !was_read) && p->base.on_change)
        p->base.on_change(p->base.ctx);
    if (!p->is_closing && p->is_again)
        refresh(p);
}

/* ---- watching ---- */

static void on_calm(uv_timer_t *t)
{
    refresh(t->data);
}

static void on_tick(uv_timer_t *t)
{
    refresh(t->data);
}

/* Does a name in a folder belong to one of the patterns? */
static bool is_ours(const file_provider *p, const char *name)
{
    for (size_t i = 0; i < p->patterns.n; i++) {
        bool bad;
        if (path_match(path_base(p->patterns.p[i]), bytes_of(name), &bad))
            return true;
    }
    return false;
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    watch *w = event->data;
    if (status < 0) {
        metric_inc(metric_get(&watcher_errors));
        log_error("Error watching file", "discovery", "file", "path", w->dir, "err", uv_strerror(status));
    }
    if (status < 0 || !name || is_ours(w->owner, name))
        uv_timer_start(&w->owner->calm, on_calm, CALM_MS, 0);
}

/* Again each time: a folder that was made anew has lost its watch. */
static void start_watch(watch *w)
{
    uv_fs_event_stop(&w->event);
    int status = uv_fs_event_start(&w->event, on_event, w->dir, 0);
    if (status < 0 && !w->is_failed) {
        metric_inc(metric_get(&watcher_errors));
        log_warn("Error adding file watch", "discovery", "file", "path", w->dir, "err", uv_strerror(status));
    }
    w->is_failed = status < 0;
}

static void refresh(file_provider *p)
{
    if (p->running) { /* (1) */
        p->is_again = true;
        return;
    }
    p->is_again = false;
    for (size_t i = 0; i < p->n_watches; i++) /* (4) */
        start_watch(p->watches[i]);
    read_job *j = xcalloc(1, sizeof *j);
    j->p = p;
    j->started_ns = os.mono_ns();
    arena_init(&j->a, 0);
    for (size_t i = 0; i < p->files.len; i++) {
        const sd_file *f = &p->files.p[i];
        vec_push(&j->known, (sd_file){ .path = xstrdup(f->path),
                                       .hash = f->hash,
                                       .has_groups = f->has_groups,
                                       .is_failed = f->is_failed });
    }
    index_files(&j->known, &j->known_at);
    map_init(&j->seen, MAP_BORROWED_KEYS);
    p->n_open++;
    p->running = worker_run(p->loop, WORKER_LOOKUP, run_read, on_read, j);
}

/* ---- life ---- */

static bool is_watched(const file_provider *p, bytes dir)
{
    for (size_t i = 0; i < p->n_watches; i++) {
        if (bytes_eq(bytes_of(p->watches[i]->dir), dir))
            return true;
    }
    return false;
}

static void add_watch(file_provider *p, bytes dir)
{
    watch *w = xcalloc(1, sizeof *w);
    w->owner = p;
    w->dir = arena_cstr(&p->a, dir);
    uv_fs_event_init(p->loop, &w->event);
    w->event.data = w;
    p->watches[p->n_watches++] = w;
    p->n_open++;
}

static size_t count_files(const sd_configs *sd)
{
    return sd->file_sd.n;
}

static provider *start_files(uv_loop_t *loop, const sd_configs *sd, size_t i)
{
    const file_sd_config *f = &sd->file_sd.p[i];
    file_provider *p = xcalloc(1, sizeof *p);
    p->base.kind = &file_provider_kind;
    p->loop = loop;
    p->interval_ms = f->refresh_interval_ms;
    arena_init(&p->a, 0);
    p->patterns = (bytes_list){ ARENA_ARRAY(&p->a, bytes, f->files.n), f->files.n };
    p->watches = ARENA_ARRAY(&p->a, watch *, f->files.n);
    for (size_t k = 0; k < f->files.n; k++) {
        p->patterns.p[k] = (bytes){ arena_cstr(&p->a, f->files.p[k]), f->files.p[k].len };
        bytes dir = path_dir(&p->a, p->patterns.p[k]);
        if (!is_watched(p, dir))
            add_watch(p, dir);
    }
    uv_timer_init(loop, &p->tick);
    uv_timer_init(loop, &p->calm);
    p->tick.data = p->calm.data = p;
    p->n_open += 2;
    uv_timer_start(&p->tick, on_tick, (uint64_t)p->interval_ms, (uint64_t)p->interval_ms);
    refresh(p);
    return &p->base;
}

static bool fits_files(const provider *base, const sd_configs *sd, size_t i)
{
    const file_provider *p = (const file_provider *)base;
    const file_sd_config *f = &sd->file_sd.p[i];
    if (p->interval_ms != f->refresh_interval_ms || p->patterns.n != f->files.n)
        return false;
    for (size_t k = 0; k < f->files.n; k++) {
        if (!bytes_eq(p->patterns.p[k], f->files.p[k]))
            return false;
    }
    return true;
}

static void finish_close(file_provider *p)
{
    if (p->n_open)
        return;
    void (*on_closed)(void *ctx) = p->on_closed;
    void *ctx = p->closed_ctx;
    for (size_t i = 0; i < p->files.len; i++)
        drop_file(&p->files.p[i]);
    for (size_t i = 0; i < p->n_watches; i++)
        free(p->watches[i]);
    vec_free(&p->files);
    free(p->base.groups);
    arena_release(&p->a);
    free(p);
    on_closed(ctx);
}

static void on_timer_closed(uv_handle_t *h)
{
    file_provider *p = h->data;
    p->n_open--;
    finish_close(p);
}

static void on_watch_closed(uv_handle_t *h)
{
    file_provider *p = ((watch *)h->data)->owner;
    p->n_open--;
    finish_close(p);
}

static void close_files(provider *base, void (*on_closed)(void *ctx), void *ctx)
{
    file_provider *p = (file_provider *)base;
    p->is_closing = true;
    p->on_closed = on_closed;
    p->closed_ctx = ctx;
    if (p->running)
        job_cancel(p->running);
    for (size_t i = 0; i < p->n_watches; i++)
        uv_close((uv_handle_t *)&p->watches[i]->event, on_watch_closed);
    uv_close((uv_handle_t *)&p->tick, on_timer_closed);
    uv_close((uv_handle_t *)&p->calm, on_timer_closed);
}

const provider_kind file_provider_kind = { "file", count_files, start_files, fits_files, close_files };
