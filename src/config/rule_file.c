/* rule_file.c: see rule_file.h. Checks and sentences follow model/rulefmt/rulefmt.go of Prometheus.
 *
 * A file is decoded first; if that fails, that is the one finding. Then every rule is looked at, and all that is wrong
 * is told: an operator mends a file once.                                                                      */
#include "config/rule_file.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "config/schema_rows.h"
#include <stdio.h>

/* ---- rows ---- */

static const conf_field rule_fields[] = {
    ROW(rule_config, "record", CONF_STRING, record, OMIT),
    ROW(rule_config, "alert", CONF_STRING, alert, OMIT),
    ROW(rule_config, "expr", CONF_STRING, expr),
    ROW(rule_config, "for", CONF_DURATION, for_ms, OMIT),
    ROW(rule_config, "keep_firing_for", CONF_DURATION, keep_firing_for_ms, OMIT),
    MAP(rule_config, "labels", labels, .item = CONF_STRING, OMIT),
    MAP(rule_config, "annotations", annotations, .item = CONF_STRING, OMIT),
    END_ROW,
};

/* Where a key's value stands; the object itself where the key is not there. */
static void place_of(const yaml_node *rule, const char *key, uint32_t *line, uint32_t *column)
{
    const yaml_node *n = yaml_get(rule, key);
    if (!n)
        return;
    *line = n->line;
    *column = n->column;
}

static bool finish_rule(conf_ctx *c, void *obj, err *e)
{
    rule_config *r = obj;
    r->line = c->at->line;
    r->column = c->at->column;
    place_of(c->at, "expr", &r->expr_line, &r->expr_column);
    place_of(c->at, "record", &r->record_line, &r->record_column);
    place_of(c->at, "alert", &r->alert_line, &r->alert_column);
    return true;
}
static const conf_schema rule_schema = { "rulefmt.Rule", sizeof(rule_config), rule_fields, finish_rule };

static const conf_field group_fields[] = {
    ROW(rule_group_config, "name", CONF_STRING, name),
    ROW(rule_group_config, "interval", CONF_DURATION, interval_ms, OMIT),
    ROW(rule_group_config, "query_offset", CONF_DURATION, query_offset_ms, OMIT),
    ROW(rule_group_config, "limit", CONF_INT, limit, OMIT),
    LIST(rule_group_config, "rules", rules, .of = &rule_schema, .go_type = "[]rulefmt.Rule"),
    MAP(rule_group_config, "labels", labels, .item = CONF_STRING, OMIT),
    END_ROW,
};

static bool finish_group(conf_ctx *c, void *obj, err *e)
{
    rule_group_config *g = obj;
    g->line = c->at->line;
    g->column = c->at->column;
    g->has_query_offset = !yaml_is_null(yaml_get(c->at, "query_offset"));
    return true;
}
static const conf_schema group_schema = { "rulefmt.RuleGroup", sizeof(rule_group_config), group_fields, finish_group };

static const conf_field file_fields[] = {
    LIST(rule_file, "groups", groups, .of = &group_schema, .go_type = "[]rulefmt.RuleGroup"),
    END_ROW,
};
static const conf_schema file_schema = { "rulefmt.RuleGroups", sizeof(rule_file), file_fields, NULL };

/* ---- findings ---- */

typedef struct checker {
    const rule_checks *checks;
    bytes path;
    buf *errors;
    err *e;
    size_t n_errors;
    const rule_group_config *group;
    const rule_config *rule;
    size_t number; /* of the rule in its group, from 1 */
} checker;

