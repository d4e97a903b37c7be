/* ast_json.c: a tree as /api/v1/parse_query shows it.
 *
 * Keys are in byte order, as Go's encoder writes maps. Written straight into the buffer: trees nest deeper than
 * json_writer counts. Follows web/api/v1/translate_ast.go of Prometheus 3.14. */
#include "base/num.h"
#include "promql/funcs.h"
#include "promql/print.h"
#include <math.h>

static void put_node(buf *out, const ast_node *n);

/* ---- values; `key` brings its own comma and quotes ---- */

static void put_text(buf *out, const char *key, const char *text)
{
    buf_putz(out, key);
    json_escape(out, bytes_of(text));
}

static void put_bytes(buf *out, const char *key, bytes text)
{
    buf_putz(out, key);
    json_escape(out, text);
}

static void put_bool(buf *out, const char *key, bool v)
{
    buf_putz(out, key);
    buf_putz(out, v ? "true" : "false");
}

static void put_i64(buf *out, const char *key, int64_t v)
{
    buf_printf(out, "%s%lld", key, (long long)v);
}

static void put_child(buf *out, const char *key, const ast_node *n)
{
    buf_putz(out, key);
    put_node(out, n);
}

static void put_number_text(buf *out, const char *key, double v)
{
    char text[NUM_MAX_TEXT];
    put_bytes(out, key, bytes_n(text, num_format_f(v, text)));
}

static void put_labels(buf *out, const char *key, const ast_labels *l)
{
    buf_putz(out, key);
    buf_putc(out, '[');
    for (size_t i = 0; i < l->n; i++)
        put_bytes(out, i > 0 ? "," : "", l->names[i]);
    buf_putc(out, ']');
}

/* A JSON number; JSON has none for what is not finite. */
static void put_optional_number(buf *out, const char *key, bool has, double v)
{
    buf_putz(out, key);
    if (!has || !isfinite(v)) {
        buf_putz(out, "null");
        return;
    }
    json_writer w;
    json_init(&w, out);
    json_double(&w, v);
}

/* ---- nodes ---- */

static void put_duration(buf *out, const char *key, const ast_node *n)
{
    buf_putz(out, key);
    if (!n) {
        buf_putz(out, "null");
    } else if (n->kind == AST_NUMBER) {
        put_bool(out, "{\"duration\":", n->number.is_duration);
        buf_putz(out, ",\"type\":\"numberLiteral\"");
        put_number_text(out, ",\"val\":", n->number.value);
        buf_putc(out, '}');
    } else {
        put_duration(out, "{\"lhs\":", n->duration.lhs);
        put_text(out, ",\"op\":", ast_op_text(n->duration.op));
        put_duration(out, ",\"rhs\":", n->duration.rhs);
        put_bool(out, ",\"type\":\"durationExpr\",\"wrapped\":", n->duration.wrapped);
        buf_putc(out, '}');
    }
}

