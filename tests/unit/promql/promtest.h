/* promtest.h: runs a PromQL test script in this process: loads its series into a store of its own and compares what
 * each eval gives with what the script says. An instant eval is also checked as the middle step of a range query, and
 * with `@ t` on every selector at other times: the answer must be the same. */
#ifndef PROMTEST_H
#define PROMTEST_H
#include "base/bytes.h"
#include <stdint.h>

typedef struct promtest_options {
    uint32_t features;        /* enum promql_feature */
    bool once;                /* no second and third look at instant evals */
    bool verbose;             /* a line for each eval */
} promtest_options;

typedef struct promtest_counts {
    size_t passed, failed, skipped;   /* skipped: needs native histograms or start timestamps */
} promtest_counts;

/* Runs the script; failures are printed as FILE:LINE. false: it could not be read. */
bool promtest_run(const char *path, const promtest_options *opt, promtest_counts *counts);
#endif
