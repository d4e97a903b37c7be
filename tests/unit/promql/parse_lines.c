/* parse_lines.c: the front of PromQL behind stdin and stdout, for scripts that hold it to recorded answers.
 *
 * A line in: one letter and the query's bytes in hex. P: plain, F: all feature flags, S: a selector as in match[].
 * A line out: {"ast":..,"dur":"error of the durations at step 0","err":"..","fmt":"..","str":"..","type":".."}. */
#include "base/limits.h"
#include "promql/parse.h"
#include "promql/print.h"
#include <stdio.h>
#include <stdlib.h>

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* In place. */
static bytes from_hex(char *s)
{
    size_t n = strcspn(s, "\r\n") / 2;
    for (size_t i = 0; i < n; i++)
        s[i] = (char)(hex(s[2 * i]) << 4 | hex(s[2 * i + 1]));
    return bytes_n(s, n);
}

static void put_text(json_writer *w, const char *key, void (*print)(buf *, const ast_node *), const ast_node *n)
{
    buf b;
    buf_init(&b, LIMIT_RESULT_JSON);
    print(&b, n);
    json_key(w, key);
    json_str(w, buf_bytes(&b));
    buf_release(&b);
}

static void answer(json_writer *w, char what, bytes text, arena *a)
{
    err e = { 0 }, durations = { 0 };
    ast_node *n = NULL;
    uint32_t all = PROMQL_EXPERIMENTAL_FUNCTIONS | PROMQL_EXTENDED_SELECTORS | PROMQL_FILL_MODIFIERS;
    bool ok = what == 'S' ? promql_parse_selector(text, a, &n, &e)
                          : promql_parse(text, what == 'F' ? all : 0, a, &n, &e);
    json_object(w);
    json_key(w, "err");
    json_cstr(w, e.msg);
    if (ok) {
        json_key(w, "ast");
        promql_ast_json(w, n);
        json_key(w, "type");
        json_cstr(w, value_type_text(n->type));
        put_text(w, "fmt", promql_print_pretty, n);
        put_text(w, "str", promql_print, n);
        ast_resolve_durations(n, 0, 0, &durations);
        json_key(w, "dur");
        json_cstr(w, durations.msg);
        ast_release(n);
    }
    json_end(w);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    buf out;
    arena a;
    buf_init(&out, LIMIT_RESULT_JSON);
    arena_init(&a, 0);
    while (getline(&line, &cap, stdin) > 1) {
        json_writer w;
        json_init(&w, &out);
        answer(&w, line[0], from_hex(line + 1), &a);
        buf_putc(&out, '\n');
        fwrite(out.p, 1, out.len, stdout);
        fflush(stdout);
        buf_clear(&out);
        arena_reset(&a);
    }
    free(line);
    buf_release(&out);
    arena_release(&a);
    return 0;
}