static void finding(checker *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One line, led by the file; the first is kept in e too. */
static void finding(checker *c, const char *fmt, ...)
{
    err one = { 0 };
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(one.msg, sizeof one.msg, fmt, ap);
    va_end(ap);
    one.kind = ERR_BAD_DATA;
    err_wrap(&one, "%.*s", BYTES_ARG(c->path));
    if (c->errors)
        buf_printf(c->errors, "%s%s", c->n_errors ? "\n" : "", one.msg);
    if (c->n_errors++ == 0)
        *c->e = one;
}

/* A finding about the rule: where says its place, "3:9: " or "". */
static void rule_finding(checker *c, const char *where, const char *what)
{
    const rule_config *r = c->rule;
    bytes name = r->alert.len ? r->alert : r->record;
    finding(c, "%sgroup \"%.*s\", rule %zu, \"%.*s\": %s", where, BYTES_ARG(c->group->name), c->number, BYTES_ARG(name),
            what);
}

typedef struct place {
    char text[32];
} place;

static place at(uint32_t line, uint32_t column)
{
    place p;
    snprintf(p.text, sizeof p.text, "%u:%u: ", line, column);
    return p;
}

/* ---- rules ---- */

static bool is_label_name(bytes name)
{
    return name.len > 0 && utf8_valid(name);
}

static void check_kind(checker *c)
{
    const rule_config *r = c->rule;
    char where[64];
    snprintf(where, sizeof where, "%u:%u: %u:%u: ", r->record_line, r->record_column, r->alert_line, r->alert_column);
    if (r->record.len && r->alert.len)
        rule_finding(c, where, "only one of 'record' and 'alert' must be set");
    if (!r->record.len && !r->alert.len)
        rule_finding(c, where, "one of 'record' or 'alert' must be set");
}

static void check_expr(checker *c)
{
    const rule_config *r = c->rule;
    place p = at(r->expr_line, r->expr_column);
    err e = { 0 };
    if (r->expr.len == 0) {
        rule_finding(c, p.text, "field 'expr' must be set in rule");
    } else if (c->checks && c->checks->expr && !c->checks->expr(c->checks->ctx, r->expr, &e)) {
        err_wrap(&e, "could not parse expression");
        rule_finding(c, p.text, e.msg);
    }
}

static void check_record(checker *c)
{
    const rule_config *r = c->rule;
    place p = at(r->record_line, r->record_column);
    char what[256];
    if (r->record.len == 0)
        return;
    if (r->annotations.n)
        rule_finding(c, p.text, "invalid field 'annotations' in recording rule");
    if (r->for_ms)
        rule_finding(c, p.text, "invalid field 'for' in recording rule");
    if (r->keep_firing_for_ms)
        rule_finding(c, p.text, "invalid field 'keep_firing_for' in recording rule");
    bytes shown = bytes_sub(r->record, 0, 128);
    if (!utf8_valid(r->record)) {
        snprintf(what, sizeof what, "invalid recording rule name: %.*s", BYTES_ARG(shown));
        rule_finding(c, p.text, what);
    }
    if (bytes_find(r->record, '{') >= 0 || bytes_find(r->record, '}') >= 0) {
        snprintf(what, sizeof what, "braces present in the recording rule name; should it be in expr?: %.*s",
                 BYTES_ARG(shown));
        rule_finding(c, p.text, what);
    }
}

static void check_names(checker *c)
{
    const rule_config *r = c->rule;
    char what[256];
    for (size_t i = 0; i < r->labels.n; i++) {
        bytes name = r->labels.p[i].key;
        snprintf(what, sizeof what, "invalid label name: %.*s", BYTES_ARG(bytes_sub(name, 0, 128)));
        if (!is_label_name(name) || bytes_eq(name, LABEL_NAME))
            rule_finding(c, "", what);
    }
    for (size_t i = 0; i < r->annotations.n; i++) {
        bytes name = r->annotations.p[i].key;
        snprintf(what, sizeof what, "invalid annotation name: %.*s", BYTES_ARG(bytes_sub(name, 0, 128)));
        if (!is_label_name(name))
            rule_finding(c, "", what);
    }
}

/* Templates stand in the labels and annotations of alerts. */
static void check_templates(checker *c, const string_map *texts, const char *kind)
{
    if (!c->checks || !c->checks->template || c->rule->alert.len == 0)
        return;
    for (size_t i = 0; i < texts->n; i++) {
        err e = { 0 };
        if (c->checks->template(c->checks->ctx, c->rule->alert, texts->p[i].value, &e))
            continue;
        err_wrap(&e, "%s \"%.*s\"", kind, BYTES_ARG(texts->p[i].key));
        rule_finding(c, "", e.msg);
    }
}

static void check_group(checker *c, const rule_group_config *g, map *seen)
{
    bool is_new;
    place p = at(g->line, g->column);
    map_put(seen, g->name, &is_new);
    if (g->name.len == 0)
        finding(c, "%sGroupname must not be empty", p.text);
    if (!is_new)
        finding(c, "%sgroupname: \"%.*s\" is repeated in the same file", p.text, BYTES_ARG(g->name));
    for (size_t i = 0; i < g->labels.n; i++) {
        if (!is_label_name(g->labels.p[i].key) || bytes_eq(g->labels.p[i].key, LABEL_NAME))
            finding(c, "invalid label name: %.*s", BYTES_ARG(g->labels.p[i].key));
    }
    c->group = g;
    for (size_t i = 0; i < g->rules.n; i++) {
        c->rule = &g->rules.p[i];
        c->number = i + 1;
        check_kind(c);
        check_expr(c);
        check_record(c);
        check_names(c);
        check_templates(c, &c->rule->labels, "label");
        check_templates(c, &c->rule->annotations, "annotation");
    }
}

static bool check_file(checker *c, rule_file *f)
{
    map seen;
    map_init(&seen, MAP_BORROWED_KEYS);
    for (size_t i = 0; i < f->groups.n; i++) {
        check_group(c, &f->groups.p[i], &seen);
        f->n_rules += f->groups.p[i].rules.n;
    }
    map_release(&seen);
    return c->n_errors == 0;
}

bool rule_file_parse(bytes text, const char *path, arena *a, const rule_checks *checks, rule_file **out, buf *errors,
                     err *e)
{
    conf_ctx ctx = { .a = a, .ignore_unknown = checks && checks->ignore_unknown_fields };
    checker c = { .checks = checks, .path = bytes_of(path), .errors = errors, .e = e };
    rule_file *f = ARENA_NEW(a, rule_file);
    const yaml_node *root;
    err why = { 0 };
    *out = NULL;
    bool ok = yaml_parse(text, a, &root, &why) && conf_decode(&ctx, root, &file_schema, f, &why);
    conf_ctx_release(&ctx);
    if (!ok)
        finding(&c, "%s", why.msg);
    f->path = (bytes){ arena_cstr(a, c.path), c.path.len };
    if (!ok || !check_file(&c, f))
        return false;
    *out = f;
    return true;
}

bool rule_file_load(const char *path, arena *a, const rule_checks *checks, rule_file **out, buf *errors, err *e)
{
    buf text;
    err why = { 0 };
    *out = NULL;
    if (!file_read(path, LIMIT_CONFIG_FILE, &text, &why)) {
        checker c = { .path = bytes_of(path), .errors = errors, .e = e };
        finding(&c, "%s", why.msg);
        buf_release(&text);
        return false;
    }
    bool ok = rule_file_parse(buf_bytes(&text), path, a, checks, out, errors, e);
    buf_release(&text);
    return ok;
}
