/* scrape_config.c: one scrape job: rows, checks of its own, and what it takes from the global section.
 *
 * Order and rules follow ScrapeConfig.UnmarshalYAML() and .Validate() of Prometheus' config/config.go.       */
#include "config/config_priv.h"
#include <stdio.h>

const char *const scrape_protocol_names[SCRAPE_N_PROTOCOLS + 1] = {
    [SCRAPE_OPENMETRICS_0_0_1] = "OpenMetricsText0.0.1",
    [SCRAPE_OPENMETRICS_1_0_0] = "OpenMetricsText1.0.0",
    [SCRAPE_PROTO] = "PrometheusProto",
    [SCRAPE_TEXT_0_0_4] = "PrometheusText0.0.4",
    [SCRAPE_TEXT_1_0_0] = "PrometheusText1.0.0",
};
const char *const scrape_protocol_types[SCRAPE_N_PROTOCOLS + 1] = {
    [SCRAPE_OPENMETRICS_0_0_1] = "application/openmetrics-text;version=0.0.1",
    [SCRAPE_OPENMETRICS_1_0_0] = "application/openmetrics-text;version=1.0.0",
    [SCRAPE_PROTO] = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    [SCRAPE_TEXT_0_0_4] = "text/plain;version=0.0.4",
    [SCRAPE_TEXT_1_0_0] = "text/plain;version=1.0.0",
};
const char *const name_validation_names[] = { "", "utf8", "legacy", NULL };

static const conf_field scrape_fields[] = {
    ROW(scrape_config, "job_name", CONF_STRING, job_name),
    ROW(scrape_config, "honor_labels", CONF_BOOL, honor_labels, OMIT),
    ROW(scrape_config, "honor_timestamps", CONF_BOOL, honor_timestamps, .deflt = "true"),
    ROW(scrape_config, "track_timestamps_staleness", CONF_BOOL, track_timestamps_staleness),
    MAP(scrape_config, "params", params, .each = &conf_string_list, OMIT, .go_type = "url.Values"),
    ROW(scrape_config, "scrape_interval", CONF_DURATION, scrape_interval_ms, OMIT),
    ROW(scrape_config, "scrape_timeout", CONF_DURATION, scrape_timeout_ms, OMIT),
    LIST(scrape_config, "scrape_protocols", scrape_protocols, .item = CONF_ENUM, .names = scrape_protocol_names, OMIT,
         .enum_error = SCRAPE_PROTOCOL_ERROR, .go_type = "[]config.ScrapeProtocol"),
    ROW(scrape_config, "fallback_scrape_protocol", CONF_STRING, fallback_name, OMIT),
    ROW(scrape_config, "scrape_native_histograms", CONF_OPTIONAL_BOOL, scrape_native_histograms, OMIT),
    ROW(scrape_config, "always_scrape_classic_histograms", CONF_OPTIONAL_BOOL, always_scrape_classic_histograms, OMIT),
    ROW(scrape_config, "convert_classic_histograms_to_nhcb", CONF_OPTIONAL_BOOL, convert_classic_histograms_to_nhcb,
        OMIT),
    ROW(scrape_config, "scrape_failure_log_file", CONF_PATH, scrape_failure_log_file, OMIT),
    ROW(scrape_config, "metrics_path", CONF_STRING, metrics_path, .deflt = "/metrics", OMIT),
    ROW(scrape_config, "scheme", CONF_STRING, scheme, .deflt = "http", OMIT),
    ROW(scrape_config, "enable_compression", CONF_BOOL, enable_compression, .deflt = "true"),
    ROW(scrape_config, "body_size_limit", CONF_SIZE, body_size_limit, OMIT),
    ROW(scrape_config, "sample_limit", CONF_UINT, sample_limit, OMIT),
    ROW(scrape_config, "target_limit", CONF_UINT, target_limit, OMIT),
    ROW(scrape_config, "label_limit", CONF_UINT, label_limit, OMIT),
    ROW(scrape_config, "label_name_length_limit", CONF_UINT, label_name_length_limit, OMIT),
    ROW(scrape_config, "label_value_length_limit", CONF_UINT, label_value_length_limit, OMIT),
    ROW(scrape_config, "native_histogram_bucket_limit", CONF_UINT, native_histogram_bucket_limit, OMIT),
    ROW(scrape_config, "native_histogram_min_bucket_factor", CONF_FLOAT, native_histogram_min_bucket_factor, OMIT),
    ROW(scrape_config, "keep_dropped_targets", CONF_UINT, keep_dropped_targets, OMIT),
    ROW(scrape_config, "metric_name_validation_scheme", CONF_ENUM, name_validation, .names = name_validation_names,
        OMIT, .enum_error = NAME_VALIDATION_ERROR),
    ROW(scrape_config, "metric_name_escaping_scheme", CONF_STRING, name_escaping, OMIT),
    ROW(scrape_config, "extra_scrape_metrics", CONF_OPTIONAL_BOOL, extra_scrape_metrics, OMIT),
    INLINE(scrape_config, http, http_client_schema),
    RELABEL_LIST(scrape_config, "relabel_configs", relabel, "empty or null target relabeling rule in scrape config"),
    RELABEL_LIST(scrape_config, "metric_relabel_configs", metric_relabel,
                 "empty or null metric relabeling rule in scrape config"),
    INLINE(scrape_config, sd, sd_schema),
    END_ROW,
};

