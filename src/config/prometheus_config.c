/* prometheus_config.c: the top of prometheus.yml, what its sections share, and the life of a loaded configuration.
 *
 * Loading: text -> YAML tree -> structs (schema.c) -> finish_config(): inheritance and rules across sections, as
 * Config.UnmarshalYAML() -> paths made relative to the file -> scrape_config_files, as GetScrapeConfigs().
 * A `loaded` holds the public struct, its arena, its regexes (in the context) and the count of its references. */
#include "base/file.h"
#include "base/limits.h"
#include "base/vec.h"
#include "config/config_priv.h"
#include "config/paths.h"
#include <stdatomic.h>
#include <stdlib.h>

typedef struct loaded {
    prom_config config; /* first: what callers see */
    atomic_uint refs;
    arena a;
    conf_ctx ctx;
    prom_config_options opts;
    bytes path;
    map jobs; /* while loading: job name -> file, in which it stands */
} loaded;

/* ---- alerting ---- */

static bool check_api_version(conf_ctx *c, const void *value, err *e)
{
    bytes v = *(const bytes *)value;
    return bytes_eq(v, BYTES("v2"))
           || err_set(e, ERR_BAD_DATA, "expected Alertmanager api version to be one of [v2] but got %.*s",
                      BYTES_ARG(bytes_sub(v, 0, 100)));
}

static const conf_field alertmanager_fields[] = {
    INLINE(alertmanager_config, http, http_client_schema),
    ROW(alertmanager_config, "sigv4", CONF_RAW, sigv4, OMIT),
    ROW(alertmanager_config, "scheme", CONF_STRING, scheme, .deflt = "http", OMIT),
    ROW(alertmanager_config, "path_prefix", CONF_STRING, path_prefix, OMIT),
    ROW(alertmanager_config, "timeout", CONF_DURATION, timeout_ms, .deflt = "10s", OMIT),
    ROW(alertmanager_config, "api_version", CONF_STRING, api_version, .deflt = "v2", .check = check_api_version,
        .flags = CONF_KEEP_NULL),
    RELABEL_LIST(alertmanager_config, "relabel_configs", relabel, "empty or null Alertmanager target relabeling rule"),
    RELABEL_LIST(alertmanager_config, "alert_relabel_configs", alert_relabel,
                 "empty or null Alertmanager alert relabeling rule"),
    INLINE(alertmanager_config, sd, sd_schema),
    END_ROW,
};

static bool finish_alertmanager(conf_ctx *c, void *obj, err *e)
{
    alertmanager_config *am = obj;
    if (!http_client_finish(c, &am->http, e))
        return false;
    if ((am->http.basic_auth || am->http.authorization || am->http.oauth2) && am->sigv4)
        return err_set(e, ERR_BAD_DATA, "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured");
    return sd_finish(c, &am->sd, am->relabel.n > 0, e);
}
static const conf_schema alertmanager_schema = { "config.AlertmanagerConfig", sizeof(alertmanager_config),
                                                 alertmanager_fields, finish_alertmanager };

static const conf_field alerting_fields[] = {
    RELABEL_LIST(alerting_config, "alert_relabel_configs", alert_relabel, "empty or null alert relabeling rule"),
    LIST(alerting_config, "alertmanagers", alertmanagers, .of = &alertmanager_schema, OMIT,
         .go_type = "config.AlertmanagerConfigs", .null_error = "empty or null alertmanager config section"),
    END_ROW,
};
static const conf_schema alerting_schema = { "config.plain", sizeof(alerting_config), alerting_fields, NULL };

/* ---- the top ---- */

typedef struct runtime_config runtime_config;
static const conf_field runtime_fields[] = {
    ROW(runtime_config, "gogc", CONF_INT, gogc, .deflt = "75", OMIT),
    END_ROW,
};
static const conf_schema runtime_schema = { "config.RuntimeConfig", sizeof(runtime_config), runtime_fields, NULL };

