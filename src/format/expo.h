/* expo.h: one pull parser over an exposition page: text 0.0.4 / 1.0.0 and OpenMetrics.
 *
 *     expo x; expo_init(&x, EXPO_TEXT, page);
 *     while ((entry = expo_next(&x, &e)) > EXPO_EOF) switch (entry) { case EXPO_SERIES: x.series, x.value ... }
 * Nothing is copied: what an entry holds is borrowed from the page, except that labels are built on demand by
 * expo_labels() in the caller's arena. A page is any bytes, NUL included; it need not be terminated.
 * What is accepted and refused, and the sentences of the errors, follow Prometheus 3.14 model/textparse (promparse.go,
 * openmetricsparse.go) and not the specifications: that is what exporters are tested against.
 * One thread at a time; no memory of its own but for pages with more than 64 labels in one series.              */
#ifndef FORMAT_EXPO_H
#define FORMAT_EXPO_H
#include "base/err.h"
#include "model/labels.h"
#include "model/metadata.h"

enum expo_format { EXPO_TEXT, EXPO_OPENMETRICS };

enum expo_entry {
    EXPO_ERROR = -1,   /* *e says what; the parser stays there */
    EXPO_EOF = 0,
    EXPO_SERIES,       /* series, value, has_time, time_ms; expo_labels() */
    EXPO_HELP,         /* name, text (escapes as written: expo_help()) */
    EXPO_TYPE,         /* name, kind */
    EXPO_UNIT,         /* name, text */
    EXPO_COMMENT       /* text */
};

typedef struct expo_label {
    uint32_t name, name_end, value, value_end;   /* offsets into series */
} expo_label;

typedef struct expo {
    /* the current entry */
    bytes series;              /* name and labels as written: the key of a cache */
    double value;              /* NaN is always SAMPLE_NAN_BITS */
    int64_t time_ms;
    bool has_time;
    bool has_exemplar;         /* OpenMetrics: it was read and is dropped */
    bytes name, text;
    enum metric_kind kind;     /* EXPO_TYPE's; of series: the newest TYPE line's, whatever its name (as Prometheus) */
    /* the parser's own */
    enum expo_format format;
    bool skip_created;
    bool missed;               /* at the start of a line that expo_expect() has refused */
    cursor c;
    const char *line;          /* start of the entry */
    uint32_t name_at, name_end;
    expo_label *labels;        /* few, or heap */
    size_t n_labels, cap_labels;
    expo_label few[64];
} expo;

/* skip_created of 0: `_created` series are series like any other (Prometheus' default). */
void expo_init(expo *x, enum expo_format format, bytes page);
void expo_release(expo *x);
enum expo_entry expo_next(expo *x, err *e);

/* The short way for a scrape: if the next line is the series whose written form has this length and this hash
 * (expo_hash), reads its value and time as expo_next() would and returns EXPO_SERIES, or EXPO_ERROR where they are bad.
 * Anything else gives EXPO_EOF, nothing is consumed, and expo_next() is to be asked. */
typedef struct expo_key {
    uint64_t lo, hi;           /* of a 128-bit hash with the process' random seed: equal means the same bytes */
} expo_key;
expo_key expo_hash(bytes series);
enum expo_entry expo_expect(expo *x, expo_key key, size_t len, err *e);

/* Labels of the current series, __name__ among them, as written: unescaped, sorted, `le` of histograms and `quantile` of
 * summaries in canonical float form. *list is x's scratch or the arena's, valid until the next entry; repeated
 * names stay repeated (label_list_repeats) and empty values stay, since both are the scrape's decisions. */
void expo_labels(expo *x, arena *a, label **list, size_t *n);
/* The help text with its escapes resolved: borrowed, or in a. */
bytes expo_help(const expo *x, arena *a);

/* Which format a Content-Type names; fallback is the media type to use where it is missing, unreadable or unknown
 * ("" for none). false: no parser, *e is why. true with e->msg set: a warning (the fallback was used). */
bool expo_format_of(bytes content_type, bytes fallback, enum expo_format *out, err *e);
#endif
