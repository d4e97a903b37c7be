/* func_info.c: info(v, {selector}): adds the data labels of info metrics (target_info unless the selector names
 * others) to the series of v that have the same `instance` and `job`.
 *
 * Info series fall into groups by name, instance and job; at each step a group speaks through its newest sample, and
 * two of the same age are an error. A series of v asks one group per info metric. As long as the same info series
 * speak, its values go into one row; when another one takes over, the labels change and a new row begins. What is read
 * is fixed before anything is known of v: the info series are selected by name and data labels only, and those of
 * other instances and jobs are put aside here.
 * Follows promql/info.go of Prometheus 3.14. */
#include "promql/func_impl.h"
#include "promql/plan.h"
#include "promql/rows.h"
#include <math.h>

enum { NOBODY = UINT32_MAX };
static const bytes id_names[] = { BYTES_INIT("instance"), BYTES_INIT("job") };   /* sorted */

typedef struct info_group {
    const labels *key;         /* name, instance, job */
    uint32_t *speaker;         /* row of info per step, or NOBODY */
} info_group;

typedef struct info_op {
    op o;
    op *base, *info;
    const matcher *names;      /* which metrics are info metrics */
    size_t n_names;
    const matcher *data;       /* the selector's matchers; those of __name__ do not count */
    size_t n_data;
    row_list base_rows, info_rows;
    label_map groups;
    info_group *group;
    label_map metrics;         /* {__name__="x"} of each info metric, in order of their coming */
    bool is_open;
    size_t at;                 /* next base row */
    row *out;                  /* rows of the current one; their columns are used again for the next */
    uint32_t **speakers;       /* of each row in out: one per metric */
    size_t n_out, out_cap, out_at;
    row base_buf;
    label_bits seen;
} info_op;

/* ---- info series ---- */

static bool is_name(const matcher *m) { return bytes_eq(m->name, LABEL_NAME); }

/* Values of instance and job among the series of v that are to be enriched. */
typedef struct known_ids {
    map values[2];
} known_ids;

static bool is_ignored(const info_op *f, const labels *base)
{
    bytes name = labels_get(base, LABEL_NAME);
    for (size_t i = 0; i < f->n_names; i++)
        if (!matcher_matches(&f->names[i], name))
            return false;
    return true;
}

static void learn_ids(const info_op *f, known_ids *ids)
{
    for (size_t i = 0; i < f->base_rows.n; i++) {
        if (is_ignored(f, f->base_rows.rows[i].labels))
            continue;
        for (size_t k = 0; k < 2; k++) {
            bytes v = labels_get(f->base_rows.rows[i].labels, id_names[k]);
            if (v.len)
                map_put(&ids->values[k], v, NULL);
        }
    }
}

static bool is_of_interest(const known_ids *ids, const labels *l)
{
    for (size_t k = 0; k < 2; k++)
        if (ids->values[k].n && !map_get(&ids->values[k], labels_get(l, id_names[k])))
            return false;
    return ids->values[0].n || ids->values[1].n;
}

static const labels *group_key(const labels *l, bytes metric, arena *a)
{
    labels_builder b;
    labels_builder_init(&b, a, labels_only(a, l, id_names, 2));
    labels_builder_set(&b, LABEL_NAME, metric);
    return labels_builder_build(&b);
}

