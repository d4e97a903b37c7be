/* promtest_script.c: see promtest_script.h. Lines are trimmed; a command ends at an empty line. */
#include "promtest_script.h"
#include "base/duration.h"
#include "base/num.h"
#include "base/vec.h"
#include "promql/parse.h"
#include <math.h>

typedef struct script_reader {
    arena *a;
    bytes *lines;             /* trimmed; comments are empty */
    size_t n, at;
    err *e;
} script_reader;

static bool bad(script_reader *r, const char *what, bytes got)
{
    return err_set(r->e, ERR_BAD_DATA, "line %zu: %s: %.*s", r->at + 1, what, BYTES_ARG(got));
}

static bytes word(bytes *rest)
{
    bytes s = bytes_trim(*rest);
    size_t n = 0;
    while (n < s.len && s.p[n] != ' ' && s.p[n] != '\t')
        n++;
    *rest = bytes_trim(bytes_sub(s, n, SIZE_MAX));
    return bytes_sub(s, 0, n);
}

static bool take_word(bytes *rest, const char *expected)
{
    bytes tail = *rest;
    if (!bytes_eq(word(&tail), bytes_of(expected)))
        return false;
    *rest = tail;
    return true;
}

static bool take_duration(bytes *rest, int64_t *ms)
{
    bytes w = word(rest);
    bool negative = w.len && w.p[0] == '-';
    err e;
    if (!duration_parse(negative ? bytes_sub(w, 1, SIZE_MAX) : w, ms, &e))
        return false;
    *ms = negative ? -*ms : *ms;
    return true;
}

/* ---- series ---- */

/* The end of `name{...}` at the start of s. */
static size_t metric_end(bytes s)
{
    size_t i = 0;
    while (i < s.len && s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '{')
        i++;
    size_t brace = i;
    while (brace < s.len && (s.p[brace] == ' ' || s.p[brace] == '\t'))
        brace++;
    if (brace >= s.len || s.p[brace] != '{' || (brace + 1 < s.len && s.p[brace + 1] == '{'))
        return i;
    char quote = 0;
    for (i = brace + 1; i < s.len && (quote || s.p[i] != '}'); i++) {
        if (quote && s.p[i] == '\\' && quote != '`')
            i++;
        else if (quote ? s.p[i] == quote : strchr("\"'`", s.p[i]) != NULL)
            quote = quote ? 0 : s.p[i];
    }
    return i < s.len ? i + 1 : s.len;
}

static bool read_labels(script_reader *r, bytes metric, const labels **out)
{
    ast_node *n;
    if (bytes_eq(bytes_trim(metric), BYTES("{}")) || metric.len == 0) {
        *out = &labels_empty;
        return true;
    }
    if (!promql_parse_selector(metric, r->a, &n, r->e))
        return false;
    labels_builder b;
    labels_builder_init(&b, r->a, NULL);
    for (size_t i = 0; i < n->selector.n_matchers; i++)
        labels_builder_set(&b, n->selector.matchers[i].name, n->selector.matchers[i].value);
    *out = labels_builder_build(&b);
    ast_release(n);
    return true;
}

/* A float at the start of *s: digits, exponent, Inf, NaN, with sign. */
static bool take_number(bytes *s, double *out)
{
    size_t n = 0;
    bool digits = false;
    if (n < s->len && (s->p[n] == '+' || s->p[n] == '-'))
        n++;
    bytes tail = bytes_sub(*s, n, 3);
    if (tail.len == 3 && (bytes_eq_nocase(tail, BYTES("inf")) || bytes_eq_nocase(tail, BYTES("nan")))) {
        n += 3;
        digits = true;
    } else {
        while (n < s->len && ((s->p[n] >= '0' && s->p[n] <= '9') || s->p[n] == '.')) {
            digits = true;
            n++;
        }
        if (n < s->len && (s->p[n] == 'e' || s->p[n] == 'E')) {
            n++;
            if (n < s->len && (s->p[n] == '+' || s->p[n] == '-'))
                n++;
            while (n < s->len && s->p[n] >= '0' && s->p[n] <= '9')
                n++;
        }
    }
    if (!digits || !num_parse(bytes_sub(*s, 0, n), out, NULL))
        return false;
    *s = bytes_sub(*s, n, SIZE_MAX);
    return true;
}

static bool take_histogram(bytes *s)
{
    ptrdiff_t end = bytes_has_prefix(*s, BYTES("{{")) ? bytes_find_bytes(*s, BYTES("}}")) : -1;
    if (end < 0)
        return false;
    *s = bytes_sub(*s, (size_t)end + 2, SIZE_MAX);
    return true;
}