static const conf_field config_fields[] = {
    STRUCT(prom_config, "global", global, global_schema),
    STRUCT(prom_config, "runtime", runtime, runtime_schema, .flags = CONF_OMIT_EMPTY | CONF_KEEP_NULL),
    STRUCT(prom_config, "alerting", alerting, alerting_schema, OMIT),
    LIST(prom_config, "rule_files", rule_files, .item = CONF_PATH, OMIT),
    LIST(prom_config, "scrape_config_files", scrape_config_files, .item = CONF_PATH, OMIT),
    LIST(prom_config, "scrape_configs", scrape_configs, .of = &scrape_schema, OMIT, .go_type = "[]*config.ScrapeConfig",
         .null_error = "empty or null scrape config section"),
    STRUCT(prom_config, "storage", storage, storage_schema, OMIT),
    STRUCT(prom_config, "tracing", tracing, tracing_schema, OMIT),
    LIST(prom_config, "remote_write", remote_write, .of = &remote_write_schema, OMIT,
         .go_type = "[]*config.RemoteWriteConfig", .null_error = "empty or null remote write config section"),
    LIST(prom_config, "remote_read", remote_read, .of = &remote_read_schema, OMIT,
         .go_type = "[]*config.RemoteReadConfig", .null_error = "empty or null remote read config section"),
    STRUCT(prom_config, "otlp", otlp, otlp_schema, OMIT),
    END_ROW,
};

/* ^[^*]*(\*[^/]*)?$ */
static bool check_globs(const bytes_list *l, const char *what, err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        ptrdiff_t star = bytes_find(l->p[i], '*');
        if (star >= 0 && bytes_find(bytes_sub(l->p[i], (size_t)star, l->p[i].len), '/') >= 0)
            return err_set(e, ERR_BAD_DATA, "invalid %s file path \"%.*s\"", what,
                           BYTES_ARG(bytes_sub(l->p[i], 0, 200)));
    }
    return true;
}

/* Names the element of a section that c->at then stands for. */
static void point_at(conf_ctx *c, const yaml_node *root, const char *section, size_t i)
{
    const yaml_node *list = yaml_get(root, section);
    if (list && list->kind == YAML_NODE_LIST && i < list->n)
        c->at = list->items[i];
}

/* Is the job's name new? *first: the file that has it already. */
static bool add_job(loaded *l, const scrape_config *s, bytes file, const char **first)
{
    bool is_new;
    uint64_t *place = map_put(&l->jobs, s->job_name, &is_new);
    if (is_new)
        *place = (uint64_t)(uintptr_t)file.p;
    else
        *first = (const char *)(uintptr_t)*place;
    return is_new;
}

static bool finish_jobs(conf_ctx *c, prom_config *cfg, err *e)
{
    loaded *l = c->user;
    const char *first;
    for (size_t i = 0; i < cfg->scrape_configs.n; i++) {
        scrape_config *s = &cfg->scrape_configs.p[i];
        if (!scrape_validate(c, &cfg->global, s, e))
            return false;
        s->file = cfg->path;
        if (!add_job(l, s, BYTES("main config file"), &first)) {
            err_set(e, ERR_BAD_DATA, "found multiple scrape configs with job name \"%.*s\"", BYTES_ARG(s->job_name));
            return conf_fail_line(c, s->line, e);
        }
    }
    return true;
}

static bool finish_alerting(conf_ctx *c, prom_config *cfg, err *e)
{
    int scheme = cfg->global.name_validation;
    if (!relabel_check(c, &cfg->alerting.alert_relabel, scheme, e))
        return false;
    for (size_t i = 0; i < cfg->alerting.alertmanagers.n; i++) {
        const alertmanager_config *am = &cfg->alerting.alertmanagers.p[i];
        if (!relabel_check(c, &am->alert_relabel, scheme, e) || !relabel_check(c, &am->relabel, scheme, e))
            return false;
    }
    return true;
}

