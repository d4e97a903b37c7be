/* metrics.c: see metrics.h; the text as Prometheus' client library for Go writes it (expfmt, text 0.0.4).
 *
 * One lock guards the registry, the lists of cells and metric_with(); counting takes none. Values are doubles kept as
 * their bits in atomic words, added to by compare and swap. A histogram's count, sum and buckets are separate words, so
 * an exposition that meets an observation half way may show a bucket one ahead of the count; the count is written as
 * the sum of the buckets so that the page itself always adds up.
 * Invariants: (1) cells are never freed, as holders keep them; a forgotten cell is only hidden, and comes back zeroed
 * when its values are asked for again; (2) a family is in the registry at most once.                          */
#include "base/metrics.h"
#include "base/arena.h"
#include "base/num.h"
#include "base/vec.h"
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef _Atomic(uint64_t) word;

struct metric {
    metric *next;
    const metric_family *family;
    bool hidden; /* under the lock */
    int n_values;
    char *values[METRIC_MAX_LABELS];
    word value;     /* double bits; of histogram and summary: the sum */
    word count;     /* summary */
    word buckets[]; /* histogram: n_buckets and +Inf, each its own observations only */
};

typedef struct collector {
    void (*fn)(void *ctx);
    void *ctx;
} collector;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static metric_family *registry;
static VEC(collector) collectors;

/* ---- counting ---- */

static void add_double(word *w, double v)
{
    uint64_t old = atomic_load_explicit(w, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(w, &old, num_bits(num_from_bits(old) + v), memory_order_relaxed,
                                                  memory_order_relaxed))
        continue;
}

void metric_add(metric *m, double v)
{
    add_double(&m->value, v);
}

void metric_set(metric *m, double v)
{
    atomic_store_explicit(&m->value, num_bits(v), memory_order_relaxed);
}

double metric_value(const metric *m)
{
    return num_from_bits(atomic_load_explicit(&m->value, memory_order_relaxed));
}

static int bucket_of(const metric_family *f, double v)
{
    int i = 0;
    while (i < f->n_buckets && !(v <= f->buckets[i]))
        i++;
    return i;
}

void metric_observe(metric *m, double v)
{
    add_double(&m->value, v);
    if (m->family->type == METRIC_HISTOGRAM_T)
        atomic_fetch_add_explicit(&m->buckets[bucket_of(m->family, v)], 1, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(&m->count, 1, memory_order_relaxed);
}

/* ---- registry and cells ---- */

void metric_register(metric_family *f)
{
    pthread_mutex_lock(&lock);
    metric_family *g = registry;
    while (g && g != f)
        g = g->next;
    if (!g) {
        f->next = registry;
        registry = f;
    }
    pthread_mutex_unlock(&lock);
}

static int count_labels(const metric_family *f)
{
    int n = 0;
    while (n < METRIC_MAX_LABELS && f->labels[n])
        n++;
    return n;
}

static bool has_values(const metric *m, const char *const *values)
{
    for (int i = 0; i < m->n_values; i++)
        if (strcmp(m->values[i], values[i] ? values[i] : "") != 0)
            return false;
    return true;
}

static metric *find_cell(const metric_family *f, const char *const *values)
{
    metric *m = f->cells;
    while (m && !has_values(m, values))
        m = m->next;
    return m;
}

static metric *new_cell(metric_family *f, const char *const *values)
{
    size_t n_buckets = f->type == METRIC_HISTOGRAM_T ? (size_t)f->n_buckets + 1 : 0;
    metric *m = xcalloc(1, sizeof *m + n_buckets * sizeof *m->buckets);
    m->family = f;
    m->n_values = count_labels(f);
    for (int i = 0; i < m->n_values; i++)
        m->values[i] = xstrdup(values[i] ? values[i] : "");
    m->next = f->cells;
    f->cells = m;
    return m;
}

static void zero_cell(metric *m)
{
    metric_set(m, 0);
    atomic_store_explicit(&m->count, 0, memory_order_relaxed);
    if (m->family->type == METRIC_HISTOGRAM_T)
        for (int i = 0; i <= m->family->n_buckets; i++)
            atomic_store_explicit(&m->buckets[i], 0, memory_order_relaxed);
}

metric *metric_with_values(metric_family *f, const char *const *values)
{
    pthread_mutex_lock(&lock);
    metric *m = find_cell(f, values);
    if (!m)
        m = new_cell(f, values);
    if (m->hidden) {
        m->hidden = false;
        zero_cell(m);
    }
    pthread_mutex_unlock(&lock);
    return m;
}

metric *metric_get(metric_family *f)
{
    return metric_with_values(f, (const char *const[METRIC_MAX_LABELS]){ NULL });
}

void metric_forget(metric_family *f, const char *const *values)
{
    pthread_mutex_lock(&lock);
    metric *m = find_cell(f, values);
    if (m)
        m->hidden = true;
    pthread_mutex_unlock(&lock);
}

void metric_on_collect(void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&lock);
    vec_push(&collectors, (collector){ fn, ctx });
    pthread_mutex_unlock(&lock);
}

