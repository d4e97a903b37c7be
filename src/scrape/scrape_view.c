/* scrape_view.c: what the API shows of scraping: copies of names, labels and figures. See scrape_manager.h. */
#include "loop/url.h"
#include "scrape/scrape_manager_impl.h"
#include <stdio.h>

const char *const scrape_health_names[] = { [HEALTH_UNKNOWN] = "unknown", [HEALTH_UP] = "up", [HEALTH_DOWN] = "down" };

static const labels *copy_labels(const labels *l, arena *a)
{
    return labels_from_packed(a, bytes_n(l->data, l->len));
}

static bytes copy_text(const char *s, arena *a)
{
    return bytes_of(arena_cstr(a, bytes_of(s)));
}

/* A URL that others can follow: loopback is replaced by the name this daemon is reached by; and by all of its address
 * where the target is the daemon itself. (getGlobalURL in web/api/v1/api.go) */
static bytes global_url(const scrape_manager *m, const char *text, arena *a)
{
    url u;
    err e = { 0 };
    bytes given = copy_text(text, a);
    if (!m->external_host || !url_parse(given, a, &u, &e) || u.port_text.len == 0)
        return given;
    bool loopback =
        bytes_eq(u.host, BYTES("127.0.0.1")) || bytes_eq(u.host, BYTES("localhost")) || bytes_eq(u.host, BYTES("::1"));
    if (!loopback)
        return given;
    bytes host = bytes_of(m->external_host), name = host;
    bool self = u.port == m->opt.listen_port;
    ptrdiff_t colon = -1;
    for (size_t i = 0; i < host.len; i++)
        if (host.p[i] == ':')
            colon = (ptrdiff_t)i;
    if (colon >= 0)
        name = bytes_sub(host, 0, (size_t)colon);
    bytes scheme = self && m->external_scheme ? bytes_of(m->external_scheme) : u.scheme;
    bytes where = self ? host : arena_bytesf(a, "%.*s:%.*s", BYTES_ARG(name), BYTES_ARG(u.port_text));
    const char *q = u.has_query ? "?" : "";
    return arena_bytesf(a, "%.*s://%.*s%.*s%s%.*s", BYTES_ARG(scheme), BYTES_ARG(where), BYTES_ARG(u.path), q,
                        BYTES_ARG(u.query));
}

static scrape_target_view view_active(const scrape_manager *m, const scrape_pool *p, const scrape_loop *s, arena *a)
{
    scrape_status st = scrape_loop_status(s);
    return (scrape_target_view){
        .pool = copy_text(p->job, a),
        .discovered = copy_labels(st.target->discovered, a),
        .labels = copy_labels(st.target->labels, a),
        .url = copy_text(st.target->url, a),
        .global_url = global_url(m, st.target->url, a),
        .last_error = copy_text(st.last_error, a),
        .last_scrape_ms = st.last_scrape_ms,
        .last_duration_sec = st.last_duration_sec,
        .health = st.health,
        .interval_ms = st.target->interval_ms,
        .timeout_ms = st.target->timeout_ms,
        .target = s,
    };
}

static bool wanted(const scrape_pool *p, bytes pool)
{
    return !pool.p || bytes_eq(bytes_of(p->job), pool);
}

void scrape_manager_pools(scrape_manager *m, arena *a, scrape_pool_view **out, size_t *n)
{
    *out = ARENA_ARRAY(a, scrape_pool_view, m->pools.len + 1);
    *n = m->pools.len;
    for (size_t i = 0; i < m->pools.len; i++) {
        const scrape_pool *p = m->pools.p[i];
        (*out)[i] =
            (scrape_pool_view){ .name = copy_text(p->job, a), .n_active = p->loops.len, .n_dropped = p->n_dropped };
    }
}

void scrape_manager_active(scrape_manager *m, bytes pool, arena *a, scrape_target_view **out, size_t *n)
{
    size_t cap = 0;
    *n = 0;
    for (size_t i = 0; i < m->pools.len; i++)
        cap += wanted(m->pools.p[i], pool) ? m->pools.p[i]->loops.len : 0;
    *out = ARENA_ARRAY(a, scrape_target_view, cap + 1);
    for (size_t i = 0; i < m->pools.len; i++)
        for (size_t k = 0; wanted(m->pools.p[i], pool) && k < m->pools.p[i]->loops.len; k++)
            (*out)[(*n)++] = view_active(m, m->pools.p[i], m->pools.p[i]->loops.p[k], a);
}

void scrape_manager_dropped(scrape_manager *m, bytes pool, arena *a, scrape_target_view **out, size_t *n)
{
    size_t cap = 0;
    *n = 0;
    for (size_t i = 0; i < m->pools.len; i++)
        cap += wanted(m->pools.p[i], pool) ? m->pools.p[i]->dropped.len : 0;
    *out = ARENA_ARRAY(a, scrape_target_view, cap + 1);
    for (size_t i = 0; i < m->pools.len; i++) {
        const scrape_pool *p = m->pools.p[i];
        for (size_t k = 0; wanted(p, pool) && k < p->dropped.len; k++)
            (*out)[(*n)++] = (scrape_target_view){
                .pool = copy_text(p->job, a),
                .discovered = copy_labels(p->dropped.p[k]->discovered, a),
            };
    }
}

static bool in_family(const family *f, bytes metric)
{
    return f->kind != FAMILY_FREE && (!metric.p || bytes_eq(text_bytes(f->name), metric));
}

static const scrape_meta *meta_of(const scrape_target_view *t)
{
    return t->target ? scrape_loop_status(t->target).meta : NULL;
}

void scrape_manager_metadata(scrape_manager *m, const scrape_target_view *targets, size_t n_targets, bytes metric,
                             arena *a, scrape_metadata_view **out, size_t *n)
{
    size_t cap = 0;
    *n = 0;
    for (size_t i = 0; i < n_targets; i++)
        cap += meta_of(&targets[i]) ? meta_of(&targets[i])->n_live : 0;
    *out = ARENA_ARRAY(a, scrape_metadata_view, cap + 1);
    for (size_t i = 0; i < n_targets; i++) {
        const scrape_meta *meta = meta_of(&targets[i]);
        for (uint32_t k = 0; meta && k < meta->n; k++) {
            const family *f = &meta->families[k];
            if (!in_family(f, metric))
                continue;
            (*out)[(*n)++] = (scrape_metadata_view){
                .target = &targets[i],
                .metric = arena_dup(a, text_bytes(f->name)),
                .help = arena_dup(a, text_bytes(f->help)),
                .unit = arena_dup(a, text_bytes(f->unit)),
                .kind = (enum metric_kind)f->kind,
            };
        }
    }
}
