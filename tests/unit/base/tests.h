/* tests.h: the cases of the base room, and how they compare runs of bytes. */
#ifndef TESTS_BASE_TESTS_H
#define TESTS_BASE_TESTS_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include <check.h>

/* The run holds exactly this text. */
#define ck_bytes(got, text)                                                                                            \
    do {                                                                                                               \
        bytes got_ = (got), want_ = bytes_of(text);                                                                    \
        ck_assert_msg(bytes_eq(got_, want_), "got <%.*s>, want <%.*s>", BYTES_ARG(got_), BYTES_ARG(want_));            \
    } while (0)

/* A repeatable sequence of 64-bit numbers; the state is not 0. */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

#define N_ROWS(table) (int)(sizeof(table) / sizeof *(table))

TCase *arena_cases(void);
TCase *buf_cases(void);
TCase *bytes_cases(void);
TCase *duration_cases(void);
TCase *err_cases(void);
TCase *file_cases(void);
TCase *json_cases(void);
TCase *log_cases(void);
TCase *map_cases(void);
TCase *metrics_cases(void);
TCase *num_cases(void);
TCase *num_format_cases(void);
TCase *pb_cases(void);
TCase *regex_cases(void);
TCase *regex_parse_cases(void);
TCase *utf8_cases(void);
#endif
