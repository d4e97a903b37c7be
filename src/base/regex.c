/* regex.c: see regex.h. Parse (regex_parse.c), look for a simple shape, else compile for RE2 (re2_shim.cc).
 *
 * Shapes, tried in this order on the tree:
 *   literals   the pattern's language is a finite set of strings: concatenations, alternations, `?`, small classes
 *   globs      literals with `.*` or `.+` between: prefix, suffix, infix, or an alternation of a few such; REGEX_PREFIX
 *              and so on where it is one with at most one literal, at the start; matched from left to right with memmem
 *   engine     all else
 * A pattern of plain alternatives is not even parsed. A shape's program for RE2 is made only when regex_expand() asks
 * for its groups, once, whoever comes first.
 *
 * Invariants: (1) all but `refs` and `program` never change after regex_new; (2) kind == REGEX_ENGINE and no globs
 * imply program != NULL; (3) literals are sorted and distinct, and `index` holds them where they are many.
 *
 * Texts are taken as Go takes them: a byte that is no UTF-8 counts as U+FFFD. RE2 would let it match nothing, so such
 * a text is repaired and tried again. Labels are valid UTF-8 and never come there.                            */
#include "base/regex.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/re2_shim.h"
#include "base/regex_parse.h"
#include "base/utf8.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    MAX_PRODUCT = 256,       /* strings that a concatenation of sets may give */
    MAX_SET_BYTES = 1 << 20, /* their bytes */
    MAX_SCRATCH = 16 << 20,  /* memory for the search of a shape: past it the pattern is the engine's */
    MAX_GLOBS = 32,          /* branches tried one after the other */
    INDEX_FROM = 9,          /* so many literals get a hash map */
};

/* One literal of a glob and the gap before it. */
typedef struct glob_part {
    bytes text;
    bool has_gap;     /* anything may stand before */
    bool gap_is_plus; /* at least one byte of it */
} glob_part;

typedef struct glob {
    glob_part *parts; /* the last one is the end: an empty text, and the gap before it */
    size_t n;
} glob;

struct regex {
    _Atomic(uint32_t) refs;
    enum regex_kind kind;
    bool root_is_group; /* the one group is the whole pattern, as in (.*) */
    bytes pattern;
    bytes engine_text;
    bytes *names;
    size_t n_names;
    bytes *literals;
    size_t n_literals;
    map index;
    glob *globs;
    size_t n_globs;
    _Atomic(re2_program *) program;
    arena a; /* all of the above */
};

/* ---- literals ---- */

typedef struct string_set {
    bytes *p;
    size_t n, cap;
    size_t n_bytes;
} string_set;

static bool set_add(string_set *set, arena *a, bytes s)
{
    if (set->n == set->cap) {
        size_t cap = set->cap ? set->cap * 2 : 4;
        bytes *p = ARENA_ARRAY(a, bytes, cap);
        if (set->n)
            memcpy(p, set->p, set->n * sizeof *p);
        set->p = p;
        set->cap = cap;
    }
    set->n_bytes += s.len;
    set->p[set->n++] = s;
    return set->n_bytes <= MAX_SET_BYTES && !arena_over(a);
}

static bytes join(arena *a, bytes x, bytes y)
{
    if (x.len == 0 || y.len == 0)
        return x.len ? x : y;
    char *p = arena_text(a, x.len + y.len);
    memcpy(p, x.p, x.len);
    memcpy(p + x.len, y.p, y.len);
    return (bytes){ p, x.len + y.len };
}

static bytes rune_text(arena *a, uint32_t rune)
{
    char text[4];
    return arena_dup(a, (bytes){ text, (size_t)utf8_encode(rune, text) });
}

static bool collect(const rx_node *n, arena *a, string_set *out);

