/* test_prometheus_config.c: prometheus.yml as data.
 *
 * tests/config/bad/X.yml: refused; its first line is the sentence expected, "\n" for a line's end.
 * tests/config/good/X.yml: taken; tests/config/effective/X.yml is the text with every default, which reads as itself.
 * Defaults and inheritance that a text does not show are looked at one by one.                               */
#include "config/prometheus_config.h"
#include "base/file.h"
#include "config/paths.h"
#include "test_config.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const prom_config_options bare = { .bare_errors = true };
static arena a;

static void setup(void)
{
    arena_init(&a, 0);
}

static void teardown(void)
{
    arena_release(&a);
}

static bytes *cases_of(const char *folder, size_t *n)
{
    bytes *files;
    err e = { 0 };
    ck_assert(path_glob(&a, arena_bytesf(&a, "%s/%s/*.yml", CONFIG_CASES, folder), &files, n, &e));
    ck_assert_uint_gt(*n, 5);
    return files;
}

static bytes read_file(const char *path)
{
    buf text;
    err e = { 0 };
    ck_assert_msg(file_read(path, 1 << 20, &text, &e), "%s", e.msg);
    bytes copy = arena_dup(&a, buf_bytes(&text));
    buf_release(&text);
    return copy;
}

/* The first line without "# ", with \n made a line's end. */
static const char *expected_error(const char *path)
{
    bytes text = read_file(path), line, rest;
    bytes_cut(text, '\n', &line, &rest);
    char *out = arena_cstr(&a, bytes_sub(line, 2, line.len)), *p;
    while ((p = strstr(out, "\\n"))) {
        *p = '\n';
        memmove(p + 1, p + 2, strlen(p + 2) + 1);
    }
    return out;
}

START_TEST(bad_files_are_refused_with_a_sentence)
{
    size_t n;
    bytes *files = cases_of("bad", &n);
    for (size_t i = 0; i < n; i++) {
        prom_config *c = NULL;
        err e = { 0 };
        const char *want = expected_error(files[i].p);
        ck_assert_msg(!prom_config_load(files[i].p, &bare, &c, &e), "%s is taken", files[i].p);
        ck_assert_ptr_null(c);
        ck_assert_msg(strstr(e.msg, want) != NULL, "%s:\n  %s\nis not in\n  %s", files[i].p, want, e.msg);
        ck_assert_msg(strncmp(e.msg, "parsing YAML file ", 18) == 0, "%s", e.msg);
    }
}
END_TEST

static bytes written(const prom_config *c)
{
    buf out;
    buf_init(&out, 1 << 20);
    prom_config_write(c, &out);
    bytes copy = arena_dup(&a, buf_bytes(&out));
    buf_release(&out);
    return copy;
}

static bytes effective(bytes text, const char *path)
{
    prom_config *c;
    err e = { 0 };
    ck_assert_msg(prom_config_parse(text, path, NULL, &c, &e), "%s", e.msg);
    bytes out = written(c);
    prom_config_unref(c);
    return out;
}

/* Fails where two texts part. */
static void check_same(const char *name, bytes got, bytes want)
{
    size_t i = 0;
    while (i < got.len && i < want.len && got.p[i] == want.p[i])
        i++;
    size_t from = i > 100 ? i - 100 : 0;
    ck_assert_msg(got.len == want.len && i == got.len, "%s: got\n%.*s\n-- and not --\n%.*s", name,
                  BYTES_ARG(bytes_sub(got, from, 300)), BYTES_ARG(bytes_sub(want, from, 300)));
}

START_TEST(good_files_show_every_default_and_read_as_themselves)
{
    size_t n;
    bytes *files = cases_of("good", &n);
    for (size_t i = 0; i < n; i++) {
        /* a bare name, so that paths stay relative */
        const char *name = arena_cstr(&a, path_base(files[i]));
        bytes once = effective(read_file(files[i].p), name), twice = effective(once, name),
              again = effective(twice, name);
        bytes want = read_file(arena_printf(&a, "%s/effective/%s", CONFIG_CASES, name));
        check_same(name, once, want);
        if (strcmp(name, "zero-values.yml") != 0)
            check_same(name, twice, once);
        check_same(name, again, twice);
    }
}
END_TEST

