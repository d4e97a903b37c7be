/* test_eval.c: a query as its callers see it: budgets, cancelling, results; and that each step of a range query is
 * what an instant query gives there. */
#include "base/os.h"
#include "promql/query.h"
#include "tests.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/test-eval-XXXXXX";
static db *store;

static void put(const labels *l, int64_t t, double v)
{
    append_item it = { .labels = l, .t = t, .v = v };
    db_append(store, &it, 1);
    ck_assert_int_eq(it.status, APPEND_OK);
}

/* x_total: 12 counters with resets and gaps; g: 12 gauges with NaN, Inf and staleness markers; b_bucket: two
 * histograms. An hour of samples, every 10 s more or less. */
static void fill(void)
{
    static const char *const bounds[] = { "0.1", "1", "5", "+Inf" };
    arena a;
    arena_init(&a, 0);
    srand(11);
    for (int i = 0; i < 12; i++) {
        char inst[8], job[8];
        snprintf(inst, sizeof inst, "i%d", i % 4);
        snprintf(job, sizeof job, "j%d", i / 4);
        label c[] = { { LABEL_NAME, BYTES("x_total") },
                      { BYTES("inst"), bytes_of(inst) },
                      { BYTES("job"), bytes_of(job) } };
        label g[] = { { LABEL_NAME, BYTES("g") }, { BYTES("inst"), bytes_of(inst) }, { BYTES("job"), bytes_of(job) } };
        const labels *counter = labels_from(&a, c, 3), *gauge = labels_from(&a, g, 3);
        double v = 0;
        for (int64_t t = rand() % 9000; t < 3600000; t += 9000 + rand() % 2000) {
            v = rand() % 60 == 0 ? rand() % 3 : v + rand() % 50;
            if (rand() % 40 == 0)
                t += 400000;
            put(counter, t, v);
            put(gauge, t,
                rand() % 25 == 0   ? NAN
                : rand() % 50 == 0 ? INFINITY
                : rand() % 30 == 0 ? sample_stale()
                                   : rand() % 1000 - 500);
        }
    }
    for (int i = 0; i < 40; i++) {   /* brief: series that come and go, one after the other or four at a time */
        char pod[8];
        snprintf(pod, sizeof pod, "p%d", i);
        label l[] = { { LABEL_NAME, BYTES("brief") },
                      { BYTES("job"), i % 2 ? BYTES("j1") : BYTES("j0") },
                      { BYTES("pod"), bytes_of(pod) } };
        const labels *set = labels_from(&a, l, 3);
        for (int64_t t = (i * 7 % 40) * 85000; t < (i * 7 % 40) * 85000 + 300000; t += 10000)
            put(set, t, rand() % 100);
        put(set, (i * 7 % 40) * 85000 + 300000, sample_stale());
    }
    for (int h = 0; h < 2; h++) {
        double count[4] = { 0 };
        for (int64_t t = 0; t < 3600000; t += 15000) {
            for (int b = 0; b < 4; b++) {
                label l[] = { { LABEL_NAME, BYTES("b_bucket") }, { BYTES("job"), h ? BYTES("j1") : BYTES("j0") },
                              { BYTES("le"), bytes_of(bounds[b]) } };
                count[b] += rand() % 10 + b * 10;
                put(labels_from(&a, l, 3), t, count[b]);
            }
        }
    }
    arena_release(&a);
}

static void setup(void)
{
    err e;
    ck_assert(mkdtemp(dir) != NULL);
    ck_assert(db_open(&(db_options){ .dir = dir, .ooo_window_ms = 1 << 30 }, &store, &e));
    fill();
}