/* Every string of left followed by every one of right. */
static bool set_multiply(const string_set *left, const string_set *right, arena *a, string_set *out)
{
    if (left->n > 1 && right->n > 1 && left->n * right->n > MAX_PRODUCT)
        return false;
    for (size_t i = 0; i < left->n; i++)
        for (size_t k = 0; k < right->n; k++)
            if (!set_add(out, a, join(a, left->p[i], right->p[k])))
                return false;
    return true;
}

/* The runes from children[*i] on, as one string; *i moves behind them. */
static bytes take_runes(const rx_node *n, size_t *i, arena *a)
{
    size_t first = *i;
    while (*i < n->n && n->children[*i]->op == RX_RUNE)
        ++*i;
    char *p = arena_text(a, (*i - first) * 4);
    size_t len = 0;
    for (size_t k = first; k < *i; k++)
        len += (size_t)utf8_encode(n->children[k]->runes[0], p + len);
    return (bytes){ p, len };
}

static bool collect_concat(const rx_node *n, arena *a, string_set *out)
{
    string_set so_far = { 0 };
    set_add(&so_far, a, (bytes){ 0 });
    for (size_t i = 0; i < n->n;) {
        string_set next = { 0 }, product = { 0 };
        if (n->children[i]->op == RX_RUNE)
            set_add(&next, a, take_runes(n, &i, a));
        else if (!collect(n->children[i++], a, &next))
            return false;
        if (!set_multiply(&so_far, &next, a, &product))
            return false;
        so_far = product;
    }
    for (size_t i = 0; i < so_far.n; i++)
        if (!set_add(out, a, so_far.p[i]))
            return false;
    return true;
}

/* Adds the strings of n's language to out. false: they are too many, or n is not of that kind. Depth: the parser's
 * limit on the height of the tree. */
static bool collect(const rx_node *n, arena *a, string_set *out)
{
    switch (n->op) {
    case RX_EMPTY: return set_add(out, a, (bytes){ 0 });
    case RX_RUNE:
    case RX_SET:
        for (size_t i = 0; i < n->n; i++)
            if (!set_add(out, a, rune_text(a, n->runes[i])))
                return false;
        return true;
    case RX_CAPTURE: return collect(n->children[0], a, out);
    case RX_ALTERNATE:
        for (size_t i = 0; i < n->n; i++)
            if (!collect(n->children[i], a, out))
                return false;
        return true;
    case RX_CONCAT: return collect_concat(n, a, out);
    case RX_REPEAT:
        if (n->max < 0 || n->max > 1 || (n->min == 0 && !set_add(out, a, (bytes){ 0 })))
            return false;
        return n->max == 0 || collect(n->children[0], a, out);
    default: return false;
    }
}

static int by_bytes(const void *x, const void *y)
{
    return bytes_cmp(*(const bytes *)x, *(const bytes *)y);
}

static void keep_literals(regex *r, string_set *set)
{
    qsort(set->p, set->n, sizeof *set->p, by_bytes);
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++)
        if (n == 0 || !bytes_eq(set->p[n - 1], set->p[i]))
            set->p[n++] = set->p[i];
    r->literals = ARENA_ARRAY(&r->a, bytes, n);
    for (size_t i = 0; i < n; i++)
        r->literals[i] = arena_dup(&r->a, set->p[i]);
    r->n_literals = n;
    r->kind = REGEX_LITERALS;
    if (n < INDEX_FROM)
        return;
    for (size_t i = 0; i < n; i++)
        *map_put(&r->index, r->literals[i], NULL) = i;
}

/* `a|b|c` without any other operator: split as it stands. Prometheus' matchers do so before they parse, so that these
 * alone may hold bytes that are no UTF-8. */
static bool take_plain_alternatives(regex *r, bytes pattern, arena *scratch)
{
    string_set set = { 0 };
    if (pattern.len > LIMIT_REGEX)
        return false;
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.p[i] != '\0' && strchr("\\.+*?()[]{}^$", pattern.p[i]))
            return false;
    bytes head, tail = pattern;
    for (bool more = true; more; set_add(&set, scratch, head))
        more = bytes_cut(tail, '|', &head, &tail);
    keep_literals(r, &set);
    return true;
}

