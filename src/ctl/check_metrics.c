/* check_metrics.c: see check_metrics.h. The page becomes a table of families; each rule is a function of one family.
 * Source of the rules: client_golang prometheus/testutil/promlint, and the naming page of the Prometheus documentation. */
#include "ctl/check_metrics.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "format/expo.h"
#include <stdio.h>

typedef struct family {
    bytes name, help;
    enum metric_kind kind;
    bool has_help;
    size_t series;
    bytes camel_label;       /* first label name in camelCase */
    bool has_le, has_quantile;
} family;

typedef struct lint_state {
    arena a;
    map by_name;             /* name -> index + 1 */
    VEC(family) families;
    VEC(bytes) problems;
    size_t n_series;
} lint_state;

/* ---- reading ---- */

static family *family_of(lint_state *s, bytes name)
{
    bool is_new;
    uint64_t *slot = map_put(&s->by_name, name, &is_new);
    if (is_new) {
        vec_push(&s->families, (family){ .name = name });
        *slot = s->families.len;
    }
    return &s->families.p[*slot - 1];
}

/* A series of a histogram or summary belongs to the family its TYPE line named. */
static bytes base_name(lint_state *s, bytes name)
{
    static const struct { bytes suffix; bool summary; } parts[] = {
        { BYTES_INIT("_bucket"), false }, { BYTES_INIT("_sum"), true }, { BYTES_INIT("_count"), true },
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!bytes_has_suffix(name, parts[i].suffix))
            continue;
        bytes base = bytes_sub(name, 0, name.len - parts[i].suffix.len);
        uint64_t *slot = map_get(&s->by_name, base);
        enum metric_kind kind = slot ? s->families.p[*slot - 1].kind : KIND_UNKNOWN;
        if (kind == KIND_HISTOGRAM || (kind == KIND_SUMMARY && parts[i].summary))
            return base;
    }
    return name;
}

static bool is_camel(bytes name)
{
    for (size_t i = 1; i < name.len; i++)
        if (name.p[i] >= 'A' && name.p[i] <= 'Z' && name.p[i - 1] >= 'a' && name.p[i - 1] <= 'z')
            return true;
    return false;
}

static void add_series(lint_state *s, expo *x)
{
    label *list;
    size_t n;
    expo_labels(x, &s->a, &list, &n);
    bytes name = { 0 };
    for (size_t i = 0; i < n; i++)
        if (bytes_eq(list[i].name, LABEL_NAME))
            name = list[i].value;
    family *f = family_of(s, base_name(s, name));
    f->series++;
    s->n_series++;
    for (size_t i = 0; i < n; i++) {
        f->has_le |= bytes_eq(list[i].name, BYTES("le"));
        f->has_quantile |= bytes_eq(list[i].name, BYTES("quantile"));
        if (!f->camel_label.len && is_camel(list[i].name))
            f->camel_label = list[i].name;
    }
}

static bool read_page(lint_state *s, bytes page, err *e)
{
    expo x;
    enum expo_entry entry;
    expo_init(&x, EXPO_TEXT, page);
    while ((entry = expo_next(&x, e)) > EXPO_EOF) {
        if (entry == EXPO_SERIES)
            add_series(s, &x);
        else if (entry == EXPO_TYPE)
            family_of(s, x.name)->kind = x.kind;
        else if (entry == EXPO_HELP) {
            family *f = family_of(s, x.name);
            f->has_help = x.text.len > 0;
            f->help = x.text;
        }
    }
    expo_release(&x);
    return entry == EXPO_EOF;
}

/* ---- rules ---- */

static void say(lint_state *s, const family *f, const char *text)
{
    vec_push(&s->problems, arena_bytesf(&s->a, "%.*s %s", BYTES_ARG(f->name), text));
}

static bool has_word(bytes name, const char *word)
{
    bytes rest = name, one, w = bytes_of(word);
    for (bool more = true; more;) {
        more = bytes_cut(rest, '_', &one, &rest);
        if (bytes_eq_nocase(one, w))
            return true;
    }
    return false;
}

static void rule_help(lint_state *s, const family *f)
{
    if (!f->has_help)
        say(s, f, "no help text");
}

static void rule_counter(lint_state *s, const family *f)
{
    bool total = bytes_has_suffix(f->name, BYTES("_total"));
    if (f->kind == KIND_COUNTER && !total)
        say(s, f, "counter metrics should have \"_total\" suffix");
    else if (f->kind != KIND_COUNTER && f->kind != KIND_UNKNOWN && total)
        say(s, f, "non-counter metrics should not have \"_total\" suffix");
}

static void rule_reserved(lint_state *s, const family *f)
{
    if (f->kind == KIND_UNKNOWN)
        return;
    bool histogram = f->kind == KIND_HISTOGRAM, summary = f->kind == KIND_SUMMARY;
    if (!histogram && bytes_has_suffix(f->name, BYTES("_bucket")))
        say(s, f, "non-histogram metrics should not have \"_bucket\" suffix");
    if (!histogram && !summary && bytes_has_suffix(f->name, BYTES("_count")))
        say(s, f, "non-histogram and non-summary metrics should not have \"_count\" suffix");
    if (!histogram && !summary && bytes_has_suffix(f->name, BYTES("_sum")))
        say(s, f, "non-histogram and non-summary metrics should not have \"_sum\" suffix");
    if (!histogram && f->has_le)
        say(s, f, "non-histogram metrics should not have \"le\" label");
    if (!summary && f->has_quantile)
        say(s, f, "non-summary metrics should not have \"quantile\" label");
}