/* Lets the info row speak for its group where it is the newest. */
static bool let_speak(info_op *f, uint32_t at, const uint64_t *asked)
{
    eval *ev = f->o.ev;
    const kept_row *x = &f->info_rows.rows[at];
    arena_reset(&ev->scratch);
    const labels *key = group_key(x->labels, labels_get(x->labels, LABEL_NAME), &ev->scratch);
    size_t g = label_map_find(&f->groups, key);
    if (g == SIZE_MAX) {
        g = label_map_add(ev, &f->groups, labels_keep(ev, key));
        f->group[g].key = f->groups.keys[g];
        if (!(f->group[g].speaker = EVAL_ARRAY(ev, uint32_t, f->o.g.n)))
            return false;
        memset(f->group[g].speaker, 0xff, f->o.g.n * sizeof *f->group[g].speaker);
    }
    for (size_t i = 0; i < f->o.g.n; i++) {
        uint32_t *s = &f->group[g].speaker[i];
        if (!kept_has(x, i))
            continue;
        if (*s == NOBODY || kept_value(&f->info_rows.rows[*s], i) < kept_value(x, i)) {
            *s = at;
            continue;
        }
        if (kept_value(&f->info_rows.rows[*s], i) > kept_value(x, i) || !bit_get(asked, i))
            continue;
        buf a, b;
        buf_init(&a, 1 << 16);
        buf_init(&b, 1 << 16);
        labels_print(&a, f->info_rows.rows[*s].labels);
        labels_print(&b, x->labels);
        long long t = llround(kept_value(x, i) * 1000);
        eval_fail(ev, ERR_EXECUTION, "found duplicate series for info metric: existing %.*s @ %lld, new %.*s @ %lld",
                  BYTES_ARG(buf_bytes(&a)), t, BYTES_ARG(buf_bytes(&b)), t);
        buf_release(&a);
        buf_release(&b);
        return false;
    }
    return true;
}

static void learn_metric(info_op *f, const labels *l)
{
    eval *ev = f->o.ev;
    const bytes name = LABEL_NAME;
    arena_reset(&ev->scratch);
    const labels *key = labels_only(&ev->scratch, l, &name, 1);
    if (label_map_find(&f->metrics, key) == SIZE_MAX)
        label_map_add(ev, &f->metrics, labels_keep(ev, key));
}

static bool info_open(info_op *f)
{
    eval *ev = f->o.ev;
    size_t words = bit_words(f->o.g.n);
    known_ids ids;
    f->is_open = true;
    if (!row_list_drain(f->base, &f->base_rows) || !row_list_drain(f->info, &f->info_rows))
        return false;
    uint64_t *asked = EVAL_ARRAY(ev, uint64_t, words);   /* steps at which v has anything */
    f->group = EVAL_ARRAY(ev, info_group, f->info_rows.n);
    if (!asked || !f->group || !row_alloc(ev, &f->base_buf, f->o.g.n))
        return false;
    for (size_t i = 0; i < f->base_rows.n; i++) {
        const kept_row *x = &f->base_rows.rows[i];
        for (size_t w = 0; w < bit_words(x->steps.n); w++)
            asked[x->steps.from / 64 + w] |= x->has[w];
    }
    for (size_t k = 0; k < 2; k++)
        map_init(&ids.values[k], MAP_BORROWED_KEYS);
    learn_ids(f, &ids);
    for (size_t i = 0; i < f->info_rows.n && !eval_failed(ev); i++) {
        if (!is_of_interest(&ids, f->info_rows.rows[i].labels))
            continue;
        learn_metric(f, f->info_rows.rows[i].labels);
        let_speak(f, (uint32_t)i, asked);
    }
    for (size_t k = 0; k < 2; k++)
        map_release(&ids.values[k]);
    return !eval_failed(ev);
}

/* ---- enriching ---- */

/* Is the label one of those asked for? */
static bool is_wanted(const info_op *f, bytes name)
{
    bool any = false;
    for (size_t i = 0; i < f->n_data; i++) {
        any |= !is_name(&f->data[i]);
        if (!is_name(&f->data[i]) && bytes_eq(f->data[i].name, name))
            return true;
    }
    return !any;
}

static bool data_may_be_absent(const info_op *f)
{
    for (size_t i = 0; i < f->n_data; i++)
        if (!is_name(&f->data[i]) && !matcher_matches_empty(&f->data[i]))
            return false;
    return true;
}

