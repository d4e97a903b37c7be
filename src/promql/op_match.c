/* op_match.c: arithmetic and comparison between two instant vectors.
 *
 * The rows of the "one" side (the right one, but with group_right) are kept in groups by the labels that match; the
 * rows of the other side, "many", pass by one after the other and meet the rows of their group at the steps where both
 * have a value. Rows with equal result labels need not be merged here: they share no step.
 *
 * Prometheus checks step by step and stops at the first step with an error, whose kinds are, in this order:
 * 1. two rows of a group on the one side, wherever the other side has anything at all at that step;
 * 2. a second pair for a group (one-to-one), or for a result label set within a group, counted before filtering.
 * Here rows come one by one, so the steps with errors are collected as bits and the earliest is reported at the end.
 * Follows promql/engine.go (VectorBinop, resultMetric) of Prometheus 3.14. */
#include "promql/op_binary.h"
#include "promql/rows.h"

typedef struct one_row {
    kept_row r;
    size_t group;
    size_t next;              /* of the same group; SIZE_MAX: the last */
} one_row;

typedef struct one_group {
    size_t first, last;
    uint64_t *has;            /* steps where one of its rows has a value */
    uint64_t *paired;         /* steps that have found a partner */
} one_group;

typedef struct match_op {
    op o;
    const ast_binary *b;
    const binary_rule *rule;
    match_key key;
    match_key out_key;        /* labels a one-to-one result keeps or loses */
    op *many, *one;
    bool swapped;             /* the one side is the left one */
    place at;
    /* the one side */
    bool is_open;
    one_row *ones;
    size_t n_ones;
    label_map groups;
    one_group *group;
    size_t group_cap;
    uint64_t *doubled;        /* (1) */
    uint64_t *repeated;       /* (2) */
    uint64_t *many_any;       /* steps at which the many side has anything */
    label_bits results;       /* result sets with their groups, for (2) */
    /* the pair at hand */
    bool has_many;
    row m;
    const labels *m_labels;
    size_t m_group;           /* SIZE_MAX: none */
    size_t partner;           /* next of the one side, SIZE_MAX: none left */
    bool m_filled;
    size_t fill_at;           /* the many side is through: next row of the one side without partners */
    bool many_done;
    row buf, one_buf;
    uint64_t *holds;
    double *filler;           /* n times the same value */
} match_op;

static bool has_fill(const match_op *m, bool of_one)
{
    return of_one ? m->b->has_fill_right
                  : m->b->has_fill_left; /* as Prometheus: by name, also where sides are swapped */
}

/* ---- the one side ---- */

/* The group of a set, made where it is new. SIZE_MAX: over the budget. */
static size_t group_put(match_op *m, const labels *l)
{
    eval *ev = m->o.ev;
    size_t words = bit_words(m->o.g.n);
    arena_reset(&ev->scratch);
    const labels *key = match_group(&m->key, l, &ev->scratch);
    size_t i = label_map_find(&m->groups, key);
    if (i != SIZE_MAX)
        return i;
    i = label_map_add(ev, &m->groups, labels_keep(ev, key));
    if (i >= m->group_cap) {
        size_t cap = m->group_cap ? m->group_cap * 2 : 16;
        one_group *grown = EVAL_ARRAY(ev, one_group, cap);
        if (!grown)
            return SIZE_MAX;
        if (m->group_cap)
            memcpy(grown, m->group, m->group_cap * sizeof *grown);
        m->group = grown;
        m->group_cap = cap;
    }
    one_group *g = &m->group[i];
    g->first = g->last = SIZE_MAX;
    g->has = EVAL_ARRAY(ev, uint64_t, words);
    g->paired = EVAL_ARRAY(ev, uint64_t, words);
    return g->has && g->paired ? i : SIZE_MAX;
}

static bool add_one(match_op *m, one_row *x, size_t i)
{
    x->next = SIZE_MAX;
    x->group = group_put(m, x->r.labels);
    if (x->group == SIZE_MAX)
        return false;
    one_group *g = &m->group[x->group];
    if (g->first == SIZE_MAX)
        g->first = i;
    else
        m->ones[g->last].next = i;
    g->last = i;
    for (size_t k = 0; k < bit_words(x->r.steps.n); k++) {
        size_t w = x->r.steps.from / 64 + k;
        m->doubled[w] |= g->has[w] & x->r.has[k];
        g->has[w] |= x->r.has[k];
    }
    return true;
}

