/* prometheus_config.h: prometheus.yml, loaded.
 *
 * prom_config_load() reads the file and its scrape_config_files, applies every default and inheritance, checks all that
 * Prometheus 3.14 checks, and makes paths relative to the file's folder. What comes out is immutable, counted, and owns
 * its arena: rooms keep a reference and read the structs; nobody changes them. Rule files are only named here
 * (config/rule_file.h reads them).
 * Strings are bytes that are NUL-terminated behind their end and never have p == NULL. Times and durations are ms,
 * sizes bytes; 0 in a limit means none.                                                                     */
#ifndef CONFIG_PROMETHEUS_CONFIG_H
#define CONFIG_PROMETHEUS_CONFIG_H
#include "config/http_client_config.h"
#include "config/target_group.h"
#include "model/relabel.h"

/* Rules as the file has them, and as the model applies them: rules.p[i] belongs to the i-th entry. */
typedef CONF_LIST_OF(relabel_rule) relabel_list;

enum name_validation { NAME_VALIDATION_UNSET, NAME_VALIDATION_UTF8, NAME_VALIDATION_LEGACY };
enum scrape_protocol {   /* index into scrape_protocol_names, order of the names */
    SCRAPE_OPENMETRICS_0_0_1, SCRAPE_OPENMETRICS_1_0_0, SCRAPE_PROTO, SCRAPE_TEXT_0_0_4, SCRAPE_TEXT_1_0_0,
    SCRAPE_N_PROTOCOLS
};
extern const char *const scrape_protocol_names[];    /* "OpenMetricsText0.0.1", ..., NULL */
extern const char *const scrape_protocol_types[];    /* "application/openmetrics-text;version=0.0.1", ... */

typedef struct file_sd_config {
    bytes_list files;              /* globs */
    int64_t refresh_interval_ms;
} file_sd_config;

typedef struct http_sd_config {
    http_client_config http;
    int64_t refresh_interval_ms;
    bytes url;
} http_sd_config;

typedef struct dns_sd_config {
    bytes_list names;
    int64_t refresh_interval_ms;
    bytes type;                    /* SRV, A, AAAA, MX, NS in any case */
    int64_t port;
} dns_sd_config;

enum { SD_N_OTHER = 33 };
extern const char *const sd_other_keys[];            /* "aws_sd_configs", ... NULL */
typedef struct sd_configs {
    CONF_LIST_OF(static_config) static_list;
    CONF_LIST_OF(target_group) static_configs;       /* the same, for use */
    CONF_LIST_OF(file_sd_config) file_sd;
    CONF_LIST_OF(http_sd_config) http_sd;
    CONF_LIST_OF(dns_sd_config) dns_sd;
    const yaml_node *other[SD_N_OTHER];              /* kinds that are read but not carried out */
} sd_configs;

typedef struct global_config {
    int64_t scrape_interval_ms, scrape_timeout_ms, evaluation_interval_ms, rule_query_offset_ms;
    CONF_LIST_OF(int) scrape_protocols;              /* enum scrape_protocol; p NULL: by native histograms */
    bytes query_log_file, scrape_failure_log_file;
    const labels *external_labels;                   /* environment variables filled in */
    int64_t body_size_limit;
    uint64_t sample_limit, target_limit, label_limit, label_name_length_limit, label_value_length_limit;
    uint64_t keep_dropped_targets;
    int name_validation;                             /* enum name_validation */
    bytes name_escaping;                             /* "allow-utf-8", "underscores", "dots", "values" or "" */
    signed char scrape_native_histograms, extra_scrape_metrics;   /* 0 or 1 after loading */
    bool convert_classic_histograms_to_nhcb, always_scrape_classic_histograms;
} global_config;

typedef struct scrape_config {
    bytes job_name;
    bool honor_labels, honor_timestamps, track_timestamps_staleness;
    strings_map params;
    int64_t scrape_interval_ms, scrape_timeout_ms;
    CONF_LIST_OF(int) scrape_protocols;              /* enum scrape_protocol, most wanted first */
    int fallback_scrape_protocol;                    /* enum scrape_protocol, -1: none */
    bytes fallback_name;                             /* the same as text */
    signed char scrape_native_histograms, always_scrape_classic_histograms;   /* 0 or 1 after loading */
    signed char convert_classic_histograms_to_nhcb, extra_scrape_metrics;
    bytes scrape_failure_log_file, metrics_path, scheme;
    bool enable_compression;
    int64_t body_size_limit;
    uint64_t sample_limit, target_limit, label_limit, label_name_length_limit, label_value_length_limit;
    uint64_t native_histogram_bucket_limit;
    double native_histogram_min_bucket_factor;
    uint64_t keep_dropped_targets;
    int name_validation;                             /* never UNSET after loading */
    bytes name_escaping;                             /* never empty after loading */
    http_client_config http;
    relabel_list relabel, metric_relabel;
    sd_configs sd;
    uint32_t line;                                   /* where it stands in its file */
    bytes file;                                      /* main file, or the scrape config file */
} scrape_config;

typedef struct alertmanager_config {
    http_client_config http;
    const yaml_node *sigv4;
    bytes scheme, path_prefix;
    int64_t timeout_ms;
    bytes api_version;
    relabel_list relabel, alert_relabel;
    sd_configs sd;
} alertmanager_config;

