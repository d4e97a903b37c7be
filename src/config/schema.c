/* schema.c: YAML nodes to structs by rows; see schema.h. conf_write() is in schema_write.c.
 *
 * One function per kind of row. A type error is noted (type_error) and decoding goes on; only a failed check, or a text
 * that its type cannot hold in Go's sense (a duration, a size, a regex), returns false and ends it. An object with type
 * errors in it is not finished, as its rules would complain of values that are not there.                   */
#include "config/schema.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "config/go_url.h"
#include "config/paths.h"
#include "config/schema_priv.h"
#include "model/labels.h"
#include <assert.h>

enum { MAX_FIELDS = 256, MAX_ERRORS_TEXT = 64 << 10 };

static bool decode_value(conf_ctx *c, const conf_field *f, const yaml_node *n, void *dst, err *e);

/* ---- errors ---- */

/* Leads e with the line of c->at, once. */
static bool located(conf_ctx *c, err *e)
{
    if (!c->is_located && c->at)
        err_wrap(e, "line %u", c->at->line);
    c->is_located = true;
    return false;
}

bool conf_fail_line(conf_ctx *c, uint32_t line, err *e)
{
    if (!c->is_located && line)
        err_wrap(e, "line %u", line);
    c->is_located = true;
    return false;
}

static bool fail_at(conf_ctx *c, const yaml_node *n, err *e)
{
    c->at = n;
    return located(c, e);
}

static const char *const scalar_go_types[] = {
    [CONF_STRING] = "string",
    [CONF_SECRET] = "config.plain",
    [CONF_URL] = "string",
    [CONF_PATH] = "string",
    [CONF_ENUM] = "string",
    [CONF_BOOL] = "bool",
    [CONF_OPTIONAL_BOOL] = "bool",
    [CONF_INT] = "int",
    [CONF_UINT] = "uint",
    [CONF_FLOAT] = "float64",
    [CONF_DURATION] = "string",
    [CONF_SIZE] = "units.Base2Bytes",
    [CONF_REGEX] = "string",
    [CONF_LABELS] = "model.LabelSet",
    [CONF_STRUCT] = "",
    [CONF_POINTER] = "",
    [CONF_LIST] = "[]",
    [CONF_MAP] = "map[string]",
    [CONF_RAW] = "interface {}",
};

static void put_go_type(buf *out, const conf_field *f)
{
    if (f->go_type) {
        buf_putz(out, f->go_type);
        return;
    }
    buf_putz(out, scalar_go_types[f->type]);
    if (f->of)
        buf_putz(out, f->of->go_type);
    else if (f->each)
        put_go_type(out, f->each);
    else if (f->type == CONF_LIST || f->type == CONF_MAP)
        buf_putz(out, scalar_go_types[f->item]);
}

/* Begins a line of the gathered message. */
static buf *error_line(conf_ctx *c, uint32_t line)
{
    c->errors.max = MAX_ERRORS_TEXT;
    c->n_errors++;
    buf_printf(&c->errors, "\n  line %u: ", line);
    return &c->errors;
}

/* line 3: cannot unmarshal !!str `abc` into int */
static bool type_error(conf_ctx *c, const yaml_node *n, enum yaml_type found, const conf_field *f)
{
    buf *b = error_line(c, n->line);
    const char *tag = n->tag ? n->tag : n->kind == YAML_NODE_LIST ? "!!seq" : n->kind == YAML_NODE_MAP ? "!!map" : NULL;
    buf_printf(b, "cannot unmarshal %s ", tag ? tag : yaml_type_tag(found));
    if (n->kind == YAML_NODE_SCALAR) {
        if (n->text.len > 10)
            buf_printf(b, "`%.*s...` ", 7, n->text.p);
        else
            buf_printf(b, "`%.*s` ", BYTES_ARG(n->text));
    }
    buf_putz(b, "into ");
    put_go_type(b, f);
    return true;
}

/* ---- zero and default values ---- */

static size_t value_size(const conf_field *f)
{
    switch (f->type) {
    case CONF_STRING:
    case CONF_SECRET:
    case CONF_URL:
    case CONF_PATH: return sizeof(bytes);
    case CONF_ENUM: return sizeof(int);
    case CONF_BOOL: return sizeof(bool);
    case CONF_OPTIONAL_BOOL: return sizeof(signed char);
    case CONF_STRUCT: return f->of->size;
    case CONF_LIST:
    case CONF_MAP: return sizeof(conf_list);
    default: return 8; /* numbers and pointers */
    }
}

