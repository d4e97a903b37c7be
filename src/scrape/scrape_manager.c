/* scrape_manager.c: see scrape_manager.h. */
#include "base/log.h"
#include "base/os.h"
#include "scrape/scrape_manager_impl.h"
#include "scrape/scrape_metrics.h"
#include <unistd.h>

enum { MAX_IDLE_PER_HOST = 1000, DEFAULT_TOLERANCE_MS = 2, DEFAULT_DISCOVERY_MS = 5000, COMMIT_DELAY_MS = 100 };

/* ---- pools by job */

static scrape_pool *find_pool(const scrape_manager *m, bytes job)
{
    for (size_t i = 0; i < m->pools.len; i++)
        if (bytes_eq(bytes_of(m->pools.p[i]->job), job))
            return m->pools.p[i];
    return NULL;
}

static const scrape_config *find_job(const prom_config *prom, bytes job)
{
    for (size_t i = 0; i < prom->n_jobs; i++)
        if (bytes_eq(prom->jobs[i]->job_name, job))
            return prom->jobs[i];
    return NULL;
}

static void insert_pool(scrape_manager *m, scrape_pool *p)
{
    vec_push(&m->pools, p);
    for (size_t i = m->pools.len - 1; i > 0 && strcmp(m->pools.p[i - 1]->job, m->pools.p[i]->job) > 0; i--) {
        scrape_pool *x = m->pools.p[i];
        m->pools.p[i] = m->pools.p[i - 1];
        m->pools.p[i - 1] = x;
    }
}

static void part_closed(scrape_manager *m);

static void on_pool_closed(scrape_pool *p, void *ctx)
{
    scrape_pool_free(p);
    part_closed(ctx);
}

/* ---- metadata figures, when somebody looks */

static void collect(void *ctx)
{
    scrape_manager *m = ctx;
    for (size_t i = 0; i < m->pools.len; i++) {
        size_t entries = 0, size = 0;
        const scrape_pool *p = m->pools.p[i];
        for (size_t k = 0; k < p->loops.len; k++) {
            const scrape_meta *meta = scrape_loop_status(p->loops.p[k]).meta;
            entries += meta->n_live;
            size += scrape_meta_bytes(meta);
        }
        scrape_job_set(SCRAPE_JOB_META_ENTRIES, p->job, (double)entries);
        scrape_job_set(SCRAPE_JOB_META_BYTES, p->job, (double)size);
    }
}

/* ---- batches: scrapes that come close together share a commit, which writes less and wakes fewer threads */

static void on_stored(uv_timer_t *timer)
{
    scrape_manager *m = timer->data;
    m->opt.appended(m->opt.ctx);
}

static void note_appended(void *ctx)
{
    scrape_manager *m = ctx;
    if (m->opt.appended && !m->closing && !uv_is_active((uv_handle_t *)&m->stored))
        uv_timer_start(&m->stored, on_stored, COMMIT_DELAY_MS, 0);
}

/* ---- start */

static void on_groups(void *ctx, bytes set, const target_group *groups, size_t n)
{
    scrape_manager *m = ctx;
    const scrape_config *sc = find_job(m->prom, set);
    scrape_pool *p = find_pool(m, set);
    if (!sc || m->closing)
        return;
    if (!p) {
        p = scrape_pool_new(&m->base, m->prom, sc);
        insert_pool(m, p);
    }
    scrape_pool_sync(p, groups, n);
}