static void teardown(void)
{
    char command[64];
    db_abandon(store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

typedef struct answer {
    query *q;
    snapshot *s;
    query_result r;
    err e;
    bool ok;
} answer;

static answer ask(const char *text, const query_options *opt, int64_t start, int64_t end, int64_t step)
{
    answer a = { 0 };
    size_t n;
    a.q = query_new(bytes_of(text), opt, &a.e);
    if (!a.q || !query_prepare(a.q, start, end, step, &a.e))
        return a;
    const db_selector *sels = query_selectors(a.q, &n);
    a.ok = (n == 0 || snapshot_open(store, sels, n, &a.s, &a.e)) && query_run(a.q, a.s, &a.r, &a.e);
    return a;
}

static void done(answer *a)
{
    snapshot_free(a->s);
    query_free(a->q);
}

/* ---- steps ---- */

static const char *const step_cases[] = {
    "x_total",
    "g",
    "g offset 3m",
    "g offset -2m",
    "g @ 900",
    "timestamp(g)",
    "timestamp(g * 1)",
    "rate(x_total[1m])",
    "increase(x_total[5m])",
    "delta(g[3m])",
    "irate(x_total[2m])",
    "idelta(g[1m])",
    "deriv(g[4m])",
    "resets(x_total[10m])",
    "changes(g[7m])",
    "predict_linear(g[5m], 600)",
    "predict_linear(g[5m] @ 1000, 600)",
    "sum_over_time(x_total[1m])",
    "sum_over_time(x_total[20m])",
    "avg_over_time(x_total[20m])",
    "avg_over_time(g[20m])",
    "min_over_time(g[9m])",
    "max_over_time(g[9m])",
    "ts_of_max_over_time(g[9m])",
    "ts_of_min_over_time(g[9m])",
    "count_over_time(g[2m])",
    "stddev_over_time(x_total[5m])",
    "quantile_over_time(0.3, x_total[5m])",
    "quantile_over_time(scalar(sum(x_total)) / 1e6, x_total[5m])",
    "mad_over_time(x_total[5m])",
    "last_over_time(g[10s])",
    "first_over_time(g[1m])",
    "absent_over_time(g{inst=\"i1\", job=\"j0\"}[15s])",
    "present_over_time(g[15s])",
    "double_exponential_smoothing(x_total[5m], 0.3, 0.6)",
    "increase(x_total[1m] anchored)",
    "rate(x_total[1m] smoothed)",
    "g smoothed",
    "resets(x_total[1m] anchored)",
    "sum by (job) (g)",
    "avg without (inst) (x_total)",
    "min(g)",
    "max by (inst) (g)",
    "stddev by (job) (x_total)",
    "count(g > 0)",
    "group by (inst) (g)",
    "quantile by (job) (0.7, x_total)",
    "topk(3, x_total)",
    "bottomk by (job) (2, g)",
    "topk(scalar(count(x_total) or vector(1)) / 3, x_total)",
    "limitk(3, g)",
    "limit_ratio(0.5, g)",
    "count_values(\"v\", floor(g / 100))",
    "x_total + g",
    "x_total > bool on (inst, job) g",
    "g > 0 or x_total",
    "x_total and on (job) (g > 490)",
    "x_total unless on (inst, job) (g < 0)",
    "x_total / on (job) group_left sum by (job) (x_total)",
    "sum by (job) (g) * on (job) group_right x_total",
    "g + on (inst, job) fill(1) (x_total > 500)",
    "abs(g)",
    "clamp(g, -100, scalar(min(g)) + 400)",
    "round(x_total, 7)",
    "absent(g{inst=\"i1\", job=\"j0\"} > 400)",
    "scalar(g{inst=\"i1\", job=\"j0\"})",
    "vector(time())",
    "minute()",
    "hour(x_total * 100)",
    "label_replace(g, \"new\", \"$1\", \"inst\", \"(i[01])\")",
    "label_join(x_total, \"j\", \"-\", \"job\", \"inst\")",
    "histogram_quantile(0.9, b_bucket)",
    "histogram_quantile(0.5, rate(b_bucket[1m]))",
    "histogram_fraction(0, 1, b_bucket)",
    "histogram_quantiles(b_bucket, \"q\", 0.1, 0.9)",
    "max_over_time(rate(x_total[1m])[5m:30s])",
    "sum_over_time((g * 1 > 0 or g * 0)[2m:10s])",
    "avg_over_time(sum(g)[3m:])",
    "rate(sum_over_time(x_total[1m:20s])[5m:1m])",
    "sum_over_time(g[1m:7s] offset 13s)",
    "sum_over_time(vector(1)[1m:7s] @ 500)",
    "-x_total",
    "x_total ^ 0.5",
    "time() % 7",
    "2",
    "sort(g)",
    "brief",
    "sum(brief)",
    "sum by (pod) (brief)",
    "avg by (job) (brief)",
    "stddev by (job, pod) (brief)",
    "count_values(\"v\", brief)",
    "topk(2, brief)",
    "bottomk by (job) (1, brief)",
    "quantile by (job) (0.4, brief)",
    "limit_ratio(0.5, brief)",
    "brief * on (job) group_left count by (job) (brief)",
    "count by (job) (brief) - on (job) group_right brief",
    "brief or on (job) x_total",
    "max_over_time((brief * 1 > 50 or brief * -1)[3m:30s])",
    "label_join(brief, \"x\", \"-\", \"pod\", \"job\")",
    "info(brief, {__name__=\"x_total\"})",
    "sum by (pod) (brief) / on (pod) fill(3) (brief > 50)",
    "sgn(g) * x_total",
};

/* What the range query has at step i, looked up in the instant answer, and the other way round. */
static void same_at(const char *text, const answer *range, size_t i, int64_t t, const query_options *opt)
{
    answer a = ask(text, opt, t, t, 0);
    ck_assert_msg(a.ok, "%s at %lld: %s", text, (long long)t, a.e.msg);
    size_t found = 0;
    for (size_t k = 0; k < range->r.n_rows; k++) {
        const query_row *x = &range->r.rows[k];
        if (i < x->first || i >= x->first + x->n || !query_row_has(x, i - x->first))
            continue;
        size_t m = 0;
        while (m < a.r.n_rows && a.r.type != QUERY_SCALAR && !labels_eq(a.r.rows[m].labels, x->labels))
            m++;
        ck_assert_msg(m < a.r.n_rows, "%s at %lld: a series only in the range query", text, (long long)t);
        double u = x->v[i - x->first], v = a.r.rows[m].v[0];
        ck_assert_msg(u == v || (isnan(u) && isnan(v)) || fabs(u - v) <= 1e-9 * fabs(v),
                      "%s at %lld: %.17g, alone %.17g", text, (long long)t, u, v);
        found++;
    }
    ck_assert_msg(found == a.r.n_rows, "%s at %lld: %zu series, alone %zu", text, (long long)t, found, a.r.n_rows);
    done(&a);
}

START_TEST(each_step_is_an_instant_query)
{
    static const struct {
        int64_t start, end, step;
        size_t stride;
    } grids[] = { { 600000, 3500000, 290000, 1 },
                  { 1000123, 1007000, 53, 7 },
                  { -60000, 300000, 60000, 1 },
                  { 0, 3600000, 5000, 47 } };
    query_options opt = { .features =
                              PROMQL_EXPERIMENTAL_FUNCTIONS | PROMQL_EXTENDED_SELECTORS | PROMQL_FILL_MODIFIERS };
    const char *text = step_cases[_i];
    for (size_t g = 0; g < 4; g++) {
        answer a = ask(text, &opt, grids[g].start, grids[g].end, grids[g].step);
        ck_assert_msg(a.ok, "%s: %s", text, a.e.msg);
        for (size_t i = 0; i < a.r.n_steps; i += grids[g].stride)
            same_at(text, &a, i, grids[g].start + (int64_t)i * grids[g].step, &opt);
        for (size_t k = 1; k < a.r.n_rows; k++)
            ck_assert(labels_cmp(a.r.rows[k - 1].labels, a.r.rows[k].labels) < 0);
        done(&a);
    }
}
END_TEST

/* ---- budgets ---- */

static void fails(const char *text, const query_options *opt, enum err_kind kind, const char *msg)
{
    answer a = ask(text, opt, 0, 3600000, 10000);
    ck_assert(!a.ok);
    ck_assert_int_eq(a.e.kind, kind);
    ck_assert_msg(strstr(a.e.msg, msg) != NULL, "%s", a.e.msg);
    done(&a);
}

START_TEST(too_many_samples_are_an_error)
{
    static const char msg[] = "query processing would load too many samples into memory in query execution";
    query_options opt = { .max_samples = 100 };
    fails("g", &opt, ERR_EXECUTION, msg);
    fails("rate(x_total[5m])", &opt, ERR_EXECUTION, msg);
    fails("sum_over_time(vector(1)[1h:1ms])", &opt, ERR_EXECUTION, msg);
    opt.max_samples = 5000;   /* an hour of one series fits, and the sums of all */
    answer a = ask("sum(rate(x_total[5m]))", &opt, 0, 3600000, 10000);
    ck_assert_msg(a.ok, "%s", a.e.msg);
    ck_assert_uint_gt(a.r.samples, 2000);
    ck_assert_uint_lt(a.r.peak_samples, 5000);
    done(&a);
}
END_TEST

START_TEST(too_much_memory_is_an_error)
{
    query_options opt = { .max_bytes = 50000 };
    fails("{__name__=~\"x_total|g\"}", &opt, ERR_EXECUTION,
          "query processing would need more than 50000 bytes of memory");
    fails("sum_over_time(vector(1)[1d:100ms])", &opt, ERR_EXECUTION,
          "query processing would need more than 50000 bytes");
    answer a = ask("sum(g)", &opt, 0, 3600000, 10000);
    ck_assert_msg(a.ok, "%s", a.e.msg);
    done(&a);
}
END_TEST

START_TEST(a_query_can_be_canceled_and_time_out)
{
    _Atomic bool cancel = true;
    fails("sum(g)", &(query_options){ .cancel = &cancel }, ERR_CANCELED, "query was canceled in expression evaluation");
    fails("1", &(query_options){ .deadline_ns = 1 }, ERR_TIMEOUT, "query timed out in expression evaluation");
    query_options opt = { .deadline_ns = os.mono_ns() + 3600000000000 };
    cancel = false;
    opt.cancel = &cancel;
    answer a = ask("sum(g)", &opt, 0, 3600000, 10000);
    ck_assert_msg(a.ok, "%s", a.e.msg);
    done(&a);
}
END_TEST

START_TEST(a_query_runs_again_for_another_time)
{
    err e;
    query *q = query_new(BYTES("sum(count_over_time(g[5m]))"), NULL, &e);
    double last = 0;
    ck_assert(q != NULL);
    for (int i = 1; i <= 3; i++) {
        size_t n;
        snapshot *s;
        query_result r;
        ck_assert(query_prepare(q, i * 100000, i * 100000, 0, &e));
        const db_selector *sels = query_selectors(q, &n);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(sels->maxt, i * 100000);
        ck_assert_int_eq(sels->mint, i * 100000 - 300000 + 1);
        ck_assert(snapshot_open(store, sels, n, &s, &e));
        ck_assert(query_run(q, s, &r, &e));
        ck_assert_uint_eq(r.n_rows, 1);
        ck_assert(r.rows[0].v[0] != last);
        last = r.rows[0].v[0];
        snapshot_free(s);
    }
    query_free(q);
}
END_TEST

static const struct {
    const char *text;
    enum err_kind kind;
    const char *msg;
} refused[] = {
    { "g[5m]", ERR_BAD_DATA,
      "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector" },
    { "\"x\"", ERR_BAD_DATA, "invalid expression type \"string\" for range query, must be Scalar or instant Vector" },
    { "histogram_avg(g)", ERR_EXECUTION, "function \"histogram_avg\" is not supported yet" },
    { "g +", ERR_BAD_DATA, "1:4: parse error: unexpected end of input" },
};

START_TEST(what_cannot_be_run_is_refused)
{
    fails(refused[_i].text, NULL, refused[_i].kind, refused[_i].msg);
}
END_TEST

/* ---- JSON ---- */

static const struct {
    const char *text, *json;
    int64_t step;
} json_cases[] = {
    { "1e-7", "{\"resultType\":\"scalar\",\"result\":[1.5,\"0.0000001\"]}", 0 },
    { "\"a\\\"b\"", "{\"resultType\":\"string\",\"result\":[1.5,\"a\\\"b\"]}", 0 },
    { "vector(1e-7)", "{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1.5,\"1e-07\"]}]}", 0 },
    { "vector(-1) / 0", "{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1.5,\"-Inf\"]}]}", 0 },
    { "vector(1) > 1", "{\"resultType\":\"vector\",\"result\":[]}", 0 },
    { "time()", "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[[1.5,\"1.5\"]]}]}", 1000 },
    { "vector(1)[3s:1s]",
      "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[[-1,\"1\"],[0,\"1\"],[1,\"1\"]]}]}", 0 },
};

START_TEST(results_become_json)
{
    buf b;
    json_writer w;
    answer a = ask(json_cases[_i].text, NULL, 1500, 1500, json_cases[_i].step);
    ck_assert_msg(a.ok, "%s", a.e.msg);
    buf_init(&b, 1 << 20);
    json_init(&w, &b);
    json_object(&w);
    query_result_json(&w, &a.r);
    json_end(&w);
    buf_putc(&b, 0);
    ck_assert_str_eq(b.p, json_cases[_i].json);
    buf_release(&b);
    done(&a);
}
END_TEST

Suite *suite_eval(void)
{
    Suite *s = suite_create("eval");
    TCase *tc = tcase_create("eval");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, each_step_is_an_instant_query, 0, sizeof step_cases / sizeof *step_cases);
    tcase_add_test(tc, too_many_samples_are_an_error);
    tcase_add_test(tc, too_much_memory_is_an_error);
    tcase_add_test(tc, a_query_can_be_canceled_and_time_out);
    tcase_add_test(tc, a_query_runs_again_for_another_time);
    tcase_add_loop_test(tc, what_cannot_be_run_is_refused, 0, sizeof refused / sizeof *refused);
    tcase_add_loop_test(tc, results_become_json, 0, sizeof json_cases / sizeof *json_cases);
    suite_add_tcase(s, tc);
    return s;
}
