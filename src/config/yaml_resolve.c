/* yaml_resolve.c: what an unquoted YAML scalar is: null, boolean, number, time or text (yaml.h).
 *
 * Follows resolve() of Go's yaml.v2, which reads YAML 1.1: words first, then by the first byte integers in every base
 * Go's ParseInt knows (with _ between digits), floats and time stamps. Base 60 is not read.                 */
#include "base/num.h"
#include "config/yaml.h"

static const struct {
    const char *text;
    yaml_value value;
} words[] = {
    { "", { YAML_NULL, { 0 } } },
    { "~", { YAML_NULL, { 0 } } },
    { "null", { YAML_NULL, { 0 } } },
    { "Null", { YAML_NULL, { 0 } } },
    { "NULL", { YAML_NULL, { 0 } } },
    { "y", { YAML_BOOL, { .b = true } } },
    { "Y", { YAML_BOOL, { .b = true } } },
    { "yes", { YAML_BOOL, { .b = true } } },
    { "Yes", { YAML_BOOL, { .b = true } } },
    { "YES", { YAML_BOOL, { .b = true } } },
    { "true", { YAML_BOOL, { .b = true } } },
    { "True", { YAML_BOOL, { .b = true } } },
    { "TRUE", { YAML_BOOL, { .b = true } } },
    { "on", { YAML_BOOL, { .b = true } } },
    { "On", { YAML_BOOL, { .b = true } } },
    { "ON", { YAML_BOOL, { .b = true } } },
    { "n", { YAML_BOOL, { .b = false } } },
    { "N", { YAML_BOOL, { .b = false } } },
    { "no", { YAML_BOOL, { .b = false } } },
    { "No", { YAML_BOOL, { .b = false } } },
    { "NO", { YAML_BOOL, { .b = false } } },
    { "false", { YAML_BOOL, { .b = false } } },
    { "False", { YAML_BOOL, { .b = false } } },
    { "FALSE", { YAML_BOOL, { .b = false } } },
    { "off", { YAML_BOOL, { .b = false } } },
    { "Off", { YAML_BOOL, { .b = false } } },
    { "OFF", { YAML_BOOL, { .b = false } } },
    { ".nan", { YAML_FLOAT, { .f = __builtin_nan("") } } },
    { ".NaN", { YAML_FLOAT, { .f = __builtin_nan("") } } },
    { ".NAN", { YAML_FLOAT, { .f = __builtin_nan("") } } },
    { ".inf", { YAML_FLOAT, { .f = __builtin_inf() } } },
    { ".Inf", { YAML_FLOAT, { .f = __builtin_inf() } } },
    { ".INF", { YAML_FLOAT, { .f = __builtin_inf() } } },
    { "+.inf", { YAML_FLOAT, { .f = __builtin_inf() } } },
    { "+.Inf", { YAML_FLOAT, { .f = __builtin_inf() } } },
    { "+.INF", { YAML_FLOAT, { .f = __builtin_inf() } } },
    { "-.inf", { YAML_FLOAT, { .f = -__builtin_inf() } } },
    { "-.Inf", { YAML_FLOAT, { .f = -__builtin_inf() } } },
    { "-.INF", { YAML_FLOAT, { .f = -__builtin_inf() } } },
    { "<<", { YAML_MERGE, { 0 } } },
};

enum { MAX_WORD = 5, MAX_NUMBER = 128 }; /* longer text is no word, no number */

static bool find_word(bytes text, yaml_value *v)
{
    if (text.len > MAX_WORD)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (bytes_eq(text, bytes_of(words[i].text))) {
            *v = words[i].value;
            return true;
        }
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One or two digits (or exactly `exact`) as a number within lo..hi. */
static bool take_digits(cursor *c, int exact, int lo, int hi, int *out)
{
    int n = 0, v = 0;
    while (n < (exact ? exact : 2) && c->at < c->end && is_digit(*c->at)) {
        v = v * 10 + (*c->at++ - '0');
        n++;
    }
    *out = v;
    return n >= (exact ? exact : 1) && v >= lo && v <= hi;
}

static bool take_date(cursor *c)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int y, m, d;
    if (!take_digits(c, 4, 0, 9999, &y) || !cursor_take(c, '-') || !take_digits(c, 0, 1, 12, &m) || !cursor_take(c, '-')
        || !take_digits(c, 0, 1, 31, &d))
        return false;
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    return d <= days[m - 1] + (m == 2 && leap);
}

static bool take_zone(cursor *c)
{
    int hour, minute;
    if (cursor_take(c, 'Z'))
        return true;
    return (cursor_take(c, '+') || cursor_take(c, '-')) && take_digits(c, 2, 0, 24, &hour) && cursor_take(c, ':')
           && take_digits(c, 2, 0, 60, &minute);
}

/* YYYY-M-D, YYYY-M-D h:m:s[.frac], YYYY-M-D[Tt]h:m:s[.frac]zone */
static bool is_timestamp(bytes text)
{
    cursor c = cursor_of(text);
    int h, m, s;
    if (!take_date(&c))
        return false;
    if (cursor_done(&c))
        return true;
    bool is_rfc = cursor_take(&c, 'T') || cursor_take(&c, 't');
    if (!is_rfc && !cursor_take(&c, ' '))
        return false;
    if (!take_digits(&c, 0, 0, 23, &h) || !cursor_take(&c, ':') || !take_digits(&c, 0, 0, 59, &m)
        || !cursor_take(&c, ':') || !take_digits(&c, 0, 0, 59, &s))
        return false;
    if (cursor_take(&c, '.')) {
        const char *from = c.at;
        while (c.at < c.end && is_digit(*c.at))
            c.at++;
        if (c.at == from)
            return false;
    }
    return (!is_rfc || take_zone(&c)) && cursor_done(&c);
}

