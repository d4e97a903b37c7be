/* pack_times.c: timestamp columns, and which of a timeline's times a series has.
 *
 *   times    = varint(n << 1 | regular) zigzag(t[0]) [ varint(step) ]                                regular
 *            | varint(n << 1) zigzag(t[0]) varint(t[1] - t[0]) { zigzag(delta - delta before it) }   else
 *   presence = varint(runs) { varint(length) }          absent, present, absent, ... until the timeline's end
 *
 * Invariant of what decoding lets through: times ascend strictly, so whoever reads a damaged column that has the right
 * checksum gets an error, never a disordered answer. A last absent run is left out.                                 */
#include "tsdb/pack_impl.h"

static bool is_regular(const int64_t *t, size_t n)
{
    for (size_t i = 2; i < n; i++)
        if (t[i] - t[i - 1] != t[1] - t[0])
            return false;
    return true;
}

void times_encode(const int64_t *t, size_t n, buf *out)
{
    bool regular = is_regular(t, n);
    buf_put_varint(out, (uint64_t)n << 1 | regular);
    buf_put_zigzag(out, t[0]);
    if (n == 1)
        return;
    uint64_t delta = (uint64_t)t[1] - (uint64_t)t[0];
    buf_put_varint(out, delta);
    for (size_t i = 2; i < n && !regular; i++) {
        uint64_t d = (uint64_t)t[i] - (uint64_t)t[i - 1];
        buf_put_zigzag(out, (int64_t)(d - delta));
        delta = d;
    }
}

/* t + delta, where it is later than t. */
static inline bool step_time(int64_t t, uint64_t delta, int64_t *out)
{
    *out = (int64_t)((uint64_t)t + delta);
    return *out > t;
}

static bool times_start(cursor *c, size_t *n, bool *regular, int64_t *t0)
{
    uint64_t head;
    if (!cursor_varint(c, &head) || !cursor_zigzag(c, t0))
        return false;
    *n = head >> 1;
    *regular = head & 1;
    return *n > 0 && *n <= PACK_MAX_SAMPLES;
}

bool times_decode(cursor *c, int64_t *t, size_t *n)
{
    bool regular;
    uint64_t delta = 0;
    if (!times_start(c, n, &regular, t))
        return false;
    if (*n > 1 && (!cursor_varint(c, &delta) || !step_time(t[0], delta, &t[1])))
        return false;
    for (size_t i = 2; i < *n; i++) {
        int64_t change = 0;
        if (!regular && !cursor_zigzag(c, &change))
            return false;
        delta += (uint64_t)change;
        if (!step_time(t[i - 1], delta, &t[i]))
            return false;
    }
    return true;
}

bool times_skip(cursor *c)
{
    bool regular;
    size_t n;
    int64_t t0;
    uint64_t u;
    if (!times_start(c, &n, &regular, &t0))
        return false;
    size_t left = n == 1 ? 0 : regular ? 1 : n - 1;
    while (left > 0 && cursor_varint(c, &u))
        left--;
    return left == 0;
}

/* ---- presence ---- */
size_t presence_encode(const int64_t *line, size_t n_line, const int64_t *t, size_t n, buf *out)
{
    uint16_t runs[PACK_MAX_SAMPLES + 1];
    size_t n_runs = 0, at = 0, i = 0;
    bool present = false;
    while (i < n) {
        size_t from = at;
        if (present)
            while (at < n_line && i < n && line[at] == t[i])
                at++, i++;
        else
            while (at < n_line && line[at] < t[i])
                at++;
        if (at == from && n_runs > 0)
            return 0; /* neither here nor absent: a time of its own */
        runs[n_runs++] = (uint16_t)(at - from);
        present = !present;
    }
    if (out) {
        buf_put_varint(out, n_runs);
        for (size_t k = 0; k < n_runs; k++)
            buf_put_varint(out, runs[k]);
    }
    return n_runs;
}

bool presence_decode(cursor *c, const int64_t *line, size_t n_line, int64_t *t, size_t *n)
{
    uint64_t n_runs, len;
    size_t at = 0;
    *n = 0;
    if (!cursor_varint(c, &n_runs) || n_runs > n_line + 1)
        return false;
    for (uint64_t k = 0; k < n_runs; k++) {
        if (!cursor_varint(c, &len) || len > n_line - at)
            return false;
        if (k & 1) {
            memcpy(t + *n, line + at, len * sizeof *t);
            *n += len;
        }
        at += len;
    }
    return *n > 0;
}
