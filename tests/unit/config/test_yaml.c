/* test_yaml.c: the tree and the types of plain scalars. Errors of whole files: tests/config/bad/yaml-*. */
#include "config/yaml.h"
#include "base/buf.h"
#include "base/limits.h"
#include "test_config.h"

/* The tree as one line: scalars by their type and text, [lists], {maps}. */
static void draw(buf *out, const yaml_node *n)
{
    yaml_value v;
    err e = { 0 };
    if (n->kind == YAML_NODE_SCALAR) {
        ck_assert_msg(yaml_resolve(n, &v, &e), "%s", e.msg);
        buf_printf(out, "%s:%.*s", yaml_type_tag(v.type) + 2, BYTES_ARG(n->text));
        return;
    }
    bool is_list = n->kind == YAML_NODE_LIST;
    buf_putc(out, is_list ? '[' : '{');
    for (size_t i = 0; i < n->n; i++) {
        buf_putz(out, i ? " " : "");
        if (!is_list) {
            draw(out, n->pairs[i].key);
            buf_putz(out, "=");
        }
        draw(out, is_list ? n->items[i] : n->pairs[i].value);
    }
    buf_putc(out, is_list ? ']' : '}');
}

static const struct {
    const char *text, *tree;
} trees[] = {
    { "a: 1\nb: [x, 'y', \"z\"]\n", "{str:a=int:1 str:b=[str:x str:y str:z]}" },
    { "{}", "{}" },
    { "[]", "[]" },
    { "~", "null:~" },
    { "a:\n", "{str:a=null:}" },
    { "x: &a [1]\nz: *a\n", "{str:x=[int:1] str:z=[int:1]}" },
    { "- |\n  two\n  lines\n", "[str:two\nlines\n]" },
    { "!!str 5", "str:5" },
    { "!!float 5", "float:5" },
    { "!custom 5", "str:5" },
    { "\"5\"", "str:5" },
    { "first\n---\nsecond\n", "str:first" },
    /* merges: own keys win, then the earlier map; the rest follows */
    { "b: &b {x: 1, z: 2}\nm: {<<: *b, x: 3}\n", "{str:b={str:x=int:1 str:z=int:2} str:m={str:x=int:3 str:z=int:2}}" },
    { "m: {<<: [{x: 1}, {x: 2, z: 2}]}", "{str:m={str:x=int:1 str:z=int:2}}" },
    { "m: {'<<': 1}", "{str:m={str:<<=int:1}}" },
};

START_TEST(tree_is_what_the_text_says)
{
    arena a;
    buf out;
    const yaml_node *root;
    err e = { 0 };
    arena_init(&a, 0);
    buf_init(&out, 1 << 16);
    ck_assert_msg(yaml_parse(bytes_of(trees[_i].text), &a, &root, &e), "%s", e.msg);
    draw(&out, root);
    ck_assert_str_eq(buf_cstr(&out), trees[_i].tree);
    buf_release(&out);
    arena_release(&a);
}
END_TEST

static const struct {
    const char *text;
    enum yaml_type type;
    double number; /* of numbers and booleans */
} scalars[] = {
    { "", YAML_NULL, 0 },
    { "~", YAML_NULL, 0 },
    { "Null", YAML_NULL, 0 },
    { "nULL", YAML_STR, 0 },
    { "yes", YAML_BOOL, 1 },
    { "Off", YAML_BOOL, 0 },
    { "y", YAML_BOOL, 1 },
    { "TRUE", YAML_BOOL, 1 },
    { "tRUE", YAML_STR, 0 },
    { "0", YAML_INT, 0 },
    { "-0", YAML_INT, 0 },
    { "+12", YAML_INT, 12 },
    { "0x1F", YAML_INT, 31 },
    { "-0x10", YAML_INT, -16 },
    { "0b101", YAML_INT, 5 },
    { "010", YAML_INT, 8 },
    { "0o17", YAML_INT, 15 },
    { "1_000", YAML_INT, 1000 },
    { "08", YAML_FLOAT, 8 },
    { "5e7", YAML_FLOAT, 5e7 },
    { ".5", YAML_FLOAT, 0.5 },
    { "1.", YAML_FLOAT, 1 },
    { ".", YAML_STR, 0 },
    { "1e", YAML_STR, 0 },
    { "-", YAML_STR, 0 },
    { "+", YAML_STR, 0 },
    { "0x", YAML_STR, 0 },
    { "1.2.3", YAML_STR, 0 },
    { "15s", YAML_STR, 0 },
    { "1:30", YAML_STR, 0 },
    { ".inf", YAML_FLOAT, __builtin_inf() },
    { "-.INF", YAML_FLOAT, -__builtin_inf() },
    { "9223372036854775807", YAML_INT, 0x1p63 },
    { "9223372036854775808", YAML_UINT, 0x1p63 },
    { "18446744073709551615", YAML_UINT, 0x1p64 },
    { "18446744073709551616", YAML_FLOAT, 0x1p64 },
    { "-9223372036854775808", YAML_INT, -0x1p63 },
    { "2020-01-02", YAML_TIMESTAMP, 0 },
    { "2020-1-2", YAML_TIMESTAMP, 0 },
    { "2020-02-30", YAML_STR, 0 },
    { "2020-02-29", YAML_TIMESTAMP, 0 },
    { "2021-02-29", YAML_STR, 0 },
    { "2020-13-01", YAML_STR, 0 },
    { "2020-01-02T03:04:05Z", YAML_TIMESTAMP, 0 },
    { "2020-01-02 03:04:05.5", YAML_TIMESTAMP, 0 },
    { "2020-01-02T03:04:05", YAML_STR, 0 },
    { "2020-01-02T03:04:05+01:00", YAML_TIMESTAMP, 0 },
    { "<<", YAML_MERGE, 0 },
};

