/* annotations.h: the warnings and infos of one query run, each text once, as Prometheus' util/annotations words them.
 *
 * Of the same text from several places the place that is evaluated last wins (rank: post-order of the expression). An
 * annotation without detail is one text; the one about monotonic buckets collects numbers first.            */
#ifndef PROMQL_ANNOTATIONS_H
#define PROMQL_ANNOTATIONS_H
#include "base/arena.h"
#include "base/map.h"
#include "base/num.h"

enum note_level { NOTE_WARNING, NOTE_INFO };

/* Where in the query: byte offset, and when it is evaluated. */
typedef struct place {
    int32_t at;
    uint32_t rank;
} place;

typedef struct note note;
typedef struct annotations {
    arena *a;
    map by_text;
    note **list;     /* in order of their coming */
    size_t n, cap;
} annotations;

/* Buckets of a classic histogram that had to be raised to be monotonic. */
typedef struct note_repair {
    double min_bound, max_bound, max_diff;
    int64_t ts;
} note_repair;

void annotations_init(annotations *n, arena *a);
void annotations_release(annotations *n);
/* text without "PromQL warning: " and without position. */
void annotations_add(annotations *n, enum note_level level, place at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void annotations_add_repair(annotations *n, place at, bytes metric_name, note_repair r);
/* The texts of one level as the API shows them, at most max of them and a line about the rest. */
size_t annotations_texts(annotations *n, enum note_level level, bytes query, size_t max, bytes **out);

/* A float as Go's %g prints it; out. */
const char *format_g(double v, char out[NUM_MAX_TEXT + 1]);
/* A string as Go's %q. */
const char *format_q(arena *a, bytes s);
#endif
