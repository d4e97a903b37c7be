/* expo.h: one pull parser over an exposition page: text 0.0.4 / 1.0.0 and OpenMetrics.
 *
 *     expo x; expo_init(&x, EXPO_TEXT, page);
 *     while ((entry = expo_next(&x, &e)) > EXPO_EOF) switch (entry) { case EXPO_SERIES: x.series, x.value ... }
 * Nothing is copied: what an entry holds is borrowed from the page, except that labels are built on demand by
 * expo_labels() in the caller's arena. A page is any bytes, NUL included; it need not be terminated.
 * What is accepted and refused, and the sentences of the errors, follow Prometheus 3.14 model/textparse (promparse.go,
 * openmetricsparse.go) and not the specifications: that is what exporters are tested against.
 * `_created` series of OpenMetrics are series like any other, as in Prometheus without its start-timestamp features.
 * One thread at a time; no memory of its own but for series of more than 32 labels (expo_release).               */
#ifndef FORMAT_EXPO_H
#define FORMAT_EXPO_H
#include "format/expo_lex.h"
#include "format/key_index.h"
#include "base/err.h"
#include "model/labels.h"
#include "model/metadata.h"

enum expo_entry {
    EXPO_ERROR = -1, /* *e says what; the parser stays there */
    EXPO_EOF = 0,
    EXPO_SERIES, /* series, value, has_time, time_ms; expo_labels() */
    EXPO_HELP,   /* name, text (escapes as written: expo_help()) */
    EXPO_TYPE,   /* name, kind */
    EXPO_UNIT,   /* name, text */
    EXPO_COMMENT /* text */
};

typedef struct expo_label {
    uint32_t name, name_end, value, value_end; /* positions in the page, without quotes */
} expo_label;

typedef struct expo {
    /* the current entry */
    bytes series; /* name and labels as written: the key of a cache */
    double value; /* NaN is always SAMPLE_NAN_BITS */
    int64_t time_ms;
    bool has_time;
    bool has_exemplar; /* OpenMetrics: it was read and is dropped */
    bytes name, text;
    uint64_t seed;         /* of the keys given to expo_expect(), expo_expect_meta() */
    enum metric_kind kind; /* EXPO_TYPE's; of series: the newest TYPE line's, whatever its name (as Prometheus) */
    /* the parser's own */
    expo_lexer lex;
    size_t line; /* where the entry begins */
    uint32_t name_at, name_end;
    expo_label *labels; /* few, or heap */
    size_t n_labels, cap_labels;
    expo_label few[32];
} expo;

/* The page is to be shorter than 4 GiB (LIMIT_SCRAPE_BODY is far below). */
void expo_init(expo *x, enum expo_format format, bytes page);
void expo_release(expo *x);
enum expo_entry expo_next(expo *x, err *e);

/* The short way for a cache of lines, which knows them by their keys (key_index.h); x->seed is the caller's to set. */
/* Is the next line this series (length and key of its written form), with a value as expo_next() would read it? Then
 * it is the current entry. false: nothing is consumed, ask expo_next(). expo_labels() does not work behind it. */
bool expo_expect(expo *x, size_t len, hash_key key);
/* The same for a whole line of metadata or comment, without its newline. A TYPE line's kind is the caller's to set in
 * x->kind. */
bool expo_expect_meta(expo *x, size_t len, hash_key key);
/* The whole line of the EXPO_HELP, EXPO_TYPE, EXPO_UNIT or EXPO_COMMENT entry just read, without its newline. */
bytes expo_meta_line(const expo *x);

/* Labels of the current series, __name__ among them: unescaped, sorted by name, `le` of histograms and `quantile` of
 * summaries in canonical float form. Repeated names stay repeated (in written order) and empty values stay, since
 * both are the scrape's decisions. Memory: the page's and a's. */
void expo_labels(expo *x, arena *a, label **list, size_t *n);
/* The help text with its escapes resolved: borrowed, or in a. */
bytes expo_help(const expo *x, arena *a);

/* Which format a Content-Type names; fallback is the media type to use where it is missing, unreadable or unknown
 * ("" for none). false: no parser, *e is why. true with e->msg set: a warning (the fallback was used). */
bool expo_format_of(bytes content_type, bytes fallback, enum expo_format *out, err *e);
#endif