/* xN: N more */
static size_t take_count(bytes *s)
{
    size_t n = 0, i = 1;
    if (s->len < 2 || s->p[0] != 'x')
        return 0;
    for (; i < s->len && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        n = n * 10 + (size_t)(s->p[i] - '0');
    *s = bytes_sub(*s, i, SIZE_MAX);
    return n;
}

/* One item: 1+2x3, _x2, stale, {{...}}x3 */
static bool take_points(bytes *s, test_point *p, double *step, size_t *more)
{
    *step = 0;
    if (cursor_take(&(cursor){ s->p, s->p + s->len, s->p }, '_')) {
        *s = bytes_sub(*s, 1, SIZE_MAX);
        *p = (test_point){ POINT_NONE, 0 };
        size_t n = take_count(s);
        *more = n ? n - 1 : 0;   /* _x3 is three gaps, 1x3 is four points */
        return true;
    }
    if (bytes_has_prefix(*s, BYTES("stale"))) {
        *s = bytes_sub(*s, 5, SIZE_MAX);
        *p = (test_point){ POINT_FLOAT, sample_stale() };
    } else if (take_histogram(s)) {
        *p = (test_point){ POINT_HISTOGRAM, 0 };
        if (s->len && (s->p[0] == '+' || s->p[0] == '-')) {
            *s = bytes_sub(*s, 1, SIZE_MAX);
            if (!take_histogram(s))
                return false;
        }
    } else {
        p->kind = POINT_FLOAT;
        if (!take_number(s, &p->v))
            return false;
        if (s->len && (s->p[0] == '+' || s->p[0] == '-') && !take_number(s, step))
            return false;
    }
    *more = take_count(s);
    return true;
}

static bool read_series(script_reader *r, bytes line, test_series *out)
{
    size_t end = metric_end(line);
    bytes rest = bytes_trim(bytes_sub(line, end, SIZE_MAX));
    VEC(test_point) points = { 0 };
    *out = (test_series){ 0 };
    if (!read_labels(r, bytes_sub(line, 0, end), &out->labels))
        return false;
    while (rest.len) {
        test_point p;
        double step;
        size_t more;
        bytes before = rest;
        if (!take_points(&rest, &p, &step, &more) || (rest.len && rest.p[0] != ' ' && rest.p[0] != '\t')) {
            vec_free(&points);
            return bad(r, "bad series values", before);
        }
        out->has_histograms |= p.kind == POINT_HISTOGRAM;
        for (size_t i = 0; i <= more; i++) {
            vec_push(&points, p);
            p.v = step != 0 ? p.v + step : p.v;
        }
        rest = bytes_trim(rest);
    }
    out->n = points.len;
    out->points = arena_alloc(r->a, points.len * sizeof *out->points);
    if (points.len)
        memcpy(out->points, points.p, points.len * sizeof *out->points);
    vec_free(&points);
    return true;
}

/* ---- commands ---- */

static bool read_load(script_reader *r, bytes rest, test_command *c)
{
    VEC(test_series) list = { 0 };
    bool ok = true;
    c->kind = COMMAND_LOAD;
    if (!take_duration(&rest, &c->interval))
        return bad(r, "bad load", rest);
    for (r->at++; ok && r->at < r->n && r->lines[r->at].len; r->at++) {
        bytes tail = r->lines[r->at];
        test_series s;
        if (bytes_has_suffix(word(&tail), BYTES("@st"))) {
            c->has_start_times = true;
            continue;
        }
        ok = read_series(r, r->lines[r->at], &s);
        if (ok)
            vec_push(&list, s);
    }
    c->n_series = list.len;
    c->series = arena_alloc(r->a, list.len * sizeof *c->series);
    if (list.len)
        memcpy(c->series, list.p, list.len * sizeof *c->series);
    vec_free(&list);
    return ok;
}

static bool add_expect(script_reader *r, test_command *c, enum expect_kind kind, enum expect_match match, bytes text)
{
    c->expects =
        arena_grow(r->a, c->expects, c->n_expects * sizeof *c->expects, (c->n_expects + 1) * sizeof *c->expects);
    c->expects[c->n_expects++] = (test_expect){ kind, match, bytes_trim(text) };
    return true;
}

/* "..." or `...` */
static bool read_string(script_reader *r, bytes text, bytes *out)
{
    ast_node *n;
    if (!promql_parse(text, 0, r->a, &n, r->e) || n->kind != AST_STRING)
        return bad(r, "bad string", text);
    *out = n->string;
    return true;
}

static bool read_expect(script_reader *r, bytes rest, test_command *c)
{
    static const struct {
        const char *word;
        enum expect_kind kind;
    } kinds[] = { { "fail", EXPECT_FAIL },       { "warn", EXPECT_WARN },       { "info", EXPECT_INFO },
                  { "no_warn", EXPECT_NO_WARN }, { "no_info", EXPECT_NO_INFO }, { "ordered", EXPECT_ORDERED } };
    bytes all = rest;
    if (take_word(&rest, "string")) {
        c->has_string = true;
        return read_string(r, rest, &c->string);
    }
    if (take_word(&rest, "range")) {
        c->range_vector = true;
        return (take_word(&rest, "vector") && take_word(&rest, "from") && take_duration(&rest, &c->start)
                && take_word(&rest, "to") && take_duration(&rest, &c->end) && take_word(&rest, "step")
                && take_duration(&rest, &c->step))
            || bad(r, "bad expectation", all);
    }
    bytes name = word(&rest), match = word(&rest);
    enum expect_match how = bytes_eq(match, BYTES("msg:"))     ? MATCH_TEXT
                            : bytes_eq(match, BYTES("regex:")) ? MATCH_PATTERN
                                                               : MATCH_ANY;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bytes_eq(name, bytes_of(kinds[i].word)))
            return add_expect(r, c, kinds[i].kind, how, rest);
    return bad(r, "bad expectation", all);
}

