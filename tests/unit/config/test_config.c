/* test_config.c: the program of the config room's unit tests, and their scratch folders. */
#include "test_config.h"
#include "base/arena.h"
#include "base/file.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *scratch_make(void)
{
    char path[] = "/tmp/test-config-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    return xstrdup(path);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    return remove(path);
}

void scratch_remove(char *dir)
{
    nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

const char *scratch_file(const char *dir, const char *name, const char *text)
{
    static char path[512];
    err e = { 0 };
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (text) {
        char folder[512];
        snprintf(folder, sizeof folder, "%s", path);
        *strrchr(folder, '/') = '\0';
        ck_assert_msg(dir_make(folder, &e), "%s", e.msg);
        ck_assert_msg(file_write_atomic(path, bytes_of(text), 0644, &e), "%s", e.msg);
    }
    return path;
}

const char *buf_cstr(buf *b)
{
    char *end = buf_reserve(b, 1);
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return b->p;
}

int main(void)
{
    SRunner *r = srunner_create(yaml_suite());
    srunner_add_suite(r, schema_suite());
    srunner_add_suite(r, url_suite());
    srunner_add_suite(r, paths_suite());
    srunner_add_suite(r, prometheus_config_suite());
    srunner_add_suite(r, files_suite());
    srunner_add_suite(r, check_suite());
    srunner_add_suite(r, rule_file_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
