/* http_client_config.c: see http_client_config.h. Rows and checks follow prometheus/common's config/http_config.go; the
 * rows stand in the order in which Prometheus prints them.                                                   */
#include "config/http_client_config.h"
#include "config/schema_rows.h"

const conf_field conf_string_list = { .key = "", .type = CONF_LIST, .item = CONF_STRING, .item_size = sizeof(bytes) };
static const conf_field secret_list_row = {
    .key = "", .type = CONF_LIST, .item = CONF_SECRET, .item_size = sizeof(bytes)
};

/* ---- credentials ---- */

static const conf_field basic_auth_fields[] = {
    ROW(basic_auth_config, "username", CONF_STRING, username, OMIT),
    ROW(basic_auth_config, "username_file", CONF_PATH, username_file, OMIT),
    ROW(basic_auth_config, "username_ref", CONF_STRING, username_ref, OMIT),
    ROW(basic_auth_config, "password", CONF_SECRET, password, OMIT),
    ROW(basic_auth_config, "password_file", CONF_PATH, password_file, OMIT),
    ROW(basic_auth_config, "password_ref", CONF_STRING, password_ref, OMIT),
    END_ROW,
};
static const conf_schema basic_auth_schema = { "config.plain", sizeof(basic_auth_config), basic_auth_fields, NULL };

static const conf_field authorization_fields[] = {
    ROW(authorization_config, "type", CONF_STRING, type, OMIT),
    ROW(authorization_config, "credentials", CONF_SECRET, credentials, OMIT),
    ROW(authorization_config, "credentials_file", CONF_PATH, credentials_file, OMIT),
    ROW(authorization_config, "credentials_ref", CONF_STRING, credentials_ref, OMIT),
    END_ROW,
};
static const conf_schema authorization_schema = { "config.Authorization", sizeof(authorization_config),
                                                  authorization_fields, NULL };

/* ---- TLS ---- */

static const char *const tls_versions[] = { "", "TLS10", "TLS11", "TLS12", "TLS13", NULL };
#define TLS_VERSION_ROW(name, m)                                                                                       \
    ROW(tls_config, name, CONF_ENUM, m, .names = tls_versions, .enum_error = "unknown TLS version: $", OMIT)

static const conf_field tls_fields[] = {
    ROW(tls_config, "ca", CONF_STRING, ca, OMIT),
    ROW(tls_config, "cert", CONF_STRING, cert, OMIT),
    ROW(tls_config, "key", CONF_SECRET, key, OMIT),
    ROW(tls_config, "ca_file", CONF_PATH, ca_file, OMIT),
    ROW(tls_config, "cert_file", CONF_PATH, cert_file, OMIT),
    ROW(tls_config, "key_file", CONF_PATH, key_file, OMIT),
    ROW(tls_config, "ca_ref", CONF_STRING, ca_ref, OMIT),
    ROW(tls_config, "cert_ref", CONF_STRING, cert_ref, OMIT),
    ROW(tls_config, "key_ref", CONF_STRING, key_ref, OMIT),
    ROW(tls_config, "server_name", CONF_STRING, server_name, OMIT),
    ROW(tls_config, "insecure_skip_verify", CONF_BOOL, insecure_skip_verify),
    TLS_VERSION_ROW("min_version", min_version),
    TLS_VERSION_ROW("max_version", max_version),
    END_ROW,
};

/* How many of three are given. */
static int count_set(bytes a, bytes b, bytes c)
{
    return (a.len > 0) + (b.len > 0) + (c.len > 0);
}

static bool fail(err *e, const char *sentence)
{
    return err_set(e, ERR_BAD_DATA, "%s", sentence);
}

static bool finish_tls(conf_ctx *c, void *obj, err *e)
{
    const tls_config *t = obj;
    int certs = count_set(t->cert, t->cert_file, t->cert_ref), keys = count_set(t->key, t->key_file, t->key_ref);
    if (count_set(t->ca, t->ca_file, t->ca_ref) > 1)
        return fail(e, "at most one of ca, ca_file & ca_ref must be configured");
    if (certs > 1)
        return fail(e, "at most one of cert, cert_file & cert_ref must be configured");
    if (keys > 1)
        return fail(e, "at most one of key and key_file must be configured");
    if (certs && !keys)
        return fail(e, "exactly one of key or key_file must be configured when a client certificate is configured");
    if (keys && !certs)
        return fail(e, "exactly one of cert or cert_file must be configured when a client key is configured");
    return true;
}
const conf_schema tls_schema = { "config.plain", sizeof(tls_config), tls_fields, finish_tls };

/* ---- proxy ---- */

static const conf_field proxy_fields[] = {
    ROW(proxy_config, "proxy_url", CONF_URL, proxy_url, OMIT),
    ROW(proxy_config, "no_proxy", CONF_STRING, no_proxy, OMIT),
    ROW(proxy_config, "proxy_from_environment", CONF_BOOL, proxy_from_environment, OMIT),
    MAP(proxy_config, "proxy_connect_header", proxy_connect_header, .each = &secret_list_row, OMIT,
        .go_type = "config.ProxyHeader"),
    END_ROW,
};
static const conf_schema proxy_schema = { "config.ProxyConfig", sizeof(proxy_config), proxy_fields, NULL };

