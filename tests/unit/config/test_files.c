/* test_files.c: files beside prometheus.yml: scrape_config_files and files of target groups. */
#include "config/prometheus_config.h"
#include "config/sd_file.h"
#include "test_config.h"
#include <stdlib.h>

static const prom_config_options bare = { .bare_errors = true };
static char *dir;
static arena a;

static void setup(void)
{
    dir = scratch_make();
    arena_init(&a, 0);
}

static void teardown(void)
{
    arena_release(&a);
    scratch_remove(dir);
}

/* ---- scrape_config_files ---- */

static bool load_main(const char *text, prom_config **c, err *e)
{
    return prom_config_load(scratch_file(dir, "prometheus.yml", text), &bare, c, e);
}

START_TEST(jobs_of_other_files_follow_those_of_the_main_file)
{
    prom_config *c;
    err e = { 0 };
    scratch_file(dir, "x/b.yml", "scrape_configs: [{job_name: b, file_sd_configs: [{files: [t.json]}]}]");
    scratch_file(dir, "x/a.yml", "scrape_configs: [{job_name: a, bearer_token_file: t}]");
    scratch_file(dir, "empty.yml", "");
    ck_assert_msg(load_main("global: {scrape_interval: 7s}\nscrape_config_files: ['x/*.yml', empty.yml, none.yml]\n"
                            "scrape_configs: [{job_name: main}]\n",
                            &c, &e),
                  "%s", e.msg);
    ck_assert_uint_eq(c->n_jobs, 3);
    ck_assert_str_eq(c->jobs[0]->job_name.p, "main");
    ck_assert_str_eq(c->jobs[1]->job_name.p, "a");
    ck_assert_str_eq(c->jobs[2]->job_name.p, "b");
    ck_assert_int_eq(c->jobs[1]->scrape_interval_ms, 7000);
    ck_assert_str_eq(c->jobs[1]->http.authorization->credentials_file.p, scratch_file(dir, "x/t", NULL));
    ck_assert_str_eq(c->jobs[2]->sd.file_sd.p[0].files.p[0].p, scratch_file(dir, "x/t.json", NULL));
    ck_assert_str_eq(c->jobs[2]->file.p, scratch_file(dir, "x/b.yml", NULL));
    prom_config_unref(c);
}
END_TEST

static const struct {
    const char *text, *err;
} scrape_files[] = {
    { "scrape_configs: [{job_name: main}]",
      "found multiple scrape configs with job name \"main\", first found in main config file" },
    { "scrape_configs: [{job_name: a}, {job_name: a}]",
      "found multiple scrape configs with job name \"a\", first found in \"" },
    { "scrape_configs: [{job_name: a, x: y}]", "line 1: field x not found in type config.ScrapeConfig" },
    { "global: {}", "line 1: field global not found in type config.ScrapeConfigs" },
    { "\nscrape_configs:\n- {job_name: a, scrape_timeout: 2h}", "line 3: scrape timeout greater than scrape interval" },
    { "scrape_configs: [~]", "empty or null scrape config section" },
    { "a: b: c", "yaml: mapping values are not allowed in this context" },
};

START_TEST(a_bad_scrape_config_file_refuses_the_whole)
{
    prom_config *c;
    err e = { 0 };
    scratch_file(dir, "extra.yml", scrape_files[_i].text);
    ck_assert(!load_main("scrape_config_files: [extra.yml]\nscrape_configs: [{job_name: main}]\n", &c, &e));
    ck_assert_msg(strstr(e.msg, scrape_files[_i].err) != NULL, "%s", e.msg);
    ck_assert_msg(strstr(e.msg, "/extra.yml\": ") != NULL, "%s", e.msg);
}
END_TEST

/* ---- target groups ---- */

