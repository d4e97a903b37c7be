/* args.h: the command line of tsdbctl: words, options and arguments as rows, read as promtool and amtool read theirs.
 *
 * `--opt=v`, `--opt v`, `-o v`, `-ov`, `--no-switch`, options anywhere, `--` ends them; an option that is no list may stand
 * once. Errors are kingpin's sentences.                                                                        */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H
#include "base/arena.h"
#include "base/err.h"

enum ctl_option_type { CTL_SWITCH, CTL_VALUE, CTL_LIST };

typedef struct ctl_option {
    const char *name;
    char letter;                  /* 0: none */
    enum ctl_option_type type;
    const char *deflt;            /* NULL: none */
    const char *placeholder;      /* in help: --name=PLACEHOLDER */
    const char *help;
    const char *choices;          /* "promql|json", or NULL */
    bool is_required;
} ctl_option;

struct ctl_call;
/* Returns the exit code. */
typedef int (*ctl_run)(struct ctl_call *call);

typedef struct ctl_command {
    const char *words;            /* "query instant"; a group of commands has no run */
    const char *args;             /* "<server> <expr>", "[<file>...]", "<file>..." */
    const char *help;
    const char *example;          /* one line, NULL for groups */
    const ctl_option *options;    /* up to a row without a name; NULL: none. A group's are its commands' too */
    ctl_run run;
} ctl_command;

extern const ctl_command ctl_commands[];
extern const size_t ctl_n_commands;
extern const ctl_option ctl_global_options[];

typedef struct ctl_list {
    const char **p;
    size_t n;
} ctl_list;

typedef struct ctl_call {
    const ctl_command *command;
    arena *arena;
    ctl_list args;
    struct ctl_given *given;      /* args.c's own */
    size_t n_given;
    bool wants_help, wants_help_long, wants_version;
} ctl_call;

/* Reads argv. true with wants_help, wants_version: those come before everything. false: *e is the sentence. */
bool ctl_parse(int argc, char **argv, arena *a, ctl_call *out, err *e);
/* The option's text, its default, or NULL. */
const char *ctl_value(const ctl_call *c, const char *name);
bool ctl_switch(const ctl_call *c, const char *name);
ctl_list ctl_values(const ctl_call *c, const char *name);

/* help.c */
void ctl_print_help(const ctl_command *command, bool everything);   /* NULL: the program's */
void ctl_print_completion(const char *shell);
/* The row of exactly these words, or NULL. */
const ctl_command *ctl_find(const char *words);
/* Is `words` the group above command? ("query" of "query instant"; "" of all) */
bool ctl_is_above(const char *words, const char *command);
#endif
