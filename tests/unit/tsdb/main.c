/* The unit tests of src/tsdb. */
#include "tests.h"
#include <stdlib.h>

int main(void)
{
    static TCase *(*const cases[])(void) = {
        tcase_append, tcase_chunk, tcase_db, tcase_head, tcase_idset, tcase_jobs, tcase_merge, tcase_select,
        tcase_tombstone,
    };
    Suite *s = suite_create("tsdb");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add_tcase(s, cases[i]());
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