static prom_config *load_text(const char *text)
{
    prom_config *c;
    err e = { 0 };
    ck_assert_msg(prom_config_parse(bytes_of(text), "/etc/prometheus/prometheus.yml", &bare, &c, &e), "%s", e.msg);
    return c;
}

START_TEST(jobs_take_what_the_global_section_gives)
{
    prom_config *c =
        load_text("global: {scrape_interval: 5s, sample_limit: 7, body_size_limit: 1KB, scrape_protocols: "
                  "[PrometheusText0.0.4], metric_name_validation_scheme: legacy}\n"
                  "scrape_configs:\n- {job_name: a}\n- {job_name: b, sample_limit: 3, scrape_interval: 20s, "
                  "scrape_protocols: [PrometheusProto], fallback_scrape_protocol: OpenMetricsText0.0.1}\n");
    const scrape_config *x = c->jobs[0], *y = c->jobs[1];
    ck_assert_uint_eq(c->n_jobs, 2);
    ck_assert_int_eq(c->global.scrape_timeout_ms, 5000);
    ck_assert_int_eq(x->scrape_interval_ms, 5000);
    ck_assert_int_eq(x->scrape_timeout_ms, 5000);
    ck_assert_int_eq(y->scrape_timeout_ms, 5000);
    ck_assert_uint_eq(x->sample_limit, 7);
    ck_assert_uint_eq(y->sample_limit, 3);
    ck_assert_int_eq(x->body_size_limit, 1024);
    ck_assert_uint_eq(x->scrape_protocols.n, 1);
    ck_assert_int_eq(x->scrape_protocols.p[0], SCRAPE_TEXT_0_0_4);
    ck_assert_int_eq(y->scrape_protocols.p[0], SCRAPE_PROTO);
    ck_assert_int_eq(x->fallback_scrape_protocol, -1);
    ck_assert_int_eq(y->fallback_scrape_protocol, SCRAPE_OPENMETRICS_0_0_1);
    ck_assert_int_eq(x->name_validation, NAME_VALIDATION_LEGACY);
    ck_assert_str_eq(x->name_escaping.p, "underscores");
    ck_assert(x->honor_timestamps && x->enable_compression && !x->honor_labels);
    ck_assert_uint_eq(x->line, 3);
    prom_config_unref(c);
}
END_TEST

START_TEST(paths_are_relative_to_the_file)
{
    prom_config *c = load_text("rule_files: [a.yml, /b.yml, c/../d/*.yml]\nglobal: {query_log_file: q}\n"
                               "scrape_configs: [{job_name: a, tls_config: {ca_file: ca}, bearer_token_file: t, "
                               "file_sd_configs: [{files: [f.json]}], http_headers: {x: {files: [h]}}}]\n");
    ck_assert_str_eq(c->rule_files.p[0].p, "/etc/prometheus/a.yml");
    ck_assert_str_eq(c->rule_files.p[1].p, "/b.yml");
    ck_assert_str_eq(c->rule_files.p[2].p, "/etc/prometheus/d/*.yml");
    ck_assert_str_eq(c->global.query_log_file.p, "/etc/prometheus/q");
    ck_assert_str_eq(c->jobs[0]->http.tls.ca_file.p, "/etc/prometheus/ca");
    ck_assert_str_eq(c->jobs[0]->http.authorization->credentials_file.p, "/etc/prometheus/t");
    ck_assert_str_eq(c->jobs[0]->sd.file_sd.p[0].files.p[0].p, "/etc/prometheus/f.json");
    ck_assert_str_eq(c->jobs[0]->http.http_headers.p[0].value.files.p[0].p, "/etc/prometheus/h");
    prom_config_unref(c);
}
END_TEST

