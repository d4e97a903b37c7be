/* fuzz_promql_eval.c: evaluates any query over a small store, as a range query and, at its middle step, as an instant
 * query: both must have the same series with the same values there. */
#include "promql/query.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP_MS = 10000, N_SAMPLES = 60, QUERY_MAX = 512 };

static db *store;

static void put(const labels *l, int64_t t, double v)
{
    append_item it = { .labels = l, .t = t, .v = v };
    db_append(store, &it, 1);
}

static void fill(void)
{
    static const char *const names[] = { "a", "b_total", "c_bucket" }, *const values[] = { "x", "y", "1", "+Inf" };
    arena a;
    arena_init(&a, 0);
    for (int n = 0; n < 3; n++) {
        for (int k = 0; k < 4; k++) {
            label l[] = { { LABEL_NAME, bytes_of(names[n]) },
                          { BYTES("job"), bytes_of(values[k % 2]) },
                          { BYTES("le"), bytes_of(values[k]) } };
            const labels *set = labels_from(&a, l, 3);
            for (int i = 0; i < N_SAMPLES; i++) {
                if ((i + k) % 13 == 0 || (n == 0 && i / 10 == k))
                    continue;
                double v = n == 0 ? (i * 7 + k * 3) % 11 - 5 : (i * (k + 1)) % (40 + k);
                if (n == 0 && (i + k) % 17 == 0)
                    v = i % 2 ? NAN : sample_stale();
                put(set, (int64_t)i * STEP_MS, v);
            }
        }
    }
    arena_release(&a);
}

static void open_store(void)
{
    static char dir[] = "/tmp/fuzz-promql-XXXXXX";
    err e;
    if (!mkdtemp(dir) || !db_open(&(db_options){ .dir = dir, .ooo_window_ms = 1 << 30 }, &store, &e))
        abort();
    fill();
}

typedef struct answer {
    query *q;
    snapshot *s;
    query_result r;
    bool ok;
} answer;

static answer ask(bytes text, const query_options *opt, int64_t start, int64_t end, int64_t step)
{
    answer a = { 0 };
    err e = { 0 };
    size_t n;
    a.q = query_new(text, opt, &e);
    if (!a.q || !query_prepare(a.q, start, end, step, &e))
        return a;
    const db_selector *sels = query_selectors(a.q, &n);
    a.ok = (n == 0 || snapshot_open(store, sels, n, &a.s, &e)) && query_run(a.q, a.s, &a.r, &e);
    return a;
}

static void done(answer *a)
{
    snapshot_free(a->s);
    query_free(a->q);
}

/* The query's own bounds and step are not the same in both. */
static bool looks_at_bounds(bytes text)
{
    static const char *const words[] = { "start", "end", "step", "range" };
    for (size_t i = 0; i < 4; i++)   /* keywords in any case */
        for (size_t at = 0; at < text.len; at++)
            if (bytes_eq_nocase(bytes_sub(text, at, strlen(words[i])), bytes_of(words[i])))
                return true;
    return false;
}

static bool is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b));
}

static void compare(bytes text, const query_result *range, size_t step, const query_result *alone)
{
    size_t found = 0;
    for (size_t i = 0; i < range->n_rows; i++) {
        const query_row *x = &range->rows[i];
        if (step < x->first || step >= x->first + x->n || !query_row_has(x, step - x->first))
            continue;
        size_t k = 0;
        while (k < alone->n_rows && !labels_eq(alone->rows[k].labels, x->labels))
            k++;
        if (k == alone->n_rows || !is_same(x->v[step - x->first], alone->rows[k].v[0])) {
            fprintf(stderr, "%.*s: %g at the step\n", BYTES_ARG(text), x->v[step - x->first]);
            abort();
        }
        found++;
    }
    if (found != alone->n_rows) {
        fprintf(stderr, "%.*s: %zu series at the step, %zu alone\n", BYTES_ARG(text), found, alone->n_rows);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!store)
        open_store();
    if (size < 1 || size > QUERY_MAX)
        return 0;
    bytes text = { (const char *)data + 1, size - 1 };
    query_options opt = { .features = data[0] & 15, .max_samples = 20000, .max_bytes = 8 << 20 };
    int64_t start = (data[0] >> 4) * 40000 - 20000, step = data[0] & 1 ? 7000 : 60000;
    answer range = ask(text, &opt, start, start + 6 * step, step);
    if (range.ok && !looks_at_bounds(text)) {
        answer alone = ask(text, &opt, start + 3 * step, start + 3 * step, 0);
        if (alone.ok)
            compare(text, &range.r, 3, &alone.r);
        done(&alone);
    } else if (!range.ok) {
        answer alone = ask(text, &opt, start, start, 0);
        done(&alone);
    }
    done(&range);
    return 0;
}
