/* dayfile.h: one handle on one day file: SQLite, the schema, the statements. Rows in, rows out.
 *
 * Knows no locks and no other file (daystore.c does), and what its blobs mean only as far as it checks them. A handle
 * belongs to one thread at a time. Layout: docs/format/dayfile.md.
 * Errors: ERR_BAD_DATA is damage (the caller takes the file out of service); anything else may pass. */
#ifndef TSDB_DAYFILE_H
#define TSDB_DAYFILE_H
#include "tsdb/day_rows.h"
#include "tsdb/sql.h"
#include "tsdb/zblob.h"

enum { DAYFILE_APPLICATION = 0x74736464 /* "tsdd" */, DAYFILE_VERSION = 1 };

typedef struct dayfile dayfile;

/* SQL_CREATE makes the file and its schema; the others need it. A file that another program or a later version has made
 * is ERR_BAD_DATA. */
bool dayfile_open(const char *path, enum sql_mode mode, dayfile **out, err *e);
void dayfile_close(dayfile *f);      /* NULL is fine */

/* What the newest block says; all 0 (mint > maxt) where there is none. */
typedef struct dayfile_state {
    uint32_t last_block;
    uint64_t covered;
    int64_t mint, maxt;              /* over all blocks */
} dayfile_state;
bool dayfile_get_state(dayfile *f, dayfile_state *out, err *e);

/* Blocks with id <= last, ascending, in a. */
bool dayfile_blocks(dayfile *f, uint32_t last, arena *a, day_block **out, uint32_t *n, err *e);
/* Inflated rows; out is cleared first. A row that is not there is damage. */
bool dayfile_catalogue(dayfile *f, uint32_t first_id, buf *out, err *e);
bool dayfile_postings(dayfile *f, int64_t row, buf *out, err *e);
/* A pack's blob as it is (pack_open() verifies it). */
bool dayfile_pack(dayfile *f, int64_t id, buf *out, err *e);

/* Reads between these two share one read transaction: one lock and one look at the file's change counter for all. */
bool dayfile_begin_read(dayfile *f, err *e);
void dayfile_end_read(dayfile *f);

/* ---- writing: begin, rows, commit; nobody else has the file meanwhile ---- */
bool dayfile_begin(dayfile *f, err *e);
bool dayfile_commit(dayfile *f, err *e);
void dayfile_rollback(dayfile *f);               /* no transaction: nothing */
/* Removes packs from id `from` on (left by a flush that did not come to its block). */
bool dayfile_drop_packs(dayfile *f, int64_t from, err *e);
bool dayfile_put_pack(dayfile *f, int64_t id, bytes blob, err *e);
bool dayfile_put_catalogue(dayfile *f, uint32_t first_id, bytes raw, err *e);
bool dayfile_put_postings(dayfile *f, int64_t row, bytes raw, err *e);
bool dayfile_put_block(dayfile *f, const day_block *b, err *e);
#endif
