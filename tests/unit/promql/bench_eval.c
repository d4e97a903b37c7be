/* bench_eval.c: bench_eval [SERIES]: CPU time of typical queries over a day of 15 s samples held in memory. */
#include "promql/query.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 15000, DAY_MS = 86400000 };

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fill(db *d, int n_series)
{
    arena a;
    arena_init(&a, 0);
    append_item *items = xcalloc((size_t)n_series, sizeof *items);
    for (int i = 0; i < n_series; i++) {
        char mode[16], instance[16], job[16];
        snprintf(mode, sizeof mode, "m%d", i % 8);
        snprintf(instance, sizeof instance, "host%d", i / 8);
        snprintf(job, sizeof job, "j%d", i % 3);
        label l[] = { { LABEL_NAME, BYTES("x_total") }, { BYTES("instance"), bytes_of(instance) },
                      { BYTES("job"), bytes_of(job) },  { BYTES("mode"), bytes_of(mode) } };
        items[i].labels = labels_from(&a, l, 4);
    }
    for (int64_t t = 0; t <= DAY_MS; t += STEP_MS) {
        for (int i = 0; i < n_series; i++) {
            items[i].t = t;
            items[i].v = floor((double)t / 1000 * (i % 17 + 1) * 0.7);
        }
        db_append(d, items, (size_t)n_series);
        db_drain(d, t);   /* the queue of uncommitted samples is bounded */
    }
    free(items);
    arena_release(&a);
}

static void run(db *d, const char *text, int64_t start, int64_t end, int64_t step)
{
    err e = { 0 };
    double best = 1e30;
    size_t rows = 0, samples = 0, peak = 0;
    for (int round = 0; round < (getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 5); round++) {
        double t = cpu_ms();
        size_t n;
        snapshot *s = NULL;
        query_result r;
        query *q = query_new(bytes_of(text), NULL, &e);
        if (!q || !query_prepare(q, start, end, step, &e)) {
            printf("%s: %s\n", text, e.msg);
            return;
        }
        const db_selector *sels = query_selectors(q, &n);
        if (!(n == 0 || snapshot_open(d, sels, n, &s, &e)) || !query_run(q, s, &r, &e)) {
            printf("%s: %s\n", text, e.msg);
            return;
        }
        rows = r.n_rows;
        samples = r.samples;
        peak = r.peak_samples;
        snapshot_free(s);
        query_free(q);
        t = cpu_ms() - t;
        best = t < best ? t : best;
    }
    printf("%9.2f ms  %6zu rows %9zu samples read %8zu at most kept  %s\n", best, rows, samples, peak, text);
}

int main(int argc, char **argv)
{
    int n_series = argc > 1 ? atoi(argv[1]) : 1000;
    char dir[] = "/tmp/bench-eval-XXXXXX";
    err e = { 0 };
    db *d;
    if (!mkdtemp(dir)
        || !db_open(&(db_options){ .dir = dir,
                                   .ooo_window_ms = 1,
                                   .block_ms = 30 * (int64_t)DAY_MS,
                                   .head_budget_bytes = (size_t)8 << 30 },
                    &d, &e))
        return 1;
    fill(d, n_series);
    static const struct {
        const char *text;
        int64_t range, step;
    } queries[] = {
        { "sum by (instance)(rate(x_total[5m]))", DAY_MS, DAY_MS / 240 },
        { "rate(x_total[5m])", DAY_MS, DAY_MS / 240 },
        { "x_total", DAY_MS, DAY_MS / 240 },
        { "sum(x_total)", DAY_MS, DAY_MS / 240 },
        { "avg_over_time(x_total[1h])", DAY_MS, DAY_MS / 240 },
        { "max_over_time(x_total[1h])", DAY_MS, DAY_MS / 240 },
        { "quantile_over_time(0.9, x_total[1h])", DAY_MS, DAY_MS / 240 },
        { "topk(5, rate(x_total[5m]))", DAY_MS, DAY_MS / 240 },
        { "quantile by (job) (0.9, rate(x_total[5m]))", DAY_MS, DAY_MS / 240 },
        { "rate(x_total[5m]) / on (instance, job, mode) rate(x_total[10m])", DAY_MS, DAY_MS / 240 },
        { "max_over_time(rate(x_total[5m])[1h:1m])", DAY_MS, DAY_MS / 240 },
        { "sum by (instance)(rate(x_total[5m]))", 3600000, 15000 },
        { "x_total", 0, 0 },
        { "sum by (job)(x_total)", 0, 0 },
        { "sum by (instance)(rate(x_total[5m]))", 0, 0 },
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        run(d, queries[i].text, DAY_MS - queries[i].range, DAY_MS, queries[i].step);
    db_abandon(d);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0;
}
