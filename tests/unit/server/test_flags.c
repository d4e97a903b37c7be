/* test_flags.c: the command line: values, kingpin's syntax and sentences, what /api/v1/status/flags shows, and the
 * table. */
#include "server/flags.h"
#include "base/arena.h"
#include <check.h>
#include <stdlib.h>

enum { MAX_ARGS = 8 };

static server_flags f;
static buf out;
static int status;

static void setup(void)
{
    buf_init(&out, 1 << 20);
}

static void teardown(void)
{
    flags_release(&f);
    buf_release(&out);
}

/* Splits at spaces; '_' stands for a space within a word. */
static enum flags_outcome parse(const char *line)
{
    static char words[512];
    char *argv[MAX_ARGS + 2] = { (char[]){ "/usr/bin/tsdbd" } };
    int argc = 1;
    ck_assert_uint_lt(strlen(line), sizeof words);
    strcpy(words, line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " ")) {
        ck_assert_int_le(argc, MAX_ARGS);
        for (char *p = w; *p; p++)
            *p = *p == '_' ? ' ' : *p;
        argv[argc++] = w;
    }
    flags_release(&f);
    buf_clear(&out);
    status = 0;
    return flags_parse(&f, argc, argv, "tsdbd, version 1\n", &out, &status);
}

static const char *shown(const char *name)
{
    const char *n, *v;
    for (size_t i = 0; flags_next(&f, &i, &n, &v);) {
        if (strcmp(n, name) == 0)
            return v;
    }
    return NULL;
}

static const char *text(void)
{
    buf_putc(&out, '\0');
    out.len--;
    return out.p;
}

START_TEST(defaults_are_those_of_prometheus)
{
    ck_assert_int_eq(parse(""), FLAGS_RUN);
    ck_assert_str_eq(f.config_file, "prometheus.yml");
    ck_assert_uint_eq(f.web_listen_address.n, 1);
    ck_assert_str_eq(f.web_listen_address.p[0], "0.0.0.0:9090");
    ck_assert_int_eq(f.web_read_timeout_ms, 300000);
    ck_assert_int_eq(f.web_max_connections, 512);
    ck_assert_int_eq(f.query_timeout_ms, 120000);
    ck_assert_int_eq(f.query_lookback_delta_ms, 300000);
    ck_assert_int_eq(f.query_max_samples, 50000000);
    ck_assert_int_eq(f.query_max_concurrency, 20);
    ck_assert_str_eq(f.storage_path, "data/");
    ck_assert_int_eq(f.storage_retention_time_ms, 0);
    ck_assert_int_eq(f.storage_flush_interval_ms, 5000);
    ck_assert_int_eq(f.scrape_timestamp_tolerance_ms, 2);
    ck_assert_int_eq(f.log_level, 1);
    ck_assert_int_eq(f.log_format, 0);
    ck_assert(!f.web_enable_admin_api && !f.web_enable_lifecycle);
    ck_assert_uint_eq(f.warnings.n, 0);
    ck_assert_uint_eq(f.features, 0);
}
END_TEST

