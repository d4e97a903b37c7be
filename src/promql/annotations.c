/* annotations.c: see annotations.h. Texts are kept without their position, which is also what makes two of them the
 * same; the position is put behind when the result is made. */
#include "promql/annotations.h"
#include "base/buf.h"
#include "base/num.h"
#include "base/utf8.h"
#include "promql/parse.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct note {
    enum note_level level;
    bytes text;
    place at;
    bool has_repair;
    note_repair repair;
    int64_t max_ts;
    size_t count;
};

void annotations_init(annotations *n, arena *a)
{
    *n = (annotations){ .a = a };
    map_init(&n->by_text, MAP_BORROWED_KEYS);
}

void annotations_release(annotations *n)
{
    map_release(&n->by_text);
    free(n->list);
    *n = (annotations){ 0 };
}

/* The annotation of this text, made where it is new. */
static note *note_of(annotations *n, enum note_level level, bytes text, place at, bool *is_new)
{
    uint64_t *slot = map_put(&n->by_text, text, is_new);
    if (!*is_new) {
        note *x = n->list[*slot];
        if (at.rank >= x->at.rank)
            x->at = at;
        return x;
    }
    if (n->n == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 8;
        n->list = xreallocarray(n->list, n->cap, sizeof *n->list);
    }
    note *x = ARENA_NEW(n->a, note);
    x->level = level;
    x->text = text;
    x->at = at;
    *slot = n->n;
    n->list[n->n++] = x;
    return x;
}

void annotations_add(annotations *n, enum note_level level, place at, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bytes b = { text, len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1 };
    bool is_new = map_get(&n->by_text, b) == NULL;   /* copied into the arena only when it stays */
    note_of(n, level, is_new ? arena_dup(n->a, b) : b, at, &is_new);
}

static const char repair_text[] =
    "input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";

void annotations_add_repair(annotations *n, place at, bytes metric_name, note_repair r)
{
    bytes text = { repair_text, sizeof repair_text - 1 };
    if (metric_name.len)
        text = arena_bytesf(n->a, "%s for metric name %s", repair_text, format_q(n->a, metric_name));
    bool is_new;
    note *x = note_of(n, NOTE_INFO, text, at, &is_new);
    x->count++;
    if (is_new) {
        x->has_repair = true;
        x->repair = r;
        x->max_ts = r.ts;
        return;
    }
    note_repair *o = &x->repair;
    o->ts = r.ts < o->ts ? r.ts : o->ts;
    x->max_ts = r.ts > x->max_ts ? r.ts : x->max_ts;
    o->min_bound = fmin(o->min_bound, r.min_bound);
    o->max_bound = fmax(o->max_bound, r.max_bound);
    o->max_diff = fmax(o->max_diff, r.max_diff);
}

/* RFC 3339 in UTC, seconds. */
static const char *format_rfc3339(arena *a, int64_t ms)
{
    time_t sec = (time_t)(ms / 1000);
    struct tm tm;
    char text[64];
    if (!gmtime_r(&sec, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return "";
    return arena_cstr(a, bytes_of(text));
}

static bytes note_shown(annotations *n, const note *x, bytes query)
{
    bytes pos = promql_position(query, x->at.at, n->a);
    const char *level = x->level == NOTE_WARNING ? "warning" : "info";
    if (!x->has_repair)
        return arena_bytesf(n->a, "PromQL %s: %.*s (%.*s)", level, BYTES_ARG(x->text), BYTES_ARG(pos));
    const note_repair *r = &x->repair;
    char diff[32], lo[NUM_MAX_TEXT + 1], hi[NUM_MAX_TEXT + 1];
    snprintf(diff, sizeof diff, "%.2g", r->max_diff);
    return arena_bytesf(
        n->a, "PromQL %s: %.*s, from buckets %s to %s, with a max diff of %s, over %zu samples from %s to %s (%.*s)",
        level, BYTES_ARG(x->text), format_g(r->min_bound, lo), format_g(r->max_bound, hi),
        isinf(r->max_diff) ? "+Inf" : diff, x->count, format_rfc3339(n->a, r->ts), format_rfc3339(n->a, x->max_ts),
        BYTES_ARG(pos));
}

size_t annotations_texts(annotations *n, enum note_level level, bytes query, size_t max, bytes **out)
{
    bytes *list = ARENA_ARRAY(n->a, bytes, max + 1);
    size_t len = 0, omitted = 0;
    for (size_t i = 0; i < n->n; i++) {
        if (n->list[i]->level != level)
            continue;
        if (len < max)
            list[len++] = note_shown(n, n->list[i], query);
        else
            omitted++;
    }
    if (omitted)
        list[len++] = arena_bytesf(n->a, "%zu more %s annotations omitted", omitted,
                                   level == NOTE_WARNING ? "warning" : "info");
    *out = list;
    return len;
}

const char *format_g(double v, char out[NUM_MAX_TEXT + 1])
{
    size_t len = num_format_e(v, out);
    out[len] = 0;
    const char *mark = strchr(out, 'e');
    int exp = mark ? atoi(mark + 1) : 0;
    if (mark && exp >= -4 && exp < 6)   /* Go's thresholds for the shortest form */
        len = num_format_f(v, out);
    out[len] = 0;
    return out;
}

const char *format_q(arena *a, bytes s)
{
    buf b;
    buf_init(&b, s.len * 10 + 16);
    utf8_quote(&b, s);
    char *text = arena_cstr(a, buf_bytes(&b));
    buf_release(&b);
    return text;
}
