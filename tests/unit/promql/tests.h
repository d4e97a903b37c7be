/* tests.h: the suites of the room's one test program. */
#ifndef TEST_PROMQL_H
#define TEST_PROMQL_H
#include <check.h>

Suite *suite_eval(void);      /* test_eval.c */
Suite *suite_front(void);     /* test_front.c: cases of tests/promql/front.txt */
Suite *suite_lex(void);       /* test_lex.c */
Suite *suite_limits(void);    /* test_limits.c */
Suite *suite_parts(void);     /* test_parts.c */
Suite *suite_quantile(void);  /* test_quantile.c */
Suite *suite_resolve(void);   /* test_resolve.c */
Suite *suite_tables(void);    /* test_tables.c */
#endif
