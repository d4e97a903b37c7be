/* remote_config.c: remote_write and remote_read sections. Rows, defaults and checks follow config/config.go. */
#include "config/config_priv.h"

#define AUTH_IN_HEADERS                                                                                                \
    "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam "    \
    "parameter"

bool remote_headers_check(const string_map *headers, const char *authorization_sentence, err *e)
{
    static const char *const reserved[] = {
        "host",
        "content-encoding",
        "content-length",
        "content-type",
        "user-agent",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "www-authenticate",
        "accept-encoding",
        "x-prometheus-remote-write-version",
        "x-prometheus-remote-read-version",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
    };
    for (size_t i = 0; i < headers->n; i++) {
        bytes name = headers->p[i].key;
        if (bytes_eq_nocase(name, BYTES("authorization")))
            return err_set(e, ERR_BAD_DATA, "%s", authorization_sentence);
        for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++) {
            if (bytes_eq_nocase(name, bytes_of(reserved[k])))
                return err_set(e, ERR_BAD_DATA, "%.*s is a reserved header. It must not be changed", BYTES_ARG(name));
        }
    }
    return true;
}

/* ---- remote_write ---- */

static const conf_field queue_fields[] = {
    ROW(queue_config, "capacity", CONF_INT, capacity, .deflt = "10000", OMIT),
    ROW(queue_config, "max_shards", CONF_INT, max_shards, .deflt = "50", OMIT),
    ROW(queue_config, "min_shards", CONF_INT, min_shards, .deflt = "1", OMIT),
    ROW(queue_config, "max_samples_per_send", CONF_INT, max_samples_per_send, .deflt = "2000", OMIT),
    ROW(queue_config, "batch_send_deadline", CONF_DURATION, batch_send_deadline_ms, .deflt = "5s", OMIT),
    ROW(queue_config, "min_backoff", CONF_DURATION, min_backoff_ms, .deflt = "30ms", OMIT),
    ROW(queue_config, "max_backoff", CONF_DURATION, max_backoff_ms, .deflt = "5s", OMIT),
    ROW(queue_config, "retry_on_http_429", CONF_BOOL, retry_on_http_429, OMIT),
    ROW(queue_config, "sample_age_limit", CONF_DURATION, sample_age_limit_ms, OMIT),
    END_ROW,
};
static const conf_schema queue_schema = { "config.QueueConfig", sizeof(queue_config), queue_fields, NULL };

static bool check_queue(const queue_config *q, err *e)
{
    const struct {
        bool is_bad;
        const char *why;
    } rules[] = {
        { q->max_shards <= 0, "max_shards must be positive" },
        { q->min_shards <= 0, "min_shards must be positive" },
        { q->min_shards > q->max_shards, "min_shards must not be greater than max_shards" },
        { q->max_samples_per_send <= 0, "max_samples_per_send must be positive" },
        { q->capacity <= 0, "capacity must be positive" },
        { q->max_backoff_ms < q->min_backoff_ms, "max_backoff must not be less than min_backoff" },
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].is_bad)
            return err_set(e, ERR_BAD_DATA, "remote write queue %s", rules[i].why);
    }
    return true;
}

static const conf_field metadata_fields[] = {
    ROW(metadata_config, "send", CONF_BOOL, send, .deflt = "true"),
    ROW(metadata_config, "send_interval", CONF_DURATION, send_interval_ms, .deflt = "1m"),
    ROW(metadata_config, "max_samples_per_send", CONF_INT, max_samples_per_send, .deflt = "2000", OMIT),
    END_ROW,
};
static const conf_schema metadata_schema = { "config.MetadataConfig", sizeof(metadata_config), metadata_fields, NULL };