static void zero_struct(const conf_schema *schema, void *obj);

static void zero_value(const conf_field *f, void *dst)
{
    memset(dst, 0, value_size(f));
    switch (f->type) {
    case CONF_STRING:
    case CONF_SECRET:
    case CONF_URL:
    case CONF_PATH:
        *(bytes *)dst = BYTES(""); /* (1) */
        break;
    case CONF_OPTIONAL_BOOL: *(signed char *)dst = -1; break;
    case CONF_ENUM: *(int *)dst = f->names[0][0] == '\0' ? 0 : -1; break;
    case CONF_LABELS: *(const labels **)dst = &labels_empty; break;
    case CONF_STRUCT: zero_struct(f->of, dst); break;
    default: break;
    }
}

static void zero_struct(const conf_schema *schema, void *obj)
{
    memset(obj, 0, schema->size);
    for (const conf_field *f = schema->fields; f->key; f++)
        zero_value(f, conf_at(obj, f->offset));
}

void conf_defaults(conf_ctx *c, const conf_schema *schema, void *out)
{
    memset(out, 0, schema->size);
    for (const conf_field *f = schema->fields; f->key; f++) {
        void *dst = conf_at(out, f->offset);
        zero_value(f, dst);
        if (f->type == CONF_STRUCT) {
            conf_defaults(c, f->of, dst);
        } else if (f->deflt) {
            err e = { 0 };
            yaml_node n = { .kind = YAML_NODE_SCALAR, .is_plain = true, .text = bytes_of(f->deflt) };
            if (!decode_value(c, f, &n, dst, &e))
                BUG("config: default of %s: %s", f->key, e.msg);
        }
    }
}

/* ---- scalars ---- */

static bool decode_bool(conf_ctx *c, const conf_field *f, const yaml_node *n, const yaml_value *v, void *dst)
{
    if (v->type != YAML_BOOL)
        return type_error(c, n, v->type, f);
    if (f->type == CONF_OPTIONAL_BOOL)
        *(signed char *)dst = v->b;
    else
        *(bool *)dst = v->b;
    return true;
}

/* Go takes floats for integers and cuts their fraction. */
static bool decode_int(conf_ctx *c, const conf_field *f, const yaml_node *n, const yaml_value *v, int64_t *dst)
{
    if (v->type == YAML_INT)
        *dst = v->i;
    else if (v->type == YAML_FLOAT && v->f > -9.2e18 && v->f < 9.2e18)
        *dst = (int64_t)v->f;
    else
        return type_error(c, n, v->type, f);
    return true;
}

static bool decode_uint(conf_ctx *c, const conf_field *f, const yaml_node *n, const yaml_value *v, uint64_t *dst)
{
    if (v->type == YAML_INT && v->i >= 0)
        *dst = (uint64_t)v->i;
    else if (v->type == YAML_UINT)
        *dst = v->u;
    else if (v->type == YAML_FLOAT && v->f >= 0 && v->f < 1.8e19)
        *dst = (uint64_t)v->f;
    else
        return type_error(c, n, v->type, f);
    return true;
}

static bool decode_float(conf_ctx *c, const conf_field *f, const yaml_node *n, const yaml_value *v, double *dst)
{
    if (v->type == YAML_INT)
        *dst = (double)v->i;
    else if (v->type == YAML_UINT)
        *dst = (double)v->u;
    else if (v->type == YAML_FLOAT)
        *dst = v->f;
    else
        return type_error(c, n, v->type, f);
    return true;
}

/* The sentence with each $ replaced by the word. */
static bool enum_error(const conf_field *f, bytes word, err *e)
{
    buf b;
    buf_init(&b, sizeof e->msg - 1);
    for (const char *s = f->enum_error ? f->enum_error : "unknown value \"$\""; *s; s++) {
        if (*s == '$')
            buf_puts(&b, bytes_sub(word, 0, 200));
        else
            buf_putc(&b, *s);
    }
    err_set(e, ERR_BAD_DATA, "%.*s", BYTES_ARG(buf_bytes(&b)));
    buf_release(&b);
    return false;
}

static bool decode_enum(const conf_field *f, bytes text, int *dst, err *e)
{
    for (int i = 0; f->names[i]; i++) {
        bytes name = bytes_of(f->names[i]);
        if (bytes_eq(name, text) || ((f->flags & CONF_ANY_CASE) && bytes_eq_nocase(name, text))) {
            *dst = i;
            return true;
        }
    }
    return enum_error(f, text, e);
}

