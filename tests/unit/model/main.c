/* main.c: runs the cases of the model room. */
#include "tests.h"
#include <stdlib.h>

int main(void)
{
    Suite *s = suite_create("model");
    suite_add_tcase(s, labels_cases());
    suite_add_tcase(s, matcher_cases());
    suite_add_tcase(s, relabel_cases());
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
