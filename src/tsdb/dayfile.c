/* dayfile.c: see dayfile.h.
 *
 * Tables: blocks (one row per flush), packs, catalogue, postings; rows are only ever added, their ids grow, so pages
 * are written once and in order. Rollback journal in mode TRUNCATE: fresh pages are not journaled, so a commit writes
 * little more than its payload. Page size 4096: large rows lose the least to half-empty pages. No auto_vacuum, no mmap,
 * a small cache. Everything but packs is a zblob, packs carry their own checksum: no damaged bit is ever taken for
 * data. */
#include "tsdb/dayfile.h"
#include "base/arena.h"
#include <assert.h>
#include <stdlib.h>

enum { CACHE_KIB = 64, ZSTD_LEVEL = 6 };

enum stmt {
    BEGIN_READ,
    END_READ,
    STATE,
    BLOCKS,
    CATALOGUE,
    POSTINGS,
    DROP_PACKS,
    PUT_PACK,
    PUT_CATALOGUE,
    PUT_POSTINGS,
    PUT_BLOCK,
    N_STMTS
};
static const char *const texts[N_STMTS] = {
    [BEGIN_READ] = "BEGIN",
    [END_READ] = "COMMIT",
    [STATE] = "SELECT max(id), max(covered), min(mint), max(maxt) FROM blocks",
    [BLOCKS] = "SELECT id, covered, mint, maxt, data FROM blocks WHERE id<=?1 ORDER BY id",
    [CATALOGUE] = "SELECT data FROM catalogue WHERE id=?1",
    [POSTINGS] = "SELECT data FROM postings WHERE id=?1",
    [DROP_PACKS] = "DELETE FROM packs WHERE id>=?1",
    [PUT_PACK] = "INSERT INTO packs(id, data) VALUES(?1, ?2)",
    [PUT_CATALOGUE] = "INSERT INTO catalogue(id, data) VALUES(?1, ?2)",
    [PUT_POSTINGS] = "INSERT INTO postings(id, data) VALUES(?1, ?2)",
    [PUT_BLOCK] = "INSERT INTO blocks(id, covered, mint, maxt, data) VALUES(?1, ?2, ?3, ?4, ?5)",
};
static const char schema[] =
    "PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; BEGIN IMMEDIATE;"
    "CREATE TABLE blocks(id INTEGER PRIMARY KEY, covered INTEGER, mint INTEGER, maxt INTEGER, data BLOB);"
    "CREATE TABLE packs(id INTEGER PRIMARY KEY, data BLOB);"
    "CREATE TABLE catalogue(id INTEGER PRIMARY KEY, data BLOB);"
    "CREATE TABLE postings(id INTEGER PRIMARY KEY, data BLOB);"
    "PRAGMA application_id=0x74736464; PRAGMA user_version=1; COMMIT";

struct dayfile {
    sqlite3 *db;
    sqlite3_stmt *st[N_STMTS];
    sqlite3_blob *packs;     /* open from the first pack read to the end of the transaction */
    ZSTD_DCtx *inflate;
    ZSTD_CCtx *deflate;
    buf raw, blob;           /* of a row being written; of blocks being read */
};

static bool check_schema(dayfile *f, enum sql_mode mode, err *e)
{
    int64_t application, version, tables;
    if (!sql_number(f->db, "PRAGMA application_id", &application, e)
        || !sql_number(f->db, "PRAGMA user_version", &version, e))
        return false;
    if (application == DAYFILE_APPLICATION && version == DAYFILE_VERSION)
        return true;
    if (application || version || mode != SQL_CREATE)
        return err_set(e, ERR_BAD_DATA, "not a day file of this version (application %lld, version %lld)",
                       (long long)application, (long long)version);
    if (!sql_number(f->db, "SELECT count(*) FROM sqlite_master", &tables, e))
        return false;
    return tables ? err_set(e, ERR_BAD_DATA, "not a day file") : sql_exec(f->db, schema, e);
}

bool dayfile_open(const char *path, enum sql_mode mode, dayfile **out, err *e)
{
    dayfile *f = xcalloc(1, sizeof *f);
    buf_init(&f->raw, DAY_MAX_ROW);
    buf_init(&f->blob, 2 * DAY_MAX_ROW);
    bool ok = sql_open(path, mode, CACHE_KIB, &f->db, e)
           && (mode == SQL_READ || sql_exec(f->db, "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL", e))
           && check_schema(f, mode, e);
    if (!ok) {
        dayfile_close(f);
        return err_wrap(e, "%s", path);
    }
    *out = f;
    return true;
}

