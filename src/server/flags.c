/* flags.c: the reader of the flag table: kingpin's syntax and sentences, help, and the values the API shows. */
#include "server/flags.h"
#include "base/arena.h"
#include "base/duration.h"
#include "base/num.h"
#include <stdio.h>
#include <stdlib.h>

static void *place(server_flags *f, const flag_row *row)
{
    return (char *)f + row->offset;
}

/* ---- values ---- */

/* "512MB", powers of two, units B to EB, as alecthomas/units' Base2Bytes. */
static bool parse_size(const char *text, int64_t *out, err *e)
{
    static const char units[] = "KMGTPE";
    char *end;
    double v = strtod(text, &end);
    const char *unit = *end && strchr(units, *end) ? strchr(units, *end) : NULL;
    int shift = unit ? (int)(unit - units + 1) * 10 : 0;
    end += unit != NULL;
    bool binary = unit && *end == 'i';
    end += binary;
    bool known = end != text && (strcmp(end, "B") == 0 || (!unit && *end == '\0' && v == 0));
    if (!known || !(v >= 0) || v * (double)(INT64_C(1) << shift) > 9e18)
        return err_set(e, ERR_BAD_DATA, "units: unknown unit in %s", text);
    *out = (int64_t)(v * (double)(INT64_C(1) << shift));
    return true;
}

static bool parse_int(const char *text, int64_t *out, err *e)
{
    double v;
    if (num_parse_i64(bytes_of(text), out))
        return true;
    if (!num_parse(bytes_of(text), &v, NULL) || !(v > -9e18 && v < 9e18))   /* kingpin reads 5e7 as an integer too */
        return err_set(e, ERR_BAD_DATA, "strconv.ParseFloat: parsing \"%s\": invalid syntax", text);
    *out = (int64_t)v;
    return true;
}

static bool parse_enum(const flag_row *row, const char *text, int *out, err *e)
{
    for (int i = 0; row->names[i]; i++)
        if (strcmp(row->names[i], text) == 0) {
            *out = i;
            return true;
        }
    return err_set(e, ERR_BAD_DATA, "unrecognized %s %s", strcmp(row->name, "log.level") == 0 ? "log level" : "log format", text);
}

static void add_string(flag_strings *list, const char *text)
{
    list->p = xreallocarray(list->p, list->n + 1, sizeof *list->p);
    list->p[list->n++] = xstrdup(text);
}

static void clear_strings(flag_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->p[i]);
    free(list->p);
    *list = (flag_strings){ 0 };
}

static bool parse_duration_flag(const char *text, int64_t *ms, err *e)
{
    return duration_parse(bytes_of(text), ms, e);
}

/* Stores text where the row says; it is checked also where nobody keeps it. */
static bool store(server_flags *f, const flag_row *row, const char *text, err *e)
{
    int64_t number = 0;
    int choice = 0;
    double real;
    bool keep = row->offset != SIZE_MAX;
    switch (row->type) {
    case FLAG_STRING:
        if (keep) {
            char **at = place(f, row);
            free(*at);
            *at = xstrdup(text);
        }
        return true;
    case FLAG_STRINGS:
        if (keep && *text)
            add_string(place(f, row), text);
        return true;
    case FLAG_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return err_set(e, ERR_BAD_DATA, "strconv.ParseBool: parsing \"%s\": invalid syntax", text);
        if (keep)
            *(bool *)place(f, row) = strcmp(text, "true") == 0;
        return true;
    case FLAG_FLOAT:
        return num_parse(bytes_of(text), &real, NULL) || err_set(e, ERR_BAD_DATA, "strconv.ParseFloat: parsing \"%s\": invalid syntax", text);
    case FLAG_ENUM:
        if (!parse_enum(row, text, &choice, e))
            return false;
        *(int *)place(f, row) = choice;
        return true;
    case FLAG_INT:
        if (!parse_int(text, &number, e))
            return false;
        break;
    case FLAG_SIZE:
        if (!parse_size(text, &number, e))
            return false;
        break;
    case FLAG_DURATION:
    case FLAG_GO_DURATION:
        if (!parse_duration_flag(text, &number, e))
            return false;
        break;
    }
    if (keep)
        *(int64_t *)place(f, row) = number;
    return true;
}

