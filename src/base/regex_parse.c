/* regex_parse.c: see regex_parse.h. Behaviour follows Go's regexp/syntax (parse.go), flags Perl | DotNL.
 *
 * A stack of nodes with markers for open groups and bars, as there: no recursion, so a pattern of nothing but '('
 * costs memory in proportion and no stack. The height of the tree is limited (MAX_HEIGHT), so that those who walk it
 * may recurse.                                                                                                */
#include "base/regex_parse.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "base/vec.h"
#include <assert.h>

enum { MAX_HEIGHT = 1000, MAX_REPEAT = 1000, MAX_SET = 64, NUMBER_TOO_BIG = -1 };
enum {
    MAX_UNICODE_CLASSES = 1000
}; /* each is some hundred ranges to the engine: more of them take seconds to compile */
enum { FLAG_FOLD = 1, FLAG_DOT_NL = 2, FLAG_MULTILINE = 4, FLAG_NON_GREEDY = 8 };

typedef struct parser {
    bytes pattern;
    cursor c;
    arena *a;
    err *e;
    uint32_t flags;
    VEC(rx_node *) stack;
    VEC(bytes) names;
    buf engine_text;
    const char *copied; /* up to here the pattern is in engine_text */
    int n_unicode_classes;
    bool no_posix_end;       /* no ":]" is left, so that it is searched in vain only once */
    const char *last_repeat; /* where the repetition operator just before the cursor starts, or NULL */
} parser;

bool rx_fail(err *e, const char *what, bytes expr)
{
    return err_set(e, ERR_BAD_DATA, "error parsing regexp: %s: `%.*s`", what, BYTES_ARG(expr));
}

/* The error about the text from start to the cursor. */
static bool fail_here(parser *p, const char *what, const char *start)
{
    return rx_fail(p->e, what, (bytes){ start, (size_t)(p->c.at - start) });
}

/* The error about the text from start to the end of the pattern. */
static bool fail_rest(parser *p, const char *what, const char *start)
{
    return rx_fail(p->e, what, (bytes){ start, (size_t)(p->c.end - start) });
}

static bytes rest(const parser *p)
{
    return (bytes){ p->c.at, cursor_left(&p->c) };
}

/* The next rune; the pattern is valid UTF-8. At the end U+FFFD, and the cursor stays. */
static uint32_t next_rune(parser *p)
{
    int width;
    uint32_t rune = utf8_decode(rest(p), &width);
    p->c.at += width;
    return rune;
}

static bool starts_with(const parser *p, const char *text)
{
    return bytes_has_prefix(rest(p), bytes_of(text));
}

/* ---- nodes ---- */

static rx_node *push(parser *p, enum rx_op op)
{
    rx_node *n = ARENA_NEW(p->a, rx_node);
    n->op = op;
    n->height = n->weight = 1;
    vec_push(&p->stack, n);
    return n;
}

static void push_rune(parser *p, uint32_t rune)
{
    bool has_case = rune >= 0x80 || ((rune | 0x20) >= 'a' && (rune | 0x20) <= 'z');
    if ((p->flags & FLAG_FOLD) && has_case) {
        push(p, RX_OTHER);
        return;
    }
    rx_node *n = push(p, RX_RUNE);
    n->runes = ARENA_NEW(p->a, uint32_t);
    n->runes[0] = rune;
    n->n = 1;
}

static bool is_marker(const rx_node *n)
{
    return n->op >= RX_PAREN;
}

static void take_measures(rx_node *n)
{
    for (size_t i = 0; i < n->n; i++) {
        if (n->children[i]->height >= n->height)
            n->height = n->children[i]->height + 1;
        if (n->children[i]->weight > n->weight)
            n->weight = n->children[i]->weight;
    }
}

static bool all_runes(const rx_node *n)
{
    for (size_t i = 0; i < n->n; i++)
        if (n->children[i]->op != RX_RUNE)
            return false;
    return true;
}

