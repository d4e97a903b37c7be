/* flags.c: reads the command line by the rows of flags_table.c. Help is written in flags_help.c.
 *
 * As kingpin does it, in two passes: the words are sorted into flags and values first (what is no flag ends it, status
 * 1), then --help and --version are answered, then every value is read (what is no value of its flag ends it, status
 * 2). */
#include "server/flags.h"
#include "base/arena.h"
#include "base/duration.h"
#include "base/num.h"
#include "base/vec.h"
#include "config/schema.h"
#include <stdlib.h>

/* Kingpin's own, besides the table. */
enum { HELP = -1, HELP_LONG = -2, VERSION = -3, UNKNOWN = -4 };

typedef struct given_flag {
    int row; /* index, or one of the above */
    const char *value;
} given_flag;
typedef VEC(given_flag) given_list;

/* ---- words ---- */

static int find_row(bytes name)
{
    static const struct {
        const char *name;
        int row;
    } own[] = { { "help", HELP }, { "help-long", HELP_LONG }, { "help-man", HELP_LONG }, { "version", VERSION } };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (bytes_eq(name, bytes_of(own[i].name)))
            return own[i].row;
    }
    for (size_t i = 0; i < n_flag_rows; i++) {
        if (bytes_eq(name, bytes_of(flag_rows[i].name)))
            return (int)i;
    }
    return UNKNOWN;
}

static bool is_switch(int row)
{
    return row < 0 ? row != UNKNOWN : flag_rows[row].type == FLAG_BOOL;
}

/* --name, --name=value, --name value, --no-name; *i is the word's place and moves over a value. */
static bool take_long(char **argv, int argc, int *i, given_list *out, err *e)
{
    bytes word = bytes_of(argv[*i] + 2), name, value;
    bool has_value = bytes_cut(word, '=', &name, &value);
    int row = find_row(name);
    bool is_negated = row == UNKNOWN && bytes_has_prefix(name, BYTES("no-"));
    if (is_negated) {
        row = find_row(bytes_sub(name, 3, name.len));
        if (!is_switch(row))
            row = UNKNOWN;
    }
    if (row == UNKNOWN)
        return err_set(e, ERR_BAD_DATA, "unknown long flag '--%.*s'", BYTES_ARG(name));
    if (is_switch(row)) {
        if (has_value)
            return err_set(e, ERR_BAD_DATA, "unexpected %s", value.p);
        vec_push(out, (given_flag){ row, is_negated ? "false" : "true" });
        return true;
    }
    if (!has_value) {
        if (*i + 1 >= argc || (argv[*i + 1][0] == '-' && argv[*i + 1][1]))
            return err_set(e, ERR_BAD_DATA, "expected argument for flag '--%.*s'", BYTES_ARG(name));
        value = bytes_of(argv[++*i]);
    }
    vec_push(out, (given_flag){ row, value.p });
    return true;
}

static bool take_short(const char *word, given_list *out, err *e)
{
    for (const char *s = word + 1; *s; s++) {
        if (*s != 'h')
            return err_set(e, ERR_BAD_DATA, "unknown short flag '-%c'", *s);
        vec_push(out, (given_flag){ HELP, "true" });
    }
    return true;
}

static bool take_words(int argc, char **argv, given_list *out, err *e)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool ok;
        if (strcmp(word, "--") == 0 && i + 1 == argc)
            ok = true;
        else if (strcmp(word, "--") == 0)
            ok = err_set(e, ERR_BAD_DATA, "unexpected %s", argv[i + 1]);
        else if (word[0] == '-' && word[1] == '-')
            ok = take_long(argv, argc, &i, out, e);
        else if (word[0] == '-' && word[1])
            ok = take_short(word, out, e);
        else
            ok = err_set(e, ERR_BAD_DATA, "unexpected %s", word);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- values ---- */

static bool bad_number(const char *function, const char *text, err *e)
{
    return err_set(e, ERR_BAD_DATA, "strconv.%s: parsing \"%s\": invalid syntax", function, text);
}

