/* schema.h: configuration as tables: a row per key says its type, its place in a struct, its default and its check.
 *
 * conf_decode() turns YAML nodes into structs by such rows and refuses what they do not name; conf_write() turns the
 * structs back into YAML with every default applied, secrets as <secret>, in the rows' order: what Prometheus shows at
 * /api/v1/status/config. The same walker serves prometheus.yml, rule files, alertmanager.yml and web.yml.
 *
 * Decoding follows Go's yaml.v2 (strict): type errors of a whole file are gathered into one message,
 *     yaml: unmarshal errors:
 *       line 3: field foo not found in type config.plain
 * while a check that fails stops at once with its own sentence, led by "line N: ". A key with nothing behind it gives
 * the zero value, not the default.
 *
 * Invariants: (1) every `bytes` in a decoded struct is NUL-terminated behind its end and never has p == NULL;
 * (2) a list without the key has p == NULL, an empty one has not; (3) what a struct points to lives in the arena, but
 * for compiled regexes, which conf_ctx holds (conf_ctx_release).                                          */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H
#include "base/buf.h"
#include "base/map.h"
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
    CONF_URL,             /* bytes, checked as Go's url.Parse does; a password in it is written as xxxxx */
    CONF_PATH,            /* bytes; conf_set_dir makes it relative to the file's folder */
    CONF_ENUM,            /* int: index into .names; zero is the index 0 where that is named "", else -1 */
    CONF_BOOL,            /* bool */
    CONF_OPTIONAL_BOOL,   /* signed char: -1 not set, 0, 1 */
    CONF_INT,             /* int64_t */
    CONF_UINT,            /* uint64_t */
    CONF_FLOAT,           /* double */
    CONF_DURATION,        /* int64_t, ms */
    CONF_SIZE,            /* int64_t, bytes: "512MB", powers of two */
    CONF_REGEX,           /* regex *, anchored; the context's reference */
    CONF_LABELS,          /* const labels *: map of label names to values, empty ones dropped */
    CONF_STRUCT,          /* the struct .of itself */
    CONF_POINTER,         /* pointer to a struct .of, NULL where the key is absent */
    CONF_LIST,            /* CONF_LIST_OF(struct .of), or of .item */
    CONF_MAP,             /* CONF_LIST_OF(struct { bytes key; T value; }), T = .of or .item; the file's order */
    CONF_RAW,             /* const yaml_node *, not decoded; what looks like a secret is written as <secret> */
};

enum conf_flag {
    CONF_OMIT_EMPTY = 1,  /* not written when zero, empty, NULL */
    CONF_INLINE = 2,      /* CONF_STRUCT whose keys stand among its parent's */
    CONF_FLOW = 4,        /* list written as [a, b] */
    CONF_HIDDEN = 8,      /* read, never written */
    CONF_ANY_CASE = 16,   /* CONF_ENUM */
    CONF_KEEP_NULL = 32,  /* a key with nothing behind it leaves the default */
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
    size_t item_size;                /* list, map: sizeof one element (of a map: of the pair) */
    size_t value_offset;             /* map: offset of the value in the pair */
    const struct conf_field *each;   /* list or map: the row of its elements, instead of .of and .item */
    const char *const *names;        /* enum: NULL at the end; "" may be among them */
    const char *go_type;             /* type named in errors: "[]string"; NULL: by .type */
    const char *enum_error;          /* enum: sentence for an unknown word, which replaces each $ */
    const char *null_error;          /* sentence for a list element that is null */
    /* One decoded value (of a list or map: the whole) is fine? false with e->msg set. */
    bool (*check)(conf_ctx *c, const void *value, err *e);
    bool (*omit)(const void *obj);   /* true: not written; obj is the struct that holds the field */
} conf_field;

struct conf_schema {
    const char *go_type;             /* "config.plain": named in errors */
    size_t size;
    const conf_field *fields;        /* key NULL at the end */
    /* After the fields, unless they had type errors: defaults that depend on others and the rules between fields. c->at
     * is the node (NULL: an empty file); set it to another one to have that one's line reported. */
    bool (*finish)(conf_ctx *c, void *obj, err *e);
};

/* {0} but for a is a fresh one. */
struct conf_ctx {
    arena *a;
    bool ignore_unknown;             /* --ignore-unknown-fields */
    void *user;                      /* for finish and check */
    const yaml_node *at;
    /* the decoder's own */
    map regexes;                     /* pattern -> regex, one reference each */
    buf errors;                      /* type errors, a line each */
    size_t n_errors;
    bool is_located;                 /* e says the line already */
};

/* Decodes root (may be NULL: an empty file, every default) into out, schema->size bytes. */
bool conf_decode(conf_ctx *c, const yaml_node *root, const conf_schema *schema, void *out, err *e);
/* The same for a document that is a list or map: row->offset in out. NULL leaves out as it is. */
bool conf_decode_row(conf_ctx *c, const yaml_node *root, const conf_field *row, void *out, err *e);
/* The defaults of a schema, as for an absent key, without its finish(). */
void conf_defaults(conf_ctx *c, const conf_schema *schema, void *out);
/* The compiled pattern, one for all that are equal; the context's reference. NULL: see e. */
regex *conf_regex(conf_ctx *c, bytes pattern, err *e);
/* For a finish() that finds fault with a part of its object that stands elsewhere: leads e with that line. False. */
bool conf_fail_line(conf_ctx *c, uint32_t line, err *e);
/* Drops the compiled regexes, which decoded structs point to, and the rest of the context; not the arena. */
void conf_ctx_release(conf_ctx *c);
/* Puts dir in front of every relative CONF_PATH, through all nested structs. */
void conf_set_dir(arena *a, const conf_schema *schema, void *obj, bytes dir);

/* The struct as YAML text, as Go's yaml.v2 lays it out. */
void conf_write(const conf_schema *schema, const void *obj, buf *out);

/* Base2Bytes of Go's units package: "512MB", "1GiB512MiB", "0". Errors: "units: unknown unit  in 5". */
bool conf_size_parse(bytes s, int64_t *out, err *e);
bytes conf_size_format(arena *a, int64_t v);
/* Is the field zero in Go's sense (what CONF_OMIT_EMPTY leaves out)? obj holds it. */
bool conf_is_zero(const conf_field *f, const void *obj);
#endif