START_TEST(external_labels_know_the_environment)
{
    setenv("ZONE", "z1", 1);
    unsetenv("NOTHING");
    prom_config *c =
        load_text("global: {external_labels: {a: '$ZONE', b: 'x${ZONE}y', c: '$NOTHING', d: '$$ZONE', e: '5$', "
                  "f: '$ZONE_', g: '${ZONE', h: 'a$-b', i: '${}x'}}\n");
    const labels *l = c->global.external_labels;
    static const struct {
        const char *name, *value;
    } want[] = { { "a", "z1" }, { "b", "xz1y" }, { "c", "" },   { "d", "$ZONE" }, { "e", "5$" },
                 { "f", "" },   { "g", "ZONE" }, { "h", "ab" }, { "i", "x" } };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        bytes v = labels_get(l, bytes_of(want[i].name));
        ck_assert_msg(bytes_eq(v, bytes_of(want[i].value)), "%s: %.*s", want[i].name, BYTES_ARG(v));
    }
    prom_config_unref(c);
}
END_TEST

START_TEST(static_groups_become_target_groups)
{
    prom_config *c =
        load_text("scrape_configs: [{job_name: a, static_configs: [{targets: [x, y], labels: {b: c, e: ''}}, "
                  "{targets: [z]}]}]\n");
    const sd_configs *sd = &c->jobs[0]->sd;
    ck_assert_uint_eq(sd->static_configs.n, 2);
    const target_group *g = &sd->static_configs.p[0];
    ck_assert(bytes_eq(g->source, BYTES("0")));
    ck_assert_uint_eq(g->n_targets, 2);
    ck_assert(bytes_eq(labels_get(g->targets[1], BYTES("__address__")), BYTES("y")));
    ck_assert_uint_eq(labels_count(g->labels), 1);
    ck_assert(bytes_eq(sd->static_configs.p[1].source, BYTES("1")));
    prom_config_unref(c);
}
END_TEST

START_TEST(relabelling_rules_are_ready_for_use)
{
    prom_config *c =
        load_text("scrape_configs: [{job_name: a, relabel_configs: [{source_labels: [x, y], target_label: z}, "
                  "{regex: '', target_label: q, action: Replace}]}]\n");
    const relabel_rule *r = c->jobs[0]->relabel.p;
    labels_builder b;
    labels_builder_init(&b, &a, NULL);
    labels_builder_set(&b, BYTES("x"), BYTES("1"));
    labels_builder_set(&b, BYTES("y"), BYTES("2"));
    ck_assert(relabel_apply(r, 1, &b));
    ck_assert(bytes_eq(labels_builder_get(&b, BYTES("z")), BYTES("1;2")));
    ck_assert(!r[0].has_regex && r[1].has_regex);
    prom_config_unref(c);
}
END_TEST

START_TEST(what_is_not_built_in_is_named)
{
    prom_config *c = load_text("scrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: x}]\n"
                               "  dns_sd_configs: [{names: [x]}]\n"
                               "- job_name: b\nalerting: {alertmanagers: [{http_sd_configs: [{url: 'http://x'}]}]}\n");
    sd_unsupported u;
    size_t i = 0;
    ck_assert(prom_config_next_unsupported(c, &i, &u));
    ck_assert_str_eq(u.key, "consul_sd_configs");
    ck_assert(bytes_eq(u.job, BYTES("a")));
    ck_assert_uint_eq(u.line, 3);
    ck_assert(prom_config_next_unsupported(c, &i, &u));
    ck_assert_str_eq(u.key, "dns_sd_configs");
    ck_assert(prom_config_next_unsupported(c, &i, &u));
    ck_assert_str_eq(u.key, "http_sd_configs");
    ck_assert(bytes_eq(u.job, BYTES("alertmanager")));
    ck_assert(!prom_config_next_unsupported(c, &i, &u));
    prom_config_unref(c);
}
END_TEST

/* Every other kind of discovery is accepted under its key. */
START_TEST(every_kind_of_discovery_is_known)
{
    size_t n = 0;
    for (; sd_other_keys[n]; n++) {
        prom_config *c = load_text(arena_printf(&a, "scrape_configs: [{job_name: a, %s: [{x: y}]}]", sd_other_keys[n]));
        sd_unsupported u;
        size_t i = 0;
        ck_assert(prom_config_next_unsupported(c, &i, &u));
        ck_assert_str_eq(u.key, sd_other_keys[n]);
        prom_config_unref(c);
    }
    ck_assert_uint_eq(n, SD_N_OTHER);
}
END_TEST

