/* relabel.c: see relabel.h. Behaviour of each action: Prometheus' model/relabel/relabel.go.
 *
 * A rule reads its source labels joined by the separator, then does its action: one function per action, found by a
 * table. New values live in the builder's arena. Names made by `replace` may be any non-empty UTF-8 (Prometheus 3). */
#include "model/relabel.h"
#include "base/num.h"
#include "base/utf8.h"
#include "model/md5.h"

const char *const relabel_action_names[RELABEL_N_ACTIONS] = {
    [RELABEL_REPLACE] = "replace",     [RELABEL_KEEP] = "keep",           [RELABEL_DROP] = "drop",
    [RELABEL_KEEPEQUAL] = "keepequal", [RELABEL_DROPEQUAL] = "dropequal", [RELABEL_HASHMOD] = "hashmod",
    [RELABEL_LABELMAP] = "labelmap",   [RELABEL_LABELDROP] = "labeldrop", [RELABEL_LABELKEEP] = "labelkeep",
    [RELABEL_LOWERCASE] = "lowercase", [RELABEL_UPPERCASE] = "uppercase",
};

static bytes source_value(const relabel_rule *rule, labels_builder *b)
{
    if (rule->n_source_labels == 0)
        return (bytes){ 0 };
    if (rule->n_source_labels == 1)
        return labels_builder_get(b, rule->source_labels[0]);
    size_t len = (rule->n_source_labels - 1) * rule->separator.len;
    for (size_t i = 0; i < rule->n_source_labels; i++)
        len += labels_builder_get(b, rule->source_labels[i]).len;
    char *text = arena_text(b->a, len), *at = text;
    for (size_t i = 0; i < rule->n_source_labels; i++) {
        bytes parts[] = { i ? rule->separator : (bytes){ 0 }, labels_builder_get(b, rule->source_labels[i]) };
        for (size_t k = 0; k < 2; k++) {
            if (parts[k].len)
                memcpy(at, parts[k].p, parts[k].len);
            at += parts[k].len;
        }
    }
    return (bytes){ text, len };
}

/* Each action: false drops the target or series. */
static bool do_replace(const relabel_rule *rule, labels_builder *b, bytes value)
{
    bytes target, replacement;
    if (!regex_expand(rule->re, value, rule->target_label, b->a, &target))
        return true;
    if (target.len == 0 || !utf8_valid(target))
        return true;
    regex_expand(rule->re, value, rule->replacement, b->a, &replacement);
    labels_builder_set(b, target, replacement); /* an empty one deletes */
    return true;
}

static bool do_keep(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return regex_match(rule->re, value);
}

static bool do_drop(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return !regex_match(rule->re, value);
}

static bool do_keepequal(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return bytes_eq(labels_builder_get(b, rule->target_label), value);
}

static bool do_dropequal(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return !do_keepequal(rule, b, value);
}

static bool do_hashmod(const relabel_rule *rule, labels_builder *b, bytes value)
{
    char text[24];
    uint64_t hash = md5_low64(value);
    size_t n = num_format_u64(rule->modulus ? hash % rule->modulus : hash, text);
    labels_builder_set(b, rule->target_label, arena_dup(b->a, (bytes){ text, n }));
    return true;
}

/* The builder's list as it is now: the actions on names change it while they walk. */
static label *copy_list(labels_builder *b)
{
    label *list = ARENA_ARRAY(b->a, label, b->n);
    if (b->n)
        memcpy(list, b->list, b->n * sizeof *list);
    return list;
}

static bool do_labelmap(const relabel_rule *rule, labels_builder *b, bytes value)
{
    size_t n = b->n;
    const label *list = copy_list(b);
    for (size_t i = 0; i < n; i++) {
        bytes name;
        if (regex_expand(rule->re, list[i].name, rule->replacement, b->a, &name) && name.len > 0)
            labels_builder_set(b, name, list[i].value);
    }
    return true;
}

static bool delete_names(const relabel_rule *rule, labels_builder *b, bool matching)
{
    size_t n = b->n;
    const label *list = copy_list(b);
    for (size_t i = 0; i < n; i++)
        if (regex_match(rule->re, list[i].name) == matching)
            labels_builder_del(b, list[i].name);
    return true;
}

static bool do_labeldrop(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return delete_names(rule, b, true);
}

static bool do_labelkeep(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return delete_names(rule, b, false);
}

/* The value with each rune in the other case; what is no UTF-8 becomes U+FFFD. */
static bool set_mapped(const relabel_rule *rule, labels_builder *b, bytes value, uint32_t (*map_rune)(uint32_t))
{
    char *text = arena_text(b->a, value.len * 3); /* a byte gives at most U+FFFD, and no case is 3 times as long */
    size_t len = 0;
    for (size_t i = 0; i < value.len;) {
        int width;
        uint32_t rune = utf8_decode(bytes_sub(value, i, value.len), &width);
        len += (size_t)utf8_encode(map_rune(rune), text + len);
        i += (size_t)width;
    }
    labels_builder_set(b, rule->target_label, (bytes){ text, len });
    return true;
}

static bool do_lowercase(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return set_mapped(rule, b, value, utf8_to_lower);
}

static bool do_uppercase(const relabel_rule *rule, labels_builder *b, bytes value)
{
    return set_mapped(rule, b, value, utf8_to_upper);
}

static bool (*const actions[RELABEL_N_ACTIONS])(const relabel_rule *, labels_builder *, bytes) = {
    [RELABEL_REPLACE] = do_replace,     [RELABEL_KEEP] = do_keep,           [RELABEL_DROP] = do_drop,
    [RELABEL_KEEPEQUAL] = do_keepequal, [RELABEL_DROPEQUAL] = do_dropequal, [RELABEL_HASHMOD] = do_hashmod,
    [RELABEL_LABELMAP] = do_labelmap,   [RELABEL_LABELDROP] = do_labeldrop, [RELABEL_LABELKEEP] = do_labelkeep,
    [RELABEL_LOWERCASE] = do_lowercase, [RELABEL_UPPERCASE] = do_uppercase,
};

bool relabel_apply(const relabel_rule *rules, size_t n, labels_builder *b)
{
    for (size_t i = 0; i < n; i++)
        if (!actions[rules[i].action](&rules[i], b, source_value(&rules[i], b)))
            return false;
    return true;
}
