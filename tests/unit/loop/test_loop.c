/* test_loop.c: the program of the loop room's unit tests. */
#include "test_loop.h"
#include <stdlib.h>

int main(void)
{
    static Suite *(*const suites[])(void) = {
        url_suite,
        gzip_suite,
        worker_suite,
        ticker_suite,
        signals_suite,
        http_msg_suite,
        router_suite,
        http_request_suite,
        http_call_suite,
        http_server_suite,
        http_server_limits_suite,
        http_client_suite,
    };
    SRunner *r = srunner_create(values_suite());
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        srunner_add_suite(r, suites[i]());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