/* The n topmost nodes become the children of one, which takes their place. */
static void collapse(parser *p, enum rx_op op, size_t n)
{
    if (n == 1)
        return;
    rx_node **children = ARENA_ARRAY(p->a, rx_node *, n);
    p->stack.len -= n;
    memcpy(children, p->stack.p + p->stack.len, n * sizeof *children);
    rx_node *parent = push(p, n ? op : RX_EMPTY);
    parent->n = n;
    parent->children = children;
    take_measures(parent);
    if (op == RX_CONCAT && all_runes(parent))
        parent->height = 1; /* Go keeps a string in one node */
}

/* What stands above the topmost marker becomes one node. */
static void collapse_concat(parser *p)
{
    size_t n = 0;
    while (n < p->stack.len && !is_marker(p->stack.p[p->stack.len - 1 - n]))
        n++;
    if (n == 0)
        push(p, RX_EMPTY);
    else
        collapse(p, RX_CONCAT, n);
}

/* The branches above the innermost open group become one node. The last branch is one node already. */
static void collapse_alternate(parser *p)
{
    size_t top = p->stack.len, n = 0, first = top;
    while (first > 0 && p->stack.p[first - 1]->op != RX_PAREN)
        first--;
    for (size_t i = first; i < top; i++)
        if (p->stack.p[i]->op != RX_BAR)
            p->stack.p[first + n++] = p->stack.p[i];
    p->stack.len = first + n;
    collapse(p, RX_ALTERNATE, n);
}

/* ---- groups ---- */

static void open_group(parser *p, bool is_capture, bytes name)
{
    rx_node *n = push(p, RX_PAREN);
    n->is_capture = is_capture;
    n->flags_outside = p->flags;
    if (is_capture)
        vec_push(&p->names, name);
}

static bool close_group(parser *p)
{
    collapse_concat(p);
    collapse_alternate(p);
    if (p->stack.len < 2)
        return rx_fail(p->e, "unexpected )", p->pattern);
    rx_node *inner = p->stack.p[p->stack.len - 1];
    rx_node *paren = p->stack.p[p->stack.len - 2];
    p->flags = paren->flags_outside;
    p->stack.len -= 2;
    if (!paren->is_capture) {
        vec_push(&p->stack, inner);
        return true;
    }
    rx_node **child = ARENA_NEW(p->a, rx_node *);
    *child = inner;
    rx_node *capture = push(p, RX_CAPTURE);
    capture->n = 1;
    capture->children = child;
    take_measures(capture);
    return true;
}

static bool is_group_name(bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] >= 0x80 || (s.p[i] != '_' && !utf8_is_word((unsigned char)s.p[i])))
            return false;
    return s.len > 0;
}

/* (?P<name> or (?<name>; the cursor stands at '('. */
static bool open_named_group(parser *p, size_t name_at)
{
    const char *start = p->c.at;
    ptrdiff_t end = bytes_find(rest(p), '>');
    if (end < 0)
        return fail_rest(p, "invalid named capture", start);
    bytes name = bytes_sub(rest(p), name_at, (size_t)end - name_at);
    p->c.at += end + 1;
    if (!is_group_name(name))
        return fail_here(p, "invalid named capture", start);
    buf_put(&p->engine_text, p->copied, (size_t)(start - p->copied));
    buf_putc(&p->engine_text, '(');
    p->copied = p->c.at;
    open_group(p, true, name);
    return true;
}

static uint32_t flag_of(uint32_t rune)
{
    switch (rune) {
    case 'i': return FLAG_FOLD;
    case 'm': return FLAG_MULTILINE;
    case 's': return FLAG_DOT_NL;
    case 'U': return FLAG_NON_GREEDY;
    default: return 0;
    }
}