regex *conf_regex(conf_ctx *c, bytes pattern, err *e)
{
    regex *re = map_get_ptr(&c->regexes, pattern);
    if (!re && (re = regex_new(pattern, e)))
        map_put_ptr(&c->regexes, regex_pattern(re), re);
    return re;
}

/* What is text to Go first, whatever it looks like. */
static bool decode_text(conf_ctx *c, const conf_field *f, bytes text, void *dst, err *e)
{
    switch (f->type) {
    case CONF_URL:
        if (!go_url_check(text, e))
            return false;
        *(bytes *)dst = text;
        return true;
    case CONF_ENUM: return decode_enum(f, text, dst, e);
    case CONF_DURATION: return duration_parse(text, dst, e);
    case CONF_SIZE: return conf_size_parse(text, dst, e);
    case CONF_REGEX: return (*(regex **)dst = conf_regex(c, text, e)) != NULL;
    default: *(bytes *)dst = text; return true;
    }
}

static bool decode_scalar(conf_ctx *c, const conf_field *f, const yaml_node *n, void *dst, err *e)
{
    yaml_value v;
    if (n->kind != YAML_NODE_SCALAR)
        return type_error(c, n, YAML_NULL, f);
    if (!yaml_resolve(n, &v, e)) {
        c->is_located = true; /* worded by the YAML reader */
        return false;
    }
    switch (f->type) {
    case CONF_BOOL:
    case CONF_OPTIONAL_BOOL: return decode_bool(c, f, n, &v, dst);
    case CONF_INT: return decode_int(c, f, n, &v, dst);
    case CONF_UINT: return decode_uint(c, f, n, &v, dst);
    case CONF_FLOAT: return decode_float(c, f, n, &v, dst);
    default: return decode_text(c, f, n->text, dst, e) || fail_at(c, n, e);
    }
}

/* ---- lists and maps ---- */

/* What a node that should be a list, map or struct is instead. */
static enum yaml_type found_type(const yaml_node *n)
{
    return n->kind == YAML_NODE_SCALAR && n->is_plain ? yaml_resolve_text(n->text).type : YAML_STR;
}

/* Room for the elements of a node; (2): even an empty list has an address. */
static bool alloc_list(conf_ctx *c, const conf_field *f, const yaml_node *n, conf_list *l, err *e)
{
    size_t size = n->n * f->item_size + 1;
    if (!arena_fits(c->a, size)) {
        err_set(e, ERR_BAD_DATA, "the configuration needs more than %zu MiB", LIMIT_CONFIG_MEMORY >> 20);
        return fail_at(c, n, e);
    }
    *l = (conf_list){ arena_zalloc(c->a, size), 0 };
    return true;
}

conf_field conf_element(const conf_field *f)
{
    if (f->each)
        return *f->each;
    conf_field el = *f;
    el.offset = 0;
    el.type = f->of ? CONF_STRUCT : f->item;
    el.go_type = NULL;
    el.check = NULL;
    el.flags &= CONF_ANY_CASE;
    return el;
}

static bool decode_list(conf_ctx *c, const conf_field *f, const yaml_node *n, void *dst, err *e)
{
    if (n->kind != YAML_NODE_LIST)
        return type_error(c, n, found_type(n), f);
    conf_field el = conf_element(f);
    conf_list l;
    if (!alloc_list(c, f, n, &l, e))
        return false;
    l.n = n->n;
    for (size_t i = 0; i < n->n; i++) {
        void *place = l.p + i * f->item_size;
        if (f->null_error && yaml_is_null(n->items[i])) {
            err_set(e, ERR_BAD_DATA, "%s", f->null_error);
            return fail_at(c, n->items[i], e);
        }
        if (!decode_value(c, &el, n->items[i], place, e))
            return false;
    }
    memcpy(dst, &l, sizeof l);
    return true;
}

/* Text of a map's key; Go decodes it as a string, so numbers and booleans are fine. */
static bool map_key(conf_ctx *c, const yaml_node *key, bytes *out)
{
    static const conf_field string_field = { .type = CONF_STRING };
    if (key->kind != YAML_NODE_SCALAR)
        return type_error(c, key, YAML_NULL, &string_field) && false;
    *out = yaml_is_null(key) ? BYTES("") : key->text;
    return true;
}

