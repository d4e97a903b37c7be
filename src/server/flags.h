/* flags.h: the command line of tsdbd: every flag of Prometheus 3.14 and a few of our own, one row each.
 *
 * A row says what the flag is called, how its text is read, its default, where it is kept, and what we do about it:
 * carry it out, accept it without effect where that is harmless, or refuse it with a sentence. --help and
 * /api/v1/status/flags are written from the rows. The syntax is kingpin's: --flag=value, --flag value, --[no-]switch. */
#ifndef SERVER_FLAGS_H
#define SERVER_FLAGS_H
#include "base/buf.h"
#include "base/err.h"

enum flag_type { FLAG_STRING, FLAG_STRINGS, FLAG_BOOL, FLAG_INT, FLAG_FLOAT, FLAG_DURATION, FLAG_GO_DURATION, FLAG_SIZE,
                 FLAG_ENUM };
enum flag_state {
    FLAG_DONE,       /* carried out */
    FLAG_NO_OP,      /* accepted, without effect: .note says why that is harmless */
    FLAG_REFUSED,    /* refused when set to anything but its default: .note is the sentence */
};
enum flag_scope { FLAG_BOTH, FLAG_SERVER, FLAG_AGENT };

typedef struct flag_row {
    const char *name;              /* without the dashes */
    enum flag_type type;
    const char *deflt;             /* as text; NULL: none (shown as "" or the type's zero) */
    size_t offset;                 /* into server_flags; SIZE_MAX: only the text is kept */
    enum flag_state state;
    const char *note;              /* why it has no effect, or is refused */
    const char *help;
    const char *placeholder;       /* "<path>" */
    const char *const *names;      /* FLAG_ENUM; FLAG_STRINGS: what each may be; NULL at the end */
    const char *enum_error;        /* stands before a value that is none of names */
    enum flag_scope scope;
    bool hidden;                   /* not in --help */
    bool ours;                     /* not one of Prometheus' */
} flag_row;
extern const flag_row flag_rows[];
extern const size_t n_flag_rows;

typedef struct flag_strings {
    char **p;
    size_t n;
} flag_strings;

/* Bits of --enable-feature. */
enum feature {
    FEATURE_PROMQL_EXPERIMENTAL_FUNCTIONS = 1 << 0,
    FEATURE_PROMQL_DELAYED_NAME_REMOVAL = 1 << 1,
    FEATURE_PROMQL_EXTENDED_RANGE_SELECTORS = 1 << 2,
    FEATURE_PROMQL_BINOP_FILL_MODIFIERS = 1 << 3,
    FEATURE_PROMQL_PER_STEP_STATS = 1 << 4,
    FEATURE_EXTRA_SCRAPE_METRICS = 1 << 5,
    FEATURE_CONCURRENT_RULE_EVAL = 1 << 6,
    FEATURE_CREATED_TIMESTAMP_ZERO_INGESTION = 1 << 7,
    FEATURE_EXEMPLAR_STORAGE = 1 << 8,
    FEATURE_TYPE_AND_UNIT_LABELS = 1 << 9,
    FEATURE_AUTO_RELOAD_CONFIG = 1 << 10,
    FEATURE_NATIVE_HISTOGRAMS = 1 << 11,
    FEATURE_AGENT = 1 << 12,
};

/* Durations in ms, sizes in bytes. Strings belong to this struct. */
typedef struct server_flags {
    char *config_file;
    bool config_embedded;                    /* --config.embedded: the built-in configuration instead of a file */
    bool config_auto_reload;
    int64_t config_auto_reload_interval_ms;
    bool config_skip_unsupported_sd;
    flag_strings web_listen_address;
    char *web_config_file;
    int64_t web_read_timeout_ms, web_max_connections, web_max_notifications_subscribers;
    char *web_external_url, *web_route_prefix, *web_user_assets;
    bool web_enable_lifecycle, web_enable_admin_api, web_enable_remote_write_receiver, web_enable_otlp_receiver;
    bool web_require_auth;
    flag_strings web_accepted_protobuf_messages;
    char *web_page_title, *web_cors_origin;
    char *storage_path;
    int64_t storage_retention_time_ms;       /* 0: not given */
    int64_t storage_retention_size;          /* 0: not given */
    int64_t storage_flush_interval_ms;
    bool storage_no_lockfile;
    int64_t remote_flush_deadline_ms, remote_read_sample_limit, remote_read_concurrent_limit,
        remote_read_max_bytes_in_frame;
    int64_t rules_for_outage_tolerance_ms, rules_for_grace_period_ms, rules_resend_delay_ms, rules_max_concurrent_evals;
    bool scrape_adjust_timestamps;
    int64_t scrape_timestamp_tolerance_ms, scrape_discovery_reload_interval_ms;
    int64_t alertmanager_queue_capacity, alertmanager_batch_size;
    bool alertmanager_drain_on_shutdown;
    char *alertmanager_config_file;
    int64_t query_lookback_delta_ms, query_timeout_ms, query_max_concurrency, query_max_samples, query_max_bytes;
    int64_t memory_limit;                    /* 0: none */
    flag_strings enable_feature;
    bool agent;
    int log_level, log_format;               /* enum log_level, enum log_format of base/log.h */
    uint32_t features;                       /* enum feature */
    /* the text of every row, by its index: what /api/v1/status/flags shows; set[i]: given on the command line */
    char **text;
    bool *set;
    flag_strings warnings;                   /* sentences to log once logging is set up */
    struct arena *mem;                       /* holds all of the above */
} server_flags;

enum flags_outcome {
    FLAGS_RUN,       /* go on */
    FLAGS_EXIT,      /* *out was asked for (--help, --version): print it to stdout, exit 0 */
    FLAGS_WRONG,     /* *out is for stderr; exit with *status, as Prometheus: 1 for usage, 2 for values */
};
/* argv[0] is the program. version is the text --version prints. */
enum flags_outcome flags_parse(server_flags *f, int argc, char **argv, const char *version, buf *out, int *status);
void flags_release(server_flags *f);

/* The features of --enable-feature: what is built in has a bit; the others are known, with what to say of them. */
typedef struct feature_row {
    const char *name;
    uint32_t bit;                  /* 0: without effect */
    const char *note;
} feature_row;
extern const feature_row feature_rows[];
extern const size_t n_feature_rows;

/* Usage as kingpin lays it out. all: hidden flags too (--help-long). */
void flags_write_help(buf *out, const char *program, bool all);
/* Walks what /api/v1/status/flags shows, in name order: *i = 0 at first; false at the end. */
bool flags_next(const server_flags *f, size_t *i, const char **name, const char **value);
/* Was the flag given on the command line? */
bool flags_was_set(const server_flags *f, const char *name);
#endif