static bool read_result_line(script_reader *r, bytes line, test_command *c)
{
    bytes rest = line;
    if (take_word(&rest, "expect"))
        return read_expect(r, rest, c);
    if (take_word(&rest, "expected_fail_message"))
        return add_expect(r, c, EXPECT_FAIL, MATCH_TEXT, rest);
    if (take_word(&rest, "expected_fail_regexp"))
        return add_expect(r, c, EXPECT_FAIL, MATCH_PATTERN, rest);
    bool is_hex = bytes_has_prefix(line, BYTES("0x")) || bytes_has_prefix(line, BYTES("-0x"));
    if ((is_hex && num_parse(line, &c->scalar, NULL)) || (take_number(&rest, &c->scalar) && rest.len == 0)) {
        c->has_scalar = true;
        return true;
    }
    c->series = arena_grow(r->a, c->series, c->n_series * sizeof *c->series, (c->n_series + 1) * sizeof *c->series);
    return read_series(r, line, &c->series[c->n_series++]);
}

static bool read_eval(script_reader *r, bytes head, bytes rest, test_command *c)
{
    bytes all = rest;
    c->kind = COMMAND_EVAL;
    static const struct {
        const char *word;
        enum expect_kind kind;
    } old[] = { { "eval_fail", EXPECT_FAIL }, { "eval_warn", EXPECT_WARN }, { "eval_info", EXPECT_INFO },
                { "eval_ordered", EXPECT_ORDERED } };
    for (size_t i = 0; i < 4; i++)
        if (bytes_eq(head, bytes_of(old[i].word)))
            add_expect(r, c, old[i].kind, MATCH_ANY, (bytes){ 0 });
    if (take_word(&rest, "instant")) {
        if (take_word(&rest, "at") && !take_duration(&rest, &c->at))
            return bad(r, "bad eval", all);
    } else {
        c->is_range = true;
        if (!(take_word(&rest, "range") && take_word(&rest, "from") && take_duration(&rest, &c->start)
              && take_word(&rest, "to") && take_duration(&rest, &c->end) && take_word(&rest, "step")
              && take_duration(&rest, &c->step)))
            return bad(r, "bad eval", all);
    }
    c->expr = rest;
    for (r->at++; r->at < r->n && r->lines[r->at].len; r->at++)
        if (!read_result_line(r, r->lines[r->at], c))
            return false;
    return true;
}

static bool read_command(script_reader *r, test_command *c)
{
    bytes rest = r->lines[r->at], head = word(&rest);
    *c = (test_command){ .line = (int)r->at + 1 };
    if (bytes_eq(head, BYTES("clear"))) {
        c->kind = COMMAND_CLEAR;
        r->at++;
        return true;
    }
    c->with_nhcb = bytes_eq(head, BYTES("load_with_nhcb"));
    if (bytes_eq(head, BYTES("load")) || c->with_nhcb)
        return read_load(r, rest, c);
    if (bytes_has_prefix(head, BYTES("eval")))
        return read_eval(r, head, rest, c);
    return bad(r, "unknown command", head);
}

bool test_script_parse(bytes text, arena *a, test_script *out, err *e)
{
    script_reader r = { .a = a, .e = e };
    VEC(bytes) lines = { 0 };
    VEC(test_command) commands = { 0 };
    bytes line;
    for (bool more = true; more;) {
        more = bytes_cut(text, '\n', &line, &text);
        line = bytes_trim(line);
        vec_push(&lines, line.len && line.p[0] == '#' ? (bytes){ 0 } : line);
    }
    r.lines = lines.p;
    r.n = lines.len;
    bool ok = true;
    while (ok && r.at < r.n) {
        test_command c;
        if (r.lines[r.at].len == 0) {
            r.at++;
            continue;
        }
        ok = read_command(&r, &c);
        if (ok)
            vec_push(&commands, c);
    }
    out->n = commands.len;
    out->commands = arena_alloc(a, commands.len * sizeof *out->commands);
    if (commands.len)
        memcpy(out->commands, commands.p, commands.len * sizeof *out->commands);
    vec_free(&commands);
    vec_free(&lines);
    return ok;
}

bool test_expects(const test_command *c, enum expect_kind kind)
{
    for (size_t i = 0; i < c->n_expects; i++)
        if (c->expects[i].kind == kind)
            return true;
    return false;
}