static bool match_literals(const regex *r, bytes text)
{
    if (r->n_literals >= INDEX_FROM)
        return map_get(&r->index, text) != NULL;
    for (size_t i = 0; i < r->n_literals; i++)
        if (bytes_eq(r->literals[i], text))
            return true;
    return false;
}

/* ---- globs ---- */

/* The next part of a glob while the tree is walked. */
typedef struct glob_builder {
    arena *a;
    glob_part *parts;
    size_t n, cap;
    bytes text;                /* literal since the last gap */
    bool has_gap, gap_is_plus; /* before it */
} glob_builder;

static void glob_flush(glob_builder *b)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 4;
        b->parts = arena_grow(b->a, b->parts, b->cap * sizeof *b->parts, cap * sizeof *b->parts);
        b->cap = cap;
    }
    b->parts[b->n++] = (glob_part){ b->text, b->has_gap, b->gap_is_plus };
    b->text = (bytes){ 0 };
    b->has_gap = b->gap_is_plus = false;
}

/* `.*` and `.+`. Two `.+` in a row would need two runes: not of this kind. */
static bool glob_gap(glob_builder *b, const rx_node *repeat)
{
    if (repeat->children[0]->op != RX_ANY || repeat->min > 1 || repeat->max >= 0)
        return false;
    if (b->text.len || (b->n == 0 && !b->has_gap))
        glob_flush(b);
    if (repeat->min && b->gap_is_plus)
        return false;
    b->has_gap = true;
    b->gap_is_plus |= repeat->min == 1;
    return true;
}

static bool glob_walk(glob_builder *b, const rx_node *n)
{
    if (arena_over(b->a))
        return false;
    switch (n->op) {
    case RX_EMPTY: return true;
    case RX_RUNE: b->text = join(b->a, b->text, rune_text(b->a, n->runes[0])); return true;
    case RX_CAPTURE: return glob_walk(b, n->children[0]);
    case RX_REPEAT: return glob_gap(b, n);
    case RX_CONCAT:
        for (size_t i = 0; i < n->n;) {
            if (n->children[i]->op == RX_RUNE)
                b->text = join(b->a, b->text, take_runes(n, &i, b->a));
            else if (!glob_walk(b, n->children[i++]))
                return false;
        }
        return true;
    default: return false;
    }
}

static bool make_glob(arena *to, const rx_node *n, arena *scratch, glob *out)
{
    glob_builder b = { .a = scratch };
    if (!glob_walk(&b, n))
        return false;
    if (b.text.len || b.n == 0)
        glob_flush(&b);
    glob_flush(&b); /* the end */
    *out = (glob){ ARENA_ARRAY(to, glob_part, b.n), b.n };
    for (size_t i = 0; i < b.n; i++) {
        out->parts[i] = b.parts[i];
        out->parts[i].text = arena_dup(to, b.parts[i].text);
    }
    return true;
}

/* What a single glob of the form text, gap, end is called. */
static enum regex_kind kind_of_glob(const glob *g)
{
    if (g->n != 2 || g->parts[0].has_gap || !g->parts[1].has_gap)
        return REGEX_ENGINE;
    bool is_plus = g->parts[1].gap_is_plus;
    if (g->parts[0].text.len)
        return is_plus ? REGEX_PREFIX_PLUS : REGEX_PREFIX;
    return is_plus ? REGEX_NOT_EMPTY : REGEX_ANY;
}

