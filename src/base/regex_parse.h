/* regex_parse.h: the syntax of a regular expression, as a tree that tells simple shapes from the rest.
 *
 * Private to base/regex.c. The parser accepts and refuses exactly what Go's regexp/syntax does with the flags Perl and
 * DotNL, with its error texts; what it cannot judge alone (the names in \p{...}, the size of the compiled program) is
 * left to the engine. Nodes that the shape analysis has no use for are RX_OTHER, without detail.              */
#ifndef BASE_REGEX_PARSE_H
#define BASE_REGEX_PARSE_H
#include "base/arena.h"
#include "base/err.h"

enum rx_op {
    RX_EMPTY,        /* matches the empty text */
    RX_RUNE,         /* runes[0] */
    RX_SET,          /* one of a few runes */
    RX_ANY,          /* any rune, newline included */
    RX_BEGIN,        /* start of the text */
    RX_END,          /* end of the text */
    RX_OTHER,
    RX_CAPTURE,      /* children[0] */
    RX_CONCAT,
    RX_ALTERNATE,
    RX_REPEAT,       /* children[0], min to max times; max < 0: no maximum */
    RX_PAREN,        /* only on the parser's stack: an open group */
    RX_BAR,          /* only on the parser's stack: '|' */
};

typedef struct rx_node {
    enum rx_op op;
    int min, max;              /* RX_REPEAT */
    uint32_t height;           /* 1 for a leaf */
    uint32_t weight;           /* largest product of nested counted repetitions */
    size_t n;                  /* of children or runes */
    struct rx_node **children;
    uint32_t *runes;
    bool is_capture;           /* RX_PAREN */
    uint32_t flags_outside;    /* RX_PAREN: restored at ')' */
} rx_node;

typedef struct rx_tree {
    rx_node *root;
    bytes *names;              /* of the groups, [0] is the whole match; empty where unnamed */
    size_t n_names;            /* number of groups plus one */
    bytes engine_text;         /* the pattern with named groups as plain ones, which RE2 numbers alike */
} rx_tree;

/* All memory, the errors' aside, is the arena's. pattern must live as long as the tree. */
bool rx_parse(bytes pattern, arena *a, rx_tree *out, err *e);
/* "error parsing regexp: <what>: `<expr>`", ERR_BAD_DATA. Always false. */
bool rx_fail(err *e, const char *what, bytes expr);
#endif
