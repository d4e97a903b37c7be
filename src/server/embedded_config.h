/* embedded_config.h: the configuration tsdbd runs with where no file is given (--config.embedded). */
#ifndef SERVER_EMBEDDED_CONFIG_H
#define SERVER_EMBEDDED_CONFIG_H
#include "base/buf.h"

/* Scrapes tsdbd itself at self ("127.0.0.1:9090") and a node_exporter on this host. */
void embedded_config_write(buf *out, const char *self);
#endif
