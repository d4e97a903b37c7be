/* err.c: see err.h. The table is the one place that maps a kind to the API's errorType and HTTP status. */
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const err_row err_kinds[ERR_N_KINDS] = {
    [ERR_NONE] = { "", 200 },
    [ERR_BAD_DATA] = { "bad_data", 400 },
    [ERR_EXECUTION] = { "execution", 422 },
    [ERR_CANCELED] = { "canceled", 499 },
    [ERR_TIMEOUT] = { "timeout", 503 },
    [ERR_INTERNAL] = { "internal", 500 },
    [ERR_UNAVAILABLE] = { "unavailable", 503 },
    [ERR_NOT_FOUND] = { "not_found", 404 },
    [ERR_NOT_ACCEPTABLE] = { "not_acceptable", 406 },
    [ERR_TOO_LARGE] = { "bad_data", 413 },
    [ERR_OUT_OF_ORDER] = { "bad_data", 400 },
    [ERR_DUPLICATE] = { "bad_data", 400 },
    [ERR_TOO_OLD] = { "bad_data", 400 },
    [ERR_OUT_OF_BOUNDS] = { "bad_data", 400 },
};

const err_row *err_kind_row(enum err_kind kind)
{
    return &err_kinds[kind];
}

bool err_set(err *e, enum err_kind kind, const char *fmt, ...)
{
    if (!e)
        return false;
    va_list ap;
    va_start(ap, fmt);
    e->kind = kind;
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    return false;
}

bool err_wrap(err *e, const char *fmt, ...)
{
    if (!e || e->kind == ERR_NONE)
        return false;
    char head[sizeof e->msg];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof head ? (size_t)n : sizeof head - 1;
    if (len + 2 >= sizeof head)
        len = sizeof head - 3;
    memcpy(head + len, ": ", 2);
    len += 2;
    size_t room = sizeof head - 1 - len, tail = strlen(e->msg);
    if (tail > room)
        tail = room;
    memcpy(head + len, e->msg, tail);
    head[len + tail] = '\0';
    memcpy(e->msg, head, len + tail + 1);
    return false;
}

_Noreturn void bug_at(const char *file, int line, const char *fmt, ...)
{
    char msg[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    fprintf(stderr, "bug: %s:%d: %s\n", file, line, msg);
    abort();
}
