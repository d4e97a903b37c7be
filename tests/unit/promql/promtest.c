/* promtest.c: see promtest.h. Values count as equal within a relative 1e-6, as Prometheus' own runner has it. */
#include "promtest.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"
#include "base/regex.h"
#include "base/vec.h"
#include "promql/funcs.h"
#include "promql/print.h"
#include "promql/query.h"
#include "promtest_script.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRIPT_MAX = 16 << 20 };

typedef struct bench {             /* one script being run */
    const promtest_options *opt;
    const char *path, *name;
    promtest_counts *counts;
    db *d;
    char dir[64];
    VEC(const labels *) histograms;   /* series that are native histograms in this section */
    bool has_start_times;
    arena a;                       /* of one eval */
    char why[4096];                /* of the first mismatch */
} bench;

static bool mismatch(bench *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool mismatch(bench *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(b->why, sizeof b->why, fmt, ap);
    va_end(ap);
    return false;
}

static const char *shown(bench *b, const labels *l)
{
    buf text;
    buf_init(&text, 1 << 16);
    labels_print_metric(&text, l);
    const char *s = arena_cstr(&b->a, buf_bytes(&text));
    buf_release(&text);
    return s;
}

static bool is_close(double a, double b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return true;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < 0x1p-1022)
        return diff < 1e-6 * 0x1p-1022;
    return diff / fmin(sum, DBL_MAX) < 1e-6;
}

/* ---- the store ---- */

static void section_close(bench *b)
{
    char command[128];
    if (!b->d)
        return;
    db_abandon(b->d);
    b->d = NULL;
    snprintf(command, sizeof command, "rm -rf %s", b->dir);
    if (system(command) != 0)
        fprintf(stderr, "cannot remove %s\n", b->dir);
}

static bool section_open(bench *b, err *e)
{
    section_close(b);
    b->histograms.len = 0;
    b->has_start_times = false;
    strcpy(b->dir, "/tmp/promtest-XXXXXX");
    if (!mkdtemp(b->dir))
        return err_set(e, ERR_INTERNAL, "mkdtemp failed");
    db_options o = { .dir = b->dir, .ooo_window_ms = INT64_C(1) << 40 };
    return db_open(&o, &b->d, e);
}

static bool load_series(bench *b, const test_series *s, int64_t interval, err *e)
{
    uint64_t ref = 0;
    for (size_t i = 0; i < s->n; i++) {
        append_item it = { .ref = ref, .labels = s->labels, .t = (int64_t)i * interval, .v = s->points[i].v };
        if (s->points[i].kind != POINT_FLOAT)
            continue;
        db_append(b->d, &it, 1);
        if (it.status != APPEND_OK)
            return err_set(e, ERR_INTERNAL, "append status %d", it.status);
        ref = it.ref;
    }
    return true;
}

/* What load_with_nhcb makes of a classic histogram's series. */
static const labels *nhcb_labels(arena *a, const labels *l)
{
    static const char *const suffixes[] = { "_bucket", "_sum", "_count" };
    bytes name = labels_get(l, LABEL_NAME);
    for (size_t i = 0; i < 3; i++) {
        bytes suffix = bytes_of(suffixes[i]);
        if (!bytes_has_suffix(name, suffix))
            continue;
        labels_builder lb;
        labels_builder_init(&lb, a, l);
        labels_builder_set(&lb, LABEL_NAME, bytes_sub(name, 0, name.len - suffix.len));
        labels_builder_del(&lb, BYTES("le"));
        return labels_builder_build(&lb);
    }
    return NULL;
}

static bool run_load(bench *b, const test_command *c, arena *a, err *e)
{
    b->has_start_times |= c->has_start_times;
    for (size_t i = 0; i < c->n_series; i++) {
        const test_series *s = &c->series[i];
        if (s->has_histograms)
            vec_push(&b->histograms, s->labels);
        const labels *native = c->with_nhcb ? nhcb_labels(a, s->labels) : NULL;
        if (native)
            vec_push(&b->histograms, native);
        bool again = false;        /* a series given twice: the last counts */
        for (size_t k = i + 1; k < c->n_series; k++)
            again |= labels_eq(c->series[k].labels, s->labels);
        if (!again && !load_series(b, s, c->interval, e))
            return false;
    }
    return true;
}

