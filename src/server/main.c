/* main.c: tsdbd's entry: flags, then the app. */
#include "base/log.h"
#include "server/app.h"
#include "base/build_info.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* A service manager may start us with standard streams closed; a data file must never get such a number, or log lines would
 * land in it. */
static void hold_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

int main(int argc, char **argv)
{
    server_flags flags;
    buf out;
    int status = 0;
    hold_standard_streams();
    buf_init(&out, 1 << 20);
    enum flags_outcome outcome = flags_parse(&flags, argc, argv, build_text("tsdbd"), &out, &status);
    if (outcome != FLAGS_RUN) {
        fwrite(out.p, 1, out.len, outcome == FLAGS_EXIT ? stdout : stderr);
        buf_release(&out);
        flags_release(&flags);
        return outcome == FLAGS_EXIT ? 0 : status;
    }
    buf_release(&out);
    log_configure((enum log_level)flags.log_level, (enum log_format)flags.log_format);
    for (size_t i = 0; i < flags.warnings.n; i++)
        log_warn(flags.warnings.p[i]);
    status = app_run(&flags);
    flags_release(&flags);
    return status;
}
