/* unicode_tables.h: the rows behind utf8.h; only utf8.c reads them. Sorted, distinct, all from U+0080 on. */
#ifndef BASE_UNICODE_TABLES_H
#define BASE_UNICODE_TABLES_H
#include <stddef.h>
#include <stdint.h>

struct rune_range {
    uint32_t first, last;
};
/* Each stride-th rune from first to last maps to itself plus distance. */
struct rune_case {
    uint32_t first, last;
    int32_t distance;
    uint32_t stride;
};

extern const struct rune_range unicode_print[], unicode_word[];
extern const size_t unicode_print_len, unicode_word_len;
extern const struct rune_case unicode_upper[], unicode_lower[];
extern const size_t unicode_upper_len, unicode_lower_len;
#endif
