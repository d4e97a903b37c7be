/* help.c: usage and shell completion, written from the command table. */
#include "ctl/args.h"
#include <stdio.h>

static void print_option(const ctl_option *o)
{
    char left[120];
    const char *no = o->type == CTL_SWITCH ? "[no-]" : "";
    int n = snprintf(left, sizeof left, o->letter ? "  -%c, " : "      ", o->letter);
    if (o->type == CTL_SWITCH)
        snprintf(left + n, sizeof left - (size_t)n, "--%s%s", no, o->name);
    else
        snprintf(left + n, sizeof left - (size_t)n, "--%s=%s%s", o->name,
                 o->deflt ? o->deflt : o->placeholder ? o->placeholder : "...", o->type == CTL_LIST ? " ..." : "");
    printf("%-34s %s%s%s%s\n", left, o->help, o->choices ? " (" : "", o->choices ? o->choices : "", o->choices ? ")" : "");
}

static void print_options(const ctl_option *rows)
{
    for (const ctl_option *o = rows; o && o->name; o++)
        print_option(o);
}

static void print_usage_line(const ctl_command *c)
{
    printf("usage: tsdbctl %s [<flags>]%s%s\n\n%s\n\n", c->words, c->args && *c->args ? " " : "", c->args ? c->args : "", c->help);
}

static void print_commands(const char *above, bool everything)
{
    printf("\nCommands:\n");
    for (size_t i = 0; i < ctl_n_commands; i++) {
        const ctl_command *c = &ctl_commands[i];
        if (!c->run || !ctl_is_above(above, c->words))
            continue;
        printf("%s%s%s\n    %s\n", c->words, c->args && *c->args ? " " : "", c->args ? c->args : "", c->help);
        if (everything)
            print_options(c->options);
    }
}

void ctl_print_help(const ctl_command *command, bool everything)
{
    if (command)
        print_usage_line(command);
    else
        printf("usage: tsdbctl [<flags>] <command> [<args> ...]\n\nQueries, checks and tools for tsdbd.\n\n");
    printf("Flags:\n");
    printf("%-34s %s\n%-34s %s\n", "  -h, --[no-]help", "Show help (also --help-long).", "      --[no-]version", "Show the version.");
    print_options(ctl_global_options);
    for (size_t i = 0; command && i < ctl_n_commands; i++)
        if (&ctl_commands[i] == command || ctl_is_above(ctl_commands[i].words, command->words))
            print_options(ctl_commands[i].options);
    if (!command || !command->run)
        print_commands(command ? command->words : "", everything);
    if (command && command->example)
        printf("\nExample:\n  %s\n", command->example);
}

/* ---- completion: a static word list per command path, so that a Tab never starts the program ---- */

static void print_words_below(const char *words)
{
    size_t n = strlen(words);
    for (size_t i = 0; i < ctl_n_commands; i++) {
        const char *w = ctl_commands[i].words;
        if (!ctl_is_above(words, w))
            continue;
        w += n ? n + 1 : 0;
        if (!strchr(w, ' '))
            printf("%s ", w);
    }
}

static void print_flags_of(const ctl_command *c)
{
    for (size_t i = 0; i < ctl_n_commands; i++)
        if (&ctl_commands[i] == c || ctl_is_above(ctl_commands[i].words, c->words))
            for (const ctl_option *o = ctl_commands[i].options; o && o->name; o++)
                printf("--%s ", o->name);
}

static void print_bash(void)
{
    printf("_tsdbctl() {\n    local cur=${COMP_WORDS[COMP_CWORD]} path= w\n"
           "    for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case \"${path:+$path }$w\" in\n");
    for (size_t i = 0; i < ctl_n_commands; i++)
        printf("        '%s') path='%s' ;;\n", ctl_commands[i].words, ctl_commands[i].words);
    printf("        esac\n    done\n    case $path in\n    '') COMPREPLY=($(compgen -W '");
    print_words_below("");
    printf("--help --version' -- \"$cur\")) ;;\n");
    for (size_t i = 0; i < ctl_n_commands; i++) {
        printf("    '%s') COMPREPLY=($(compgen -W '", ctl_commands[i].words);
        print_words_below(ctl_commands[i].words);
        print_flags_of(&ctl_commands[i]);
        printf("--help' -- \"$cur\")) ;;\n");
    }
    printf("    esac\n    [[ $cur == -* || ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\n"
           "complete -o filenames -F _tsdbctl tsdbctl\n");
}

static void print_zsh(void)
{
    printf("#compdef tsdbctl\nautoload -U +X bashcompinit && bashcompinit\n");
    print_bash();
}

static void print_fish(void)
{
    for (size_t i = 0; i < ctl_n_commands; i++) {
        const ctl_command *c = &ctl_commands[i];
        const char *space = strrchr(c->words, ' ');
        int above = space ? (int)(space - c->words) : 0;
        if (above)
            printf("complete -c tsdbctl -f -n '__fish_seen_subcommand_from %.*s' -a %s -d '%s'\n", above, c->words, space + 1, c->help);
        else
            printf("complete -c tsdbctl -f -n __fish_use_subcommand -a %s -d '%s'\n", c->words, c->help);
        for (const ctl_option *o = c->options; o && o->name; o++)
            printf("complete -c tsdbctl -n '__fish_seen_subcommand_from %s' -l %s -d '%s'\n", space ? space + 1 : c->words, o->name, o->help);
    }
}

void ctl_print_completion(const char *shell)
{
    if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else if (strcmp(shell, "fish") == 0)
        print_fish();
    else
        print_bash();
}