static char *dup_or_null(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static void make_base(scrape_manager *m)
{
    m->base = (scrape_shared){
        .loop = m->opt.loop,
        .db = m->opt.db,
        .client = m->client,
        .texts = &m->texts,
        .retirees = &m->retirees,
        .scratch = &m->scratch,
        .user_agent = m->user_agent,
        .appended = note_appended,
        .ctx = m,
        .tolerance_ms = m->opt.tolerance_ms > 0   ? m->opt.tolerance_ms
                        : m->opt.tolerance_ms < 0 ? 0
                                                  : DEFAULT_TOLERANCE_MS,
        .extra_metrics = m->opt.extra_metrics,
    };
    os.random(&m->base.key_seed, sizeof m->base.key_seed);
    m->retirees = (scrape_retirees){ .loop = m->opt.loop, .db = m->opt.db, .appended = note_appended, .ctx = m };
}

scrape_manager *scrape_manager_new(const scrape_manager_options *opt)
{
    scrape_manager *m = xcalloc(1, sizeof *m);
    m->opt = *opt;
    m->user_agent = xstrdup(opt->user_agent);
    m->external_scheme = dup_or_null(opt->external_scheme);
    m->external_host = dup_or_null(opt->external_host);
    text_pool_init(&m->texts);
    uv_timer_init(opt->loop, &m->stored);
    m->stored.data = m;
    scrape_metrics_register();
    discovery_register_metrics();
    m->client = http_client_new(opt->loop, &(http_client_options){ .max_idle_per_host = MAX_IDLE_PER_HOST });
    make_base(m);
    m->discovery =
        discovery_new(opt->loop, &(discovery_options){
                                     .name = "scrape",
                                     .throttle_ms = opt->discovery_interval_ms > 0 ? opt->discovery_interval_ms
                                                                                   : DEFAULT_DISCOVERY_MS,
                                     .on_groups = on_groups,
                                     .ctx = m,
                                 });
    metric_on_collect(collect, m);
    return m;
}

/* ---- apply */

/* Daemons with the same targets scrape them at different times. */
static uint64_t offset_seed(const prom_config *cfg)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    uint64_t labels_hash = cfg->global.external_labels ? cfg->global.external_labels->hash : 0;
    return bytes_hash(bytes_of(host)) ^ labels_hash;
}

static void configure_pools(scrape_manager *m, const prom_config *cfg)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->pools.len; i++) {
        scrape_pool *p = m->pools.p[i];
        const scrape_config *sc = find_job(cfg, bytes_of(p->job));
        if (sc) {
            scrape_pool_configure(p, cfg, sc);
            m->pools.p[kept++] = p;
        } else {
            m->n_closing++;
            scrape_pool_close(p, false, on_pool_closed, m);
        }
    }
    m->pools.len = kept;
}

void scrape_manager_apply(scrape_manager *m, const prom_config *cfg)
{
    const prom_config *old = m->prom;
    m->prom = prom_config_ref(cfg);
    if (!old)
        m->base.offset_seed = offset_seed(cfg); /* kept over reloads: an unchanged target keeps its time */
    configure_pools(m, cfg);
    discovery_apply_scrape(m->discovery, cfg);
    prom_config_unref(old);
}

/* ---- close */

static void part_closed(scrape_manager *m)
{
    m->n_closing--;
    if (!m->closing || m->n_closing > 0)
        return;
    void (*on_closed)(void *ctx) = m->on_closed;
    void *ctx = m->closed_ctx;
    text_pool_release(&m->texts);
    scrape_scratch_release(&m->scratch);
    prom_config_unref(m->prom);
    vec_free(&m->pools);
    free(m->user_agent);
    free(m->external_scheme);
    free(m->external_host);
    free(m);
    on_closed(ctx);
}

static void on_part_closed(void *ctx)
{
    part_closed(ctx);
}

static void on_timer_closed(uv_handle_t *h)
{
    part_closed(h->data);
}

/* The client goes last: loops that stop still have calls with it. It closes on a later turn of the loop, so on_closed
 * never comes from inside scrape_manager_close(). */
void scrape_manager_close(scrape_manager *m, void (*on_closed)(void *ctx), void *ctx)
{
    metric_off_collect(collect, m);
    m->closing = true;
    m->on_closed = on_closed;
    m->closed_ctx = ctx;
    m->n_closing += 4 + m->pools.len;
    discovery_close(m->discovery, on_part_closed, m);
    for (size_t i = 0; i < m->pools.len; i++)
        scrape_pool_close(m->pools.p[i], true, on_pool_closed, m);
    m->pools.len = 0;
    if (m->opt.appended && uv_is_active((uv_handle_t *)&m->stored))
        m->opt.appended(m->opt.ctx);
    uv_close((uv_handle_t *)&m->stored, on_timer_closed);
    scrape_retirees_close(&m->retirees, on_part_closed);
    http_client_close(m->client, on_part_closed, m);
}
