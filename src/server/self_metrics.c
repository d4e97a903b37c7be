/* self_metrics.c: gauges filled in right before each exposition. Rows pair a family with where its value comes from. */
#include "server/self_metrics.h"
#include "base/metrics.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <dirent.h>
#include <unistd.h>

typedef struct readings {
    const api_env *env;
    db_stats store;
    double cpu_sec, rss, virtual, start_sec, open_fds, max_fds, virtual_max;
} readings;

static double tsdb_series(const readings *r) { return (double)r->store.n_series; }
static double tsdb_chunks(const readings *r) { return (double)r->store.n_chunks; }
static double tsdb_appended(const readings *r) { return (double)r->store.samples_appended; }
static double tsdb_min_time(const readings *r) { return (double)r->store.head_min_time; }
static double tsdb_max_time(const readings *r) { return (double)r->store.head_max_time; }
static double tsdb_min_seconds(const readings *r) { return (double)(r->store.head_min_time / 1000); }
static double tsdb_max_seconds(const readings *r) { return (double)(r->store.head_max_time / 1000); }
static double tsdb_lowest(const readings *r) { return (double)r->store.min_time; }
static double tsdb_lowest_seconds(const readings *r) { return (double)(r->store.min_time / 1000); }
static double tsdb_head_bytes(const readings *r) { return (double)r->store.head_bytes; }
static double tsdb_journal_bytes(const readings *r) { return (double)r->store.journal_bytes; }
static double tsdb_disk_bytes(const readings *r) { return (double)r->store.disk_bytes; }
static double config_ok(const readings *r) { return r->env->reload_ok; }
static double config_time(const readings *r) { return (double)r->env->reload_ms / 1e3; }
static double ready(const readings *r) { return r->env->db != NULL; }
static double proc_cpu(const readings *r) { return r->cpu_sec; }
static double proc_rss(const readings *r) { return r->rss; }
static double proc_virtual(const readings *r) { return r->virtual; }
static double proc_virtual_max(const readings *r) { return r->virtual_max; }
static double proc_start(const readings *r) { return (double)r->env->start_ms / 1e3; }
static double proc_fds(const readings *r) { return r->open_fds; }
static double proc_max_fds(const readings *r) { return r->max_fds; }

static struct {
    metric_family family;
    double (*read)(const readings *r);
} rows[] = {
    { METRIC(GAUGE, "prometheus_tsdb_head_series", "Total number of series in the head block."), tsdb_series },
    { METRIC(GAUGE, "prometheus_tsdb_head_chunks", "Total number of chunks in the head block."), tsdb_chunks },
    { METRIC(COUNTER, "prometheus_tsdb_head_samples_appended_total", "Total number of appended samples.", "type"), tsdb_appended },
    { METRIC(GAUGE, "prometheus_tsdb_head_min_time", "Minimum time bound of the head block in milliseconds."), tsdb_min_time },
    { METRIC(GAUGE, "prometheus_tsdb_head_max_time", "Maximum timestamp of the head block in milliseconds."), tsdb_max_time },
    { METRIC(GAUGE, "prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block."), tsdb_min_seconds },
    { METRIC(GAUGE, "prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block."), tsdb_max_seconds },
    { METRIC(GAUGE, "prometheus_tsdb_lowest_timestamp", "Lowest timestamp value stored in the database, in milliseconds."), tsdb_lowest },
    { METRIC(GAUGE, "prometheus_tsdb_lowest_timestamp_seconds", "Lowest timestamp value stored in the database."), tsdb_lowest_seconds },
    { METRIC(GAUGE, "prometheus_tsdb_storage_blocks_bytes", "Bytes that sealed samples use on disk (day files)."), tsdb_disk_bytes },
    { METRIC(GAUGE, "prometheus_tsdb_wal_storage_size_bytes", "Bytes of the journal on disk."), tsdb_journal_bytes },
    { METRIC(GAUGE, "tsdbd_head_sample_bytes", "Memory of samples in the head."), tsdb_head_bytes },
    { METRIC(GAUGE, "prometheus_config_last_reload_successful", "Whether the last configuration reload attempt was successful."), config_ok },
    { METRIC(GAUGE, "prometheus_config_last_reload_success_timestamp_seconds", "Timestamp of the last successful configuration reload."), config_time },
    { METRIC(GAUGE, "prometheus_ready", "Whether startup is complete and the service is ready for requests."), ready },
    { METRIC(COUNTER, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds."), proc_cpu },
    { METRIC(GAUGE, "process_resident_memory_bytes", "Resident memory size in bytes."), proc_rss },
    { METRIC(GAUGE, "process_virtual_memory_bytes", "Virtual memory size in bytes."), proc_virtual },
    { METRIC(GAUGE, "process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes."), proc_virtual_max },
    { METRIC(GAUGE, "process_start_time_seconds", "Start time of the process since unix epoch in seconds."), proc_start },
    { METRIC(GAUGE, "process_open_fds", "Number of open file descriptors."), proc_fds },
    { METRIC(GAUGE, "process_max_fds", "Maximum number of open file descriptors."), proc_max_fds },
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static metric_family build_info = METRIC(GAUGE, "prometheus_build_info",
    "A metric with a constant '1' value labeled by version, revision, branch and compiler.", "version", "revision", "branch",
    "goversion", "goos", "goarch");

/* Virtual and resident size; procfs answers from memory, so this may run on the loop. */
static void read_memory(readings *r)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return;
    text[n] = '\0';
    char *rest;
    double page = (double)sysconf(_SC_PAGESIZE);
    r->virtual = (double)strtoull(text, &rest, 10) * page;
    r->rss = (double)strtoull(rest, NULL, 10) * page;
}

static double limit_of(int resource)
{
    struct rlimit l;
    return getrlimit(resource, &l) != 0 ? 0 : l.rlim_cur == RLIM_INFINITY ? 18446744073709551615.0 : (double)l.rlim_cur;
}

static void read_process(readings *r)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) == 0)
        r->cpu_sec = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    r->max_fds = limit_of(RLIMIT_NOFILE);
    r->virtual_max = limit_of(RLIMIT_AS);
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; d && (e = readdir(d));)
        r->open_fds += e->d_name[0] != '.';
    if (d) {
        closedir(d);
        r->open_fds -= 1;   /* opendir's own */
    }
    read_memory(r);
}

static void collect(void *ctx)
{
    readings r = { .env = ctx };
    db_get_stats(r.env->db, &r.store);
    read_process(&r);
    for (size_t i = 0; i < N_ROWS; i++)
        metric_set(rows[i].family.labels[0] ? metric_with(&rows[i].family, "float") : metric_get(&rows[i].family), rows[i].read(&r));
}

void self_metrics_register(const api_env *env)
{
    for (size_t i = 0; i < N_ROWS; i++)
        metric_register(&rows[i].family);
    metric_register(&build_info);
    metric_set(metric_with(&build_info, env->build.api_version, env->build.revision, env->build.branch, env->build.compiler,
                           "linux", "c"), 1);
    metric_on_collect(collect, (void *)(uintptr_t)env);
}