/* Names, where given, are distinct. */
static bool add_name(map *seen, bytes name)
{
    bool is_new = true;
    if (name.len)
        map_put(seen, name, &is_new);
    return is_new;
}

static bool finish_remotes(conf_ctx *c, prom_config *cfg, const yaml_node *root, err *e)
{
    map seen;
    bool ok = true;
    map_init(&seen, MAP_BORROWED_KEYS);
    for (size_t i = 0; ok && i < cfg->remote_write.n; i++) {
        const remote_write_config *w = &cfg->remote_write.p[i];
        point_at(c, root, "remote_write", i);
        ok = (add_name(&seen, w->name)
              || err_set(e, ERR_BAD_DATA, "found multiple remote write configs with job name \"%.*s\"",
                         BYTES_ARG(w->name)))
             && relabel_check(c, &w->write_relabel, cfg->global.name_validation, e);
    }
    map_clear(&seen);
    for (size_t i = 0; ok && i < cfg->remote_read.n; i++) {
        const remote_read_config *r = &cfg->remote_read.p[i];
        point_at(c, root, "remote_read", i);
        ok = add_name(&seen, r->name)
             || err_set(e, ERR_BAD_DATA, "found multiple remote read configs with job name \"%.*s\"",
                        BYTES_ARG(r->name));
    }
    map_release(&seen);
    return ok;
}

static bool check_translation(const prom_config *cfg, err *e)
{
    static const struct {
        const char *name;
        bool needs_utf8;
    } strategies[] = {
        { "", false },
        { "UnderscoreEscapingWithSuffixes", false },
        { "UnderscoreEscapingWithoutSuffixes", false },
        { "NoTranslation", true },
        { "NoUTF8EscapingWithSuffixes", true },
    };
    bytes s = cfg->otlp.translation_strategy;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        if (!bytes_eq(s, bytes_of(strategies[i].name)))
            continue;
        if (strategies[i].needs_utf8 && cfg->global.name_validation == NAME_VALIDATION_LEGACY)
            return err_set(e, ERR_BAD_DATA, "OTLP translation strategy \"%.*s\" is not allowed when UTF8 is disabled",
                           BYTES_ARG(s));
        return true;
    }
    return err_set(e, ERR_BAD_DATA, "unsupported OTLP translation strategy \"%.*s\"", BYTES_ARG(bytes_sub(s, 0, 100)));
}

static bool finish_config(conf_ctx *c, void *obj, err *e)
{
    prom_config *cfg = obj;
    const yaml_node *root = c->at;
    loaded *l = c->user;
    const tsdb_retention_config retention = { l->opts.retention_time_ms, l->opts.retention_size, 0 };
    cfg->path = l->path;
    if (yaml_is_null(yaml_get(root, "global")))
        global_config_defaults(&cfg->global);
    cfg->global.external_labels = external_labels_expand(c->a, cfg->global.external_labels);
    storage_config_complete(c->a, &cfg->storage, &retention);
    return check_globs(&cfg->rule_files, "rule", e) && check_globs(&cfg->scrape_config_files, "scrape config", e)
           && finish_jobs(c, cfg, e) && finish_alerting(c, cfg, e) && finish_remotes(c, cfg, root, e)
           && check_translation(cfg, e);
}
static const conf_schema config_schema = { "config.plain", sizeof(prom_config), config_fields, finish_config };

/* ---- scrape_config_files ---- */

typedef struct scrape_file {
    CONF_LIST_OF(scrape_config) scrape_configs;
} scrape_file;
static const conf_field scrape_file_fields[] = {
    LIST(scrape_file, "scrape_configs", scrape_configs, .of = &scrape_schema, .go_type = "[]*config.ScrapeConfig",
         .null_error = "empty or null scrape config section"),
    END_ROW,
};
static const conf_schema scrape_file_schema = { "config.ScrapeConfigs", sizeof(scrape_file), scrape_file_fields, NULL };

typedef VEC(const scrape_config *) job_vec;

