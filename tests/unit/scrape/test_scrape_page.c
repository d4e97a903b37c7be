/* test_scrape_page.c: pages one after another, as the worker reads them, against a store that takes everything. */
#include "loop/gzip.h"
#include "scrape/scrape_page.h"
#include "test_scrape.h"
#include <stdlib.h>

#define OM "application/openmetrics-text; version=1.0.0"
enum { NOW = 1000000 };

/* The loop's half, as far as the cache needs it: every sample is stored, line i gets ref i + 1. */
static void settle(scrape_page *p)
{
    for (size_t i = 0; i < p->n_samples; i++)
        p->cache->lines[p->lines[i]].ref = p->lines[i] + 1;
    if (!p->error.kind && p->text.len > 0)
        scrape_cache_flush(p->cache, NULL, NULL);
}

static void read_body(scrape_page *p, const scrape_config *sc, scrape_cache *c, const char *type, bytes body, bool gz)
{
    scrape_page_init(p);
    p->config = sc;
    p->target = &labels_empty;
    p->cache = c;
    p->time_ms = NOW;
    p->now_ms = NOW;
    p->oldest_ms = 100;
    p->content_type = bytes_of(type);
    p->is_gzip = gz;
    if (gz)
        ck_assert(gzip_deflate(body, 6, &p->body));
    else
        buf_puts(&p->body, body);
    scrape_page_read(p);
}

/* Samples as `name@t=v`, marks as `stale`, then counts. */
static void describe(buf *out, const scrape_page *p)
{
    for (size_t i = 0; i < p->n_items; i++) {
        const append_item *it = &p->items[i];
        if (sample_is_stale(it->v))
            buf_printf(out, "stale:%llu ", (unsigned long long)it->ref);
        else if (it->labels)
            buf_printf(out, "%.*s@%lld=%g ", BYTES_ARG(labels_get(it->labels, LABEL_NAME)), (long long)it->t, it->v);
        else
            buf_printf(out, "%llu@%lld=%g ", (unsigned long long)it->ref, (long long)it->t, it->v);
    }
    buf_printf(out, "| %d %d %d", (int)p->total, (int)p->added, (int)p->new_series);
    if (p->n_duplicates)
        buf_printf(out, " dup %d", (int)p->n_duplicates);
    if (p->n_out_of_bounds)
        buf_printf(out, " oob %d", (int)p->n_out_of_bounds);
    if (p->error.kind)
        buf_printf(out, " ! %s", p->error.msg);
    buf_putc(out, 0);
}

