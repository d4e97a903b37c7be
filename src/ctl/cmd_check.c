/* cmd_check.c: tsdbctl check config|metrics|healthy|ready. */
#include "base/limits.h"
#include "base/map.h"
#include "base/vec.h"
#include "config/config_check.h"
#include "config/paths.h"
#include "config/prometheus_config.h"
#include "config/rule_file.h"
#include "ctl/check_metrics.h"
#include "ctl/commands.h"
#include "ctl/server_call.h"
#include "promql/parse.h"
#include <stdio.h>
#include <unistd.h>

enum { LINT_EXIT = 3 };

/* ---- check config ---- */

typedef struct lints {
    bool duplicate_rules, long_interval;
} lints;

static bool read_lints(const char *list, lints *out, err *e)
{
    bytes rest = bytes_of(list), one;
    bool more = rest.len > 0;
    *out = (lints){ 0 };
    while (more) {
        more = bytes_cut(rest, ',', &one, &rest);
        if (bytes_eq(one, BYTES("all")))
            *out = (lints){ true, true };
        else if (bytes_eq(one, BYTES("duplicate-rules")))
            out->duplicate_rules = true;
        else if (bytes_eq(one, BYTES("too-long-scrape-interval")))
            out->long_interval = true;
        else if (!bytes_eq(one, BYTES("none")))
            return err_set(e, ERR_BAD_DATA, "unknown lint option \"%.*s\"", BYTES_ARG(one));
    }
    return true;
}

static bool check_expr(void *ctx, bytes expr, err *e)
{
    arena a;
    ast_node *root = NULL;
    arena_init(&a, 0);
    bool ok = promql_parse(expr, 0, &a, &root, e);
    if (ok)
        ast_release(root);
    arena_release(&a);
    return ok;
}

/* Rules that would write the same series: same name and labels. Returns how many there are. */
static size_t report_duplicates(const rule_file *f, arena *a)
{
    map seen;
    map_slot *s;
    size_t n = 0;
    map_init(&seen, MAP_BORROWED_KEYS);
    for (size_t g = 0; g < f->groups.n; g++)
        for (size_t i = 0; i < f->groups.p[g].rules.n; i++) {
            const rule_config *r = &f->groups.p[g].rules.p[i];
            label *list = ARENA_ARRAY(a, label, r->labels.n + 1);
            for (size_t k = 0; k < r->labels.n; k++)
                list[k] = (label){ r->labels.p[k].key, r->labels.p[k].value };
            list[r->labels.n] = (label){ LABEL_NAME, r->record.len ? r->record : r->alert };
            const labels *l = labels_from(a, list, r->labels.n + 1);
            ++*map_put(&seen, bytes_n(l->data, l->len), NULL);
        }
    for (size_t i = 0; (s = map_next(&seen, &i));)
        n += s->value > 1;
    if (n)
        printf("%zu duplicate rule(s) found.\n", n);
    for (size_t i = 0; n && (s = map_next(&seen, &i));) {
        if (s->value < 2)
            continue;
        const labels *l = labels_from_packed(a, s->key);
        label x;
        printf("Metric: %.*s\nLabel(s):\n", BYTES_ARG(labels_get(l, LABEL_NAME)));
        for (labels_iter it = labels_walk(l); labels_next(&it, &x);)
            if (!bytes_eq(x.name, LABEL_NAME))
                printf("\t%.*s: %.*s\n", BYTES_ARG(x.name), BYTES_ARG(x.value));
    }
    if (n)
        puts("Might cause inconsistency while recording expressions");
    map_release(&seen);
    return n;
}

static int check_rule_file(const ctl_call *c, const char *path, const lints *lint)
{
    rule_checks checks = { .expr = check_expr, .ignore_unknown_fields = ctl_switch(c, "ignore-unknown-fields") };
    rule_file *f;
    buf errors;
    err e = { 0 };
    int status = 0;
    buf_init(&errors, LIMIT_MIB(4));
    printf("Checking %s\n", path);
    if (!rule_file_load(path, c->arena, &checks, &f, &errors, &e)) {
        fflush(stdout);
        fprintf(stderr, "  FAILED:\n%.*s\n", BYTES_ARG(errors.len ? buf_bytes(&errors) : bytes_of(e.msg)));
        status = 1;
    } else {
        size_t duplicates = lint->duplicate_rules ? report_duplicates(f, c->arena) : 0;
        if (duplicates && ctl_switch(c, "lint-fatal"))
            status = LINT_EXIT;
        printf("  SUCCESS: %zu rules found\n", f->n_rules);
    }
    puts("");
    buf_release(&errors);
    return status;
}

static void add_rule_files(const prom_config *cfg, arena *a, bytes_list *out, bool *ok)
{
    VEC(bytes) all = { 0 };
    err e = { 0 };
    for (size_t i = 0; i < cfg->rule_files.n; i++) {
        bytes *some = NULL;
        size_t n = 0;
        if (!path_glob(a, cfg->rule_files.p[i], &some, &n, &e)) {
            fprintf(stderr, "  FAILED: %s\n", e.msg);
            *ok = false;
        }
        bool pattern = strpbrk(cfg->rule_files.p[i].p, "*?[") != NULL;
        if (n == 0 && !pattern) {
            fprintf(stderr, "  FAILED: \"%s\" does not point to an existing file\n", cfg->rule_files.p[i].p);
            *ok = false;
        }
        for (size_t k = 0; k < n; k++)
            vec_push(&all, some[k]);
    }
    out->n = all.len;
    out->p = ARENA_ARRAY(a, bytes, all.len + 1);
    if (all.len)
        memcpy(out->p, all.p, all.len * sizeof *all.p);
    vec_free(&all);
}

