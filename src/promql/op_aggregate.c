/* op_aggregate.c: aggregations that add a row to its group and forget it: sum, avg, min, max, count, group, stddev,
 * stdvar.
 *
 * A group has up to three columns of numbers, whose meaning is the operator's. Sums are compensated; a mean is sum / n
 * until the sum would overflow, and from then on adjusted value by value; variance is Welford's.
 * Follows promql/engine.go (aggregation) of Prometheus 3.14. */
#include "promql/op_aggregate.h"
#include "promql/go_math.h"
#include "promql/rows.h"

typedef struct agg_group {
    span steps;                /* what the columns cover: where rows of the group have values, and some room */
    double *v, *c, *n;         /* value or sum or mean; compensation or sum of squares; number of values */
    uint64_t *has;
    uint64_t *incremental;     /* avg: steps whose v is a mean already */
    bool drop_name;
} agg_group;

typedef struct agg_rule {
    void (*add)(agg_group *g, const row *r, span steps);
    void (*finish)(agg_group *g, size_t n);   /* NULL: v is the result */
    int n_columns;                            /* of v, c, n */
} agg_rule;

typedef struct aggregate_op {
    op o;
    op *src;
    const agg_rule *rule;
    grouping by;
    agg_group *groups;
    size_t cap;
    row buf;
    bool is_done;
    size_t at;
} aggregate_op;

/* For each step of r with a value x, i being its place in the columns: `first` where it is the group's first, else
 * `next`. */
#define AGG_ADD(name, first, next)                                                                   \
    static void name(agg_group *g, const row *r, span steps)                                         \
    {                                                                                                \
        size_t shift = steps.from - g->steps.from;                                                   \
        const double *v = r->v + steps.from;                                                         \
        const uint64_t *has = r->has + steps.from / 64;                                              \
        for (size_t w = 0; w < bit_words(steps.n); w++) {                                            \
            uint64_t *mine = &g->has[shift / 64 + w];                                                \
            for (uint64_t m = has[w]; m; m &= m - 1) {                                               \
                size_t at = w * 64 + (size_t)__builtin_ctzll(m), i = shift + at;                     \
                double x = v[at];                                                                    \
                (void)x;                                                                             \
                if (*mine & (m & -m)) {                                                              \
                    next;                                                                            \
                } else {                                                                             \
                    first;                                                                           \
                }                                                                                    \
            }                                                                                        \
            *mine |= has[w];                                                                         \
        }                                                                                            \
    }

static void add_to_mean(agg_group *g, size_t i, double x)
{
    kahan_mean m = { g->v[i], g->c[i], g->n[i], bit_get(g->incremental, i) };
    kahan_mean_add(&m, x);
    g->v[i] = m.v;
    g->c[i] = m.c;
    g->n[i] = m.n;
    if (m.incremental)
        bit_set(g->incremental, i);
}

static void add_to_variance(agg_group *g, size_t i, double x)
{
    double d = x - g->v[i];
    g->n[i]++;
    g->v[i] += d / g->n[i];
    g->c[i] += d * (x - g->v[i]);
}

AGG_ADD(agg_sum, g->v[i] = x, kahan_add(x, &g->v[i], &g->c[i]))
AGG_ADD(agg_avg, add_to_mean(g, i, x), add_to_mean(g, i, x))
AGG_ADD(agg_min, g->v[i] = x, g->v[i] = g->v[i] > x || isnan(g->v[i]) ? x : g->v[i])
AGG_ADD(agg_max, g->v[i] = x, g->v[i] = g->v[i] < x || isnan(g->v[i]) ? x : g->v[i])
AGG_ADD(agg_count, g->v[i] = 1, g->v[i]++)
AGG_ADD(agg_group_one, g->v[i] = 1, g->v[i] = 1)
AGG_ADD(agg_variance, (g->v[i] = x, g->n[i] = 1, g->c[i] = isfinite(x) ? 0 : NAN), add_to_variance(g, i, x))