static bool match_open(match_op *m)
{
    eval *ev = m->o.ev;
    size_t n = m->o.g.n, words = bit_words(n);
    row_list rows = { 0 };
    m->is_open = true;
    m->doubled = EVAL_ARRAY(ev, uint64_t, words);
    m->repeated = EVAL_ARRAY(ev, uint64_t, words);
    m->many_any = EVAL_ARRAY(ev, uint64_t, words);
    m->holds = EVAL_ARRAY(ev, uint64_t, words);
    m->filler = EVAL_ARRAY(ev, double, n);
    if (eval_failed(ev) || !row_alloc(ev, &m->buf, n) || !row_alloc(ev, &m->one_buf, n))
        return false;
    if (!row_list_drain(m->one, &rows))
        return m->swapped ? false : fail_earlier(m->many);
    m->n_ones = rows.n;
    m->ones = EVAL_ARRAY(ev, one_row, rows.n);
    if (!m->ones)
        return false;
    for (size_t i = 0; i < rows.n; i++) {
        m->ones[i].r = rows.rows[i];
        if (!add_one(m, &m->ones[i], i))
            return false;
    }
    return true;
}

/* ---- one pair ---- */

static const labels *result_labels(match_op *m, const labels *many, const labels *one)
{
    eval *ev = m->o.ev;
    const ast_binary *b = m->b;
    bool drop = m->rule->arithmetic || (b->return_bool && !eval_delayed(ev));
    const labels *l = drop ? labels_without(&ev->scratch, many, NULL, 0, true) : many;
    if (b->card == CARD_ONE_TO_ONE)
        l = m->out_key.on ? labels_only(&ev->scratch, l, m->out_key.names, m->out_key.n)
                          : labels_without(&ev->scratch, l, m->out_key.names, m->out_key.n, false);
    if (b->include.n == 0)
        return l;
    labels_builder lb;
    labels_builder_init(&lb, &ev->scratch, l);
    for (size_t i = 0; i < b->include.n; i++)
        labels_builder_set(&lb, b->include.names[i], labels_get(one, b->include.names[i]));
    return labels_builder_build(&lb);
}

/* (2): is this pair's result, or its group, taken at one of the steps in m->buf.has? */
static bool count_pair(match_op *m, const labels *result, size_t group)
{
    eval *ev = m->o.ev;
    size_t words = bit_words(m->o.g.n);
    uint64_t *paired = m->group[group].paired, *taken = paired;
    if (m->b->card != CARD_ONE_TO_ONE) {
        char text[24];
        labels_builder lb;   /* the group's number is made a label: a set may come again in another group */
        labels_builder_init(&lb, &ev->scratch, result);
        labels_builder_set(&lb, BYTES("\xff"), (bytes){ text, num_format_i64((int64_t)group, text) });
        if (!(taken = label_bits_put(ev, &m->results, labels_builder_build(&lb), m->o.g.n)))
            return false;
    }
    for (size_t w = 0; w < words; w++) {
        m->repeated[w] |= taken[w] & m->buf.has[w];
        taken[w] |= m->buf.has[w];
        paired[w] |= m->buf.has[w];
    }
    return true;
}

/* The result of m->buf.has's steps: many and one are columns with the labels that go with them. false: none, or an
 * error. */
static bool make_pair(match_op *m, const double *many, const labels *many_labels, const double *one,
                      const labels *one_labels, size_t group, row *out)
{
    eval *ev = m->o.ev;
    size_t n = m->o.g.n;
    arena_reset(&ev->scratch);
    const labels *result = result_labels(m, many_labels, one_labels);
    if (m->rule->arithmetic || m->rule->comparison) {
        if (!count_pair(m, result, group))
            return false;
    } else {
        binary_note_types(ev, m->rule, m->b->op, m->at);
    }
    binary_sides s = { m->swapped ? one : many, m->swapped ? many : one, m->swapped ? one : many, m->buf.v };
    binary_values(m->rule, m->b->return_bool, n, s, m->holds);
    for (size_t w = 0; !m->rule->arithmetic && !m->b->return_bool && w < bit_words(n); w++)
        m->buf.has[w] &= m->holds[w];
    if (!bits_any(m->buf.has, bit_words(n)))
        return false;
    *out = m->buf;
    out->labels = result == many_labels && many_labels == m->m_labels ? result : labels_keep(ev, result);
    out->drop_name = m->b->return_bool;
    return true;
}

