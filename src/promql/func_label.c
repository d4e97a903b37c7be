/* func_label.c: label_replace and label_join: functions of a series' labels, not of its values.
 *
 * Series that get the same labels are one series afterwards: their rows share no step, or it is an error.
 * Follows promql/functions.go (evalLabelReplace, evalLabelJoin) of Prometheus 3.14.                             */
#include "promql/func_impl.h"
#include "base/limits.h"
#include "base/regex.h"
#include "base/utf8.h"
#include "promql/plan.h"

typedef struct label_op {
    op o;
    op *src;
    bytes dst;
    bytes template, from;      /* label_replace: replacement and source label */
    regex *re;                 /* NULL: label_join */
    bytes separator;
    const ast_node **sources;  /* label_join */
    size_t n_sources;
    label_bits seen;
} label_op;

/* *out: the new value of dst; longer than LIMIT_LABELS_BYTES: of no use. false: the row stays as it is. */
static bool replaced(const label_op *l, const labels *set, arena *a, bytes *out)
{
    return regex_expand(l->re, labels_get(set, l->from), l->template, a, out);
}

static bool joined(const label_op *l, const labels *set, arena *a, bytes *out)
{
    size_t len = l->n_sources > 1 ? (l->n_sources - 1) * l->separator.len : 0;
    for (size_t i = 0; i < l->n_sources; i++)
        len += labels_get(set, l->sources[i]->string).len;
    if (len > LIMIT_LABELS_BYTES) {
        *out = (bytes){ NULL, len };
        return true;
    }
    char *text = arena_text(a, len), *at = text;
    for (size_t i = 0; i < l->n_sources; i++) {
        bytes parts[] = { i ? l->separator : (bytes){ 0 }, labels_get(set, l->sources[i]->string) };
        for (size_t k = 0; k < 2; k++) {
            if (parts[k].len)
                memcpy(at, parts[k].p, parts[k].len);
            at += parts[k].len;
        }
    }
    *out = (bytes){ text, len };
    return true;
}

/* Equal rows are found here with delayed name removal as well. */
static bool note_labels(label_op *l, row *r)
{
    uint64_t *bits = label_bits_put(l->o.ev, &l->seen, r->labels, l->o.g.n);
    if (!bits)
        return false;
    if (bits_meet(bits, r->has, bit_words(l->o.g.n)))
        return fail_same_labels(l->o.ev, l->src);
    for (size_t w = 0; w < bit_words(l->o.g.n); w++)
        bits[w] |= r->has[w];
    return true;
}

static bool label_next(op *o, row *out)
{
    label_op *l = (label_op *)o;
    eval *ev = o->ev;
    if (!op_next(l->src, out))
        return false;
    const labels *set = row_labels(ev, out, ev->a);
    bytes value;
    if (!eval_poll(ev))   /* nested calls can double the labels again and again */
        return false;
    arena_reset(&ev->scratch);
    if (l->re ? replaced(l, set, &ev->scratch, &value) : joined(l, set, &ev->scratch, &value)) {
        labels_builder b;
        if (value.len + set->len > LIMIT_LABELS_BYTES)
            return eval_fail(ev, ERR_EXECUTION, "%s would give a series more than %zu bytes of labels",
                             l->re ? "label_replace" : "label_join", (size_t)LIMIT_LABELS_BYTES);
        labels_builder_init(&b, &ev->scratch, set);
        labels_builder_set(&b, l->dst, value);
        set = labels_keep(ev, labels_builder_build(&b));
        if (bytes_eq(l->dst, LABEL_NAME))
            out->drop_name = false;
    }
    out->labels = set;
    out->drop_name = out->drop_name && eval_delayed(ev);
    return note_labels(l, out);
}

static bool check_name(eval *ev, bytes name, const char *what, const char *func)
{
    if (name.len && utf8_valid(name))
        return true;
    return eval_fail(ev, ERR_EXECUTION, "invalid %s label name in %s(): %.*s", what, func, BYTES_ARG(name));
}

static label_op *label_new(func_call *c)
{
    op *src = call_arg(c, 0);
    if (!src)
        return NULL;
    label_op *l = op_new(c->ev, sizeof *l, c->g, label_next);
    l->src = src;
    l->dst = call_string(c, 1);
    l->o.may_repeat = true;
    c->out = &l->o;
    return l;
}

bool fn_label_replace(func_call *c)
{
    err e = { 0 };
    bytes pattern = call_string(c, 4);
    regex *re = regex_new(pattern, &e);
    if (!re)
        return eval_fail(c->ev, ERR_EXECUTION, "invalid regular expression in label_replace(): %.*s",
                         BYTES_ARG(pattern));
    vec_push(&c->ev->regexes, re);
    if (!check_name(c->ev, call_string(c, 1), "destination", "label_replace"))
        return false;
    label_op *l = label_new(c);
    if (!l)
        return false;
    l->re = re;
    l->template = call_string(c, 2);
    l->from = call_string(c, 3);
    return true;
}

bool fn_label_join(func_call *c)
{
    for (size_t i = 3; i < c->n_args; i++)
        if (!check_name(c->ev, call_string(c, i), "source", "label_join"))
            return false;
    if (!check_name(c->ev, call_string(c, 1), "destination", "label_join"))
        return false;
    label_op *l = label_new(c);
    if (!l)
        return false;
    l->separator = call_string(c, 2);
    l->sources = c->args + 3;
    l->n_sources = c->n_args - 3;
    return true;
}
