/* eval.h: what the operators of one running query share. Private to this room.
 *
 * Evaluation is series-major. An expression becomes a tree of operators (plan.h); each yields rows, one after the
 * other: the labels of a series and its values at all steps of the expression's grid. So a selector decodes a series
 * once for all steps, and an aggregation adds a row to its group and forgets it.
 *
 * 1. A row's columns belong to the operator that yields it and live until that operator is asked for the next one.
 *    Until then the consumer may change them in place.
 * 2. A row's label set lives as long as the query (in its arena or in the snapshot).
 * 3. An operator with may_repeat may yield several rows with the same labels, but never two of them with a value at
 *    the same step. Who needs whole series puts merge_new() (rows.h) between.
 * 4. drop_name says that the metric name is to go. Without delayed name removal it is gone for whoever looks:
 *    row_labels() gives the set without it, built only when somebody wants it. With the feature on, it goes at the
 *    very end.
 * 5. The first error ends the query: it stands in eval.err, and op_next() gives false as at the end of the rows.
 *    Whoever drains an operator asks eval_failed(). */
#ifndef PROMQL_EVAL_H
#define PROMQL_EVAL_H
#include "base/map.h"
#include "base/vec.h"
#include "promql/annotations.h"
#include "promql/query.h"

struct histogram;

/* The steps of an expression: start, start + step, ... */
typedef struct grid {
    int64_t start, step;   /* step > 0 also where n <= 1 */
    size_t n;              /* 0: below a subquery whose window holds no multiple of its step */
} grid;

static inline int64_t grid_time(grid g, size_t i) { return g.start + (int64_t)i * g.step; }
static inline int64_t grid_last(grid g) { return g.n ? grid_time(g, g.n - 1) : g.start; }
static inline size_t bit_words(size_t n) { return (n + 63) / 64; }

typedef struct row {
    const labels *labels;
    double *v;              /* one per step; any value where there is none */
    uint64_t *has;          /* presence, bit i % 64 of word i / 64; bits behind the last step are 0 */
    struct histogram **h;   /* NULL: floats only */
    bool drop_name;         /* (4) */
} row;

static inline bool bit_get(const uint64_t *b, size_t i) { return b[i / 64] >> (i % 64) & 1; }
static inline void bit_set(uint64_t *b, size_t i) { b[i / 64] |= UINT64_C(1) << (i % 64); }
static inline void bit_clear(uint64_t *b, size_t i) { b[i / 64] &= ~(UINT64_C(1) << (i % 64)); }
void bits_fill(uint64_t *b, size_t n);                     /* the first n set, the rest of the last word 0 */
bool bits_any(const uint64_t *b, size_t words);
bool bits_meet(const uint64_t *a, const uint64_t *b, size_t words);
size_t bits_count(const uint64_t *b, size_t words);

typedef struct eval eval;
typedef struct op op;
struct op {
    bool (*next)(op *o, row *out);
    eval *ev;
    grid g;
    bool may_repeat;        /* (3) */
};

/* The next row; false at the end or after an error (5). */
static inline bool op_next(op *o, row *out) { return o->next(o, out); }

struct eval {
    arena *a;               /* lives until the result dies */
    arena scratch;          /* reset by whoever starts a piece of work with it */
    query_options opt;
    bytes text;
    grid g;                 /* of the whole query */
    int64_t range_end;      /* the end as asked for: end() and range() */
    bool is_range;
    snapshot *snap;
    err err;
    annotations notes;
    uint32_t rank;          /* of the node being planned, in order of evaluation */
    VEC(db_selector) selectors;
    VEC(sample_columns *) columns;   /* these two: to be released at the end */
    VEC(struct regex *) regexes;
    size_t samples_read;
    size_t points, peak_points;      /* kept in rows at the moment / at most */
};

static inline bool eval_failed(const eval *ev) { return ev->err.kind != ERR_NONE; }
static inline bool eval_delayed(const eval *ev) { return ev->opt.features & PROMQL_DELAYED_NAME_REMOVAL; }
/* Sets the query's error unless there is one; always false. */
bool eval_fail(eval *ev, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Between series: canceled, timed out? false then. */
bool eval_poll(eval *ev);
/* Counts n more points in memory (and `more` that pass through) against max_samples; false over it. */
bool eval_points(eval *ev, size_t n, size_t more);
/* Arena memory within the query's budget: NULL and an error over it. */
void *eval_alloc(eval *ev, size_t len);
#define EVAL_ARRAY(ev, type, n) ((type *)eval_array((ev), (n), sizeof(type)))
void *eval_array(eval *ev, size_t n, size_t size);

/* Warns of a q outside of [0, 1]. */
void note_quantile(eval *ev, place at, double q);

/* A new operator of the given struct type, whose first member is an op. */
void *op_new(eval *ev, size_t size, grid g, bool (*next)(op *o, row *out));
/* Columns for n steps; values zeroed, nothing present. false: over the budget. */
bool row_alloc(eval *ev, row *r, size_t n);
static inline void row_clear(row *r, size_t n) { memset(r->has, 0, bit_words(n) * sizeof *r->has); }
static inline void row_put(row *r, size_t i, double v)
{
    r->v[i] = v;
    bit_set(r->has, i);
}

/* The labels as they count here (4): r->labels, or built in a without name, type and unit. */
const labels *row_labels(const eval *ev, const row *r, arena *a);
/* A copy that lives with the query of a set in scratch memory. */
const labels *labels_keep(eval *ev, const labels *l);

/* Label sets with numbers 0, 1, 2, ... in order of their coming. */
typedef struct label_map {
    const labels **keys;
    uint32_t *slots;       /* number + 1, 0: free */
    size_t n, cap;         /* cap of keys and slots: a power of two */
} label_map;
/* The number of l, or SIZE_MAX. */
size_t label_map_find(const label_map *m, const labels *l);
/* Adds l, which must be new and lives with the query; its number. */
size_t label_map_add(eval *ev, label_map *m, const labels *l);

/* Bits, one per step, for each of many label sets. */
typedef struct label_bits {
    label_map map;
    uint64_t **bits;
    size_t cap;
} label_bits;
/* The bits of l, made (all 0) where it is new; l may be in scratch memory. NULL: over the budget. */
uint64_t *label_bits_put(eval *ev, label_bits *t, const labels *l, size_t n_steps);
/* NULL: unknown. */
uint64_t *label_bits_get(const label_bits *t, const labels *l);

/* Makes row_labels() the labels of a row that o yields, and records them. Two rows with the same labels and a value at
 * the same step are the error "vector cannot contain metrics with the same labelset", unless src, which the rows come
 * from (may be NULL), has an error still to come: Prometheus would have met that first. With delayed name removal
 * nothing happens. */
bool row_seen_add(op *o, op *src, label_bits *seen, row *r);

/* The query has failed in something that Prometheus computes after o: an error of o's goes first. Always false. */
bool fail_earlier(op *o);
/* The same-labelset error, after src has had its say. */
bool fail_same_labels(eval *ev, op *src);

/* A scalar operator's values, one per step; NULL on failure. */
double *scalar_values(op *o);

/* ---- small operators ---- */
op *empty_new(eval *ev, grid g);
op *number_new(eval *ev, grid g, double v);
op *repeat_new(eval *ev, op *once, grid g);   /* an operator of one step, on every step of g */
#endif