static void rule_type_in_name(lint_state *s, const family *f)
{
    if (f->kind == KIND_UNKNOWN)
        return;
    for (enum metric_kind k = KIND_COUNTER; k < KIND_N; k++)
        if (has_word(f->name, metric_kind_names[k])) {
            vec_push(&s->problems, arena_bytesf(&s->a, "%.*s metric name should not include type '%s'", BYTES_ARG(f->name),
                                                metric_kind_names[k]));
        }
}

static void rule_characters(lint_state *s, const family *f)
{
    if (bytes_find(f->name, ':') >= 0)
        say(s, f, "metric names should not contain ':'");
    if (is_camel(f->name))
        say(s, f, "metric names should be written in 'snake_case' not 'camelCase'");
    if (f->camel_label.len)
        say(s, f, "label names should be written in 'snake_case' not 'camelCase'");
}

static void rule_units(lint_state *s, const family *f)
{
    static const char *const abbreviated[] = { "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d" };
    static const struct { const char *unit, *base; } units[] = {
        { "milliseconds", "seconds" }, { "microseconds", "seconds" }, { "nanoseconds", "seconds" }, { "minutes", "seconds" },
        { "hours", "seconds" }, { "days", "seconds" }, { "weeks", "seconds" }, { "kelvins", "celsius" },
        { "fahrenheit", "celsius" }, { "rankine", "celsius" }, { "millimeters", "meters" }, { "centimeters", "meters" },
        { "kilometers", "meters" }, { "inches", "meters" }, { "miles", "meters" }, { "bits", "bytes" },
        { "kilobytes", "bytes" }, { "megabytes", "bytes" }, { "gigabytes", "bytes" }, { "terabytes", "bytes" },
        { "kibibytes", "bytes" }, { "mebibytes", "bytes" }, { "gibibytes", "bytes" }, { "grams", "kilograms" },
        { "milligrams", "kilograms" }, { "percent", "ratio" }, { "calories", "joules" }, { "kilowatts", "watts" },
        { "millivolts", "volts" }, { "milliamperes", "amperes" },
    };
    for (size_t i = 0; i < sizeof abbreviated / sizeof abbreviated[0]; i++)
        if (has_word(f->name, abbreviated[i])) {
            say(s, f, "metric names should not contain abbreviated units");
            break;
        }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (has_word(f->name, units[i].unit)) {
            vec_push(&s->problems, arena_bytesf(&s->a, "%.*s use base unit \"%s\" instead of \"%s\"", BYTES_ARG(f->name),
                                                units[i].base, units[i].unit));
            break;
        }
}

static void (*const rules[])(lint_state *s, const family *f) = {
    rule_help, rule_counter, rule_reserved, rule_type_in_name, rule_characters, rule_units,
};

/* ---- output ---- */

static int by_text(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

static void print_problems(lint_state *s)
{
    for (size_t i = 0; i < s->families.len; i++)
        for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++)
            rules[r](s, &s->families.p[i]);
    if (s->problems.len)
        qsort(s->problems.p, s->problems.len, sizeof *s->problems.p, by_text);
    for (size_t i = 0; i < s->problems.len; i++)
        fprintf(stderr, "%.*s\n", BYTES_ARG(s->problems.p[i]));
}

static int by_cardinality(const void *pa, const void *pb)
{
    const family *a = pa, *b = pb;
    return a->series != b->series ? (a->series < b->series) - (a->series > b->series) : bytes_cmp(a->name, b->name);
}

/* Columns as Go's tabwriter lays them out: cells padded to the widest and four spaces. */
static void print_cardinality(lint_state *s)
{
    size_t name_width = strlen("Metric"), count_width = strlen("Cardinality");
    for (size_t i = 0; i < s->families.len; i++)
        name_width = s->families.p[i].name.len > name_width ? s->families.p[i].name.len : name_width;
    if (s->families.len)
        qsort(s->families.p, s->families.len, sizeof *s->families.p, by_cardinality);
    printf("%-*s    %-*s    %-10s    \n", (int)name_width, "Metric", (int)count_width, "Cardinality", "Percentage");
    for (size_t i = 0; i < s->families.len; i++) {
        const family *f = &s->families.p[i];
        char percent[32];
        snprintf(percent, sizeof percent, "%.2f%%", 100.0 * (double)f->series / (double)(s->n_series ? s->n_series : 1));
        printf("%-*.*s    %-*zu    %-10s    \n", (int)name_width, BYTES_ARG(f->name), (int)count_width, f->series, percent);
    }
}

bool check_metrics(bytes page, bool lint, bool extended, size_t *problems, err *e)
{
    lint_state s = { 0 };
    arena_init(&s.a, 0);
    map_init(&s.by_name, MAP_BORROWED_KEYS);
    bool ok = read_page(&s, page, e);
    if (ok && lint)
        print_problems(&s);
    if (ok && extended)
        print_cardinality(&s);
    *problems = s.problems.len;
    vec_free(&s.families);
    vec_free(&s.problems);
    map_release(&s.by_name);
    arena_release(&s.a);
    return ok;
}
