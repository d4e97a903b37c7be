/* discovery.c: sets, their providers, and when their groups are handed on; see discovery.h.
 *
 *   discovery_apply --> match providers --> static groups known ----------------.
 *                         | new one: start                                      v
 *                         `--> provider reads --> on_change --> set is dirty --> deliver --> on_groups
 *                                                                 | too soon: timer -----^
 * Invariants: (1) a set is delivered only once all its providers have read (or failed) once; (2) between two deliveries
 * of a set pass throttle_ms, but those that discovery_apply() causes come at once; (3) static groups come first.  */
#include "discovery/discovery.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/os.h"
#include "base/vec.h"
#include "discovery/provider.h"
#include <assert.h>
#include <stdlib.h>

typedef struct sd_set {
    discovery *owner;
    char *name;
    const target_group *fixed; /* static groups: the configuration's */
    size_t n_fixed;
    VEC(provider *) providers;
    bool is_dirty, is_waiting; /* the timer runs */
    int64_t sent_ns;           /* monotonic; 0: never */
    uv_timer_t timer;
} sd_set;

struct discovery {
    uv_loop_t *loop;
    discovery_options o;
    char *name;
    prom_config *cfg;
    VEC(sd_set *) sets;
    uv_timer_t anchor; /* never started: its closing makes on_closed come from the loop */
    size_t n_closing;  /* handles and providers on their way out */
    bool is_closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* ---- metrics ---- */

static metric_family discovered_targets =
    METRIC(GAUGE, "prometheus_sd_discovered_targets", "Current number of discovered targets.", "name", "config");
static metric_family failed_configs =
    METRIC(GAUGE, "prometheus_sd_failed_configs",
           "Current number of service discovery configurations that failed to load.", "name");
static metric_family received_updates = METRIC(COUNTER, "prometheus_sd_received_updates_total",
                                               "Total number of update events received from the SD providers.", "name");
static metric_family delayed_updates =
    METRIC(COUNTER, "prometheus_sd_updates_delayed_total",
           "Total number of update events that couldn't be sent immediately.", "name");
static metric_family sent_updates =
    METRIC(COUNTER, "prometheus_sd_updates_total", "Total number of update events sent to the SD consumers.", "name");

void discovery_register_metrics(void)
{
    metric_family *const all[] = { &discovered_targets, &failed_configs, &received_updates, &delayed_updates,
                                   &sent_updates };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        metric_register(all[i]);
    file_provider_register_metrics();
}

/* ---- kinds ---- */

static const provider_kind *const kinds[] = { &file_provider_kind };
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* ---- delivery ---- */

static bool all_read(const sd_set *s)
{
    for (size_t i = 0; i < s->providers.len; i++) {
        if (!s->providers.p[i]->is_read)
            return false;
    }
    return true;
}

static void deliver(sd_set *s)
{
    VEC(target_group) groups = { 0 };
    size_t n_targets = 0;
    for (size_t i = 0; i < s->n_fixed; i++) /* (3) */
        vec_push(&groups, s->fixed[i]);
    for (size_t i = 0; i < s->providers.len; i++) {
        for (size_t k = 0; k < s->providers.p[i]->n_groups; k++)
            vec_push(&groups, *s->providers.p[i]->groups[k]);
    }
    for (size_t i = 0; i < groups.len; i++)
        n_targets += groups.p[i].n_targets;
    s->is_dirty = false;
    s->sent_ns = os.mono_ns();
    metric_set(metric_with(&discovered_targets, s->owner->name, s->name), (double)n_targets);
    metric_inc(metric_with(&sent_updates, s->owner->name));
    s->owner->o.on_groups(s->owner->o.ctx, bytes_of(s->name), groups.p, groups.len);
    vec_free(&groups);
}

static void on_timer(uv_timer_t *t)
{
    sd_set *s = t->data;
    s->is_waiting = false;
    if (s->is_dirty && all_read(s))
        deliver(s);
}

static void on_change(void *ctx)
{
    sd_set *s = ctx;
    int64_t since_ms = (os.mono_ns() - s->sent_ns) / 1000000;
    metric_inc(metric_with(&received_updates, s->owner->name));
    s->is_dirty = true;
    if (!all_read(s) || s->is_waiting) /* (1) */
        return;
    if (s->sent_ns == 0 || since_ms >= s->owner->o.throttle_ms) {
        deliver(s);
        return;
    }
    metric_inc(metric_with(&delayed_updates, s->owner->name)); /* (2) */
    s->is_waiting = true;
    uv_timer_start(&s->timer, on_timer, (uint64_t)(s->owner->o.throttle_ms - since_ms), 0);
}

/* ---- ends ---- */

static void maybe_finish(discovery *d)
{
    if (!d->is_closing || d->n_closing)
        return;
    void (*on_closed)(void *ctx) = d->on_closed;
    void *ctx = d->closed_ctx;
    prom_config_unref(d->cfg);
    vec_free(&d->sets);
    free(d->name);
    free(d);
    if (on_closed)
        on_closed(ctx);
}

static void on_part_closed(void *ctx)
{
    discovery *d = ctx;
    d->n_closing--;
    maybe_finish(d);
}

static void on_set_closed(uv_handle_t *h)
{
    sd_set *s = h->data;
    discovery *d = s->owner;
    free(s->name);
    free(s);
    on_part_closed(d);
}

static void close_provider(discovery *d, provider *p)
{
    p->on_change = NULL;
    d->n_closing++;
    p->kind->close(p, on_part_closed, d);
}

static void close_set(sd_set *s)
{
    discovery *d = s->owner;
    for (size_t i = 0; i < s->providers.len; i++)
        close_provider(d, s->providers.p[i]);
    vec_free(&s->providers);
    metric_forget(&discovered_targets, (const char *const[METRIC_MAX_LABELS]){ d->name, s->name });
    d->n_closing++;
    uv_close((uv_handle_t *)&s->timer, on_set_closed);
}

/* ---- taking a configuration into use ---- */

static sd_set *new_set(discovery *d, bytes name)
{
    sd_set *s = xcalloc(1, sizeof *s);
    s->owner = d;
    s->name = xmalloc(name.len + 1);
    memcpy(s->name, name.p, name.len);
    s->name[name.len] = '\0';
    uv_timer_init(d->loop, &s->timer);
    s->timer.data = s;
    return s;
}

/* Takes a provider that fits the section out of the old ones. */
static provider *take_fitting(sd_set *s, const provider_kind *kind, const sd_configs *sd, size_t i)
{
    for (size_t k = 0; k < s->providers.len; k++) {
        provider *p = s->providers.p[k];
        if (p && p->kind == kind && kind->fits(p, sd, i)) {
            s->providers.p[k] = NULL;
            return p;
        }
    }
    return NULL;
}

static void apply_set(sd_set *s, const sd_configs *sd)
{
    sd_set fresh = { 0 };
    s->fixed = sd->static_configs.p;
    s->n_fixed = sd->static_configs.n;
    for (size_t k = 0; k < N_KINDS; k++) {
        for (size_t i = 0; i < kinds[k]->count(sd); i++) {
            provider *p = take_fitting(s, kinds[k], sd, i);
            if (!p)
                p = kinds[k]->start(s->owner->loop, sd, i);
            p->on_change = on_change;
            p->ctx = s;
            vec_push(&fresh.providers, p);
        }
    }
    for (size_t i = 0; i < s->providers.len; i++) {
        if (s->providers.p[i])
            close_provider(s->owner, s->providers.p[i]);
    }
    free(s->providers.p);
    s->providers.p = fresh.providers.p;
    s->providers.len = fresh.providers.len;
    s->providers.cap = fresh.providers.cap;
    s->is_dirty = true;
    s->is_waiting = false;
    uv_timer_stop(&s->timer);
    if (all_read(s)) /* (1) */
        deliver(s);
    else
        s->sent_ns = 0; /* (2): as soon as they have read */
}

static sd_set *take_set(discovery *d, map *old, bytes name)
{
    uint64_t *place = map_get(old, name);
    sd_set *s = place ? (sd_set *)(uintptr_t)*place : NULL;
    if (!s)
        return new_set(d, name);
    map_remove(old, name);
    return s;
}

void discovery_apply(discovery *d, const prom_config *cfg, const discovery_set *sets, size_t n)
{
    map old;
    map_slot *slot;
    prom_config *before = d->cfg;
    assert(!d->is_closing);
    d->cfg = prom_config_ref(cfg);
    map_init(&old, MAP_OWN_KEYS);
    for (size_t i = 0; i < d->sets.len; i++)
        map_put_ptr(&old, bytes_of(d->sets.p[i]->name), d->sets.p[i]);
    d->sets.len = 0;
    for (size_t i = 0; i < n; i++)
        vec_push(&d->sets, take_set(d, &old, sets[i].name));
    for (size_t i = 0; (slot = map_next(&old, &i));)
        close_set((sd_set *)(uintptr_t)slot->value);
    map_release(&old);
    metric_set(metric_with(&failed_configs, d->name), 0);
    for (size_t i = 0; i < n; i++)
        apply_set(d->sets.p[i], sets[i].sd);
    prom_config_unref(before);
}

void discovery_apply_scrape(discovery *d, const prom_config *cfg)
{
    VEC(discovery_set) sets = { 0 };
    for (size_t i = 0; i < cfg->n_jobs; i++)
        vec_push(&sets, (discovery_set){ cfg->jobs[i]->job_name, &cfg->jobs[i]->sd });
    discovery_apply(d, cfg, sets.p, sets.len);
    vec_free(&sets);
}

discovery *discovery_new(uv_loop_t *loop, const discovery_options *o)
{
    discovery *d = xcalloc(1, sizeof *d);
    d->loop = loop;
    d->o = *o;
    d->name = xstrdup(o->name);
    uv_timer_init(loop, &d->anchor);
    d->anchor.data = d;
    return d;
}

static void on_anchor_closed(uv_handle_t *h)
{
    on_part_closed(h->data);
}

void discovery_close(discovery *d, void (*on_closed)(void *ctx), void *ctx)
{
    d->on_closed = on_closed;
    d->closed_ctx = ctx;
    d->is_closing = true;
    d->n_closing++;
    uv_close((uv_handle_t *)&d->anchor, on_anchor_closed);
    for (size_t i = 0; i < d->sets.len; i++)
        close_set(d->sets.p[i]);
    d->sets.len = 0;
}

/* ---- what is not built in ---- */

bool discovery_check_supported(const prom_config *cfg, err *e)
{
    sd_unsupported u;
    buf names;
    size_t n = 0;
    buf_init(&names, LIMIT_CONFIG_FILE);
    for (size_t i = 0; prom_config_next_unsupported(cfg, &i, &u); n++)
        buf_printf(&names, "%s%s of job \"%.*s\" (%.*s:%u)", n ? ", " : "", u.key, BYTES_ARG(u.job), BYTES_ARG(u.file),
                   u.line);
    if (n)
        err_set(e, ERR_BAD_DATA, "not built in; use file_sd_configs, or start with --config.skip-unsupported-sd: %.*s",
                BYTES_ARG(bytes_sub(buf_bytes(&names), 0, 800)));
    buf_release(&names);
    return n == 0;
}