static bool keep_globs(regex *r, const rx_node *root, arena *scratch)
{
    while (root->op == RX_CAPTURE)
        root = root->children[0];
    bool is_many = root->op == RX_ALTERNATE;
    size_t n = is_many ? root->n : 1;
    if (n > MAX_GLOBS)
        return false;
    glob *globs = ARENA_ARRAY(&r->a, glob, n);
    for (size_t i = 0; i < n; i++)
        if (!make_glob(&r->a, is_many ? root->children[i] : root, scratch, &globs[i]))
            return false;
    r->globs = globs;
    r->n_globs = n;
    if (n == 1)
        r->kind = kind_of_glob(globs);
    return true;
}

/* Leftmost places first: a later place for a literal leaves less for the rest, so it never helps. The last literal
 * without a gap behind it must end the text. A match begins at a rune's first byte, as literals are UTF-8, so that one
 * byte of a gap is at least one rune of it. */
static bool match_glob(const glob *g, bytes text)
{
    if (!bytes_has_prefix(text, g->parts[0].text))
        return false;
    size_t at = g->parts[0].text.len;
    for (size_t i = 1; i < g->n; i++) {
        const glob_part *part = &g->parts[i];
        at += part->gap_is_plus;
        if (at > text.len)
            return false;
        bytes tail = bytes_sub(text, at, text.len);
        bool is_end = i + 1 == g->n;
        bool is_last_text = i + 2 == g->n && !g->parts[i + 1].has_gap;
        if (is_end)
            return part->has_gap || tail.len == 0;
        if (is_last_text)
            return bytes_has_suffix(tail, part->text);
        ptrdiff_t found = bytes_find_bytes(tail, part->text);
        if (found < 0)
            return false;
        at += (size_t)found + part->text.len;
    }
    return true;
}

static bool match_globs(const regex *r, bytes text)
{
    for (size_t i = 0; i < r->n_globs; i++)
        if (match_glob(&r->globs[i], text))
            return true;
    return false;
}

/* ---- making ---- */

/* `^` at the start and `$` at the end say nothing new of an anchored pattern. */
static const rx_node *without_anchors(rx_node *n)
{
    if (n->op != RX_CONCAT)
        return n;
    while (n->n > 0 && n->children[0]->op == RX_BEGIN) {
        n->children++;
        n->n--;
    }
    while (n->n > 0 && n->children[n->n - 1]->op == RX_END)
        n->n--;
    return n;
}

static const rx_node *strip_anchors(rx_node *root)
{
    if (root->op == RX_ALTERNATE)
        for (size_t i = 0; i < root->n; i++)
            without_anchors(root->children[i]);
    return without_anchors(root);
}

static re2_program *compile(const regex *r, size_t max_mem, err *e)
{
    re2_error why;
    re2_program *p = re2_program_new(r->engine_text.p, r->engine_text.len, max_mem, &why);
    if (!p)
        rx_fail(e, why.what, bytes_of(why.expr));
    return p;
}

static void regex_free(regex *r)
{
    re2_program_free(atomic_load(&r->program));
    map_release(&r->index);
    arena_release(&r->a);
    free(r);
}

static bool is_shape(const regex *r)
{
    return r->kind != REGEX_ENGINE || r->n_globs > 0;
}

static bool take_shape(regex *r, rx_tree *tree, arena *scratch, err *e)
{
    scratch->limit_bytes = scratch->used_bytes + MAX_SCRATCH;
    r->root_is_group = tree->root->op == RX_CAPTURE && tree->n_names == 2;
    const rx_node *root = strip_anchors(tree->root);
    string_set set = { 0 };
    if (collect(root, scratch, &set))
        keep_literals(r, &set);
    else if (!keep_globs(r, root, scratch))
        atomic_store(&r->program, compile(r, LIMIT_REGEX_PROGRAM, e));
    return is_shape(r) || atomic_load(&r->program) != NULL;
}

static bool take_parsed(regex *r, arena *scratch, err *e)
{
    rx_tree tree;
    if (!rx_parse(r->pattern, scratch, &tree, e))
        return false;
    r->engine_text = arena_dup(&r->a, tree.engine_text);
    r->n_names = tree.n_names;
    r->names = ARENA_ARRAY(&r->a, bytes, tree.n_names);
    for (size_t i = 0; i < tree.n_names; i++)
        r->names[i] = arena_dup(&r->a, tree.names[i]);
    return take_shape(r, &tree, scratch, e);
}

