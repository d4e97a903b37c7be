/* meta.c: see meta.h.
 *
 * One table, `kv`: (space, key) -> value, clustered. WAL with synchronous=FULL: a commit is one append to the log and
 * one sync. The connection exists while somebody uses it; meta_rest() gives it back (and with it the log file, which
 * SQLite folds into the database at the last close). A file that is no database, or one of a later version, is set
 * aside (meta.db.corrupt) with a log line and a metric: the store must open. docs/format/meta.md */
#include "tsdb/meta.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/os.h"
#include "tsdb/sql.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { META_APPLICATION = 0x74736d31 /* "tsm1" */, META_VERSION = 1, META_CACHE_KIB = 128 };

enum stmt { PUT, DEL, GET, EACH, N_STMTS };
static const char *const texts[N_STMTS] = {
    [PUT] = "INSERT INTO kv(space,key,value) VALUES(?1,?2,?3) ON CONFLICT(space,key) DO UPDATE SET value=?3",
    [DEL] = "DELETE FROM kv WHERE space=?1 AND key=?2",
    [GET] = "SELECT value FROM kv WHERE space=?1 AND key=?2",
    [EACH] = "SELECT key,value FROM kv WHERE space=?1 ORDER BY key",
};
static const char schema[] = "BEGIN;"
                             "CREATE TABLE kv(space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
                             " PRIMARY KEY(space,key)) WITHOUT ROWID;"
                             "PRAGMA application_id=0x74736d31; PRAGMA user_version=1; COMMIT;";

static metric_family set_aside = METRIC(COUNTER, "tsdbd_storage_meta_corruptions_total",
                                        "Number of times meta.db was unreadable and set aside.");

struct meta {
    pthread_mutex_t lock;    /* of all below */
    char *path;
    bool read_only;
    sqlite3 *db;             /* NULL: at rest */
    sqlite3_stmt *st[N_STMTS];
};

meta *meta_new(const char *dir, bool read_only)
{
    char path[4096];
    meta *m = xcalloc(1, sizeof *m);
    snprintf(path, sizeof path, "%s/meta.db", dir);
    m->path = xstrdup(path);
    m->read_only = read_only;
    pthread_mutex_init(&m->lock, NULL);
    metric_register(&set_aside);
    return m;
}

static void close_db(meta *m)
{
    for (int i = 0; i < N_STMTS; i++) {
        sqlite3_finalize(m->st[i]);
        m->st[i] = NULL;
    }
    sql_close(m->db);
    m->db = NULL;
}

void meta_free(meta *m)
{
    if (!m)
        return;
    close_db(m);
    pthread_mutex_destroy(&m->lock);
    free(m->path);
    free(m);
}

void meta_rest(meta *m)
{
    pthread_mutex_lock(&m->lock);
    close_db(m);
    pthread_mutex_unlock(&m->lock);
}

/* Is it ours? A new, empty file becomes so. */
static bool check_schema(meta *m, err *e)
{
    int64_t application, version, tables;
    if (!sql_number(m->db, "PRAGMA application_id", &application, e)
        || !sql_number(m->db, "PRAGMA user_version", &version, e)
        || !sql_number(m->db, "SELECT count(*) FROM sqlite_master", &tables, e))
        return false;
    if (application == META_APPLICATION && version == META_VERSION)
        return true;
    if (application || version || tables || m->read_only)
        return err_set(e, ERR_BAD_DATA, "not a meta.db of this version (application %lld, version %lld)",
                       (long long)application, (long long)version);
    return sql_exec(m->db, schema, e);
}