/* ---- one query ---- */

typedef struct answer {
    query *q;
    snapshot *snap;
    query_result r;
    err e;
    bool ok;
} answer;

static void answer_free(answer *a)
{
    snapshot_free(a->snap);
    query_free(a->q);
}

static answer ask(bench *b, bytes expr, int64_t start, int64_t end, int64_t step)
{
    answer a = { 0 };
    size_t n;
    query_options o = { .features = b->opt->features };
    a.q = query_new(expr, &o, &a.e);
    if (!a.q || !query_prepare(a.q, start, end, step, &a.e))
        return a;
    const db_selector *sels = query_selectors(a.q, &n);
    a.ok = (n == 0 || snapshot_open(b->d, sels, n, &a.snap, &a.e)) && query_run(a.q, a.snap, &a.r, &a.e);
    return a;
}

static bool fits(const test_expect *x, bytes text)
{
    if (x->match == MATCH_ANY)
        return true;
    if (x->match == MATCH_TEXT)
        return bytes_eq(x->text, text);
    char pattern[4096];
    err e;
    snprintf(pattern, sizeof pattern, "(?s:.*)(?:%.*s)(?s:.*)", BYTES_ARG(x->text));
    regex *re = regex_new(bytes_of(pattern), &e);
    bool ok = re && regex_match(re, text);
    regex_unref(re);
    return ok;
}

static bool check_failure(bench *b, const test_command *c, const answer *a)
{
    for (size_t i = 0; i < c->n_expects; i++)
        if (c->expects[i].kind == EXPECT_FAIL && !fits(&c->expects[i], bytes_of(a->e.msg)))
            return mismatch(b, "error \"%s\", expected \"%.*s\"", a->e.msg, BYTES_ARG(c->expects[i].text));
    return true;
}

static bool check_notes(bench *b, const test_command *c, enum expect_kind kind, const bytes *list, size_t n)
{
    bool any = test_expects(c, kind);
    for (size_t i = 0; i < c->n_expects; i++) {
        const test_expect *x = &c->expects[i];
        bool found = false;
        if (x->kind == (kind == EXPECT_WARN ? EXPECT_NO_WARN : EXPECT_NO_INFO) && n)
            return mismatch(b, "unexpected annotation: %.*s", BYTES_ARG(list[0]));
        for (size_t k = 0; k < n; k++)
            found |= fits(x, list[k]);
        if (x->kind == kind && !found)
            return mismatch(b, "no annotation like \"%.*s\"; first of %zu: %.*s", BYTES_ARG(x->text), n,
                            BYTES_ARG(n ? list[0] : (bytes){ 0 }));
    }
    for (size_t k = 0; any && k < n; k++) {
        bool found = false;
        for (size_t i = 0; i < c->n_expects; i++)
            found |= c->expects[i].kind == kind && fits(&c->expects[i], list[k]);
        if (!found)
            return mismatch(b, "unexpected annotation: %.*s", BYTES_ARG(list[k]));
    }
    return true;
}

static const test_series *find_series(const test_command *c, const labels *l, size_t *at)
{
    for (size_t i = c->n_series; i-- > 0;) {
        if (labels_eq(c->series[i].labels, l)) {
            *at = i;
            return &c->series[i];
        }
    }
    return NULL;
}

/* The row's entry of a step; SIZE_MAX: no value there. */
static size_t entry_at(const query_row *r, size_t step)
{
    size_t i = step - r->first;
    return i < r->n && query_row_has(r, i) ? i : SIZE_MAX;
}