/* One flag, and how the API shows it. */
static const struct {
    const char *line, *name, *value;
} values[] = {
    { "--config.file=a.yml", "config.file", "a.yml" },
    { "--config.file a.yml", "config.file", "a.yml" },
    { "--config.file=", "config.file", "" },
    { "--config.file=-x", "config.file", "-x" },
    { "--query.timeout=90s", "query.timeout", "1m30s" },
    { "--query.max-samples=1e3", "query.max-samples", "1000" },
    { "--query.max-bytes=512MB", "query.max-bytes", "512MiB" },
    { "--web.enable-lifecycle", "web.enable-lifecycle", "true" },
    { "--no-web.enable-lifecycle", "web.enable-lifecycle", "false" },
    { "--no-auto-gomemlimit", "auto-gomemlimit", "false" },
    { "--auto-gomemlimit.ratio=0.50", "auto-gomemlimit.ratio", "0.5" },
    { "--web.listen-address=:1 --web.listen-address=:2", "web.listen-address", ":1,:2" },
    { "--enable-feature=promql-per-step-stats,x --enable-feature=y", "enable-feature", "promql-per-step-stats,x,y" },
    { "--storage.tsdb.retention.time=1000h", "storage.tsdb.retention.time", "41d16h" },
    { "--scrape.timestamp-tolerance=1.5ms", "scrape.timestamp-tolerance", "1.5ms" },
    { "--log.level=debug", "log.level", "debug" },
    { "--web.external-url=http://h/a/b/", "web.route-prefix", "/a/b" },
    { "--web.external-url=http://h", "web.route-prefix", "/" },
    { "--web.external-url=http://h/a --web.route-prefix=/", "web.route-prefix", "/" },
    { "--web.route-prefix=x/", "web.route-prefix", "/x" },
    { "--web.remote-write-receiver.accepted-protobuf-messages=prometheus.WriteRequest",
      "web.remote-write-receiver.accepted-protobuf-messages", "prometheus.WriteRequest" },
    { "--storage.remote.read-sample-limit=5e7", "storage.remote.read-sample-limit", "50000000" },
    { "", "storage.remote.read-sample-limit", "50000000" },
    { "", "storage.tsdb.retention.size", "0B" },
    { "", "storage.tsdb.retention.time", "0s" },
    { "", "web.external-url", "" },
    { "", "agent", "false" },
};

START_TEST(values_are_read_and_shown)
{
    ck_assert_msg(parse(values[_i].line) == FLAGS_RUN, "%s: %s", values[_i].line, text());
    const char *v = shown(values[_i].name);
    ck_assert_ptr_nonnull(v);
    ck_assert_str_eq(v, values[_i].value);
}
END_TEST

#define PARSING "Error parsing command line arguments: "

static const struct {
    const char *line;
    int status;
    const char *err; /* the first line */
} wrongs[] = {
    { "--x", 1, PARSING "unknown long flag '--x'" },
    { "--x=1", 1, PARSING "unknown long flag '--x'" },
    { "-x", 1, PARSING "unknown short flag '-x'" },
    { "--config.file", 1, PARSING "expected argument for flag '--config.file'" },
    { "--config.file --agent", 1, PARSING "expected argument for flag '--config.file'" },
    { "foo", 1, PARSING "unexpected foo" },
    { "-- foo", 1, PARSING "unexpected foo" },
    { "--web.enable-lifecycle=true", 1, PARSING "unexpected true" },
    { "--no-config.file", 1, PARSING "unknown long flag '--no-config.file'" },
    { "--query.timeout=5", 2, PARSING "not a valid duration string: \"5\"" },
    { "--query.max-samples=5x", 2, PARSING "strconv.ParseFloat: parsing \"5x\": invalid syntax" },
    { "--auto-gomemlimit.ratio=a", 2, PARSING "strconv.ParseFloat: parsing \"a\": invalid syntax" },
    { "--query.max-bytes=5", 2, PARSING "units: unknown unit  in 5" },
    { "--log.level=foo", 2, PARSING "unrecognized log level foo" },
    { "--log.format=foo", 2, PARSING "unrecognized log format foo" },
    { "--storage.tsdb.wal-compression-type=lz4", 2, PARSING "enum value must be one of snappy,zstd, got 'lz4'" },
    { "--scrape.timestamp-tolerance=5", 2, PARSING "time: missing unit in duration \"5\"" },
    { "--scrape.timestamp-tolerance=5x", 2, PARSING "time: unknown unit \"x\" in duration \"5x\"" },
    { "--scrape.timestamp-tolerance=", 2, PARSING "time: invalid duration \"\"" },
    { "--config.file=a --config.file=b", 2, PARSING "flag 'config.file' cannot be repeated" },
    { "--storage.agent.path=x", 3, "The following flag(s) can only be used in agent mode: [\"--storage.agent.path\"]" },
    { "--agent", 1, "--agent: agent mode is not built in" },
    { "--web.enable-otlp-receiver", 1, "--web.enable-otlp-receiver: OTLP is not built in" },
    { "--alertmanager.config-file=x", 1, "--alertmanager.config-file: the embedded Alertmanager is not built in yet" },
};