static void close_packs(dayfile *f)
{
    sqlite3_blob_close(f->packs);
    f->packs = NULL;
}

/* Handles wait in a pool: what one needs only at work goes back (100 KB for reading, 1 MB for writing). */
static void rest(dayfile *f)
{
    ZSTD_freeDCtx(f->inflate);
    ZSTD_freeCCtx(f->deflate);
    f->inflate = NULL;
    f->deflate = NULL;
    buf_release(&f->raw);
    buf_release(&f->blob);
}

void dayfile_close(dayfile *f)
{
    if (!f)
        return;
    close_packs(f);
    for (int i = 0; i < N_STMTS; i++)
        sqlite3_finalize(f->st[i]);
    sql_close(f->db);
    rest(f);
    free(f);
}

/* ---- reading ---- */

static sqlite3_stmt *prepare(dayfile *f, enum stmt which, err *e)
{
    return sql_prepare(f->db, texts[which], &f->st[which], e) ? f->st[which] : NULL;
}

static bool inflate(dayfile *f, bytes blob, buf *out, err *e)
{
    if (!f->inflate && !(f->inflate = ZSTD_createDCtx()))
        BUG("zstd: no context");
    return zblob_get(f->inflate, blob, out, e);
}

bool dayfile_get_state(dayfile *f, dayfile_state *out, err *e)
{
    sqlite3_stmt *st = prepare(f, STATE, e);
    bool row = false;
    *out = (dayfile_state){ .mint = INT64_MAX, .maxt = INT64_MIN };
    if (!st || !sql_next(f->db, st, &row, e))
        return false;
    if (row && sqlite3_column_type(st, 0) == SQLITE_INTEGER)
        *out = (dayfile_state){ (uint32_t)sqlite3_column_int64(st, 0), (uint64_t)sqlite3_column_int64(st, 1),
                                sqlite3_column_int64(st, 2), sqlite3_column_int64(st, 3) };
    sqlite3_reset(st);
    return true;
}

static bool read_block(dayfile *f, sqlite3_stmt *st, arena *a, day_block *b, err *e)
{
    *b = (day_block){ .id = (uint32_t)sqlite3_column_int64(st, 0), .covered = (uint64_t)sqlite3_column_int64(st, 1),
                      .mint = sqlite3_column_int64(st, 2), .maxt = sqlite3_column_int64(st, 3) };
    return inflate(f, sql_blob(st, 4), &f->raw, e)
        && (block_decode(buf_bytes(&f->raw), a, b) || err_set(e, ERR_BAD_DATA, "block %u is malformed", b->id));
}

bool dayfile_blocks(dayfile *f, uint32_t last, arena *a, day_block **out, uint32_t *n, err *e)
{
    sqlite3_stmt *st = prepare(f, BLOCKS, e);
    bool row = true, ok = st != NULL;
    uint32_t cap = 32;
    *out = ARENA_ARRAY(a, day_block, cap);
    *n = 0;
    if (ok)
        sqlite3_bind_int64(st, 1, last);
    while (ok && (ok = sql_next(f->db, st, &row, e)) && row) {
        if (*n == cap) {
            *out = arena_grow(a, *out, cap * sizeof **out, 2 * cap * sizeof **out);
            cap *= 2;
        }
        ok = read_block(f, st, a, &(*out)[(*n)++], e);
    }
    if (st)
        sqlite3_reset(st);
    return ok;
}

static bool read_row(dayfile *f, enum stmt which, int64_t id, buf *out, err *e)
{
    sqlite3_stmt *st = prepare(f, which, e);
    bool row;
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, id);
    if (!sql_next(f->db, st, &row, e))
        return false;
    bool ok =
        row ? inflate(f, sql_blob(st, 0), out, e) : err_set(e, ERR_BAD_DATA, "row %lld is missing", (long long)id);
    sqlite3_reset(st);
    return ok || err_wrap(e, "%s", which == CATALOGUE ? "catalogue" : "postings");
}

bool dayfile_catalogue(dayfile *f, uint32_t first_id, buf *out, err *e)
{
    return read_row(f, CATALOGUE, first_id, out, e);
}

bool dayfile_postings(dayfile *f, int64_t row, buf *out, err *e)
{
    return read_row(f, POSTINGS, row, out, e);
}

