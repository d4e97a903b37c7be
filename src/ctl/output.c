/* output.c: see output.h. A result is walked once into rows of (metric, time, value); each format prints rows its way. */
#include "ctl/output.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "model/labels.h"
#include <math.h>
#include <stdio.h>

enum output_format output_format_of(const char *name)
{
    static const char *const names[] = { "promql", "json", "table", "csv" };
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum output_format)i;
    return OUTPUT_PROMQL;
}

/* ---- pieces ---- */

static const labels *label_set(const cJSON *object, arena *a)
{
    size_t n = 0, max = (size_t)cJSON_GetArraySize(object);
    label *list = ARENA_ARRAY(a, label, max + 1);
    const cJSON *x;
    cJSON_ArrayForEach(x, object)
    {
        list[n++] = (label){ bytes_of(x->string), bytes_of(cJSON_IsString(x) ? x->valuestring : "") };
    }
    return labels_from(a, list, n);
}

static bytes metric_text(const labels *l, arena *a)
{
    buf out;
    buf_init(&out, LIMIT_MIB(16));
    labels_print_metric(&out, l);
    bytes text = out.len ? arena_dup(a, buf_bytes(&out)) : BYTES("{}");
    buf_release(&out);
    return text;
}

static bytes time_text(const cJSON *t, arena *a)
{
    char text[32];
    size_t n = num_format_time((int64_t)llround(cJSON_GetNumberValue(t) * 1000), text);
    return arena_dup(a, bytes_n(text, n));
}

static const char *value_text(const cJSON *point)
{
    const cJSON *v = cJSON_GetArrayItem(point, 1);
    return cJSON_IsString(v) ? v->valuestring : "";
}

static void print_json(const cJSON *x)
{
    char *text = cJSON_PrintUnformatted(x);
    if (text)
        puts(text);
    cJSON_free(text);
}

/* ---- promtool's lines ---- */

static void print_point(const cJSON *point, arena *a)
{
    printf("%s @[%.*s]\n", value_text(point), BYTES_ARG(time_text(cJSON_GetArrayItem(point, 0), a)));
}

static void print_promql(const char *type, const cJSON *result, arena *a)
{
    const cJSON *s, *p;
    if (strcmp(type, "scalar") == 0) {
        printf("scalar: ");
        print_point(result, a);
        return;
    }
    if (strcmp(type, "string") == 0) {
        puts(value_text(result));
        return;
    }
    if (cJSON_GetArraySize(result) == 0)
        puts("");
    cJSON_ArrayForEach(s, result)
    {
        bytes metric = metric_text(label_set(cJSON_GetObjectItem(s, "metric"), a), a);
        const cJSON *values = cJSON_GetObjectItem(s, "values");
        printf("%.*s =>%s", BYTES_ARG(metric), values ? "\n" : " ");
        if (!values)
            print_point(cJSON_GetObjectItem(s, "value"), a);
        cJSON_ArrayForEach(p, values)
        {
            print_point(p, a);
        }
    }
}

/* ---- table and CSV: a column per label name that occurs, then time and value ---- */

typedef struct table {
    VEC(bytes) names;
    VEC(bytes) cells;      /* row by row, columns() each */
} table;

static size_t columns(const table *t)
{
    return t->names.len + 2;
}

static void add_name(table *t, bytes name)
{
    size_t at = 0;
    while (at < t->names.len && bytes_cmp(t->names.p[at], name) < 0)
        at++;
    if (at < t->names.len && bytes_eq(t->names.p[at], name))
        return;
    vec_push(&t->names, name);
    memmove(&t->names.p[at + 1], &t->names.p[at], (t->names.len - 1 - at) * sizeof name);
    t->names.p[at] = name;
}

static void add_row(table *t, const labels *l, bytes time, bytes value)
{
    for (size_t i = 0; i < t->names.len; i++)
        vec_push(&t->cells, labels_get(l, t->names.p[i]));
    vec_push(&t->cells, time);
    vec_push(&t->cells, value);
}

static void csv_cell(bytes b)
{
    bool quote = bytes_find(b, ',') >= 0 || bytes_find(b, '"') >= 0 || bytes_find(b, '\n') >= 0 || bytes_find(b, '\r') >= 0;
    if (!quote) {
        printf("%.*s", BYTES_ARG(b));
        return;
    }
    putchar('"');
    for (size_t i = 0; i < b.len; i++) {
        if (b.p[i] == '"')
            putchar('"');
        putchar(b.p[i]);
    }
    putchar('"');
}

