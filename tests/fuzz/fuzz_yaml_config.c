/* fuzz_yaml_config.c: any bytes as prometheus.yml, as a rule file and as files of targets.
 *
 * What is taken is written, what is written is taken again, and after a few rounds the text does not change any more.
 * (At first it may: what is zero is left out, so a zero comes back as the default, and $$ in an external label becomes
 * $; in Prometheus likewise.)                                                                                     */
#include "base/limits.h"
#include "base/log.h"
#include "config/prometheus_config.h"
#include "config/rule_file.h"
#include "config/sd_file.h"
#include <stdio.h>
#include <stdlib.h>

enum { MAX_WRITTEN = 64 << 20, MAX_ROUNDS = 40 };

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* Loads text; the result is written to out. false: refused. */
static bool load_and_write(bytes text, buf *out)
{
    static const prom_config_options bare = { .bare_errors = true };
    prom_config *c;
    err e = { 0 };
    buf_clear(out);
    if (!prom_config_parse(text, "prometheus.yml", &bare, &c, &e)) {
        must(e.kind != ERR_NONE && e.msg[0], "refused without a word");
        must(c == NULL, "refused and given");
        return false;
    }
    prom_config_write(c, out);
    prom_config_unref(c);
    return true;
}

/* Scrape config files are not followed: what they hold depends on the machine. */
static bool names_other_files(bytes text)
{
    return bytes_find_bytes(text, BYTES("scrape_config_files")) >= 0;
}

static void check_config(bytes text)
{
    buf a, b, *old = &a, *new = &b;
    buf_init(&a, MAX_WRITTEN);
    buf_init(&b, MAX_WRITTEN);
    bool settled = names_other_files(text) || !load_and_write(text, old);
    for (int i = 0; i < MAX_ROUNDS && !settled && !old->overflow && old->len < LIMIT_CONFIG_FILE; i++) {
        must(load_and_write(buf_bytes(old), new), "what was written is refused");
        settled = bytes_eq(buf_bytes(old), buf_bytes(new));
        buf *t = old;
        old = new;
        new = t;
    }
    must(settled || old->overflow || old->len >= LIMIT_CONFIG_FILE, "the text does not settle");
    buf_release(&a);
    buf_release(&b);
}

static void check_files(bytes text)
{
    static const char *const names[] = { "t.json", "t.yml" };
    for (size_t i = 0; i < 2; i++) {
        arena a;
        target_group *groups;
        size_t n;
        err e = { 0 };
        arena_init(&a, 512 << 20);
        bool ok = sd_file_parse(text, names[i], &a, &groups, &n, &e);
        must(ok || e.msg[0], "target file refused without a word");
        for (size_t k = 0; ok && k < n; k++)
            must(labels_has(groups[k].labels, BYTES("__meta_filepath")), "group without its file");
        arena_release(&a);
    }
}

static void check_rules(bytes text)
{
    arena a;
    rule_file *f;
    buf errors;
    err e = { 0 };
    arena_init(&a, 512 << 20);
    buf_init(&errors, 1 << 20);
    must(rule_file_parse(text, "r.yml", &a, NULL, &f, &errors, &e) == (errors.len == 0), "findings and verdict differ");
    buf_release(&errors);
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_configure(LOG_ERROR, LOG_LOGFMT);
    bytes text = bytes_n(data, size);
    check_config(text);
    check_files(text);
    check_rules(text);
    return 0;
}
