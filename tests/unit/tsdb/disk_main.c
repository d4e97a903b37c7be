/* The unit tests of the files on disk: journal, packs, day files, meta.db. */
#include "disk.h"
#include <stdlib.h>

int main(void)
{
    static TCase *(*const cases[])(void) = { tcase_dayfile, tcase_flush, tcase_journal, tcase_meta, tcase_pack };
    Suite *s = suite_create("tsdb disk");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        suite_add_tcase(s, cases[i]());
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