static void put_matchers(buf *out, const ast_selector *s)
{
    buf_putz(out, ",\"matchers\":[");
    for (size_t i = 0; i < s->n_matchers; i++) {
        put_bytes(out, i > 0 ? ",{\"name\":" : "{\"name\":", s->matchers[i].name);
        put_text(out, ",\"type\":", matcher_op_text(s->matchers[i].op));
        put_bytes(out, ",\"value\":", s->matchers[i].value);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_offset(buf *out, const ast_when *w)
{
    put_i64(out, "\"offset\":", ast_ms(w->offset_ns));
    put_duration(out, ",\"offsetExpr\":", w->offset_expr);
}

static void put_start_or_end(buf *out, const ast_when *w)
{
    static const char *const words[] = {
        [AT_NONE] = "null", [AT_TIME] = "null", [AT_START] = "\"start\"", [AT_END] = "\"end\""
    };
    buf_printf(out, ",\"startOrEnd\":%s", words[w->at]);
}

static void put_timestamp(buf *out, const ast_when *w)
{
    if (w->at == AT_TIME)
        put_i64(out, ",\"timestamp\":", w->at_ms);
    else
        buf_putz(out, ",\"timestamp\":null");
}

/* A selector; matrix is what makes it a range, or NULL. */
static void put_selector(buf *out, const ast_selector *s, const ast_matrix *matrix)
{
    put_bool(out, "{\"anchored\":", s->anchored);
    put_matchers(out, s);
    put_bytes(out, ",\"name\":", s->name);
    buf_putc(out, ',');
    put_offset(out, &s->when);
    if (matrix) {
        put_i64(out, ",\"range\":", ast_ms(matrix->range_ns));
        put_duration(out, ",\"rangeExpr\":", matrix->range_expr);
    }
    put_bool(out, ",\"smoothed\":", s->smoothed);
    put_start_or_end(out, &s->when);
    put_timestamp(out, &s->when);
    buf_printf(out, ",\"type\":\"%s\"}", matrix ? "matrixSelector" : "vectorSelector");
}

static void put_subquery(buf *out, const ast_subquery *s)
{
    put_child(out, "{\"expr\":", s->expr);
    buf_putc(out, ',');
    put_offset(out, &s->when);
    put_i64(out, ",\"range\":", ast_ms(s->range_ns));
    put_duration(out, ",\"rangeExpr\":", s->range_expr);
    put_start_or_end(out, &s->when);
    put_i64(out, ",\"step\":", ast_ms(s->step_ns));
    put_duration(out, ",\"stepExpr\":", s->step_expr);
    put_timestamp(out, &s->when);
    buf_putz(out, ",\"type\":\"subquery\"}");
}

static void put_aggregate(buf *out, const ast_aggregate *agg)
{
    put_child(out, "{\"expr\":", agg->expr);
    put_labels(out, ",\"grouping\":", &agg->grouping);
    put_text(out, ",\"op\":", agg_op_text(agg->op));
    put_child(out, ",\"param\":", agg->param);
    put_bool(out, ",\"type\":\"aggregation\",\"without\":", agg->without);
    buf_putc(out, '}');
}

static void put_matching(buf *out, const ast_binary *b)
{
    buf_putz(out, ",\"matching\":");
    if (!b->matching) {
        buf_putz(out, "null");
        return;
    }
    put_text(out, "{\"card\":", match_card_text(b->card));
    put_optional_number(out, ",\"fillValues\":{\"lhs\":", b->has_fill_left, b->fill_left);
    put_optional_number(out, ",\"rhs\":", b->has_fill_right, b->fill_right);
    put_labels(out, "},\"include\":", &b->include);
    put_labels(out, ",\"labels\":", &b->labels);
    put_bool(out, ",\"on\":", b->on);
    buf_putc(out, '}');
}

static void put_binary(buf *out, const ast_binary *b)
{
    put_bool(out, "{\"bool\":", b->return_bool);
    put_child(out, ",\"lhs\":", b->lhs);
    put_matching(out, b);
    put_text(out, ",\"op\":", ast_op_text(b->op));
    put_child(out, ",\"rhs\":", b->rhs);
    buf_putz(out, ",\"type\":\"binaryExpr\"}");
}

static void put_call(buf *out, const ast_call *c)
{
    buf_putz(out, "{\"args\":[");
    for (size_t i = 0; i < c->n_args; i++)
        put_child(out, i > 0 ? "," : "", c->args[i]);
    buf_putz(out, "],\"func\":{\"argTypes\":[");
    for (size_t i = 0; i < strlen(c->func->args); i++)
        put_text(out, i > 0 ? "," : "", value_type_text(promql_func_arg(c->func, i)));
    put_text(out, "],\"name\":", c->func->name);
    put_text(out, ",\"returnType\":", value_type_text(c->func->returns));
    put_i64(out, ",\"variadic\":", c->func->variadic);
    buf_putz(out, "},\"type\":\"call\"}");
}

static void put_node(buf *out, const ast_node *n)
{
    if (!n) {
        buf_putz(out, "null");
        return;
    }
    switch (n->kind) {
    case AST_AGGREGATE: put_aggregate(out, &n->aggregate); break;
    case AST_BINARY: put_binary(out, &n->binary); break;
    case AST_CALL: put_call(out, &n->call); break;
    case AST_DURATION: put_duration(out, "", n); break;
    case AST_MATRIX: put_selector(out, &n->matrix.selector->selector, &n->matrix); break;
    case AST_SELECTOR: put_selector(out, &n->selector, NULL); break;
    case AST_SUBQUERY: put_subquery(out, &n->subquery); break;
    case AST_NUMBER:
        put_number_text(out, "{\"type\":\"numberLiteral\",\"val\":", n->number.value);
        buf_putc(out, '}');
        break;
    case AST_STRING:
        put_bytes(out, "{\"type\":\"stringLiteral\",\"val\":", n->string);
        buf_putc(out, '}');
        break;
    case AST_PAREN:
        put_child(out, "{\"expr\":", n->paren);
        buf_putz(out, ",\"type\":\"parenExpr\"}");
        break;
    case AST_UNARY:
        put_child(out, "{\"expr\":", n->unary.expr);
        put_text(out, ",\"op\":", ast_op_text(n->unary.op));
        buf_putz(out, ",\"type\":\"unaryExpr\"}");
        break;
    }
}

void promql_ast_json(json_writer *w, const ast_node *n)
{
    json_raw(w, BYTES(""));   /* the comma, if one is due */
    put_node(w->out, n);
}