/* Go's time.ParseDuration, to ns: a sign, then numbers with a unit each. */
static bool parse_go_duration(const char *text, int64_t *ns, err *e)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {
        { "ns", 1 }, { "us", 1e3 }, { "µs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 6e10 }, { "h", 3.6e12 }
    };
    const char *s = text + (*text == '-' || *text == '+');
    double sum = 0;
    *ns = 0;
    if (strcmp(s, "0") == 0)
        return true;
    if (!*s)
        return err_set(e, ERR_BAD_DATA, "time: invalid duration \"%s\"", text);
    while (*s) {
        size_t digits = strspn(s, "0123456789."), letters = strcspn(s + digits, "0123456789.");
        double v, factor = 0;
        if (!num_parse(bytes_n(s, digits), &v, NULL))
            return err_set(e, ERR_BAD_DATA, "time: invalid duration \"%s\"", text);
        if (letters == 0)
            return err_set(e, ERR_BAD_DATA, "time: missing unit in duration \"%s\"", text);
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            if (bytes_eq(bytes_n(s + digits, letters), bytes_of(units[i].unit)))
                factor = units[i].ns;
        }
        if (factor == 0)
            return err_set(e, ERR_BAD_DATA, "time: unknown unit \"%.*s\" in duration \"%s\"", (int)letters, s + digits,
                           text);
        sum += v * factor;
        s += digits + letters;
    }
    if (sum >= 9.2e18)
        return err_set(e, ERR_BAD_DATA, "time: invalid duration \"%s\"", text);
    *ns = (int64_t)(*text == '-' ? -sum : sum);
    return true;
}

static bool parse_enum(const flag_row *r, const char *text, int *out, err *e)
{
    char all[200] = "";
    for (int i = 0; r->names[i]; i++) {
        if (strcmp(r->names[i], text) == 0) {
            *out = i;
            return true;
        }
        if (strlen(all) + strlen(r->names[i]) + 2 < sizeof all)
            strcat(strcat(all, i ? "," : ""), r->names[i]);
    }
    if (r->enum_error)
        return err_set(e, ERR_BAD_DATA, "%s%s", r->enum_error, text);
    return err_set(e, ERR_BAD_DATA, "enum value must be one of %s, got '%s'", all, text);
}

static char *text_of(server_flags *f, bytes text)
{
    return arena_cstr(f->mem, text);
}

/* A number's text as Prometheus' flags print it. */
static char *number_text(server_flags *f, const flag_row *r, double v, int64_t i)
{
    char text[NUM_MAX_TEXT];
    switch (r->type) {
    case FLAG_FLOAT: return text_of(f, bytes_n(text, num_format_g(v, text)));
    case FLAG_DURATION: return text_of(f, duration_format(f->mem, i));
    case FLAG_GO_DURATION: return text_of(f, duration_format_go(f->mem, i));
    case FLAG_SIZE: return text_of(f, conf_size_format(f->mem, i));
    default: return text_of(f, bytes_n(text, num_format_i64(i, text)));
    }
}

static bool parse_number(const flag_row *r, const char *text, double *v, int64_t *i, err *e)
{
    switch (r->type) {
    case FLAG_DURATION: return duration_parse(bytes_of(text), i, e);
    case FLAG_GO_DURATION: return parse_go_duration(text, i, e);
    case FLAG_SIZE: return conf_size_parse(bytes_of(text), i, e);
    default: /* kingpin reads whole numbers as floats, so 5e7 is one */
        if (!num_parse(bytes_of(text), v, NULL) || (r->type == FLAG_INT && !(*v > -9.2e18 && *v < 9.2e18)))
            return bad_number("ParseFloat", text, e);
        *i = r->type == FLAG_INT ? (int64_t)*v : 0;
        return true;
    }
}

static void append_string(server_flags *f, flag_strings *l, const char *s)
{
    char **p = ARENA_ARRAY(f->mem, char *, l->n + 1);
    if (l->n)
        memcpy(p, l->p, l->n * sizeof *p);
    p[l->n++] = text_of(f, bytes_of(s));
    l->p = p;
}

/* One more value of a repeatable flag; those with names take several, separated by commas. */
static bool add_strings(server_flags *f, size_t row, const char *text, bool is_first, err *e)
{
    const flag_row *r = &flag_rows[row];
    flag_strings *l = (flag_strings *)(void *)((char *)f + r->offset);
    bytes rest = bytes_of(text), one;
    int which;
    if (is_first)
        *l = (flag_strings){ 0 };
    if (!r->names)
        append_string(f, l, text);
    for (bool more = r->names != NULL; more;) {
        more = bytes_cut(rest, ',', &one, &rest);
        if (!parse_enum(r, text_of(f, one), &which, e))
            return false;
        append_string(f, l, r->names[which]);
    }
    f->text[row] = is_first ? text_of(f, bytes_of(text)) : arena_printf(f->mem, "%s,%s", f->text[row], text);
    return true;
}

