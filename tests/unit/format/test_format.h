/* test_format.h: suites of the format room. */
#ifndef TEST_FORMAT_H
#define TEST_FORMAT_H
#include <check.h>

Suite *expo_suite(void);
Suite *expo_labels_suite(void);
Suite *expo_type_suite(void);
Suite *key_index_suite(void);
Suite *remote_write_suite(void);
#endif
