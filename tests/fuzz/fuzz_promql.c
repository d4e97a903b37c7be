/* fuzz_promql.c: any bytes as a query: no crash, an error with a place, and printed text that settles.
 *
 * Printing is not always undone by parsing, in Prometheus neither: durations below a millisecond print as 0s, the
 * one beyond int64 prints with two signs, an empty selector prints as nothing, `x offset --5m + 1m` loses its signs.
 * What holds: where printed text parses, printing settles within two rounds more. */
#include "base/limits.h"
#include "promql/parse.h"
#include "promql/print.h"
#include <stdlib.h>

enum { ALL_FEATURES = PROMQL_EXPERIMENTAL_FUNCTIONS | PROMQL_EXTENDED_SELECTORS | PROMQL_FILL_MODIFIERS };
enum { ROUNDS = 4, MAX_PRETTY = 64 << 20 };

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool parse(bytes text, arena *a, ast_node **n)
{
    err e = { 0 };
    bool ok = promql_parse(text, ALL_FEATURES, a, n, &e);
    must(ok || (e.kind == ERR_BAD_DATA && strstr(e.msg, "parse error: ")));
    return ok;
}

static void check_places(const ast_node *n, size_t len)
{
    const ast_node *child;
    must(n->start >= 0 && n->start < n->end && (size_t)n->end <= len && n->depth <= LIMIT_QUERY_DEPTH);
    for (size_t i = 0; (child = ast_child(n, i)); i++)
        check_places(child, len);
}

/* JSON, and many lines that say what one line says. */
static void check_other_texts(ast_node *n, arena *a)
{
    buf out;
    json_writer w;
    err e = { 0 };
    buf_init(&out, MAX_PRETTY);
    json_init(&w, &out);
    promql_ast_json(&w, n);
    buf_clear(&out);
    promql_print_pretty(&out, n);
    ast_resolve_durations(n, 15000, 3600000, &e);
    buf_release(&out);
}

static void check_printed(const ast_node *n, arena *a)
{
    buf texts[ROUNDS];
    ast_node *again = NULL;
    int rounds = 0;
    for (int i = 0; i < ROUNDS; i++)
        buf_init(&texts[i], 8 * LIMIT_QUERY_TEXT);
    promql_print(&texts[0], n);
    while (++rounds < ROUNDS && parse(buf_bytes(&texts[rounds - 1]), a, &again)) {
        promql_print(&texts[rounds], again);
        ast_release(again);
    }
    must(rounds < ROUNDS || bytes_eq(buf_bytes(&texts[ROUNDS - 1]), buf_bytes(&texts[ROUNDS - 2])));
    for (int i = 0; i < ROUNDS; i++)
        buf_release(&texts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    arena a;
    ast_node *n = NULL;
    err e = { 0 };
    bytes text = bytes_n(data, len);
    arena_init(&a, 0);
    if (promql_parse(text, 0, &a, &n, &e))
        ast_release(n);
    if (promql_parse_selector(text, &a, &n, &e))
        ast_release(n);
    if (parse(text, &a, &n)) {
        check_places(n, len);
        check_printed(n, &a);
        check_other_texts(n, &a);
        ast_release(n);
    }
    arena_release(&a);
    return 0;
}