static bool finish_scrape(conf_ctx *c, void *obj, err *e)
{
    scrape_config *s = obj;
    s->line = c->at ? c->at->line : 0;
    if (s->job_name.len == 0)
        return err_set(e, ERR_BAD_DATA, "job_name is empty");
    return http_client_finish(c, &s->http, e) && sd_finish(c, &s->sd, s->relabel.n > 0, e);
}
const conf_schema scrape_schema = { "config.ScrapeConfig", sizeof(scrape_config), scrape_fields, finish_scrape };

/* ---- with the global section ---- */

/* "[PrometheusText0.0.4 PrometheusProto]" */
static bool fail_duplicated(const int *list, size_t n, const char *where, err *e)
{
    buf names;
    buf_init(&names, 512);
    for (size_t i = 0; i < n; i++)
        buf_printf(&names, "%s%s", i ? " " : "", scrape_protocol_names[list[i]]);
    err_set(e, ERR_BAD_DATA, "duplicated protocol in scrape_protocols, got [%.*s] for %s", BYTES_ARG(buf_bytes(&names)),
            where);
    buf_release(&names);
    return false;
}

bool scrape_protocols_check(const int *list, size_t n, const char *where, err *e)
{
    unsigned seen = 0;
    if (n == 0)
        return err_set(e, ERR_BAD_DATA, "scrape_protocols cannot be empty for %s", where);
    for (size_t i = 0; i < n; i++) {
        if (list[i] < 0)
            return err_set(e, ERR_BAD_DATA,
                           "scrape_protocols: unknown scrape protocol , supported: " SCRAPE_PROTOCOLS " for %s", where);
        if (seen & (1u << list[i]))
            return fail_duplicated(list, n, where, e);
        seen |= 1u << list[i];
    }
    return true;
}

static bool find_fallback(scrape_config *s, err *e)
{
    s->fallback_scrape_protocol = -1;
    for (int i = 0; i < SCRAPE_N_PROTOCOLS; i++) {
        if (bytes_eq(s->fallback_name, bytes_of(scrape_protocol_names[i])))
            s->fallback_scrape_protocol = i;
    }
    return s->fallback_name.len == 0 || s->fallback_scrape_protocol >= 0
           || err_set(e, ERR_BAD_DATA,
                      "invalid fallback_scrape_protocol for scrape config with job name \"%.*s\": unknown scrape "
                      "protocol %.*s, supported: " SCRAPE_PROTOCOLS,
                      BYTES_ARG(bytes_sub(s->job_name, 0, 200)), BYTES_ARG(bytes_sub(s->fallback_name, 0, 200)));
}

static bool inherit_times(const global_config *g, scrape_config *s, err *e)
{
    if (s->scrape_interval_ms == 0)
        s->scrape_interval_ms = g->scrape_interval_ms;
    if (s->scrape_timeout_ms > s->scrape_interval_ms)
        return err_set(e, ERR_BAD_DATA,
                       "scrape timeout greater than scrape interval for scrape config with job name \"%.*s\"",
                       BYTES_ARG(s->job_name));
    if (s->scrape_timeout_ms == 0)
        s->scrape_timeout_ms =
            g->scrape_timeout_ms < s->scrape_interval_ms ? g->scrape_timeout_ms : s->scrape_interval_ms;
    return true;
}