static bool check_proxy(const proxy_config *p, err *e)
{
    if (p->proxy_connect_header.n && !p->proxy_from_environment && p->proxy_url.len == 0)
        return fail(
            e, "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured");
    if (p->proxy_from_environment && p->proxy_url.len)
        return fail(e, "if proxy_from_environment is configured, proxy_url must not be configured");
    if (p->proxy_from_environment && p->no_proxy.len)
        return fail(e, "if proxy_from_environment is configured, no_proxy must not be configured");
    if (p->proxy_url.len == 0 && p->no_proxy.len)
        return fail(e, "if no_proxy is configured, proxy_url must also be configured");
    return true;
}

/* ---- OAuth 2.0 ---- */

static const conf_field oauth2_fields[] = {
    ROW(oauth2_config, "client_id", CONF_STRING, client_id, OMIT),
    ROW(oauth2_config, "client_secret", CONF_SECRET, client_secret, OMIT),
    ROW(oauth2_config, "client_secret_file", CONF_PATH, client_secret_file, OMIT),
    ROW(oauth2_config, "client_secret_ref", CONF_STRING, client_secret_ref, OMIT),
    ROW(oauth2_config, "client_certificate_key_id", CONF_STRING, client_certificate_key_id, OMIT),
    ROW(oauth2_config, "client_certificate_key", CONF_SECRET, client_certificate_key, OMIT),
    ROW(oauth2_config, "client_certificate_key_file", CONF_STRING, client_certificate_key_file, OMIT),
    ROW(oauth2_config, "client_certificate_key_ref", CONF_STRING, client_certificate_key_ref, OMIT),
    ROW(oauth2_config, "grant_type", CONF_STRING, grant_type, OMIT),
    ROW(oauth2_config, "signature_algorithm", CONF_STRING, signature_algorithm, OMIT),
    ROW(oauth2_config, "iss", CONF_STRING, iss, OMIT),
    ROW(oauth2_config, "audience", CONF_STRING, audience, OMIT),
    ROW(oauth2_config, "claims", CONF_RAW, claims, OMIT),
    LIST(oauth2_config, "scopes", scopes, .item = CONF_STRING, OMIT),
    ROW(oauth2_config, "token_url", CONF_STRING, token_url, OMIT),
    MAP(oauth2_config, "endpoint_params", endpoint_params, .item = CONF_STRING, OMIT),
    STRUCT(oauth2_config, "tls_config", tls, tls_schema, OMIT),
    INLINE(oauth2_config, proxy, proxy_schema),
    END_ROW,
};

static bool finish_oauth2(conf_ctx *c, void *obj, err *e)
{
    return check_proxy(&((oauth2_config *)obj)->proxy, e);
}
static const conf_schema oauth2_schema = { "config.plain", sizeof(oauth2_config), oauth2_fields, finish_oauth2 };

static bool check_oauth2(const oauth2_config *o, err *e)
{
    static const char *const algorithms[] = { "", "RS256", "RS384", "RS512" };
    if (o->client_id.len == 0)
        return fail(e, "oauth2 client_id must be configured");
    if (o->token_url.len == 0)
        return fail(e, "oauth2 token_url must be configured");
    if (!bytes_eq(o->grant_type, BYTES("urn:ietf:params:oauth:grant-type:jwt-bearer"))) {
        if (count_set(o->client_secret, o->client_secret_file, o->client_secret_ref) > 1)
            return fail(
                e, "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured "
                   "using grant-type=client_credentials");
        return true;
    }
    if (count_set(o->client_certificate_key, o->client_certificate_key_file, o->client_certificate_key_ref) > 1)
        return fail(e, "at most one of oauth2 client_certificate_key, client_certificate_key_file & "
                       "client_certificate_key_ref must be configured using "
                       "grant-type=urn:ietf:params:oauth:grant-type:jwt-bearer");
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (bytes_eq(o->signature_algorithm, bytes_of(algorithms[i])))
            return true;
    }
    return fail(e, "valid signature algorithms are RS256, RS384 and RS512");
}

/* ---- the whole ---- */

static const conf_field header_fields[] = {
    LIST(http_header_values, "values", values, .item = CONF_STRING, OMIT),
    LIST(http_header_values, "secrets", secrets, .item = CONF_SECRET, OMIT),
    LIST(http_header_values, "files", files, .item = CONF_PATH, OMIT),
    END_ROW,
};
static const conf_schema header_schema = { "config.Header", sizeof(http_header_values), header_fields, NULL };

