/* sd_config.c: the service discovery sections of a scrape job or Alertmanager.
 *
 * static, file, http and dns are decoded; every other kind that Prometheus 3.14 knows is read and kept as YAML, so that
 * a configuration loads and /api/v1/status/config shows it, and named to who asks (prom_config_next_unsupported). */
#include "config/config_priv.h"
#include "config/go_url.h"
#include "config/paths.h"

/* ---- static ---- */

#define GROUP_TYPE "struct { Targets []string \"yaml:\\\"targets\\\"\"; Labels model.LabelSet \"yaml:\\\"labels\\\"\" }"

static bool check_group_labels(conf_ctx *c, const void *value, err *e)
{
    string_map m;
    memcpy(&m, value, sizeof m);
    for (size_t i = 0; i < m.n; i++) {
        if (!label_name_allowed(m.p[i].key, NAME_VALIDATION_UTF8))
            return err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid label name", BYTES_ARG(m.p[i].key));
    }
    return true;
}

static const conf_field group_fields[] = {
    LIST(static_config, "targets", targets, .item = CONF_STRING),
    MAP(static_config, "labels", labels, .item = CONF_STRING, OMIT, .go_type = "model.LabelSet",
        .check = check_group_labels),
    END_ROW,
};
static const conf_schema group_schema = { GROUP_TYPE, sizeof(static_config), group_fields, NULL };

void target_group_make(arena *a, const static_config *in, bytes source, label meta, target_group *out)
{
    label *list = ARENA_ARRAY(a, label, in->labels.n + 1);
    size_t n = 0;
    for (; n < in->labels.n; n++)
        list[n] = (label){ in->labels.p[n].key, in->labels.p[n].value };
    if (meta.name.len)
        list[n++] = meta;
    const labels **targets = ARENA_ARRAY(a, const labels *, in->targets.n);
    for (size_t i = 0; i < in->targets.n; i++)
        targets[i] = labels_from(a, &(label){ BYTES("__address__"), in->targets.p[i] }, 1);
    *out = (target_group){ source, labels_from(a, list, n), targets, in->targets.n };
}

typedef struct group_list {
    CONF_LIST_OF(static_config) groups;
} group_list;
static const conf_field group_list_row =
    LIST(group_list, "", groups, .of = &group_schema, .go_type = "[]*targetgroup.Group",
         .null_error = "nil target group item found");

bool static_configs_parse(bytes text, arena *a, static_config **out, size_t *n, err *e)
{
    conf_ctx c = { .a = a };
    group_list list = { 0 };
    const yaml_node *root;
    bool ok = yaml_parse(text, a, &root, e) && conf_decode_row(&c, root, &group_list_row, &list, e);
    conf_ctx_release(&c);
    *out = list.groups.p;
    *n = list.groups.n;
    return ok;
}

/* ---- file ---- */

/* ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$ */
static bool is_sd_file_name(bytes name)
{
    static const char *const extensions[] = { ".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML" };
    ptrdiff_t star = bytes_find(name, '*');
    if (star >= 0 && bytes_find(bytes_sub(name, (size_t)star, name.len), '/') >= 0)
        return false;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        if (bytes_has_suffix(name, bytes_of(extensions[i])))
            return true;
    }
    return false;
}

static bool finish_file_sd(conf_ctx *c, void *obj, err *e)
{
    const file_sd_config *f = obj;
    if (f->files.n == 0)
        return err_set(e, ERR_BAD_DATA, "file service discovery config must contain at least one path name");
    for (size_t i = 0; i < f->files.n; i++) {
        if (!is_sd_file_name(f->files.p[i]))
            return err_set(e, ERR_BAD_DATA, "path name \"%.*s\" is not valid for file discovery",
                           BYTES_ARG(f->files.p[i]));
    }
    return true;
}

static const conf_field file_sd_fields[] = {
    LIST(file_sd_config, "files", files, .item = CONF_PATH, .go_type = "[]string"),
    ROW(file_sd_config, "refresh_interval", CONF_DURATION, refresh_interval_ms, .deflt = "5m", OMIT),
    END_ROW,
};
static const conf_schema file_sd_schema = { "file.plain", sizeof(file_sd_config), file_sd_fields, finish_file_sd };

