/* http_client_config.h: how an outgoing HTTP connection is made: the <http_config> of Prometheus' documentation, shared
 * by scrape jobs, Alertmanagers, remote write and HTTP discovery. Plain data; bytes are NUL-terminated, never NULL.  */
#ifndef CONFIG_HTTP_CLIENT_CONFIG_H
#define CONFIG_HTTP_CLIENT_CONFIG_H
#include "config/lists.h"

typedef struct basic_auth_config {
    bytes username, username_file, username_ref;
    bytes password, password_file, password_ref;
} basic_auth_config;

typedef struct authorization_config {
    bytes type;                    /* "Bearer" unless set */
    bytes credentials, credentials_file, credentials_ref;
} authorization_config;

enum tls_version { TLS_VERSION_UNSET, TLS_VERSION_10, TLS_VERSION_11, TLS_VERSION_12, TLS_VERSION_13 };
typedef struct tls_config {
    bytes ca, cert, key;           /* PEM text */
    bytes ca_file, cert_file, key_file;
    bytes ca_ref, cert_ref, key_ref;
    bytes server_name;
    bool insecure_skip_verify;
    int min_version, max_version;  /* tls_version */
} tls_config;

typedef struct proxy_config {
    bytes proxy_url, no_proxy;
    bool proxy_from_environment;
    strings_map proxy_connect_header;
} proxy_config;

typedef struct oauth2_config {
    bytes client_id, client_secret, client_secret_file, client_secret_ref;
    bytes client_certificate_key_id, client_certificate_key, client_certificate_key_file, client_certificate_key_ref;
    bytes grant_type, signature_algorithm, iss, audience;
    const yaml_node *claims;
    bytes_list scopes;
    bytes token_url;
    string_map endpoint_params;
    tls_config tls;
    proxy_config proxy;
} oauth2_config;

typedef struct http_header_values {
    bytes_list values, secrets, files;
} http_header_values;
typedef struct http_header_config {
    bytes key;                     /* header name */
    http_header_values value;
} http_header_config;

typedef struct http_client_config {
    basic_auth_config *basic_auth;         /* NULL: none; at most one of these three */
    authorization_config *authorization;   /* bearer_token and bearer_token_file become this */
    oauth2_config *oauth2;
    bytes bearer_token, bearer_token_file; /* empty after loading */
    tls_config tls;
    bool follow_redirects, enable_http2;
    proxy_config proxy;
    CONF_LIST_OF(http_header_config) http_headers;
} http_client_config;

extern const conf_schema http_client_schema, tls_schema;
extern const conf_schema http_client_no_http2_schema;   /* enable_http2 is false unless set: remote write */
/* A schema that holds one inline calls this in its finish(): the checks between fields; bearer_token becomes
 * authorization. */
bool http_client_finish(conf_ctx *c, http_client_config *h, err *e);
extern const conf_field conf_string_list;               /* row of a list of strings, for maps of such */
#endif
