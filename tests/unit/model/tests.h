/* tests.h: the cases of the model room. */
#ifndef TESTS_MODEL_TESTS_H
#define TESTS_MODEL_TESTS_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/labels.h"
#include <check.h>

/* The run holds exactly this text. */
#define ck_bytes(got, text)                                                                                            \
    do {                                                                                                               \
        bytes got_ = (got), want_ = bytes_of(text);                                                                    \
        ck_assert_msg(bytes_eq(got_, want_), "got <%.*s>, want <%.*s>", BYTES_ARG(got_), BYTES_ARG(want_));            \
    } while (0)

static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

#define N_ROWS(table) (int)(sizeof(table) / sizeof *(table))

/* Labels from "name=value,name=value"; the text must live as long. */
static inline const labels *test_labels(arena *a, const char *text)
{
    label list[64];
    size_t n = 0;
    bytes pair, rest = bytes_of(text);
    for (bool more = rest.len > 0; more; n++) {
        more = bytes_cut(rest, ',', &pair, &rest);
        bytes_cut(pair, '=', &list[n].name, &list[n].value);
    }
    return labels_from(a, list, n);
}

TCase *labels_cases(void);
TCase *matcher_cases(void);
TCase *relabel_cases(void);
#endif
