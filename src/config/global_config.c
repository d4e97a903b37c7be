/* global_config.c: the global section, and environment variables in external labels.
 *
 * Follows GlobalConfig.UnmarshalYAML(): a section that is there starts from zero, and zero means the default, so that
 * `scrape_timeout` defaults to the interval where that is below 10 s.                                        */
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "config/config_priv.h"
#include <stdio.h>
#include <stdlib.h>

static const conf_field global_fields[] = {
    ROW(global_config, "scrape_interval", CONF_DURATION, scrape_interval_ms, OMIT),
    ROW(global_config, "scrape_timeout", CONF_DURATION, scrape_timeout_ms, OMIT),
    LIST(global_config, "scrape_protocols", scrape_protocols, .item = CONF_ENUM, .names = scrape_protocol_names, OMIT,
         .enum_error = SCRAPE_PROTOCOL_ERROR, .go_type = "[]config.ScrapeProtocol"),
    ROW(global_config, "evaluation_interval", CONF_DURATION, evaluation_interval_ms, OMIT),
    ROW(global_config, "rule_query_offset", CONF_DURATION, rule_query_offset_ms, OMIT),
    ROW(global_config, "query_log_file", CONF_PATH, query_log_file, OMIT),
    ROW(global_config, "scrape_failure_log_file", CONF_PATH, scrape_failure_log_file, OMIT),
    ROW(global_config, "external_labels", CONF_LABELS, external_labels, OMIT, .go_type = "map[string]string"),
    ROW(global_config, "body_size_limit", CONF_SIZE, body_size_limit, OMIT),
    ROW(global_config, "sample_limit", CONF_UINT, sample_limit, OMIT),
    ROW(global_config, "target_limit", CONF_UINT, target_limit, OMIT),
    ROW(global_config, "label_limit", CONF_UINT, label_limit, OMIT),
    ROW(global_config, "label_name_length_limit", CONF_UINT, label_name_length_limit, OMIT),
    ROW(global_config, "label_value_length_limit", CONF_UINT, label_value_length_limit, OMIT),
    ROW(global_config, "keep_dropped_targets", CONF_UINT, keep_dropped_targets, OMIT),
    ROW(global_config, "metric_name_validation_scheme", CONF_ENUM, name_validation, .names = name_validation_names,
        OMIT, .enum_error = NAME_VALIDATION_ERROR),
    ROW(global_config, "metric_name_escaping_scheme", CONF_STRING, name_escaping, OMIT),
    ROW(global_config, "scrape_native_histograms", CONF_OPTIONAL_BOOL, scrape_native_histograms, OMIT),
    ROW(global_config, "convert_classic_histograms_to_nhcb", CONF_BOOL, convert_classic_histograms_to_nhcb, OMIT),
    ROW(global_config, "always_scrape_classic_histograms", CONF_BOOL, always_scrape_classic_histograms, OMIT),
    ROW(global_config, "extra_scrape_metrics", CONF_OPTIONAL_BOOL, extra_scrape_metrics, OMIT),
    END_ROW,
};

enum { DEFAULT_INTERVAL_MS = 60000, DEFAULT_TIMEOUT_MS = 10000 };

static bool check_external_labels(const global_config *g, err *e)
{
    labels_iter it = labels_walk(g->external_labels);
    label l;
    while (labels_next(&it, &l)) {
        if (!label_name_allowed(l.name, g->name_validation))
            return err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid label name", BYTES_ARG(l.name));
        if (!utf8_valid(l.value))
            return err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid label value", BYTES_ARG(l.value));
    }
    return true;
}

void global_config_defaults(global_config *g)
{
    g->scrape_interval_ms = g->evaluation_interval_ms = DEFAULT_INTERVAL_MS;
    g->scrape_timeout_ms = DEFAULT_TIMEOUT_MS;
    g->name_validation = NAME_VALIDATION_UTF8;
    g->name_escaping = BYTES("allow-utf-8");
    g->scrape_native_histograms = g->extra_scrape_metrics = 0;
}

