/* natsort.c: see natsort.h. A name is cut into runs of digits and of other bytes; runs of digits compare as numbers. */
#include "promql/natsort.h"
#include "base/num.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bytes take_run(bytes *s)
{
    size_t n = 0;
    while (n < s->len && is_digit(s->p[n]) == is_digit(s->p[0]))
        n++;
    bytes run = { s->p, n };
    *s = (bytes){ s->p + n, s->len - n };
    return run;
}

bool natsort_less(bytes a, bytes b)
{
    while (a.len) {
        if (b.len == 0)
            return false;
        bytes x = take_run(&a), y = take_run(&b);
        int64_t i, j;
        bool numbers = is_digit(x.p[0]) && is_digit(y.p[0]) && num_parse_i64(x, &i) && num_parse_i64(y, &j);
        if (numbers && i != j)
            return i < j;
        if (!numbers && !bytes_eq(x, y))
            return bytes_cmp(x, y) < 0;
        if (a.len == 0)
            return true;
    }
    return false;
}
