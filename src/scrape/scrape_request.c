/* scrape_request.c: see scrape_request.h. */
#include "scrape/scrape_request.h"
#include "base/file.h"
#include "base/num.h"

enum { SECRET_FILE_MAX = 1 << 20 };

bytes scrape_accept(const scrape_config *sc, arena *a)
{
    buf b;
    buf_init(&b, 4096);
    int weight = SCRAPE_N_PROTOCOLS + 1;
    for (size_t i = 0; i < sc->scrape_protocols.n; i++) {
        int p = sc->scrape_protocols.p[i];
        if (p == SCRAPE_PROTO)
            continue;
        buf_putz(&b, scrape_protocol_types[p]);
        if (p == SCRAPE_TEXT_1_0_0 || p == SCRAPE_OPENMETRICS_1_0_0)
            buf_printf(&b, ";escaping=%.*s", BYTES_ARG(sc->name_escaping));
        buf_printf(&b, ";q=0.%d,", weight--);
    }
    buf_printf(&b, "*/*;q=0.%d", weight);
    bytes out = arena_dup(a, buf_bytes(&b));
    buf_release(&b);
    return out;
}

static bytes base64(bytes in, arena *a)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = arena_text(a, (in.len + 2) / 3 * 4), *at = out;
    for (size_t i = 0; i < in.len; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < in.len ? (unsigned char)in.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *at++ = i + k <= in.len ? digits[v >> (18 - 6 * k) & 63] : '=';
    }
    return bytes_n(out, (size_t)(at - out));
}

/* The text, or the trimmed contents of the file where one is named. */
static bool secret(bytes text, bytes file, arena *a, bytes *out, err *e)
{
    *out = text;
    if (file.len == 0)
        return true;
    buf b;
    if (!file_read(file.p, SECRET_FILE_MAX, &b, e))
        return err_wrap(e, "unable to read file %.*s", BYTES_ARG(file));
    *out = arena_dup(a, bytes_trim(buf_bytes(&b)));
    buf_release(&b);
    return true;
}

static bool add_basic_auth(const basic_auth_config *auth, arena *a, http_values *out, err *e)
{
    bytes user, password;
    if (!secret(auth->username, auth->username_file, a, &user, e))
        return err_wrap(e, "unable to read basic auth username");
    if (!secret(auth->password, auth->password_file, a, &password, e))
        return err_wrap(e, "unable to read basic auth password");
    bytes pair = arena_bytesf(a, "%.*s:%.*s", BYTES_ARG(user), BYTES_ARG(password));
    values_add(out, a, BYTES("Authorization"), arena_bytesf(a, "Basic %.*s", BYTES_ARG(base64(pair, a))));
    return true;
}

static bool add_authorization(const authorization_config *auth, arena *a, http_values *out, err *e)
{
    bytes credentials;
    if (!secret(auth->credentials, auth->credentials_file, a, &credentials, e))
        return err_wrap(e, "unable to read authorization credentials");
    bytes type = auth->type.len > 0 ? auth->type : BYTES("Bearer");
    values_add(out, a, BYTES("Authorization"), arena_bytesf(a, "%.*s %.*s", BYTES_ARG(type), BYTES_ARG(credentials)));
    return true;
}

static bool add_custom(const http_client_config *http, arena *a, http_values *out, err *e)
{
    for (size_t i = 0; i < http->http_headers.n; i++) {
        const http_header_config *h = &http->http_headers.p[i];
        for (size_t k = 0; k < h->value.values.n; k++)
            values_add(out, a, h->key, h->value.values.p[k]);
        for (size_t k = 0; k < h->value.secrets.n; k++)
            values_add(out, a, h->key, h->value.secrets.p[k]);
        for (size_t k = 0; k < h->value.files.n; k++) {
            bytes v;
            if (!secret((bytes){ 0 }, h->value.files.p[k], a, &v, e))
                return err_wrap(e, "unable to read headers file");
            values_add(out, a, h->key, v);
        }
    }
    return true;
}

bool scrape_headers(const scrape_config *sc, bytes accept, const char *user_agent, int64_t timeout_ms, arena *a,
                    http_values *out, err *e)
{
    char seconds[32];
    size_t len = num_format_time(timeout_ms, seconds);
    values_add(out, a, BYTES("User-Agent"), bytes_of(user_agent));
    values_add(out, a, BYTES("Accept"), accept);
    values_add(out, a, BYTES("Accept-Encoding"), sc->enable_compression ? BYTES("gzip") : BYTES("identity"));
    values_add(out, a, BYTES("X-Prometheus-Scrape-Timeout-Seconds"), arena_dup(a, bytes_n(seconds, len)));
    if (sc->http.basic_auth && !add_basic_auth(sc->http.basic_auth, a, out, e))
        return false;
    if (sc->http.authorization && !add_authorization(sc->http.authorization, a, out, e))
        return false;
    return add_custom(&sc->http, a, out, e);
}