enum { MAX_PAGES = 4 };
static const struct {
    const char *type;
    struct {
        const char *body, *want;
    } pages[MAX_PAGES];
    bool ignore_times, track_times;
    int sample_limit, body_limit;
} flows[] = {
    { "text/plain",
      { { "a 1\nb 2\n", "a@1000000=1 b@1000000=2 | 2 2 2" },
        { "a 3\nb 4\n", "1@1000000=3 2@1000000=4 | 2 2 0" },
        { "b 5\n", "2@1000000=5 stale:1 | 1 1 0" },
        { "b 6\na 7\n", "2@1000000=6 a@1000000=7 | 2 2 1" } } },
    { "text/plain",
      { { "a 1\na 2\na{} 3\n", "a@1000000=1 a@1000000=3 | 3 3 2 dup 1" },
        { "a 1\na 2\na{} 3\n", "1@1000000=1 2@1000000=3 | 3 3 0 dup 1" } } },
    { "text/plain",
      { { "a 1\nb 1\n", "a@1000000=1 b@1000000=1 | 2 2 2" },
        { "", "stale:1 stale:2 | 0 0 0" },
        { "", "| 0 0 0" },
        { "a 1\nb 1\n", "1@1000000=1 2@1000000=1 | 2 2 0" } } },
    { "text/plain",
      { { "a 1\n", "a@1000000=1 | 1 1 1" },
        { "a 1\nc 1\n?\n", "stale:1 | 2 2 1 ! expected a valid start token, got \"?\" (\"INVALID\") while "
                           "parsing: \"?\"" },
        { "a 1\nc 1\n", "1@1000000=1 c@1000000=1 | 2 2 1" } } },
    { "text/plain", { { "a 1 5000\nb 2\n", "a@5000=1 b@1000000=2 | 2 2 2" }, { "b 2\n", "2@1000000=2 | 1 1 0" } } },
    { "text/plain", { { "a 1 5000\n", "a@5000=1 | 1 1 1" }, { "", "stale:1 | 0 0 0" } }, .track_times = true },
    { "text/plain", { { "a 1 5000\n", "a@1000000=1 | 1 1 1" }, { "", "stale:1 | 0 0 0" } }, .ignore_times = true },
    { "text/plain",
      { { "a 1\n", "a@1000000=1 | 1 1 1" },
        { "a 2 999000\n", "1@999000=2 stale:1 | 1 1 0" },
        { "a 2 999500\n", "1@999500=2 | 1 1 0" } } },
    { "text/plain",
      { { "a 1 1000\na 2 2000\n", "a@1000=1 a@2000=2 | 2 2 1" },
        { "a 1 1000\na 2 2000\n", "1@1000=1 1@2000=2 | 2 2 0" } } },
    { "text/plain",
      { { "a 1 99\na 2\n", "a@1000000=2 | 2 2 1 oob 1" }, /* too old to make it known, so the next is the first */
        { "a 1 99\na 3\n", "stale:1 | 2 2 0 dup 1 oob 1" },
        { "a 4\na 1 99\n", "1@1000000=4 | 2 2 0 oob 1" } } },
    { "text/plain", { { "a 1 1600000\nb 1 1600001\n", "a@1600000=1 | 2 2 1 oob 1" } } },
    { "text/plain",
      { { "a 1\nb 1\nc 1\n", "| 3 3 2 ! sample limit exceeded" },
        { "a 1\nb 1\n", "a@1000000=1 b@1000000=1 | 2 2 2" },
        { "a 1\nb 1\nc 1\n", "stale:1 stale:2 | 3 3 0 ! sample limit exceeded" } },
      .sample_limit = 2 },
    { "text/plain",
      { { "a 1\n", "| 0 0 0 ! body size limit exceeded" }, { "a 1", "a@1000000=1 | 1 1 1" } },
      .body_limit = 4 },
    { OM,
      { { "a 1\n# EOF\n", "a@1000000=1 | 1 1 1" }, { "a 1\n", "stale:1 | 1 1 0 ! data does not end with # EOF" } } },
    { "text/html",
      { { "x", "| 0 0 0 ! received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol "
               "specified for target" } } },
};

START_TEST(pages_become_batches)
{
    scrape_config sc = {
        .honor_timestamps = !flows[_i].ignore_times,
        .track_timestamps_staleness = flows[_i].track_times,
        .sample_limit = (uint64_t)flows[_i].sample_limit,
        .body_size_limit = flows[_i].body_limit,
        .fallback_scrape_protocol = -1,
        .name_validation = NAME_VALIDATION_UTF8,
    };
    for (int gz = 0; gz < 2; gz++) {
        scrape_cache c;
        scrape_cache_init(&c, 1);
        for (int i = 0; i < MAX_PAGES && flows[_i].pages[i].body; i++) {
            scrape_page p;
            buf out;
            buf_init(&out, 4096);
            read_body(&p, &sc, &c, flows[_i].type, bytes_of(flows[_i].pages[i].body), gz);
            describe(&out, &p);
            ck_assert_msg(strcmp(out.p, flows[_i].pages[i].want) == 0, "page %d: %s", i, out.p);
            settle(&p);
            scrape_page_release(&p);
            buf_release(&out);
        }
        scrape_cache_release(&c);
    }
}
END_TEST

static const char metadata_page[] =
    "# HELP a first\n# TYPE a counter\na 1\n# HELP b second \\n line\n# TYPE b gauge\nb 1\n# x\n";