/* (?flags) or (?flags:, flags = letters [ "-" letters ]; the cursor stands at '('. */
static bool parse_flags(parser *p)
{
    const char *start = p->c.at;
    uint32_t flags = p->flags;
    bool clear = false, dash_needs_flag = false;
    p->c.at += 2;
    while (!cursor_done(&p->c)) {
        uint32_t rune = next_rune(p);
        uint32_t flag = flag_of(rune);
        if (flag) {
            flags = clear ? flags & ~flag : flags | flag;
            dash_needs_flag = false;
        } else if (rune == '-' && !clear) {
            clear = dash_needs_flag = true;
        } else if ((rune == ':' || rune == ')') && !dash_needs_flag) {
            if (rune == ':')
                open_group(p, false, (bytes){ 0 });
            p->flags = flags;
            return true;
        } else {
            break;
        }
    }
    return fail_here(p, "invalid or unsupported Perl syntax", start);
}

static bool parse_left_paren(parser *p)
{
    size_t left = cursor_left(&p->c);
    if (left > 4 && starts_with(p, "(?P<"))
        return open_named_group(p, 4);
    if (left > 3 && starts_with(p, "(?<"))
        return open_named_group(p, 3);
    if (starts_with(p, "(?"))
        return parse_flags(p);
    open_group(p, true, (bytes){ 0 });
    p->c.at++;
    return true;
}

/* ---- repetition ---- */

/* An integer without leading zeros; NUMBER_TOO_BIG where it passes 10^8. */
static bool parse_int(cursor *c, int *out)
{
    cursor s = *c;
    int v = 0;
    while (cursor_peek(&s) >= '0' && cursor_peek(&s) <= '9') {
        int digit = *s.at++ - '0';
        if (v != NUMBER_TOO_BIG)
            v = v >= 100000000 ? NUMBER_TOO_BIG : v * 10 + digit;
    }
    if (s.at == c->at || (*c->at == '0' && s.at - c->at > 1))
        return false;
    *c = s;
    *out = v;
    return true;
}

/* {n} {n,} {n,m}. false: it is none, so '{' is a literal. */
static bool parse_counts(cursor *c, int *min, int *max)
{
    cursor s = *c;
    if (!cursor_take(&s, '{') || !parse_int(&s, min))
        return false;
    *max = *min;
    if (cursor_take(&s, ',')) {
        if (cursor_peek(&s) == '}')
            *max = -1;
        else if (!parse_int(&s, max))
            return false;
        else if (*max == NUMBER_TOO_BIG)
            *min = NUMBER_TOO_BIG;
    }
    if (!cursor_take(&s, '}'))
        return false;
    *c = s;
    return true;
}

/* The operator from start to the cursor applies to the topmost node. */
static bool repeat(parser *p, const char *start, int min, int max, bool counted)
{
    cursor_take(&p->c, '?'); /* non-greedy: the same texts match */
    if (p->last_repeat)
        return fail_here(p, "invalid nested repetition operator", p->last_repeat);
    if (p->stack.len == 0 || is_marker(p->stack.p[p->stack.len - 1]))
        return fail_here(p, "missing argument to repetition operator", start);
    rx_node **child = ARENA_NEW(p->a, rx_node *);
    *child = p->stack.p[--p->stack.len];
    rx_node *n = push(p, RX_REPEAT);
    *n = (rx_node){ .op = RX_REPEAT, .min = min, .max = max, .height = 1, .weight = 1, .n = 1, .children = child };
    take_measures(n);
    if (counted) {
        uint32_t times = (uint32_t)(max < 0 ? min : max);
        n->weight = max == 0 ? 1 : times > 1 ? n->weight * times : n->weight; /* both at most MAX_REPEAT */
        if ((min >= 2 || max >= 2) && n->weight > MAX_REPEAT)
            return fail_here(p, "invalid repeat count", start);
    }
    p->last_repeat = start;
    return true;
}

static bool parse_repeat_op(parser *p)
{
    const char *start = p->c.at;
    char op = *p->c.at++;
    return repeat(p, start, op == '+', op == '?' ? 1 : -1, false);
}

