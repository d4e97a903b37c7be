/* main.c: runs the cases of the base room. */
#include "tests.h"
#include <stdlib.h>

int main(void)
{
    TCase *(*const cases[])(void) = {
        arena_cases, buf_cases,   bytes_cases,       duration_cases, err_cases, file_cases,
        json_cases,  log_cases,   map_cases,         metrics_cases,  num_cases, num_format_cases,
        pb_cases,    regex_cases, regex_parse_cases, utf8_cases,
    };
    Suite *s = suite_create("base");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add_tcase(s, cases[i]());
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
