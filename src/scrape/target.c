/* target.c: see target.h. */
#include "scrape/target.h"
#include "base/duration.h"
#include "base/utf8.h"
#include "loop/url.h"
#include "model/relabel.h"
#include <stdlib.h>

#define META_PREFIX BYTES("__meta_")
#define PARAM_PREFIX BYTES("__param_")
#define RESERVED_PREFIX BYTES("__")

/* Scraping several targets in one go costs a third less than one by one: code and connections are warm, and the loop
 * wakes once. More would hold the loop for long where targets are many. */
enum { TARGETS_PER_SLOT = 8, MIN_SLOTS = 4, MAX_SLOTS = 1024 };

static bytes from_bool(bool v)
{
    return v ? BYTES("true") : BYTES("false");
}

/* strconv.ParseBool */
static bool is_bool(bytes v)
{
    static const char *const words[] = {
        "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (bytes_eq(v, bytes_of(words[i])))
            return true;
    return false;
}

/* Sets what the job says where discovery said nothing. */
static void set_default(labels_builder *b, bytes name, bytes value)
{
    if (labels_builder_get(b, name).len == 0)
        labels_builder_set(b, name, value);
}

static void set_all(labels_builder *b, const labels *l, const labels *unless_in)
{
    labels_iter it = labels_walk(l);
    label x;
    while (labels_next(&it, &x))
        if (!unless_in || !labels_has(unless_in, x.name))
            labels_builder_set(b, x.name, x.value);
}

static void discovered_labels(labels_builder *b, arena *a, const scrape_config *sc, const labels *group,
                              const labels *own)
{
    set_all(b, own, NULL);
    set_all(b, group, own);
    set_default(b, BYTES("job"), sc->job_name);
    set_default(b, BYTES("__scrape_interval__"), duration_format(a, sc->scrape_interval_ms));
    set_default(b, BYTES("__scrape_timeout__"), duration_format(a, sc->scrape_timeout_ms));
    set_default(b, BYTES("__metrics_path__"), sc->metrics_path);
    set_default(b, BYTES("__scheme__"), sc->scheme);
    set_default(b, BYTES("__convert_classic_histograms_to_nhcb__"),
                from_bool(sc->convert_classic_histograms_to_nhcb > 0));
    set_default(b, BYTES("__always_scrape_classic_histograms__"), from_bool(sc->always_scrape_classic_histograms > 0));
    set_default(b, BYTES("__scrape_native_histograms__"), from_bool(sc->scrape_native_histograms > 0));
    for (size_t i = 0; i < sc->params.n; i++) {
        const strings_pair *p = &sc->params.p[i];
        if (p->value.n > 0)
            set_default(b, arena_bytesf(a, "__param_%.*s", BYTES_ARG(p->key)), p->value.p[0]);
    }
}

/* ---- checks */

/* As Go's %q; in the builder's arena. */
static const char *quoted(const labels_builder *b, bytes s)
{
    buf q;
    buf_init(&q, 1024);
    utf8_quote(&q, bytes_sub(s, 0, 200));
    const char *out = arena_cstr(b->a, buf_bytes(&q));
    buf_release(&q);
    return out;
}

static bool parse_time(const labels_builder *b, const char *name, const char *what, int64_t *ms, err *e)
{
    if (!duration_parse(labels_builder_get(b, bytes_of(name)), ms, e))
        return err_wrap(e, "error parsing scrape %s", what);
    return *ms != 0 || err_set(e, ERR_BAD_DATA, "scrape %s cannot be 0", what);
}

static bool check_times(const labels_builder *b, target *t, err *e)
{
    if (!parse_time(b, "__scrape_interval__", "interval", &t->interval_ms, e)
        || !parse_time(b, "__scrape_timeout__", "timeout", &t->timeout_ms, e))
        return false;
    if (t->timeout_ms <= t->interval_ms)
        return true;
    return err_set(e, ERR_BAD_DATA, "scrape timeout cannot be greater than scrape interval (%s > %s)",
                   quoted(b, labels_builder_get(b, BYTES("__scrape_timeout__"))),
                   quoted(b, labels_builder_get(b, BYTES("__scrape_interval__"))));
}

static bool check_bools(const labels_builder *b, err *e)
{
    static const struct {
        const char *label, *text;
    } bools[] = {
        { "__convert_classic_histograms_to_nhcb__", "error parsing convert classic histograms to nhcb" },
        { "__always_scrape_classic_histograms__", "error parsing always scrape classic histograms" },
        { "__scrape_native_histograms__", "error parsing scrape native histograms" },
    };
    for (size_t i = 0; i < sizeof bools / sizeof bools[0]; i++) {
        bytes v = labels_builder_get(b, bytes_of(bools[i].label));
        if (v.len > 0 && !is_bool(v))
            return err_set(e, ERR_BAD_DATA, "%s: strconv.ParseBool: parsing %s: invalid syntax", bools[i].text,
                           quoted(b, v));
    }
    return true;
}

static bool check_values(const labels_builder *b, err *e)
{
    for (size_t i = 0; i < b->n; i++)
        if (!utf8_valid(b->list[i].value))
            return err_set(e, ERR_BAD_DATA, "invalid label value for %s: %s", quoted(b, b->list[i].name),
                           quoted(b, b->list[i].value));
    return true;
}

static bool check(const labels_builder *b, target *t, err *e)
{
    bytes address = labels_builder_get(b, BYTES("__address__"));
    if (address.len == 0)
        return err_set(e, ERR_BAD_DATA, "no address");
    if (bytes_find(address, '/') >= 0)
        return err_set(e, ERR_BAD_DATA, "%s is not a valid hostname", quoted(b, address));
    return check_times(b, t, e) && check_bools(b, e) && check_values(b, e);
}

/* ---- URL, as Go's url.URL prints it */

static void put_escaped(buf *b, bytes s, const char *keep)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                     || (c && (strchr("-_.~", c) || strchr(keep, c)));
        if (plain)
            buf_putc(b, (char)c);
        else
            buf_put(b, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
    }
}