/* ---- http ---- */

static bool finish_http_sd(conf_ctx *c, void *obj, err *e)
{
    http_sd_config *h = obj;
    go_url u;
    if (h->url.len == 0)
        return err_set(e, ERR_BAD_DATA, "URL is missing");
    if (!go_url_parse(h->url, &u, e))
        return false;
    if (!bytes_eq_nocase(u.scheme, BYTES("http")) && !bytes_eq_nocase(u.scheme, BYTES("https")))
        return err_set(e, ERR_BAD_DATA, "URL scheme must be 'http' or 'https'");
    if (u.host.len == 0)
        return err_set(e, ERR_BAD_DATA, "host is missing in URL");
    return http_client_finish(c, &h->http, e);
}

static const conf_field http_sd_fields[] = {
    INLINE(http_sd_config, http, http_client_schema),
    ROW(http_sd_config, "refresh_interval", CONF_DURATION, refresh_interval_ms, .deflt = "60s", OMIT),
    ROW(http_sd_config, "url", CONF_STRING, url),
    END_ROW,
};
static const conf_schema http_sd_schema = { "http.plain", sizeof(http_sd_config), http_sd_fields, finish_http_sd };

/* ---- dns ---- */

static bool finish_dns_sd(conf_ctx *c, void *obj, err *e)
{
    static const char *const with_port[] = { "A", "AAAA", "MX", "NS" };
    const dns_sd_config *d = obj;
    if (d->names.n == 0)
        return err_set(e, ERR_BAD_DATA, "DNS-SD config must contain at least one SRV record name");
    if (bytes_eq_nocase(d->type, BYTES("SRV")))
        return true;
    for (size_t i = 0; i < sizeof with_port / sizeof *with_port; i++) {
        if (bytes_eq_nocase(d->type, bytes_of(with_port[i])))
            return d->port != 0
                   || err_set(e, ERR_BAD_DATA, "a port is required in DNS-SD configs for all record types except SRV");
    }
    return err_set(e, ERR_BAD_DATA, "invalid DNS-SD records type %.*s", BYTES_ARG(d->type));
}

static const conf_field dns_sd_fields[] = {
    LIST(dns_sd_config, "names", names, .item = CONF_STRING),
    ROW(dns_sd_config, "refresh_interval", CONF_DURATION, refresh_interval_ms, .deflt = "30s", OMIT),
    ROW(dns_sd_config, "type", CONF_STRING, type, .deflt = "SRV"),
    ROW(dns_sd_config, "port", CONF_INT, port),
    END_ROW,
};
static const conf_schema dns_sd_schema = { "dns.plain", sizeof(dns_sd_config), dns_sd_fields, finish_dns_sd };

/* ---- all kinds ---- */

const char *const sd_other_keys[SD_N_OTHER + 1] = {
    "aws_sd_configs",         "azure_sd_configs",
    "consul_sd_configs",      "digitalocean_sd_configs",
    "docker_sd_configs",      "dockerswarm_sd_configs",
    "ec2_sd_configs",         "ecs_sd_configs",
    "elasticache_sd_configs", "eureka_sd_configs",
    "gce_sd_configs",         "hetzner_sd_configs",
    "ionos_sd_configs",       "kubernetes_sd_configs",
    "kuma_sd_configs",        "lightsail_sd_configs",
    "linode_sd_configs",      "marathon_sd_configs",
    "msk_sd_configs",         "nerve_sd_configs",
    "nomad_sd_configs",       "oci_sd_configs",
    "openstack_sd_configs",   "outscale_sd_configs",
    "ovhcloud_sd_configs",    "puppetdb_sd_configs",
    "rds_sd_configs",         "scaleway_sd_configs",
    "serverset_sd_configs",   "stackit_sd_configs",
    "triton_sd_configs",      "uyuni_sd_configs",
    "vultr_sd_configs",       NULL,
};