START_TEST(wrong_usage_is_said_as_kingpin_says_it)
{
    ck_assert_int_eq(parse(wrongs[_i].line), FLAGS_WRONG);
    ck_assert_int_eq(status, wrongs[_i].status);
    bytes line, rest;
    bytes_cut(buf_bytes(&out), '\n', &line, &rest);
    ck_assert_msg(bytes_eq(line, bytes_of(wrongs[_i].err)), "%s", text());
    if (status == 2)
        ck_assert_ptr_nonnull(strstr(text(), "usage: tsdbd [<flags>]"));
    else if (strstr(wrongs[_i].err, PARSING))
        ck_assert_ptr_nonnull(strstr(text(), "\ntsdbd: error: "));
}
END_TEST

START_TEST(help_and_version_are_answered)
{
    ck_assert_int_eq(parse("--version"), FLAGS_EXIT);
    ck_assert_str_eq(text(), "tsdbd, version 1\n");
    ck_assert_int_eq(parse("--query.timeout=wrong --version"), FLAGS_EXIT); /* values come later */
    ck_assert_int_eq(parse("-h"), FLAGS_EXIT);
    ck_assert_ptr_nonnull(strstr(text(), "usage: tsdbd [<flags>]\n"));
    ck_assert_ptr_nonnull(strstr(text(), "\n      --config.file=\"prometheus.yml\"  \n"));
    ck_assert_ptr_null(strstr(text(), "min-block-duration"));
    ck_assert_int_eq(parse("--help-long"), FLAGS_EXIT);
    ck_assert_ptr_nonnull(strstr(text(), "min-block-duration"));
    ck_assert_int_eq(parse("--no-help"), FLAGS_RUN);
}
END_TEST

START_TEST(help_fits_80_columns)
{
    bytes line, rest;
    ck_assert_int_eq(parse("--help-long"), FLAGS_EXIT);
    rest = buf_bytes(&out);
    for (bool more = true; more;) {
        more = bytes_cut(rest, '\n', &line, &rest);
        /* only a flag's own name and default may be wider */
        ck_assert_msg(line.len <= 80 || bytes_has_prefix(line, BYTES("      --")), "%.*s", BYTES_ARG(line));
    }
}
END_TEST

static const struct {
    const char *line;
    uint32_t features;
    const char *warning; /* of the first; NULL: none */
} features[] = {
    { "--enable-feature=promql-experimental-functions", FEATURE_PROMQL_EXPERIMENTAL_FUNCTIONS, NULL },
    { "--enable-feature=promql-experimental-functions,type-and-unit-labels",
      FEATURE_PROMQL_EXPERIMENTAL_FUNCTIONS | FEATURE_TYPE_AND_UNIT_LABELS, NULL },
    { "--enable-feature=promql-duration-expr", 0, "--enable-feature: promql-duration-expr is always on" },
    { "--enable-feature=xor2-encoding", 0, "--enable-feature: xor2-encoding is not built in and has no effect" },
    { "--enable-feature=foo", 0, "Unknown option for --enable-feature: foo" },
    { "--web.page-title=x", 0, "--web.page-title has no effect: the title is fixed" },
    { "--web.console.templates=consoles", 0, NULL }, /* what it is anyway */
};

START_TEST(features_are_bits_or_warnings)
{
    ck_assert_msg(parse(features[_i].line) == FLAGS_RUN, "%s", text());
    ck_assert_uint_eq(f.features, features[_i].features);
    ck_assert_uint_eq(f.warnings.n, features[_i].warning != NULL);
    if (features[_i].warning)
        ck_assert_str_eq(f.warnings.p[0], features[_i].warning);
}
END_TEST