static void set_filler(match_op *m, double v)
{
    for (size_t i = 0; i < m->o.g.n; i++)
        m->filler[i] = v;
}

/* The current row of the many side with its next partner, then with what stands in for missing ones. */
static bool next_pair(match_op *m, row *out)
{
    size_t words = bit_words(m->o.g.n);
    while (m->partner != SIZE_MAX) {
        row one = kept_row_load(&m->ones[m->partner].r, &m->one_buf, m->o.g.n);
        m->partner = m->ones[m->partner].next;
        for (size_t w = 0; w < words; w++)
            m->buf.has[w] = m->m.has[w] & one.has[w];
        if (bits_any(m->buf.has, words) && make_pair(m, m->m.v, m->m_labels, one.v, one.labels, m->m_group, out))
            return true;
        if (eval_failed(m->o.ev))
            return false;
    }
    if (m->m_filled || !has_fill(m, true))
        return false;
    m->m_filled = true;
    for (size_t w = 0; w < words; w++)
        m->buf.has[w] = m->m.has[w] & ~m->group[m->m_group].has[w];
    if (!bits_any(m->buf.has, words))
        return false;
    set_filler(m, m->b->fill_right);
    return make_pair(m, m->m.v, m->m_labels, m->filler, match_group(&m->key, m->m_labels, m->o.ev->a), m->m_group, out);
}

static bool next_many(match_op *m)
{
    eval *ev = m->o.ev;
    m->has_many = false;
    if (!eval_poll(ev) || !op_next(m->many, &m->m))
        return false;
    for (size_t w = 0; w < bit_words(m->o.g.n); w++)
        m->many_any[w] |= m->m.has[w];
    m->m_labels = row_labels(ev, &m->m, ev->a);
    if (has_fill(m, true)) {
        m->m_group = group_put(m, m->m_labels);
    } else {
        arena_reset(&ev->scratch);
        m->m_group = label_map_find(&m->groups, match_group(&m->key, m->m_labels, &ev->scratch));
    }
    m->partner = m->m_group == SIZE_MAX ? SIZE_MAX : m->group[m->m_group].first;
    m->m_filled = false;
    return m->has_many = !eval_failed(ev);
}

/* Rows of the one side at steps where their group found no partner. */
static bool next_filled(match_op *m, row *out)
{
    size_t words = bit_words(m->o.g.n);
    while (has_fill(m, false) && m->fill_at < m->n_ones) {
        size_t group = m->ones[m->fill_at].group;
        row one = kept_row_load(&m->ones[m->fill_at++].r, &m->one_buf, m->o.g.n);
        for (size_t w = 0; w < words; w++)
            m->buf.has[w] = one.has[w] & ~m->group[group].paired[w];
        if (!bits_any(m->buf.has, words))
            continue;
        set_filler(m, m->b->fill_left);
        const labels *stand_in = match_group(&m->key, one.labels, m->o.ev->a);
        if (make_pair(m, m->filler, stand_in, one.v, one.labels, group, out))
            return true;
        if (eval_failed(m->o.ev))
            return false;
    }
    return false;
}

/* ---- errors ---- */

static size_t first_bit(const uint64_t *b, size_t words)
{
    for (size_t w = 0; w < words; w++)
        if (b[w])
            return w * 64 + (size_t)__builtin_ctzll(b[w]);
    return SIZE_MAX;
}

