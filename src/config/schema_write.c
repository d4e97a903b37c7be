/* schema_write.c: structs back to YAML text: conf_write() of schema.h.
 *
 * The layout comes from libyaml's emitter, whose Go port lays out what Prometheus prints: block style, lists not
 * indented, lines folded near 80 columns. Strings are quoted where they would read as something else: yaml.v2's
 * stringv(). Map keys are sorted as yaml.v2 sorts them (numbers within text by value). Secrets never get out. */
#include "base/duration.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "config/go_url.h"
#include "config/schema_priv.h"
#include "model/labels.h"
#include <stdlib.h>
#include <yaml.h>

typedef struct writer {
    yaml_emitter_t emitter;
    buf *out;
    arena a;   /* texts of one value */
    bool flow; /* the next list or map is written in one line */
    bool failed;
} writer;

static void write_value(writer *w, const conf_field *f, const void *place);

/* ---- events ---- */

static int on_write(void *data, unsigned char *text, size_t n)
{
    buf_put(data, text, n);
    return 1;
}

static void emit(writer *w, yaml_event_t *event)
{
    if (!w->failed && !yaml_emitter_emit(&w->emitter, event))
        w->failed = true;
    else if (w->failed)
        yaml_event_delete(event);
}

static void emit_scalar(writer *w, bytes text, yaml_scalar_style_t style)
{
    yaml_event_t ev;
    if (yaml_scalar_event_initialize(&ev, NULL, NULL, (const yaml_char_t *)(text.p ? text.p : ""), (int)text.len, 1, 1,
                                     style))
        emit(w, &ev);
    else
        w->failed = true;
}

