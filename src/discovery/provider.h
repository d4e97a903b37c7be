/* provider.h: one source of target groups as discovery.c sees it; private to the room.
 *
 * A kind of discovery is a row of `provider_kinds` (discovery.c): how many sections of it a set has, whether a running
 * provider still fits a section, and how to start one. A provider holds its newest groups and calls on_change on the
 * loop whenever they differ from before, and once after its first read, even if that found nothing.               */
#ifndef DISCOVERY_PROVIDER_H
#define DISCOVERY_PROVIDER_H
#include "config/prometheus_config.h"
#include <uv.h>

typedef struct provider provider;
typedef struct provider_kind {
    const char *name;
    size_t (*count)(const sd_configs *sd);
    provider *(*start)(uv_loop_t *loop, const sd_configs *sd, size_t i);   /* copies what it needs */
    bool (*fits)(const provider *p, const sd_configs *sd, size_t i);
    void (*close)(provider *p, void (*on_closed)(void *ctx), void *ctx);   /* memory goes before on_closed */
} provider_kind;

struct provider {
    const provider_kind *kind;
    bool is_read;                  /* the first read is over */
    const target_group **groups;   /* newest; owned by the provider */
    size_t n_groups;
    void (*on_change)(void *ctx);
    void *ctx;
};

extern const provider_kind file_provider_kind;
void file_provider_register_metrics(void);
#endif