/* The base labels with what the speakers say. NULL: an error. */
static const labels *enriched(info_op *f, const labels *base, const uint32_t *speakers)
{
    eval *ev = f->o.ev;
    labels_builder said, out;
    arena_reset(&ev->scratch);
    labels_builder_init(&said, &ev->scratch, NULL);
    labels_builder_init(&out, &ev->scratch, base);
    for (size_t m = 0; m < f->metrics.n; m++) {
        if (speakers[m] == NOBODY)
            continue;
        labels_iter it = labels_walk(f->info_rows.rows[speakers[m]].labels);
        label x;
        while (labels_next(&it, &x)) {
            if (bytes_eq(x.name, LABEL_NAME) || !is_wanted(f, x.name))
                continue;
            bytes before = labels_builder_get(&said, x.name);
            if (before.len && !bytes_eq(before, x.value)) {
                eval_fail(ev, ERR_EXECUTION, "conflicting label: %.*s", BYTES_ARG(x.name));
                return NULL;
            }
            if (labels_has(base, x.name))
                continue;
            labels_builder_set(&said, x.name, x.value);
            labels_builder_set(&out, x.name, x.value);
        }
    }
    return labels_keep(ev, labels_builder_build(&out));
}

/* One more row in out. */
static bool out_grow(info_op *f)
{
    eval *ev = f->o.ev;
    if (f->n_out < f->out_cap)
        return true;
    size_t cap = f->out_cap ? f->out_cap * 2 : 4;
    row *out = EVAL_ARRAY(ev, row, cap);
    uint32_t **speakers = EVAL_ARRAY(ev, uint32_t *, cap);
    if (!out || !speakers)
        return false;
    if (f->out_cap) {
        memcpy(out, f->out, f->out_cap * sizeof *out);
        memcpy(speakers, f->speakers, f->out_cap * sizeof *speakers);
    }
    for (size_t i = f->out_cap; i < cap; i++)
        if (!row_alloc(ev, &out[i], f->o.g.n) || !(speakers[i] = EVAL_ARRAY(ev, uint32_t, f->metrics.n)))
            return false;
    f->out = out;
    f->speakers = speakers;
    f->out_cap = cap;
    return true;
}

/* The row of `out` for these speakers, made where they speak for the first time. */
static row *row_for(info_op *f, const row *base, const uint32_t *speakers)
{
    size_t m = f->metrics.n;
    for (size_t i = f->n_out; i-- > 0;)
        if (memcmp(f->speakers[i], speakers, m * sizeof *speakers) == 0)
            return &f->out[i];
    const labels *l = enriched(f, base->labels, speakers);
    if (!l || !out_grow(f))
        return NULL;
    row *r = &f->out[f->n_out];
    memcpy(f->speakers[f->n_out++], speakers, m * sizeof *speakers);
    row_clear(r, f->o.g.n);
    r->labels = l;
    r->drop_name = base->drop_name;
    return r;
}

/* Fills `out` with what becomes of a base row. */
static bool enrich(info_op *f, const row *base)
{
    eval *ev = f->o.ev;
    size_t m = f->metrics.n;
    bool may_be_absent = data_may_be_absent(f);
    size_t *asks = EVAL_ARRAY(ev, size_t, m);        /* group per metric */
    uint32_t *now = EVAL_ARRAY(ev, uint32_t, m);
    if (!asks || !now)
        return false;
    for (size_t k = 0; k < m; k++) {
        arena_reset(&ev->scratch);
        bytes metric = labels_get(f->metrics.keys[k], LABEL_NAME);
        asks[k] = label_map_find(&f->groups, group_key(base->labels, metric, &ev->scratch));
    }
    for (size_t i = 0; i < f->o.g.n; i++) {
        bool anybody = false;
        for (size_t k = 0; k < m; k++) {
            now[k] = asks[k] == SIZE_MAX ? NOBODY : f->group[asks[k]].speaker[i];
            anybody |= now[k] != NOBODY;
        }
        if (!bit_get(base->has, i) || (!anybody && !may_be_absent))
            continue;
        row *r = row_for(f, base, now);
        if (!r)
            return false;
        row_put(r, i, base->v[i]);
    }
    return true;
}