static bool is_repeated(conf_ctx *c, map *seen, bytes key, const yaml_node *value)
{
    bool is_new;
    map_put(seen, key, &is_new);
    if (is_new)
        return false;
    buf *b = error_line(c, value->line);
    buf_putz(b, "key ");
    utf8_quote(b, key);
    buf_putz(b, " already set in map");
    return true;
}

static bool decode_pairs(conf_ctx *c, const conf_field *f, const yaml_node *n, map *seen, conf_list *l, err *e)
{
    conf_field el = conf_element(f);
    for (size_t i = 0; i < n->n; i++) {
        bytes key;
        const yaml_pair *p = &n->pairs[i];
        if (!map_key(c, p->key, &key) || is_repeated(c, seen, key, p->value))
            continue;
        char *place = l->p + l->n++ * f->item_size;
        memcpy(place, &key, sizeof key);
        if (!decode_value(c, &el, p->value, place + f->value_offset, e))
            return false;
    }
    return true;
}

static bool decode_map(conf_ctx *c, const conf_field *f, const yaml_node *n, void *dst, err *e)
{
    if (n->kind != YAML_NODE_MAP)
        return type_error(c, n, found_type(n), f);
    map seen;
    conf_list l;
    if (!alloc_list(c, f, n, &l, e))
        return false;
    map_init(&seen, MAP_BORROWED_KEYS);
    bool ok = decode_pairs(c, f, n, &seen, &l, e);
    map_release(&seen);
    memcpy(dst, &l, sizeof l);
    return ok;
}

static bool decode_labels(conf_ctx *c, const conf_field *f, const yaml_node *n, const labels **dst, err *e)
{
    typedef struct pair {
        bytes key, value;
    } pair;
    static const char type[] = "model.LabelSet";
    const conf_field as_map = { .type = CONF_MAP,
                                .item = CONF_STRING,
                                .item_size = sizeof(pair),
                                .value_offset = offsetof(pair, value),
                                .go_type = f->go_type ? f->go_type : type };
    conf_list l = { 0 };
    size_t before = c->n_errors;
    if (!decode_map(c, &as_map, n, &l, e))
        return false;
    if (c->n_errors != before)
        return true;
    for (size_t i = 0; i < l.n; i++) {
        bytes key = ((pair *)(void *)l.p)[i].key;
        if (key.len == 0 || !utf8_valid(key)) {
            err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid label name", BYTES_ARG(key));
            return fail_at(c, n->pairs[i].key, e);
        }
    }
    *dst = labels_from(c->a, (label *)(void *)l.p, l.n); /* a pair is laid out as a label is */
    return true;
}

/* ---- structs ---- */

/* The row for a key, inline structs included; *index numbers rows through all of them. */
static const conf_field *find_field(const conf_schema *s, bytes key, size_t *offset, unsigned *index)
{
    for (const conf_field *f = s->fields; f->key; f++) {
        if (f->flags & CONF_INLINE) {
            size_t base = *offset;
            *offset += f->offset;
            const conf_field *found = find_field(f->of, key, offset, index);
            if (found)
                return found;
            *offset = base;
        } else if (bytes_eq(key, bytes_of(f->key))) {
            *offset += f->offset;
            return f;
        }
        ++*index;
    }
    return NULL;
}

static bool decode_field(conf_ctx *c, const conf_schema *schema, const yaml_pair *p, void *obj, uint64_t *done, err *e)
{
    bytes key;
    size_t offset = 0;
    unsigned index = 0;
    if (!map_key(c, p->key, &key))
        return true;
    const conf_field *f = find_field(schema, key, &offset, &index);
    if (!f) {
        if (!c->ignore_unknown)
            buf_printf(error_line(c, p->key->line), "field %.*s not found in type %s",
                       BYTES_ARG(bytes_sub(key, 0, 200)), schema->go_type);
        return true;
    }
    if (done[index / 64] & (UINT64_C(1) << (index % 64))) {
        buf_printf(error_line(c, p->key->line), "field %s already set in type %s", f->key, schema->go_type);
        return true;
    }
    done[index / 64] |= UINT64_C(1) << (index % 64);
    assert(index < MAX_FIELDS);
    size_t before = c->n_errors;
    if (!decode_value(c, f, p->value, conf_at(obj, offset), e))
        return false;
    if (f->check && c->n_errors == before && !f->check(c, conf_at(obj, offset), e))
        return fail_at(c, p->value, e);
    return true;
}

