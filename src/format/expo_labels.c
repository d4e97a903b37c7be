/* expo_labels.c: the parts of an entry that are built only when somebody asks: labels, help text, and the choice of a
 * parser. See expo.h. */
#include "base/num.h"
#include "base/utf8.h"
#include "format/expo.h"
#include <math.h>
#include <stdlib.h>

/* \\ and \n, in label values \" too; other backslashes stay. */
static bytes unescape(bytes s, bool quotes, arena *a)
{
    if (bytes_find(s, '\\') < 0)
        return s;
    char *out = arena_text(a, s.len);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i], next = i + 1 < s.len ? s.p[i + 1] : 0;
        if (c == '\\' && (next == '\\' || next == 'n' || (quotes && next == '"'))) {
            c = next == 'n' ? '\n' : next;
            i++;
        }
        out[n++] = c;
    }
    return bytes_n(out, n);
}

bytes expo_help(const expo *x, arena *a)
{
    return unescape(x->text, x->lex.format == EXPO_OPENMETRICS, a);
}

/* The canonical OpenMetrics form: as Go's %g, with ".0" where it would look like an integer. */
static bytes float_label(double v, arena *a)
{
    char text[NUM_MAX_TEXT], e_text[NUM_MAX_TEXT];
    if (isnan(v) || isinf(v))
        return bytes_of(isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
    if (v == 0)
        return BYTES("0.0");
    size_t e_len = num_format_e(v, e_text);
    ptrdiff_t e_at = bytes_find(bytes_n(e_text, e_len), 'e');
    bool minus = e_text[e_at + 1] == '-';
    int64_t exp = 0;
    num_parse_i64(bytes_n(e_text + e_at + 2, e_len - (size_t)e_at - 2), &exp);
    if (minus ? exp > 4 : exp >= 6)
        return arena_dup(a, bytes_n(e_text, e_len));
    size_t len = num_format_f(v, text);
    if (!memchr(text, '.', len)) {
        text[len++] = '.';
        text[len++] = '0';
    }
    return arena_dup(a, bytes_n(text, len));
}

static bytes canonical_value(enum metric_kind kind, bytes name, bytes value, arena *a)
{
    double v;
    bool bound = (kind == KIND_HISTOGRAM && bytes_eq(name, BYTES("le")))
                 || (kind == KIND_SUMMARY && bytes_eq(name, BYTES("quantile")));
    return bound && num_parse(value, &v, NULL) ? float_label(v, a) : value;
}

static int by_name(const void *a, const void *b)
{
    return bytes_cmp(((const label *)a)->name, ((const label *)b)->name);
}

static void sort_labels(label *list, size_t n)
{
    if (n > 64) {
        qsort(list, n, sizeof *list, by_name);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        label x = list[i];
        size_t j = i;
        for (; j > 0 && bytes_cmp(list[j - 1].name, x.name) > 0; j--)
            list[j] = list[j - 1];
        list[j] = x;
    }
}

void expo_labels(expo *x, arena *a, label **list, size_t *n)
{
    const char *p = x->lex.p;
    label *out = ARENA_ARRAY(a, label, x->n_labels + 1);
    out[0].name = LABEL_NAME;
    out[0].value = unescape(bytes_n(p + x->name_at, x->name_end - x->name_at), true, a);
    for (size_t i = 0; i < x->n_labels; i++) {
        const expo_label *l = &x->labels[i];
        label *o = &out[i + 1];
        o->name = unescape(bytes_n(p + l->name, l->name_end - l->name), true, a);
        o->value = unescape(bytes_n(p + l->value, l->value_end - l->value), true, a);
        o->value = canonical_value(x->kind, o->name, o->value, a);
    }
    *n = x->n_labels + 1;
    sort_labels(out, *n);
    *list = out;
}
