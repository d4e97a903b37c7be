/* disk.h: what the tests of the disk files share: the cases, random numbers, fresh folders, columns as they occur. */
#ifndef TESTS_UNIT_TSDB_DISK_H
#define TESTS_UNIT_TSDB_DISK_H
#include "base/bytes.h"
#include "model/labels.h"
#include "tsdb/select.h"
#include <check.h>

TCase *tcase_dayfile(void);
TCase *tcase_flush(void);
TCase *tcase_journal(void);
TCase *tcase_meta(void);
TCase *tcase_pack(void);

/* ck_assert() writes to a pipe each time; this only when it fails: for what runs per sample. */
#define must(claim) \
    do { \
        if (!(claim)) \
            ck_abort_msg("not so: %s", #claim); \
    } while (0)

/* xorshift64: the same numbers for the same seed. */
void rnd_seed(uint64_t seed);
uint64_t rnd(void);
static inline uint64_t rnd_below(uint64_t n) { return rnd() % n; }

/* A new folder below /tmp, and its end. */
char *fresh_dir(void);
void drop_dir(char *dir);

/* Ways in which series behave; i is the sample's number, last the value before. */
enum { N_VALUE_KINDS = 20, N_TIME_KINDS = 6 };
double value_of(int kind, size_t i, double last);
/* n ascending times from t on. */
void times_of(int kind, int64_t t, size_t n, int64_t *out);

/* The slow, obvious decoder of packs: appends the samples of one slot, false where the blob is not what
 * docs/format/pack.md says. */
bool slow_pack_read(bytes blob, uint32_t slot, sample_columns *out);

void put_columns(sample_columns *c, int64_t t, double v);
#endif