bool dayfile_pack(dayfile *f, int64_t id, buf *out, err *e)
{
    int rc = f->packs ? sqlite3_blob_reopen(f->packs, id)
                      : sqlite3_blob_open(f->db, "main", "packs", "data", id, 0, &f->packs);
    buf_clear(out);
    int len = rc == SQLITE_OK ? sqlite3_blob_bytes(f->packs) : 0;
    char *to = rc == SQLITE_OK ? buf_reserve(out, (size_t)len) : NULL;
    if (rc == SQLITE_OK && !to)
        return err_set(e, ERR_BAD_DATA, "pack %lld is too large", (long long)id);
    if (rc == SQLITE_OK)
        rc = sqlite3_blob_read(f->packs, to, len, 0);
    if (rc != SQLITE_OK) {
        sql_failed(f->db, "pack", e);
        close_packs(f);
        return false;
    }
    buf_commit(out, (size_t)len);
    return true;
}

bool dayfile_begin_read(dayfile *f, err *e)
{
    sqlite3_stmt *st = prepare(f, BEGIN_READ, e);
    return st && sql_run(f->db, st, e);
}

void dayfile_end_read(dayfile *f)
{
    sqlite3_stmt *st = prepare(f, END_READ, NULL);
    close_packs(f);
    if (!st || (!sqlite3_get_autocommit(f->db) && !sql_run(f->db, st, NULL)))
        dayfile_rollback(f);
    rest(f);
}

/* ---- writing ---- */

bool dayfile_begin(dayfile *f, err *e)
{
    assert(!f->packs);
    return sql_exec(f->db, "BEGIN IMMEDIATE", e);
}

bool dayfile_commit(dayfile *f, err *e)
{
    bool ok = sql_exec(f->db, "COMMIT", e);
    rest(f);
    return ok;
}

void dayfile_rollback(dayfile *f)
{
    if (!sqlite3_get_autocommit(f->db))
        sql_exec(f->db, "ROLLBACK", NULL);
    rest(f);
}

bool dayfile_drop_packs(dayfile *f, int64_t from, err *e)
{
    sqlite3_stmt *st = prepare(f, DROP_PACKS, e);
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, from);
    return sql_run(f->db, st, e);
}

static bool put(dayfile *f, enum stmt which, int64_t id, bytes blob, err *e)
{
    sqlite3_stmt *st = prepare(f, which, e);
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, id);
    sql_bind(st, 2, blob);
    bool ok = sql_run(f->db, st, e);
    sqlite3_clear_bindings(st);
    return ok;
}

bool dayfile_put_pack(dayfile *f, int64_t id, bytes blob, err *e)
{
    return put(f, PUT_PACK, id, blob, e);
}

/* raw as a zblob in f->blob. */
static bytes deflate(dayfile *f, bytes raw)
{
    if (!f->deflate) {
        f->deflate = ZSTD_createCCtx();
        if (!f->deflate)
            BUG("zstd: no context");
        ZSTD_CCtx_setParameter(f->deflate, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(f->deflate, ZSTD_c_contentSizeFlag, 0);
    }
    buf_clear(&f->blob);
    zblob_put(f->deflate, raw, &f->blob);
    return buf_bytes(&f->blob);
}

bool dayfile_put_catalogue(dayfile *f, uint32_t first_id, bytes raw, err *e)
{
    return put(f, PUT_CATALOGUE, first_id, deflate(f, raw), e);
}

bool dayfile_put_postings(dayfile *f, int64_t row, bytes raw, err *e)
{
    return put(f, PUT_POSTINGS, row, deflate(f, raw), e);
}

bool dayfile_put_block(dayfile *f, const day_block *b, err *e)
{
    sqlite3_stmt *st = prepare(f, PUT_BLOCK, e);
    if (!st)
        return false;
    buf_clear(&f->raw);
    block_encode(b, &f->raw);
    if (f->raw.overflow)
        return err_set(e, ERR_TOO_LARGE, "a block of %u packs is too large", b->n_packs);
    sqlite3_bind_int64(st, 1, b->id);
    sqlite3_bind_int64(st, 2, (int64_t)b->covered);
    sqlite3_bind_int64(st, 3, b->mint);
    sqlite3_bind_int64(st, 4, b->maxt);
    sql_bind(st, 5, deflate(f, buf_bytes(&f->raw)));
    bool ok = sql_run(f->db, st, e);
    sqlite3_clear_bindings(st);
    return ok;
}