static bool fail_doubled(match_op *m, size_t step)
{
    eval *ev = m->o.ev;
    const labels **seen = EVAL_ARRAY(ev, const labels *, m->n_ones);
    for (size_t i = 0; seen && i < m->n_ones; i++) {
        const one_row *x = &m->ones[i];
        if (!kept_has(&x->r, step))
            continue;
        if (!seen[x->group]) {
            seen[x->group] = x->r.labels;
            continue;
        }
        buf text[3];
        const labels *sets[3] = { m->groups.keys[x->group], seen[x->group], x->r.labels };
        for (size_t k = 0; k < 3; k++) {
            buf_init(&text[k], 1 << 16);
            labels_print(&text[k], sets[k]);
        }
        bytes a = buf_bytes(&text[1]), b = buf_bytes(&text[2]);
        bool in_order = bytes_cmp(a, b) <= 0;
        eval_fail(ev, ERR_EXECUTION,
                  "found duplicate series for the match group %.*s on the %s hand-side of the operation: [%.*s, %.*s];"
                  "many-to-many matching not allowed: matching labels must be unique on one side",
                  BYTES_ARG(buf_bytes(&text[0])), m->swapped ? "left" : "right", BYTES_ARG(in_order ? a : b),
                  BYTES_ARG(in_order ? b : a));
        for (size_t k = 0; k < 3; k++)
            buf_release(&text[k]);
        return false;
    }
    return false;
}

static bool match_check(match_op *m)
{
    eval *ev = m->o.ev;
    size_t words = bit_words(m->o.g.n);
    bool fills = m->b->has_fill_left || m->b->has_fill_right;
    for (size_t w = 0; w < words; w++)
        m->doubled[w] &= fills ? UINT64_MAX : m->many_any[w];
    size_t doubled = first_bit(m->doubled, words), repeated = first_bit(m->repeated, words);
    if (doubled != SIZE_MAX && doubled <= repeated)
        return fail_doubled(m, doubled);
    if (repeated == SIZE_MAX)
        return true;
    return m->b->card == CARD_ONE_TO_ONE
        ? eval_fail(ev, ERR_EXECUTION,
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
        : eval_fail(ev, ERR_EXECUTION, "multiple matches for labels: grouping labels must ensure unique matches");
}

static bool match_next(op *o, row *out)
{
    match_op *m = (match_op *)o;
    if (!m->is_open && !match_open(m))
        return false;
    while (!m->many_done) {
        if (m->has_many && next_pair(m, out))
            return true;
        if (eval_failed(o->ev))
            return false;
        m->many_done = !next_many(m);
    }
    if (eval_failed(o->ev))
        return false;
    if (next_filled(m, out))
        return true;
    if (!eval_failed(o->ev))
        match_check(m);
    return false;
}

/* ---- planning ---- */

static int by_bytes(const void *a, const void *b)
{
    return bytes_cmp(*(const bytes *)a, *(const bytes *)b);
}

static match_key key_of(eval *ev, const ast_labels *l, bool on, bool with_name)
{
    match_key k = { .names = ARENA_ARRAY(ev->a, bytes, l->n + 1), .on = on };
    for (size_t i = 0; i < l->n; i++)
        k.names[k.n++] = l->names[i];
    if (with_name)
        k.names[k.n++] = LABEL_NAME;
    qsort(k.names, k.n, sizeof *k.names, by_bytes);
    size_t n = 0;
    for (size_t i = 0; i < k.n; i++)
        if (n == 0 || !bytes_eq(k.names[n - 1], k.names[i]))
            k.names[n++] = k.names[i];
    k.n = n;
    return k;
}

match_key match_key_of(eval *ev, const ast_binary *b)
{
    return key_of(ev, &b->labels, b->on, !b->on);
}

const labels *match_group(const match_key *k, const labels *l, arena *a)
{
    return k->on ? labels_only(a, l, k->names, k->n) : labels_without(a, l, k->names, k->n, false);
}

op *match_new(eval *ev, const ast_node *n, op *lhs, op *rhs)
{
    match_op *m = op_new(ev, sizeof *m, lhs->g, match_next);
    m->b = &n->binary;
    m->rule = &binary_rules[m->b->op];
    m->key = match_key_of(ev, m->b);
    m->out_key = key_of(ev, &m->b->labels, m->b->on, false);
    m->swapped = m->b->card == CARD_ONE_TO_MANY;
    m->many = m->swapped ? rhs : lhs;
    m->one = m->swapped ? lhs : rhs;
    m->at = plan_place(ev, n);
    m->partner = SIZE_MAX;
    m->o.may_repeat = true;
    return &m->o;
}
