/* test_scrape.h: suites of the scrape room. */
#ifndef TEST_SCRAPE_H
#define TEST_SCRAPE_H
#include <check.h>

Suite *scrape_cache_suite(void);
Suite *scrape_meta_suite(void);
Suite *scrape_labels_suite(void);
Suite *scrape_page_suite(void);
Suite *target_suite(void);
Suite *scrape_flow_suite(void);
#endif
