/* yaml.c: see yaml.h. Events to nodes by one recursive function per kind of node.
 *
 * (1) Depth counts levels with aliases followed, so no walker of the tree recurses deeper than LIMIT_YAML_DEPTH.
 * (2) weight counts nodes with aliases expanded and saturates, so whoever walks the whole tree sees at most
 *     LIMIT_YAML_NODES of them, however often an alias stands.
 * (3) A node is open until its end event: an alias to an open node would contain itself.
 * Children are gathered on one stack and copied to the arena when their parent closes.                      */
#include "config/yaml.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/vec.h"
#include <yaml.h>

typedef struct loader {
    yaml_parser_t parser;
    yaml_event_t event;
    arena *a;
    map anchors;                  /* name -> yaml_node */
    VEC(const yaml_node *) stack; /* children of the open nodes; for maps key, value, key, ... */
    size_t n_nodes;
    err *e;
} loader;

static bool load_node(loader *l, unsigned depth, yaml_node **out);

/* As yaml.v2's parser.fail(): scanner marks count from 0, parser marks stand one line further on. */
static bool fail_parser(loader *l)
{
    const yaml_parser_t *p = &l->parser;
    size_t line = 0;
    if (p->problem_mark.line)
        line = p->problem_mark.line + (p->error == YAML_SCANNER_ERROR);
    else if (p->context_mark.line)
        line = p->context_mark.line;
    const char *why = p->problem ? p->problem : "unknown problem parsing YAML content";
    if (line)
        return err_set(l->e, ERR_BAD_DATA, "yaml: line %zu: %s", line, why);
    return err_set(l->e, ERR_BAD_DATA, "yaml: %s", why);
}

static bool next_event(loader *l)
{
    yaml_event_delete(&l->event);
    memset(&l->event, 0, sizeof l->event);
    return yaml_parser_parse(&l->parser, &l->event) || fail_parser(l);
}

static bool fail_at(loader *l, const char *what)
{
    return err_set(l->e, ERR_BAD_DATA, "yaml: line %zu: %s", l->event.start_mark.line + 1, what);
}

static const char *short_tag(arena *a, const yaml_char_t *tag)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *t = (const char *)tag;
    if (!t)
        return NULL;
    if (strncmp(t, prefix, sizeof prefix - 1) == 0)
        return arena_printf(a, "!!%s", t + sizeof prefix - 1);
    return arena_cstr(a, bytes_of(t));
}

static yaml_node *new_node(loader *l, enum yaml_node_kind kind, const yaml_char_t *tag, const yaml_char_t *anchor)
{
    yaml_node *n = ARENA_NEW(l->a, yaml_node);
    n->kind = (unsigned char)kind;
    n->line = (uint32_t)l->event.start_mark.line + 1;
    n->column = (uint32_t)l->event.start_mark.column + 1;
    n->weight = 1;
    n->tag = short_tag(l->a, tag);
    n->is_open = true;
    if (anchor) {
        bytes name = arena_dup(l->a, bytes_of((const char *)anchor));
        map_put_ptr(&l->anchors, name, n);
    }
    return n;
}

/* Adds a child's size to its parent's. */
static bool weigh(loader *l, yaml_node *parent, const yaml_node *child)
{
    if ((uint64_t)parent->weight + child->weight > LIMIT_YAML_NODES)
        return fail_at(l, "document contains excessive aliasing or too many nodes");
    parent->weight += child->weight;
    if (child->height >= parent->height)
        parent->height = (unsigned char)(child->height + 1);
    return true;
}

static bool load_scalar(loader *l, yaml_node **out)
{
    yaml_node *n = new_node(l, YAML_NODE_SCALAR, l->event.data.scalar.tag, l->event.data.scalar.anchor);
    bytes text = { (const char *)l->event.data.scalar.value, l->event.data.scalar.length };
    n->text = (bytes){ arena_cstr(l->a, text), text.len };
    n->is_plain = !n->tag && l->event.data.scalar.plain_implicit;
    n->is_open = false;
    *out = n;
    if (n->tag && strcmp(n->tag, "!!binary") == 0)
        return fail_at(l, "!!binary values are not read here");
    return true;
}

