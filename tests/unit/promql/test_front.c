/* test_front.c: the cases of tests/promql/front.txt, and properties that hold for each of them.
 *
 * A case is a run of lines up to a blank one; the first letter says what a line is (see the head of the file). */
#include "tests.h"
#include "base/file.h"
#include "base/limits.h"
#include "promql/parse.h"
#include "promql/print.h"
#include <stdio.h>
#include <stdlib.h>

enum { ALL_FEATURES = PROMQL_EXPERIMENTAL_FUNCTIONS | PROMQL_EXTENDED_SELECTORS | PROMQL_FILL_MODIFIERS };

typedef struct front_case {
    char what;                 /* 'q', 'Q', 's' */
    buf query, pretty;         /* lines joined */
    bytes error, type, print, json, durations;
    bool has_pretty, has_json;
    int line;
} front_case;

static void add_line(buf *b, bytes text, bool is_first)
{
    if (!is_first)
        buf_putc(b, '\n');
    buf_puts(b, text);
}

static void take_line(front_case *c, char letter, bytes text)
{
    switch (letter) {
    case 'q': case 'Q': case 's':
        add_line(&c->query, text, !c->what);
        c->what = c->what ? c->what : letter;
        break;
    case 'f':
        add_line(&c->pretty, text, !c->has_pretty);
        c->has_pretty = true;
        break;
    case 'e': c->error = text; break;
    case 't': c->type = text; break;
    case 'p': c->print = text; break;
    case 'd': c->durations = text; break;
    case 'j': c->json = text; c->has_json = true; break;
    default: ck_abort_msg("front.txt:%d: unknown line", c->line);
    }
}

/* The next case from *rest, or false at the end. */
static bool next_case(bytes *rest, int *line, front_case *c)
{
    buf_clear(&c->query);
    buf_clear(&c->pretty);
    *c = (front_case){ .query = c->query, .pretty = c->pretty };
    while (rest->len > 0) {
        bytes text, tail;
        if (!bytes_cut(*rest, '\n', &text, &tail))
            tail = (bytes){ 0 };
        *rest = tail;
        ++*line;
        if (text.len == 0 && c->what)
            return true;
        if (text.len == 0 || text.p[0] == '#')
            continue;
        if (!c->what)
            c->line = *line;
        take_line(c, text.p[0], bytes_sub(text, 2, text.len));
    }
    return c->what != 0;
}

static void same(const front_case *c, const char *what, bytes found, bytes wanted)
{
    ck_assert_msg(bytes_eq(found, wanted), "front.txt:%d: %s\n  found  %.*s\n  wanted %.*s", c->line, what,
                  BYTES_ARG(found), BYTES_ARG(wanted));
}

static bool parse(const front_case *c, bytes text, arena *a, ast_node **n, err *e)
{
    *n = NULL;
    return c->what == 's' ? promql_parse_selector(text, a, n, e)
                          : promql_parse(text, c->what == 'Q' ? ALL_FEATURES : 0, a, n, e);
}

typedef void (*printer)(buf *, const ast_node *);

static void printed(printer print, const ast_node *n, buf *out)
{
    buf_clear(out);
    print(out, n);
}

static void json(buf *out, const ast_node *n)
{
    json_writer w;
    json_init(&w, out);
    promql_ast_json(&w, n);
}

typedef void (*visitor)(const front_case *c, arena *a);

static void each_case(visitor visit)
{
    buf text;
    err e = { 0 };
    buf_init(&text, LIMIT_MIB(16));
    ck_assert_msg(file_read(PROMQL_DATA "/front.txt", LIMIT_MIB(16), &text, &e), "%s", e.msg);
    bytes rest = buf_bytes(&text);
    front_case c = { 0 };
    buf_init(&c.query, LIMIT_MIB(1));
    buf_init(&c.pretty, LIMIT_MIB(1));
    arena a;
    arena_init(&a, 0);
    int line = 0, n = 0;
    for (; next_case(&rest, &line, &c); n++) {
        visit(&c, &a);
        arena_reset(&a);
    }
    ck_assert_int_gt(n, 400);
    arena_release(&a);
    buf_release(&c.query);
    buf_release(&c.pretty);
    buf_release(&text);
}