static bool set_value(server_flags *f, size_t row, const char *text, bool is_first, err *e)
{
    const flag_row *r = &flag_rows[row];
    void *place = r->offset == SIZE_MAX ? NULL : (char *)f + r->offset;
    double v = 0;
    int64_t i = 0;
    int which;
    switch (r->type) {
    case FLAG_STRINGS: return add_strings(f, row, text, is_first, e);
    case FLAG_STRING:
        f->text[row] = text_of(f, bytes_of(text));
        if (place)
            *(char **)place = f->text[row];
        return true;
    case FLAG_BOOL:
        f->text[row] = text_of(f, bytes_of(text));
        if (place)
            *(bool *)place = strcmp(text, "true") == 0;
        return true;
    case FLAG_ENUM:
        if (!parse_enum(r, text, &which, e))
            return false;
        f->text[row] = text_of(f, bytes_of(text));
        if (place)
            *(int *)place = which;
        return true;
    case FLAG_FLOAT:
    case FLAG_INT:
    case FLAG_DURATION:
    case FLAG_GO_DURATION:
    case FLAG_SIZE:
        if (!parse_number(r, text, &v, &i, e))
            return false;
        f->text[row] = number_text(f, r, v, i);
        if (place && r->type == FLAG_FLOAT)
            *(double *)place = v;
        else if (place)
            *(int64_t *)place = r->type == FLAG_GO_DURATION ? i / 1000000 : i;
        return true;
    }
    return true;
}

static void set_defaults(server_flags *f)
{
    for (size_t i = 0; i < n_flag_rows; i++) {
        const flag_row *r = &flag_rows[i];
        bool is_text = r->type == FLAG_STRING || r->type == FLAG_STRINGS;
        err e = { 0 };
        f->text[i] = text_of(f, BYTES(""));
        if (r->type == FLAG_STRINGS && !r->deflt)
            continue;
        if (!set_value(f, i,
                       r->deflt               ? r->deflt
                       : is_text              ? ""
                       : r->type == FLAG_BOOL ? "false"
                                              : "0",
                       true, &e)
            && r->type != FLAG_DURATION)
            BUG("flags: default of %s: %s", r->name, e.msg);
    }
}

static bool set_all(server_flags *f, const given_list *l, err *e)
{
    for (size_t i = 0; i < l->len; i++) {
        int row = l->p[i].row;
        if (row < 0)
            continue;
        if (f->set[row] && flag_rows[row].type != FLAG_STRINGS)
            return err_set(e, ERR_BAD_DATA, "flag '%s' cannot be repeated", flag_rows[row].name);
        if (!set_value(f, (size_t)row, l->p[i].value, !f->set[row], e))
            return false;
        f->set[row] = true;
    }
    return true;
}

/* ---- after the values ---- */

/* Flags of the other mode: their names, quoted, between brackets. */
static bool check_scope(const server_flags *f, enum flag_scope wrong, const char *sentence, err *e)
{
    buf names;
    size_t n = 0;
    buf_init(&names, 900);
    for (size_t i = 0; i < n_flag_rows; i++) {
        if (f->set[i] && flag_rows[i].scope == wrong)
            buf_printf(&names, "%s\"--%s\"", n++ ? " " : "", flag_rows[i].name);
    }
    if (n)
        err_set(e, ERR_BAD_DATA, "The following flag(s) %s: [%.*s]", sentence, BYTES_ARG(buf_bytes(&names)));
    buf_release(&names);
    return n == 0;
}

static bool is_default(const server_flags *f, size_t row)
{
    const flag_row *r = &flag_rows[row];
    const char *zero = r->type == FLAG_BOOL ? "false" : r->type == FLAG_SIZE ? "0B" : "";
    return strcmp(f->text[row], r->deflt ? r->deflt : zero) == 0;
}

/* Refuses what is not built in, and says what has no effect. */
static bool check_states(server_flags *f, err *e)
{
    for (size_t i = 0; i < n_flag_rows; i++) {
        const flag_row *r = &flag_rows[i];
        if (!f->set[i] || is_default(f, i))
            continue;
        if (r->state == FLAG_REFUSED)
            return err_set(e, ERR_BAD_DATA, "--%s: %s", r->name, r->note);
        if (r->state == FLAG_NO_OP)
            append_string(f, &f->warnings, arena_printf(f->mem, "--%s has no effect: %s", r->name, r->note));
    }
    return true;
}

static void take_feature(server_flags *f, bytes name)
{
    for (size_t i = 0; i < n_feature_rows; i++) {
        const feature_row *r = &feature_rows[i];
        if (!bytes_eq(name, bytes_of(r->name)))
            continue;
        f->features |= r->bit;
        if (!r->bit)
            append_string(f, &f->warnings, arena_printf(f->mem, "--enable-feature: %s %s", r->name, r->note));
        return;
    }
    append_string(f, &f->warnings, arena_printf(f->mem, "Unknown option for --enable-feature: %.*s", BYTES_ARG(name)));
}