/* What the file points to: credentials, certificates, targets; only the targets in it where syntax_only is set. */
static bool check_referenced(const prom_config *cfg, bool syntax_only, err *e)
{
    buf warnings;
    if (syntax_only)
        return prom_config_check_targets(cfg, e);
    buf_init(&warnings, LIMIT_MIB(4));
    bool ok = prom_config_check_files(cfg, &warnings, e);
    if (warnings.len)
        fwrite(warnings.p, 1, warnings.len, stdout);
    buf_release(&warnings);
    return ok;
}

static int check_one_config(const ctl_call *c, const char *path, const lints *lint)
{
    prom_config_options opts = { .agent = ctl_switch(c, "agent"), .bare_errors = true };
    prom_config *cfg;
    bytes_list rules = { 0 };
    err e = { 0 };
    bool ok = true;
    int status = 0;
    printf("Checking %s\n", path);
    fflush(stdout);
    if (!prom_config_load(path, &opts, &cfg, &e)) {
        fprintf(stderr, "  FAILED: %s\n\n", e.msg);
        return 1;
    }
    if (!check_referenced(cfg, ctl_switch(c, "syntax-only"), &e)) {
        fprintf(stderr, "  FAILED: %s\n\n", e.msg);
        prom_config_unref(cfg);
        return 1;
    }
    if (!ctl_switch(c, "syntax-only"))
        add_rule_files(cfg, c->arena, &rules, &ok);
    if (ok) {
        if (rules.n)
            printf("  SUCCESS: %zu rule files found\n", rules.n);
        printf(" SUCCESS: %s is valid prometheus config file syntax\n", path);
    }
    status = ok ? 0 : 1;
    puts("");
    for (size_t i = 0; i < cfg->n_jobs && lint->long_interval; i++)
        if (cfg->jobs[i]->scrape_interval_ms >= 300000) {
            fprintf(stderr, "  FAILED: too long scrape interval found, data point will be marked as stale: job: %s, interval: %llds\n",
                    cfg->jobs[i]->job_name.p, (long long)cfg->jobs[i]->scrape_interval_ms / 1000);
            status = status ? status : ctl_switch(c, "lint-fatal") ? LINT_EXIT : 0;
        }
    for (size_t i = 0; i < rules.n; i++) {
        int s = check_rule_file(c, rules.p[i].p, lint);
        status = s == 1 || status == 0 ? (s ? s : status) : status;
    }
    prom_config_unref(cfg);
    return status;
}

int cmd_check_config(ctl_call *c)
{
    lints lint;
    err e = { 0 };
    int status = 0;
    if (!read_lints(ctl_value(c, "lint"), &lint, &e))
        return ctl_fail("%s", e.msg);
    for (size_t i = 0; i < c->args.n; i++) {
        int s = check_one_config(c, c->args.p[i], &lint);
        status = s == 1 || status == 0 ? (s ? s : status) : status;
    }
    return status;
}

/* ---- check metrics ---- */

int cmd_check_metrics(ctl_call *c)
{
    bool lint = strcmp(ctl_value(c, "lint"), "none") != 0, extended = ctl_switch(c, "extended");
    if (!lint && !extended)
        return ctl_fail("at least one of --extended and --lint=all is needed");
    buf page;
    ssize_t n;
    err e = { 0 };
    buf_init(&page, LIMIT_SCRAPE_BODY_ASKED);
    for (char *at; (at = buf_reserve(&page, 1 << 16)) && (n = read(STDIN_FILENO, at, 1 << 16)) > 0;)
        buf_commit(&page, (size_t)n);
    int status = page.overflow ? ctl_fail("the page is larger than %zu bytes", page.max) : 0;
    size_t problems = 0;
    if (status == 0 && !check_metrics(buf_bytes(&page), lint, extended, &problems, &e)) {
        fprintf(stderr, "error while linting: %s\n", e.msg);
        status = 1;
    }
    buf_release(&page);
    return status ? status : problems ? LINT_EXIT : 0;
}

/* ---- check healthy, check ready ---- */

int cmd_check_health(ctl_call *c)
{
    const char *what = strrchr(c->command->words, ' ') + 1;
    char path[32];
    buf body;
    int status;
    err e = { 0 };
    snprintf(path, sizeof path, "/-/%s", what);
    server_request r = { .base = bytes_of(ctl_value(c, "url")), .path = path };
    if (!server_call(&r, c->arena, &status, &body, &e)) {
        fprintf(stderr, "  FAILED: %s\n", e.msg);
        return 1;
    }
    bool ok = status == 200;
    if (ok)
        fprintf(stderr, "  SUCCESS: %.*s\n", BYTES_ARG(bytes_trim(buf_bytes(&body))));
    else
        fprintf(stderr, "  FAILED: check failed: URL=%s%s, status=%d\n", ctl_value(c, "url"), path, status);
    buf_release(&body);
    return ok ? 0 : 1;
}