static void begin(writer *w, bool is_list)
{
    yaml_event_t ev;
    bool flow = w->flow;
    w->flow = false;
    if (is_list)
        yaml_sequence_start_event_initialize(&ev, NULL, NULL, 1,
                                             flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
    else
        yaml_mapping_start_event_initialize(&ev, NULL, NULL, 1,
                                            flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
    emit(w, &ev);
}

static void end(writer *w, bool is_list)
{
    yaml_event_t ev;
    if (is_list)
        yaml_sequence_end_event_initialize(&ev);
    else
        yaml_mapping_end_event_initialize(&ev);
    emit(w, &ev);
}

static void put_plain(writer *w, const char *text)
{
    emit_scalar(w, bytes_of(text), YAML_PLAIN_SCALAR_STYLE);
}

/* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? : other readers take it for a number of base 60. */
static bool is_base60(bytes s)
{
    size_t i = s.len && (s.p[0] == '-' || s.p[0] == '+'), groups = 0;
    if (i >= s.len || s.p[i] < '0' || s.p[i] > '9')
        return false;
    while (i < s.len && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'))
        i++;
    while (i < s.len && s.p[i] == ':') {
        size_t from = ++i;
        while (i < s.len && i - from < 2 && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
        if (i == from || (i - from == 2 && s.p[from] > '5'))
            return false;
        groups++;
    }
    if (groups && i < s.len && s.p[i] == '.') {
        for (i++; i < s.len && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_');)
            i++;
    }
    return groups && i == s.len;
}

static void put_string(writer *w, bytes text)
{
    buf clean;
    buf_init(&clean, LIMIT_CONFIG_FILE);
    if (!utf8_valid(text)) { /* from the environment; the emitter takes none */
        char enc[4];
        int width;
        for (bytes rest = text; rest.len; rest = bytes_sub(rest, (size_t)width, rest.len))
            buf_put(&clean, enc, (size_t)utf8_encode(utf8_decode(rest, &width), enc));
        text = buf_bytes(&clean);
    }
    if (bytes_find(text, '\n') >= 0)
        emit_scalar(w, text, YAML_LITERAL_SCALAR_STYLE);
    else if (yaml_resolve_text(text).type == YAML_STR && !is_base60(text))
        emit_scalar(w, text, YAML_PLAIN_SCALAR_STYLE);
    else
        emit_scalar(w, text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    buf_release(&clean);
}

/* ---- keys ---- */

static bool is_letter(uint32_t r)
{
    return (r | 0x20) - 'a' < 26u || r >= 0x80; /* beyond ASCII, label names are letters for all that matters */
}

static bool is_digit(bytes s, size_t i)
{
    return i < s.len && s.p[i] >= '0' && s.p[i] <= '9';
}

/* The number at i as yaml.v2 reads it; *end: behind its digits. */
static int64_t number_at(bytes s, size_t i, int64_t start, size_t *end)
{
    uint64_t n = (uint64_t)start;
    for (; is_digit(s, i); i++)
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    *end = i;
    return (int64_t)n;
}

/* a before b? Letters by code, other characters before letters, digits by the number they begin. */
static bool key_before(bytes a, bytes b)
{
    size_t i = 0, ae, be;
    while (i < a.len && i < b.len && a.p[i] == b.p[i])
        i++;
    if (i == a.len || i == b.len)
        return a.len < b.len;
    bool al = is_letter((unsigned char)a.p[i]), bl = is_letter((unsigned char)b.p[i]);
    if (al && bl)
        return (unsigned char)a.p[i] < (unsigned char)b.p[i];
    if (al || bl)
        return bl;
    int64_t start = 0;
    if (a.p[i] == '0' || b.p[i] == '0') {
        for (size_t k = i; k-- && is_digit(a, k);) {
            if (a.p[k] != '0') {
                start = 1;
                break;
            }
        }
    }
    int64_t an = number_at(a, i, start, &ae), bn = number_at(b, i, start, &be);
    if (an != bn)
        return an < bn;
    if (ae != be)
        return ae < be;
    return (unsigned char)a.p[i] < (unsigned char)b.p[i];
}

typedef struct keyed {
    bytes key;
    const void *place;
} keyed;

static int by_key(const void *x, const void *y)
{
    bytes a = ((const keyed *)x)->key, b = ((const keyed *)y)->key;
    return key_before(a, b) ? -1 : key_before(b, a);
}

static keyed *sorted_pairs(writer *w, const conf_field *f, conf_list l)
{
    keyed *list = ARENA_ARRAY(&w->a, keyed, l.n);
    for (size_t i = 0; i < l.n; i++) {
        const char *pair = l.p + i * f->item_size;
        list[i].place = pair + f->value_offset;
        memcpy(&list[i].key, pair, sizeof list[i].key);
    }
    if (l.n)
        qsort(list, l.n, sizeof *list, by_key);
    return list;
}

/* ---- is it zero? ---- */

static bool is_zero_struct(const conf_schema *schema, const void *obj)
{
    for (const conf_field *f = schema->fields; f->key; f++) {
        if (!conf_is_zero(f, obj))
            return false;
    }
    return true;
}

bool conf_is_zero(const conf_field *f, const void *obj)
{
    const void *p = conf_at_const(obj, f->offset);
    if (f->omit)
        return f->omit(obj);
    switch (f->type) {
    case CONF_STRING:
    case CONF_SECRET:
    case CONF_URL:
    case CONF_PATH: return ((const bytes *)p)->len == 0;
    case CONF_ENUM: return *(const int *)p < 0 || f->names[*(const int *)p][0] == '\0';
    case CONF_BOOL: return !*(const bool *)p;
    case CONF_OPTIONAL_BOOL: return *(const signed char *)p < 0;
    case CONF_INT:
    case CONF_UINT:
    case CONF_DURATION:
    case CONF_SIZE: return *(const uint64_t *)p == 0;
    case CONF_FLOAT: return *(const double *)p == 0;
    case CONF_LABELS: return (*(const labels *const *)p)->len == 0;
    case CONF_STRUCT: return is_zero_struct(f->of, p);
    case CONF_LIST:
    case CONF_MAP: return conf_list_at(p).n == 0;
    case CONF_REGEX:
    case CONF_POINTER:
    case CONF_RAW: return *(void *const *)p == NULL;
    }
    return false;
}

/* ---- values ---- */

static void write_fields(writer *w, const conf_schema *schema, const void *obj)
{
    for (const conf_field *f = schema->fields; f->key; f++) {
        if (f->flags & CONF_INLINE) {
            write_fields(w, f->of, conf_at_const(obj, f->offset));
            continue;
        }
        if ((f->flags & CONF_HIDDEN) || ((f->flags & CONF_OMIT_EMPTY) && conf_is_zero(f, obj)))
            continue;
        put_string(w, bytes_of(f->key));
        w->flow = f->flags & CONF_FLOW;
        write_value(w, f, conf_at_const(obj, f->offset));
        w->flow = false;
    }
}

static void write_struct(writer *w, const conf_schema *schema, const void *obj)
{
    begin(w, false);
    write_fields(w, schema, obj);
    end(w, false);
}

static void write_list(writer *w, const conf_field *f, conf_list l)
{
    conf_field el = conf_element(f);
    begin(w, true);
    for (size_t i = 0; i < l.n; i++)
        write_value(w, &el, l.p + i * f->item_size);
    end(w, true);
}

static void write_map(writer *w, const conf_field *f, conf_list l)
{
    conf_field el = conf_element(f);
    keyed *pairs = sorted_pairs(w, f, l);
    begin(w, false);
    for (size_t i = 0; i < l.n; i++) {
        put_string(w, pairs[i].key);
        write_value(w, &el, pairs[i].place);
    }
    end(w, false);
}

static void write_labels(writer *w, const labels *ls)
{
    VEC(keyed) list = { 0 };
    label *values = ARENA_ARRAY(&w->a, label, labels_count(ls));
    labels_iter it = labels_walk(ls);
    for (size_t n = 0; labels_next(&it, &values[n]); n++)
        vec_push(&list, (keyed){ values[n].name, &values[n].value });
    if (list.len)
        qsort(list.p, list.len, sizeof *list.p, by_key);
    begin(w, false);
    for (size_t i = 0; i < list.len; i++) {
        put_string(w, list.p[i].key);
        put_string(w, *(const bytes *)list.p[i].place);
    }
    end(w, false);
    vec_free(&list);
}

static void write_float(writer *w, double v)
{
    char text[NUM_MAX_TEXT];
    size_t n = num_format_g(v, text);
    if (v != v)
        put_plain(w, ".nan");
    else if (v - v != 0)
        put_plain(w, v > 0 ? ".inf" : "-.inf");
    else
        emit_scalar(w, (bytes){ text, n }, YAML_PLAIN_SCALAR_STYLE);
}

static void write_url(writer *w, bytes url)
{
    buf b;
    buf_init(&b, LIMIT_CONFIG_FILE);
    go_url_redact(url, &b);
    put_string(w, buf_bytes(&b));
    buf_release(&b);
}

static void write_scalar(writer *w, const conf_field *f, const void *p)
{
    char number[32];
    switch (f->type) {
    case CONF_SECRET:
        if (((const bytes *)p)->len)
            put_string(w, BYTES("<secret>"));
        else
            put_plain(w, "null");
        break;
    case CONF_URL: write_url(w, *(const bytes *)p); break;
    case CONF_ENUM: put_string(w, bytes_of(*(const int *)p < 0 ? "" : f->names[*(const int *)p])); break;
    case CONF_BOOL: put_plain(w, *(const bool *)p ? "true" : "false"); break;
    case CONF_OPTIONAL_BOOL:
        put_plain(w, *(const signed char *)p < 0 ? "null" : *(const signed char *)p ? "true" : "false");
        break;
    case CONF_INT:
        snprintf(number, sizeof number, "%lld", (long long)*(const int64_t *)p);
        put_plain(w, number);
        break;
    case CONF_UINT:
        snprintf(number, sizeof number, "%llu", (unsigned long long)*(const uint64_t *)p);
        put_plain(w, number);
        break;
    case CONF_FLOAT: write_float(w, *(const double *)p); break;
    case CONF_DURATION: put_string(w, duration_format(&w->a, *(const int64_t *)p)); break;
    case CONF_SIZE: put_string(w, conf_size_format(&w->a, *(const int64_t *)p)); break;
    case CONF_REGEX:
        if (*(regex *const *)p)
            put_string(w, regex_pattern(*(regex *const *)p));
        else
            put_plain(w, "null");
        break;
    default: put_string(w, *(const bytes *)p); break;
    }
}

/* ---- nodes that were not decoded ---- */

/* A key whose value must not be shown. Everything Prometheus' own kinds of discovery keep as a Secret is called so. */
static bool is_secret_key(bytes key)
{
    static const char *const words[] = { "password",    "secret",  "token",           "credentials", "passphrase",
                                         "private_key", "api_key", "application_key", "key" };
    if (bytes_has_suffix(key, BYTES("_file")) || bytes_has_suffix(key, BYTES("_id")))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bytes word = bytes_of(words[i]);
        if (bytes_eq(key, word) || (word.len > 3 && bytes_find_bytes(key, word) >= 0))
            return true;
    }
    return false;
}

static void write_node(writer *w, const yaml_node *n)
{
    if (n->kind == YAML_NODE_SCALAR) {
        emit_scalar(w, n->text, n->is_plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
        return;
    }
    bool is_list = n->kind == YAML_NODE_LIST;
    begin(w, is_list);
    for (size_t i = 0; i < n->n; i++) {
        if (is_list) {
            write_node(w, n->items[i]);
            continue;
        }
        const yaml_pair *p = &n->pairs[i];
        write_node(w, p->key);
        if (p->key->kind == YAML_NODE_SCALAR && is_secret_key(p->key->text) && !yaml_is_null(p->value))
            put_string(w, BYTES("<secret>"));
        else
            write_node(w, p->value);
    }
    end(w, is_list);
}

static void write_value(writer *w, const conf_field *f, const void *p)
{
    const void *target;
    switch (f->type) {
    case CONF_STRUCT: write_struct(w, f->of, p); break;
    case CONF_POINTER:
    case CONF_RAW:
        target = *(const void *const *)p;
        if (!target)
            put_plain(w, "null");
        else if (f->type == CONF_RAW)
            write_node(w, target);
        else
            write_struct(w, f->of, target);
        break;
    case CONF_LIST: write_list(w, f, conf_list_at(p)); break;
    case CONF_MAP: write_map(w, f, conf_list_at(p)); break;
    case CONF_LABELS: write_labels(w, *(const labels *const *)p); break;
    default: write_scalar(w, f, p); break;
    }
}

void conf_write(const conf_schema *schema, const void *obj, buf *out)
{
    writer w = { .out = out };
    yaml_event_t ev;
    arena_init(&w.a, 0);
    yaml_emitter_initialize(&w.emitter);
    yaml_emitter_set_output(&w.emitter, on_write, out);
    yaml_emitter_set_unicode(&w.emitter, 1);
    yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING);
    emit(&w, &ev);
    yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1);
    emit(&w, &ev);
    write_struct(&w, schema, obj);
    w.emitter.open_ended = 0;
    yaml_document_end_event_initialize(&ev, 1);
    emit(&w, &ev);
    w.emitter.open_ended = 0; /* no "..." at the end */
    yaml_stream_end_event_initialize(&ev);
    emit(&w, &ev);
    yaml_emitter_delete(&w.emitter);
    arena_release(&w.a);
}
