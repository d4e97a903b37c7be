/* go_url.h: is a text a URL to Go's net/url? Configuration checks with it; loop/url.h takes URLs apart. */
#ifndef CONFIG_GO_URL_H
#define CONFIG_GO_URL_H
#include "base/buf.h"
#include "base/err.h"

typedef struct go_url {
    bytes scheme, host;     /* borrowed; empty where there is none; host with its port */
} go_url;

/* As url.Parse; errors as Go words them: `parse "http://[::1": missing ']' in host`. u may be NULL. */
bool go_url_parse(bytes text, go_url *u, err *e);
static inline bool go_url_check(bytes text, err *e) { return go_url_parse(text, NULL, e); }
/* The text with the password of its user part as xxxxx. */
void go_url_redact(bytes text, buf *out);
#endif