static bool decode_scrape_file(loaded *l, bytes path, scrape_file *out, err *e)
{
    buf text;
    const yaml_node *root;
    bool ok = file_read(path.p, LIMIT_CONFIG_FILE, &text, e) && yaml_parse(buf_bytes(&text), &l->a, &root, e)
              && conf_decode(&l->ctx, root, &scrape_file_schema, out, e);
    buf_release(&text);
    return ok;
}

static bool load_scrape_file(loaded *l, bytes path, job_vec *jobs, err *e)
{
    scrape_file f;
    bytes dir = path_dir(&l->a, path), shown = arena_bytesf(&l->a, "\"%.*s\"", BYTES_ARG(path));
    const char *first;
    if (!decode_scrape_file(l, path, &f, e))
        return false;
    for (size_t i = 0; i < f.scrape_configs.n; i++) {
        scrape_config *s = &f.scrape_configs.p[i];
        s->file = path;
        if (!scrape_validate(&l->ctx, &l->config.global, s, e))
            return false;
        if (!add_job(l, s, shown, &first)) {
            err_set(e, ERR_BAD_DATA, "found multiple scrape configs with job name \"%.*s\", first found in %s",
                    BYTES_ARG(s->job_name), first);
            return conf_fail_line(&l->ctx, s->line, e);
        }
        conf_set_dir(&l->a, &scrape_schema, s, dir);
        vec_push(jobs, s);
    }
    return true;
}

static bool load_scrape_files(loaded *l, job_vec *jobs, err *e)
{
    const bytes_list *globs = &l->config.scrape_config_files;
    for (size_t i = 0; i < globs->n; i++) {
        bytes *files;
        size_t n;
        if (!path_glob(&l->a, globs->p[i], &files, &n, e))
            return err_wrap(e, "error retrieving scrape config files for \"%.*s\"", BYTES_ARG(globs->p[i]));
        for (size_t k = 0; k < n; k++) {
            if (!load_scrape_file(l, files[k], jobs, e))
                return err_wrap(e, "\"%.*s\"", BYTES_ARG(files[k]));
        }
    }
    return true;
}

static bool collect_jobs(loaded *l, err *e)
{
    job_vec jobs = { 0 };
    prom_config *cfg = &l->config;
    for (size_t i = 0; i < cfg->scrape_configs.n; i++)
        vec_push(&jobs, &cfg->scrape_configs.p[i]);
    bool ok = load_scrape_files(l, &jobs, e);
    cfg->n_jobs = jobs.len;
    cfg->jobs = ARENA_ARRAY(&l->a, const scrape_config *, jobs.len);
    if (jobs.len)
        memcpy(cfg->jobs, jobs.p, jobs.len * sizeof *cfg->jobs);
    vec_free(&jobs);
    return ok;
}

/* ---- loading ---- */

static bool check_agent(const prom_config *cfg, err *e)
{
    if (cfg->alerting.alertmanagers.n || cfg->alerting.alert_relabel.n)
        return err_set(e, ERR_BAD_DATA, "field alerting is not allowed in agent mode");
    if (cfg->rule_files.n)
        return err_set(e, ERR_BAD_DATA, "field rule_files is not allowed in agent mode");
    if (cfg->remote_read.n)
        return err_set(e, ERR_BAD_DATA, "field remote_read is not allowed in agent mode");
    return true;
}

static bool decode(loaded *l, bytes text, bytes path, err *e)
{
    const yaml_node *root;
    l->path = (bytes){ arena_cstr(&l->a, path), path.len };
    if (!yaml_parse(text, &l->a, &root, e) || !conf_decode(&l->ctx, root, &config_schema, &l->config, e))
        return err_wrap(e, "parsing YAML file %.*s", BYTES_ARG(path));
    l->config.hash = bytes_hash(text);
    if (l->opts.agent && !check_agent(&l->config, e))
        return false;
    conf_set_dir(&l->a, &config_schema, &l->config, path_dir(&l->a, path));
    return collect_jobs(l, e);
}

