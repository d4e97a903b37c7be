/* err.h: one error type, holding the sentence the user will read. */
#ifndef BASE_ERR_H
#define BASE_ERR_H
#include <stdarg.h>
#include <stdbool.h>

enum err_kind {
    ERR_NONE = 0,
    ERR_BAD_DATA,         /* the request or file is wrong */
    ERR_EXECUTION,        /* a query failed while it ran */
    ERR_CANCELED,
    ERR_TIMEOUT,
    ERR_INTERNAL,
    ERR_UNAVAILABLE,      /* not now: starting, stopping, store read-only */
    ERR_NOT_FOUND,
    ERR_NOT_ACCEPTABLE,
    ERR_TOO_LARGE,
    /* of the store: the append path tells them apart */
    ERR_OUT_OF_ORDER,
    ERR_DUPLICATE,
    ERR_TOO_OLD,
    ERR_OUT_OF_BOUNDS,
    ERR_N_KINDS
};

typedef struct err {
    enum err_kind kind;
    char msg[1024];   /* one sentence for the user, as Prometheus words it; cut at the end when longer */
} err;

/* Row of a kind: the API's errorType and HTTP status. */
typedef struct err_row {
    const char *type;
    int http_status;
} err_row;
const err_row *err_kind_row(enum err_kind kind);

/* Both always return false, so that a failing function can `return err_set(...)`. e may be NULL. */
bool err_set(err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "...: " in front of what e says; an empty e is left alone. */
bool err_wrap(err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A broken invariant where going on would harm data: prints one line and aborts. */
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#endif
