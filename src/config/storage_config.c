/* storage_config.c: storage, tracing and otlp sections. Rows, defaults and checks follow config/config.go. */
#include "base/map.h"
#include "config/config_priv.h"

/* ---- storage ---- */

static const conf_field retention_fields[] = {
    ROW(tsdb_retention_config, "time", CONF_DURATION, time_ms, OMIT),
    ROW(tsdb_retention_config, "size", CONF_SIZE, size_bytes, OMIT),
    ROW(tsdb_retention_config, "percentage", CONF_FLOAT, percentage, OMIT),
    END_ROW,
};

static bool finish_retention(conf_ctx *c, void *obj, err *e)
{
    const tsdb_retention_config *r = obj;
    if (r->size_bytes < 0)
        return err_set(e, ERR_BAD_DATA, "'storage.tsdb.retention.size' must be greater than or equal to 0, got %.*s",
                       BYTES_ARG(conf_size_format(c->a, r->size_bytes)));
    if (!(r->percentage >= 0 && r->percentage <= 100))
        return err_set(e, ERR_BAD_DATA, "'storage.tsdb.retention.percentage' must be in the range [0, 100], got %g",
                       r->percentage);
    return true;
}
static const conf_schema retention_schema = { "config.plain", sizeof(tsdb_retention_config), retention_fields,
                                              finish_retention };

typedef struct chunk_encoding_config chunk_encoding_config;
static const conf_field chunk_encoding_fields[] = {
    ROW(chunk_encoding_config, "floats", CONF_STRING, floats, OMIT),
    END_ROW,
};
static const conf_schema chunk_encoding_schema = { "config.ChunkEncodingConfig", sizeof(chunk_encoding_config),
                                                   chunk_encoding_fields, NULL };

static const conf_field tsdb_fields[] = {
    ROW(tsdb_config, "outofordertimewindow", CONF_INT, out_of_order_time_window, .go_type = "int64"),
    ROW(tsdb_config, "out_of_order_time_window", CONF_DURATION, out_of_order_time_window_ms, OMIT),
    ROW(tsdb_config, "stale_series_compaction_threshold", CONF_FLOAT, stale_series_compaction_threshold, OMIT),
    STRUCT(tsdb_config, "chunk_encoding", chunk_encoding, chunk_encoding_schema, OMIT),
    STRUCT(tsdb_config, "retention", retention, retention_schema, OMIT),
    END_ROW,
};

static bool finish_tsdb(conf_ctx *c, void *obj, err *e)
{
    tsdb_config *t = obj;
    bytes floats = t->chunk_encoding.floats;
    t->out_of_order_time_window = t->out_of_order_time_window_ms;
    t->has_retention = !yaml_is_null(yaml_get(c->at, "retention"));
    if (floats.len && !bytes_eq(floats, BYTES("xor")) && !bytes_eq(floats, BYTES("xor2")))
        return err_set(
            e, ERR_BAD_DATA,
            "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be omitted entirely, "
            "got \"%.*s\"",
            BYTES_ARG(bytes_sub(floats, 0, 100)));
    return true;
}
static const conf_schema tsdb_schema = { "config.plain", sizeof(tsdb_config), tsdb_fields, finish_tsdb };

typedef struct exemplars_config exemplars_config;
static const conf_field exemplars_fields[] = {
    ROW(exemplars_config, "max_exemplars", CONF_INT, max_exemplars, OMIT, .go_type = "int64"),
    END_ROW,
};
static const conf_schema exemplars_schema = { "config.ExemplarsConfig", sizeof(exemplars_config), exemplars_fields,
                                              NULL };

static const conf_field storage_fields[] = {
    POINTER(storage_config, "tsdb", tsdb, tsdb_schema, OMIT),
    POINTER(storage_config, "exemplars", exemplars, exemplars_schema, OMIT),
    END_ROW,
};
const conf_schema storage_schema = { "config.StorageConfig", sizeof(storage_config), storage_fields, NULL };

void storage_config_complete(arena *a, storage_config *s, const tsdb_retention_config *deflt)
{
    if (!s->tsdb) {
        s->tsdb = ARENA_NEW(a, tsdb_config);
        s->tsdb->chunk_encoding.floats = BYTES("");
    }
    if (!s->tsdb->has_retention)
        s->tsdb->retention = *deflt;
}

/* ---- tracing ---- */

static const conf_field tracing_fields[] = {
    ROW(tracing_config, "client_type", CONF_STRING, client_type, OMIT),
    ROW(tracing_config, "endpoint", CONF_STRING, endpoint, OMIT),
    ROW(tracing_config, "sampling_fraction", CONF_FLOAT, sampling_fraction, OMIT),
    ROW(tracing_config, "insecure", CONF_BOOL, insecure, OMIT),
    STRUCT(tracing_config, "tls_config", tls, tls_schema, OMIT),
    MAP(tracing_config, "headers", headers, .item = CONF_STRING, OMIT),
    ROW(tracing_config, "compression", CONF_STRING, compression, OMIT),
    ROW(tracing_config, "timeout", CONF_DURATION, timeout_ms, OMIT),
    END_ROW,
};