/* The next row, without looking for others of the same labels. */
static bool next_enriched(info_op *f, row *out)
{
    eval *ev = f->o.ev;
    while (f->out_at == f->n_out) {
        if (f->at == f->base_rows.n || !eval_poll(ev))
            return false;
        *out = kept_row_load(&f->base_rows.rows[f->at++], &f->base_buf, f->o.g.n);
        f->n_out = f->out_at = 0;
        if (is_ignored(f, out->labels))
            return true;
        if (!enrich(f, out))
            return false;
    }
    *out = f->out[f->out_at++];
    return true;
}

static bool info_next(op *o, row *out)
{
    info_op *f = (info_op *)o;
    eval *ev = o->ev;
    size_t words = bit_words(o->g.n);
    if (!f->is_open && !info_open(f))
        return false;
    if (!next_enriched(f, out))
        return false;
    uint64_t *bits = label_bits_put(ev, &f->seen, out->labels, o->g.n);
    if (!bits)
        return false;
    if (bits_meet(bits, out->has, words))
        return fail_same_labels(ev, NULL);
    for (size_t w = 0; w < words; w++)
        bits[w] |= out->has[w];
    return true;
}

/* ---- planning ---- */

/* The time that governs info series is that of the first selector below n: the innermost @ of it and the subqueries
 * around it, and the offsets up to there. */
static bool find_time(const ast_node *n, ast_when *out)
{
    if (n->kind == AST_SELECTOR) {
        *out = n->selector.when;
        return true;
    }
    for (size_t i = 0; ast_child(n, i); i++) {
        if (!find_time(ast_child(n, i), out))
            continue;
        if (n->kind == AST_SUBQUERY && out->at == AT_NONE) {
            out->offset_ns += n->subquery.when.offset_ns;
            out->at = n->subquery.when.at;
            out->at_ms = n->subquery.when.at_ms;
        }
        return true;
    }
    return false;
}

/* Which metrics are info metrics: what the selector says of __name__; without anything positive in it, *_info as well.
 */
static bool name_matchers(eval *ev, const ast_selector *sel, matcher *out, size_t *n)
{
    bool positive = false;
    *n = 0;
    for (size_t i = 0; sel && i < sel->n_matchers; i++) {
        if (!is_name(&sel->matchers[i]))
            continue;
        positive |= sel->matchers[i].op == MATCH_EQ || sel->matchers[i].op == MATCH_RE;
        out[(*n)++] = sel->matchers[i];
    }
    if (positive)
        return true;
    bool any = *n > 0;
    matcher *m = &out[(*n)++];
    if (!matcher_init(m, ev->a, any ? MATCH_RE : MATCH_EQ, LABEL_NAME, any ? BYTES(".+_info") : BYTES("target_info"),
                      &ev->err))
        return false;
    if (m->re)
        vec_push(&ev->regexes, m->re);
    return true;
}

bool fn_info(func_call *c)
{
    eval *ev = c->ev;
    const ast_selector *sel = c->n_args > 1 ? &c->args[1]->selector : NULL;
    size_t n_sel = sel ? sel->n_matchers : 0;
    info_op *f = op_new(ev, sizeof *f, c->g, info_next);
    if (!(f->base = call_arg(c, 0)))
        return false;
    ast_selector *from = ARENA_NEW(ev->a, ast_selector);
    from->matchers = ARENA_ARRAY(ev->a, matcher, 2 * n_sel + 1);
    if (!name_matchers(ev, sel, from->matchers, &f->n_names))
        return false;
    from->n_matchers = f->n_names;
    for (size_t i = 0; i < n_sel; i++)
        if (!is_name(&sel->matchers[i]))
            from->matchers[from->n_matchers++] = sel->matchers[i];
    find_time(c->args[0], &from->when);
    f->names = from->matchers;
    f->data = sel ? sel->matchers : NULL;
    f->n_data = n_sel;
    f->info = select_of(ev, from, c->g, true);
    f->o.may_repeat = true;
    c->out = &f->o;
    return true;
}
