/* tests.h: the cases of the tsdb room's test program; one function per file. */
#ifndef TESTS_UNIT_TSDB_H
#define TESTS_UNIT_TSDB_H
#include <check.h>

TCase *tcase_append(void);
TCase *tcase_chunk(void);
TCase *tcase_db(void);
TCase *tcase_head(void);
TCase *tcase_idset(void);
TCase *tcase_jobs(void);
TCase *tcase_merge(void);
TCase *tcase_model(void);
TCase *tcase_select(void);
TCase *tcase_threads(void);
TCase *tcase_tombstone(void);
#endif
