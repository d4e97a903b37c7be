/* schema.h: configuration as tables: a row per key says its type, its place in a struct, its default and its check.
 *
 * conf_decode() turns YAML nodes into structs by such rows and refuses what they do not name; conf_write() turns the
 * structs back into YAML with every default applied, secrets as <secret>, in the rows' order: what Prometheus shows at
 * /api/v1/status/config. The same walker serves prometheus.yml, rule files, alertmanager.yml and web.yml.
 *
 * Decoding follows Go's yaml.v2 (strict): type errors of a whole file are gathered into one message,
 *     yaml: unmarshal errors:
 *       line 3: field foo not found in type config.plain
 * while a check that fails stops at once with its own sentence, led by "line N: ".
 *
 * Invariants: (1) every `bytes` in a decoded struct is NUL-terminated behind its end and never has p == NULL;
 * (2) a list without the key has p == NULL, an empty one has not; (3) what a struct points to lives in the arena, but
 * for compiled regexes, which conf_ctx counts (conf_release_regexes).                                      */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H
#include "base/buf.h"
#include "base/regex.h"
#include "config/yaml.h"

/* A list of T as the decoder makes it: same layout for every T. */
#define CONF_LIST_OF(T)                                                                                        \
    struct {                                                                                                   \
        T *p;                                                                                                  \
        size_t n;                                                                                              \
    }

enum conf_type {          /* C type of the field at `offset` */
    CONF_STRING,          /* bytes */
    CONF_SECRET,          /* bytes; written as <secret> */
    CONF_URL,             /* bytes, checked as a URL; a password in it is written as xxxxx */
    CONF_PATH,            /* bytes; made relative to the file's folder by conf_set_dir */
    CONF_ENUM,            /* int: index into .names */
    CONF_BOOL,            /* bool */
    CONF_OPTIONAL_BOOL,   /* signed char: -1 not set, 0, 1 */
    CONF_INT,             /* int64_t */
    CONF_UINT,            /* uint64_t */
    CONF_FLOAT,           /* double */
    CONF_DURATION,        /* int64_t, ms */
    CONF_SIZE,            /* int64_t, bytes: "512MB", powers of two */
    CONF_REGEX,           /* regex *, anchored */
    CONF_LABELS,          /* const labels *: map of label names to values */
    CONF_STRUCT,          /* the struct .of itself */
    CONF_POINTER,         /* pointer to a struct .of, NULL where the key is absent */
    CONF_LIST,            /* CONF_LIST_OF(struct .of), or of .item */
    CONF_MAP,             /* CONF_LIST_OF(struct { bytes key; T value; }), T = .of or .item; file's order */
    CONF_RAW,             /* const yaml_node *, not decoded */
};

enum conf_flag {
    CONF_OMIT_EMPTY = 1,  /* not written when zero, empty, NULL */
    CONF_INLINE = 2,      /* CONF_STRUCT whose keys stand among its parent's (CONF_MAP: takes the unknown keys) */
    CONF_FLOW = 4,        /* list written as [a, b] */
    CONF_HIDDEN = 8,      /* read, never written */
    CONF_LOWER = 16,      /* CONF_ENUM: any case is read */
};

typedef struct conf_schema conf_schema;
typedef struct conf_ctx conf_ctx;

typedef struct conf_field {
    const char *key;
    enum conf_type type;
    size_t offset;
    const char *deflt;               /* as one would write it in YAML; NULL: zero, empty, NULL, -1 */
    unsigned flags;                  /* conf_flag */
    const conf_schema *of;           /* struct, pointer, list, map */
    enum conf_type item;             /* list or map without .of: type of its elements */
    size_t item_size;                /* sizeof of one element: of the list's T, of the map's pair */
    size_t value_offset;             /* map: offset of the value in the pair */
    const char *const *names;        /* enum: NULL at the end */
    const char *go_type;             /* type named in errors: "int", "model.Duration"; NULL: by .type */
    /* Checks one decoded value; false with e->msg set. */
    bool (*check)(conf_ctx *c, const void *value, err *e);
    const char *null_error;          /* sentence for an element that is null: "empty or null scrape config section" */
} conf_field;

struct conf_schema {
    const char *go_type;             /* "config.plain": named in errors */
    size_t size;
    const conf_field *fields;        /* key NULL at the end */
    /* After the fields: defaults that depend on others, and the rules between fields. line: node's. */
    bool (*finish)(conf_ctx *c, void *obj, err *e);
    bool keep_on_null;               /* `key:` with nothing behind it leaves the defaults */
};

struct conf_ctx {
    arena *a;
    bool ignore_unknown;             /* --ignore-unknown-fields */
    void *user;                      /* for checks */
    const yaml_node *at;             /* node being decoded: checks may read its line */
    /* the decoder's own */
    struct conf_regexes *regexes;
    struct conf_errors *errors;
};

/* Decodes root (may be NULL: an empty file, every default) into out, schema->size bytes. */
bool conf_decode(conf_ctx *c, const yaml_node *root, const conf_schema *schema, void *out, err *e);
/* The defaults of a schema, as for an absent key. */
void conf_defaults(conf_ctx *c, const conf_schema *schema, void *out);
/* Drops the references to compiled regexes. After a failed decode too. */
void conf_release_regexes(conf_ctx *c);
/* Puts dir in front of every relative CONF_PATH, through all nested structs. */
void conf_set_dir(arena *a, const conf_schema *schema, void *obj, bytes dir);

/* The struct as YAML text, as Go's yaml.v2 lays it out. */
void conf_write(const conf_schema *schema, const void *obj, buf *out);
/* One scalar as yaml.v2 would quote it. */
void conf_write_scalar(buf *out, bytes text);

/* Base2Bytes: "512MB", "1GB512MB", a bare number is an error ("units: missing unit in 5"), 0 is fine. */
bool conf_size_parse(bytes s, int64_t *out, err *e);
size_t conf_size_format(int64_t v, char out[64]);
#endif
