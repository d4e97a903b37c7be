/* eval_lines.c: eval_lines [-f FEATURES] FILE: loads the `load` commands of a test script, then answers queries from
 * stdin, one a line: START END STEP QUERY in ms, step 0 for an instant query. Each answer is a line of JSON as the
 * HTTP API gives it. For comparing with another server. */
#include "base/file.h"
#include "promql/query.h"
#include "promtest_script.h"
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 64 << 20 };

static void load(db *d, const test_command *c)
{
    for (size_t i = 0; i < c->n_series; i++) {
        uint64_t ref = 0;
        for (size_t k = 0; k < c->series[i].n; k++) {
            const test_point *p = &c->series[i].points[k];
            append_item it = { .ref = ref, .labels = c->series[i].labels, .t = (int64_t)k * c->interval, .v = p->v };
            if (p->kind != POINT_FLOAT)
                continue;
            db_append(d, &it, 1);
            ref = it.ref;
        }
    }
}

static void list(json_writer *w, const char *key, const bytes *texts, size_t n)
{
    if (!n)
        return;
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < n; i++)
        json_str(w, texts[i]);
    json_end(w);
}

static void answer(db *d, uint32_t features, char *line, buf *out)
{
    char *at = line;
    int64_t start = strtoll(at, &at, 10), end = strtoll(at, &at, 10), step = strtoll(at, &at, 10);
    err e = { 0 };
    snapshot *s = NULL;
    query_result r;
    size_t n;
    json_writer w;
    buf_clear(out);
    json_init(&w, out);
    json_object(&w);
    json_key(&w, "status");
    query *q = query_new(bytes_trim(bytes_of(at)), &(query_options){ .features = features }, &e);
    const db_selector *sels;
    bool ok = q && query_prepare(q, start, end, step, &e)
        && (!(sels = query_selectors(q, &n)) || n == 0 || snapshot_open(d, sels, n, &s, &e)) && query_run(q, s, &r, &e);
    json_cstr(&w, ok ? "success" : "error");
    if (ok) {
        json_key(&w, "data");
        json_object(&w);
        query_result_json(&w, &r);
        json_end(&w);
        list(&w, "warnings", r.warnings, r.n_warnings);
        list(&w, "infos", r.infos, r.n_infos);
    } else {
        json_key(&w, "error");
        json_cstr(&w, e.msg);
    }
    json_end(&w);
    snapshot_free(s);
    query_free(q);
}

int main(int argc, char **argv)
{
    uint32_t features = 0;
    const char *path = argc > 1 ? argv[argc - 1] : "";
    if (argc == 4 && strcmp(argv[1], "-f") == 0)
        features = (uint32_t)strtoul(argv[2], NULL, 0);
    char dir[] = "/tmp/eval-lines-XXXXXX", command[64];
    err e = { 0 };
    db *d;
    arena a;
    buf text, out;
    test_script s;
    arena_init(&a, 0);
    buf_init(&text, FILE_MAX);
    buf_init(&out, FILE_MAX);
    if (!file_read(path, FILE_MAX, &text, &e) || !test_script_parse(buf_bytes(&text), &a, &s, &e) || !mkdtemp(dir)
        || !db_open(&(db_options){ .dir = dir, .ooo_window_ms = INT64_C(1) << 40 }, &d, &e)) {
        fprintf(stderr, "%s: %s\n", path, e.msg);
        return 1;
    }
    for (size_t i = 0; i < s.n; i++)
        if (s.commands[i].kind == COMMAND_LOAD)
            load(d, &s.commands[i]);
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        answer(d, features, line, &out);
        printf("%.*s\n", BYTES_ARG(buf_bytes(&out)));
        fflush(stdout);
    }
    free(line);
    db_abandon(d);
    buf_release(&text);
    buf_release(&out);
    arena_release(&a);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0;
}
