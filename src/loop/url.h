/* url.h: URLs as Go's net/url reads and prints them, as far as HTTP needs it. No uv, any thread.
 *
 * A parsed URL is bytes in the given arena (or of the text). Percent-decoding takes place where it says so.        */
#ifndef LOOP_URL_H
#define LOOP_URL_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "loop/values.h"

typedef struct url {
    bytes scheme;              /* lower case */
    bytes user, password;      /* decoded */
    bool has_user, has_password;
    bytes host;                /* without port and brackets, lower case kept as given */
    bytes port_text;           /* digits as given, may be empty */
    uint16_t port;             /* given, or 80 / 443 by scheme; 0 for other schemes */
    bool is_v6;                /* host stood in brackets */
    bytes path;                /* encoded as given; may be empty */
    bytes query;               /* behind '?', encoded as given */
    bytes fragment;
    bool has_query;
} url;

/* Absolute URLs only (scheme://host...). Errors as Go: `parse "x": missing protocol scheme`, ... */
bool url_parse(bytes text, arena *a, url *out, err *e);
/* ref (absolute, //host, /path, path, ?query) seen from base; RFC 3986 section 5. */
bool url_resolve(const url *base, bytes ref, arena *a, url *out, err *e);
/* As text, without fragment; the password is left out when redact is set ("xxxxx", as Go's Redacted). */
bytes url_format(const url *u, bool redact, arena *a);
/* The same for text that may be no URL at all (logs). */
bytes url_redact(bytes text, arena *a);
/* "host", "host:port" or "[v6]:port", for a Host header: the port where one was given, as Go. */
void url_put_host(const url *u, buf *out);
/* Path (at least "/") and "?query". */
void url_put_target(const url *u, buf *out);

/* Percent-decoding; plus: '+' is a space (query strings). Without a '%' (and '+') the input itself comes back.
 * false: `invalid URL escape "%zz"`. */
bool url_unescape(bytes in, bool plus, arena *a, bytes *out, err *e);
/* Go's url.QueryEscape: all but letters, digits and -_.~ become %XX, a space becomes '+'. */
void url_escape_query(buf *out, bytes in);
/* Go's url.PathEscape, for one segment. */
void url_escape_path(buf *out, bytes in);
/* "a=1&b=2" → pairs, appended. At most LIMIT_HTTP_VALUES pairs. As Go: a pair with a ';' or a bad escape is an error,
 * the others are kept; the first error is reported. */
bool url_parse_query(bytes query, arena *a, http_values *out, err *e);

/* A decoded absolute path cleaned as Go's path.Clean ("//", "." and ".." resolved), a trailing slash kept. */
bytes url_clean_path(bytes path, arena *a);
/* "host:port", ":port", "[v6]:port" → parts (host may be empty). Errors as Go's net.SplitHostPort. */
bool url_split_host_port(bytes text, bytes *host, uint16_t *port, err *e);
#endif
