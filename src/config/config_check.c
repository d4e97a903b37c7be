/* config_check.c: see config_check.h. The order of findings is that of promtool's checkConfig(). */
#include "config/config_check.h"
#include "base/duration.h"
#include "base/file.h"
#include "config/paths.h"
#include "config/sd_file.h"
#include <errno.h>
#include <sys/stat.h>

static bool check_exists(bytes path, const char *what, err *e)
{
    struct stat st;
    if (path.len == 0 || stat(path.p, &st) == 0)
        return true;
    return err_set(e, ERR_BAD_DATA, "error checking %s \"%s\": stat %s: %s", what, path.p, path.p,
                   file_errno_text(errno));
}

/* Whose targets are looked at: what they are given before relabelling, and the relabelling. */
typedef struct owner {
    const char *name; /* as it stands in a warning */
    const relabel_list *relabel;
    label given[5];
    size_t n_given;
} owner;

/* A target that relabelling keeps has an address that is host and port, no URL. */
static bool check_target(const owner *o, const labels *group, const labels *target, arena *a, err *e)
{
    labels_builder b;
    label l;
    labels_builder_init(&b, a, group);
    for (labels_iter it = labels_walk(target); labels_next(&it, &l);)
        labels_builder_set(&b, l.name, l.value);
    for (size_t i = 0; i < o->n_given; i++) {
        if (labels_builder_get(&b, o->given[i].name).len == 0)
            labels_builder_set(&b, o->given[i].name, o->given[i].value);
    }
    if (!relabel_apply(o->relabel->p, o->relabel->n, &b))
        return true;
    bytes address = labels_builder_get(&b, BYTES("__address__"));
    if (address.len == 0)
        return err_set(e, ERR_BAD_DATA, "no address");
    if (bytes_find(address, '/') >= 0)
        return err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid hostname", BYTES_ARG(bytes_sub(address, 0, 200)));
    return true;
}

static bool check_groups(const owner *o, const target_group *groups, size_t n, err *e)
{
    bool ok = true;
    arena a;
    arena_init(&a, 0);
    for (size_t i = 0; ok && i < n; i++) {
        for (size_t k = 0; ok && k < groups[i].n_targets; k++) {
            ok = check_target(o, groups[i].labels, groups[i].targets[k], &a, e);
            arena_reset(&a);
        }
    }
    arena_release(&a);
    return ok;
}

static bool check_sd_file(const owner *o, bytes path, err *e)
{
    arena a;
    target_group *groups;
    size_t n;
    arena_init(&a, 0);
    bool ok = sd_file_read(path.p, &a, &groups, &n, NULL, e) || err_wrap(e, "checking SD file \"%s\"", path.p);
    ok = ok && check_groups(o, groups, n, e);
    arena_release(&a);
    return ok;
}

static bool check_file_sd(const owner *o, const file_sd_config *f, arena *a, buf *warnings, err *e)
{
    for (size_t i = 0; i < f->files.n; i++) {
        bytes *found;
        size_t n;
        if (!path_glob(a, f->files.p[i], &found, &n, e))
            return false;
        for (size_t k = 0; k < n; k++) {
            if (!check_sd_file(o, found[k], e))
                return false;
        }
        if (n == 0)
            buf_printf(warnings, "  WARNING: file \"%s\" for file_sd in %s does not exist\n", f->files.p[i].p, o->name);
    }
    return true;
}

/* warnings NULL: nothing is read. */
static bool check_sd(const owner *o, const sd_configs *sd, arena *a, buf *warnings, err *e)
{
    for (size_t i = 0; warnings && i < sd->file_sd.n; i++) {
        if (!check_file_sd(o, &sd->file_sd.p[i], a, warnings, e))
            return false;
    }
    return check_groups(o, sd->static_configs.p, sd->static_configs.n, e);
}

static bool check_client(const http_client_config *h, err *e)
{
    if (h->authorization
        && !check_exists(h->authorization->credentials_file, "authorization credentials or bearer token file", e))
        return false;
    return check_exists(h->tls.cert_file, "client cert file", e) && check_exists(h->tls.key_file, "client key file", e);
}

static owner owner_of_job(const scrape_config *s, arena *a)
{
    owner o = { .relabel = &s->relabel, .n_given = 5 };
    o.name = arena_printf(a, "scrape job \"%.*s\"", BYTES_ARG(s->job_name));
    o.given[0] = (label){ BYTES("job"), s->job_name };
    o.given[1] = (label){ BYTES("__scheme__"), s->scheme };
    o.given[2] = (label){ BYTES("__metrics_path__"), s->metrics_path };
    o.given[3] = (label){ BYTES("__scrape_interval__"), duration_format(a, s->scrape_interval_ms) };
    o.given[4] = (label){ BYTES("__scrape_timeout__"), duration_format(a, s->scrape_timeout_ms) };
    return o;
}

static bool check_all(const prom_config *c, buf *warnings, err *e)
{
    arena a;
    bool ok = true;
    arena_init(&a, 0);
    for (size_t i = 0; ok && i < c->n_jobs; i++) {
        owner o = owner_of_job(c->jobs[i], &a);
        ok = (!warnings || check_client(&c->jobs[i]->http, e)) && check_sd(&o, &c->jobs[i]->sd, &a, warnings, e);
    }
    for (size_t i = 0; ok && i < c->alerting.alertmanagers.n; i++) {
        const alertmanager_config *am = &c->alerting.alertmanagers.p[i];
        owner o = { .name = "alertmanager config", .relabel = &am->relabel, .n_given = 1 };
        o.given[0] = (label){ BYTES("__scheme__"), am->scheme };
        ok = check_sd(&o, &am->sd, &a, warnings, e);
    }
    arena_release(&a);
    return ok;
}

bool prom_config_check_files(const prom_config *c, buf *warnings, err *e)
{
    return check_all(c, warnings, e);
}

bool prom_config_check_targets(const prom_config *c, err *e)
{
    return check_all(c, NULL, e);
}
