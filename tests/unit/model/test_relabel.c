/* test_relabel.c: relabelling, action by action, and MD5 beneath hashmod. */
#include "tests.h"
#include "model/md5.h"
#include "model/relabel.h"
#include <stdio.h>
#include <stdlib.h>

/* Defaults as in prometheus.yml: regex (.*), replacement $1, separator ;. sources: names joined by ','. */
typedef struct row {
    enum relabel_action action;
    const char *in, *sources, *regex, *target, *replacement;
    uint64_t modulus;
    const char *out; /* NULL: dropped */
    const char *separator;
} row;

static const row rows[] = {
    { RELABEL_REPLACE, "a=foo,b=bar", "a", "f(.*)", "d", "ch${1}-ch${1}", 0, "a=foo,b=bar,d=choo-choo" },
    { RELABEL_REPLACE, "a=foo,b=bar", "a,b", "(.*);(.*)", "c", "$2$1", 0, "a=foo,b=bar,c=barfoo" },
    { RELABEL_REPLACE, "a=foo,b=bar", "a,b", "(.*)/(.*)", "c", "$2$1", 0, "a=foo,b=bar,c=barfoo", "/" },
    { RELABEL_REPLACE, "a=foo", "a", "nomatch", "c", "x", 0, "a=foo" },
    { RELABEL_REPLACE, "a=foo", "a", "o", "c", "x", 0, "a=foo" },       /* anchored */
    { RELABEL_REPLACE, "a=foo,c=1", "a", "(.*)", "c", "", 0, "a=foo" }, /* an empty value deletes */
    { RELABEL_REPLACE, "a=foo,c=1", "missing", NULL, "c", NULL, 0, "a=foo" },
    { RELABEL_REPLACE, "a=foo", "", NULL, "c", "const", 0, "a=foo,c=const" },
    { RELABEL_REPLACE, "a=foo", "missing", NULL, "c", "const", 0, "a=foo,c=const" },
    { RELABEL_REPLACE, "a=some-name-value", "a", "some-([^-]+)-([^,]+)", "${1}", "${2}", 0,
      "a=some-name-value,name=value" },
    { RELABEL_REPLACE, "a=x", "a", "()x", "${1}", "v", 0, "a=x" },          /* no name: nothing happens */
    { RELABEL_REPLACE, "a=x.y", "a", "(.*)", "$1", "v", 0, "a=x.y,x.y=v" }, /* any UTF-8 is a name */
    { RELABEL_REPLACE, "a=foo,b=1", "a", NULL, "b", NULL, 0, "a=foo,b=foo" },
    { RELABEL_KEEP, "a=foo", "a", "f.*", NULL, NULL, 0, "a=foo" },
    { RELABEL_KEEP, "a=foo", "a", "o", NULL, NULL, 0, NULL },
    { RELABEL_DROP, "a=foo", "a", "f.*", NULL, NULL, 0, NULL },
    { RELABEL_DROP, "a=foo", "a", "o", NULL, NULL, 0, "a=foo" },
    { RELABEL_DROP, "a=foo", "b", "", NULL, NULL, 0, NULL }, /* a missing label is empty */
    { RELABEL_KEEPEQUAL, "a=x,b=x", "a", NULL, "b", NULL, 0, "a=x,b=x" },
    { RELABEL_KEEPEQUAL, "a=x,b=y", "a", NULL, "b", NULL, 0, NULL },
    { RELABEL_DROPEQUAL, "a=x,b=x", "a", NULL, "b", NULL, 0, NULL },
    { RELABEL_DROPEQUAL, "a=x,b=y", "a", NULL, "b", NULL, 0, "a=x,b=y" },
    { RELABEL_DROPEQUAL, "a=x", "missing", NULL, "b", NULL, 0, NULL },
    { RELABEL_HASHMOD, "c=baz", "c", NULL, "d", NULL, 1000, "c=baz,d=976" }, /* Prometheus' own test has it */
    { RELABEL_HASHMOD, "c=foo\nbar", "c", NULL, "d", NULL, 1000, "c=foo\nbar,d=734" },
    { RELABEL_LABELMAP, "a=foo,b1=bar,b2=baz", "", "(b.*)", NULL, "bar_${1}", 0,
      "a=foo,b1=bar,b2=baz,bar_b1=bar,bar_b2=baz" },
    { RELABEL_LABELMAP, "__meta_k_foo=1,__meta_k_bar=2,a=3", "", "__meta_k_(.+)", NULL, NULL, 0,
      "__meta_k_bar=2,__meta_k_foo=1,a=3,bar=2,foo=1" },
    { RELABEL_LABELMAP, "a=1", "", "(x)?a", NULL, NULL, 0, "a=1" }, /* an empty name sets nothing */
    { RELABEL_LABELDROP, "a=foo,b1=bar,b2=baz", "", "(b.*)", NULL, NULL, 0, "a=foo" },
    { RELABEL_LABELKEEP, "a=foo,b1=bar,b2=baz", "", "(b.*)", NULL, NULL, 0, "b1=bar,b2=baz" },
    { RELABEL_LOWERCASE, "a=FooÄÖ", "a", NULL, "b", NULL, 0, "a=FooÄÖ,b=fooäö" },
    { RELABEL_UPPERCASE, "a=Foo ß ç", "a", NULL, "b", NULL, 0, "a=Foo ß ç,b=FOO ß Ç" },
    { RELABEL_LOWERCASE, "a=x,b=1", "missing", NULL, "b", NULL, 0, "a=x" },
};

