/* promtest_script.h: Prometheus' PromQL test scripts (*.test) as commands: load, clear, eval with what it is to give.
 *
 * The language is that of promql/promqltest of Prometheus 3.14. Native histograms are read over: a sample that is one
 * is a gap, and whoever needs it can ask (`has_histograms`). Everything lives in the arena given. */
#ifndef PROMTEST_SCRIPT_H
#define PROMTEST_SCRIPT_H
#include "base/arena.h"
#include "base/err.h"
#include "model/labels.h"
#include "model/sample.h"

enum point_kind { POINT_NONE, POINT_FLOAT, POINT_HISTOGRAM };

typedef struct test_point {
    enum point_kind kind;
    double v;
} test_point;

typedef struct test_series {
    const labels *labels;
    test_point *points;
    size_t n;
    bool has_histograms;
} test_series;

enum expect_kind { EXPECT_FAIL, EXPECT_WARN, EXPECT_INFO, EXPECT_NO_WARN, EXPECT_NO_INFO, EXPECT_ORDERED };
enum expect_match { MATCH_ANY, MATCH_TEXT, MATCH_PATTERN };

typedef struct test_expect {
    enum expect_kind kind;
    enum expect_match match;
    bytes text;
} test_expect;

enum command_kind { COMMAND_LOAD, COMMAND_CLEAR, COMMAND_EVAL };

typedef struct test_command {
    enum command_kind kind;
    int line;
    test_series *series;      /* to load, or expected */
    size_t n_series;
    /* load */
    int64_t interval;
    bool with_nhcb;           /* classic histograms are to be loaded as native ones as well */
    bool has_start_times;
    /* eval */
    bytes expr;
    bool is_range;
    int64_t start, end, step; /* instant: start is the time, unless a range vector is expected */
    int64_t at;
    test_expect *expects;
    size_t n_expects;
    bool has_scalar, has_string, range_vector;
    double scalar;
    bytes string;
} test_command;

typedef struct test_script {
    test_command *commands;
    size_t n;
} test_script;

/* Errors name the line. */
bool test_script_parse(bytes text, arena *a, test_script *out, err *e);
bool test_expects(const test_command *c, enum expect_kind kind);
#endif
