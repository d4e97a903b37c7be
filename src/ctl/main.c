/* main.c: tsdbctl's entry: find the command, run it. */
#include "base/build_info.h"
#include "base/log.h"
#include "ctl/commands.h"
#include "loop/signals.h"
#include <stdarg.h>
#include <stdio.h>

int ctl_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("tsdbctl: error: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return 1;
}

int cmd_completion(ctl_call *c)
{
    const char *shell = c->args.p[0];
    if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0 && strcmp(shell, "fish") != 0)
        return ctl_fail("unknown shell \"%s\": bash, zsh or fish", shell);
    ctl_print_completion(shell);
    return 0;
}

int cmd_help(ctl_call *c)
{
    char words[256] = "";
    for (size_t i = 0; i < c->args.n; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", i ? " " : "", c->args.p[i]);
    const ctl_command *about = ctl_find(words);
    if (c->args.n && !about)
        return ctl_fail("unknown command \"%s\", try --help", words);
    ctl_print_help(about, false);
    return 0;
}

int main(int argc, char **argv)
{
    arena a;
    ctl_call call;
    err e = { 0 };
    int status = 0;
    signals_ignore_pipe();
    log_configure(LOG_WARN, LOG_LOGFMT);
    arena_init(&a, 0);
    if (!ctl_parse(argc, argv, &a, &call, &e))
        status = ctl_fail("%s, try --help", e.msg);
    else if (call.wants_version)
        fputs(build_text("tsdbctl"), stdout);
    else if (call.wants_help)
        ctl_print_help(call.command, call.wants_help_long);
    else
        status = call.command->run(&call);
    arena_release(&a);
    return fflush(stdout) != 0 && status == 0 ? ctl_fail("could not write the output") : status;
}