static bool try_open(meta *m, err *e)
{
    bool ok = sql_open(m->path, m->read_only ? SQL_READ : SQL_CREATE, META_CACHE_KIB, &m->db, e)
              && (m->read_only || sql_exec(m->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", e))
              && check_schema(m, e);
    for (int i = 0; ok && i < N_STMTS; i++)
        ok = (m->read_only && i < GET) || sql_prepare(m->db, texts[i], &m->st[i], e);
    if (!ok)
        close_db(m);
    return ok;
}

static void put_aside(meta *m, const err *why)
{
    static const char *const tails[] = { "", "-wal", "-shm" };
    char from[4200], to[4200];
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(from, sizeof from, "%s%s", m->path, tails[i]);
        snprintf(to, sizeof to, "%s.corrupt%s", m->path, tails[i]);
        os.rename(from, to);
    }
    metric_inc(metric_get(&set_aside));
    log_error("meta.db is unreadable, set aside as meta.db.corrupt; starting with an empty one", "err", why->msg);
}

/* Damage that shows: sets the file aside and opens an empty one. true: the call may be tried again. Locked. */
static bool recover(meta *m, err *e)
{
    if (e->kind != ERR_BAD_DATA || m->read_only)
        return false;
    close_db(m);
    put_aside(m, e);
    *e = (err){ 0 };
    return try_open(m, e);
}

/* The work of a call, on the open file, locked. */
typedef struct work {
    const meta_change *changes;   /* apply */
    size_t n;
    const char *space;            /* look_up, visit */
    bytes key;
    buf *out;
    bool *found;
    bool (*fn)(void *ctx, bytes key, bytes value);
    void *ctx;
} work;

/* Resets a statement and drops what was bound: borrowed memory must not stay behind. */
static void done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

static bool change(meta *m, const meta_change *c, err *e)
{
    sqlite3_stmt *st = m->st[c->value.p ? PUT : DEL];
    sqlite3_bind_text(st, 1, c->space, -1, SQLITE_STATIC);
    sql_bind(st, 2, c->key);
    if (c->value.p)
        sql_bind(st, 3, c->value);
    bool ok = sql_run(m->db, st, e);
    done(st);
    return ok;
}

static bool apply(meta *m, work *w, err *e)
{
    if (m->read_only)
        return err_set(e, ERR_UNAVAILABLE, "the store is open for reading only");
    bool ok = sql_exec(m->db, "BEGIN IMMEDIATE", e);
    for (size_t i = 0; ok && i < w->n; i++)
        ok = change(m, &w->changes[i], e);
    ok = ok && sql_exec(m->db, "COMMIT", e);
    if (!ok && !sqlite3_get_autocommit(m->db))
        sql_exec(m->db, "ROLLBACK", NULL);
    return ok;
}

static bool look_up(meta *m, work *w, err *e)
{
    sqlite3_stmt *st = m->st[GET];
    if (!m->db)
        return true;
    sqlite3_bind_text(st, 1, w->space, -1, SQLITE_STATIC);
    sql_bind(st, 2, w->key);
    bool ok = sql_next(m->db, st, w->found, e);
    if (ok && *w->found)
        buf_puts(w->out, sql_blob(st, 0));
    done(st);
    return ok && (!w->out->overflow || err_set(e, ERR_TOO_LARGE, "a value of %s is too large", w->space));
}

static bool visit(meta *m, work *w, err *e)
{
    sqlite3_stmt *st = m->st[EACH];
    bool row, ok;
    if (!m->db)
        return true;
    sqlite3_bind_text(st, 1, w->space, -1, SQLITE_STATIC);
    do
        ok = sql_next(m->db, st, &row, e);
    while (ok && row && w->fn(w->ctx, sql_blob(st, 0), sql_blob(st, 1)));
    done(st);
    return ok;
}

/* Locks, opens, works; once more on an empty file where the old one proves damaged. A read-only store without a file
 * works on nothing (m->db == NULL). */
static bool with_file(meta *m, bool (*fn)(meta *m, work *w, err *e), work *w, err *e)
{
    err mine = { 0 };
    pthread_mutex_lock(&m->lock);
    bool nothing = !m->db && m->read_only && access(m->path, F_OK) != 0;
    bool ok = m->db || nothing || try_open(m, &mine) || recover(m, &mine);
    if (ok)
        ok = fn(m, w, &mine) || (recover(m, &mine) && fn(m, w, &mine));
    pthread_mutex_unlock(&m->lock);
    return ok || err_set(e, mine.kind, "meta.db: %s", mine.msg);
}

bool meta_apply(meta *m, const meta_change *changes, size_t n, err *e)
{
    return n == 0 || with_file(m, apply, &(work){ .changes = changes, .n = n }, e);
}

bool meta_put(meta *m, const char *space, bytes key, bytes value, err *e)
{
    if (!value.p)
        value.p = "";
    return meta_apply(m, &(meta_change){ space, key, value }, 1, e);
}

bool meta_del(meta *m, const char *space, bytes key, err *e)
{
    return meta_apply(m, &(meta_change){ .space = space, .key = key }, 1, e);
}

bool meta_get(meta *m, const char *space, bytes key, buf *out, bool *found, err *e)
{
    *found = false;
    buf_clear(out);
    return with_file(m, look_up, &(work){ .space = space, .key = key, .out = out, .found = found }, e);
}

bool meta_each(meta *m, const char *space, bool (*fn)(void *ctx, bytes key, bytes value), void *ctx, err *e)
{
    return with_file(m, visit, &(work){ .space = space, .fn = fn, .ctx = ctx }, e);
}