static bool finish_global(conf_ctx *c, void *obj, err *e)
{
    global_config *g = obj;
    if (g->name_validation == NAME_VALIDATION_UNSET)
        g->name_validation = NAME_VALIDATION_UTF8;
    if (!check_external_labels(g, e))
        return false;
    if (g->scrape_interval_ms == 0)
        g->scrape_interval_ms = DEFAULT_INTERVAL_MS;
    if (g->scrape_timeout_ms > g->scrape_interval_ms)
        return err_set(e, ERR_BAD_DATA, "global scrape timeout greater than scrape interval");
    if (g->scrape_timeout_ms == 0)
        g->scrape_timeout_ms = g->scrape_interval_ms < DEFAULT_TIMEOUT_MS ? g->scrape_interval_ms : DEFAULT_TIMEOUT_MS;
    if (g->evaluation_interval_ms == 0)
        g->evaluation_interval_ms = DEFAULT_INTERVAL_MS;
    if (g->scrape_native_histograms < 0)
        g->scrape_native_histograms = 0;
    if (g->extra_scrape_metrics < 0)
        g->extra_scrape_metrics = 0;
    if (!g->scrape_protocols.p)
        return true;
    return scrape_protocols_check(g->scrape_protocols.p, g->scrape_protocols.n, "global config", e);
}
const conf_schema global_schema = { "config.plain", sizeof(global_config), global_fields, finish_global };

/* ---- os.Expand ---- */

static bool is_special(char ch)
{
    return ch && strchr("*#$@!?-0123456789", ch);
}

static bool is_name_char(char ch)
{
    return ch == '_' || (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');
}

/* The name behind a '$' at c, which moves past it. An empty name: the '$' is text (*is_text) or bad syntax, dropped. */
static bytes take_variable(cursor *c, bool *is_text)
{
    const char *from = c->at;
    *is_text = false;
    if (cursor_take(c, '{')) {
        const char *close = memchr(c->at, '}', cursor_left(c));
        if (!close)
            return BYTES("");
        bytes name = bytes_n(c->at, (size_t)(close - c->at));
        c->at = close + 1;
        return name;
    }
    if (!cursor_done(c) && is_special(*c->at))
        return bytes_n(c->at++, 1);
    while (!cursor_done(c) && is_name_char(*c->at))
        c->at++;
    *is_text = c->at == from;
    return bytes_n(from, (size_t)(c->at - from));
}

static void put_variable(buf *out, bytes name)
{
    char text[256];
    if (bytes_eq(name, BYTES("$"))) {
        buf_putc(out, '$');
        return;
    }
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(name));
    const char *value = name.len < sizeof text ? getenv(text) : NULL;
    if (value && *value)
        buf_putz(out, value);
    else
        log_warn("Empty environment variable", "name", text);
}

static bytes expand(arena *a, bytes value)
{
    buf out;
    cursor c = cursor_of(value);
    if (bytes_find(value, '$') < 0)
        return value;
    buf_init(&out, LIMIT_CONFIG_FILE);
    while (!cursor_done(&c)) {
        bool is_text;
        char ch = *c.at++;
        if (ch != '$') {
            buf_putc(&out, ch);
            continue;
        }
        bytes name = take_variable(&c, &is_text);
        if (is_text)
            buf_putc(&out, '$');
        else if (name.len)
            put_variable(&out, name);
    }
    bytes result = { arena_cstr(a, buf_bytes(&out)), out.len };
    buf_release(&out);
    return result;
}

const labels *external_labels_expand(arena *a, const labels *l)
{
    label *list = ARENA_ARRAY(a, label, labels_count(l) + 1);
    labels_iter it = labels_walk(l);
    size_t n = 0;
    while (labels_next(&it, &list[n])) {
        list[n].value = expand(a, list[n].value);
        n++;
    }
    return labels_from(a, list, n);
}
