/* app.h: the daemon put together: start, run until told to stop, stop in order. */
#ifndef SERVER_APP_H
#define SERVER_APP_H
#include "server/flags.h"

/* Returns the exit code: 0 after a clean stop, 1 where it could not start or stop cleanly, 2 for a wrong configuration. */
int app_run(const server_flags *flags);
#endif