static const struct {
    const char *name, *text;
    const char *want; /* source|labels|addresses; */
    const char *err;
} groups[] = {
    { "t.json", "[]", "", NULL },
    { "t.json", "null", "", NULL },
    { "t.yml", "", "", NULL },
    { "t.json", "[{\"targets\": [\"a:1\", \"b:2\"], \"labels\": {\"x\": \"y\"}}, {\"targets\": []}]",
      "t.json:0|{__meta_filepath=\"t.json\", x=\"y\"}|a:1 b:2;t.json:1|{__meta_filepath=\"t.json\"}|;", NULL },
    { "t.JSON", " [{\"Targets\": [\"a:1\"], \"labels\": null}] \n", "t.JSON:0|{__meta_filepath=\"t.JSON\"}|a:1;",
      NULL },
    { "t.yaml", "- targets: [a:1, 5]\n  labels: {x: 10, y: ''}\n",
      "t.yaml:0|{__meta_filepath=\"t.yaml\", x=\"10\"}|a:1 5;", NULL },
    { "t.yml", "- {labels: {__meta_filepath: mine}, targets: [a]}\n", "t.yml:0|{__meta_filepath=\"t.yml\"}|a;", NULL },
    { "t.json", "", NULL, "unexpected end of JSON input" },
    { "t.json", "[", NULL, "invalid JSON" },
    { "t.json", "[] x", NULL, "invalid character 'x' after top-level value" },
    { "t.json", "{}", NULL, "json: cannot unmarshal object into Go value of type []*targetgroup.Group" },
    { "t.json", "[null]", NULL, "nil target group item found" },
    { "t.json", "[5]", NULL, "json: cannot unmarshal number" },
    { "t.json", "[{\"targets\": [5]}]", NULL,
      "json: cannot unmarshal number into Go struct field .targets of type string" },
    { "t.json", "[{\"targets\": \"a\"}]", NULL, "json: cannot unmarshal string" },
    { "t.json", "[{\"target\": []}]", NULL, "json: unknown field \"target\"" },
    { "t.json", "[{\"labels\": {\"\": \"x\"}}]", NULL, "\"\" is not a valid label name" },
    { "t.json", "[{\"labels\": {\"a\": 5}}]", NULL, "json: cannot unmarshal number into Go struct field .labels" },
    { "t.yml", "targets: [a]", NULL, "line 1: cannot unmarshal !!map into []*targetgroup.Group" },
    { "t.yml", "- target: [a]", NULL, "line 1: field target not found in type struct" },
    { "t.yml", "- ~", NULL, "line 1: nil target group item found" },
    { "t.yml", "- [", NULL, "yaml: " },
    { "t.txt", "[]", NULL, "invalid file extension: \".txt\"" },
};

static void draw(buf *out, const target_group *g, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%.*s|", BYTES_ARG(g[i].source));
        labels_print(out, g[i].labels);
        buf_putc(out, '|');
        for (size_t k = 0; k < g[i].n_targets; k++)
            buf_printf(out, "%s%.*s", k ? " " : "", BYTES_ARG(labels_get(g[i].targets[k], BYTES("__address__"))));
        buf_putc(out, ';');
    }
}

START_TEST(target_files_are_read)
{
    target_group *g;
    size_t n = 99;
    buf out;
    err e = { 0 };
    buf_init(&out, 1 << 16);
    bool ok = sd_file_parse(bytes_of(groups[_i].text), groups[_i].name, &a, &g, &n, &e);
    ck_assert_msg(ok == (groups[_i].err == NULL), "%s", e.msg);
    if (ok) {
        draw(&out, g, n);
        ck_assert_str_eq(buf_cstr(&out), groups[_i].want);
    } else {
        ck_assert_msg(strstr(e.msg, groups[_i].err) != NULL, "%s", e.msg);
        ck_assert_uint_eq(n, 0);
    }
    buf_release(&out);
}
END_TEST

START_TEST(target_files_are_read_from_disk)
{
    target_group *g;
    size_t n;
    int64_t mtime = 0;
    err e = { 0 };
    const char *path = scratch_file(dir, "t.json", "[{\"targets\": [\"x\"]}]");
    ck_assert_msg(sd_file_read(path, &a, &g, &n, &mtime, &e), "%s", e.msg);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_gt(mtime, 1500000000);
    ck_assert(!sd_file_read(scratch_file(dir, "none.json", NULL), &a, &g, &n, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "no such file or directory"));
}
END_TEST

Suite *files_suite(void)
{
    Suite *s = suite_create("files");
    TCase *tc = tcase_create("files");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, jobs_of_other_files_follow_those_of_the_main_file);
    tcase_add_loop_test(tc, a_bad_scrape_config_file_refuses_the_whole, 0, sizeof scrape_files / sizeof *scrape_files);
    tcase_add_loop_test(tc, target_files_are_read, 0, sizeof groups / sizeof *groups);
    tcase_add_test(tc, target_files_are_read_from_disk);
    suite_add_tcase(s, tc);
    return s;
}
