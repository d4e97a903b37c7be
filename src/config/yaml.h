/* yaml.h: YAML text as a tree of nodes that know their line.
 *
 * libyaml reads the events; the tree is ours, in the caller's arena. Aliases are resolved (their nodes are shared, with
 * a limit on what they would expand to) and merge keys (<<) are carried out: a key of the map itself wins over a merged
 * one. Nothing here knows what a node is for: config/schema.h decodes the tree into structs.
 * Scalars keep their text; yaml_resolve() finds their type as Go's yaml.v2 does (YAML 1.1: yes, no, on, off are
 * booleans). Errors are worded as Go's: "yaml: line 3: did not find expected key".
 * Limits: LIMIT_YAML_DEPTH levels, LIMIT_YAML_NODES nodes with all aliases expanded.                        */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H
#include "base/arena.h"
#include "base/err.h"

enum yaml_node_kind { YAML_NODE_SCALAR, YAML_NODE_LIST, YAML_NODE_MAP };

typedef struct yaml_node yaml_node;
typedef struct yaml_pair {
    const yaml_node *key, *value;
} yaml_pair;

struct yaml_node {
    unsigned char kind;            /* yaml_node_kind */
    bool is_plain;                 /* scalar without quotes and tag: its type is looked up in its text */
    bool is_open;                  /* while parsing: its end has not been read */
    unsigned char height;          /* levels below it, aliases followed */
    uint32_t line, column;         /* from 1 */
    uint32_t weight;               /* nodes in it with all aliases expanded, itself included */
    const char *tag;               /* "!!str", "!x"; NULL where none is written */
    union {
        bytes text;                /* scalar: NUL-terminated behind its end */
        struct {
            union {
                const yaml_node **items;   /* list */
                yaml_pair *pairs;          /* map: the file's order, merged ones last; keys may repeat */
            };
            size_t n;
        };
    };
};

/* Parses the first document, as Prometheus does; *out is NULL for a text without any. Everything lives in a; text may
 * go. */
bool yaml_parse(bytes text, arena *a, const yaml_node **out, err *e);

/* The value under the key of a map, or NULL; n may be NULL or no map. */
const yaml_node *yaml_get(const yaml_node *n, const char *key);

enum yaml_type { YAML_NULL, YAML_STR, YAML_BOOL, YAML_INT, YAML_UINT, YAML_FLOAT, YAML_TIMESTAMP, YAML_MERGE };
typedef struct yaml_value {
    enum yaml_type type;           /* YAML_UINT: only what int64_t cannot hold */
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f;
    };
} yaml_value;
/* What a scalar is to Go's yaml: by its tag, else what a plain one looks like. false: the text is not what its tag says
 * ("yaml: cannot decode !!str `abc` as a !!int"). */
bool yaml_resolve(const yaml_node *n, yaml_value *v, err *e);
/* The same for text written without quotes and tag. */
yaml_value yaml_resolve_text(bytes text);
const char *yaml_type_tag(enum yaml_type t);   /* "!!null", "!!str", ... */
bool yaml_is_null(const yaml_node *n);         /* NULL is null too */
#endif