static void take_features(server_flags *f)
{
    for (size_t i = 0; i < f->enable_feature.n; i++) {
        bytes rest = bytes_of(f->enable_feature.p[i]), one;
        for (bool more = true; more;) {
            more = bytes_cut(rest, ',', &one, &rest);
            take_feature(f, one);
        }
    }
}

/* Flags whose text Prometheus completes at start: the prefix always begins with a '/' and does not end with one. */
static void complete_texts(server_flags *f)
{
    bytes prefix = bytes_of(f->web_route_prefix), url = bytes_of(f->web_external_url);
    if (prefix.len == 0) {
        ptrdiff_t host = bytes_find_bytes(url, BYTES("://"));
        url = bytes_sub(url, host < 0 ? url.len : (size_t)host + 3, url.len);
        ptrdiff_t path = bytes_find(url, '/');
        prefix = bytes_sub(url, path < 0 ? url.len : (size_t)path, url.len);
    }
    while (prefix.len && prefix.p[0] == '/')
        prefix = bytes_sub(prefix, 1, prefix.len);
    while (prefix.len && prefix.p[prefix.len - 1] == '/')
        prefix.len--;
    f->text[find_row(BYTES("web.route-prefix"))] = arena_printf(f->mem, "/%.*s", BYTES_ARG(prefix));
}

/* ---- entry ---- */

static enum flags_outcome wrong(buf *out, const char *before, const err *e, int code, int *status)
{
    buf_printf(out, "%s%s\n", before, e->msg);
    *status = code;
    return FLAGS_WRONG;
}

/* --help, --help-long, --version: the first of them. */
static bool answer(const given_list *l, const char *program, const char *version, buf *out)
{
    for (size_t i = 0; i < l->len; i++) {
        if (l->p[i].row >= 0 || strcmp(l->p[i].value, "true") != 0)
            continue;
        if (l->p[i].row == VERSION)
            buf_printf(out, "%s%s", version, version[0] && version[strlen(version) - 1] == '\n' ? "" : "\n");
        else
            flags_write_help(out, program, l->p[i].row == HELP_LONG);
        return true;
    }
    return false;
}

enum flags_outcome flags_parse(server_flags *f, int argc, char **argv, const char *version, buf *out, int *status)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL, *program = slash ? slash + 1 : argc ? argv[0] : "tsdbd";
    given_list given = { 0 };
    err e = { 0 };
    enum flags_outcome outcome = FLAGS_RUN;
    memset(f, 0, sizeof *f);
    f->mem = xmalloc(sizeof *f->mem);
    arena_init(f->mem, 0);
    f->text = ARENA_ARRAY(f->mem, char *, n_flag_rows);
    f->set = arena_zalloc(f->mem, n_flag_rows * sizeof *f->set);
    set_defaults(f);
    if (!take_words(argc, argv, &given, &e)) {
        outcome = wrong(out, "Error parsing command line arguments: ", &e, 1, status);
        buf_printf(out, "%s: error: %s\n", program, e.msg);
    } else if (answer(&given, program, version, out)) {
        outcome = FLAGS_EXIT;
    } else if (!set_all(f, &given, &e)) {
        outcome = wrong(out, "Error parsing command line arguments: ", &e, 2, status);
        flags_write_help(out, program, false);
    } else if (!check_states(f, &e)) {
        outcome = wrong(out, "", &e, 1, status);
    } else if (!check_scope(f, f->agent ? FLAG_SERVER : FLAG_AGENT,
                            f->agent ? "can not be used in agent mode" : "can only be used in agent mode", &e)) {
        outcome = wrong(out, "", &e, 3, status);
    }
    if (outcome == FLAGS_RUN) {
        take_features(f);
        complete_texts(f);
    }
    vec_free(&given);
    return outcome;
}

void flags_release(server_flags *f)
{
    if (!f->mem)
        return;
    arena_release(f->mem);
    free(f->mem);
    memset(f, 0, sizeof *f);
}

bool flags_next(const server_flags *f, size_t *i, const char **name, const char **value)
{
    const flag_row *best = NULL;
    const char *after = *i ? flag_rows[*i - 1].name : "";
    for (size_t k = 0; k < n_flag_rows; k++) { /* 80 rows: the next name is looked for */
        const flag_row *r = &flag_rows[k];
        if (strcmp(r->name, after) > 0 && (!best || strcmp(r->name, best->name) < 0))
            best = r;
    }
    if (!best)
        return false;
    *i = (size_t)(best - flag_rows) + 1;
    *name = best->name;
    *value = f->text[*i - 1];
    return true;
}

bool flags_was_set(const server_flags *f, const char *name)
{
    int row = find_row(bytes_of(name));
    return row >= 0 && f->set[row];
}
