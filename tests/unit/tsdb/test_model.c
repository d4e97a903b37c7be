/* The store against a model: random appends in and out of order, deletes, flushes, restarts, queries.
 *
 * The model is a table [series][time] of values. A sample that the store took must be readable until it is deleted or
 * overwritten, one it refused must not appear, whatever happens in between: flushes (also with appends, deletes and
 * queries while the job runs), rewrites under tombstones, clean stops, kills after a commit. Snapshots taken earlier
 * must go on to answer as they
 * did. */
#include "store.h"
#include "tests.h"
#include <stdio.h>
#include <stdlib.h>

enum { N_SERIES = 12, N_TIMES = 400, STEPS = 250 };
#define TIME_STEP INT64_C(900000)   /* a quarter of an hour: four days and a bit, from 1969 on */
#define TIME_ZERO (-3 * TIME_STEP)

typedef struct world {
    store st;
    bool has[N_SERIES][N_TIMES];
    double v[N_SERIES][N_TIMES];
    int newest[N_SERIES];        /* index of the time last taken in order */
    db_job *held;                /* a maintenance job that runs, or has run and is not done */
    bool held_has_run;
    bool killed;                 /* since the last clean stop */
    unsigned seed;
    const char *old_answer;      /* of `old`, when it was taken */
    bool clean_asked;            /* a rewrite may run any time: what was deleted vanishes from older snapshots too */
    snapshot *old;
    db_selector old_sel;
} world;

static int rnd(world *w, int n)
{
    return (int)((unsigned)rand_r(&w->seed) % (unsigned)n);
}

static int64_t time_of(int i)
{
    return TIME_ZERO + i * TIME_STEP;
}

static const char *series_name(int i)
{
    static const char *const names[N_SERIES] = { "a,x=1", "a,x=2", "a,x=3,y=1", "a,x=4,y=1", "b,x=1",     "b,x=2",
                                                 "b,x=3", "b,y=2", "c",         "c,x=1,y=1", "c,x=2,y=2", "d,z=9" };
    return names[i];
}

/* ---- reading ---- */

static const char *dump_model(world *w, const char *sel, int64_t mint, int64_t maxt)
{
    size_t n_ms = 0;
    buf out;
    matcher *ms = store_matchers(&w->st, sel, &n_ms);
    buf_init(&out, SIZE_MAX);
    for (int i = 0; i < N_SERIES; i++) { /* the names above are in label order */
        bool any = false;
        if (!matchers_match(ms, n_ms, store_labels(&w->st, series_name(i))))
            continue;
        for (int k = 0; k < N_TIMES; k++) {
            if (!w->has[i][k] || time_of(k) < mint || time_of(k) > maxt)
                continue;
            if (!any)
                buf_printf(&out, "%s:", series_name(i));
            any = true;
            buf_printf(&out, " %lld:%.17g", (long long)time_of(k), w->v[i][k]);
        }
        if (any)
            buf_putc(&out, '\n');
    }
    for (size_t i = 0; i < n_ms; i++)
        matcher_release(&ms[i]);
    const char *text = arena_cstr(&w->st.a, buf_bytes(&out));
    buf_release(&out);
    return text;
}

static const char *random_selector(world *w)
{
    static const char *const sels[] = { "",   "a",       "b",           "x=1", "x!=1", "__name__=~a|c",
                                        "y=", "x=~[12]", "x!~1.*,y!=1", "z=9", "q=1" };
    return sels[rnd(w, sizeof sels / sizeof *sels)];
}

static void random_range(world *w, int64_t *mint, int64_t *maxt)
{
    int a = rnd(w, N_TIMES), b = rnd(w, N_TIMES);
    if (rnd(w, 3) == 0) {
        *mint = INT64_MIN;
        *maxt = INT64_MAX;
        return;
    }
    *mint = time_of(a < b ? a : b) - rnd(w, 2);
    *maxt = time_of(a < b ? b : a) + rnd(w, 2);
}

static void op_query(world *w)
{
    int64_t mint, maxt;
    const char *sel = random_selector(w);
    random_range(w, &mint, &maxt);
    ck_assert_str_eq(store_dump(&w->st, sel, mint, maxt), dump_model(w, sel, mint, maxt));
}

static void op_labels(world *w)
{
    db_selector sel = { .mint = INT64_MIN, .maxt = INT64_MAX };
    snapshot *s = NULL;
    bytes *got = NULL;
    size_t n = 0, at = 0;
    err e = { 0 };
    ck_assert(snapshot_open(w->st.db, &sel, 1, &s, &e));
    ck_assert(snapshot_label_values(s, LABEL_NAME, 0, &w->st.a, &got, &n, &e));
    for (char c = 'a'; c <= 'd'; c++) {
        bool want = false;
        for (int i = 0; i < N_SERIES; i++)
            for (int k = 0; k < N_TIMES; k++)
                want = want || (series_name(i)[0] == c && w->has[i][k]);
        if (!want)
            continue;
        ck_assert_uint_lt(at, n);
        ck_assert_int_eq(got[at++].p[0], c);
    }
    ck_assert_uint_eq(at, n);
    snapshot_free(s);
}

static const char *dump_snapshot(world *w, snapshot *s)
{
    series_view *views = NULL;
    sample_columns x = { 0 };
    size_t n = 0;
    buf out;
    err e = { 0 };
    buf_init(&out, SIZE_MAX);
    ck_assert(snapshot_series(s, 0, &w->st.a, &views, &n, &e));
    for (size_t i = 0; i < n; i++) {
        ck_assert(series_read(s, &views[i], INT64_MIN, INT64_MAX, &x, &e));
        for (size_t k = 0; k < x.n; k++)
            buf_printf(&out, "%lld:%.17g ", (long long)x.t[k], x.v[k]);
        if (x.n)
            buf_putc(&out, '\n');
    }
    sample_columns_release(&x);
    const char *text = arena_cstr(&w->st.a, buf_bytes(&out));
    buf_release(&out);
    return text;
}

