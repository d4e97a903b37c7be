/* The store as a whole: against a model, and beside worker threads. TSDB_MODEL_SEEDS=1000 for a long run. */
#include "tests.h"
#include <stdlib.h>

int main(void)
{
    static TCase *(*const cases[])(void) = { tcase_model, tcase_threads };
    Suite *s = suite_create("tsdb model");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add_tcase(s, cases[i]());
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