regex *regex_new(bytes pattern, err *e)
{
    regex *r = xcalloc(1, sizeof *r);
    atomic_init(&r->refs, 1);
    atomic_init(&r->program, NULL);
    arena_init(&r->a, 0);
    map_init(&r->index, MAP_BORROWED_KEYS);
    r->pattern = arena_dup(&r->a, pattern);
    r->n_names = 1;
    arena scratch;
    arena_init(&scratch, 0);
    bool ok = take_plain_alternatives(r, r->pattern, &scratch) || take_parsed(r, &scratch, e);
    arena_release(&scratch);
    if (ok)
        return r;
    regex_free(r);
    return NULL;
}

regex *regex_new_anchored(bytes pattern, err *e)
{
    arena scratch;
    arena_init(&scratch, 0);
    bytes anchored = join(&scratch, join(&scratch, BYTES("^(?s:"), pattern), BYTES(")$"));
    rx_tree tree;
    regex *r = NULL;
    if (rx_parse(anchored, &scratch, &tree, e)) {
        r = regex_new(pattern, NULL); /* the plainer text has the plainer shape */
        if (!r)
            r = regex_new(anchored, e);
    }
    arena_release(&scratch);
    return r;
}

regex *regex_ref(regex *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void regex_unref(regex *r)
{
    if (r && atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
        regex_free(r);
}

enum regex_kind regex_kind(const regex *r)
{
    return r->kind;
}

const bytes *regex_literals(const regex *r, size_t *n)
{
    *n = r->n_literals;
    return r->literals;
}

bytes regex_prefix(const regex *r)
{
    return r->n_globs == 1 ? r->globs[0].parts[0].text : (bytes){ 0 };
}

bytes regex_pattern(const regex *r)
{
    return r->pattern;
}

/* ---- matching ---- */

/* The text with U+FFFD for what is no UTF-8; the caller's buf. */
static bytes repaired(bytes text, buf *b)
{
    int width;
    for (size_t i = 0; i < text.len; i += (size_t)width) {
        char rune[4];
        uint32_t decoded = utf8_decode(bytes_sub(text, i, text.len), &width);
        buf_put(b, rune, (size_t)utf8_encode(decoded, rune));
    }
    return buf_bytes(b);
}

static bool match_repaired(const re2_program *p, bytes text)
{
    buf b;
    buf_init(&b, text.len * 3);
    bytes valid = repaired(text, &b);
    bool ok = re2_program_match(p, valid.p, valid.len);
    buf_release(&b);
    return ok;
}

bool regex_match(const regex *r, bytes text)
{
    switch (r->kind) {
    case REGEX_LITERALS: return match_literals(r, text);
    case REGEX_PREFIX: return bytes_has_prefix(text, regex_prefix(r));
    case REGEX_PREFIX_PLUS: return text.len > regex_prefix(r).len && bytes_has_prefix(text, regex_prefix(r));
    case REGEX_ANY: return true;
    case REGEX_NOT_EMPTY: return text.len > 0;
    case REGEX_ENGINE: break;
    }
    if (r->n_globs)
        return match_globs(r, text);
    const re2_program *p = atomic_load_explicit(&r->program, memory_order_acquire);
    return re2_program_match(p, text.p, text.len) || (!utf8_valid(text) && match_repaired(p, text));
}

/* The program, made now for a shape that did without. The first to store it wins. */
static re2_program *program_of(const regex *r)
{
    _Atomic(re2_program *) *place = (_Atomic(re2_program *) *)(uintptr_t)&r->program;
    re2_program *p = atomic_load_explicit(place, memory_order_acquire);
    if (p)
        return p;
    p = compile(r, 8 * LIMIT_REGEX_PROGRAM, NULL);
    re2_program *first = NULL;
    if (p && !atomic_compare_exchange_strong(place, &first, p)) {
        re2_program_free(p);
        p = first;
    }
    return p;
}

/* The groups of a text that matches. A pattern without groups, or with one around all of it, needs no engine. */
static bool find_groups(const regex *r, bytes text, re2_span *groups)
{
    if (r->n_names == 1 || r->root_is_group) {
        for (size_t i = 0; i < r->n_names; i++)
            groups[i] = (re2_span){ text.p ? text.p : "", text.len };
        return regex_match(r, text);
    }
    if (is_shape(r) && !regex_match(r, text))
        return false;
    const re2_program *p = program_of(r);
    return p && re2_program_groups(p, text.p, text.len, groups, r->n_names);
}

/* ---- expanding ---- */

/* name or {name}, name = letters, digits and '_'; the cursor stands behind '$'. false: a plain '$'. */
static bool template_name(cursor *c, bytes *name)
{
    cursor s = *c;
    bool brace = cursor_take(&s, '{');
    const char *start = s.at;
    while (!cursor_done(&s)) {
        int width;
        uint32_t rune = utf8_decode((bytes){ s.at, cursor_left(&s) }, &width);
        if (rune != '_' && !utf8_is_word(rune))
            break;
        s.at += width;
    }
    *name = (bytes){ start, (size_t)(s.at - start) };
    if (name->len == 0 || (brace && !cursor_take(&s, '}')))
        return false;
    *c = s;
    return true;
}

/* The number that name is, or -1: no digits, a leading zero, or too big to be one. */
static int64_t group_number(bytes name)
{
    int64_t n = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] < '0' || name.p[i] > '9' || n >= 100000000)
            return -1;
        n = n * 10 + (name.p[i] - '0');
    }
    return name.p[0] == '0' && name.len > 1 ? -1 : n;
}