static void check_answers(const front_case *c, arena *a)
{
    err e = { 0 }, durations = { 0 };
    ast_node *n;
    buf out;
    buf_init(&out, LIMIT_MIB(16));
    bool ok = parse(c, buf_bytes(&c->query), a, &n, &e);
    same(c, "error", bytes_of(e.msg), c->error);
    ck_assert_int_eq(ok, c->error.len == 0);
    ck_assert_int_eq(e.kind, ok ? ERR_NONE : ERR_BAD_DATA);
    if (ok) {
        same(c, "type", bytes_of(value_type_text(n->type)), c->type);
        printed(promql_print, n, &out);
        same(c, "print", buf_bytes(&out), c->print);
        printed(promql_print_pretty, n, &out);
        same(c, "pretty print", buf_bytes(&out), c->has_pretty ? buf_bytes(&c->pretty) : c->print);
        printed(json, n, &out);
        if (c->has_json)
            same(c, "JSON", buf_bytes(&out), c->json);
        ast_resolve_durations(n, 0, 0, &durations);
        same(c, "durations", bytes_of(durations.msg), c->durations);
        ast_release(n);
    }
    buf_release(&out);
}

START_TEST(front_answers_as_prometheus)
{
    each_case(check_answers);
}
END_TEST

/* Upstream prints these as something else, and so do we: the sign that made `--5m + 1m` one offset is gone, and the
 * empty selector that only info() and match[] take has no text. */
static bool has_no_text(bytes query)
{
    return bytes_find_bytes(query, BYTES("- -5m + 1m")) >= 0
        || bytes_find_bytes(query, BYTES(", {})")) >= 0
        || bytes_eq(query, BYTES("{}"));
}

/* What is printed, on one line or many, is a query of the same meaning. */
static void check_round_trip(const front_case *c, arena *a)
{
    static const printer printers[] = { promql_print, promql_print_pretty };
    err e = { 0 };
    ast_node *n, *again;
    buf text, second;
    buf_init(&text, LIMIT_MIB(16));
    buf_init(&second, LIMIT_MIB(16));
    if (!has_no_text(buf_bytes(&c->query)) && parse(c, buf_bytes(&c->query), a, &n, &e)) {
        for (int i = 0; i < 2; i++) {
            printed(printers[i], n, &text);
            ck_assert_msg(parse(c, buf_bytes(&text), a, &again, &e), "front.txt:%d: %s", c->line, e.msg);
            printed(promql_print, again, &second);
            same(c, "printed again", buf_bytes(&second), c->print);
            ast_release(again);
        }
        ast_release(n);
    }
    buf_release(&text);
    buf_release(&second);
}

START_TEST(front_reads_what_it_prints)
{
    each_case(check_round_trip);
}
END_TEST

/* (1) of ast.h, for every node: inside its parent and the text. */
static void check_places(const front_case *c, const ast_node *n, int32_t len)
{
    ck_assert_msg(n->start >= 0 && n->start < n->end && n->end <= len, "front.txt:%d: node at %d..%d of %d", c->line,
                  n->start, n->end, len);
    const ast_node *child;
    for (size_t i = 0; (child = ast_child(n, i)); i++) {
        ck_assert_int_lt(child->depth, n->depth);
        check_places(c, child, len);
    }
}

static void check_tree(const front_case *c, arena *a)
{
    err e = { 0 };
    ast_node *n;
    if (!parse(c, buf_bytes(&c->query), a, &n, &e))
        return;
    check_places(c, n, (int32_t)c->query.len);
    ast_release(n);
}

START_TEST(nodes_know_their_place)
{
    each_case(check_tree);
}
END_TEST

/* Every prefix of every query is a query or an error with a place. */
static void check_prefixes(const front_case *c, arena *a)
{
    for (size_t len = 0; len < c->query.len && len < 80; len++) {
        err e = { 0 };
        ast_node *n = NULL;
        bool ok = parse(c, bytes_n(c->query.p, len), a, &n, &e);
        ck_assert_int_eq(ok, e.msg[0] == '\0');
        ck_assert(ok || strstr(e.msg, ": parse error: "));
        ast_release(n);
    }
}

START_TEST(front_survives_cut_queries)
{
    each_case(check_prefixes);
}
END_TEST

Suite *suite_front(void)
{
    Suite *s = suite_create("promql front");
    TCase *t = tcase_create("front");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, front_answers_as_prometheus);
    tcase_add_test(t, front_reads_what_it_prints);
    tcase_add_test(t, nodes_know_their_place);
    tcase_add_test(t, front_survives_cut_queries);
    suite_add_tcase(s, t);
    return s;
}