/* docs/command-line/prometheus.md of 3.14, all of it. */
static const char *const documented[] = {
    "config.file",
    "config.auto-reload",
    "config.auto-reload-interval",
    "web.listen-address",
    "auto-gomaxprocs",
    "auto-gomemlimit",
    "auto-gomemlimit.ratio",
    "auto-gomemlimit.refresh-interval",
    "web.config.file",
    "web.read-timeout",
    "web.max-connections",
    "web.max-notifications-subscribers",
    "web.external-url",
    "web.route-prefix",
    "web.user-assets",
    "web.enable-lifecycle",
    "web.enable-admin-api",
    "web.enable-remote-write-receiver",
    "web.remote-write-receiver.accepted-protobuf-messages",
    "web.enable-otlp-receiver",
    "web.console.templates",
    "web.console.libraries",
    "web.page-title",
    "web.cors.origin",
    "storage.tsdb.path",
    "storage.tsdb.retention.time",
    "storage.tsdb.retention.size",
    "storage.tsdb.no-lockfile",
    "storage.tsdb.head-chunks-write-queue-size",
    "storage.tsdb.delay-compact-file.path",
    "storage.agent.path",
    "storage.agent.wal-compression",
    "storage.agent.retention.min-time",
    "storage.agent.retention.max-time",
    "storage.agent.checkpoint-from-in-memory-series",
    "storage.agent.checkpoint-batch-size",
    "storage.agent.no-lockfile",
    "storage.remote.flush-deadline",
    "storage.remote.read-sample-limit",
    "storage.remote.read-concurrent-limit",
    "storage.remote.read-max-bytes-in-frame",
    "web.search.max-limit",
    "rules.alert.for-outage-tolerance",
    "rules.alert.for-grace-period",
    "rules.alert.resend-delay",
    "rules.max-concurrent-evals",
    "alertmanager.notification-queue-capacity",
    "alertmanager.notification-batch-size",
    "alertmanager.drain-notification-queue-on-shutdown",
    "query.lookback-delta",
    "query.timeout",
    "query.max-concurrency",
    "query.max-samples",
    "enable-feature",
    "agent",
    "log.level",
    "log.format",
};

START_TEST(every_documented_flag_has_a_row)
{
    size_t n_theirs = 0;
    ck_assert_int_eq(parse(""), FLAGS_RUN);
    for (size_t i = 0; i < sizeof documented / sizeof *documented; i++)
        ck_assert_msg(shown(documented[i]) != NULL, "%s", documented[i]);
    for (size_t i = 0; i < n_flag_rows; i++) {
        const flag_row *r = &flag_rows[i];
        n_theirs += !r->ours && !r->hidden;
        ck_assert_ptr_nonnull(r->help);
        ck_assert_msg((r->state == FLAG_DONE) == (r->note == NULL), "%s", r->name);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(r->name, flag_rows[k].name);
    }
    ck_assert_uint_eq(n_theirs, sizeof documented / sizeof *documented);
}
END_TEST

START_TEST(flags_are_walked_in_the_order_of_their_names)
{
    const char *name, *value, *before = "";
    size_t n = 0;
    ck_assert_int_eq(parse("--config.file=x"), FLAGS_RUN);
    for (size_t i = 0; flags_next(&f, &i, &name, &value); n++) {
        ck_assert_int_gt(strcmp(name, before), 0);
        ck_assert_ptr_nonnull(value);
        before = name;
    }
    ck_assert_uint_eq(n, n_flag_rows);
    ck_assert(flags_was_set(&f, "config.file"));
    ck_assert(!flags_was_set(&f, "agent"));
    ck_assert(!flags_was_set(&f, "nonsense"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("flags");
    TCase *tc = tcase_create("flags");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults_are_those_of_prometheus);
    tcase_add_loop_test(tc, values_are_read_and_shown, 0, sizeof values / sizeof *values);
    tcase_add_loop_test(tc, wrong_usage_is_said_as_kingpin_says_it, 0, sizeof wrongs / sizeof *wrongs);
    tcase_add_test(tc, help_and_version_are_answered);
    tcase_add_test(tc, help_fits_80_columns);
    tcase_add_loop_test(tc, features_are_bits_or_warnings, 0, sizeof features / sizeof *features);
    tcase_add_test(tc, every_documented_flag_has_a_row);
    tcase_add_test(tc, flags_are_walked_in_the_order_of_their_names);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
