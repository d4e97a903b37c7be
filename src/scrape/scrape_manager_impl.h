/* scrape_manager_impl.h: the manager's inside, for scrape_manager.c and scrape_view.c. */
#ifndef SCRAPE_SCRAPE_MANAGER_IMPL_H
#define SCRAPE_SCRAPE_MANAGER_IMPL_H
#include "discovery/discovery.h"
#include "scrape/scrape_manager.h"
#include "scrape/scrape_pool.h"

struct scrape_manager {
    scrape_shared base; /* what new pools begin with */
    scrape_manager_options opt;
    char *user_agent, *external_scheme, *external_host;
    text_pool texts;
    scrape_retirees retirees;
    scrape_scratch scratch;
    uv_timer_t stored; /* runs while appended batches wait to be told of */
    discovery *discovery;
    http_client *client;
    const prom_config *prom;  /* the one in force; NULL before the first */
    VEC(scrape_pool *) pools; /* sorted by job */
    size_t n_closing;         /* pools, and parts of the manager itself, that still end */
    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};
#endif
