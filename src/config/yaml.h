/* yaml.h: YAML text as a tree of nodes that know their line.
 *
 * libyaml reads the events; the tree is ours, in the caller's arena: aliases are resolved (shared nodes, with a limit on
 * what they would expand to), merge keys (<<) are carried out, a key that stands twice is an error. Nothing here knows
 * what a node is for: config/schema.h decodes the tree into structs.
 * Scalars keep their text and style; yaml_scalar_tag() resolves the type as Go's yaml.v2 does (YAML 1.1: yes, no, on,
 * off are booleans). Errors are worded as Go's: "yaml: line 3: did not find expected key".                  */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H
#include "base/arena.h"
#include "base/err.h"

enum yaml_node_kind { YAML_NODE_SCALAR, YAML_NODE_LIST, YAML_NODE_MAP };
enum yaml_tag { YAML_TAG_NULL, YAML_TAG_STR, YAML_TAG_BOOL, YAML_TAG_INT, YAML_TAG_FLOAT, YAML_TAG_TIMESTAMP,
                YAML_TAG_BINARY, YAML_TAG_SEQ, YAML_TAG_MAP, YAML_TAG_MERGE };

typedef struct yaml_node yaml_node;
typedef struct yaml_pair {
    const yaml_node *key, *value;
} yaml_pair;

struct yaml_node {
    enum yaml_node_kind kind;
    bool is_plain;             /* scalar written without quotes or block style: its type is looked up */
    uint32_t line, column;     /* from 1 */
    bytes tag;                 /* as written ("!!str", "!x"), empty where none */
    bytes text;                /* scalar: its value, NUL-terminated behind its end */
    const yaml_node **items;   /* list */
    yaml_pair *pairs;          /* map, in the file's order, keys distinct */
    size_t n;                  /* items or pairs */
};

/* Parses one document; *out is NULL for an empty text. Everything lives in a; text may go. Only the first document is
 * read, as Prometheus does. file is for nobody but the reader of errors and may be NULL. */
bool yaml_parse(bytes text, arena *a, const yaml_node **out, err *e);

/* The value under a key of a map, or NULL. */
const yaml_node *yaml_get(const yaml_node *map, const char *key);
/* What a node is to Go's yaml: the explicit tag, else what a plain scalar looks like. */
enum yaml_tag yaml_tag_of(const yaml_node *n);
const char *yaml_tag_name(enum yaml_tag t);    /* "!!str", ... */
bool yaml_is_null(const yaml_node *n);         /* true for NULL too */
/* Values of plain scalars; false where the text is none. */
bool yaml_bool(const yaml_node *n, bool *v);
bool yaml_i64(const yaml_node *n, int64_t *v); /* decimal, 0x, 0b, 0 (octal), with _ between digits; also 5e7 and 1.0 */
bool yaml_double(const yaml_node *n, double *v);
#endif