static relabel_rule make_rule(const row *r, bytes *names)
{
    relabel_rule rule = { .action = r->action, .source_labels = names, .modulus = r->modulus };
    bytes rest = bytes_of(r->sources);
    for (bool more = rest.len > 0; more; rule.n_source_labels++)
        more = bytes_cut(rest, ',', &names[rule.n_source_labels], &rest);
    rule.separator = r->separator ? bytes_of(r->separator) : BYTES(";");
    rule.re = regex_new(r->regex ? bytes_of(r->regex) : BYTES("(.*)"), NULL);
    rule.target_label = bytes_of(r->target);
    rule.replacement = r->replacement ? bytes_of(r->replacement) : BYTES("$1");
    return rule;
}

START_TEST(relabel_does_each_action)
{
    arena a;
    arena_init(&a, 0);
    bytes names[4];
    relabel_rule rule = make_rule(&rows[_i], names);
    labels_builder b;
    labels_builder_init(&b, &a, test_labels(&a, rows[_i].in));
    bool keep = relabel_apply(&rule, 1, &b);
    ck_assert_int_eq(keep, rows[_i].out != NULL);
    if (keep) {
        buf got, want;
        buf_init(&got, 1000);
        buf_init(&want, 1000);
        labels_print(&got, labels_builder_build(&b));
        labels_print(&want, test_labels(&a, rows[_i].out));
        ck_assert_msg(bytes_eq(buf_bytes(&got), buf_bytes(&want)), "got %.*s, want %.*s", BYTES_ARG(buf_bytes(&got)),
                      BYTES_ARG(buf_bytes(&want)));
        buf_release(&got);
        buf_release(&want);
    }
    regex_unref(rule.re);
    arena_release(&a);
}
END_TEST

START_TEST(relabel_rules_run_in_order_until_one_drops)
{
    static const row chain[] = {
        { RELABEL_REPLACE, "", "a", "(.*)", "b", "$1-1", 0, NULL },
        { RELABEL_REPLACE, "", "b", "(.*)", "c", "$1-2", 0, NULL },
        { RELABEL_DROP, "", "c", "foo-1-2", NULL, NULL, 0, NULL },
        { RELABEL_REPLACE, "", "c", "(.*)", "d", "never", 0, NULL },
    };
    arena a;
    arena_init(&a, 0);
    bytes names[4][4];
    relabel_rule rules[4];
    for (int i = 0; i < 4; i++)
        rules[i] = make_rule(&chain[i], names[i]);
    labels_builder b;
    labels_builder_init(&b, &a, test_labels(&a, "a=foo"));
    ck_assert(!relabel_apply(rules, 4, &b));
    ck_bytes(labels_builder_get(&b, BYTES("c")), "foo-1-2");
    ck_bytes(labels_builder_get(&b, BYTES("d")), "");
    labels_builder_init(&b, &a, test_labels(&a, "a=bar"));
    ck_assert(relabel_apply(rules, 4, &b));
    ck_bytes(labels_builder_get(&b, BYTES("d")), "never");
    for (int i = 0; i < 4; i++)
        regex_unref(rules[i].re);
    arena_release(&a);
}
END_TEST

START_TEST(relabel_actions_have_names)
{
    ck_assert_str_eq(relabel_action_names[RELABEL_REPLACE], "replace");
    ck_assert_str_eq(relabel_action_names[RELABEL_HASHMOD], "hashmod");
    for (int i = 0; i < RELABEL_N_ACTIONS; i++)
        ck_assert_ptr_nonnull(relabel_action_names[i]);
}
END_TEST

/* RFC 1321, appendix 5, and runs that end around a block's end. */
START_TEST(md5_gives_the_digests_of_its_rfc)
{
    static const struct {
        const char *text, *hex;
    } digests[] = {
        { "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "a", "0cc175b9c0f1b6a831c399e269772661" },
        { "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f" },
        { "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
          "57edf4a22be3c955ac49da2e2107b67a" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ef1772b6dff9a122358552954ad0df65" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "3b0c8ac703f828b04c6c197006d17218" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "014842d480b571495a4a0363793f7367" },
    };
    for (int i = 0; i < N_ROWS(digests); i++) {
        uint8_t digest[16];
        char hex[33];
        md5(bytes_of(digests[i].text), digest);
        for (int k = 0; k < 16; k++)
            snprintf(hex + 2 * k, 3, "%02x", digest[k]);
        ck_assert_str_eq(hex, digests[i].hex);
    }
    ck_assert_uint_eq(md5_low64((bytes){ 0 }), UINT64_C(0xe9800998ecf8427e));
}
END_TEST

TCase *relabel_cases(void)
{
    TCase *tc = tcase_create("relabel");
    tcase_add_loop_test(tc, relabel_does_each_action, 0, N_ROWS(rows));
    tcase_add_test(tc, relabel_rules_run_in_order_until_one_drops);
    tcase_add_test(tc, relabel_actions_have_names);
    tcase_add_test(tc, md5_gives_the_digests_of_its_rfc);
    return tc;
}
