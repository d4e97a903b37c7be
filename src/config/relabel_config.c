/* relabel_config.c: relabelling rules as prometheus.yml has them, checked as relabel.Config.Validate() checks them.
 *
 * The checks of a rule by itself run when it is decoded; those of label names once the job's validation scheme is
 * known. */
#include "base/utf8.h"
#include "config/config_priv.h"
#include <assert.h>

static_assert(offsetof(relabel_rule, n_source_labels) == offsetof(relabel_rule, source_labels) + sizeof(bytes *),
              "the two are a CONF_LIST_OF(bytes)");

static bool omit_regex(const void *obj)
{
    return !((const relabel_rule *)obj)->has_regex;
}

static bool check_source_labels(conf_ctx *c, const void *value, err *e)
{
    bytes_list l;
    memcpy(&l, value, sizeof l);
    for (size_t i = 0; i < l.n; i++) {
        if (!label_name_allowed(l.p[i], NAME_VALIDATION_UTF8))
            return err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid label name", BYTES_ARG(l.p[i]));
    }
    return true;
}

static const char *const action_names[] = {
    [RELABEL_REPLACE] = "replace",     [RELABEL_KEEP] = "keep",           [RELABEL_DROP] = "drop",
    [RELABEL_KEEPEQUAL] = "keepequal", [RELABEL_DROPEQUAL] = "dropequal", [RELABEL_HASHMOD] = "hashmod",
    [RELABEL_LABELMAP] = "labelmap",   [RELABEL_LABELDROP] = "labeldrop", [RELABEL_LABELKEEP] = "labelkeep",
    [RELABEL_LOWERCASE] = "lowercase", [RELABEL_UPPERCASE] = "uppercase", [RELABEL_N_ACTIONS] = NULL,
};

static const conf_field relabel_fields[] = {
    ROW(relabel_rule, "source_labels", CONF_LIST, source_labels, .item = CONF_STRING, .item_size = sizeof(bytes),
        .flags = CONF_OMIT_EMPTY | CONF_FLOW, .go_type = "model.LabelNames", .check = check_source_labels),
    ROW(relabel_rule, "separator", CONF_STRING, separator, .deflt = ";"),
    ROW(relabel_rule, "regex", CONF_REGEX, re, .deflt = "(.*)", OMIT, .omit = omit_regex),
    ROW(relabel_rule, "modulus", CONF_UINT, modulus, OMIT, .go_type = "uint64"),
    ROW(relabel_rule, "target_label", CONF_STRING, target_label, OMIT),
    ROW(relabel_rule, "replacement", CONF_STRING, replacement, .deflt = "$1"),
    ROW(relabel_rule, "action", CONF_ENUM, action, .deflt = "replace", .names = action_names,
        .flags = CONF_OMIT_EMPTY | CONF_ANY_CASE, .enum_error = "unknown relabel action \"$\""),
    END_ROW,
};

/* What an action asks for. */
enum {
    NEEDS_TARGET = 1, /* target_label must be there */
    LABEL_TARGET = 2, /* and be a label name */
    ONLY_TARGET = 4,  /* nothing but source_labels and target_label */
    ONLY_REGEX = 8,
    NO_REPLACEMENT = 16,
};
static const unsigned action_rules[RELABEL_N_ACTIONS] = {
    [RELABEL_REPLACE] = NEEDS_TARGET,
    [RELABEL_HASHMOD] = NEEDS_TARGET | LABEL_TARGET,
    [RELABEL_LOWERCASE] = NEEDS_TARGET | LABEL_TARGET | NO_REPLACEMENT,
    [RELABEL_UPPERCASE] = NEEDS_TARGET | LABEL_TARGET | NO_REPLACEMENT,
    [RELABEL_KEEPEQUAL] = NEEDS_TARGET | LABEL_TARGET | NO_REPLACEMENT | ONLY_TARGET,
    [RELABEL_DROPEQUAL] = NEEDS_TARGET | LABEL_TARGET | NO_REPLACEMENT | ONLY_TARGET,
    [RELABEL_LABELDROP] = ONLY_REGEX,
    [RELABEL_LABELKEEP] = ONLY_REGEX,
};

