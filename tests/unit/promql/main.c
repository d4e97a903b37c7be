#include "tests.h"
#include <stdlib.h>

int main(void)
{
    SRunner *r = srunner_create(suite_front());
    srunner_add_suite(r, suite_eval());
    srunner_add_suite(r, suite_lex());
    srunner_add_suite(r, suite_limits());
    srunner_add_suite(r, suite_parts());
    srunner_add_suite(r, suite_quantile());
    srunner_add_suite(r, suite_resolve());
    srunner_add_suite(r, suite_tables());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