static bool parse_brace(parser *p)
{
    const char *start = p->c.at;
    int min, max;
    if (!parse_counts(&p->c, &min, &max)) {
        p->c.at++;
        p->last_repeat = NULL;
        push_rune(p, '{');
        return true;
    }
    if (min < 0 || min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && min > max))
        return fail_here(p, "invalid repeat count", start);
    return repeat(p, start, min, max, true);
}

/* ---- escapes ---- */

static int hex_value(uint32_t rune)
{
    if (rune >= '0' && rune <= '9')
        return (int)rune - '0';
    rune |= 0x20;
    return rune >= 'a' && rune <= 'f' ? (int)rune - 'a' + 10 : -1;
}

static bool parse_hex_escape(parser *p, uint32_t *out)
{
    if (cursor_done(&p->c))
        return false;
    uint32_t rune = next_rune(p);
    if (rune != '{') {
        int high = hex_value(rune), low = hex_value(next_rune(p));
        *out = (uint32_t)(high * 16 + low);
        return high >= 0 && low >= 0;
    }
    *out = 0;
    for (int n = 0; !cursor_done(&p->c); n++) {
        rune = next_rune(p);
        if (rune == '}')
            return n > 0;
        if (hex_value(rune) < 0)
            return false;
        *out = *out * 16 + (uint32_t)hex_value(rune);
        if (*out > 0x10FFFF)
            return false;
    }
    return false;
}

static bool is_octal(int c)
{
    return c >= '0' && c <= '7';
}

/* The rune behind the backslash that has been read. false: no such escape. */
static bool parse_escaped_rune(parser *p, uint32_t *out)
{
    static const char letters[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    uint32_t rune = next_rune(p);
    const char *letter = rune < 0x80 && rune ? strchr(letters, (int)rune) : NULL;
    if (letter) {
        *out = (uint32_t)values[letter - letters];
        return true;
    }
    if (rune == 'x')
        return parse_hex_escape(p, out);
    if (rune == '0' || (rune >= '1' && rune <= '7' && is_octal(cursor_peek(&p->c)))) {
        *out = rune - '0';
        for (int i = 0; i < 2 && is_octal(cursor_peek(&p->c)); i++)
            *out = *out * 8 + (uint32_t)(*p->c.at++ - '0');
        return true;
    }
    *out = rune;
    return rune < 0x80 && !utf8_is_word(rune);
}

/* One escaped rune; the cursor stands at the backslash. */
static bool parse_escape(parser *p, uint32_t *out)
{
    const char *start = p->c.at++;
    if (cursor_done(&p->c))
        return rx_fail(p->e, "trailing backslash at end of expression", BYTES(""));
    return parse_escaped_rune(p, out) || fail_here(p, "invalid escape sequence", start);
}

/* \pN \p{Name} \P{Name} \p{^Name}; whether the name exists is for the engine to say. */
static bool parse_unicode_class(parser *p)
{
    const char *start = p->c.at;
    if (++p->n_unicode_classes > MAX_UNICODE_CLASSES)
        return rx_fail(p->e, "expression too large", p->pattern);
    p->c.at += 2;
    if (next_rune(p) != '{')
        return p->c.at > start + 2 || fail_here(p, "invalid character class range", start);
    ptrdiff_t end = bytes_find(rest(p), '}');
    if (end < 0)
        return fail_rest(p, "invalid character class range", start);
    p->c.at += end + 1;
    return true;
}

static bool at_unicode_class(const parser *p)
{
    return starts_with(p, "\\p") || starts_with(p, "\\P");
}

static bool at_perl_class(const parser *p)
{
    return cursor_left(&p->c) >= 2 && *p->c.at == '\\' && p->c.at[1] && strchr("dDsSwW", p->c.at[1]);
}

static bool parse_quoted(parser *p)
{
    p->c.at += 2;
    ptrdiff_t end = bytes_find_bytes(rest(p), BYTES("\\E"));
    const char *stop = end < 0 ? p->c.end : p->c.at + end;
    while (p->c.at < stop)
        push_rune(p, next_rune(p));
    p->c.at = end < 0 ? stop : stop + 2;
    return true;
}

static bool parse_backslash(parser *p)
{
    int letter = cursor_left(&p->c) >= 2 ? p->c.at[1] : 0;
    enum rx_op assertion = letter == 'A' ? RX_BEGIN : letter == 'z' ? RX_END : RX_OTHER;
    if (assertion != RX_OTHER || letter == 'b' || letter == 'B' || at_perl_class(p)) {
        push(p, assertion);
        p->c.at += 2;
        return true;
    }
    if (letter == 'Q')
        return parse_quoted(p);
    if (at_unicode_class(p)) {
        push(p, RX_OTHER);
        return parse_unicode_class(p);
    }
    uint32_t rune;
    if (!parse_escape(p, &rune))
        return false;
    push_rune(p, rune);
    return true;
}

/* ---- classes ---- */

/* A class while it is read: its runes as long as they are few. */
typedef struct class_set {
    uint32_t runes[MAX_SET];
    size_t n;
    bool is_large;
} class_set;

static void class_add(class_set *set, uint32_t low, uint32_t high)
{
    if (high - low >= MAX_SET - set->n)
        set->is_large = true;
    for (uint32_t rune = low; !set->is_large && rune <= high; rune++)
        set->runes[set->n++] = rune;
}

/* [:name:]. *found false: it is none. */
static bool parse_posix_class(parser *p, bool *found)
{
    static const char *const names[] = { "alnum", "alpha", "ascii", "blank", "cntrl", "digit",  "graph",
                                         "lower", "print", "punct", "space", "upper", "xdigit", "word" };
    const char *start = p->c.at;
    *found = false;
    if (p->no_posix_end || !starts_with(p, "[:"))
        return true;
    ptrdiff_t end = bytes_find_bytes(bytes_sub(rest(p), 2, SIZE_MAX), BYTES(":]"));
    *found = end >= 0;
    p->no_posix_end = end < 0;
    if (end < 0)
        return true;
    bytes name = bytes_sub(rest(p), 2, (size_t)end);
    p->c.at += end + 4;
    if (bytes_has_prefix(name, BYTES("^")))
        name = bytes_sub(name, 1, name.len);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bytes_eq(name, bytes_of(names[i])))
            return true;
    return fail_here(p, "invalid character class range", start);
}

