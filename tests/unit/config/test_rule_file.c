/* test_rule_file.c: rule files: what is read, and every finding with its place. */
#include "config/rule_file.h"
#include "test_config.h"

static arena a;

static void setup(void)
{
    arena_init(&a, 0);
}

static void teardown(void)
{
    arena_release(&a);
}

static bool check_expr(void *ctx, bytes expr, err *e)
{
    return bytes_find(expr, '!') < 0 || err_set(e, ERR_BAD_DATA, "1:1: parse error: no");
}

static bool check_template(void *ctx, bytes name, bytes text, err *e)
{
    return bytes_find(text, '{') < 0
           || err_set(e, ERR_BAD_DATA, "template: __alert_%.*s:1: unclosed action", BYTES_ARG(name));
}
static const rule_checks checks = { .expr = check_expr, .template = check_template };

START_TEST(groups_and_rules_are_read)
{
    static const char text[] = "groups:\n"
                               "- name: one\n"
                               "  interval: 30s\n"
                               "  query_offset: 1m\n"
                               "  limit: 10\n"
                               "  labels: {team: a}\n"
                               "  rules:\n"
                               "  - record: x:y\n"
                               "    expr: sum(x)\n"
                               "    labels: {b: 1, a: 2}\n"
                               "  - alert: Down\n"
                               "    expr: |\n"
                               "      up == 0\n"
                               "    for: 5m\n"
                               "    keep_firing_for: 10m\n"
                               "    annotations: {summary: s}\n"
                               "- name: two\n"
                               "  rules: []\n"
                               "---\n"
                               "not: read\n";
    rule_file *f;
    err e = { 0 };
    ck_assert_msg(rule_file_parse(bytes_of(text), "r.yml", &a, &checks, &f, NULL, &e), "%s", e.msg);
    ck_assert_uint_eq(f->groups.n, 2);
    ck_assert_uint_eq(f->n_rules, 2);
    ck_assert_str_eq(f->path.p, "r.yml");
    const rule_group_config *g = &f->groups.p[0];
    ck_assert_int_eq(g->interval_ms, 30000);
    ck_assert(g->has_query_offset && g->query_offset_ms == 60000);
    ck_assert_int_eq(g->limit, 10);
    ck_assert_str_eq(g->labels.p[0].value.p, "a");
    ck_assert(!f->groups.p[1].has_query_offset);
    const rule_config *r = g->rules.p;
    ck_assert_str_eq(r[0].record.p, "x:y");
    ck_assert_str_eq(r[0].labels.p[0].key.p, "b");
    ck_assert_uint_eq(r[0].line, 8);
    ck_assert_uint_eq(r[0].expr_line, 9);
    ck_assert_uint_eq(r[0].expr_column, 11);
    ck_assert_str_eq(r[1].expr.p, "up == 0\n");
    ck_assert_int_eq(r[1].for_ms, 300000);
    ck_assert_int_eq(r[1].keep_firing_for_ms, 600000);
}
END_TEST

#define RULE(body) "groups:\n- name: g\n  rules:\n  - " body "\n"

