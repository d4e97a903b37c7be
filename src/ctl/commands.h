/* commands.h: what the rows of the command table run. Each returns the exit code. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H
#include "ctl/args.h"

int cmd_query_instant(ctl_call *c);
int cmd_query_range(ctl_call *c);
int cmd_query_series(ctl_call *c);
int cmd_query_labels(ctl_call *c);
int cmd_check_config(ctl_call *c);
int cmd_check_metrics(ctl_call *c);
int cmd_check_health(ctl_call *c);   /* healthy and ready: the last word is the path */
int cmd_completion(ctl_call *c);
int cmd_help(ctl_call *c);

/* "tsdbctl: error: ..." on stderr; returns 1. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#endif