void metric_off_collect(void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < collectors.len; i++)
        if (collectors.p[i].fn == fn && collectors.p[i].ctx == ctx)
            collectors.p[i] = collectors.p[--collectors.len];
    pthread_mutex_unlock(&lock);
}

/* ---- text ---- */

static void put_float(buf *out, double v)
{
    char text[NUM_MAX_TEXT];
    buf_put(out, text, num_format_g(v, text));
}

static void put_escaped(buf *out, const char *s, bool quotes)
{
    for (; *s; s++) {
        if (*s == '\\' || (*s == '"' && quotes))
            buf_putc(out, '\\');
        if (*s == '\n')
            buf_putz(out, "\\n");
        else
            buf_putc(out, *s);
    }
}

/* The family's labels in order of their names, as the client library sorts them. */
static void sort_labels(const metric_family *f, int n, int order[METRIC_MAX_LABELS])
{
    for (int i = 0; i < n; i++) {
        int at = i;
        for (; at > 0 && strcmp(f->labels[order[at - 1]], f->labels[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void put_label(buf *out, bool *first, const char *name, const char *value)
{
    buf_putc(out, *first ? '{' : ',');
    *first = false;
    buf_putz(out, name);
    buf_putz(out, "=\"");
    put_escaped(out, value, true);
    buf_putc(out, '"');
}

/* name suffix {labels, le} value. le may be NULL. */
static void put_line(buf *out, const metric *m, const char *suffix, const char *le, double v)
{
    const metric_family *f = m->family;
    int order[METRIC_MAX_LABELS];
    sort_labels(f, m->n_values, order);
    buf_putz(out, f->name);
    buf_putz(out, suffix);
    bool first = true;
    for (int i = 0; i < m->n_values; i++)
        put_label(out, &first, f->labels[order[i]], m->values[order[i]]);
    if (le)
        put_label(out, &first, "le", le);
    if (!first)
        buf_putc(out, '}');
    buf_putc(out, ' ');
    put_float(out, v);
    buf_putc(out, '\n');
}

static void put_histogram(buf *out, const metric *m)
{
    double sum = metric_value(m);
    uint64_t total = 0;
    for (int i = 0; i <= m->family->n_buckets; i++) {
        char le[NUM_MAX_TEXT + 1];
        double bound = i < m->family->n_buckets ? m->family->buckets[i] : HUGE_VAL;
        le[num_format_g(bound, le)] = '\0';
        total += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        put_line(out, m, "_bucket", le, (double)total);
    }
    put_line(out, m, "_sum", NULL, sum);
    put_line(out, m, "_count", NULL, (double)total);
}

static void put_cell(buf *out, const metric *m)
{
    switch (m->family->type) {
    case METRIC_COUNTER:
    case METRIC_GAUGE: put_line(out, m, "", NULL, metric_value(m)); break;
    case METRIC_SUMMARY:
        put_line(out, m, "_sum", NULL, metric_value(m));
        put_line(out, m, "_count", NULL, (double)atomic_load_explicit(&m->count, memory_order_relaxed));
        break;
    case METRIC_HISTOGRAM_T: put_histogram(out, m); break;
    }
}

/* By label values, in the order in which the labels are printed. */
static int by_values(const void *x, const void *y)
{
    const metric *a = *(metric *const *)x, *b = *(metric *const *)y;
    int order[METRIC_MAX_LABELS];
    sort_labels(a->family, a->n_values, order);
    for (int i = 0; i < a->n_values; i++) {
        int c = strcmp(a->values[order[i]], b->values[order[i]]);
        if (c)
            return c;
    }
    return 0;
}

static int by_name(const void *x, const void *y)
{
    return strcmp((*(metric_family *const *)x)->name, (*(metric_family *const *)y)->name);
}

static void put_family(buf *out, const metric_family *f)
{
    static const char *const types[] = { "counter", "gauge", "summary", "histogram" };
    VEC(const metric *) cells = { 0 };
    for (const metric *m = f->cells; m; m = m->next)
        if (!m->hidden)
            vec_push(&cells, m);
    if (cells.len) {
        qsort(cells.p, cells.len, sizeof *cells.p, by_values);
        buf_printf(out, "# HELP %s ", f->name);
        put_escaped(out, f->help, false);
        buf_printf(out, "\n# TYPE %s %s\n", f->name, types[f->type]);
    }
    for (size_t i = 0; i < cells.len; i++)
        put_cell(out, cells.p[i]);
    vec_free(&cells);
}

/* Collectors run without the lock, since they set cells. */
static void run_collectors(void)
{
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&lock);
        bool more = i < collectors.len;
        collector c = more ? collectors.p[i] : (collector){ 0 };
        pthread_mutex_unlock(&lock);
        if (!more)
            return;
        c.fn(c.ctx);
    }
}

void metric_write_text(buf *out)
{
    run_collectors();
    VEC(metric_family *) families = { 0 };
    pthread_mutex_lock(&lock);
    for (metric_family *f = registry; f; f = f->next)
        vec_push(&families, f);
    if (families.len)
        qsort(families.p, families.len, sizeof *families.p, by_name);
    for (size_t i = 0; i < families.len; i++)
        put_family(out, families.p[i]);
    pthread_mutex_unlock(&lock);
    vec_free(&families);
}
