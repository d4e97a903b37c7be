/* test_check.c: what `check config` looks at beyond the text. */
#include "config/config_check.h"
#include "test_config.h"

static const struct {
    const char *text;
    const char *err;     /* part of the error; NULL: fine */
    const char *warning; /* part of the warnings */
} cases[] = {
    { "scrape_configs: [{job_name: a, static_configs: [{targets: ['x:1']}]}]", NULL, NULL },
    { "scrape_configs: [{job_name: a, bearer_token_file: there}]", NULL, NULL },
    { "scrape_configs: [{job_name: a, bearer_token_file: nosuch}]",
      "error checking authorization credentials or bearer token file", NULL },
    { "scrape_configs: [{job_name: a, tls_config: {cert_file: nosuch, key_file: there}}]",
      "error checking client cert file", NULL },
    { "scrape_configs: [{job_name: a, tls_config: {cert_file: there, key_file: nosuch}}]",
      "error checking client key file", NULL },
    { "scrape_configs: [{job_name: a, file_sd_configs: [{files: [nosuch.json]}]}]", NULL,
      "nosuch.json\" for file_sd in scrape job \"a\" does not exist" },
    { "scrape_configs: [{job_name: a, file_sd_configs: [{files: ['good*.json']}]}]", NULL, NULL },
    { "scrape_configs: [{job_name: a, file_sd_configs: [{files: [bad.json]}]}]", "checking SD file", NULL },
    { "scrape_configs: [{job_name: a, file_sd_configs: [{files: [url.json]}]}]", "\"http://x\" is not a valid hostname",
      NULL },
    { "alerting: {alertmanagers: [{file_sd_configs: [{files: [nosuch.yml]}]}]}", NULL,
      "for file_sd in alertmanager config does not exist" },
    /* a URL may stand as a target where relabelling turns it into an address */
    { "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://x']}], relabel_configs: [{source_labels: "
      "[__address__], target_label: y}]}]",
      "\"http://x\" is not a valid hostname", NULL },
    { "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://x']}], relabel_configs: [{target_label: "
      "__address__, replacement: 'y:1'}]}]",
      NULL, NULL },
    { "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://x']}], relabel_configs: [{source_labels: "
      "[job], "
      "regex: a, action: drop}]}]",
      NULL, NULL },
    { "scrape_configs: [{job_name: a, static_configs: [{targets: ['x']}], relabel_configs: [{regex: __address__, "
      "action: "
      "labeldrop}]}]",
      "no address", NULL },
};

START_TEST(files_and_targets_are_checked)
{
    char *dir = scratch_make();
    prom_config_options bare = { .bare_errors = true };
    prom_config *c;
    buf warnings;
    err e = { 0 };
    scratch_file(dir, "there", "x");
    scratch_file(dir, "good1.json", "[{\"targets\": [\"x:1\"]}]");
    scratch_file(dir, "bad.json", "[");
    scratch_file(dir, "url.json", "[{\"targets\": [\"http://x\"]}]");
    buf_init(&warnings, 1 << 16);
    ck_assert_msg(prom_config_load(scratch_file(dir, "p.yml", cases[_i].text), &bare, &c, &e), "%s", e.msg);
    bool ok = prom_config_check_files(c, &warnings, &e);
    ck_assert_msg(ok == (cases[_i].err == NULL), "%s", e.msg);
    if (!ok)
        ck_assert_msg(strstr(e.msg, cases[_i].err) != NULL, "%s", e.msg);
    ck_assert_int_eq(warnings.len > 0, cases[_i].warning != NULL);
    if (cases[_i].warning)
        ck_assert_msg(strstr(buf_cstr(&warnings), cases[_i].warning) != NULL, "%s", warnings.p);
    buf_release(&warnings);
    prom_config_unref(c);
    scratch_remove(dir);
}
END_TEST

START_TEST(syntax_alone_reads_no_files)
{
    prom_config *c;
    err e = { 0 };
    ck_assert(
        prom_config_parse(BYTES("scrape_configs: [{job_name: a, bearer_token_file: nosuch, file_sd_configs: [{files: "
                                "[nosuch.json]}], static_configs: [{targets: [x]}]}]"),
                          "p.yml", NULL, &c, &e));
    ck_assert(prom_config_check_targets(c, &e));
    prom_config_unref(c);
}
END_TEST

Suite *check_suite(void)
{
    Suite *s = suite_create("check");
    TCase *tc = tcase_create("check");
    tcase_add_loop_test(tc, files_and_targets_are_checked, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tc, syntax_alone_reads_no_files);
    suite_add_tcase(s, tc);
    return s;
}
