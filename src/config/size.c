/* size.c: sizes in powers of two, "512MB", as Go's units.Base2Bytes reads and prints them (schema.h). */
#include "base/num.h"
#include "config/schema.h"
#include <stdio.h>

static const struct {
    const char *unit;
    double factor;
} size_units[] = {
    { "B", 1 },        { "KiB", 0x1p10 }, { "MiB", 0x1p20 }, { "GiB", 0x1p30 }, { "TiB", 0x1p40 },
    { "PiB", 0x1p50 }, { "EiB", 0x1p60 }, { "KB", 0x1p10 },  { "MB", 0x1p20 },  { "GB", 0x1p30 },
    { "TB", 0x1p40 },  { "PB", 0x1p50 },  { "EB", 0x1p60 },
};

static bool take_number(cursor *c, double *out)
{
    const char *from = c->at;
    bytes whole;
    while (!cursor_done(c) && (*c->at == '.' || (*c->at >= '0' && *c->at <= '9')))
        c->at++;
    whole = bytes_n(from, (size_t)(c->at - from));
    return whole.len < 32 && num_parse(whole, out, NULL);
}

static bool take_unit(cursor *c, double *factor, bytes *unit)
{
    const char *from = c->at;
    while (!cursor_done(c) && *c->at != '.' && !(*c->at >= '0' && *c->at <= '9'))
        c->at++;
    *unit = bytes_n(from, (size_t)(c->at - from));
    for (size_t i = 0; i < sizeof size_units / sizeof *size_units; i++) {
        if (bytes_eq(*unit, bytes_of(size_units[i].unit))) {
            *factor = size_units[i].factor;
            return true;
        }
    }
    return false;
}

bool conf_size_parse(bytes s, int64_t *out, err *e)
{
    cursor c = cursor_of(s);
    double sum = 0, number, factor;
    bytes unit, shown = bytes_sub(s, 0, 100);
    bool negative = cursor_take(&c, '-');
    if (!negative)
        cursor_take(&c, '+');
    *out = 0;
    if (cursor_left(&c) == 1 && *c.at == '0')
        return true;
    if (cursor_done(&c))
        return err_set(e, ERR_BAD_DATA, "units: invalid %.*s", BYTES_ARG(shown));
    while (!cursor_done(&c)) {
        if (!take_number(&c, &number))
            return err_set(e, ERR_BAD_DATA, "units: invalid %.*s", BYTES_ARG(shown));
        if (!take_unit(&c, &factor, &unit))
            return err_set(e, ERR_BAD_DATA, "units: unknown unit %.*s in %.*s", BYTES_ARG(bytes_sub(unit, 0, 32)),
                           BYTES_ARG(shown));
        sum += number * factor;
    }
    if (sum >= 0x1p63)
        return err_set(e, ERR_BAD_DATA, "units: overflow parsing unit");
    *out = (int64_t)(negative ? -sum : sum);
    return true;
}

bytes conf_size_format(arena *a, int64_t v)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    char parts[7][16];
    int n = 0;
    if (v == 0)
        return BYTES("0B");
    for (int i = 0; i < 7 && v; i++, v /= 1024) {
        if (v % 1024)
            snprintf(parts[n++], sizeof parts[0], "%d%s", (int)(v % 1024), names[i]);
    }
    buf b;
    buf_init(&b, 256);
    while (n--)
        buf_putz(&b, parts[n]);
    bytes out = arena_bytesf(a, "%.*s", BYTES_ARG(buf_bytes(&b)));
    buf_release(&b);
    return out;
}
