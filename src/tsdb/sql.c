/* sql.c: see sql.h. */
#include "tsdb/sql.h"
#include "base/file.h"
#include <pthread.h>
#include <stdio.h>

enum { BUSY_MS = 5000 };      /* against a second process (a copy tool, the shell); our own threads do not meet */

static void configure(void)
{
    /* Where the process uses SQLite elsewhere and has started it, these come too late and change nothing. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

bool sql_failed(sqlite3 *db, const char *what, err *e)
{
    int code = sqlite3_errcode(db) & 0xff;
    enum err_kind kind = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR ? ERR_BAD_DATA
                         : code == SQLITE_TOOBIG || code == SQLITE_MISUSE                        ? ERR_INTERNAL
                                                                                                 : ERR_UNAVAILABLE;
    int system = sqlite3_system_errno(db);
    if (system && kind == ERR_UNAVAILABLE)
        return err_set(e, kind, "%s: %s: %s", what, sqlite3_errmsg(db), file_errno_text(system));
    return err_set(e, kind, "%s: %s", what, sqlite3_errmsg(db));
}

bool sql_open(const char *path, enum sql_mode mode, int cache_kib, sqlite3 **out, err *e)
{
    static const int flags[] = { SQLITE_OPEN_READONLY, SQLITE_OPEN_READWRITE,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE };
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char text[100];
    sqlite3 *db = NULL;
    pthread_once(&once, configure);
    *out = NULL;
    if (sqlite3_open_v2(path, &db, flags[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK) {
        sql_failed(db, path, e);
        sqlite3_close(db);
        return false;
    }
    sqlite3_busy_timeout(db, BUSY_MS);
    snprintf(text, sizeof text, "PRAGMA cache_size=-%d; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY", cache_kib);
    if (!sql_exec(db, text, e)) {
        sqlite3_close(db);
        return err_wrap(e, "%s", path);
    }
    *out = db;
    return true;
}

void sql_close(sqlite3 *db)
{
    if (sqlite3_close(db) != SQLITE_OK)
        BUG("sqlite: closing with statements open");
}

bool sql_exec(sqlite3 *db, const char *text, err *e)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK || sql_failed(db, text, e);
}

bool sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **st, err *e)
{
    if (*st)
        return true;
    return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, st, NULL) == SQLITE_OK
           || sql_failed(db, text, e);
}

bool sql_run(sqlite3 *db, sqlite3_stmt *st, err *e)
{
    bool ok = sqlite3_step(st) == SQLITE_DONE || sql_failed(db, sqlite3_sql(st), e);
    sqlite3_reset(st);
    return ok;
}

bool sql_next(sqlite3 *db, sqlite3_stmt *st, bool *row, err *e)
{
    int rc = sqlite3_step(st);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return true;
    sql_failed(db, sqlite3_sql(st), e);
    sqlite3_reset(st);
    return false;
}

void sql_bind(sqlite3_stmt *st, int at, bytes blob)
{
    sqlite3_bind_blob64(st, at, blob.len ? blob.p : "", blob.len, SQLITE_STATIC);
}

bytes sql_blob(sqlite3_stmt *st, int column)
{
    const void *p = sqlite3_column_blob(st, column);
    return bytes_n(p, p ? (size_t)sqlite3_column_bytes(st, column) : 0);
}

bool sql_number(sqlite3 *db, const char *text, int64_t *out, err *e)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    *out = 0;
    bool ok = sql_prepare(db, text, &st, e) && sql_next(db, st, &row, e);
    if (ok && row)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return ok;
}