static size_t text_width(bytes b)
{
    size_t n = 0;
    for (size_t i = 0; i < b.len; i++)
        n += ((unsigned char)b.p[i] & 0xc0) != 0x80;
    return n;
}

static void print_rows(const table *t, const bytes *head, bool csv)
{
    size_t n = columns(t), rows = t->cells.len / n;
    size_t *width = xcalloc(n, sizeof *width);
    for (size_t r = 0; r <= rows && !csv; r++)
        for (size_t i = 0; i < n; i++) {
            size_t w = text_width(r ? t->cells.p[(r - 1) * n + i] : head[i]);
            width[i] = w > width[i] ? w : width[i];
        }
    for (size_t r = 0; r <= rows; r++) {
        for (size_t i = 0; i < n; i++) {
            bytes cell = r ? t->cells.p[(r - 1) * n + i] : head[i];
            if (csv) {
                csv_cell(cell);
                putchar(i + 1 < n ? ',' : '\n');
                continue;
            }
            printf("%.*s", BYTES_ARG(cell));
            for (size_t w = text_width(cell); i + 1 < n && w < width[i] + 2; w++)
                putchar(' ');
            if (i + 1 == n)
                putchar('\n');
        }
    }
    free(width);
}

static void print_table(const char *type, const cJSON *result, bool csv, arena *a)
{
    table t = { 0 };
    const cJSON *s, *p;
    bool flat = strcmp(type, "scalar") == 0 || strcmp(type, "string") == 0;
    if (flat) {
        add_row(&t, &labels_empty, time_text(cJSON_GetArrayItem(result, 0), a), bytes_of(value_text(result)));
    } else {
        cJSON_ArrayForEach(s, result)
        {
            const cJSON *x;
            cJSON_ArrayForEach(x, cJSON_GetObjectItem(s, "metric"))
            {
                add_name(&t, bytes_of(x->string));
            }
        }
        cJSON_ArrayForEach(s, result)
        {
            const labels *l = label_set(cJSON_GetObjectItem(s, "metric"), a);
            const cJSON *values = cJSON_GetObjectItem(s, "values"), *one = cJSON_GetObjectItem(s, "value");
            if (one)
                add_row(&t, l, time_text(cJSON_GetArrayItem(one, 0), a), bytes_of(value_text(one)));
            cJSON_ArrayForEach(p, values)
            {
                add_row(&t, l, time_text(cJSON_GetArrayItem(p, 0), a), bytes_of(value_text(p)));
            }
        }
    }
    bytes *head = ARENA_ARRAY(a, bytes, columns(&t));
    for (size_t i = 0; i < t.names.len; i++)
        head[i] = t.names.p[i];
    head[t.names.len] = BYTES("time");
    head[t.names.len + 1] = BYTES("value");
    print_rows(&t, head, csv);
    vec_free(&t.names);
    vec_free(&t.cells);
}

void output_result(const cJSON *data, enum output_format f, arena *a)
{
    const cJSON *type = cJSON_GetObjectItem(data, "resultType"), *result = cJSON_GetObjectItem(data, "result");
    const char *name = cJSON_IsString(type) ? type->valuestring : "";
    if (f == OUTPUT_JSON)
        print_json(result);
    else if (f == OUTPUT_PROMQL)
        print_promql(name, result, a);
    else
        print_table(name, result, f == OUTPUT_CSV, a);
}

void output_series(const cJSON *list, enum output_format f, arena *a)
{
    const cJSON *s;
    if (f == OUTPUT_JSON) {
        print_json(list);
        return;
    }
    cJSON_ArrayForEach(s, list)
    {
        buf out;
        buf_init(&out, LIMIT_MIB(16));
        labels_print(&out, label_set(s, a));
        if (f == OUTPUT_CSV)
            csv_cell(buf_bytes(&out));
        else
            fwrite(out.p, 1, out.len, stdout);
        putchar('\n');
        buf_release(&out);
    }
}

void output_strings(const cJSON *list, enum output_format f, arena *a)
{
    const cJSON *s;
    if (f == OUTPUT_JSON) {
        print_json(list);
        return;
    }
    cJSON_ArrayForEach(s, list)
    {
        bytes value = bytes_of(cJSON_IsString(s) ? s->valuestring : "");
        if (f == OUTPUT_CSV)
            csv_cell(value);
        else
            fwrite(value.p, 1, value.len, stdout);
        putchar('\n');
    }
}