static void inherit_limits(const global_config *g, scrape_config *s)
{
    const struct {
        uint64_t *mine;
        uint64_t global;
    } limits[] = {
        { &s->sample_limit, g->sample_limit },
        { &s->target_limit, g->target_limit },
        { &s->label_limit, g->label_limit },
        { &s->label_name_length_limit, g->label_name_length_limit },
        { &s->label_value_length_limit, g->label_value_length_limit },
        { &s->keep_dropped_targets, g->keep_dropped_targets },
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (*limits[i].mine == 0)
            *limits[i].mine = limits[i].global;
    }
    if (s->body_size_limit == 0)
        s->body_size_limit = g->body_size_limit;
    if (s->scrape_failure_log_file.len == 0)
        s->scrape_failure_log_file = g->scrape_failure_log_file;
}

static void inherit_switches(const global_config *g, scrape_config *s)
{
    if (s->scrape_native_histograms < 0)
        s->scrape_native_histograms = g->scrape_native_histograms;
    if (s->extra_scrape_metrics < 0)
        s->extra_scrape_metrics = g->extra_scrape_metrics;
    if (s->convert_classic_histograms_to_nhcb < 0)
        s->convert_classic_histograms_to_nhcb = g->convert_classic_histograms_to_nhcb;
    if (s->always_scrape_classic_histograms < 0)
        s->always_scrape_classic_histograms = g->always_scrape_classic_histograms;
}

static bool inherit_protocols(const global_config *g, scrape_config *s, err *e)
{
    static int by_default[] = { SCRAPE_PROTO, SCRAPE_OPENMETRICS_1_0_0, SCRAPE_OPENMETRICS_0_0_1, SCRAPE_TEXT_1_0_0,
                                SCRAPE_TEXT_0_0_4 };
    if (!s->scrape_protocols.p && g->scrape_protocols.p) {
        s->scrape_protocols.p = g->scrape_protocols.p;
        s->scrape_protocols.n = g->scrape_protocols.n;
    } else if (!s->scrape_protocols.p) { /* native histograms are in protobuf only */
        s->scrape_protocols.p = by_default + (s->scrape_native_histograms != 1);
        s->scrape_protocols.n = 4 + (s->scrape_native_histograms == 1);
    }
    char where[300];
    snprintf(where, sizeof where, "scrape config with job name \"%.*s\"", BYTES_ARG(bytes_sub(s->job_name, 0, 200)));
    return scrape_protocols_check(s->scrape_protocols.p, s->scrape_protocols.n, where, e) && find_fallback(s, e);
}

static bool is_escaping(bytes name)
{
    static const char *const names[] = { "allow-utf-8", "underscores", "dots", "values" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes_eq(name, bytes_of(names[i])))
            return true;
    }
    return false;
}

#define ESCAPING_ERROR                                                                                                 \
    "unknown %s name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or 'values', "    \
    "got "                                                                                                             \
    "\"%.*s\""

static bytes escaping_of(int name_validation)
{
    return name_validation == NAME_VALIDATION_LEGACY ? BYTES("underscores") : BYTES("allow-utf-8");
}

/* A job's escaping follows its own validation scheme if it names one, else the global section. */
static bool inherit_names(const global_config *g, scrape_config *s, err *e)
{
    bytes global = g->name_escaping.len ? g->name_escaping : escaping_of(g->name_validation);
    bool is_own = s->name_validation != NAME_VALIDATION_UNSET;
    if (!is_own)
        s->name_validation = g->name_validation;
    if (!is_escaping(global))
        return err_set(e, ERR_BAD_DATA, ESCAPING_ERROR, "global", BYTES_ARG(global));
    if (s->name_escaping.len == 0)
        s->name_escaping = is_own ? escaping_of(s->name_validation) : global;
    if (!is_escaping(s->name_escaping))
        return err_set(e, ERR_BAD_DATA, ESCAPING_ERROR, "scrape config", BYTES_ARG(s->name_escaping));
    if (bytes_eq(s->name_escaping, BYTES("allow-utf-8")) && s->name_validation != NAME_VALIDATION_UTF8)
        return err_set(e, ERR_BAD_DATA, "utf8 metric names requested but validation scheme is not set to UTF8");
    return true;
}

bool scrape_validate(conf_ctx *c, const global_config *g, scrape_config *s, err *e)
{
    if (!inherit_times(g, s, e))
        return conf_fail_line(c, s->line, e);
    inherit_limits(g, s);
    inherit_switches(g, s);
    if (!inherit_protocols(g, s, e) || !inherit_names(g, s, e))
        return conf_fail_line(c, s->line, e);
    return relabel_check(c, &s->relabel, s->name_validation, e)
           && relabel_check(c, &s->metric_relabel, s->name_validation, e);
}
