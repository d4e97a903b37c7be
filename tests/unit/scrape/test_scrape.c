/* test_scrape.c: the program of the scrape room's unit tests. */
#include "test_scrape.h"
#include <stdlib.h>

int main(void)
{
    SRunner *r = srunner_create(scrape_cache_suite());
    srunner_add_suite(r, scrape_meta_suite());
    srunner_add_suite(r, scrape_labels_suite());
    srunner_add_suite(r, scrape_page_suite());
    srunner_add_suite(r, target_suite());
    srunner_add_suite(r, scrape_flow_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