static loaded *new_loaded(const prom_config_options *opts)
{
    loaded *l = xcalloc(1, sizeof *l);
    atomic_init(&l->refs, 1);
    arena_init(&l->a, LIMIT_CONFIG_MEMORY);
    map_init(&l->jobs, MAP_BORROWED_KEYS);
    l->ctx.a = &l->a;
    l->ctx.user = l;
    if (opts) {
        l->opts = *opts;
        l->ctx.ignore_unknown = opts->ignore_unknown_fields;
    }
    return l;
}

static void free_loaded(loaded *l)
{
    conf_ctx_release(&l->ctx);
    map_release(&l->jobs);
    arena_release(&l->a);
    free(l);
}

/* What stands before every error, unless the caller puts something of its own there. */
static bool lead_error(const char *path, const prom_config_options *opts, err *e)
{
    if (opts && opts->bare_errors)
        return false;
    return err_wrap(e, "couldn't load configuration (--config.file=\"%s\")", path);
}

bool prom_config_parse(bytes text, const char *path, const prom_config_options *opts, prom_config **out, err *e)
{
    loaded *l = new_loaded(opts);
    *out = NULL;
    if (!decode(l, text, bytes_of(path), e)) {
        free_loaded(l);
        return lead_error(path, opts, e);
    }
    map_release(&l->jobs);
    map_init(&l->jobs, MAP_BORROWED_KEYS);
    *out = &l->config;
    return true;
}

bool prom_config_load(const char *path, const prom_config_options *opts, prom_config **out, err *e)
{
    buf text;
    *out = NULL;
    if (!file_read(path, LIMIT_CONFIG_FILE, &text, e)) {
        buf_release(&text);
        return lead_error(path, opts, e);
    }
    bool ok = prom_config_parse(buf_bytes(&text), path, opts, out, e);
    buf_release(&text);
    return ok;
}

/* ---- life ---- */

static loaded *loaded_of(const prom_config *c)
{
    return (loaded *)(uintptr_t)c;
}

prom_config *prom_config_ref(const prom_config *c)
{
    atomic_fetch_add_explicit(&loaded_of(c)->refs, 1, memory_order_relaxed);
    return &loaded_of(c)->config;
}

void prom_config_unref(const prom_config *c)
{
    if (c && atomic_fetch_sub_explicit(&loaded_of(c)->refs, 1, memory_order_acq_rel) == 1)
        free_loaded(loaded_of(c));
}

void prom_config_write(const prom_config *c, buf *out)
{
    conf_write(&config_schema, c, out);
}

bool prom_config_next_unsupported(const prom_config *c, size_t *i, sd_unsupported *out)
{
    size_t n_owners = c->n_jobs + c->alerting.alertmanagers.n, per_owner = SD_N_OTHER + 2;
    for (; *i < n_owners * per_owner; ++*i) {
        size_t owner = *i / per_owner, kind = *i % per_owner;
        bool is_job = owner < c->n_jobs;
        const scrape_config *s = is_job ? c->jobs[owner] : NULL;
        const sd_configs *sd = is_job ? &s->sd : &c->alerting.alertmanagers.p[owner - c->n_jobs].sd;
        *out = (sd_unsupported){ .job = is_job ? s->job_name : BYTES("alertmanager"),
                                 .file = is_job ? s->file : c->path,
                                 .line = is_job ? s->line : 0 };
        if (kind < SD_N_OTHER && sd->other[kind]) {
            out->key = sd_other_keys[kind];
            out->line = sd->other[kind]->line;
        } else if (kind == SD_N_OTHER && sd->http_sd.n) {
            out->key = "http_sd_configs";
        } else if (kind == SD_N_OTHER + 1 && sd->dns_sd.n) {
            out->key = "dns_sd_configs";
        } else {
            continue;
        }
        ++*i;
        return true;
    }
    return false;
}
