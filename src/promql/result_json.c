/* result_json.c: a query's result as the HTTP API shows it. Numbers are strings; times are seconds with up to three
 * decimals. */
#include "promql/query.h"
#include "base/num.h"
#include <stdatomic.h>

enum { POINT_MAX = NUM_MAX_TEXT + 48 };

/* [time,"value"] */
static void json_point(json_writer *w, int64_t t, double v, bool plain)
{
    char text[POINT_MAX];
    size_t n = 0;
    text[n++] = '[';
    n += num_format_time(t, text + n);
    text[n++] = ',';
    text[n++] = '"';
    n += plain ? num_format_f(v, text + n) : num_format_json(v, text + n);
    text[n++] = '"';
    text[n++] = ']';
    json_raw(w, (bytes){ text, n });
}

static void json_labels(json_writer *w, const labels *l)
{
    labels_iter it = labels_walk(l);
    label x;
    json_object(w);
    while (labels_next(&it, &x)) {
        json_key_bytes(w, x.name);
        json_str(w, x.value);
    }
    json_end(w);
}

static void json_matrix_row(json_writer *w, const query_result *r, const query_row *row)
{
    json_object(w);
    json_key(w, "metric");
    json_labels(w, row->labels);
    json_key(w, "values");
    json_array(w);
    for (size_t i = 0; i < row->n; i++)
        if (query_row_has(row, i))
            json_point(w, query_row_time(r, row, i), row->v[i], false);
    json_end(w);
    json_end(w);
}

static void json_vector_row(json_writer *w, const query_result *r, const query_row *row)
{
    json_object(w);
    json_key(w, "metric");
    json_labels(w, row->labels);
    json_key(w, "value");
    json_point(w, r->start, row->v[0], false);
    json_end(w);
}

static void json_string_result(json_writer *w, const query_result *r)
{
    char t[32];
    json_array(w);
    json_raw(w, (bytes){ t, num_format_time(r->start, t) });
    json_str(w, r->string);
    json_end(w);
}

static bool is_in_vain(const json_writer *w, const query_result *r)
{
    return w->out->overflow || (r->cancel && atomic_load_explicit(r->cancel, memory_order_relaxed));
}

void query_result_json(json_writer *w, const query_result *r)
{
    static const char *const types[] = { "scalar", "string", "vector", "matrix" };
    json_key(w, "resultType");
    json_cstr(w, types[r->type]);
    json_key(w, "result");
    switch (r->type) {
    case QUERY_SCALAR: json_point(w, r->start, r->n_rows ? r->rows[0].v[0] : 0, true); break;
    case QUERY_STRING: json_string_result(w, r); break;
    case QUERY_VECTOR:
    case QUERY_MATRIX:
        json_array(w);
        for (size_t i = 0; i < r->n_rows && !is_in_vain(w, r); i++)
            r->type == QUERY_VECTOR ? json_vector_row(w, r, &r->rows[i]) : json_matrix_row(w, r, &r->rows[i]);
        json_end(w);
        break;
    }
}