static size_t row_index(const flag_row *row)
{
    return (size_t)(row - flag_rows);
}

/* The text shown for a row: given values joined by commas, else the default. */
static void set_text(server_flags *f, const flag_row *row, const char *text)
{
    size_t i = row_index(row);
    char *old = f->text[i];
    bool joins = row->type == FLAG_STRINGS && f->set[i] && old && *old;
    size_t len = strlen(text) + (joins ? strlen(old) + 1 : 0);
    char *now = xmalloc(len + 1);
    now[0] = '\0';
    if (joins)
        strcat(strcpy(now, old), ",");
    strcat(now, text);
    free(old);
    f->text[i] = now;
}

/* ---- features ---- */

static const struct { const char *name; uint32_t bit; const char *note; } features[] = {
    { "promql-experimental-functions", FEATURE_PROMQL_EXPERIMENTAL_FUNCTIONS, NULL },
    { "promql-delayed-name-removal", FEATURE_PROMQL_DELAYED_NAME_REMOVAL, NULL },
    { "promql-extended-range-selectors", FEATURE_PROMQL_EXTENDED_RANGE_SELECTORS, NULL },
    { "promql-binop-fill-modifiers", FEATURE_PROMQL_BINOP_FILL_MODIFIERS, NULL },
    { "promql-duration-expr", 0, NULL },
    { "promql-at-modifier", 0, NULL },
    { "promql-negative-offset", 0, NULL },
    { "promql-per-step-stats", FEATURE_PROMQL_PER_STEP_STATS, "statistics per step are not built in" },
    { "extra-scrape-metrics", FEATURE_EXTRA_SCRAPE_METRICS, NULL },
    { "concurrent-rule-eval", FEATURE_CONCURRENT_RULE_EVAL, "rules are not evaluated by this version" },
    { "created-timestamp-zero-ingestion", FEATURE_CREATED_TIMESTAMP_ZERO_INGESTION, "created timestamps are not used" },
    { "exemplar-storage", FEATURE_EXEMPLAR_STORAGE, "exemplars are not stored" },
    { "type-and-unit-labels", FEATURE_TYPE_AND_UNIT_LABELS, "type and unit labels are not added" },
    { "auto-reload-config", FEATURE_AUTO_RELOAD_CONFIG, "files are not watched; reload with SIGHUP or POST /-/reload" },
    { "native-histograms", FEATURE_NATIVE_HISTOGRAMS, "native histograms are not stored" },
    { "use-start-timestamps", 0, "start timestamps are not used" },
    { "memory-snapshot-on-shutdown", 0, NULL },
    { "delayed-compaction", 0, NULL },
    { "use-uncached-io", 0, NULL },
    { "fast-startup", 0, NULL },
    { "expand-external-labels", 0, NULL },
    { "new-service-discovery-manager", 0, NULL },
    { "no-default-scrape-port", 0, NULL },
    { "auto-gomaxprocs", 0, NULL },
    { "auto-gomemlimit", 0, NULL },
    { "agent", FEATURE_AGENT, "agent mode is not built in" },
};

static void enable(server_flags *f, bytes name)
{
    char text[300];
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (!bytes_eq(name, bytes_of(features[i].name)))
            continue;
        f->features |= features[i].bit;
        if (features[i].note) {
            snprintf(text, sizeof text, "--enable-feature=%s has no effect: %s", features[i].name, features[i].note);
            add_string(&f->warnings, text);
        }
        return;
    }
    snprintf(text, sizeof text, "Unknown option for --enable-feature: %.*s", (int)(name.len < 200 ? name.len : 200), name.p);
    add_string(&f->warnings, text);
}

static void read_features(server_flags *f)
{
    for (size_t i = 0; i < f->enable_feature.n; i++) {
        bytes rest = bytes_of(f->enable_feature.p[i]), one;
        for (bool more = true; more;) {
            more = bytes_cut(rest, ',', &one, &rest);
            if (one.len)
                enable(f, one);
        }
    }
}

