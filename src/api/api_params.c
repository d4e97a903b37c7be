/* api_params.c: see api_params.h. Source of texts and rounding: web/api/v1/api.go (parseTime, parseDuration, ...). */
#include "api/api_params.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"
#include "promql/parse.h"
#include <math.h>
#include <stdio.h>

/* All of time for endpoints without start and end; samples keep clear of the int64 ends. */
static const int64_t TIME_MIN = INT64_MIN / 4, TIME_MAX = INT64_MAX / 4;

static bool refuse(err *e, bytes s, const char *what)
{
    buf quoted;
    buf_init(&quoted, 4096);
    utf8_quote(&quoted, bytes_sub(s, 0, 500));
    err_set(e, ERR_BAD_DATA, "cannot parse %.*s to a valid %s", BYTES_ARG(buf_bytes(&quoted)), what);
    buf_release(&quoted);
    return false;
}

static int64_t clamp_ms(double ms)
{
    return ms >= (double)TIME_MAX ? TIME_MAX : ms <= (double)TIME_MIN ? TIME_MIN : (int64_t)ms;
}

/* ---- RFC 3339 ---- */

static bool digits(cursor *c, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, c->at++) {
        int d = cursor_peek(c) - '0';
        if (d < 0 || d > 9)
            return false;
        *out = *out * 10 + d;
    }
    return true;
}

/* Days since the epoch of a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool zone(cursor *c, int *offset_min)
{
    *offset_min = 0;
    if (cursor_take(c, 'Z') || cursor_take(c, 'z'))
        return true;
    int sign = cursor_take(c, '+') ? 1 : cursor_take(c, '-') ? -1 : 0, h, m;
    if (!sign || !digits(c, 2, &h) || !cursor_take(c, ':') || !digits(c, 2, &m) || h > 23 || m > 59)
        return false;
    *offset_min = sign * (h * 60 + m);
    return true;
}

/* Milliseconds of ".123456", further digits cut off. */
static bool fraction(cursor *c, int *ms)
{
    *ms = 0;
    if (!cursor_take(c, '.'))
        return true;
    int scale = 100, n = 0;
    for (int d; (d = cursor_peek(c) - '0') >= 0 && d <= 9; c->at++, n++, scale /= 10)
        *ms += d * scale;
    return n > 0;
}

static bool parse_rfc3339(bytes s, int64_t *out)
{
    static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    cursor c = cursor_of(s);
    int y, mo, d, h, mi, sec, ms, offset;
    if (!digits(&c, 4, &y) || !cursor_take(&c, '-') || !digits(&c, 2, &mo) || !cursor_take(&c, '-') || !digits(&c, 2, &d)
        || !(cursor_take(&c, 'T') || cursor_take(&c, 't')) || !digits(&c, 2, &h) || !cursor_take(&c, ':')
        || !digits(&c, 2, &mi) || !cursor_take(&c, ':') || !digits(&c, 2, &sec) || !fraction(&c, &ms) || !zone(&c, &offset)
        || !cursor_done(&c))
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1] || (mo == 2 && d == 29 && !leap) || h > 23 || mi > 59 || sec > 59)
        return false;
    *out = ((days_from_civil(y, mo, d) * 24 + h) * 60 + mi - offset) * 60000 + sec * 1000 + ms;
    return true;
}

bytes api_format_time(arena *a, int64_t ms)
{
    if (ms == 0)
        return BYTES("0001-01-01T00:00:00Z");
    int64_t sec = ms / 1000 - (ms % 1000 < 0), frac = ms - sec * 1000;
    int64_t days = sec / 86400 - (sec % 86400 < 0), rest = sec - days * 86400;
    /* Civil date from days, the inverse of days_from_civil(). */
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    char text[64];
    int n = snprintf(text, sizeof text, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld", (long long)(yoe + era * 400 + (m <= 2)),
                     (long long)m, (long long)d, (long long)(rest / 3600), (long long)(rest / 60 % 60), (long long)(rest % 60));
    if (frac) {
        n += snprintf(text + n, sizeof text - (size_t)n, ".%03lld", (long long)frac);
        while (text[n - 1] == '0')
            n--;
    }
    text[n++] = 'Z';
    return arena_dup(a, bytes_n(text, (size_t)n));
}

/* ---- single values ---- */