#define HTTP_CLIENT_ROWS(http2)                                                                                        \
    POINTER(http_client_config, "basic_auth", basic_auth, basic_auth_schema, OMIT),                                    \
        POINTER(http_client_config, "authorization", authorization, authorization_schema, OMIT),                       \
        POINTER(http_client_config, "oauth2", oauth2, oauth2_schema, OMIT),                                            \
        ROW(http_client_config, "bearer_token", CONF_SECRET, bearer_token, OMIT),                                      \
        ROW(http_client_config, "bearer_token_file", CONF_PATH, bearer_token_file, OMIT),                              \
        STRUCT(http_client_config, "tls_config", tls, tls_schema, OMIT),                                               \
        ROW(http_client_config, "follow_redirects", CONF_BOOL, follow_redirects, .deflt = "true"),                     \
        ROW(http_client_config, "enable_http2", CONF_BOOL, enable_http2, .deflt = http2),                              \
        INLINE(http_client_config, proxy, proxy_schema),                                                               \
        MAP(http_client_config, "http_headers", http_headers, .of = &header_schema, OMIT,                              \
            .go_type = "config.Headers"),                                                                              \
        END_ROW
static const conf_field http_client_fields[] = { HTTP_CLIENT_ROWS("true") };
static const conf_field http_client_no_http2_fields[] = { HTTP_CLIENT_ROWS("false") };

static bool finish_http_client(conf_ctx *c, void *obj, err *e)
{
    return http_client_finish(c, obj, e);
}
const conf_schema http_client_schema = { "config.plain", sizeof(http_client_config), http_client_fields,
                                         finish_http_client };
const conf_schema http_client_no_http2_schema = { "config.plain", sizeof(http_client_config),
                                                  http_client_no_http2_fields, finish_http_client };

/* ---- checks between fields ---- */

static bool check_bearer(const http_client_config *h, err *e)
{
    bool has_token = h->bearer_token.len || h->bearer_token_file.len;
    if (h->bearer_token.len && h->bearer_token_file.len)
        return fail(e, "at most one of bearer_token & bearer_token_file must be configured");
    if ((h->basic_auth || h->oauth2) && has_token)
        return fail(e, "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
    if (h->authorization && has_token)
        return fail(e, "authorization is not compatible with bearer_token & bearer_token_file");
    return true;
}

static bool check_basic_auth(const basic_auth_config *b, err *e)
{
    if (!b)
        return true;
    if (count_set(b->username, b->username_file, b->username_ref) > 1)
        return fail(e, "at most one of basic_auth username, username_file & username_ref must be configured");
    if (count_set(b->password, b->password_file, b->password_ref) > 1)
        return fail(e, "at most one of basic_auth password, password_file & password_ref must be configured");
    return true;
}

static bool check_authorization(conf_ctx *c, authorization_config *a, err *e)
{
    if (!a)
        return true;
    if (count_set(a->credentials, a->credentials_file, a->credentials_ref) > 1)
        return fail(e, "at most one of authorization credentials & credentials_file must be configured");
    bytes type = bytes_trim(a->type);
    if (type.len == 0)
        type = BYTES("Bearer");
    if (bytes_eq_nocase(type, BYTES("basic")))
        return fail(e, "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
    if (type.len != a->type.len)
        a->type = (bytes){ arena_cstr(c->a, type), type.len };
    return true;
}

/* Names that change the connection or are set by us. */
static bool check_headers(const http_client_config *h, err *e)
{
    static const char *const reserved[] = {
        "Authorization",
        "Host",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "User-Agent",
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Www-Authenticate",
        "Accept-Encoding",
        "X-Prometheus-Remote-Write-Version",
        "X-Prometheus-Remote-Read-Version",
        "X-Prometheus-Scrape-Timeout-Seconds",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    };
    for (size_t i = 0; i < h->http_headers.n; i++) {
        for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++) {
            if (bytes_eq_nocase(h->http_headers.p[i].key, bytes_of(reserved[k])))
                return err_set(e, ERR_BAD_DATA, "setting header \"%s\" is not allowed", reserved[k]);
        }
    }
    return true;
}

bool http_client_finish(conf_ctx *c, http_client_config *h, err *e)
{
    if (!check_bearer(h, e) || !check_basic_auth(h->basic_auth, e) || !check_authorization(c, h->authorization, e))
        return false;
    if ((h->basic_auth != NULL) + (h->authorization != NULL) + (h->oauth2 != NULL) > 1)
        return fail(e, "at most one of basic_auth, oauth2 & authorization must be configured");
    if ((h->oauth2 && !check_oauth2(h->oauth2, e)) || !check_proxy(&h->proxy, e) || !check_headers(h, e))
        return false;
    if (h->bearer_token.len || h->bearer_token_file.len) { /* the old form of authorization */
        h->authorization = ARENA_NEW(c->a, authorization_config);
        *h->authorization = (authorization_config){ BYTES("Bearer"), h->bearer_token, h->bearer_token_file, BYTES("") };
        h->bearer_token = h->bearer_token_file = BYTES("");
    }
    return true;
}
