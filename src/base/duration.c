/* duration.c: durations as Prometheus' model.Duration and Go's time.Duration spell them.
 *
 * The range is that of Go's nanoseconds, about 292 years, so the arithmetic is done in unsigned nanoseconds and only
 * the result is in ms.                                                                                        */
#include "base/duration.h"
#include "base/num.h"
#include "base/utf8.h"

#define NS_PER_MS UINT64_C(1000000)
#define MS_PER_SEC INT64_C(1000)
#define MS_PER_MIN (60 * MS_PER_SEC)
#define MS_PER_HOUR (60 * MS_PER_MIN)
#define MS_PER_DAY (24 * MS_PER_HOUR)

/* Largest first: the order in which a text may use them. exact: printed only where nothing remains ("90d", not
 * "12w6d"). */
static const struct unit {
    bytes name;
    int64_t ms;
    bool exact;
} units[] = {
    { BYTES_INIT("y"), 365 * MS_PER_DAY, true },
    { BYTES_INIT("w"), 7 * MS_PER_DAY, true },
    { BYTES_INIT("d"), MS_PER_DAY, false },
    { BYTES_INIT("h"), MS_PER_HOUR, false },
    { BYTES_INIT("m"), MS_PER_MIN, false },
    { BYTES_INIT("s"), MS_PER_SEC, false },
    { BYTES_INIT("ms"), 1, false },
};
enum { N_UNITS = sizeof units / sizeof *units };

/* More of a text than a message shows. */
enum { QUOTED_MAX = 1024 };

static bool not_valid(err *e, bytes text)
{
    buf quoted;
    buf_init(&quoted, QUOTED_MAX);
    utf8_quote(&quoted, text);
    err_set(e, ERR_BAD_DATA, "not a valid duration string: %.*s", BYTES_ARG(buf_bytes(&quoted)));
    buf_release(&quoted);
    return false;
}

static bool unknown_unit(err *e, bytes unit, bytes text)
{
    buf quoted;
    buf_init(&quoted, QUOTED_MAX);
    buf_putz(&quoted, "unknown unit ");
    utf8_quote(&quoted, unit);
    buf_putz(&quoted, " in duration ");
    utf8_quote(&quoted, text);
    err_set(e, ERR_BAD_DATA, "%.*s", BYTES_ARG(buf_bytes(&quoted)));
    buf_release(&quoted);
    return false;
}

/* The run of digits (or of anything else) that the cursor stands at. */
static bytes take_run(cursor *c, bool digits)
{
    const char *start = c->at;
    while (!cursor_done(c) && (*c->at >= '0' && *c->at <= '9') == digits)
        c->at++;
    return (bytes){ start, (size_t)(c->at - start) };
}

static int find_unit(bytes name)
{
    for (int i = 0; i < N_UNITS; i++)
        if (bytes_eq(units[i].name, name))
            return i;
    return -1;
}

bool duration_parse(bytes s, int64_t *ms, err *e)
{
    if (s.len == 0)
        return err_set(e, ERR_BAD_DATA, "empty duration string");
    if (bytes_eq(s, BYTES("0"))) {
        *ms = 0;
        return true;
    }
    uint64_t total_ns = 0;
    int last = -1;
    for (cursor c = cursor_of(s); !cursor_done(&c);) {
        uint64_t n;
        if (!num_parse_u64(take_run(&c, true), &n))
            return not_valid(e, s);
        bytes name = take_run(&c, false);
        if (name.len == 0)
            return not_valid(e, s);
        int unit = find_unit(name);
        if (unit < 0)
            return unknown_unit(e, name, s);
        if (unit <= last)
            return not_valid(e, s);
        last = unit;
        uint64_t unit_ns = (uint64_t)units[unit].ms * NS_PER_MS;
        if (n > (UINT64_C(1) << 63) / unit_ns)
            return err_set(e, ERR_BAD_DATA, "duration out of range");
        total_ns += n * unit_ns; /* two terms of at most 2^63 each: cannot wrap unnoticed */
        if (total_ns > INT64_MAX)
            return err_set(e, ERR_BAD_DATA, "duration out of range");
    }
    *ms = (int64_t)(total_ns / NS_PER_MS);
    return true;
}

bytes duration_format(arena *a, int64_t ms)
{
    if (ms == 0)
        return BYTES("0s");
    char text[160];
    size_t len = 0;
    uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (ms < 0)
        text[len++] = '-';
    for (int i = 0; i < N_UNITS; i++) {
        uint64_t n = left / (uint64_t)units[i].ms;
        if (n == 0 || (units[i].exact && left % (uint64_t)units[i].ms != 0))
            continue;
        left -= n * (uint64_t)units[i].ms;
        len += num_format_i64((int64_t)n, text + len);
        memcpy(text + len, units[i].name.p, units[i].name.len);
        len += units[i].name.len;
    }
    return arena_dup(a, (bytes){ text, len });
}

/* whole[.fraction] where ns = whole * unit_ns + fraction; trailing zeros of the fraction are cut. */
static size_t put_fraction(char *out, uint64_t ns, uint64_t unit_ns)
{
    size_t len = num_format_i64((int64_t)(ns / unit_ns), out);
    uint64_t rest = ns % unit_ns;
    if (rest == 0)
        return len;
    out[len++] = '.';
    for (uint64_t place = unit_ns / 10; rest > 0; place /= 10) {
        out[len++] = (char)('0' + rest / place);
        rest %= place;
    }
    return len;
}

bytes duration_format_go(arena *a, int64_t ns)
{
    static const struct {
        uint64_t below_ns, unit_ns;
        const char *name;
    } small[] = { { 1000, 1, "ns" }, { 1000000, 1000, "µs" }, { 1000000000, 1000000, "ms" } };
    if (ns == 0)
        return BYTES("0s");
    char text[80];
    size_t len = 0;
    uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        text[len++] = '-';
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        if (u < small[i].below_ns) {
            len += put_fraction(text + len, u, small[i].unit_ns);
            return arena_bytesf(a, "%.*s%s", (int)len, text, small[i].name);
        }
    }
    const uint64_t sec = 1000000000, min = 60 * sec, hour = 60 * min;
    if (u >= hour) {
        len += num_format_i64((int64_t)(u / hour), text + len);
        text[len++] = 'h';
    }
    if (u >= min) {
        len += num_format_i64((int64_t)(u % hour / min), text + len);
        text[len++] = 'm';
    }
    len += put_fraction(text + len, u % min, sec);
    text[len++] = 's';
    return arena_dup(a, (bytes){ text, len });
}
