/* api_parse.c: the expression printed prettily, and its tree. Both run on a worker: compiling a regular expression or
 * printing a deep tree is no work for the loop. */
#include "api/api_parse.h"
#include "api/api_reply.h"
#include "api/read_flow.h"
#include "promql/parse.h"
#include "promql/print.h"

typedef struct parse_flow {
    read_flow flow;
    void (*write)(json_writer *w, const ast_node *root, arena *a);
} parse_flow;

static bool run(read_flow *base, err *e)
{
    parse_flow *f = (parse_flow *)base;
    ast_node *root;
    if (!promql_parse(http_form(base->req, "query"), base->env->query_features, base->req->arena, &root, e))
        return err_wrap(e, "invalid parameter \"query\"");
    json_writer w;
    api_begin(&w, &base->body);
    f->write(&w, root, base->req->arena);
    api_end(&w, NULL, 0, NULL, 0);
    ast_release(root);
    return true;
}

static const read_flow_steps steps = { NULL, run, NULL };

static void write_formatted(json_writer *w, const ast_node *root, arena *a)
{
    buf text;
    buf_init(&text, w->out->max);
    promql_print_pretty(&text, root);
    json_str(w, buf_bytes(&text));
    buf_release(&text);
}

static void write_tree(json_writer *w, const ast_node *root, arena *a)
{
    promql_ast_json(w, root);
}

static void start(http_request *req, void *env, void (*write)(json_writer *, const ast_node *, arena *))
{
    parse_flow *f = ARENA_NEW(req->arena, parse_flow);
    f->write = write;
    read_flow_start(&f->flow, &steps, env, req);
}

void api_format_query(http_request *req, void *env)
{
    start(req, env, write_formatted);
}

void api_parse_query(http_request *req, void *env)
{
    start(req, env, write_tree);
}