static bool load_alias(loader *l, unsigned depth, yaml_node **out)
{
    const char *name = (const char *)l->event.data.alias.anchor;
    yaml_node *n = map_get_ptr(&l->anchors, bytes_of(name));
    if (!n)
        return err_set(l->e, ERR_BAD_DATA, "yaml: unknown anchor '%s' referenced", name);
    if (n->is_open)
        return err_set(l->e, ERR_BAD_DATA, "yaml: anchor '%s' value contains itself", name);
    if (depth + n->height > LIMIT_YAML_DEPTH) /* (1) */
        return fail_at(l, "exceeded max depth");
    *out = n;
    return true;
}

static bool load_list(loader *l, unsigned depth, yaml_node **out)
{
    yaml_node *n = new_node(l, YAML_NODE_LIST, l->event.data.sequence_start.tag, l->event.data.sequence_start.anchor);
    size_t base = l->stack.len;
    for (;;) {
        yaml_node *child;
        if (!next_event(l))
            return false;
        if (l->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (!load_node(l, depth + 1, &child) || !weigh(l, n, child))
            return false;
        vec_push(&l->stack, child);
    }
    n->n = l->stack.len - base;
    n->items = ARENA_ARRAY(l->a, const yaml_node *, n->n);
    if (n->n)
        memcpy(n->items, l->stack.p + base, n->n * sizeof *n->items);
    l->stack.len = base;
    n->is_open = false;
    *out = n;
    return true;
}

static bool is_merge_key(const yaml_node *key)
{
    return key->kind == YAML_NODE_SCALAR && bytes_eq(key->text, BYTES("<<"))
           && (key->is_plain || (key->tag && strcmp(key->tag, "!!merge") == 0));
}

/* Appends the pairs of one merged map whose keys are not there yet; seen holds the keys. */
static bool merge_map(loader *l, yaml_node *into, const yaml_node *from, map *seen)
{
    if (from->kind != YAML_NODE_MAP)
        return err_set(l->e, ERR_BAD_DATA, "yaml: map merge requires map or sequence of maps as the value");
    for (size_t i = 0; i < from->n; i++) {
        bool is_new = true;
        if (from->pairs[i].key->kind == YAML_NODE_SCALAR)
            *map_put(seen, from->pairs[i].key->text, &is_new) = 1;
        if (!is_new)
            continue;
        if (!weigh(l, into, from->pairs[i].key) || !weigh(l, into, from->pairs[i].value))
            return false;
        vec_push(&l->stack, from->pairs[i].key);
        vec_push(&l->stack, from->pairs[i].value);
    }
    return true;
}

/* The n values of merge keys above `base` are carried out: their pairs follow the map's own on the stack. */
static bool merge_all(loader *l, yaml_node *n, size_t base, const yaml_node **merges, size_t n_merges)
{
    map seen;
    map_init(&seen, MAP_BORROWED_KEYS);
    for (size_t i = base; i < l->stack.len; i += 2) {
        if (l->stack.p[i]->kind == YAML_NODE_SCALAR)
            *map_put(&seen, l->stack.p[i]->text, NULL) = 1;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < n_merges; i++) {
        const yaml_node *m = merges[i];
        if (m->kind != YAML_NODE_LIST) {
            ok = merge_map(l, n, m, &seen);
            continue;
        }
        for (size_t k = 0; ok && k < m->n; k++)
            ok = merge_map(l, n, m->items[k], &seen);
    }
    map_release(&seen);
    return ok;
}

static bool load_pairs(loader *l, unsigned depth, yaml_node *n, const yaml_node **merges, size_t *n_merges)
{
    for (;;) {
        yaml_node *key, *value;
        if (!next_event(l))
            return false;
        if (l->event.type == YAML_MAPPING_END_EVENT)
            return true;
        if (!load_node(l, depth + 1, &key) || !next_event(l) || !load_node(l, depth + 1, &value))
            return false;
        if (is_merge_key(key)) {
            if (*n_merges == LIMIT_YAML_MERGES)
                return fail_at(l, "too many merge keys");
            merges[(*n_merges)++] = value;
            continue;
        }
        if (!weigh(l, n, key) || !weigh(l, n, value))
            return false;
        vec_push(&l->stack, key);
        vec_push(&l->stack, value);
    }
}

static bool load_map(loader *l, unsigned depth, yaml_node **out)
{
    yaml_node *n = new_node(l, YAML_NODE_MAP, l->event.data.mapping_start.tag, l->event.data.mapping_start.anchor);
    const yaml_node *merges[LIMIT_YAML_MERGES];
    size_t base = l->stack.len, n_merges = 0;
    if (!load_pairs(l, depth, n, merges, &n_merges) || (n_merges && !merge_all(l, n, base, merges, n_merges)))
        return false;
    n->n = (l->stack.len - base) / 2;
    n->pairs = ARENA_ARRAY(l->a, yaml_pair, n->n);
    for (size_t i = 0; i < n->n; i++)
        n->pairs[i] = (yaml_pair){ l->stack.p[base + 2 * i], l->stack.p[base + 2 * i + 1] };
    l->stack.len = base;
    n->is_open = false;
    *out = n;
    return true;
}

/* The node that the current event begins. */
static bool load_node(loader *l, unsigned depth, yaml_node **out)
{
    if (depth > LIMIT_YAML_DEPTH)
        return fail_at(l, "exceeded max depth");
    if (++l->n_nodes > LIMIT_YAML_NODES)
        return fail_at(l, "too many nodes");
    switch (l->event.type) {
    case YAML_SCALAR_EVENT: return load_scalar(l, out);
    case YAML_ALIAS_EVENT: return load_alias(l, depth, out);
    case YAML_SEQUENCE_START_EVENT: return load_list(l, depth, out);
    case YAML_MAPPING_START_EVENT: return load_map(l, depth, out);
    default: return fail_at(l, "unexpected event");
    }
}

static bool load_document(loader *l, const yaml_node **out)
{
    yaml_node *root = NULL;
    if (!next_event(l) || !next_event(l)) /* stream start, then a document or the end */
        return false;
    if (l->event.type == YAML_STREAM_END_EVENT)
        return true;
    if (!next_event(l) || !load_node(l, 1, &root) || !next_event(l))
        return false;
    *out = root;
    return l->event.type == YAML_DOCUMENT_END_EVENT || fail_at(l, "did not find expected <document start>");
}

bool yaml_parse(bytes text, arena *a, const yaml_node **out, err *e)
{
    loader l = { .a = a, .e = e };
    *out = NULL;
    if (text.len > LIMIT_CONFIG_FILE)
        return err_set(e, ERR_BAD_DATA, "yaml: text of %zu bytes is longer than %zu", text.len, LIMIT_CONFIG_FILE);
    if (!yaml_parser_initialize(&l.parser))
        return err_set(e, ERR_INTERNAL, "yaml: out of memory");
    map_init(&l.anchors, MAP_BORROWED_KEYS);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)(text.p ? text.p : ""), text.len);
    bool ok = load_document(&l, out);
    yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
    map_release(&l.anchors);
    vec_free(&l.stack);
    return ok;
}

const yaml_node *yaml_get(const yaml_node *n, const char *key)
{
    if (!n || n->kind != YAML_NODE_MAP)
        return NULL;
    for (size_t i = 0; i < n->n; i++) {
        const yaml_node *k = n->pairs[i].key;
        if (k->kind == YAML_NODE_SCALAR && bytes_eq(k->text, bytes_of(key)))
            return n->pairs[i].value;
    }
    return NULL;
}
