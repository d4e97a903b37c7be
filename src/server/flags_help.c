/* flags_help.c: --help, laid out as kingpin does it: two columns within 80, a long name on a line of its own. */
#include "server/flags.h"

enum { WIDTH = 80, INDENT = 2, GAP = 2, MAX_NAME = 30 };

static bool is_shown(const flag_row *r, bool all)
{
    return all || !r->hidden;
}

/* `      --name=value ...`, the left column. */
static void put_name(buf *out, const flag_row *r)
{
    if (r->type == FLAG_BOOL) {
        buf_printf(out, "    --[no-]%s", r->name);
        return;
    }
    buf_printf(out, "    --%s=", r->name);
    if (r->type == FLAG_STRING && r->deflt) {
        buf_printf(out, "\"%s\"", r->deflt);
    } else if (r->deflt || r->type == FLAG_STRINGS) {
        buf_putz(out, r->deflt ? r->deflt : "");
    } else if (r->placeholder) {
        buf_putz(out, r->placeholder);
    } else {
        for (const char *s = r->name; *s; s++)
            buf_putc(out, *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s);
    }
    if (r->type == FLAG_STRINGS)
        buf_putz(out, " ...");
}

/* Words from *text that fit into `width`, as one line. */
static void put_line(buf *out, const char **text, size_t width)
{
    size_t used = 0;
    while (**text) {
        size_t word = strcspn(*text, " ");
        if (used && used + 1 + word > width)
            break;
        buf_printf(out, "%s%.*s", used ? " " : "", (int)word, *text);
        used += word + (used > 0);
        *text += word;
        *text += strspn(*text, " ");
    }
    buf_putc(out, '\n');
}

static void put_row(buf *out, const char *name, const char *text, size_t left)
{
    size_t width = WIDTH - left - GAP - INDENT;
    buf_printf(out, "%*s%-*s%*s", INDENT, "", (int)left, name, GAP, "");
    if (strlen(name) >= MAX_NAME)
        buf_printf(out, "\n%*s", (int)(INDENT + left + GAP), "");
    put_line(out, &text, width);
    while (*text) {
        buf_printf(out, "%*s", (int)(INDENT + left + GAP), "");
        put_line(out, &text, width);
    }
}

static const char *name_of(buf *scratch, const flag_row *r)
{
    buf_clear(scratch);
    put_name(scratch, r);
    buf_putc(scratch, '\0');
    return scratch->p;
}

static void put_features(buf *out)
{
    size_t at = 0;
    buf_putz(out, "\nFeatures of --enable-feature:\n");
    for (size_t i = 0; i < n_feature_rows; i++) {
        size_t len = strlen(feature_rows[i].name);
        if (!feature_rows[i].bit)
            continue;
        if (at && at + len + 2 > WIDTH) {
            buf_putz(out, "\n");
            at = 0;
        }
        buf_printf(out, "%*s%s", INDENT, "", feature_rows[i].name);
        at += len + INDENT;
    }
    buf_putz(out, "\n");
}

void flags_write_help(buf *out, const char *program, bool all)
{
    buf scratch;
    size_t left = 0;
    buf_init(&scratch, 1024);
    for (size_t i = 0; i < n_flag_rows; i++) {
        size_t len = strlen(name_of(&scratch, &flag_rows[i]));
        if (is_shown(&flag_rows[i], all) && len < MAX_NAME && len > left)
            left = len;
    }
    buf_printf(out, "usage: %s [<flags>]\n\nA Prometheus for the edge: scrapes, stores, queries.\n\n\nFlags:\n",
               program);
    put_row(out, "-h, --[no-]help", "Show this help; --help-long shows hidden flags too.", left);
    put_row(out, "    --[no-]version", "Show the version.", left);
    for (size_t i = 0; i < n_flag_rows; i++) {
        if (is_shown(&flag_rows[i], all))
            put_row(out, name_of(&scratch, &flag_rows[i]), flag_rows[i].help, left);
    }
    put_features(out);
    buf_release(&scratch);
}