static bool parse_class_rune(parser *p, const char *class_start, uint32_t *out)
{
    if (cursor_done(&p->c))
        return fail_rest(p, "missing closing ]", class_start);
    if (*p->c.at == '\\')
        return parse_escape(p, out);
    *out = next_rune(p);
    return true;
}

/* class-item = posix-class | unicode-class | perl-class | rune [ "-" rune ] */
static bool parse_class_item(parser *p, const char *class_start, class_set *set)
{
    bool found;
    if (!parse_posix_class(p, &found))
        return false;
    if (found || at_unicode_class(p) || at_perl_class(p)) {
        set->is_large = true;
        if (found)
            return true;
        if (at_unicode_class(p))
            return parse_unicode_class(p);
        p->c.at += 2;
        return true;
    }
    const char *start = p->c.at;
    uint32_t low, high;
    if (!parse_class_rune(p, class_start, &low))
        return false;
    high = low;
    if (cursor_left(&p->c) >= 2 && p->c.at[0] == '-' && p->c.at[1] != ']') {
        p->c.at++;
        if (!parse_class_rune(p, class_start, &high))
            return false;
        if (high < low)
            return fail_here(p, "invalid character class range", start);
    }
    class_add(set, low, high);
    return true;
}

static bool parse_class(parser *p)
{
    const char *start = p->c.at++;
    class_set set = { .n = 0 };
    bool negated = cursor_take(&p->c, '^');
    for (bool first = true; first || cursor_peek(&p->c) != ']'; first = false)
        if (!parse_class_item(p, start, &set))
            return false;
    p->c.at++;
    if (negated || set.is_large || (p->flags & FLAG_FOLD)) {
        push(p, RX_OTHER);
        return true;
    }
    rx_node *n = push(p, RX_SET);
    n->n = set.n;
    n->runes = ARENA_ARRAY(p->a, uint32_t, set.n);
    memcpy(n->runes, set.runes, set.n * sizeof *set.runes);
    return true;
}

