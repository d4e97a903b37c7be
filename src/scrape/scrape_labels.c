/* scrape_labels.c: see scrape_labels.h. */
#include "scrape/scrape_labels.h"
#include "base/limits.h"
#include "base/utf8.h"
#include <stdlib.h>

#define EXPORTED_PREFIX "exported_"

/* ---- the line's own labels, in a builder */

/* What makes a list of labels unfit to be a set. */
typedef struct flaws {
    bytes repeated; /* one of the names that stand there twice */
    bool empty_name;
} flaws;

/* Empty values count as missing; of a repeated name the builder gets the first. */
static void load(labels_builder *b, arena *a, const label *list, size_t n, flaws *f)
{
    labels_builder_init(b, a, NULL);
    b->list = ARENA_ARRAY(a, label, n + 8);
    b->cap = n + 8;
    for (size_t i = 0; i < n; i++) {
        if (list[i].value.len == 0)
            continue;
        if (list[i].name.len == 0)
            f->empty_name = true;
        else if (b->n > 0 && bytes_eq(b->list[b->n - 1].name, list[i].name))
            f->repeated = list[i].name;
        else
            b->list[b->n++] = list[i];
    }
}

/* Was the name on the line, even with an empty value? */
static bool on_line(const label *list, size_t n, bytes name)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_eq(list[i].name, name))
            return true;
    return false;
}

/* honor_labels: what the line says stands, also where it says "none". */
static void add_honoring(labels_builder *b, const labels *target, const label *list, size_t n)
{
    labels_iter it = labels_walk(target);
    label t;
    while (labels_next(&it, &t))
        if (!on_line(list, n, t.name))
            labels_builder_set(b, t.name, t.value);
}

static int by_name_length(const void *a, const void *b)
{
    const label *x = a, *y = b;
    if (x->name.len != y->name.len)
        return x->name.len < y->name.len ? -1 : 1;
    return bytes_cmp(x->name, y->name);
}

/* The target's labels win; the line's own move to the first free exported_ name. */
static void add_overriding(labels_builder *b, const labels *target)
{
    size_t n = 0;
    label *moved = ARENA_ARRAY(b->a, label, labels_count(target) + 1);
    labels_iter it = labels_walk(target);
    label t;
    while (labels_next(&it, &t)) {
        bytes own = labels_builder_get(b, t.name);
        if (own.len > 0)
            moved[n++] = (label){ t.name, own };
        labels_builder_set(b, t.name, t.value);
    }
    qsort(moved, n, sizeof *moved, by_name_length);
    for (size_t i = 0; i < n; i++) {
        bytes name = moved[i].name;
        do {
            name = arena_bytesf(b->a, EXPORTED_PREFIX "%.*s", BYTES_ARG(name));
        } while (labels_builder_get(b, name).len > 0);
        labels_builder_set(b, name, moved[i].value);
    }
}

/* ---- checks */

static bool valid_name(const scrape_config *sc, const label *l)
{
    bool metric = bytes_eq(l->name, LABEL_NAME);
    if (sc->name_validation == NAME_VALIDATION_LEGACY)
        return label_is_legacy_name(l->name) && (!metric || label_is_legacy_metric_name(l->value));
    return utf8_valid(l->name);
}

static bool check_names(const scrape_config *sc, const labels *l, const flaws *f, err *e)
{
    if (!labels_has(l, LABEL_NAME))
        return err_set(e, ERR_BAD_DATA, "missing metric name (__name__ label)");
    labels_iter it = labels_walk(l);
    label x;
    bool ok = !f->empty_name;
    while (ok && labels_next(&it, &x))
        ok = valid_name(sc, &x) && utf8_valid(x.value);
    if (ok)
        return true;
    buf b;
    buf_init(&b, sizeof e->msg);
    labels_print(&b, l);
    err_set(e, ERR_BAD_DATA, "invalid metric name or label names: %.*s", BYTES_ARG(buf_bytes(&b)));
    buf_release(&b);
    return false;
}