/* Step `at` of the rows as an instant vector: all of them in an instant result, the middle step of a range one. */
static bool compare_vector(bench *b, const test_command *c, const query_result *r, size_t at, bool ordered)
{
    size_t found = 0;
    for (size_t i = 0; i < r->n_rows; i++) {
        size_t pos;
        const query_row *row = &r->rows[i];
        size_t k = entry_at(row, at);
        if (k == SIZE_MAX)
            continue;
        const test_series *s = find_series(c, row->labels, &pos);
        if (!s)
            return mismatch(b, "unexpected %s %g", shown(b, row->labels), row->v[k]);
        if (ordered && pos != found)
            return mismatch(b, "%s at place %zu, expected at %zu", shown(b, row->labels), found, pos);
        if (s->n != 1 || !is_close(s->points[0].v, row->v[k]))
            return mismatch(b, "%s is %.17g, expected %.17g", shown(b, row->labels), row->v[k],
                            s->n ? s->points[0].v : 0);
        found++;
    }
    for (size_t i = 0; found != c->n_series && i < c->n_series; i++) {
        bool seen = false;
        for (size_t k = 0; k < r->n_rows; k++)
            seen |= entry_at(&r->rows[k], at) != SIZE_MAX && labels_eq(r->rows[k].labels, c->series[i].labels);
        if (!seen)
            return mismatch(b, "missing %s; there are %zu series", shown(b, c->series[i].labels), found);
    }
    return found == c->n_series || mismatch(b, "%zu series, expected %zu", found, c->n_series);
}

static bool compare_points(bench *b, const test_command *c, const query_result *r, const query_row *row,
                           const test_series *s)
{
    size_t k = 0;
    for (size_t i = 0; i < row->n; i++) {
        if (!query_row_has(row, i))
            continue;
        int64_t t = query_row_time(r, row, i);
        while (k < s->n && s->points[k].kind == POINT_NONE)
            k++;
        int64_t want = c->start + (int64_t)k * c->step;
        if (k == s->n || t != want)
            return mismatch(b, "%s: point %.17g at %lld, expected at %lld", shown(b, row->labels), row->v[i],
                            (long long)t, (long long)(k == s->n ? -1 : want));
        if (!is_close(s->points[k].v, row->v[i]))
            return mismatch(b, "%s at %lld: %.17g, expected %.17g", shown(b, row->labels), (long long)t, row->v[i],
                            s->points[k].v);
        k++;
    }
    while (k < s->n && s->points[k].kind == POINT_NONE)
        k++;
    return k == s->n || mismatch(b, "%s: no point at %lld, expected %.17g", shown(b, row->labels),
                                 (long long)(c->start + (int64_t)k * c->step), s->points[k].v);
}

static bool compare_matrix(bench *b, const test_command *c, const query_result *r)
{
    for (size_t i = 0; i < r->n_rows; i++) {
        size_t pos;
        const test_series *s = find_series(c, r->rows[i].labels, &pos);
        if (!s)
            return mismatch(b, "unexpected series %s", shown(b, r->rows[i].labels));
        if (i && labels_cmp(r->rows[i - 1].labels, r->rows[i].labels) >= 0)
            return mismatch(b, "not sorted, or twice: %s", shown(b, r->rows[i].labels));
        if (!compare_points(b, c, r, &r->rows[i], s))
            return false;
    }
    return r->n_rows == c->n_series || mismatch(b, "%zu series, expected %zu", r->n_rows, c->n_series);
}

static bool compare(bench *b, const test_command *c, const query_result *r)
{
    switch (r->type) {
    case QUERY_SCALAR:
        return (c->has_scalar && is_close(c->scalar, r->rows[0].v[0])) || mismatch(b, "scalar %.17g", r->rows[0].v[0]);
    case QUERY_STRING:
        return (c->has_string && bytes_eq(c->string, r->string)) || mismatch(b, "string %.*s", BYTES_ARG(r->string));
    case QUERY_VECTOR:
        return c->has_scalar ? mismatch(b, "a vector, expected a scalar")
                             : compare_vector(b, c, r, 0, test_expects(c, EXPECT_ORDERED));
    case QUERY_MATRIX: return compare_matrix(b, c, r);
    }
    return false;
}

