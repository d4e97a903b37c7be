/* rule_file.h: rule files: groups of recording and alerting rules, with their lines.
 *
 * Expressions and templates stay text: whoever may know PromQL passes a check (rule_file_check). Errors as Prometheus
 * words them: `FILE: 3:9: group "g", rule 1, "up": could not parse expression: ...`.                          */
#ifndef CONFIG_RULE_FILE_H
#define CONFIG_RULE_FILE_H
#include "config/http_client_config.h"
#include "model/labels.h"

typedef struct rule_config {
    bytes record, alert, expr;               /* exactly one of record and alert */
    int64_t for_ms, keep_firing_for_ms;
    string_map labels, annotations;          /* the file's order */
    uint32_t line, column;                   /* of the rule */
    uint32_t expr_line, expr_column, record_line, record_column, alert_line, alert_column;
} rule_config;

typedef struct rule_group_config {
    bytes name;
    int64_t interval_ms;                     /* 0: the global evaluation interval */
    bool has_query_offset;
    int64_t query_offset_ms;                 /* where has_query_offset */
    int64_t limit;                           /* 0: none */
    string_map labels;                       /* added to every rule */
    CONF_LIST_OF(rule_config) rules;
    uint32_t line, column;
} rule_group_config;

typedef struct rule_file {
    bytes path;
    CONF_LIST_OF(rule_group_config) groups;
    size_t n_rules;
} rule_file;

/* Checks the text of an expression or template; e->msg holds the bare reason. */
typedef struct rule_checks {
    bool (*expr)(void *ctx, bytes expr, err *e);                  /* may be NULL */
    bool (*template)(void *ctx, bytes name, bytes text, err *e);  /* may be NULL */
    void *ctx;
    bool ignore_unknown_fields;
} rule_checks;

/* All in a; checks may be NULL. On failure every finding is appended to errors (may be NULL) as lines, the first is in
 * e. Only the first YAML document of a file counts; an empty file has no groups. */
bool rule_file_load(const char *path, arena *a, const rule_checks *checks, rule_file **out, buf *errors, err *e);
bool rule_file_parse(bytes text, const char *path, arena *a, const rule_checks *checks, rule_file **out, buf *errors,
                     err *e);
#endif
