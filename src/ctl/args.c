/* args.c: see args.h. One pass: words select the command while they can, everything else is an option or an argument. */
#include "ctl/args.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct ctl_given {
    const ctl_option *option;
    const char *value;            /* of a switch: "true" or "false" */
} ctl_given;

static const ctl_option *in_rows(const ctl_option *rows, const char *name, size_t len, char letter)
{
    for (const ctl_option *o = rows; o && o->name; o++)
        if (letter ? o->letter == letter : strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

bool ctl_is_above(const char *words, const char *command)
{
    size_t n = strlen(words);
    return n == 0 || (strncmp(words, command, n) == 0 && command[n] == ' ');
}

const ctl_command *ctl_find(const char *words)
{
    for (size_t i = 0; i < ctl_n_commands; i++)
        if (strcmp(ctl_commands[i].words, words) == 0)
            return &ctl_commands[i];
    return NULL;
}

/* The option by long name (letter 0) or letter: the command's own, its groups', the program's. */
static const ctl_option *find_option(const ctl_command *cmd, const char *name, size_t len, char letter)
{
    const ctl_option *o = in_rows(ctl_global_options, name, len, letter);
    for (size_t i = 0; cmd && !o && i < ctl_n_commands; i++) {
        const ctl_command *c = &ctl_commands[i];
        if (c == cmd || ctl_is_above(c->words, cmd->words))
            o = in_rows(c->options, name, len, letter);
    }
    return o;
}

static bool give(ctl_call *c, const ctl_option *o, const char *value, err *e)
{
    for (size_t i = 0; i < c->n_given; i++)
        if (c->given[i].option == o && o->type != CTL_LIST)
            return err_set(e, ERR_BAD_DATA, "flag '%s' cannot be repeated", o->name);
    if (o->choices) {
        size_t len = strlen(value);
        const char *at = strstr(o->choices, value);
        bool fits = len && at && (at == o->choices || at[-1] == '|') && (at[len] == '|' || at[len] == '\0');
        if (!fits)
            return err_set(e, ERR_BAD_DATA, "enum value must be one of %s, got '%s'", o->choices, value);
    }
    c->given[c->n_given++] = (ctl_given){ o, value };
    return true;
}

/* A `--name[=value]`; *next is the following word, consumed (true in *took) where it is the value. */
static bool long_option(ctl_call *c, const char *word, const char *next, bool *took, err *e)
{
    const char *name = word + 2, *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    const ctl_option *o = find_option(c->command, name, len, 0);
    if (!o && len > 3 && strncmp(name, "no-", 3) == 0) {
        o = find_option(c->command, name + 3, len - 3, 0);
        if (o && o->type == CTL_SWITCH && !eq)
            return give(c, o, "false", e);
        o = NULL;
    }
    if (!o)
        return err_set(e, ERR_BAD_DATA, "unknown long flag '--%.*s'", (int)len, name);
    if (o->type == CTL_SWITCH && !eq)
        return give(c, o, "true", e);
    if (!eq && !next)
        return err_set(e, ERR_BAD_DATA, "expected argument for flag '--%s'", o->name);
    *took = !eq;
    return give(c, o, eq ? eq + 1 : next, e);
}

static bool short_option(ctl_call *c, const char *word, const char *next, bool *took, err *e)
{
    for (const char *at = word + 1; *at; at++) {
        const ctl_option *o = find_option(c->command, NULL, 0, *at);
        if (!o)
            return err_set(e, ERR_BAD_DATA, "unknown short flag '-%c'", *at);
        if (o->type == CTL_SWITCH) {
            if (!give(c, o, "true", e))
                return false;
            continue;
        }
        if (!at[1] && !next)
            return err_set(e, ERR_BAD_DATA, "expected argument for flag '-%c'", *at);
        *took = !at[1];
        return give(c, o, at[1] ? at + 1 : next, e);
    }
    return true;
}

static bool is_above_any(const char *words)
{
    for (size_t i = 0; i < ctl_n_commands; i++)
        if (ctl_is_above(words, ctl_commands[i].words))
            return true;
    return false;
}

/* A plain word: goes on selecting the command, or is an argument of it. */
static bool plain_word(ctl_call *c, const char *word, err *e)
{
    const char *words = c->command ? c->command->words : "";
    if (!c->command || is_above_any(words)) {
        const char *longer = *words ? arena_printf(c->arena, "%s %s", words, word) : word;
        const ctl_command *next = ctl_find(longer);
        if (next) {
            c->command = next;
            return true;
        }
        if (!c->command || !c->command->run)
            return err_set(e, ERR_BAD_DATA, "expected command but got \"%s\"", word);
    }
    c->args.p[c->args.n++] = word;
    return true;
}

/* How many arguments "<a> <b>...", "[<a>...]" takes. */
static void arg_counts(const char *spec, size_t *least, size_t *most)
{
    *least = *most = 0;
    for (const char *at = spec; at && (at = strchr(at, '<')); at++) {
        const char *end = strchr(at, '>');
        bool optional = at > spec && at[-1] == '[';
        *least += !optional;
        (*most)++;
        if (end && strncmp(end + 1, "...", 3) == 0)
            *most = SIZE_MAX;
    }
}

static bool check_args(const ctl_call *c, err *e)
{
    size_t least, most;
    arg_counts(c->command->args, &least, &most);
    if (c->args.n > most)
        return err_set(e, ERR_BAD_DATA, "unexpected %s", c->args.p[most]);
    if (c->args.n < least) {
        const char *at = c->command->args;
        for (size_t i = 0; i <= c->args.n; i++)
            at = strchr(at, '<') + 1;
        return err_set(e, ERR_BAD_DATA, "required argument '%.*s' not provided", (int)strcspn(at, ">"), at);
    }
    for (size_t i = 0; i < ctl_n_commands; i++) {
        const ctl_command *g = &ctl_commands[i];
        if (g != c->command && !ctl_is_above(g->words, c->command->words))
            continue;
        for (const ctl_option *o = g->options; o && o->name; o++)
            if (o->is_required && !ctl_values(c, o->name).n)
                return err_set(e, ERR_BAD_DATA, "required flag --%s not provided", o->name);
    }
    return true;
}

static bool read_words(int argc, char **argv, ctl_call *c, err *e)
{
    bool options_over = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool took = false, ok;
        if (options_over || word[0] != '-' || word[1] == '\0')
            ok = plain_word(c, word, e);
        else if (strcmp(word, "--") == 0)
            ok = options_over = true;
        else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            ok = c->wants_help = true;
        else if (strcmp(word, "--help-long") == 0)
            ok = c->wants_help = c->wants_help_long = true;
        else if (strcmp(word, "--version") == 0)
            ok = c->wants_version = true;
        else if (word[1] == '-')
            ok = long_option(c, word, next, &took, e);
        else
            ok = short_option(c, word, next, &took, e);
        if (c->wants_help || c->wants_version)
            return true;
        if (!ok)
            return false;
        i += took;
    }
    return true;
}

bool ctl_parse(int argc, char **argv, arena *a, ctl_call *out, err *e)
{
    size_t words = argc > 0 ? (size_t)argc : 1, letters = words;
    for (int i = 1; i < argc; i++)   /* a word of short switches gives as many options as it has letters */
        letters += argv[i][0] == '-' ? strlen(argv[i]) : 0;
    *out = (ctl_call){ .arena = a, .given = ARENA_ARRAY(a, ctl_given, letters) };
    out->args.p = ARENA_ARRAY(a, const char *, words);
    if (argc <= 1) {
        out->wants_help = true;
        return true;
    }
    if (!read_words(argc, argv, out, e))
        return false;
    if (out->wants_help || out->wants_version)
        return true;
    if (!out->command)
        return err_set(e, ERR_BAD_DATA, "must select a command");
    if (!out->command->run)
        return err_set(e, ERR_BAD_DATA, "must select a subcommand of '%s'", out->command->words);
    return check_args(out, e);
}

const char *ctl_value(const ctl_call *c, const char *name)
{
    for (size_t i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].option->name, name) == 0)
            return c->given[i].value;
    const ctl_option *o = find_option(c->command, name, strlen(name), 0);
    return o ? o->deflt : NULL;
}

bool ctl_switch(const ctl_call *c, const char *name)
{
    const char *v = ctl_value(c, name);
    return v && strcmp(v, "true") == 0;
}

ctl_list ctl_values(const ctl_call *c, const char *name)
{
    ctl_list out = { .p = ARENA_ARRAY(c->arena, const char *, c->n_given + 1) };
    for (size_t i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].option->name, name) == 0)
            out.p[out.n++] = c->given[i].value;
    return out;
}
