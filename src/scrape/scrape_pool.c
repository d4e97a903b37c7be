/* scrape_pool.c: see scrape_pool.h. */
#include "scrape/scrape_pool.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/os.h"
#include "scrape/scrape_metrics.h"
#include "scrape/scrape_request.h"
#include <stdio.h>

/* ---- configuration */

static void take_config(scrape_pool *p, const prom_config *prom, const scrape_config *sc)
{
    arena a;
    scrape_shared *s = &p->shared;
    const prom_config *old = s->prom;
    arena_init(&a, 0);
    s->prom = prom_config_ref(prom);
    s->config = sc;
    free((void *)(uintptr_t)s->accept.p);
    bytes accept = scrape_accept(sc, &a);
    s->accept = bytes_n(memcpy(xmalloc(accept.len), accept.p, accept.len), accept.len);
    arena_release(&a);
    prom_config_unref(old);
    scrape_job_set(SCRAPE_JOB_TARGET_LIMIT, p->job, (double)sc->target_limit);
}

/* Over its target_limit a job scrapes nothing, and every target says so. */
static void check_target_limit(scrape_pool *p)
{
    char why[128];
    scrape_shared *s = &p->shared;
    uint64_t limit = s->config->target_limit;
    free(s->refusal);
    s->refusal = NULL;
    if (limit == 0 || p->loops.len <= limit)
        return;
    scrape_count(SCRAPE_OVER_TARGETS, 1);
    snprintf(why, sizeof why, "target_limit exceeded (number of targets: %zu, limit: %llu)", p->loops.len,
             (unsigned long long)limit);
    s->refusal = xstrdup(why);
}

/* As many targets as there are now want so many slots of the interval. */
static void spread(scrape_pool *p)
{
    uint32_t slots = target_slots(p->loops.len);
    if (slots == p->shared.slots)
        return;
    p->shared.slots = slots;
    for (size_t i = 0; i < p->loops.len; i++)
        scrape_loop_spread(p->loops.p[i]);
}

scrape_pool *scrape_pool_new(const scrape_shared *base, const prom_config *prom, const scrape_config *sc)
{
    scrape_pool *p = xcalloc(1, sizeof *p);
    p->job = xstrdup(sc->job_name.p);
    p->shared = *base;
    p->shared.slots = target_slots(0);
    scrape_count(SCRAPE_POOLS, 1);
    take_config(p, prom, sc);
    return p;
}

void scrape_pool_configure(scrape_pool *p, const prom_config *prom, const scrape_config *sc)
{
    int64_t start = os.mono_ns();
    bool same = scrape_config_same_series(p->shared.config, sc);
    take_config(p, prom, sc);
    check_target_limit(p);
    if (same)
        return;
    scrape_count(SCRAPE_RELOADS, 1);
    for (size_t i = 0; i < p->loops.len; i++)
        scrape_loop_forget(p->loops.p[i]);
    arena a;
    arena_init(&a, 0);
    scrape_observe_reload(arena_printf(&a, "%.*s", BYTES_ARG(duration_format(&a, sc->scrape_interval_ms))),
                          (double)(os.mono_ns() - start) / 1e9);
    arena_release(&a);
}

static bool same_rule(const relabel_rule *a, const relabel_rule *b)
{
    if (a->action != b->action || a->modulus != b->modulus || a->n_source_labels != b->n_source_labels
        || !bytes_eq(a->separator, b->separator) || !bytes_eq(a->target_label, b->target_label)
        || !bytes_eq(a->replacement, b->replacement) || !bytes_eq(regex_pattern(a->re), regex_pattern(b->re)))
        return false;
    for (size_t i = 0; i < a->n_source_labels; i++)
        if (!bytes_eq(a->source_labels[i], b->source_labels[i]))
            return false;
    return true;
}

bool scrape_config_same_series(const scrape_config *a, const scrape_config *b)
{
    bool same =
        a->honor_labels == b->honor_labels && a->honor_timestamps == b->honor_timestamps
        && a->track_timestamps_staleness == b->track_timestamps_staleness && a->label_limit == b->label_limit
        && a->label_name_length_limit == b->label_name_length_limit
        && a->label_value_length_limit == b->label_value_length_limit && a->name_validation == b->name_validation
        && a->fallback_scrape_protocol == b->fallback_scrape_protocol && a->metric_relabel.n == b->metric_relabel.n;
    for (size_t i = 0; same && i < a->metric_relabel.n; i++)
        same = same_rule(&a->metric_relabel.p[i], &b->metric_relabel.p[i]);
    return same;
}

/* ---- sync */

typedef struct sync {
    scrape_pool *p;
    map before; /* target hash -> loop, for loops not yet found again */
    VEC(scrape_loop *) loops;
    map seen; /* hashes of this sync: a target named twice is scraped once */
    size_t n_failed;
} sync_state;