START_TEST(plain_scalars_have_the_type_that_go_gives_them)
{
    yaml_value v = yaml_resolve_text(bytes_of(scalars[_i].text));
    double number = v.type == YAML_BOOL    ? v.b
                    : v.type == YAML_INT   ? (double)v.i
                    : v.type == YAML_UINT  ? (double)v.u
                    : v.type == YAML_FLOAT ? v.f
                                           : 0;
    ck_assert_msg(v.type == scalars[_i].type, "%s is %s", scalars[_i].text, yaml_type_tag(v.type));
    ck_assert_msg(number == scalars[_i].number, "%s is %g", scalars[_i].text, number);
}
END_TEST

START_TEST(nodes_know_their_place)
{
    arena a;
    const yaml_node *root;
    err e = { 0 };
    arena_init(&a, 0);
    ck_assert(yaml_parse(BYTES("a: b\nc:\n  - d\n  -   e\n"), &a, &root, &e));
    const yaml_node *list = yaml_get(root, "c");
    ck_assert_uint_eq(list->line, 3);
    ck_assert_uint_eq(list->items[1]->line, 4);
    ck_assert_uint_eq(list->items[1]->column, 7);
    ck_assert_ptr_null(yaml_get(root, "d"));
    ck_assert_ptr_null(yaml_get(list, "d"));
    arena_release(&a);
}
END_TEST

/* `n` levels of brackets: LIMIT_YAML_DEPTH of them are fine, aliases count too. */
START_TEST(depth_has_a_limit)
{
    static const struct {
        int direct, by_alias;
        bool ok;
    } cases[] = {
        { LIMIT_YAML_DEPTH - 1, 0, true }, { LIMIT_YAML_DEPTH, 0, false }, { 30, 30, true }, { 34, 34, false }
    };
    buf text;
    arena a;
    const yaml_node *root;
    err e = { 0 };
    buf_init(&text, 1 << 16);
    arena_init(&a, 0);
    buf_putz(&text, "- &a ");
    for (int i = 0; i < cases[_i].by_alias; i++)
        buf_putc(&text, '[');
    buf_putz(&text, "x");
    for (int i = 0; i < cases[_i].by_alias; i++)
        buf_putc(&text, ']');
    buf_putz(&text, "\n- ");
    for (int i = 0; i < cases[_i].direct - 1; i++)
        buf_putc(&text, '[');
    buf_putz(&text, cases[_i].by_alias ? " *a " : "x");
    for (int i = 0; i < cases[_i].direct - 1; i++)
        buf_putc(&text, ']');
    ck_assert_msg(yaml_parse(buf_bytes(&text), &a, &root, &e) == cases[_i].ok, "%s", e.msg);
    arena_release(&a);
    buf_release(&text);
}
END_TEST

START_TEST(an_empty_text_has_no_tree)
{
    arena a;
    const yaml_node *root = (const yaml_node *)1;
    err e = { 0 };
    arena_init(&a, 0);
    ck_assert(yaml_parse(BYTES("# words only\n"), &a, &root, &e));
    ck_assert_ptr_null(root);
    ck_assert(yaml_is_null(root));
    arena_release(&a);
}
END_TEST

Suite *yaml_suite(void)
{
    Suite *s = suite_create("yaml");
    TCase *tc = tcase_create("yaml");
    tcase_add_loop_test(tc, tree_is_what_the_text_says, 0, sizeof trees / sizeof *trees);
    tcase_add_loop_test(tc, plain_scalars_have_the_type_that_go_gives_them, 0, sizeof scalars / sizeof *scalars);
    tcase_add_test(tc, nodes_know_their_place);
    tcase_add_loop_test(tc, depth_has_a_limit, 0, 4);
    tcase_add_test(tc, an_empty_text_has_no_tree);
    suite_add_tcase(s, tc);
    return s;
}
