/* cmd_query.c: tsdbctl query instant|range|series|labels, with promtool's output and defaults. */
#include "base/limits.h"
#include "base/num.h"
#include "base/os.h"
#include "ctl/commands.h"
#include "ctl/output.h"
#include "ctl/server_call.h"
#include "loop/url.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_notes(const char *what, const cJSON *notes)
{
    const cJSON *note;
    cJSON_ArrayForEach(note, notes)
    {
        if (cJSON_IsString(note))
            fprintf(stderr, "%s: %s\n", what, note->valuestring);
    }
}

/* Prints warnings and infos of an answer; false: it was an error, and that has been said. */
static bool accept_answer(const cJSON *root, int status, bytes body)
{
    const cJSON *state = cJSON_GetObjectItem(root, "status");
    if (!cJSON_IsString(state)) {
        fprintf(stderr, "query error: the server answered %d: %.*s\n", status, (int)(body.len < 300 ? body.len : 300),
                body.len ? body.p : "");
        return false;
    }
    if (strcmp(state->valuestring, "success") != 0) {
        const cJSON *type = cJSON_GetObjectItem(root, "errorType"), *text = cJSON_GetObjectItem(root, "error");
        fprintf(stderr, "query error: %s: %s\n", cJSON_IsString(type) ? type->valuestring : "", cJSON_IsString(text) ? text->valuestring : "");
        return false;
    }
    print_notes("Warning", cJSON_GetObjectItem(root, "warnings"));
    print_notes("Info", cJSON_GetObjectItem(root, "infos"));
    return true;
}

/* Sends the form and prints "data" with print. */
static int ask(ctl_call *c, const char *path, buf *form, void (*print)(const cJSON *, enum output_format, arena *))
{
    server_request r = { bytes_of(c->args.p[0]), path, form, ctl_values(c, "header") };
    buf body;
    int status;
    err e = { 0 };
    bool ok = server_call(&r, c->arena, &status, &body, &e);
    if (form)
        buf_release(form);
    if (!ok) {
        fprintf(stderr, "query error: %s\n", e.msg);
        return 1;
    }
    cJSON *root = cJSON_ParseWithLength(body.p ? body.p : "", body.len);
    ok = accept_answer(root, status, buf_bytes(&body));
    if (ok)
        print(cJSON_GetObjectItem(root, "data"), output_format_of(ctl_value(c, "format")), c->arena);
    cJSON_Delete(root);
    buf_release(&body);
    return ok ? 0 : 1;
}

static bool is_time(const char *s)
{
    double v;
    if (num_parse(bytes_of(s), &v, NULL))
        return isfinite(v);
    /* RFC 3339 is the server's to read in full; here only that it looks like one. */
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? !(s[i] >= '0' && s[i] <= '9') : s[i] != form[i])
            return false;
    return true;
}

/* Adds option `name` as parameter `param`; absent: deflt seconds (NAN: leave it out). */
static bool add_time(ctl_call *c, buf *form, const char *name, double deflt)
{
    const char *text = ctl_value(c, name);
    char number[32];
    if (text && !is_time(text))
        return ctl_fail("error parsing %s time: cannot parse \"%s\" to a valid timestamp", name, text) == 0;
    if (!text && isnan(deflt))
        return true;
    if (!text) {
        number[num_format_time((int64_t)llround(deflt * 1000), number)] = '\0';
        text = number;
    }
    form_add(form, name, bytes_of(text));
    return true;
}

static double now_seconds(void)
{
    return (double)os.now_ms() / 1000;
}

/* Seconds of a Go duration ("1m30s", "250ms", "1.5h"); NAN where it is none. */
static double go_seconds(const char *s)
{
    static const struct { const char *unit; double seconds; } units[] = {
        { "ns", 1e-9 }, { "us", 1e-6 }, { "ms", 1e-3 }, { "s", 1 }, { "m", 60 }, { "h", 3600 },
    };
    double sum = 0;
    if (!*s)
        return NAN;
    while (*s) {
        char *end;
        double v = strtod(s, &end), unit = 0;
        size_t len = strcspn(end, "0123456789.+-");
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
            if (strlen(units[i].unit) == len && strncmp(units[i].unit, end, len) == 0)
                unit = units[i].seconds;
        if (end == s || unit == 0)
            return NAN;
        sum += v * unit;
        s = end + len;
    }
    return sum;
}

int cmd_query_instant(ctl_call *c)
{
    buf form;
    buf_init(&form, LIMIT_HTTP_BODY);
    form_add(&form, "query", bytes_of(c->args.p[1]));
    if (!add_time(c, &form, "time", NAN)) {
        buf_release(&form);
        return 1;
    }
    return ask(c, "/api/v1/query", &form, output_result);
}

/* Seconds of a time option that is a number; deflt where absent; NAN for RFC 3339, whose span only the server knows. */
static double time_number(const ctl_call *c, const char *name, double deflt)
{
    const char *text = ctl_value(c, name);
    double v;
    return !text ? deflt : num_parse(bytes_of(text), &v, NULL) ? v : NAN;
}

int cmd_query_range(ctl_call *c)
{
    buf form;
    const char *step_text = ctl_value(c, "step");
    double end = time_number(c, "end", now_seconds()), start = time_number(c, "start", end - 300);
    double step = step_text ? go_seconds(step_text) : isnan(end - start) ? 15 : fmax(trunc((end - start) / 250), 1);
    if (step_text && !(step > 0))
        return ctl_fail("time: invalid duration \"%s\"", step_text);
    if (end < start) {
        fputs("end time is not before start time\n", stderr);
        return 1;
    }
    buf_init(&form, LIMIT_HTTP_BODY);
    form_add(&form, "query", bytes_of(c->args.p[1]));
    char number[32];
    number[num_format_time((int64_t)llround(step * 1000), number)] = '\0';
    form_add(&form, "step", bytes_of(number));
    if (!add_time(c, &form, "end", end) || !add_time(c, &form, "start", start)) {
        buf_release(&form);
        return 1;
    }
    return ask(c, "/api/v1/query_range", &form, output_result);
}

static bool add_matches(ctl_call *c, buf *form)
{
    ctl_list match = ctl_values(c, "match");
    double now = now_seconds();
    for (size_t i = 0; i < match.n; i++)
        form_add(form, "match[]", bytes_of(match.p[i]));
    return add_time(c, form, "start", now - 9999 * 3600.0) && add_time(c, form, "end", now + 9999 * 3600.0);
}

int cmd_query_series(ctl_call *c)
{
    buf form;
    buf_init(&form, LIMIT_HTTP_BODY);
    if (!add_matches(c, &form)) {
        buf_release(&form);
        return 1;
    }
    return ask(c, "/api/v1/series", &form, output_series);
}

int cmd_query_labels(ctl_call *c)
{
    buf form, path;
    buf_init(&form, LIMIT_HTTP_BODY);
    buf_init(&path, LIMIT_HTTP_HEAD);
    if (!add_matches(c, &form)) {
        buf_release(&form);
        return 1;
    }
    /* Label values are asked for by GET only. */
    buf_putz(&path, "/api/v1/label/");
    url_escape_path(&path, bytes_of(c->args.p[1]));
    buf_putz(&path, "/values?");
    buf_puts(&path, buf_bytes(&form));
    const char *text = arena_cstr(c->arena, buf_bytes(&path));
    buf_release(&form);
    buf_release(&path);
    return ask(c, text, NULL, output_strings);
}
