/* bench_tsdb: what the store costs, in ns and bytes. Figures go with the machine; compare runs of one.
 *
 *   bench_tsdb [DIR [SERIES [SAMPLES]]]     default: a folder in /tmp, 100000 series, 240 samples each
 *
 * Series look like a node_exporter's: 1000 a host. Values are of the kinds seen there: most of them constant, counters,
 * gauges with two decimals, noise. CPU time of the calling thread; RSS of the process.                           */
#include "tsdb/db.h"
#include "tsdb/select.h"
#include "tsdb/chunk.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PER_HOST = 1000, BATCH = 1000 };

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double rss_mb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static double peak_mb(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return (double)kb / 1024;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    return x * UINT64_C(0xbf58476d1ce4e5b9) >> 11;
}

static const labels *labels_of(arena *a, uint32_t i)
{
    uint32_t metric = i % PER_HOST, host = i / PER_HOST;
    label l[] = {
        { LABEL_NAME, arena_bytesf(a, "node_collector_family_%u_bytes_total", metric % 300) },
        { BYTES("device"), arena_bytesf(a, "eth%u", metric / 300) },
        { BYTES("instance"), arena_bytesf(a, "host-%04u.example.com:9100", host) },
        { BYTES("job"), BYTES("node") },
        { BYTES("mode"), metric % 3 ? BYTES("idle") : BYTES("user") },
    };
    return labels_from(a, l, sizeof l / sizeof *l);
}

