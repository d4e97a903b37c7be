/* store.c: see store.h. */
#include "store.h"
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb, (void)flag, (void)ftw;
    return remove(path);
}

void remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void open_store(store *st)
{
    err e = { 0 };
    ck_assert_msg(db_open(&st->opt, &st->db, &e), "db_open: %s", e.msg);
}

void store_begin(store *st, int64_t ooo_window_ms)
{
    *st = (store){ .dir = "/tmp/tsdb-test-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(st->dir));
    st->opt = (db_options){ .dir = st->dir, .ooo_window_ms = ooo_window_ms, .flush_interval_ms = 5000 };
    arena_init(&st->a, 0);
    open_store(st);
}

static void close_store(store *st, bool clean)
{
    err e = { 0 };
    if (clean)
        ck_assert_msg(db_close(st->db, &e), "db_close: %s", e.msg);
    else
        db_abandon(st->db);
    st->db = NULL;
}

void store_end(store *st)
{
    close_store(st, true);
    arena_release(&st->a);
    remove_tree(st->dir);
}

void store_restart(store *st, bool clean)
{
    close_store(st, clean);
    open_store(st);
}

const labels *store_labels(store *st, const char *text)
{
    label list[32];
    size_t n = 0;
    bytes rest = bytes_of(text), part, value, name;
    bool more = bytes_cut(rest, ',', &part, &rest);
    list[n++] = (label){ LABEL_NAME, arena_dup(&st->a, part) };
    while (more) {
        more = bytes_cut(rest, ',', &part, &rest);
        bytes_cut(part, '=', &name, &value);
        list[n++] = (label){ arena_dup(&st->a, name), arena_dup(&st->a, value) };
    }
    return labels_from(&st->a, list, n);
}

enum append_status store_put(store *st, const char *series, int64_t t, double v, uint64_t *ref)
{
    append_item it = { .labels = store_labels(st, series), .t = t, .v = v };
    db_append(st->db, &it, 1);
    if (ref)
        *ref = it.ref;
    return (enum append_status)it.status;
}

static void parse_matcher(store *st, bytes part, matcher *m)
{
    static const struct { const char *text; enum matcher_op op; } ops[] = {
        { "!~", MATCH_NRE }, { "=~", MATCH_RE }, { "!=", MATCH_NE }, { "=", MATCH_EQ }
    };
    err e = { 0 };
    for (size_t i = 0; i < 4; i++) {
        ptrdiff_t at = bytes_find_bytes(part, bytes_of(ops[i].text));
        if (at < 0)
            continue;
        bytes name = bytes_sub(part, 0, (size_t)at),
              value = bytes_sub(part, (size_t)at + strlen(ops[i].text), SIZE_MAX);
        ck_assert_msg(matcher_init(m, &st->a, ops[i].op, name, value, &e), "%s", e.msg);
        return;
    }
    ck_assert(matcher_init(m, &st->a, MATCH_EQ, LABEL_NAME, part, &e));
}

matcher *store_matchers(store *st, const char *text, size_t *n)
{
    matcher *ms = ARENA_ARRAY(&st->a, matcher, 16);
    bytes rest = bytes_of(text), part;
    *n = 0;
    while (rest.len) {
        bool more = bytes_cut(rest, ',', &part, &rest);
        parse_matcher(st, part, &ms[(*n)++]);
        if (!more)
            break;
    }
    return ms;
}

static void release_matchers(matcher *ms, size_t n)
{
    for (size_t i = 0; i < n; i++)
        matcher_release(&ms[i]);
}

static void dump_series(buf *out, const labels *l, const sample_columns *x)
{
    label p;
    buf_puts(out, labels_get(l, LABEL_NAME));
    for (labels_iter it = labels_walk(l); labels_next(&it, &p);)
        if (!bytes_eq(p.name, LABEL_NAME))
            buf_printf(out, ",%.*s=%.*s", BYTES_ARG(p.name), BYTES_ARG(p.value));
    buf_putc(out, ':');
    for (size_t i = 0; i < x->n; i++)
        buf_printf(out, " %lld:%.17g", (long long)x->t[i], x->v[i]);
    buf_putc(out, '\n');
}

const char *store_dump(store *st, const char *text, int64_t mint, int64_t maxt)
{
    size_t n_ms = 0, n = 0;
    matcher *ms = store_matchers(st, text, &n_ms);
    db_selector sel = { .ms = ms, .n = n_ms, .mint = mint, .maxt = maxt };
    snapshot *s = NULL;
    series_view *views = NULL;
    sample_columns x = { 0 };
    buf out;
    err e = { 0 };
    buf_init(&out, SIZE_MAX);
    ck_assert_msg(snapshot_open(st->db, &sel, 1, &s, &e), "%s", e.msg);
    ck_assert_msg(snapshot_series(s, 0, &st->a, &views, &n, &e), "%s", e.msg);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(series_read(s, &views[i], mint, maxt, &x, &e), "%s", e.msg);
        sample last;
        bool found = false;
        ck_assert_msg(series_last(s, &views[i], mint, maxt, &last, &found, &e), "%s", e.msg);
        ck_assert_int_eq(found, x.n > 0);
        if (found) {
            ck_assert_int_eq(last.t, x.t[x.n - 1]);
            ck_assert_uint_eq(num_bits(last.v), num_bits(x.v[x.n - 1]));
        }
        if (i)
            ck_assert_int_lt(labels_cmp(views[i - 1].labels, views[i].labels), 0);
        if (x.n)
            dump_series(&out, views[i].labels, &x);
    }
    snapshot_free(s);
    sample_columns_release(&x);
    release_matchers(ms, n_ms);
    const char *result = arena_cstr(&st->a, buf_bytes(&out));
    buf_release(&out);
    return result;
}

bool store_delete(store *st, const char *text, int64_t mint, int64_t maxt)
{
    size_t n = 0;
    uint64_t seq = 0;
    err e = { 0 };
    matcher *ms = store_matchers(st, text, &n);
    bool ok = db_delete(st->db, ms, n, mint, maxt, &seq, &e);
    release_matchers(ms, n);
    return ok;
}