static bytes hash_key_bytes(const target *t)
{
    return bytes_n(&t->hash, sizeof t->hash);
}

static void forget_dropped(scrape_pool *p)
{
    for (size_t i = 0; i < p->dropped.len; i++)
        target_unref(p->dropped.p[i]);
    p->dropped.len = p->n_dropped = 0;
}

static void add_dropped(scrape_pool *p, target *t)
{
    uint64_t keep = p->shared.config->keep_dropped_targets;
    p->n_dropped++;
    if (keep == 0 || p->dropped.len < keep)
        vec_push(&p->dropped, target_ref(t));
}

static void add_active(sync_state *y, target *t)
{
    bool is_new;
    map_put(&y->seen, hash_key_bytes(t), &is_new);
    if (!is_new)
        return;
    scrape_loop *s = map_get_ptr(&y->before, hash_key_bytes(t));
    if (s) {
        map_remove(&y->before, hash_key_bytes(t));
        scrape_loop_set_target(s, t);
    } else {
        s = scrape_loop_start(&y->p->shared, t);
    }
    vec_push(&y->loops, s);
}

static void add_group(sync_state *y, const target_group *g)
{
    for (size_t i = 0; i < g->n_targets; i++) {
        target *t;
        err e = { 0 };
        if (!target_new(y->p->shared.config, g->labels, g->targets[i], &t, &e)) {
            log_error("Creating target failed", "scrape_pool", y->p->job, "group", log_bytes(g->source), "instance",
                      log_i64((int64_t)i), "err", e.msg);
            y->n_failed++;
            continue;
        }
        if (t->labels)
            add_active(y, t);
        else
            add_dropped(y->p, t);
        target_unref(t);
    }
}

static void on_loop_stopped(void *ctx)
{
    scrape_pool *p = ctx;
    p->n_stopping--;
    if (p->closing && p->n_stopping == 0)
        p->on_closed(p, p->closed_ctx);
}

static void stop_loop(scrape_pool *p, scrape_loop *s, bool now)
{
    p->n_stopping++;
    scrape_loop_stop(s, now, on_loop_stopped, p);
}

static void sync_begin(sync_state *y, scrape_pool *p)
{
    *y = (sync_state){ .p = p };
    map_init(&y->before, MAP_OWN_KEYS);
    map_init(&y->seen, MAP_OWN_KEYS);
    for (size_t i = 0; i < p->loops.len; i++)
        map_put_ptr(&y->before, hash_key_bytes(scrape_loop_status(p->loops.p[i]).target), p->loops.p[i]);
    forget_dropped(p);
}

/* The new loops take the old ones' place; what discovery does not name any more ends. */
static void sync_end(sync_state *y)
{
    scrape_pool *p = y->p;
    size_t i = 0;
    vec_free(&p->loops);
    p->loops.p = y->loops.p;
    p->loops.len = y->loops.len;
    p->loops.cap = y->loops.cap;
    for (map_slot *s; (s = map_next(&y->before, &i));)
        stop_loop(p, (scrape_loop *)(uintptr_t)s->value, false);
    map_release(&y->before);
    map_release(&y->seen);
    spread(p);
    check_target_limit(p);
}

void scrape_pool_sync(scrape_pool *p, const target_group *groups, size_t n)
{
    int64_t start = os.mono_ns();
    sync_state y;
    sync_begin(&y, p);
    for (size_t i = 0; i < n; i++)
        add_group(&y, &groups[i]);
    sync_end(&y);
    scrape_job_add(SCRAPE_JOB_SYNCS, p->job, 1);
    scrape_job_add(SCRAPE_JOB_SYNC_FAILED, p->job, (double)y.n_failed);
    scrape_job_set(SCRAPE_JOB_TARGETS, p->job, (double)p->loops.len);
    scrape_observe_sync(p->job, (double)(os.mono_ns() - start) / 1e9);
}

/* ---- end */

void scrape_pool_close(scrape_pool *p, bool now, void (*on_closed)(scrape_pool *p, void *ctx), void *ctx)
{
    p->closing = true;
    p->on_closed = on_closed;
    p->closed_ctx = ctx;
    p->n_stopping++; /* this call's own, so that on_closed comes once */
    for (size_t i = 0; i < p->loops.len; i++)
        stop_loop(p, p->loops.p[i], now);
    p->loops.len = 0;
    on_loop_stopped(p);
}

void scrape_pool_free(scrape_pool *p)
{
    scrape_job_forget(p->job);
    forget_dropped(p);
    vec_free(&p->dropped);
    vec_free(&p->loops);
    prom_config_unref(p->shared.prom);
    free((void *)(uintptr_t)p->shared.accept.p);
    free(p->shared.refusal);
    free(p->job);
    free(p);
}