static double value_of(uint32_t i, uint32_t step)
{
    switch (mix(i) % 10) {
    case 0: return (double)(mix(i) % 1000000) + (double)step * 15;
    case 1: return (double)(mix(i * 31 + step) % 10000) / 100;
    case 2: return (double)(mix(i + step * 7919) >> 20) * 1e-3;
    default: return (double)(mix(i) % 4096);
    }
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

static void report(const char *what, double s, double n)
{
    printf("%-34s %9.1f ns each %10.2f M/s   rss %7.1f MB\n", what, s / n * 1e9, n / s / 1e6, rss_mb());
    fflush(stdout);
}

/* As db_drain(), but notes the longest call that would hold a loop. */
static void drain(db *d, int64_t now, double *longest)
{
    for (int idle = 0; idle < 2;) {
        db_commit_now(d);
        double t0 = cpu_s();
        db_job *j = db_job_next(d, now);
        double t1 = cpu_s(), t2 = t1, t3 = t1;
        if (j) {
            db_job_run(j);
            t2 = cpu_s();
            db_job_done(d, j);
            t3 = cpu_s();
        }
        double held = t1 - t0 > t3 - t2 ? t1 - t0 : t3 - t2;
        *longest = held > *longest ? held : *longest;
        idle = !j && db_next_due(d) > now ? idle + 1 : 0;
    }
}

static void bench_append(db *d, uint32_t n_series, uint32_t n_samples, int64_t start)
{
    append_item *items = xcalloc(BATCH, sizeof *items);
    uint64_t *refs = xcalloc(n_series, sizeof *refs);
    double making = 0, first = 0, by_ref = 0, by_labels = 0, jobs = 0, longest = 0;
    uint64_t n_by_ref = 0, n_by_labels = 0;
    arena a;
    arena_init(&a, 0);
    for (uint32_t step = 0; step < n_samples; step++) {
        bool with_labels = step == 0 || step == 1;
        for (uint32_t at = 0; at < n_series; at += BATCH) {
            uint32_t n = n_series - at < BATCH ? n_series - at : BATCH;
            double t0 = cpu_s();
            arena_reset(&a);
            for (uint32_t k = 0; k < n; k++)
                items[k] = (append_item){ .ref = with_labels ? 0 : refs[at + k],
                                          .labels = with_labels ? labels_of(&a, at + k) : NULL,
                                          .t = start + step * INT64_C(15000) + (at + k) / PER_HOST * 7 % 15000,
                                          .v = value_of(at + k, step) };
            double t1 = cpu_s();
            db_append(d, items, n);
            double t2 = cpu_s();
            making += t1 - t0;
            *(step == 0 ? &first : with_labels ? &by_labels : &by_ref) += t2 - t1;
            *(with_labels ? &n_by_labels : &n_by_ref) += n;
            for (uint32_t k = 0; k < n; k++)
                refs[at + k] = items[k].ref;
            drain(d, start + step * INT64_C(15000), &longest);
            jobs += cpu_s() - t2;
        }
        if (step == 0)
            report("append, new series", first, n_series);
        if (step == 1)
            report("append by labels", by_labels, n_series);
        if (step == 7)
            printf("%-34s rss %7.1f MB\n", "8 samples a series", rss_mb());
    }
    if (n_by_ref)
        report("append by ref", by_ref, (double)n_by_ref);
    report("jobs (journal, flush)", jobs, (double)n_series * n_samples);
    printf("%-34s %9.3f ms\n", "longest call on the loop", longest * 1e3);
    (void)making;
    free(items);
    free(refs);
    arena_release(&a);
}

static void bench_select(db *d, const char *name, const char *value, enum matcher_op op, int64_t mint, int64_t maxt)
{
    matcher m;
    arena a;
    err e = { 0 };
    snapshot *s = NULL;
    series_view *views = NULL;
    sample_columns x = { 0 };
    size_t n = 0, n_samples = 0;
    arena_init(&a, 0);
    if (!matcher_init(&m, &a, op, bytes_of(name), bytes_of(value), &e))
        return;
    db_selector sel = { &m, 1, mint, maxt };
    double t0 = cpu_s();
    snapshot_open(d, &sel, 1, &s, &e);
    double t1 = cpu_s();
    snapshot_series(s, 0, &a, &views, &n, &e);
    double t2 = cpu_s();
    for (size_t i = 0; i < n; i++) {
        sample last;
        bool found;
        series_last(s, &views[i], maxt - 300000, maxt, &last, &found, &e);
    }
    double t3 = cpu_s();
    for (size_t i = 0; i < n; i++) {
        series_read(s, &views[i], mint, maxt, &x, &e);
        n_samples += x.n;
    }
    double t4 = cpu_s();
    snapshot_free(s);
    double t5 = cpu_s();
    printf("%s%s%s: %zu series, %zu samples: take %.3f ms, series %.3f, last %.3f, read %.3f (%.0f M/s), free %.3f\n",
           name, matcher_op_text(op), value, n, n_samples, (t1 - t0) * 1e3, (t2 - t1) * 1e3, (t3 - t2) * 1e3,
           (t4 - t3) * 1e3, (double)n_samples / (t4 - t3) / 1e6, (t5 - t4) * 1e3);
    sample_columns_release(&x);
    matcher_release(&m);
    arena_release(&a);
}

static void bench_decode(void)
{
    enum { N = CHUNK_MAX_SAMPLES, ROUNDS = 20000 };
    int64_t t[N];
    double v[N];
    for (uint32_t kind = 0; kind < 4; kind++) {
        uint32_t i = 0;
        while (kind < 3 ? mix(i) % 10 != kind : mix(i) % 10 < 3)
            i++;
        sample last = { 1000000000, value_of(i, 0) };
        chunk *c = chunk_new(CHUNK_XOR, last);
        for (uint32_t step = 1; step < N; step++) {
            sample x = { last.t + 15000 + (step % 5 == 0) - (step % 5 == 1), value_of(i, step) };
            chunk_append(&c, last, x);
            last = x;
        }
        chunk_view view = chunk_look(c, last.t);
        double t0 = cpu_s();
        for (int r = 0; r < ROUNDS; r++)
            chunk_decode(&view, t, v);
        double s = cpu_s() - t0;
        static const char *const names[] = { "counter", "two decimals", "noise", "constant" };
        printf("decode %-14s %4.2f ns/sample %6.0f M/s, %5.2f bytes/sample in memory\n", names[kind],
               s / N / ROUNDS * 1e9, (double)N * ROUNDS / s / 1e6, (double)chunk_mem_bytes(c) / N);
        chunk_unref(c);
    }
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/bench-tsdb-XXXXXX";
    const char *path = argc > 1 ? argv[1] : mkdtemp(dir);
    uint32_t n_series = argc > 2 ? (uint32_t)atol(argv[2]) : 100000,
             n_samples = argc > 3 ? (uint32_t)atol(argv[3]) : 240;
    int64_t start = INT64_C(1764000000000);
    db_options opt = { .dir = path, .flush_interval_ms = 5000 };
    db *d = NULL;
    err e = { 0 };
    bench_decode();
    double base = rss_mb();
    if (!db_open(&opt, &d, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    bench_append(d, n_series, n_samples, start);
    db_stats st;
    db_get_stats(d, &st);
    printf("rss %.1f MB, peak %.1f (%.0f bytes a series), chunks %.1f MB, journal %.1f MB, days %.1f MB\n", rss_mb(),
           peak_mb(), (rss_mb() - base) * 1048576 / n_series, (double)st.head_bytes / 1e6,
           (double)st.journal_bytes / 1e6, (double)st.disk_bytes / 1e6);
    int64_t end = start + n_samples * INT64_C(15000);
    bench_select(d, "instance", "host-0000.example.com:9100", MATCH_EQ, end - 3600000, end);
    bench_select(d, "__name__", "node_collector_family_7_bytes_total", MATCH_EQ, end - 3600000, end);
    bench_select(d, "instance", "host-00[0-4].*", MATCH_RE, end - 3600000, end);
    bench_select(d, "job", "node", MATCH_EQ, start, end);
    double t0 = cpu_s();
    if (!db_close(d, &e))
        fprintf(stderr, "%s\n", e.msg);
    printf("close %.3f s\n", cpu_s() - t0);
    t0 = cpu_s();
    if (db_open(&opt, &d, &e)) {
        printf("open %.3f s, rss %.1f MB\n", cpu_s() - t0, rss_mb());
        bench_select(d, "job", "node", MATCH_EQ, start, end);
        db_abandon(d);
    }
    if (argc <= 1)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