static void finish_sum(agg_group *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g->v[i] += g->c[i];
}

static void finish_avg(agg_group *g, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kahan_mean m = { g->v[i], g->c[i], g->n[i], bit_get(g->incremental, i) };
        g->v[i] = kahan_mean_value(&m);
    }
}

static void finish_stdvar(agg_group *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g->v[i] = g->c[i] / g->n[i];
}

static void finish_stddev(agg_group *g, size_t n)
{
    finish_stdvar(g, n);
    for (size_t i = 0; i < n; i++)
        g->v[i] = sqrt(g->v[i]);
}

static const agg_rule agg_rules[AGG_N] = {
    [AGG_SUM] = { agg_sum, finish_sum, 2 },
    [AGG_AVG] = { agg_avg, finish_avg, 3 },
    [AGG_MIN] = { agg_min, NULL, 1 },
    [AGG_MAX] = { agg_max, NULL, 1 },
    [AGG_COUNT] = { agg_count, NULL, 1 },
    [AGG_GROUP] = { agg_group_one, NULL, 1 },
    [AGG_STDDEV] = { agg_variance, finish_stddev, 3 },
    [AGG_STDVAR] = { agg_variance, finish_stdvar, 3 },
};

/* ---- groups ---- */

static int by_bytes(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

grouping grouping_new(eval *ev, const ast_aggregate *a, bytes extra)
{
    grouping g = { .names = ARENA_ARRAY(ev->a, bytes, a->grouping.n + 2), .without = a->without };
    for (size_t i = 0; i < a->grouping.n; i++)
        g.names[g.n++] = a->grouping.names[i];
    if (a->without)
        g.names[g.n++] = LABEL_NAME;
    else if (extra.len)
        g.names[g.n++] = extra;
    qsort(g.names, g.n, sizeof *g.names, by_bytes);
    size_t n = 0;
    g.by_name = a->without;
    for (size_t i = 0; i < g.n; i++) {
        if (bytes_has_prefix(g.names[i], BYTES("__")))
            g.by_name = true;
        if (n == 0 || !bytes_eq(g.names[n - 1], g.names[i]))
            g.names[n++] = g.names[i];
    }
    g.n = n;
    return g;
}

size_t grouping_of(eval *ev, grouping *g, const row *r, bool *is_new)
{
    const labels *key = &labels_empty;
    if (g->without || g->n) {
        const labels *l = g->by_name ? row_labels(ev, r, &ev->scratch) : r->labels;
        key = g->without ? labels_without(&ev->scratch, l, g->names, g->n, false)
                         : labels_only(&ev->scratch, l, g->names, g->n);
    }
    size_t i = label_map_find(&g->groups, key);
    *is_new = i == SIZE_MAX;
    return *is_new ? label_map_add(ev, &g->groups, labels_keep(ev, key)) : i;
}

static agg_group *group_at(aggregate_op *a, size_t at)
{
    if (at >= a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 16;
        agg_group *grown = EVAL_ARRAY(a->o.ev, agg_group, cap);
        if (!grown)
            return NULL;
        if (a->cap)
            memcpy(grown, a->groups, a->cap * sizeof *grown);
        a->groups = grown;
        a->cap = cap;
    }
    return &a->groups[at];
}

static bool columns_alloc(aggregate_op *a, agg_group *g, span steps)
{
    size_t words = bit_words(steps.n), columns = (size_t)a->rule->n_columns;
    uint64_t *has = EVAL_ARRAY(a->o.ev, uint64_t, 2 * words + columns * steps.n);
    if (!has || !eval_points(a->o.ev, steps.n - g->steps.n, 0))
        return false;
    g->steps = steps;
    g->has = has;
    g->incremental = has + words;
    g->v = (double *)(void *)(has + 2 * words);
    g->c = columns > 1 ? g->v + steps.n : NULL;
    g->n = columns > 2 ? g->c + steps.n : NULL;
    return true;
}

/* What a group that has to cover `both` gets: some more where it grows, so that it does not grow often. */
static span with_room(span now, span both, size_t n_steps)
{
    if (now.n == 0)
        return both;
    size_t end = both.from + both.n, more = now.n / 64 * 64;
    if (both.from < now.from)
        both.from -= both.from < more ? both.from : more;
    if (end > now.from + now.n)
        end = end + more < n_steps ? (end + more) / 64 * 64 : n_steps;
    end = end < now.from + now.n ? now.from + now.n : end;
    return (span){ both.from, end - both.from };
}

/* Makes the columns cover the steps. */
static bool group_cover(aggregate_op *a, agg_group *g, span steps)
{
    span both = span_join(g->steps, steps);
    if (both.n == g->steps.n)
        return true;
    agg_group old = *g;
    if (!columns_alloc(a, g, with_room(old.steps, both, a->o.g.n)))
        return false;
    size_t shift = old.steps.n ? old.steps.from - g->steps.from : 0;
    double *const from[] = { old.v, old.c, old.n }, *const to[] = { g->v, g->c, g->n };
    for (int k = 0; old.steps.n && k < a->rule->n_columns; k++)
        memcpy(to[k] + shift, from[k], old.steps.n * sizeof **to);
    for (size_t w = 0; w < bit_words(old.steps.n); w++) {
        g->has[shift / 64 + w] = old.has[w];
        g->incremental[shift / 64 + w] = old.incremental[w];
    }
    return true;
}

static bool aggregate_drain(aggregate_op *a)
{
    eval *ev = a->o.ev;
    row r;
    a->is_done = true;
    if (!row_alloc(ev, &a->buf, a->o.g.n))
        return false;
    while (op_next(a->src, &r)) {
        bool is_new;
        span steps = span_of(r.has, a->o.g.n);
        if (steps.n == 0)
            continue;
        arena_reset(&ev->scratch);
        agg_group *g = group_at(a, grouping_of(ev, &a->by, &r, &is_new));
        if (!g || !group_cover(a, g, steps))
            return false;
        a->rule->add(g, &r, steps);
        g->drop_name |= r.drop_name;
    }
    return !eval_failed(ev);
}

static bool aggregate_next(op *o, row *out)
{
    aggregate_op *a = (aggregate_op *)o;
    if (!a->is_done && !aggregate_drain(a))
        return false;
    if (eval_failed(o->ev) || a->at == a->by.groups.n)
        return false;
    agg_group *g = &a->groups[a->at];
    if (a->rule->finish)
        a->rule->finish(g, g->steps.n);
    kept_row k = { .labels = a->by.groups.keys[a->at++], .v = g->v, .has = g->has, .steps = g->steps,
                   .drop_name = g->drop_name && eval_delayed(o->ev) };
    *out = kept_row_load(&k, &a->buf, o->g.n);
    return true;
}

param_range param_range_of(const double *v, size_t n)
{
    param_range p = { DBL_MAX, -DBL_MAX, false };
    for (size_t i = 0; i < n; i++) {
        p.max = go_max(p.max, v[i]);
        p.min = go_min(p.min, v[i]);
        p.has_nan |= isnan(v[i]);
    }
    return p;
}

op *aggregate_new(eval *ev, const ast_node *n, grid g)
{
    const ast_aggregate *a = &n->aggregate;
    op *param = NULL;
    if (a->param && a->op != AGG_COUNT_VALUES && !(param = plan_expr(ev, a->param, g)))
        return NULL;
    op *src = plan_expr(ev, a->expr, g);
    if (!src)
        return NULL;
    if (a->op == AGG_COUNT_VALUES)
        return count_values_new(ev, n, src);
    if (param)
        return rank_new(ev, n, src, param);
    aggregate_op *o = op_new(ev, sizeof *o, g, aggregate_next);
    o->src = src;
    o->rule = &agg_rules[a->op];
    o->by = grouping_new(ev, a, (bytes){ 0 });
    return &o->o;
}
