/* func_time.c: the evaluation time, and the calendar in UTC.
 *
 * Calendar: days are counted without sign from a far year that starts a 400-year cycle, as Go's time package does, so
 * that every int64 of seconds has a date and nothing overflows.                                                */
#include "promql/func_impl.h"
#include "promql/go_math.h"
#include "promql/op_each.h"
#include "promql/plan.h"

enum { CYCLE_DAYS = 146097, CENTURY_DAYS = 36524, FOUR_YEARS_DAYS = 1461, DAY_SEC = 86400 };
#define CYCLES_BEFORE UINT64_C(730692556)                                  /* cycles from the far year to year 1 */
#define DAYS_BEFORE_1970 (CYCLES_BEFORE * CYCLE_DAYS + UINT64_C(719162))

typedef struct civil {
    double year;
    int month, day, year_day;   /* month and days from 1 */
    int weekday;                /* 0: Sunday */
    int hour, minute;
    bool is_leap;
} civil;

static const int month_start[2][13] = {
    { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 },
    { 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366 },
};

static civil civil_of(int64_t sec)
{
    uint64_t abs = (uint64_t)sec + DAYS_BEFORE_1970 * DAY_SEC;
    uint64_t days = abs / DAY_SEC, in_day = abs % DAY_SEC, cycle = days / CYCLE_DAYS;
    int d = (int)(days % CYCLE_DAYS);
    int century = d / CENTURY_DAYS - d / (CENTURY_DAYS * 4);   /* the last century of a cycle has one day more */
    d -= century * CENTURY_DAYS;
    int fours = d / FOUR_YEARS_DAYS;
    d -= fours * FOUR_YEARS_DAYS;
    int year = d / 365 - d / (365 * 4);
    d -= year * 365;
    civil c = { .year_day = d + 1, .hour = (int)(in_day / 3600), .minute = (int)(in_day % 3600 / 60) };
    c.year = ((double)cycle - (double)CYCLES_BEFORE) * 400 + century * 100 + fours * 4 + year + 1;
    c.weekday = (int)((days + 1) % 7);   /* day 0 is a Monday */
    c.is_leap = year == 3 && (fours < 24 || century == 3);
    for (c.month = 1; month_start[c.is_leap][c.month] <= d;)
        c.month++;
    c.day = d - month_start[c.is_leap][c.month - 1] + 1;
    return c;
}

static void each_keep(row *r, size_t n, double *const *args)
{
    (void)r;
    (void)n;
    (void)args;
}

typedef struct time_op {
    op o;
    bool done;
} time_op;

static bool time_next(op *o, row *out)
{
    time_op *t = (time_op *)o;
    if (t->done || !row_alloc(o->ev, out, o->g.n))
        return false;
    t->done = true;
    out->labels = &labels_empty;
    out->drop_name = false;
    for (size_t i = 0; i < o->g.n; i++)
        out->v[i] = (double)grid_time(o->g, i) / 1000;
    bits_fill(out->has, o->g.n);
    return true;
}

static op *time_new(eval *ev, grid g)
{
    return op_new(ev, sizeof(time_op), g, time_next);
}

/* f(v) or, of the evaluation time, f(). */
static bool calendar_call(func_call *c, each_fn fn)
{
    op *src = c->n_args ? call_arg(c, 0) : time_new(c->ev, c->g);
    if (!src)
        return false;
    c->out = each_new(c->ev, src, fn, NULL, 0);
    return true;
}

#define CALENDAR(name, expr)                                                                         \
    static void each_##name(row *r, size_t n, double *const *args)                                    \
    {                                                                                                \
        (void)args;                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                             \
            civil t = civil_of(go_int64(r->v[i]));                                                   \
            r->v[i] = expr;                                                                          \
        }                                                                                            \
    }                                                                                                \
    bool fn_##name(func_call *c)                                                                     \
    {                                                                                                \
        return calendar_call(c, each_##name);                                                         \
    }

CALENDAR(day_of_month, t.day)
CALENDAR(day_of_week, t.weekday)
CALENDAR(day_of_year, t.year_day)
CALENDAR(days_in_month, month_start[t.is_leap][t.month] - month_start[t.is_leap][t.month - 1])
CALENDAR(hour, t.hour)
CALENDAR(minute, t.minute)
CALENDAR(month, t.month)
CALENDAR(year, t.year)

bool fn_time(func_call *c)
{
    c->out = time_new(c->ev, c->g);
    return true;
}

typedef struct step_time_op {
    op o;
    op *src;
    label_bits seen;
} step_time_op;

static bool step_time_next(op *o, row *out)
{
    step_time_op *s = (step_time_op *)o;
    if (!op_next(s->src, out))
        return false;
    for (size_t i = 0; i < o->g.n; i++)
        out->v[i] = (double)grid_time(o->g, i) / 1000;
    out->drop_name = true;
    return row_seen_add(o, s->src, &s->seen, out);
}

/* Of a plain selector the samples' own times, of anything else the evaluation time. */
bool fn_timestamp(func_call *c)
{
    bool own = c->args[0]->kind == AST_SELECTOR;
    op *src = own ? select_new(c->ev, c->args[0], c->g, true) : call_arg(c, 0);
    if (!src)
        return false;
    if (own) {
        c->out = each_new(c->ev, src, each_keep, NULL, 0);
        return true;
    }
    step_time_op *s = op_new(c->ev, sizeof *s, c->g, step_time_next);
    s->o.may_repeat = true;
    s->src = src;
    c->out = &s->o;
    return true;
}

/* start(), end(), range(), step(): of the whole query, also below a subquery. */
static bool constant_call(func_call *c, double v)
{
    c->out = number_new(c->ev, c->g, v);
    return true;
}

bool fn_start(func_call *c) { return constant_call(c, (double)c->ev->g.start / 1000); }
bool fn_end(func_call *c) { return constant_call(c, (double)c->ev->range_end / 1000); }
bool fn_range(func_call *c) { return constant_call(c, (double)(c->ev->range_end - c->ev->g.start) / 1000); }
bool fn_step(func_call *c)
{
    return constant_call(c, c->ev->range_end == c->ev->g.start ? 0 : (double)c->ev->g.step / 1000);
}
