/* sql.h: SQLite as this room uses it: small connections, errors as sentences, damage told from trouble. */
#ifndef TSDB_SQL_H
#define TSDB_SQL_H
#include "base/bytes.h"
#include "base/err.h"
#include <sqlite3.h>

enum sql_mode { SQL_READ, SQL_WRITE, SQL_CREATE };

/* A connection for one thread at a time, with its memory kept small: no lookaside, no mmap, a page cache of cache_kib.
 * SQL_WRITE: the file must exist. */
bool sql_open(const char *path, enum sql_mode mode, int cache_kib, sqlite3 **out, err *e);
void sql_close(sqlite3 *db);                    /* NULL is fine; statements must be finalized */
bool sql_exec(sqlite3 *db, const char *text, err *e);
/* Prepares into *st unless that was done before. */
bool sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **st, err *e);
/* One step of a statement that gives no rows; resets it. */
bool sql_run(sqlite3 *db, sqlite3_stmt *st, err *e);
/* The next row: *row false at the end (reset it then). */
bool sql_next(sqlite3 *db, sqlite3_stmt *st, bool *row, err *e);
void sql_bind(sqlite3_stmt *st, int at, bytes blob);   /* borrowed until reset; an empty run is an empty blob */
bytes sql_blob(sqlite3_stmt *st, int column);          /* until the next step */
/* A single number (a PRAGMA, an aggregate); NULL gives 0. */
bool sql_number(sqlite3 *db, const char *text, int64_t *out, err *e);

/* Always false. ERR_BAD_DATA: the file is damaged or no database; ERR_UNAVAILABLE: disk full, I/O error, locked. */
bool sql_failed(sqlite3 *db, const char *what, err *e);
#endif
