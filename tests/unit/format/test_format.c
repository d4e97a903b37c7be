/* test_format.c: the program of the format room's unit tests. */
#include "test_format.h"
#include <stdlib.h>

int main(void)
{
    SRunner *r = srunner_create(expo_suite());
    srunner_add_suite(r, expo_labels_suite());
    srunner_add_suite(r, expo_type_suite());
    srunner_add_suite(r, key_index_suite());
    srunner_add_suite(r, remote_write_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