/* ---- the whole ---- */

static bool parse_one(parser *p)
{
    bool multiline = p->flags & FLAG_MULTILINE;
    switch (*p->c.at) {
    case '*':
    case '+':
    case '?': return parse_repeat_op(p);
    case '{': return parse_brace(p);
    default: p->last_repeat = NULL; break;
    }
    switch (*p->c.at) {
    case '(': return parse_left_paren(p);
    case '[': return parse_class(p);
    case '\\': return parse_backslash(p);
    case ')': p->c.at++; return close_group(p);
    case '|':
        collapse_concat(p);
        push(p, RX_BAR);
        break;
    case '^': push(p, multiline ? RX_OTHER : RX_BEGIN); break;
    case '$': push(p, multiline ? RX_OTHER : RX_END); break;
    case '.': push(p, p->flags & FLAG_DOT_NL ? RX_ANY : RX_OTHER); break;
    default: push_rune(p, next_rune(p)); return true;
    }
    p->c.at++;
    return true;
}

/* The engine anchors the pattern as "^(?s:pattern)$", which adds one level; Go names what it compiled. */
static bool check_height(parser *p, const rx_node *root)
{
    if (root->height < MAX_HEIGHT)
        return true;
    if (root->height > MAX_HEIGHT)
        return rx_fail(p->e, "expression nests too deeply", p->pattern);
    return rx_fail(p->e, "expression nests too deeply", arena_bytesf(p->a, "^(?s:%.*s)$", BYTES_ARG(p->pattern)));
}

static bool parse_all(parser *p)
{
    while (!cursor_done(&p->c))
        if (!parse_one(p))
            return false;
    collapse_concat(p);
    collapse_alternate(p);
    if (p->stack.len != 1)
        return rx_fail(p->e, "missing closing )", p->pattern);
    buf_put(&p->engine_text, p->copied, (size_t)(p->c.end - p->copied));
    return check_height(p, p->stack.p[0]);
}

static bool check_utf8(bytes s, err *e)
{
    int width = 0;
    for (size_t i = 0; i < s.len; i += (size_t)width) {
        bytes tail = bytes_sub(s, i, s.len);
        if (utf8_decode(tail, &width) == 0xFFFD && width == 1)
            return rx_fail(e, "invalid UTF-8", tail);
    }
    return true;
}

bool rx_parse(bytes pattern, arena *a, rx_tree *out, err *e)
{
    if (pattern.len > LIMIT_REGEX)
        return rx_fail(e, "expression too large", bytes_sub(pattern, 0, 100));
    if (pattern.p == NULL)
        pattern = BYTES("");
    if (!check_utf8(pattern, e))
        return false;
    parser p = { .pattern = pattern, .c = cursor_of(pattern), .a = a, .e = e, .flags = FLAG_DOT_NL };
    p.copied = pattern.p;
    buf_init(&p.engine_text, LIMIT_REGEX);
    vec_push(&p.names, (bytes){ 0 });
    bool ok = parse_all(&p);
    if (ok) {
        *out = (rx_tree){ .root = p.stack.p[0], .n_names = p.names.len };
        out->names = ARENA_ARRAY(a, bytes, p.names.len);
        memcpy(out->names, p.names.p, p.names.len * sizeof *p.names.p);
        out->engine_text = arena_dup(a, buf_bytes(&p.engine_text));
    }
    vec_free(&p.stack);
    vec_free(&p.names);
    buf_release(&p.engine_text);
    return ok;
}