/* true: checked, *done says whether it failed as it should. */
static bool check_answer(bench *b, const test_command *c, const answer *a, bool *done)
{
    *done = !a->ok;
    if (!a->ok)
        return test_expects(c, EXPECT_FAIL) ? check_failure(b, c, a) : mismatch(b, "error: %s", a->e.msg);
    if (test_expects(c, EXPECT_FAIL))
        return mismatch(b, "no error");
    return check_notes(b, c, EXPECT_WARN, a->r.warnings, a->r.n_warnings)
        && check_notes(b, c, EXPECT_INFO, a->r.infos, a->r.n_infos);
}

/* ---- the second look: with @ ---- */

static void put_at(ast_node *n, int64_t t)
{
    ast_when *w = n->kind == AST_SELECTOR ? &n->selector.when : n->kind == AST_SUBQUERY ? &n->subquery.when : NULL;
    if (w && (w->at == AT_NONE || w->at == AT_START || w->at == AT_END)) {
        w->at = AT_TIME;
        w->at_ms = t;
    }
    for (size_t i = 0; n->kind != AST_SUBQUERY && ast_child(n, i); i++)   /* below, times go by the subquery */
        put_at(ast_child(n, i), t);
}

/* start() and its like look at the query's own bounds. */
static bool is_bound(const ast_node *n)
{
    static const char *const bounds[] = { "start", "end", "range", "step" };
    for (size_t i = 0; n->kind == AST_CALL && i < 4; i++)
        if (strcmp(n->call.func->name, bounds[i]) == 0)
            return true;
    return false;
}

static bool asks_for_bounds(const ast_node *n)
{
    if (is_bound(n))
        return true;
    for (size_t i = 0; ast_child(n, i); i++)
        if (asks_for_bounds(ast_child(n, i)))
            return true;
    return false;
}

static bool asks_for_time(const ast_node *n)
{
    if (is_bound(n) || (n->kind == AST_CALL && (n->call.func->flags & FUNC_NOT_INVARIANT)))
        return true;
    for (size_t i = 0; ast_child(n, i); i++)
        if (asks_for_time(ast_child(n, i)))
            return true;
    return false;
}

/* The expression with @ t everywhere; empty where that changes its meaning. */
static bytes with_at(bench *b, bytes expr, int64_t t)
{
    ast_node *n;
    err e;
    bytes out = { 0 };
    if (!promql_parse(expr, b->opt->features, &b->a, &n, &e))
        return out;
    if (!asks_for_time(n)) {
        buf text;
        buf_init(&text, 1 << 20);
        put_at(n, t);
        promql_print(&text, n);
        out = arena_dup(&b->a, buf_bytes(&text));
        buf_release(&text);
    }
    ast_release(n);
    return out;
}

static bool check_middle(bench *b, const test_command *c, bytes expr, int64_t t)
{
    answer a = ask(b, expr, t - 60000, t + 60000, 60000);
    bool ok = true;
    if (!a.ok) {
        ok = mismatch(b, "error as a range query: %s", a.e.msg);
    } else if (c->has_scalar) {
        ok = (a.r.n_rows == 1 && is_close(a.r.rows[0].v[1], c->scalar))
             || mismatch(b, "another scalar as a range query");
    } else if (!test_expects(c, EXPECT_ORDERED)) {
        ok = compare_vector(b, c, &a.r, 1, false);
        if (!ok) {
            char why[sizeof b->why];
            memcpy(why, b->why, sizeof why);
            mismatch(b, "as a range query: %.4000s", why);
        }
    }
    answer_free(&a);
    return ok;
}

static bool run_instant(bench *b, const test_command *c, bytes expr, int64_t t)
{
    bool failed_well;
    answer a = ask(b, expr, t, t, 0);
    bool ok = check_answer(b, c, &a, &failed_well) && (failed_well || compare(b, c, &a.r));
    answer_free(&a);
    ast_node *n;
    err e;
    bool has_steps = !c->range_vector && !c->has_string;
    if (ok && has_steps && promql_parse(expr, b->opt->features, &b->a, &n, &e)) {
        has_steps = !asks_for_bounds(n);
        ast_release(n);
    }
    return ok && (failed_well || b->opt->once || !has_steps || check_middle(b, c, expr, t));
}

