/* commands.c: THE command table. --help, completion and the parser read the same rows. */
#include "ctl/commands.h"

const ctl_option ctl_global_options[] = { { 0 } };

static const ctl_option query_options[] = {
    { "format", 'o', CTL_VALUE, "promql", NULL, "Output format.", "promql|json|table|csv" },
    { 0 },
};
static const ctl_option instant_options[] = {
    { "time", 0, CTL_VALUE, NULL, "TIME", "Query evaluation time (RFC3339 or Unix timestamp)." },
    { "header", 0, CTL_LIST, NULL, "K=V", "Extra headers to send to server." },
    { 0 },
};
static const ctl_option range_options[] = {
    { "start", 0, CTL_VALUE, NULL, "TIME", "Query range start time (RFC3339 or Unix timestamp)." },
    { "end", 0, CTL_VALUE, NULL, "TIME", "Query range end time (RFC3339 or Unix timestamp)." },
    { "step", 0, CTL_VALUE, NULL, "DURATION", "Query step size (duration)." },
    { "header", 0, CTL_LIST, NULL, "K=V", "Extra headers to send to server." },
    { 0 },
};
static const ctl_option series_options[] = {
    { "match", 0, CTL_LIST, NULL, "SELECTOR", "Series selector.", NULL, true },
    { "start", 0, CTL_VALUE, NULL, "TIME", "Start time (RFC3339 or Unix timestamp)." },
    { "end", 0, CTL_VALUE, NULL, "TIME", "End time (RFC3339 or Unix timestamp)." },
    { 0 },
};
static const ctl_option label_options[] = {
    { "match", 0, CTL_LIST, NULL, "SELECTOR", "Series selector." },
    { "start", 0, CTL_VALUE, NULL, "TIME", "Start time (RFC3339 or Unix timestamp)." },
    { "end", 0, CTL_VALUE, NULL, "TIME", "End time (RFC3339 or Unix timestamp)." },
    { 0 },
};
static const ctl_option config_options[] = {
    { "syntax-only", 0, CTL_SWITCH, NULL, NULL, "Only check the config file syntax, ignoring file and content validation referenced in the config" },
    { "lint", 0, CTL_VALUE, "duplicate-rules", NULL, "Linting checks to apply (all, duplicate-rules, none, too-long-scrape-interval; comma list)." },
    { "lint-fatal", 0, CTL_SWITCH, NULL, NULL, "Make lint errors exit with exit code 3." },
    { "ignore-unknown-fields", 0, CTL_SWITCH, NULL, NULL, "Ignore unknown fields in the rule groups read by the config files." },
    { "agent", 0, CTL_SWITCH, NULL, NULL, "Check config file for Prometheus in Agent mode." },
    { 0 },
};
static const ctl_option metrics_options[] = {
    { "extended", 0, CTL_SWITCH, NULL, NULL, "Print extended information related to the cardinality of the metrics." },
    { "lint", 0, CTL_VALUE, "all", NULL, "Linting checks to apply for metrics.", "all|none" },
    { 0 },
};
static const ctl_option health_options[] = {
    { "url", 0, CTL_VALUE, "http://localhost:9090", NULL, "The URL for the server." },
    { 0 },
};

const ctl_command ctl_commands[] = {
    { "help", "[<command>...]", "Show help.", "tsdbctl help query instant", NULL, cmd_help },
    { "check", NULL, "Check the resources for validity.", NULL, NULL, NULL },
    { "check config", "<config-files>...", "Check if the config files are valid or not.", "tsdbctl check config prometheus.yml", config_options, cmd_check_config },
    { "check healthy", "", "Check if the server is healthy.", "tsdbctl check healthy --url=http://localhost:9090", health_options, cmd_check_health },
    { "check ready", "", "Check if the server is ready.", "tsdbctl check ready --url=http://localhost:9090", health_options, cmd_check_health },
    { "check metrics", "", "Pass metrics over stdin to lint them for consistency and correctness.", "curl -s http://localhost:9090/metrics | tsdbctl check metrics", metrics_options, cmd_check_metrics },
    { "query", NULL, "Run query against a server.", NULL, query_options, NULL },
    { "query instant", "<server> <expr>", "Run instant query.", "tsdbctl query instant http://localhost:9090 'up'", instant_options, cmd_query_instant },
    { "query range", "<server> <expr>", "Run range query.", "tsdbctl query range --step=1m http://localhost:9090 'rate(node_cpu_seconds_total[5m])'", range_options, cmd_query_range },
    { "query series", "<server>", "Run series query.", "tsdbctl query series --match=up http://localhost:9090", series_options, cmd_query_series },
    { "query labels", "<server> <name>", "Run labels query.", "tsdbctl query labels http://localhost:9090 job", label_options, cmd_query_labels },
    { "completion", "<shell>", "Print a completion script for bash, zsh or fish.", "tsdbctl completion bash > /etc/bash_completion.d/tsdbctl", NULL, cmd_completion },
};
const size_t ctl_n_commands = sizeof ctl_commands / sizeof ctl_commands[0];
