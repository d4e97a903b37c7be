/* regex.h: regular expressions in Prometheus' syntax (RE2), linear time by construction.
 *
 * A compiled regex is immutable and counted; matching is safe from any thread. Simple shapes never reach the engine:
 * a literal, an alternation of literals, literal + ".*"/".+", ".*", ".+" (see regex_kind).                     */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H
#include "base/arena.h"
#include "base/err.h"

typedef struct regex regex;

enum regex_kind {
    REGEX_ENGINE,       /* needs RE2 */
    REGEX_LITERALS,     /* one of a fixed set of strings: regex_literals() */
    REGEX_PREFIX,       /* literal prefix then anything: regex_prefix() */
    REGEX_PREFIX_PLUS,  /* literal prefix then at least one byte */
    REGEX_ANY,          /* .* */
    REGEX_NOT_EMPTY,    /* .+ */
};

/* Anchored at both ends, `.` matches newline: ^(?s:pattern)$. Errors carry Go's text:
 * "error parsing regexp: missing closing ]: `[`". Patterns over LIMIT_REGEX bytes or programs over the memory
 * budget are ERR_BAD_DATA. One reference, the caller's. */
regex *regex_new(bytes pattern, err *e);
/* The same, for what Prometheus compiles as the text ^(?s:pattern)$, as it does in its configuration: errors may name
 * that text, "missing closing ): `^(?s:(a)$`", and a pattern like `a)(b` is fine. */
regex *regex_new_anchored(bytes pattern, err *e);
regex *regex_ref(regex *r);
void regex_unref(regex *r);

bool regex_match(const regex *r, bytes text);
enum regex_kind regex_kind(const regex *r);
/* The set of REGEX_LITERALS, sorted, distinct; borrowed. */
const bytes *regex_literals(const regex *r, size_t *n);
bytes regex_prefix(const regex *r);
bytes regex_pattern(const regex *r);   /* as given */

/* Go's Regexp.Expand on a full match of text: $1, ${1}, $name, ${name}, $$. false: text does not match.
 * The result is the arena's. One of more than LIMIT_LABELS_BYTES comes as that many dots and one more: refuse it. */
bool regex_expand(const regex *r, bytes text, bytes template, arena *a, bytes *out);
#endif
