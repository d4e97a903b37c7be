/* store.h: a store in a fresh folder, and short ways to put samples in and to read them back. */
#ifndef TESTS_UNIT_TSDB_STORE_H
#define TESTS_UNIT_TSDB_STORE_H
#include "tsdb/db.h"
#include "tsdb/select.h"

typedef struct store {
    char dir[64];
    db_options opt;
    db *db;
    arena a;
} store;

void store_begin(store *st, int64_t ooo_window_ms);
void store_end(store *st);                   /* closes, removes the folder */
void store_restart(store *st, bool clean);   /* closes or abandons, opens again */

/* "name" or "name,k=v,k2=v2" as labels, in st->a. */
const labels *store_labels(store *st, const char *text);
/* Appends one sample; *ref (may be NULL) is set. */
enum append_status store_put(store *st, const char *series, int64_t t, double v, uint64_t *ref);

/* All samples in [mint, maxt] of the series that `text` matches ("name" or "name,k=v,k!=v,k=~v,k!~v"; "" all) as
 * "name,k=v: t:v t:v\n..." in label order; in st->a. */
const char *store_dump(store *st, const char *text, int64_t mint, int64_t maxt);
matcher *store_matchers(store *st, const char *text, size_t *n);
/* Deletes; true on success. */
bool store_delete(store *st, const char *text, int64_t mint, int64_t maxt);
void remove_tree(const char *dir);
#endif
