/* embedded_config.c: see embedded_config.h. */
#include "server/embedded_config.h"

void embedded_config_write(buf *out, const char *self)
{
    buf_printf(out,
               "# The configuration built into tsdbd: this host, seen by tsdbd itself and by its node_exporter.\n"
               "global:\n"
               "  scrape_interval: 15s\n"
               "  evaluation_interval: 15s\n"
               "scrape_configs:\n"
               "  - job_name: tsdbd\n"
               "    static_configs:\n"
               "      - targets: ['%s']\n"
               "  - job_name: node\n"
               "    static_configs:\n"
               "      - targets: ['127.0.0.1:9100']\n",
               self);
}