static unsigned digit_value(char ch)
{
    if (is_digit(ch))
        return (unsigned)(ch - '0');
    if (ch >= 'a' && ch <= 'z')
        return (unsigned)(ch - 'a') + 10;
    if (ch >= 'A' && ch <= 'Z')
        return (unsigned)(ch - 'A') + 10;
    return 99;
}

/* As strconv.ParseInt/ParseUint(s, 0, 64): a sign, 0x, 0o, 0b or a leading 0 name the base. */
static bool parse_int(bytes s, yaml_value *v)
{
    bool negative = s.len && s.p[0] == '-', has_sign = negative || (s.len && s.p[0] == '+');
    s = bytes_sub(s, has_sign, s.len);
    unsigned base = 10;
    if (s.len > 1 && s.p[0] == '0') {
        char mark = s.p[1] | 0x20;
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        s = bytes_sub(s, base != 8 || mark == 'o' ? 2 : 1, s.len);
    }
    uint64_t u = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned d = digit_value(s.p[i]);
        if (d >= base || __builtin_mul_overflow(u, base, &u) || __builtin_add_overflow(u, d, &u))
            return false;
    }
    if (s.len == 0 || u > (uint64_t)INT64_MAX + negative)
        return s.len && !has_sign && (*v = (yaml_value){ YAML_UINT, { .u = u } }, true);
    *v = (yaml_value){ YAML_INT, { .i = negative ? (int64_t)(0 - u) : (int64_t)u } };
    return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? : decimal only, no words. */
static bool looks_like_float(bytes s)
{
    size_t i = s.len && (s.p[0] == '-' || s.p[0] == '+'), digits = 0;
    for (; i < s.len && is_digit(s.p[i]); i++)
        digits++;
    if (i < s.len && s.p[i] == '.') {
        for (i++; i < s.len && is_digit(s.p[i]); i++)
            digits++;
    }
    if (digits == 0)
        return false;
    if (i < s.len && (s.p[i] | 0x20) == 'e') {
        i++;
        if (i < s.len && (s.p[i] == '-' || s.p[i] == '+'))
            i++;
        size_t from = i;
        while (i < s.len && is_digit(s.p[i]))
            i++;
        if (i == from)
            return false;
    }
    return i == s.len;
}

static bool resolve_number(bytes text, yaml_value *v)
{
    char plain[MAX_NUMBER];
    size_t n = 0;
    double f;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '_')
            plain[n++] = text.p[i];
    }
    bytes s = { plain, n };
    if (parse_int(s, v))
        return true;
    if (!looks_like_float(s) || !num_parse(s, &f, NULL))
        return false;
    *v = (yaml_value){ YAML_FLOAT, { .f = f } };
    return true;
}

yaml_value yaml_resolve_text(bytes text)
{
    yaml_value v = { YAML_STR, { 0 } };
    double f;
    if (find_word(text, &v) || text.len > MAX_NUMBER)
        return v;
    char first = text.p[0];
    if (first == '.') {
        if (num_parse(text, &f, NULL))
            v = (yaml_value){ YAML_FLOAT, { .f = f } };
    } else if (is_digit(first) || first == '-' || first == '+') {
        if (is_timestamp(text))
            v.type = YAML_TIMESTAMP;
        else
            resolve_number(text, &v);
    }
    return v;
}

const char *yaml_type_tag(enum yaml_type t)
{
    static const char *const tags[] = {
        [YAML_NULL] = "!!null", [YAML_STR] = "!!str",     [YAML_BOOL] = "!!bool",           [YAML_INT] = "!!int",
        [YAML_UINT] = "!!int",  [YAML_FLOAT] = "!!float", [YAML_TIMESTAMP] = "!!timestamp", [YAML_MERGE] = "!!merge",
    };
    return tags[t];
}

bool yaml_resolve(const yaml_node *n, yaml_value *v, err *e)
{
    *v = (yaml_value){ YAML_STR, { 0 } };
    if (n->is_plain)
        *v = yaml_resolve_text(n->text);
    if (n->is_plain || !n->tag || n->tag[0] != '!' || n->tag[1] != '!' || strcmp(n->tag, "!!str") == 0)
        return true;
    yaml_value found = yaml_resolve_text(n->text);
    if (strcmp(n->tag, "!!float") == 0 && (found.type == YAML_INT || found.type == YAML_UINT))
        found = (yaml_value){ YAML_FLOAT, { .f = found.type == YAML_INT ? (double)found.i : (double)found.u } };
    static const char *const known[] = { "!!null", "!!bool", "!!int", "!!float", "!!timestamp" };
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        is_known |= strcmp(n->tag, known[i]) == 0;
    if (!is_known)
        return true;
    if (strcmp(n->tag, yaml_type_tag(found.type)) != 0)
        return err_set(e, ERR_BAD_DATA, "yaml: cannot decode %s `%.*s` as a %s", yaml_type_tag(found.type),
                       BYTES_ARG(bytes_sub(n->text, 0, 100)), n->tag);
    *v = found;
    return true;
}

bool yaml_is_null(const yaml_node *n)
{
    return !n || (n->tag && strcmp(n->tag, "!!null") == 0)
           || (n->kind == YAML_NODE_SCALAR && n->is_plain && yaml_resolve_text(n->text).type == YAML_NULL);
}