static bool finish_tracing(conf_ctx *c, void *obj, err *e)
{
    tracing_config *t = obj;
    if (!yaml_get(c->at, "client_type"))
        t->client_type = BYTES("grpc");
    if (t->client_type.len && !bytes_eq(t->client_type, BYTES("http")) && !bytes_eq(t->client_type, BYTES("grpc")))
        return err_set(e, ERR_BAD_DATA, "expected tracing client type to be to be http or grpc, but got %.*s",
                       BYTES_ARG(bytes_sub(t->client_type, 0, 100)));
    if (!remote_headers_check(&t->headers, "custom authorization header configuration is not yet supported", e))
        return false;
    if (t->endpoint.len == 0)
        return err_set(e, ERR_BAD_DATA, "tracing endpoint must be set");
    if (t->compression.len && !bytes_eq(t->compression, BYTES("gzip")))
        return err_set(e, ERR_BAD_DATA, "invalid compression type %.*s provided, valid options: gzip",
                       BYTES_ARG(bytes_sub(t->compression, 0, 100)));
    return true;
}
const conf_schema tracing_schema = { "config.plain", sizeof(tracing_config), tracing_fields, finish_tracing };

/* ---- otlp ---- */

static const conf_field otlp_fields[] = {
    ROW(otlp_config, "promote_all_resource_attributes", CONF_BOOL, promote_all_resource_attributes, OMIT),
    LIST(otlp_config, "promote_resource_attributes", promote_resource_attributes, .item = CONF_STRING, OMIT),
    LIST(otlp_config, "ignore_resource_attributes", ignore_resource_attributes, .item = CONF_STRING, OMIT),
    ROW(otlp_config, "translation_strategy", CONF_STRING, translation_strategy, OMIT,
        .deflt = "UnderscoreEscapingWithSuffixes"),
    ROW(otlp_config, "keep_identifying_resource_attributes", CONF_BOOL, keep_identifying_resource_attributes, OMIT),
    ROW(otlp_config, "convert_histograms_to_nhcb", CONF_BOOL, convert_histograms_to_nhcb, OMIT),
    ROW(otlp_config, "promote_scope_metadata", CONF_BOOL, promote_scope_metadata, OMIT),
    ROW(otlp_config, "label_name_underscore_sanitization", CONF_BOOL, label_name_underscore_sanitization, OMIT,
        .deflt = "true"),
    ROW(otlp_config, "label_name_preserve_multiple_underscores", CONF_BOOL, label_name_preserve_multiple_underscores,
        OMIT, .deflt = "true"),
    END_ROW,
};

/* Neither empty nor twice; surrounding spaces are dropped. */
static bool check_attributes(conf_ctx *c, bytes_list *l, const char *adjective, err *e)
{
    map seen;
    bool ok = true;
    map_init(&seen, MAP_BORROWED_KEYS);
    for (size_t i = 0; ok && i < l->n; i++) {
        bytes name = bytes_trim(l->p[i]);
        bool is_new;
        map_put(&seen, name, &is_new);
        if (name.len == 0)
            ok = err_set(e, ERR_BAD_DATA, "empty %s OTel resource attribute", adjective);
        else if (!is_new)
            ok = err_set(e, ERR_BAD_DATA, "duplicated %s OTel resource attribute \"%.*s\"", adjective, BYTES_ARG(name));
        else if (name.len != l->p[i].len)
            l->p[i] = (bytes){ arena_cstr(c->a, name), name.len };
    }
    map_release(&seen);
    return ok;
}

static bool finish_otlp(conf_ctx *c, void *obj, err *e)
{
    otlp_config *o = obj;
    if (o->promote_all_resource_attributes) {
        if (o->promote_resource_attributes.n)
            return err_set(e, ERR_BAD_DATA,
                           "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be "
                           "configured simultaneously");
        return check_attributes(c, &o->ignore_resource_attributes, "ignored", e)
               || err_wrap(e, "invalid 'ignore_resource_attributes'");
    }
    if (o->ignore_resource_attributes.n)
        return err_set(e, ERR_BAD_DATA,
                       "'ignore_resource_attributes' cannot be configured unless "
                       "'promote_all_resource_attributes' is true");
    return check_attributes(c, &o->promote_resource_attributes, "promoted", e)
           || err_wrap(e, "invalid 'promote_resource_attributes'");
}
const conf_schema otlp_schema = { "config.plain", sizeof(otlp_config), otlp_fields, finish_otlp };