/* Takes a snapshot, or looks at the one taken before. */
static void op_snapshot(world *w)
{
    err e = { 0 };
    if (w->old) {
        const char *now = dump_snapshot(w, w->old);
        if (!w->clean_asked)
            ck_assert_str_eq(now, w->old_answer);
        snapshot_free(w->old);
        w->old = NULL;
        return;
    }
    w->old_sel = (db_selector){ .mint = INT64_MIN, .maxt = INT64_MAX };
    ck_assert(snapshot_open(w->st.db, &w->old_sel, 1, &w->old, &e));
    w->old_answer = dump_snapshot(w, w->old);
}

/* ---- writing ---- */

static void put(world *w, int i, int k, double v)
{
    enum append_status got = store_put(&w->st, series_name(i), time_of(k), v, NULL);
    if (got != APPEND_OK)
        return;
    w->has[i][k] = true;
    w->v[i][k] = v;
    w->newest[i] = k > w->newest[i] ? k : w->newest[i];
}

static void op_append(world *w)
{
    int n = 1 + rnd(w, 60), i = rnd(w, N_SERIES);
    for (int m = 0; m < n; m++) {
        int k = w->newest[i] + 1;
        if (k >= N_TIMES)
            k = rnd(w, N_TIMES);
        put(w, i, k, rnd(w, 4) ? m : (double)rand_r(&w->seed) / 7);
        i = (i + 1) % N_SERIES;
    }
}

static void op_append_late(world *w)
{
    for (int m = 1 + rnd(w, 30); m > 0; m--)
        put(w, rnd(w, N_SERIES), rnd(w, N_TIMES), rnd(w, 1000));
}

static void op_delete(world *w)
{
    int64_t mint, maxt;
    size_t n_ms = 0;
    const char *sel = random_selector(w);
    random_range(w, &mint, &maxt);
    ck_assert(store_delete(&w->st, sel, mint, maxt));
    matcher *ms = store_matchers(&w->st, sel, &n_ms);
    for (int i = 0; i < N_SERIES; i++) {
        if (!matchers_match(ms, n_ms, store_labels(&w->st, series_name(i))))
            continue;
        for (int k = 0; k < N_TIMES; k++)
            if (time_of(k) >= mint && time_of(k) <= maxt)
                w->has[i][k] = false;
        w->newest[i] = rnd(w, 3) ? w->newest[i] : 0;
    }
    for (size_t i = 0; i < n_ms; i++)
        matcher_release(&ms[i]);
}

/* ---- jobs ---- */

static void release_held(world *w)
{
    if (!w->held)
        return;
    if (!w->held_has_run)
        db_job_run(w->held);
    db_job_done(w->st.db, w->held);
    w->held = NULL;
}

static void op_drain(world *w)
{
    release_held(w);
    db_drain(w->st.db, 1);
    if (w->clean_asked && w->old) {
        snapshot_free(w->old);
        w->old = NULL;
    }
    w->clean_asked = false;
}

/* Starts a flush and leaves its job before or after its run, with the loop going on. */
static void op_flush_and_hold(world *w)
{
    op_drain(w);
    db_request_flush(w->st.db);
    for (int i = 0; i < 100 && !w->held; i++)
        w->held = db_job_next(w->st.db, 1);
    w->held_has_run = w->held && rnd(w, 2);
    if (w->held_has_run)
        db_job_run(w->held);
}

static void op_flush(world *w)
{
    release_held(w);
    db_request_flush(w->st.db);
    op_drain(w);
}

static void op_clean(world *w)
{
    release_held(w);
    snapshot_free(w->old);
    w->old = NULL;
    db_clean_tombstones(w->st.db);
    w->clean_asked = true;
    if (rnd(w, 2))
        op_drain(w);
}

static void op_restart(world *w)
{
    op_drain(w);
    snapshot_free(w->old);
    w->old = NULL;
    store_restart(&w->st, rnd(w, 2));
}

static void step(world *w)
{
    static void (*const ops[])(world *) = { op_append,   op_append,  op_append,         op_append_late, op_append_late,
                                            op_query,    op_query,   op_query,          op_labels,      op_delete,
                                            op_drain,    op_flush,   op_flush_and_hold, op_clean,       op_restart,
                                            op_snapshot, op_snapshot };
    ops[rnd(w, sizeof ops / sizeof *ops)](w);
}

START_TEST(store_agrees_with_the_model)
{
    static world w;
    w = (world){ .seed = (unsigned)_i * 2654435761u + 1 };
    store_begin(&w.st, _i % 4 == 0 ? 0 : INT64_C(31) * 86400000);
    for (int i = 0; i < STEPS; i++)
        step(&w);
    op_drain(&w);
    ck_assert_str_eq(store_dump(&w.st, "", INT64_MIN, INT64_MAX), dump_model(&w, "", INT64_MIN, INT64_MAX));
    snapshot_free(w.old);
    store_end(&w.st);
}
END_TEST

TCase *tcase_model(void)
{
    const char *more = getenv("TSDB_MODEL_SEEDS");
    TCase *tc = tcase_create("model");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, store_agrees_with_the_model, 0, more ? atoi(more) : 25);
    return tc;
}