/* ---- words ---- */

static const flag_row *find_row(const char *name, size_t len)
{
    for (size_t i = 0; i < n_flag_rows; i++)
        if (strlen(flag_rows[i].name) == len && memcmp(flag_rows[i].name, name, len) == 0)
            return &flag_rows[i];
    return NULL;
}

static bool give(server_flags *f, const flag_row *row, const char *value, err *e)
{
    size_t i = row_index(row);
    if (f->set[i] && row->type != FLAG_STRINGS)
        return err_set(e, ERR_NOT_ACCEPTABLE, "flag '%s' cannot be repeated", row->name);
    if (!f->set[i] && row->type == FLAG_STRINGS && row->offset != SIZE_MAX)
        clear_strings(place(f, row));   /* the default goes with the first given one */
    if (!store(f, row, value, e))
        return false;
    set_text(f, row, value);
    f->set[i] = true;
    if (row->state == FLAG_REFUSED && strcmp(value, row->deflt ? row->deflt : "") != 0)
        return err_set(e, ERR_BAD_DATA, "--%s: %s", row->name, row->note);
    return true;
}

/* Usage errors are ERR_NOT_ACCEPTABLE, wrong values ERR_BAD_DATA: they end with different exit codes. */
static bool read_word(server_flags *f, char **argv, int argc, int *i, err *e)
{
    const char *word = argv[*i];
    if (strncmp(word, "--", 2) != 0)
        return word[0] == '-' && word[1] ? err_set(e, ERR_NOT_ACCEPTABLE, "unknown short flag '-%c'", word[1])
                                         : err_set(e, ERR_NOT_ACCEPTABLE, "unexpected %s", word);
    const char *name = word + 2, *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    const flag_row *row = find_row(name, len);
    if (!row && !eq && len > 3 && strncmp(name, "no-", 3) == 0) {
        row = find_row(name + 3, len - 3);
        if (row && row->type == FLAG_BOOL)
            return give(f, row, "false", e);
        row = NULL;
    }
    if (!row)
        return err_set(e, ERR_NOT_ACCEPTABLE, "unknown long flag '--%.*s'", (int)(len < 200 ? len : 200), name);
    if (row->type == FLAG_BOOL && !eq)
        return give(f, row, "true", e);
    if (!eq && ++*i >= argc)
        return err_set(e, ERR_NOT_ACCEPTABLE, "expected argument for flag '--%s'", row->name);
    return give(f, row, eq ? eq + 1 : argv[*i], e);
}

static void set_defaults(server_flags *f)
{
    *f = (server_flags){ .text = xcalloc(n_flag_rows, sizeof *f->text), .set = xcalloc(n_flag_rows, sizeof *f->set) };
    err e = { 0 };
    for (size_t i = 0; i < n_flag_rows; i++) {
        const char *deflt = flag_rows[i].deflt ? flag_rows[i].deflt : "";
        if (!store(f, &flag_rows[i], deflt, &e))
            BUG("flags: default of %s: %s", flag_rows[i].name, e.msg);
        set_text(f, &flag_rows[i], deflt);
    }
}

enum flags_outcome flags_parse(server_flags *f, int argc, char **argv, const char *version, buf *out, int *status)
{
    err e = { 0 };
    bool ok = true;
    set_defaults(f);
    for (int i = 1; i < argc && ok; i++) {
        bool long_help = strcmp(argv[i], "--help-long") == 0;
        if (long_help || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            flags_write_help(out, "tsdbd", long_help);
            return FLAGS_EXIT;
        }
        if (strcmp(argv[i], "--version") == 0) {
            buf_putz(out, version);
            return FLAGS_EXIT;
        }
        ok = read_word(f, argv, argc, &i, &e);
    }
    if (ok) {
        read_features(f);
        return FLAGS_RUN;
    }
    buf_printf(out, "Error parsing command line arguments: %s\n", e.msg);
    if (e.kind == ERR_NOT_ACCEPTABLE)
        buf_printf(out, "tsdbd: error: %s, try --help\n", e.msg);
    *status = e.kind == ERR_NOT_ACCEPTABLE ? 1 : 2;
    return FLAGS_WRONG;
}