static void put_group(const regex *r, const re2_span *groups, bytes name, buf *out)
{
    int64_t number = group_number(name);
    if (number >= 0) {
        if ((size_t)number < r->n_names && groups[number].p)
            buf_put(out, groups[number].p, groups[number].len);
        return;
    }
    for (size_t i = 1; i < r->n_names; i++) { /* of groups of one name, the first that took part */
        if (groups[i].p && bytes_eq(r->names[i], name)) {
            buf_put(out, groups[i].p, groups[i].len);
            return;
        }
    }
}

static void put_template(const regex *r, const re2_span *groups, bytes template, buf *out)
{
    cursor c = cursor_of(template);
    while (!cursor_done(&c)) {
        bytes name;
        if (*c.at != '$') {
            buf_putc(out, *c.at++);
            continue;
        }
        c.at++;
        if (cursor_take(&c, '$'))
            buf_putc(out, '$');
        else if (template_name(&c, &name))
            put_group(r, groups, name, out);
        else
            buf_putc(out, '$');
    }
}

static bytes too_long(arena *a)
{
    return bytes_n(memset(arena_text(a, LIMIT_LABELS_BYTES + 1), '.', LIMIT_LABELS_BYTES + 1), LIMIT_LABELS_BYTES + 1);
}

bool regex_expand(const regex *r, bytes text, bytes template, arena *a, bytes *out)
{
    buf valid, result;
    buf_init(&valid, text.len * 3);
    buf_init(&result, LIMIT_LABELS_BYTES);
    re2_span *groups = ARENA_ARRAY(a, re2_span, r->n_names);
    bool ok = find_groups(r, text, groups);
    if (!ok && !utf8_valid(text))
        ok = find_groups(r, repaired(text, &valid), groups);
    if (ok) {
        put_template(r, groups, template, &result);
        *out = result.overflow ? too_long(a) : arena_dup(a, buf_bytes(&result));
    }
    buf_release(&valid);
    buf_release(&result);
    return ok;
}