static bool check_other(conf_ctx *c, const void *value, err *e)
{
    const yaml_node *n = *(const yaml_node *const *)value;
    if (n && n->kind != YAML_NODE_LIST)
        return err_set(e, ERR_BAD_DATA, "a list of service discovery sections is expected here");
    for (size_t i = 0; n && i < n->n; i++) {
        if (n->items[i]->kind != YAML_NODE_MAP)
            return err_set(e, ERR_BAD_DATA, "empty or null section in service discovery");
    }
    return true;
}

/* The i-th of the other kinds. */
#define OTHER(i, name) ROW(sd_configs, name, CONF_RAW, other[i], OMIT, .check = check_other)
#define NULL_IN(key) "empty or null section in " key

/* In the order of the keys, as Prometheus prints them; checked against sd_other_keys by a test. */
static const conf_field sd_fields[] = {
    OTHER(0, "aws_sd_configs"),
    OTHER(1, "azure_sd_configs"),
    OTHER(2, "consul_sd_configs"),
    OTHER(3, "digitalocean_sd_configs"),
    LIST(sd_configs, "dns_sd_configs", dns_sd, .of = &dns_sd_schema, OMIT, .go_type = "[]*dns.SDConfig",
         .null_error = NULL_IN("dns_sd_configs")),
    OTHER(4, "docker_sd_configs"),
    OTHER(5, "dockerswarm_sd_configs"),
    OTHER(6, "ec2_sd_configs"),
    OTHER(7, "ecs_sd_configs"),
    OTHER(8, "elasticache_sd_configs"),
    OTHER(9, "eureka_sd_configs"),
    LIST(sd_configs, "file_sd_configs", file_sd, .of = &file_sd_schema, OMIT, .go_type = "[]*file.SDConfig",
         .null_error = NULL_IN("file_sd_configs")),
    OTHER(10, "gce_sd_configs"),
    OTHER(11, "hetzner_sd_configs"),
    LIST(sd_configs, "http_sd_configs", http_sd, .of = &http_sd_schema, OMIT, .go_type = "[]*http.SDConfig",
         .null_error = NULL_IN("http_sd_configs")),
    OTHER(12, "ionos_sd_configs"),
    OTHER(13, "kubernetes_sd_configs"),
    OTHER(14, "kuma_sd_configs"),
    OTHER(15, "lightsail_sd_configs"),
    OTHER(16, "linode_sd_configs"),
    OTHER(17, "marathon_sd_configs"),
    OTHER(18, "msk_sd_configs"),
    OTHER(19, "nerve_sd_configs"),
    OTHER(20, "nomad_sd_configs"),
    OTHER(21, "oci_sd_configs"),
    OTHER(22, "openstack_sd_configs"),
    OTHER(23, "outscale_sd_configs"),
    OTHER(24, "ovhcloud_sd_configs"),
    OTHER(25, "puppetdb_sd_configs"),
    OTHER(26, "rds_sd_configs"),
    OTHER(27, "scaleway_sd_configs"),
    OTHER(28, "serverset_sd_configs"),
    OTHER(29, "stackit_sd_configs"),
    LIST(sd_configs, "static_configs", static_list, .of = &group_schema, OMIT, .go_type = "[]*targetgroup.Group",
         .null_error = NULL_IN("static_configs")),
    OTHER(30, "triton_sd_configs"),
    OTHER(31, "uyuni_sd_configs"),
    OTHER(32, "vultr_sd_configs"),
    END_ROW,
};
const conf_schema sd_schema = { "discovery.Configs", sizeof(sd_configs), sd_fields, NULL };

bool sd_finish(conf_ctx *c, sd_configs *sd, bool has_relabel, err *e)
{
    sd->static_configs.n = sd->static_list.n;
    sd->static_configs.p = ARENA_ARRAY(c->a, target_group, sd->static_list.n);
    for (size_t i = 0; i < sd->static_list.n; i++) {
        const static_config *in = &sd->static_list.p[i];
        for (size_t k = 0; !has_relabel && k < in->targets.n; k++) {
            if (bytes_find(in->targets.p[k], '/') >= 0)
                return err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid hostname",
                               BYTES_ARG(bytes_sub(in->targets.p[k], 0, 200)));
        }
        target_group_make(c->a, in, arena_bytesf(c->a, "%zu", i), (label){ 0 }, &sd->static_configs.p[i]);
    }
    return true;
}