bool api_parse_time(bytes s, int64_t *ms, err *e)
{
    double v;
    if (num_parse(s, &v, NULL) && !isnan(v)) {
        double whole, part = modf(v, &whole);
        *ms = clamp_ms(whole * 1000 + round(part * 1000));
        return true;
    }
    return parse_rfc3339(s, ms) || refuse(e, s, "timestamp");
}

bool api_parse_duration(bytes s, int64_t *ms, err *e)
{
    double v;
    if (num_parse(s, &v, NULL)) {
        if (!(fabs(v) <= 9223372036.0))
            return refuse(e, s, "duration. It overflows int64");
        *ms = (int64_t)(v * 1000);
        if (*ms == 0 && v != 0)   /* below the clock's resolution, but not zero */
            *ms = v > 0 ? 1 : -1;
        return true;
    }
    return duration_parse(s, ms, NULL) || refuse(e, s, "duration");
}

static bool in_param(err *e, const char *name)
{
    return err_wrap(e, "invalid parameter \"%s\"", name);
}

bool api_time_required(const http_request *req, const char *name, int64_t *ms, err *e)
{
    return api_parse_time(http_form(req, name), ms, e) || in_param(e, name);
}

bool api_time_param(const http_request *req, const char *name, int64_t deflt, int64_t *ms, err *e)
{
    bytes s = http_form(req, name);
    *ms = deflt;
    if (s.len == 0 || api_parse_time(s, ms, e))
        return true;
    err_wrap(e, "invalid time value for '%s'", name);
    return in_param(e, name);
}

bool api_duration_param(const http_request *req, const char *name, int64_t deflt, int64_t *ms, err *e)
{
    bytes s = http_form(req, name);
    *ms = deflt;
    return s.len == 0 || api_parse_duration(s, ms, e) || in_param(e, name);
}

bool api_limit_param(const http_request *req, size_t *limit, err *e)
{
    bytes s = http_form(req, "limit");
    int64_t n = 0;
    *limit = 0;
    if (s.len == 0)
        return true;
    if (!num_parse_i64(s, &n)) {
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)(s.len < 60 ? s.len : 60), s.p);
        err_set(e, ERR_BAD_DATA, "strconv.Atoi: parsing \"%s\": invalid syntax", text);
        return in_param(e, "limit");
    }
    if (n < 0) {
        err_set(e, ERR_BAD_DATA, "limit must be non-negative");
        return in_param(e, "limit");
    }
    *limit = (size_t)n;
    return true;
}

bool api_range_params(const http_request *req, int64_t *mint, int64_t *maxt, err *e)
{
    return api_time_param(req, "start", TIME_MIN, mint, e) && api_time_param(req, "end", TIME_MAX, maxt, e);
}

/* ---- match[] ---- */

static bool takes_everything(const ast_selector *s)
{
    for (size_t i = 0; i < s->n_matchers; i++)
        if (!matcher_matches_empty(&s->matchers[i]))
            return false;
    return true;
}

static bool add_selector(http_request *req, bytes text, int64_t mint, int64_t maxt, api_selectors *out, err *e)
{
    ast_node *node;
    if (!promql_parse_selector(text, req->arena, &node, e))
        return false;
    out->nodes[out->n] = node;
    out->sels[out->n++] = (db_selector){ node->selector.matchers, node->selector.n_matchers, mint, maxt };
    if (takes_everything(&node->selector))
        return err_set(e, ERR_BAD_DATA, "match[] must contain at least one non-empty matcher");
    return true;
}

bool api_match_params(http_request *req, int64_t mint, int64_t maxt, api_selectors *out, err *e)
{
    size_t n = 0, i = 0;
    bytes text;
    while (values_next(&req->form, "match[]", &i, &text))
        n++;
    *out = (api_selectors){ .sels = ARENA_ARRAY(req->arena, db_selector, n + 1),
                            .nodes = ARENA_ARRAY(req->arena, struct ast_node *, n + 1) };
    for (i = 0; values_next(&req->form, "match[]", &i, &text);) {
        if (!add_selector(req, text, mint, maxt, out, e)) {
            api_selectors_release(out);
            return false;
        }
    }
    return true;
}

void api_selectors_release(api_selectors *s)
{
    for (size_t i = 0; i < s->n; i++)
        ast_release(s->nodes[i]);
    s->n = 0;
}
