/* router.h: which row of the route tables answers a path and method; as httprouter, which Prometheus uses.
 *
 * Literals and parameters as http_server.h says (http_route). The first row that fits wins. No sockets; pure functions
 * of the tables, which the router borrows.                                                                      */
#ifndef LOOP_ROUTER_H
#define LOOP_ROUTER_H
#include "loop/http_server.h"

typedef struct router router;

enum router_outcome {
    ROUTER_FOUND,
    ROUTER_REDIRECT,      /* the path with its trailing slash added or taken away has a row for this method */
    ROUTER_METHOD,        /* only other methods fit: 405, or 200 for OPTIONS; `allowed` says which */
    ROUTER_NOT_FOUND,
};

typedef struct router_match {
    enum router_outcome outcome;
    const http_route *route;    /* FOUND */
    size_t index;               /* of the row over all tables, in the order they were added */
    unsigned allowed;           /* METHOD: bits, OPTIONS among them */
    http_values params;         /* FOUND */
} router_match;

router *router_new(void);
void router_free(router *r);
void router_add(router *r, const http_route *routes, size_t n);
size_t router_len(const router *r);
const http_route *router_row(const router *r, size_t index);
router_match router_find(const router *r, unsigned method, bytes path, arena *a);
/* "GET, OPTIONS, POST", sorted. */
void router_put_methods(unsigned methods, buf *out);
/* One pattern against one path, params (may be NULL) appended. */
bool router_fits(const char *pattern, bytes path, arena *a, http_values *params);
#endif