START_TEST(comment_lines_are_told_once)
{
    scrape_config sc = { .fallback_scrape_protocol = -1 };
    scrape_cache c;
    scrape_page p;
    scrape_cache_init(&c, 1);
    read_body(&p, &sc, &c, "text/plain", bytes_of(metadata_page), false);
    ck_assert_uint_eq(p.n_meta, 4);
    ck_assert(bytes_eq(p.meta[0].name, BYTES("a")) && bytes_eq(p.meta[0].text, BYTES("first")));
    ck_assert_int_eq(p.meta[1].kind, KIND_COUNTER);
    ck_assert(bytes_eq(p.meta[2].text, BYTES("second \n line")));
    settle(&p);
    scrape_page_release(&p);
    for (int i = 0; i < 2; i++) { /* the second page is all expected lines */
        read_body(&p, &sc, &c, "text/plain", bytes_of(metadata_page), false);
        ck_assert_uint_eq(p.n_meta, 0);
        ck_assert_uint_eq(p.n_samples, 2);
        ck_assert_uint_eq(c.n_displaced, 0);
        settle(&p);
        scrape_page_release(&p);
    }
    scrape_cache_release(&c);
}
END_TEST

START_TEST(type_of_a_known_line_holds_for_new_series)
{
    scrape_config sc = { .fallback_scrape_protocol = -1 };
    scrape_cache c;
    scrape_page p;
    scrape_cache_init(&c, 1);
    read_body(&p, &sc, &c, "text/plain", BYTES("# TYPE h histogram\nh_bucket{le=\"1\"} 1\n"), false);
    settle(&p);
    scrape_page_release(&p);
    read_body(&p, &sc, &c, "text/plain", BYTES("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 1\n"),
              false);
    ck_assert_uint_eq(p.n_samples, 2);
    ck_assert(bytes_eq(labels_get(p.items[1].labels, BYTES("le")), BYTES("2.0")));
    scrape_page_release(&p);
    scrape_cache_release(&c);
}
END_TEST

START_TEST(forgotten_refs_come_again_with_labels)
{
    scrape_config sc = { .fallback_scrape_protocol = -1, .honor_timestamps = true };
    scrape_cache c;
    scrape_page p;
    scrape_cache_init(&c, 1);
    read_body(&p, &sc, &c, "text/plain", BYTES("a 1\nb 2\nc 3 107\n"), false);
    settle(&p);
    scrape_page_release(&p);
    read_body(&p, &sc, &c, "text/plain", BYTES("a 4\nb 5\nc 6 108\n"), false);
    for (int i = 1; i < 3; i++) {
        c.lines[i].ref = 0;
        c.lines[i].flags |= LINE_LOST;
    }
    p.resolve_lost = true;
    scrape_page_read(&p);
    ck_assert_uint_eq(p.n_samples, 2);
    ck_assert(bytes_eq(labels_get(p.items[0].labels, LABEL_NAME), BYTES("b")));
    ck_assert_double_eq(p.items[0].v, 5);
    ck_assert_int_eq(p.items[1].t, 108);
    scrape_page_release(&p);
    scrape_cache_release(&c);
}
END_TEST

START_TEST(broken_gzip_is_refused)
{
    scrape_config sc = { .fallback_scrape_protocol = -1 };
    scrape_cache c;
    scrape_page p;
    scrape_cache_init(&c, 1);
    scrape_page_init(&p);
    p.config = &sc;
    p.target = &labels_empty;
    p.cache = &c;
    p.content_type = BYTES("text/plain");
    p.is_gzip = true;
    buf_putz(&p.body, "no gzip at all, only some words that are long enough");
    scrape_page_read(&p);
    ck_assert_str_eq(p.error.msg, "gzip: invalid header");
    ck_assert(!p.over_body);
    scrape_page_release(&p);
    scrape_cache_release(&c);
}
END_TEST

Suite *scrape_page_suite(void)
{
    Suite *s = suite_create("scrape_page");
    TCase *tc = tcase_create("scrape_page");
    tcase_add_loop_test(tc, pages_become_batches, 0, (int)(sizeof flows / sizeof flows[0]));
    tcase_add_test(tc, comment_lines_are_told_once);
    tcase_add_test(tc, type_of_a_known_line_holds_for_new_series);
    tcase_add_test(tc, forgotten_refs_come_again_with_labels);
    tcase_add_test(tc, broken_gzip_is_refused);
    suite_add_tcase(s, tc);
    return s;
}
