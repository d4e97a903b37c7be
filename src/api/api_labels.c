/* api_labels.c: which series, label names and label values there are in a time range. */
#include "api/api_labels.h"
#include "api/api_params.h"
#include "api/api_reply.h"
#include "api/read_flow.h"
#include "base/utf8.h"
#include <stdlib.h>

typedef struct labels_flow {
    read_flow flow;
    api_selectors match;
    db_selector everything;     /* where no match[] was given */
    size_t limit;
    bytes name;                 /* of label values */
} labels_flow;

static const bytes truncated = BYTES_INIT("results truncated due to limit");

static void end_answer(json_writer *w, bool cut)
{
    json_end(w);
    api_end(w, &truncated, cut ? 1 : 0, NULL, 0);
}

/* ---- series ---- */

static void write_labels(json_writer *w, const labels *l)
{
    label x;
    json_object(w);
    for (labels_iter it = labels_walk(l); labels_next(&it, &x);) {
        json_key_bytes(w, x.name);
        json_str(w, x.value);
    }
    json_end(w);
}

static int by_labels(const void *a, const void *b)
{
    return labels_cmp(((const series_view *)a)->labels, ((const series_view *)b)->labels);
}

/* All selectors' series in one sorted list; each selector's own list is sorted already. */
static bool gather(labels_flow *f, arena *a, series_view **out, size_t *n, err *e)
{
    series_view *all = NULL;
    *n = 0;
    for (size_t i = 0; i < f->flow.n_sels; i++) {
        series_view *some;
        size_t n_some;
        if (!snapshot_series(f->flow.snap, i, a, &some, &n_some, e))
            return false;
        if (n_some == 0)
            continue;
        all = *n ? arena_grow(a, all, *n * sizeof *all, (*n + n_some) * sizeof *all) : some;
        if (*n)
            memcpy(all + *n, some, n_some * sizeof *some);
        *n += n_some;
    }
    if (f->flow.n_sels > 1 && *n)
        qsort(all, *n, sizeof *all, by_labels);
    *out = all;
    return true;
}

static bool run_series(read_flow *base, err *e)
{
    labels_flow *f = (labels_flow *)base;
    arena a;
    arena_init(&a, 0);
    series_view *list;
    size_t n, written = 0;
    bool ok = gather(f, &a, &list, &n, e), cut = false;
    if (ok) {
        json_writer w;
        api_begin(&w, &base->body);
        json_array(&w);
        for (size_t i = 0; i < n && !cut; i++) {
            if (i > 0 && labels_eq(list[i - 1].labels, list[i].labels))
                continue;
            cut = f->limit && written == f->limit;
            if (!cut) {
                write_labels(&w, list[i].labels);
                written++;
            }
        }
        end_answer(&w, cut);
    }
    arena_release(&a);
    return ok;
}

/* ---- names and values ---- */

static void write_list(read_flow *base, bytes *list, size_t n, size_t limit)
{
    bool cut = limit && n > limit;
    json_writer w;
    api_begin(&w, &base->body);
    json_array(&w);
    for (size_t i = 0; i < n && !(cut && i == limit); i++)
        json_str(&w, list[i]);
    end_answer(&w, cut);
}

/* One more than the limit is asked for: that it exists is how a cut is noticed. */
static bool run_names(read_flow *base, err *e)
{
    labels_flow *f = (labels_flow *)base;
    arena a;
    arena_init(&a, 0);
    bytes *list;
    size_t n, ask = f->limit ? f->limit + 1 : 0;
    bool ok = f->name.p ? snapshot_label_values(base->snap, f->name, ask, &a, &list, &n, e)
                        : snapshot_label_names(base->snap, ask, &a, &list, &n, e);
    if (ok)
        write_list(base, list, n, f->limit);
    arena_release(&a);
    return ok;
}

static void release(read_flow *base)
{
    api_selectors_release(&((labels_flow *)base)->match);
}

static const read_flow_steps series_steps = { NULL, run_series, release };
static const read_flow_steps names_steps = { NULL, run_names, release };

/* ---- requests ---- */

/* Parameters common to the three; NULL: *e says what is wrong, with the parameter's name where name_match is set. */
static labels_flow *read_params(http_request *req, bool name_match, err *e)
{
    labels_flow *f = ARENA_NEW(req->arena, labels_flow);
    int64_t mint, maxt;
    if (!api_limit_param(req, &f->limit, e) || !api_range_params(req, &mint, &maxt, e))
        return NULL;
    if (!api_match_params(req, mint, maxt, &f->match, e)) {
        if (name_match)
            err_wrap(e, "invalid parameter \"match[]\"");
        return NULL;
    }
    f->everything = (db_selector){ .mint = mint, .maxt = maxt, .names_only = true }; /* /series has matchers */
    f->flow.sels = f->match.n ? f->match.sels : &f->everything;
    f->flow.n_sels = f->match.n ? f->match.n : 1;
    return f;
}

void api_series(http_request *req, void *env)
{
    err e = { 0 };
    bytes any;
    if (!values_get(&req->form, "match[]", &any)) {
        api_reply_errf(req, ERR_BAD_DATA, "no match[] parameter provided");
        return;
    }
    labels_flow *f = read_params(req, true, &e);
    if (f)
        read_flow_start(&f->flow, &series_steps, env, req);
    else
        api_reply_err(req, &e);
}

void api_label_names(http_request *req, void *env)
{
    err e = { 0 };
    labels_flow *f = read_params(req, false, &e);
    if (f)
        read_flow_start(&f->flow, &names_steps, env, req);
    else
        api_reply_err(req, &e);
}

/* U__ escapes of names that are no legacy names (UTF-8 in Prometheus, "values" escaping): U__my_2e_name is my.name, __ is _.
 * Anything malformed is the name as it stands. */
static bytes unescape_name(arena *a, bytes name)
{
    if (!bytes_has_prefix(name, BYTES("U__")))
        return name;
    char *out = arena_text(a, name.len);
    size_t n = 0;
    for (size_t i = 3; i < name.len; i++) {
        if (name.p[i] != '_') {
            out[n++] = name.p[i];
            continue;
        }
        if (i + 1 < name.len && name.p[i + 1] == '_') {
            out[n++] = '_';
            i++;
            continue;
        }
        uint32_t rune = 0;
        size_t j = i + 1;
        for (; j < name.len && name.p[j] != '_' && j - i <= 6; j++) {
            char c = name.p[j];
            int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
            if (d < 0)
                return name;
            rune = rune * 16 + (uint32_t)d;
        }
        char utf8[4];
        if (j >= name.len || name.p[j] != '_' || j == i + 1 || rune > 0x10ffff)
            return name;
        int width = utf8_encode(rune, utf8);
        memcpy(out + n, utf8, (size_t)width);
        n += (size_t)width;
        i = j;
    }
    return (bytes){ out, n };
}

void api_label_values(http_request *req, void *env)
{
    err e = { 0 };
    bytes name = unescape_name(req->arena, http_param(req, "name"));
    if (name.len == 0 || !utf8_valid(name)) {
        buf quoted;
        buf_init(&quoted, 4096);
        utf8_quote(&quoted, bytes_sub(name, 0, 500));
        api_reply_errf(req, ERR_BAD_DATA, "invalid label name: %.*s", BYTES_ARG(buf_bytes(&quoted)));
        buf_release(&quoted);
        return;
    }
    labels_flow *f = read_params(req, false, &e);
    if (!f) {
        api_reply_err(req, &e);
        return;
    }
    f->name = name;
    read_flow_start(&f->flow, &names_steps, env, req);
}