static const conf_field remote_write_fields[] = {
    ROW(remote_write_config, "url", CONF_URL, url),
    ROW(remote_write_config, "remote_timeout", CONF_DURATION, remote_timeout_ms, .deflt = "30s", OMIT),
    MAP(remote_write_config, "headers", headers, .item = CONF_STRING, OMIT),
    RELABEL_LIST(remote_write_config, "write_relabel_configs", write_relabel,
                 "empty or null relabeling rule in remote write config"),
    ROW(remote_write_config, "name", CONF_STRING, name, OMIT),
    ROW(remote_write_config, "send_exemplars", CONF_BOOL, send_exemplars, OMIT),
    ROW(remote_write_config, "send_native_histograms", CONF_BOOL, send_native_histograms, OMIT),
    ROW(remote_write_config, "round_robin_dns", CONF_BOOL, round_robin_dns, OMIT),
    ROW(remote_write_config, "protobuf_message", CONF_STRING, protobuf_message, .deflt = "prometheus.WriteRequest",
        OMIT),
    ROW(remote_write_config, "failed_request_logging", CONF_BOOL, failed_request_logging, OMIT),
    INLINE(remote_write_config, http, http_client_no_http2_schema),
    STRUCT(remote_write_config, "queue_config", queue, queue_schema, OMIT),
    STRUCT(remote_write_config, "metadata_config", metadata, metadata_schema, OMIT),
    ROW(remote_write_config, "sigv4", CONF_RAW, sigv4, OMIT),
    ROW(remote_write_config, "azuread", CONF_RAW, azuread, OMIT),
    ROW(remote_write_config, "google_iam", CONF_RAW, google_iam, OMIT),
    END_ROW,
};

static bool check_one_auth(const remote_write_config *w, err *e)
{
    const struct {
        bool is_set;
        const char *name;
    } kinds[] = {
        { w->http.basic_auth != NULL, "basic_auth" },
        { w->http.authorization != NULL, "authorization" },
        { w->http.oauth2 != NULL, "oauth2" },
        { w->sigv4 != NULL, "sigv4" },
        { w->azuread != NULL, "azuread" },
        { w->google_iam != NULL, "google_iam" },
    };
    char names[128] = "";
    int n = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!kinds[i].is_set)
            continue;
        if (n++)
            strcat(names, " ");
        strcat(names, kinds[i].name);
    }
    return n < 2
           || err_set(
               e, ERR_BAD_DATA,
               "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. "
               "Currently configured: [%s]",
               names);
}

static bool finish_remote_write(conf_ctx *c, void *obj, err *e)
{
    remote_write_config *w = obj;
    if (!yaml_get(c->at, "url") || yaml_is_null(yaml_get(c->at, "url")))
        return err_set(e, ERR_BAD_DATA, "url for remote_write is empty");
    if (!remote_headers_check(&w->headers, AUTH_IN_HEADERS, e))
        return false;
    if (!bytes_eq(w->protobuf_message, BYTES("prometheus.WriteRequest"))
        && !bytes_eq(w->protobuf_message, BYTES("io.prometheus.write.v2.Request")))
        return err_set(e, ERR_BAD_DATA,
                       "invalid protobuf_message value: unknown type for remote write protobuf message %.*s, "
                       "supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
                       BYTES_ARG(bytes_sub(w->protobuf_message, 0, 100)));
    return http_client_finish(c, &w->http, e) && check_queue(&w->queue, e) && check_one_auth(w, e);
}
const conf_schema remote_write_schema = { "config.plain", sizeof(remote_write_config), remote_write_fields,
                                          finish_remote_write };

/* ---- remote_read ---- */

static const conf_field remote_read_fields[] = {
    ROW(remote_read_config, "url", CONF_URL, url),
    ROW(remote_read_config, "remote_timeout", CONF_DURATION, remote_timeout_ms, .deflt = "1m", OMIT),
    ROW(remote_read_config, "chunked_read_limit", CONF_UINT, chunked_read_limit, .deflt = "50000000", OMIT),
    MAP(remote_read_config, "headers", headers, .item = CONF_STRING, OMIT),
    ROW(remote_read_config, "read_recent", CONF_BOOL, read_recent, OMIT),
    ROW(remote_read_config, "name", CONF_STRING, name, OMIT),
    INLINE(remote_read_config, http, http_client_schema),
    ROW(remote_read_config, "required_matchers", CONF_LABELS, required_matchers, OMIT),
    ROW(remote_read_config, "filter_external_labels", CONF_BOOL, filter_external_labels, .deflt = "true", OMIT),
    END_ROW,
};

static bool finish_remote_read(conf_ctx *c, void *obj, err *e)
{
    remote_read_config *r = obj;
    if (!yaml_get(c->at, "url") || yaml_is_null(yaml_get(c->at, "url")))
        return err_set(e, ERR_BAD_DATA, "url for remote_read is empty");
    return remote_headers_check(&r->headers, AUTH_IN_HEADERS, e) && http_client_finish(c, &r->http, e);
}
const conf_schema remote_read_schema = { "config.plain", sizeof(remote_read_config), remote_read_fields,
                                         finish_remote_read };