static bool run_range(bench *b, const test_command *c)
{
    bool failed_well;
    answer a = ask(b, c->expr, c->start, c->end, c->step);
    bool ok = check_answer(b, c, &a, &failed_well) && (failed_well || compare(b, c, &a.r));
    answer_free(&a);
    return ok;
}

static bool run_eval(bench *b, const test_command *c)
{
    if (c->is_range)
        return run_range(b, c);
    int64_t at = c->range_vector ? c->end : c->at;
    if (!run_instant(b, c, c->expr, at))
        return false;
    bytes fixed = b->opt->once ? (bytes){ 0 } : with_at(b, c->expr, at);
    int64_t times[] = { at ? -10 * at : -1000, 0, at ? at / 5 : 1000, at, at * 10 };
    for (size_t i = 0; fixed.len && i < 5; i++) {
        if (!run_instant(b, c, fixed, times[i])) {
            char why[sizeof b->why];
            memcpy(why, b->why, sizeof why);
            return mismatch(b, "%.*s at %lld: %.3000s", BYTES_ARG(fixed), (long long)times[i], why);
        }
    }
    return true;
}

/* ---- scripts ---- */

static bool touches_histograms(bench *b, const ast_node *n)
{
    if (n->kind == AST_BINARY && (n->binary.op == OP_TRIM_LOWER || n->binary.op == OP_TRIM_UPPER))
        return true;
    for (size_t i = 0; n->kind == AST_SELECTOR && i < b->histograms.len; i++)
        if (matchers_match(n->selector.matchers, n->selector.n_matchers, b->histograms.p[i]))
            return true;
    for (size_t i = 0; ast_child(n, i); i++)
        if (touches_histograms(b, ast_child(n, i)))
            return true;
    return false;
}

static bool is_beyond(bench *b, const test_command *c)
{
    ast_node *n;
    err e;
    for (size_t i = 0; i < c->n_series; i++)
        if (c->series[i].has_histograms)
            return true;
    if (b->has_start_times)
        return true;
    if (!promql_parse(c->expr, b->opt->features, &b->a, &n, &e))
        return false;
    bool touches = touches_histograms(b, n);
    ast_release(n);
    return touches;
}

static void run_command(bench *b, const test_command *c, arena *a)
{
    err e = { 0 };
    bool ok = true;
    if (c->kind == COMMAND_CLEAR)
        ok = section_open(b, &e);
    else if (c->kind == COMMAND_LOAD)
        ok = run_load(b, c, a, &e);
    if (!ok) {
        printf("%s:%d: %s\n", b->name, c->line, e.msg);
        b->counts->failed++;
    }
    if (c->kind != COMMAND_EVAL)
        return;
    arena_reset(&b->a);
    b->why[0] = 0;
    if (is_beyond(b, c)) {
        b->counts->skipped++;
        return;
    }
    ok = run_eval(b, c);
    ok ? b->counts->passed++ : b->counts->failed++;
    if (!ok || b->opt->verbose)
        printf("%s:%d: %s %.*s\n", b->name, c->line, ok ? "ok" : "FAIL", BYTES_ARG(c->expr));
    if (!ok)
        printf("    %s\n", b->why);
}

bool promtest_run(const char *path, const promtest_options *opt, promtest_counts *counts)
{
    const char *slash = strrchr(path, '/');
    bench b = { .opt = opt, .path = path, .name = slash ? slash + 1 : path, .counts = counts };
    buf text;
    arena a;
    err e = { 0 };
    test_script s;
    arena_init(&a, 0);
    arena_init(&b.a, 0);
    buf_init(&text, SCRIPT_MAX);
    bool ok = file_read(path, SCRIPT_MAX, &text, &e) && test_script_parse(buf_bytes(&text), &a, &s, &e)
        && section_open(&b, &e);
    for (size_t i = 0; ok && i < s.n; i++)
        run_command(&b, &s.commands[i], &a);
    if (!ok)
        printf("%s: %s\n", path, e.msg);
    section_close(&b);
    vec_free(&b.histograms);
    buf_release(&text);
    arena_release(&b.a);
    arena_release(&a);
    return ok;
}