typedef struct alerting_config {
    relabel_list alert_relabel;
    CONF_LIST_OF(alertmanager_config) alertmanagers;
} alerting_config;

typedef struct queue_config {
    int64_t capacity, max_shards, min_shards, max_samples_per_send;
    int64_t batch_send_deadline_ms, min_backoff_ms, max_backoff_ms;
    bool retry_on_http_429;
    int64_t sample_age_limit_ms;
} queue_config;

typedef struct metadata_config {
    bool send;
    int64_t send_interval_ms, max_samples_per_send;
} metadata_config;

typedef struct remote_write_config {
    bytes url;
    int64_t remote_timeout_ms;
    string_map headers;
    relabel_list write_relabel;
    bytes name;
    bool send_exemplars, send_native_histograms, round_robin_dns, failed_request_logging;
    bytes protobuf_message;                          /* "prometheus.WriteRequest", "io.prometheus.write.v2.Request" */
    http_client_config http;
    queue_config queue;
    metadata_config metadata;
    const yaml_node *sigv4, *azuread, *google_iam;
} remote_write_config;

typedef struct remote_read_config {
    bytes url;
    int64_t remote_timeout_ms;
    uint64_t chunked_read_limit;
    string_map headers;
    bool read_recent;
    bytes name;
    http_client_config http;
    const labels *required_matchers;
    bool filter_external_labels;
} remote_read_config;

typedef struct tsdb_retention_config {
    int64_t time_ms, size_bytes;
    double percentage;
} tsdb_retention_config;

typedef struct tsdb_config {
    int64_t out_of_order_time_window_ms, out_of_order_time_window;   /* the same number; Prometheus prints both */
    double stale_series_compaction_threshold;
    struct chunk_encoding_config {
        bytes floats;                                /* "", "xor", "xor2": read, no effect */
    } chunk_encoding;
    bool has_retention;                              /* the file has the section */
    tsdb_retention_config retention;                 /* else what prom_config_options gave */
} tsdb_config;

typedef struct storage_config {
    tsdb_config *tsdb;                               /* never NULL after loading */
    struct exemplars_config {
        int64_t max_exemplars;
    } *exemplars;                                    /* NULL: not in the file */
} storage_config;

typedef struct tracing_config {
    bytes client_type, endpoint;                     /* endpoint empty: no tracing section */
    double sampling_fraction;
    bool insecure;
    tls_config tls;
    string_map headers;
    bytes compression;
    int64_t timeout_ms;
} tracing_config;

typedef struct otlp_config {
    bool promote_all_resource_attributes;
    bytes_list promote_resource_attributes, ignore_resource_attributes;
    bytes translation_strategy;
    bool keep_identifying_resource_attributes, convert_histograms_to_nhcb, promote_scope_metadata;
    bool label_name_underscore_sanitization, label_name_preserve_multiple_underscores;
} otlp_config;

typedef struct prom_config {
    global_config global;
    struct runtime_config {
        int64_t gogc;                                /* read, no effect */
    } runtime;
    alerting_config alerting;
    bytes_list rule_files, scrape_config_files;      /* globs */
    CONF_LIST_OF(scrape_config) scrape_configs;      /* of the main file */
    storage_config storage;
    tracing_config tracing;
    CONF_LIST_OF(remote_write_config) remote_write;
    CONF_LIST_OF(remote_read_config) remote_read;
    otlp_config otlp;

    /* not in the file */
    const scrape_config **jobs;                      /* all of them, those of scrape_config_files included */
    size_t n_jobs;
    bytes path;                                      /* of the file */
    uint64_t hash;                                   /* of the file's bytes, for auto-reload */
} prom_config;

typedef struct prom_config_options {
    bool ignore_unknown_fields;
    bool agent;                                      /* refuse what Prometheus' agent mode refuses */
    bool bare_errors;                                /* without the --config.file part: for `check config` */
    /* What storage.tsdb.retention is where the file says nothing: the flags; 0 stays 0. */
    int64_t retention_time_ms, retention_size;
} prom_config_options;

/* Errors as Prometheus words them, with the line where it has none:
 *     couldn't load configuration (--config.file="prometheus.yml"): parsing YAML file prometheus.yml: line 7: ...
 * opts may be NULL. Reads files: a worker's job, or start-up. *out: one reference. */
bool prom_config_load(const char *path, const prom_config_options *opts, prom_config **out, err *e);
/* The same from text; path gives the folder and stands in errors. */
bool prom_config_parse(bytes text, const char *path, const prom_config_options *opts, prom_config **out, err *e);
prom_config *prom_config_ref(const prom_config *c);  /* any thread */
void prom_config_unref(const prom_config *c);        /* any thread; NULL is fine */

/* YAML with defaults, as /api/v1/status/config shows it. */
void prom_config_write(const prom_config *c, buf *out);

/* The next use of service discovery that is read but not built in, or NULL: start with *i = 0. Its key, and where it
 * stands. */
typedef struct sd_unsupported {
    const char *key;               /* "consul_sd_configs" */
    bytes job;                     /* job name, or "alertmanager" */
    bytes file;
    uint32_t line;
} sd_unsupported;
bool prom_config_next_unsupported(const prom_config *c, size_t *i, sd_unsupported *out);
#endif