/* As Go's %.50s: the first 50 runes. */
static bytes first_runes(bytes s)
{
    size_t at = 0;
    for (int i = 0; i < 50 && at < s.len; i++) {
        int width;
        utf8_decode(bytes_sub(s, at, SIZE_MAX), &width);
        at += (size_t)width;
    }
    return bytes_sub(s, 0, at);
}

static bool value_too_long(bytes metric, const label *l, uint64_t limit, err *e)
{
    buf q;
    buf_init(&q, 1024);
    utf8_quote(&q, first_runes(l->value));
    err_set(e, ERR_BAD_DATA,
            "label_value_length_limit exceeded (metric: %.*s, label name: %.*s, value: %.*s, length: %zu, limit: %llu)",
            BYTES_ARG(metric), BYTES_ARG(first_runes(l->name)), BYTES_ARG(buf_bytes(&q)), l->value.len,
            (unsigned long long)limit);
    buf_release(&q);
    return false;
}

static bool check_limits(const scrape_config *sc, const labels *l, err *e)
{
    bytes metric = first_runes(labels_get(l, LABEL_NAME));
    size_t n = labels_count(l);
    if (sc->label_limit > 0 && n > sc->label_limit)
        return err_set(e, ERR_BAD_DATA, "label_limit exceeded (metric: %.*s, number of labels: %zu, limit: %llu)",
                       BYTES_ARG(metric), n, (unsigned long long)sc->label_limit);
    labels_iter it = labels_walk(l);
    label x;
    while (labels_next(&it, &x)) {
        if (sc->label_name_length_limit > 0 && x.name.len > sc->label_name_length_limit)
            return err_set(
                e, ERR_BAD_DATA,
                "label_name_length_limit exceeded (metric: %.*s, label name: %.*s, length: %zu, limit: %llu)",
                BYTES_ARG(metric), BYTES_ARG(first_runes(x.name)), x.name.len,
                (unsigned long long)sc->label_name_length_limit);
        if (sc->label_value_length_limit > 0 && x.value.len > sc->label_value_length_limit)
            return value_too_long(metric, &x, sc->label_value_length_limit, e);
    }
    return true;
}

static bool any_limit(const scrape_config *sc)
{
    return sc->label_limit > 0 || sc->label_name_length_limit > 0 || sc->label_value_length_limit > 0;
}

bool scrape_labels(const scrape_config *sc, const labels *target, label *list, size_t n, arena *a, const labels **out,
                   bool *over_limit, err *e)
{
    labels_builder b;
    flaws f = { 0 };
    load(&b, a, list, n, &f);
    if (sc->honor_labels)
        add_honoring(&b, target, list, n);
    else
        add_overriding(&b, target);
    *out = NULL;
    if (!relabel_apply(sc->metric_relabel.p, sc->metric_relabel.n, &b) || b.n == 0)
        return true;
    const labels *l = labels_builder_build(&b);
    if (!check_names(sc, l, &f, e))
        return false;
    if (any_limit(sc) && !check_limits(sc, l, e)) {
        *over_limit = true;
        return false;
    }
    if (f.repeated.len > 0 && labels_has(l, f.repeated) && (sc->honor_labels || !labels_has(target, f.repeated)))
        return err_set(e, ERR_BAD_DATA, "label name \"%.*s\" is not unique: invalid sample", BYTES_ARG(f.repeated));
    if (l->len > LIMIT_LABELS_BYTES || b.n > LIMIT_LABELS)
        return err_set(e, ERR_BAD_DATA, "series with too many or too long labels (%zu of them, %u bytes)", b.n, l->len);
    *out = l;
    return true;
}

const labels *scrape_report_labels(const labels *target, bytes name, arena *a)
{
    labels_builder b;
    labels_builder_init(&b, a, target);
    labels_builder_set(&b, LABEL_NAME, name);
    return labels_builder_build(&b);
}
