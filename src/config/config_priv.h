/* config_priv.h: schemas and checks that the files of prometheus.yml share. */
#ifndef CONFIG_CONFIG_PRIV_H
#define CONFIG_CONFIG_PRIV_H
#include "config/prometheus_config.h"
#include "config/schema_rows.h"

/* relabel_config.c */
extern const conf_schema relabel_schema;
/* What depends on the names allowed: called once the job's scheme is known. */
bool relabel_check(conf_ctx *c, const relabel_list *rules, int name_validation, err *e);
bool label_name_allowed(bytes name, int name_validation);
#define RELABEL_LIST(T, name, m, null_sentence)                                                                \
    LIST(T, name, m, .of = &relabel_schema, OMIT, .go_type = "[]*relabel.Config", .null_error = null_sentence)

/* sd_config.c */
extern const conf_schema sd_schema;
/* Makes target groups of static_configs; without relabelling a target may hold no '/'. */
bool sd_finish(conf_ctx *c, sd_configs *sd, bool has_relabel, err *e);

/* scrape_config.c */
extern const conf_schema scrape_schema;
extern const char *const name_validation_names[];   /* "", "utf8", "legacy" */
#define NAME_VALIDATION_ERROR "unrecognized ValidationScheme: \"$\""
#define SCRAPE_PROTOCOLS                                                                                       \
    "[OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0]"
#define SCRAPE_PROTOCOL_ERROR "scrape_protocols: unknown scrape protocol $, supported: " SCRAPE_PROTOCOLS
/* Fills in what the global section gives, and the rules that need both. */
bool scrape_validate(conf_ctx *c, const global_config *g, scrape_config *s, err *e);
/* where: "global config", at the end of the sentence. */
bool scrape_protocols_check(const int *list, size_t n, const char *where, err *e);

/* remote_config.c */
extern const conf_schema remote_write_schema, remote_read_schema;
/* No header that is ours to set; authorization has its own sentence. */
bool remote_headers_check(const string_map *headers, const char *authorization_sentence, err *e);
/* storage_config.c */
extern const conf_schema storage_schema, tracing_schema, otlp_schema;
/* Afterwards tsdb is there, and its retention: the file's, or deflt. */
void storage_config_complete(arena *a, storage_config *s, const tsdb_retention_config *deflt);

/* global_config.c */
extern const conf_schema global_schema;
void global_config_defaults(global_config *g);      /* of a file without the section */
/* $var and ${var} of the values filled in from the environment; $$ is a $. */
const labels *external_labels_expand(arena *a, const labels *l);
#endif