static const struct {
    const char *text, *errors; /* errors: all lines, each without its "r.yml: " */
} cases[] = {
    { "", "" },
    { "groups:\n", "" },
    { "groups: []\n", "" },
    { "group: []\n", "yaml: unmarshal errors:\n  line 1: field group not found in type rulefmt.RuleGroups" },
    { RULE("{record: x, exp: y}"), "yaml: unmarshal errors:\n  line 4: field exp not found in type rulefmt.Rule" },
    { RULE("{record: x, expr: y, for: 5x}"), "line 4: unknown unit \"x\" in duration \"5x\"" },
    { "groups:\n- rules: []\n", "2:3: Groupname must not be empty" },
    { "groups:\n- name: a\n- name: a\n", "3:3: groupname: \"a\" is repeated in the same file" },
    { "groups:\n- {name: a, labels: {__name__: b}}\n", "invalid label name: __name__" },
    { RULE("{record: x, alert: y, expr: z}"),
      "4:14: 4:24: group \"g\", rule 1, \"y\": only one of 'record' and 'alert' must be set" },
    { RULE("{expr: z}"), "0:0: 0:0: group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set" },
    { RULE("{record: x}"), "0:0: group \"g\", rule 1, \"x\": field 'expr' must be set in rule" },
    { RULE("{record: x, expr: '!'}"),
      "4:23: group \"g\", rule 1, \"x\": could not parse expression: 1:1: parse error: no" },
    { RULE("{record: x, expr: y, for: 1m, keep_firing_for: 1m, annotations: {a: b}}"),
      "4:14: group \"g\", rule 1, \"x\": invalid field 'annotations' in recording rule\n"
      "4:14: group \"g\", rule 1, \"x\": invalid field 'for' in recording rule\n"
      "4:14: group \"g\", rule 1, \"x\": invalid field 'keep_firing_for' in recording rule" },
    { RULE("{record: 'x{a=b}', expr: y}"),
      "4:14: group \"g\", rule 1, \"x{a=b}\": braces present in the recording rule name; "
      "should it be in expr?: x{a=b}" },
    { RULE("{alert: x, expr: y, labels: {__name__: z, '': z}, annotations: {'': z}}"),
      "group \"g\", rule 1, \"x\": invalid label name: __name__\n"
      "group \"g\", rule 1, \"x\": invalid label name: \n"
      "group \"g\", rule 1, \"x\": invalid annotation name: " },
    { RULE("{alert: x, expr: y, labels: {a: '{{'}, annotations: {b: '{{'}}"),
      "group \"g\", rule 1, \"x\": label \"a\": template: __alert_x:1: unclosed action\n"
      "group \"g\", rule 1, \"x\": annotation \"b\": template: __alert_x:1: unclosed action" },
    { RULE("{record: x, expr: y, labels: {a: '{{'}}"), "" },
    { RULE("{record: x, expr: '!'}") "  - {alert: y}\n",
      "4:23: group \"g\", rule 1, \"x\": could not parse expression: 1:1: parse error: no\n"
      "0:0: group \"g\", rule 2, \"y\": field 'expr' must be set in rule" },
};

START_TEST(every_finding_is_told)
{
    rule_file *f;
    buf errors, want;
    err e = { 0 };
    buf_init(&errors, 1 << 16);
    buf_init(&want, 1 << 16);
    bytes rest = bytes_of(cases[_i].errors), line;
    for (bool more = rest.len > 0, first = true; more; first = false) {
        more = bytes_cut(rest, '\n', &line, &rest);
        bool goes_on = bytes_has_prefix(line, BYTES("  ")); /* of one message */
        buf_printf(&want, "%s%s%.*s", first ? "" : "\n", goes_on ? "" : "r.yml: ", BYTES_ARG(line));
    }
    bool ok = rule_file_parse(bytes_of(cases[_i].text), "r.yml", &a, &checks, &f, &errors, &e);
    ck_assert_msg(ok == (want.len == 0), "%s", e.msg);
    ck_assert_str_eq(buf_cstr(&errors), buf_cstr(&want));
    if (!ok)
        ck_assert_msg(strncmp(want.p, e.msg, strlen(e.msg)) == 0, "%s", e.msg);
    buf_release(&errors);
    buf_release(&want);
}
END_TEST

START_TEST(a_missing_file_is_a_finding)
{
    rule_file *f;
    buf errors;
    err e = { 0 };
    buf_init(&errors, 1 << 16);
    ck_assert(!rule_file_load("/nonexistent.yml", &a, NULL, &f, &errors, &e));
    ck_assert_str_eq(buf_cstr(&errors), "/nonexistent.yml: open /nonexistent.yml: no such file or directory");
    buf_release(&errors);
}
END_TEST

START_TEST(unknown_fields_may_be_ignored)
{
    rule_checks lax = { .ignore_unknown_fields = true };
    rule_file *f;
    err e = { 0 };
    ck_assert_msg(rule_file_parse(BYTES(RULE("{record: x, expr: y, note: z}")), "r.yml", &a, &lax, &f, NULL, &e), "%s",
                  e.msg);
}
END_TEST

Suite *rule_file_suite(void)
{
    Suite *s = suite_create("rule_file");
    TCase *tc = tcase_create("rule_file");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, groups_and_rules_are_read);
    tcase_add_loop_test(tc, every_finding_is_told, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tc, a_missing_file_is_a_finding);
    tcase_add_test(tc, unknown_fields_may_be_ignored);
    suite_add_tcase(s, tc);
    return s;
}
