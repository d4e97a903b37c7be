/* query.h: one PromQL query from text to result.
 *
 *     query *q = query_new(text, &opt, e);                 loop or worker   parse, type check
 *     query_prepare(q, start, end, step, e);               loop or worker   plan: time ranges, step-invariant parts
 *     db_selector *s = query_selectors(q, &n);             loop             for snapshot_begin / snapshot_open
 *     query_run(q, snap, &result, e);                      worker           evaluates; one call per prepare
 *     query_free(q);                                       anywhere         the result dies with it
 *
 * A query knows no database, loop or HTTP: it says what it wants to read, is handed a snapshot of that, and computes.
 * All memory is its own arena; going over its budgets is an error of the query, never of the process. The result's
 * label sets may live in the snapshot: walk the result before snapshot_free(). One thread at a time. */
#ifndef PROMQL_QUERY_H
#define PROMQL_QUERY_H
#include "base/json_write.h"
#include "promql/parse.h"
#include "tsdb/select.h"

typedef struct query_options {
    uint32_t features;            /* enum promql_feature, or-ed; 0: a Prometheus with default flags */
    int64_t lookback_ms;          /* 0: 5 min */
    int64_t subquery_step_ms;     /* step of a subquery that names none; 0: 1 min (evaluation_interval) */
    size_t max_samples;           /* in memory at once; 0: 50 million */
    size_t max_bytes;             /* arena budget; 0: none */
    int64_t deadline_ns;          /* os.mono_ns() at which the query times out; 0: never */
    const _Atomic bool *cancel;   /* set from any thread; polled between series. May be NULL */
} query_options;

typedef struct query query;

/* Parses and type-checks. ERR_BAD_DATA with Prometheus' text ("1:5: parse error: ..."). opt may be NULL; it is copied.
 */
query *query_new(bytes text, const query_options *opt, err *e);
void query_free(query *q);   /* NULL is fine */

/* For the runs to come: a new deadline and cancel flag. */
void query_set_limits(query *q, int64_t deadline_ns, const _Atomic bool *cancel);
/* What the expression gives: scalar, string, instant or range vector. */
enum value_type query_type(const query *q);

/* An instant query has step == 0 (then start == end); a range query step > 0 and start <= end. Steps are start,
 * start+step, ... <= end, at most LIMIT_QUERY_POINTS + 1 (the API checks it first and words the error); a range query
 * of a type that has no steps is ERR_BAD_DATA. May be called again after a run, for another time (rules). */
bool query_prepare(query *q, int64_t start, int64_t end, int64_t step, err *e);
/* What the query reads, after prepare; borrowed. n may be 0 (then snap may be NULL in query_run). */
const db_selector *query_selectors(const query *q, size_t *n);

enum query_value { QUERY_SCALAR, QUERY_STRING, QUERY_VECTOR, QUERY_MATRIX };

/* One series of the result. The columns have n entries; where `t` is NULL they are the result's steps first .. first +
 * n - 1, and present says which of them hold a value; else (a range selector asked for as such) all n are there, with
 * their own times. */
typedef struct query_row {
    const labels *labels;
    const double *v;
    const uint64_t *present;      /* bit i % 64 of word i / 64 */
    const int64_t *t;
    struct histogram *const *h;   /* native histograms: NULL, or per entry NULL (a float) or a histogram */
    size_t first, n;
} query_row;

typedef struct query_result {
    enum query_value type;        /* an instant query gives scalar, string, vector or matrix; a range query matrix */
    int64_t start, step;          /* of step 0, and between steps */
    size_t n_steps;
    query_row *rows; /* scalar: one row; matrix: sorted by labels_cmp; vector: sort* and topk in their order,
                        else stable. Every row of a vector or matrix has at least one value */
    size_t n_rows;
    bytes string;                 /* QUERY_STRING */
    bytes *warnings, *infos;      /* as the API shows them: with position, each once, at most 10 and one "N more ..." */
    size_t n_warnings, n_infos;
    size_t samples;               /* samples read, for statistics */
    size_t peak_samples;
    const _Atomic bool *cancel;   /* the query's; may be NULL */
} query_result;

/* Is entry i there? */
static inline bool query_row_has(const query_row *r, size_t i)
{
    return r->t || (r->present[i / 64] >> (i % 64) & 1);
}
/* Its time. */
static inline int64_t query_row_time(const query_result *res, const query_row *r, size_t i)
{
    return r->t ? r->t[i] : res->start + (int64_t)(r->first + i) * res->step;
}

/* Evaluates on the snapshot taken of query_selectors(). Errors: ERR_EXECUTION, ERR_TIMEOUT, ERR_CANCELED with
 * Prometheus' texts. The result lives until query_prepare or query_free. Worker. */
bool query_run(query *q, snapshot *snap, query_result *out, err *e);

/* The parsed expression in Prometheus' printed form, in the query's arena. */
bytes query_text(query *q);

/* The members "resultType" and "result" of the open object that /api/v1/query and query_range show as "data". Leaves off
 * rows where nobody will read them: the query has been canceled, or the buffer is full. */
void query_result_json(json_writer *w, const query_result *r);
#endif