static bool decode_struct(conf_ctx *c, const conf_schema *schema, const yaml_node *n, void *obj, err *e)
{
    static const conf_field self = { .type = CONF_STRUCT };
    uint64_t done[MAX_FIELDS / 64] = { 0 };
    size_t before = c->n_errors;
    if (n->kind != YAML_NODE_MAP) {
        conf_field named = self;
        named.of = schema;
        return type_error(c, n, found_type(n), &named);
    }
    for (size_t i = 0; i < n->n; i++) {
        if (!decode_field(c, schema, &n->pairs[i], obj, done, e))
            return false;
    }
    if (!schema->finish || c->n_errors != before)
        return true;
    c->at = n;
    return schema->finish(c, obj, e) || located(c, e);
}

static bool decode_pointer(conf_ctx *c, const conf_field *f, const yaml_node *n, void **dst, err *e)
{
    void *obj = arena_alloc(c->a, f->of->size);
    conf_defaults(c, f->of, obj);
    *dst = obj;
    return decode_struct(c, f->of, n, obj, e);
}

static bool decode_value(conf_ctx *c, const conf_field *f, const yaml_node *n, void *dst, err *e)
{
    if (yaml_is_null(n)) {
        if (!(f->flags & CONF_KEEP_NULL))
            zero_value(f, dst);
        return true;
    }
    switch (f->type) {
    case CONF_STRUCT:
        /* an element of a list or map starts from its defaults; a field of a struct has them already */
        if (!f->key || f->item_size)
            conf_defaults(c, f->of, dst);
        return decode_struct(c, f->of, n, dst, e);
    case CONF_POINTER: return decode_pointer(c, f, n, dst, e);
    case CONF_LIST: return decode_list(c, f, n, dst, e);
    case CONF_MAP: return decode_map(c, f, n, dst, e);
    case CONF_LABELS: return decode_labels(c, f, n, dst, e);
    case CONF_RAW: *(const yaml_node **)dst = n; return true;
    default: return decode_scalar(c, f, n, dst, e);
    }
}

/* ---- entry ---- */

static void start(conf_ctx *c)
{
    c->at = NULL;
    c->n_errors = 0;
    c->is_located = false;
    buf_clear(&c->errors);
}

static bool report(conf_ctx *c, err *e)
{
    return c->n_errors == 0
           || err_set(e, ERR_BAD_DATA, "yaml: unmarshal errors:%.*s", BYTES_ARG(buf_bytes(&c->errors)));
}

bool conf_decode(conf_ctx *c, const yaml_node *root, const conf_schema *schema, void *out, err *e)
{
    start(c);
    conf_defaults(c, schema, out);
    if (yaml_is_null(root))
        return !schema->finish || schema->finish(c, out, e);
    return decode_struct(c, schema, root, out, e) && report(c, e);
}

bool conf_decode_row(conf_ctx *c, const yaml_node *root, const conf_field *row, void *out, err *e)
{
    start(c);
    return yaml_is_null(root) || (decode_value(c, row, root, conf_at(out, row->offset), e) && report(c, e));
}

void conf_ctx_release(conf_ctx *c)
{
    size_t i = 0;
    map_slot *s;
    while ((s = map_next(&c->regexes, &i)))
        regex_unref((regex *)(uintptr_t)s->value);
    map_release(&c->regexes);
    buf_release(&c->errors);
}

/* ---- paths ---- */

static void set_dir_value(arena *a, const conf_field *f, void *dst, bytes dir)
{
    conf_list l;
    conf_field el;
    switch (f->type) {
    case CONF_PATH: *(bytes *)dst = path_join_dir(a, dir, *(bytes *)dst); break;
    case CONF_STRUCT: conf_set_dir(a, f->of, dst, dir); break;
    case CONF_POINTER:
        if (*(void **)dst)
            conf_set_dir(a, f->of, *(void **)dst, dir);
        break;
    case CONF_LIST:
    case CONF_MAP:
        el = conf_element(f);
        l = conf_list_at(dst);
        for (size_t i = 0; i < l.n; i++)
            set_dir_value(a, &el, l.p + i * f->item_size + f->value_offset, dir);
        break;
    default: break;
    }
}

void conf_set_dir(arena *a, const conf_schema *schema, void *obj, bytes dir)
{
    for (const conf_field *f = schema->fields; f->key; f++)
        set_dir_value(a, f, conf_at(obj, f->offset), dir);
}