START_TEST(agent_mode_refuses_what_it_has_not)
{
    static const char *const texts[] = { "rule_files: [x]", "remote_read: [{url: 'http://x'}]",
                                         "alerting: {alertmanagers: [{}]}" };
    static const char *const words[] = { "rule_files", "remote_read", "alerting" };
    prom_config_options o = { .agent = true, .bare_errors = true };
    prom_config *c;
    err e = { 0 };
    ck_assert(!prom_config_parse(bytes_of(texts[_i]), "x.yml", &o, &c, &e));
    ck_assert_str_eq(e.msg, arena_printf(&a, "field %s is not allowed in agent mode", words[_i]));
}
END_TEST

START_TEST(errors_name_the_file_and_the_flag)
{
    prom_config *c;
    err e = { 0 };
    ck_assert(!prom_config_load("/nonexistent.yml", NULL, &c, &e));
    ck_assert_str_eq(e.msg,
                     "couldn't load configuration (--config.file=\"/nonexistent.yml\"): open /nonexistent.yml: no such "
                     "file or directory");
    ck_assert(!prom_config_parse(BYTES("x: 1"), "p.yml", NULL, &c, &e));
    ck_assert_str_eq(e.msg,
                     "couldn't load configuration (--config.file=\"p.yml\"): parsing YAML file p.yml: yaml: unmarshal "
                     "errors:\n  line 1: field x not found in type config.plain");
}
END_TEST

START_TEST(retention_comes_from_the_file_or_the_caller)
{
    prom_config_options o = { .retention_time_ms = 86400000, .retention_size = 1024 };
    prom_config *c;
    err e = { 0 };
    ck_assert(prom_config_parse(BYTES(""), "p.yml", &o, &c, &e));
    ck_assert_int_eq(c->storage.tsdb->retention.time_ms, 86400000);
    ck_assert_int_eq(c->storage.tsdb->retention.size_bytes, 1024);
    prom_config_unref(c);
    ck_assert(prom_config_parse(BYTES("storage: {tsdb: {retention: {time: 2h}}}"), "p.yml", &o, &c, &e));
    ck_assert_int_eq(c->storage.tsdb->retention.time_ms, 7200000);
    ck_assert_int_eq(c->storage.tsdb->retention.size_bytes, 0);
    prom_config_unref(c);
}
END_TEST

START_TEST(a_configuration_is_counted)
{
    prom_config *c = load_text("scrape_configs: [{job_name: a, relabel_configs: [{regex: 'x.*', target_label: y}]}]");
    prom_config *again = prom_config_ref(c);
    ck_assert_ptr_eq(c, again);
    prom_config_unref(c);
    ck_assert(regex_match(again->jobs[0]->relabel.p[0].re, BYTES("xyz")));
    prom_config_unref(again);
    prom_config_unref(NULL);
}
END_TEST

Suite *prometheus_config_suite(void)
{
    Suite *s = suite_create("prometheus_config");
    TCase *tc = tcase_create("prometheus_config");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, bad_files_are_refused_with_a_sentence);
    tcase_add_test(tc, good_files_show_every_default_and_read_as_themselves);
    tcase_add_test(tc, jobs_take_what_the_global_section_gives);
    tcase_add_test(tc, paths_are_relative_to_the_file);
    tcase_add_test(tc, external_labels_know_the_environment);
    tcase_add_test(tc, static_groups_become_target_groups);
    tcase_add_test(tc, relabelling_rules_are_ready_for_use);
    tcase_add_test(tc, what_is_not_built_in_is_named);
    tcase_add_test(tc, every_kind_of_discovery_is_known);
    tcase_add_loop_test(tc, agent_mode_refuses_what_it_has_not, 0, 3);
    tcase_add_test(tc, errors_name_the_file_and_the_flag);
    tcase_add_test(tc, retention_comes_from_the_file_or_the_caller);
    tcase_add_test(tc, a_configuration_is_counted);
    suite_add_tcase(s, tc);
    return s;
}
