/* fuzz_num.c: any text as a number reads as strtod reads it, and any float prints so that it reads back. */
#include "base/num.h"
#include <math.h>
#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void round_trip(double v)
{
    static size_t (*const formats[])(double, char *) = { num_format_f, num_format_g, num_format_e, num_format_json };
    for (int i = 0; i < 4; i++) {
        char text[NUM_MAX_TEXT];
        double back = 0;
        size_t len = formats[i](v, text);
        must(len <= NUM_MAX_TEXT && num_parse((bytes){ text, len }, &back, NULL) == true);
        must(num_bits(back) == num_bits(v) || (isnan(v) && isnan(back)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes text = bytes_n(data, size);
    double v;
    bool range;
    int64_t i;
    uint64_t u;
    char digits[24];
    bool ok = num_parse(text, &v, &range);
    must(!ok || !range);
    if (ok || range) {
        char *copy = malloc(size + 1), *end;
        memcpy(copy, data, size);
        copy[size] = '\0';
        double want = strtod(copy, &end);
        bool exponent_is_cut = size > 4096; /* digits of an exponent beyond the fifth are dropped, as Go does */
        must(end == copy + size && (num_bits(want) == num_bits(v) || isnan(want) || exponent_is_cut));
        free(copy);
    }
    if (num_parse_i64(text, &i))
        must(num_parse_i64((bytes){ digits, num_format_i64(i, digits) }, &i));
    if (num_parse_u64(text, &u))
        must(num_parse_u64((bytes){ digits, num_format_u64(u, digits) }, &u));
    if (size >= sizeof v) {
        memcpy(&v, data, sizeof v);
        round_trip(v);
    }
    return 0;
}