static bool finish_relabel(conf_ctx *c, void *obj, err *e)
{
    relabel_rule *r = obj;
    const yaml_node *re = yaml_get(c->at, "regex");
    r->line = c->at ? c->at->line : 0;
    r->has_regex = re != NULL;
    if (!r->re && !(r->re = conf_regex(c, BYTES(""), e)))
        return false;
    if ((int)r->action < 0)
        return err_set(e, ERR_BAD_DATA, "relabel action cannot be empty");
    const char *action = action_names[r->action];
    unsigned rules = action_rules[r->action];
    bool is_plain = r->modulus == 0 && bytes_eq(r->separator, BYTES(";")) && bytes_eq(r->replacement, BYTES("$1"));
    if (r->action == RELABEL_HASHMOD && r->modulus == 0)
        return err_set(e, ERR_BAD_DATA, "relabel configuration for hashmod requires non-zero modulus");
    if ((rules & NEEDS_TARGET) && r->target_label.len == 0)
        return err_set(e, ERR_BAD_DATA, "relabel configuration for %s action requires 'target_label' value", action);
    if ((rules & NO_REPLACEMENT) && !bytes_eq(r->replacement, BYTES("$1")))
        return err_set(e, ERR_BAD_DATA, "'replacement' can not be set for %s action", action);
    if ((rules & ONLY_TARGET) && (re || !is_plain))
        return err_set(e, ERR_BAD_DATA,
                       "%s action requires only 'source_labels' and `target_label`, and no other fields", action);
    if ((rules & ONLY_REGEX) && (r->source_labels || r->target_label.len || !is_plain))
        return err_set(e, ERR_BAD_DATA, "%s action requires only 'regex', and no other fields", action);
    return true;
}
const conf_schema relabel_schema = { "relabel.plain", sizeof(relabel_rule), relabel_fields, finish_relabel };

bool label_name_allowed(bytes name, int name_validation)
{
    if (name_validation == NAME_VALIDATION_LEGACY)
        return label_is_legacy_name(name);
    return name.len > 0 && utf8_valid(name);
}

static bool is_word_char(char ch)
{
    return ch == '_' || (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* ^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$ : a label name whose parts may be $1 or ${name}. */
static bool is_legacy_template(bytes s)
{
    bool may_be_digit = false; /* \w* follows a letter, or what a variable gives */
    for (size_t i = 0; i < s.len;) {
        bool is_digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (is_word_char(s.p[i]) && (!is_digit || may_be_digit)) {
            may_be_digit = true;
            i++;
            continue;
        }
        if (s.p[i] != '$')
            return false;
        bool has_brace = i + 1 < s.len && s.p[i + 1] == '{';
        size_t from = i + 1 + has_brace, at = from;
        while (at < s.len && is_word_char(s.p[at]))
            at++;
        if (at == from || (has_brace && (at == s.len || s.p[at] != '}')))
            return false;
        i = at + has_brace;
        may_be_digit = true;
    }
    return s.len > 0;
}

static bool is_template_allowed(bytes s, int name_validation)
{
    return name_validation == NAME_VALIDATION_LEGACY ? is_legacy_template(s) : label_name_allowed(s, name_validation);
}

static bool check_rule(const relabel_rule *r, int name_validation, err *e)
{
    const char *action = action_names[r->action];
    bool target_ok = true;
    if (r->action == RELABEL_REPLACE)
        target_ok = bytes_find(r->target_label, '$') < 0 ? label_name_allowed(r->target_label, name_validation)
                                                         : is_template_allowed(r->target_label, name_validation);
    else if (action_rules[r->action] & LABEL_TARGET)
        target_ok = label_name_allowed(r->target_label, name_validation);
    if (!target_ok)
        return err_set(e, ERR_BAD_DATA, "\"%.*s\" is invalid 'target_label' for %s action", BYTES_ARG(r->target_label),
                       action);
    if (r->action == RELABEL_LABELMAP && !is_template_allowed(r->replacement, name_validation))
        return err_set(e, ERR_BAD_DATA, "\"%.*s\" is invalid 'replacement' for %s action", BYTES_ARG(r->replacement),
                       action);
    return true;
}

bool relabel_check(conf_ctx *c, const relabel_list *rules, int name_validation, err *e)
{
    for (size_t i = 0; i < rules->n; i++) {
        if (!check_rule(&rules->p[i], name_validation, e))
            return conf_fail_line(c, rules->p[i].line, e);
    }
    return true;
}
