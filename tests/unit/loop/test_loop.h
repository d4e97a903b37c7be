/* test_loop.h: suites of the loop room. */
#ifndef TEST_LOOP_H
#define TEST_LOOP_H
#include <check.h>

Suite *values_suite(void);
Suite *url_suite(void);
Suite *gzip_suite(void);
Suite *worker_suite(void);
Suite *ticker_suite(void);
Suite *signals_suite(void);
Suite *http_msg_suite(void);
Suite *router_suite(void);
Suite *http_request_suite(void);
Suite *http_call_suite(void);
Suite *http_server_suite(void);
Suite *http_server_limits_suite(void);
Suite *http_client_suite(void);
#endif