void flags_release(server_flags *f)
{
    for (size_t i = 0; i < n_flag_rows; i++) {
        const flag_row *row = &flag_rows[i];
        if (row->offset != SIZE_MAX && row->type == FLAG_STRING) {
            free(*(char **)place(f, row));
            *(char **)place(f, row) = NULL;
        }
        if (row->offset != SIZE_MAX && row->type == FLAG_STRINGS)
            clear_strings(place(f, row));
        free(f->text[i]);
    }
    clear_strings(&f->warnings);
    free(f->text);
    free(f->set);
}

/* ---- what is shown ---- */

enum { HELP_LEFT = 33, HELP_WIDTH = 80 };

/* Appends text broken at spaces into the right column; the cursor stands in it already. */
static void put_wrapped(buf *out, const char *text)
{
    size_t column = HELP_LEFT;
    bytes rest = bytes_of(text), word;
    for (bool more = true; more;) {
        more = bytes_cut(rest, ' ', &word, &rest);
        if (column > HELP_LEFT && column + word.len + 1 > HELP_WIDTH) {
            buf_printf(out, "\n%*s", HELP_LEFT, "");
            column = HELP_LEFT;
        }
        if (column > HELP_LEFT) {
            buf_putc(out, ' ');
            column++;
        }
        buf_puts(out, word);
        column += word.len;
    }
    buf_putc(out, '\n');
}

static void put_left(buf *out, const char *left, const char *help)
{
    if (strlen(left) + 2 > HELP_LEFT)
        buf_printf(out, "%s  \n%*s", left, HELP_LEFT, "");
    else
        buf_printf(out, "%-*s", HELP_LEFT, left);
    put_wrapped(out, help);
}

static void put_row(buf *out, const flag_row *row)
{
    char left[200];
    const char *deflt = row->deflt ? row->deflt : "", *list = row->type == FLAG_STRINGS ? " ..." : "";
    if (row->type == FLAG_BOOL)
        snprintf(left, sizeof left, "      --[no-]%s", row->name);
    else if (row->placeholder)
        snprintf(left, sizeof left, "      --%s=%s", row->name, row->placeholder);
    else if (row->type == FLAG_STRING)
        snprintf(left, sizeof left, "      --%s=\"%s\"", row->name, deflt);
    else
        snprintf(left, sizeof left, "      --%s=%s%s", row->name, deflt, list);
    put_left(out, left, row->help);
    if (row->state == FLAG_REFUSED || (row->state == FLAG_NO_OP && strncmp(row->help, "Accepted", 8) != 0))
        buf_printf(out, "%*s(%s: %s)\n", HELP_LEFT, "", row->state == FLAG_REFUSED ? "refused" : "no effect", row->note);
}

void flags_write_help(buf *out, const char *program, bool all)
{
    buf_printf(out, "usage: %s [<flags>]\n\nA time-series store and alert engine for the edge: the drop-in Prometheus.\n\nFlags:\n", program);
    put_left(out, "  -h, --[no-]help", "Show context-sensitive help (also try --help-long).");
    put_left(out, "      --[no-]version", "Show application version.");
    for (size_t i = 0; i < n_flag_rows; i++)
        if (all || !flag_rows[i].hidden)
            put_row(out, &flag_rows[i]);
}

/* Name order without keeping an index: the smallest name behind the last one. */
bool flags_next(const server_flags *f, size_t *i, const char **name, const char **value)
{
    const flag_row *last = *i ? &flag_rows[*i - 1] : NULL, *best = NULL;
    for (size_t k = 0; k < n_flag_rows; k++) {
        const flag_row *row = &flag_rows[k];
        if ((!last || strcmp(row->name, last->name) > 0) && (!best || strcmp(row->name, best->name) < 0))
            best = row;
    }
    if (!best)
        return false;
    *i = row_index(best) + 1;
    *name = best->name;
    *value = f->text[row_index(best)];
    return true;
}

bool flags_was_set(const server_flags *f, const char *name)
{
    const flag_row *row = find_row(name, strlen(name));
    return row && f->set[row_index(row)];
}
