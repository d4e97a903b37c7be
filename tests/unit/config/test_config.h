/* test_config.h: suites of the config room, and what they share. */
#ifndef TEST_CONFIG_H
#define TEST_CONFIG_H
#include "base/buf.h"
#include "base/err.h"
#include <check.h>

Suite *check_suite(void);
Suite *files_suite(void);
Suite *paths_suite(void);
Suite *prometheus_config_suite(void);
Suite *rule_file_suite(void);
Suite *schema_suite(void);
Suite *url_suite(void);
Suite *yaml_suite(void);

/* A folder for one test, and files in it; removed with all it holds. */
char *scratch_make(void);
void scratch_remove(char *dir);
/* Path of name in dir, static memory; text NULL: only the path. */
const char *scratch_file(const char *dir, const char *name, const char *text);
/* The C string of what b holds, valid until the next write. */
const char *buf_cstr(buf *b);
#endif