typedef struct param_list {
    string_pair *p;
    size_t n;
} param_list;

/* The job's parameters, the first value of each replaced by its label; labels of other parameters; sorted by name. */
static param_list params(arena *a, const scrape_config *sc, const labels_builder *b)
{
    size_t cap = b->n;
    for (size_t i = 0; i < sc->params.n; i++)
        cap += sc->params.p[i].value.n + 1;
    param_list out = { ARENA_ARRAY(a, string_pair, cap + 1), 0 };
    for (size_t i = 0; i < b->n; i++)
        if (bytes_has_prefix(b->list[i].name, PARAM_PREFIX))
            out.p[out.n++] = (string_pair){ bytes_sub(b->list[i].name, PARAM_PREFIX.len, SIZE_MAX), b->list[i].value };
    for (size_t i = 0; i < sc->params.n; i++) {
        const strings_pair *p = &sc->params.p[i];
        bool has_label = labels_builder_get(b, arena_bytesf(a, "__param_%.*s", BYTES_ARG(p->key))).len > 0;
        for (size_t k = has_label ? 1 : 0; k < p->value.n; k++)
            out.p[out.n++] = (string_pair){ p->key, p->value.p[k] };
    }
    for (size_t i = 1; i < out.n; i++) { /* stable: a label's value stays in front of the job's others */
        string_pair x = out.p[i];
        size_t j = i;
        for (; j > 0 && bytes_cmp(out.p[j - 1].key, x.key) > 0; j--)
            out.p[j] = out.p[j - 1];
        out.p[j] = x;
    }
    return out;
}

static char *make_url(arena *a, const scrape_config *sc, const labels_builder *b)
{
    buf out;
    buf_init(&out, 1 << 20);
    bytes scheme = labels_builder_get(b, BYTES("__scheme__"));
    bytes path = labels_builder_get(b, BYTES("__metrics_path__"));
    param_list list = params(a, sc, b);
    if (scheme.len > 0) {
        buf_puts(&out, scheme);
        buf_putc(&out, ':');
    }
    buf_putz(&out, "//");
    put_escaped(&out, labels_builder_get(b, BYTES("__address__")), "!$&'()*+,;=:[]<>\"");
    if (path.len > 0 && path.p[0] != '/')
        buf_putc(&out, '/');
    put_escaped(&out, path, "$&+,/:;=@");
    for (size_t i = 0; i < list.n; i++) {
        buf_putc(&out, i == 0 ? '?' : '&');
        url_escape_query(&out, list.p[i].key);
        buf_putc(&out, '=');
        url_escape_query(&out, list.p[i].value);
    }
    size_t len;
    return buf_take(&out, &len);
}

/* ---- making one */

static labels *take_heap(const labels *l)
{
    return labels_ref(l); /* a heap copy of the arena's set */
}

/* What goes on the samples: all but reserved names. */
static labels *sample_labels(const labels_builder *b, arena *a)
{
    label *list = ARENA_ARRAY(a, label, b->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        if (!bytes_has_prefix(b->list[i].name, RESERVED_PREFIX))
            list[n++] = b->list[i];
    return labels_new(list, n);
}

static void drop_meta(labels_builder *b, arena *a)
{
    const labels *before = labels_builder_build(b);
    labels_iter it = labels_walk(before);
    label x;
    while (labels_next(&it, &x))
        if (bytes_has_prefix(x.name, META_PREFIX))
            labels_builder_del(b, x.name);
}

bool target_new(const scrape_config *sc, const labels *group_labels, const labels *target_labels, target **out, err *e)
{
    arena a;
    labels_builder b;
    bool ok = true;
    target *t = xcalloc(1, sizeof *t);
    t->refs = 1;
    arena_init(&a, 0);
    labels_builder_init(&b, &a, NULL);
    discovered_labels(&b, &a, sc, group_labels, target_labels);
    t->discovered = take_heap(labels_builder_build(&b));
    if (relabel_apply(sc->relabel.p, sc->relabel.n, &b)) {
        ok = check(&b, t, e);
        if (ok) {
            drop_meta(&b, &a);
            set_default(&b, BYTES("instance"), labels_builder_get(&b, BYTES("__address__")));
            t->url = make_url(&a, sc, &b);
            t->labels = sample_labels(&b, &a);
            t->hash = t->labels->hash ^ bytes_hash(bytes_of(t->url));
        }
    }
    arena_release(&a);
    if (ok)
        *out = t;
    else
        target_unref(t);
    return ok;
}

target *target_ref(target *t)
{
    t->refs++;
    return t;
}

void target_unref(target *t)
{
    if (!t || --t->refs > 0)
        return;
    labels_unref(t->discovered);
    labels_unref(t->labels);
    free(t->url);
    free(t);
}

int64_t target_offset_ms(const target *t, uint64_t seed, uint32_t slots)
{
    uint64_t slot = ((t->hash ^ seed) >> 32) * slots >> 32;
    return (int64_t)(slot * (uint64_t)t->interval_ms / slots);
}

uint32_t target_slots(size_t n)
{
    uint32_t slots = MIN_SLOTS;
    while (slots < MAX_SLOTS && slots * (size_t)TARGETS_PER_SLOT < n)
        slots *= 2;
    return slots;
}
