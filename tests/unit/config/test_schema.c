/* test_schema.c: decoding and writing by rows, on a schema of its own, and the text of sizes. */
#include "config/schema_rows.h"
#include "test_config.h"

/* ---- a schema with every type ---- */

typedef struct inner {
    bytes name;
    int64_t size;
} inner;
typedef struct inner_pair {
    bytes key;
    inner value;
} inner_pair;
typedef struct outer {
    bytes text, secret, url, path;
    int color;
    bool on;
    signed char maybe;
    int64_t number, wait_ms, size;
    uint64_t count;
    double ratio;
    regex *re;
    inner nested, *pointed, flat;
    CONF_LIST_OF(inner) list;
    CONF_LIST_OF(int64_t) numbers;
    CONF_LIST_OF(inner_pair) map;
    const yaml_node *raw;
} outer;

static bool finish_inner(conf_ctx *c, void *obj, err *e)
{
    return ((inner *)obj)->size >= 0 || err_set(e, ERR_BAD_DATA, "size is negative");
}

static bool is_even(conf_ctx *c, const void *value, err *e)
{
    return *(const int64_t *)value % 2 == 0 || err_set(e, ERR_BAD_DATA, "an odd number");
}

static const char *const colors[] = { "", "red", "green", NULL };
static const conf_field inner_fields[] = {
    ROW(inner, "name", CONF_STRING, name, .deflt = "nobody"),
    ROW(inner, "size", CONF_INT, size, OMIT),
    END_ROW,
};
static const conf_schema inner_schema = { "inner", sizeof(inner), inner_fields, finish_inner };
static const conf_field flat_fields[] = { ROW(inner, "flat_name", CONF_STRING, name, OMIT), END_ROW };
static const conf_schema flat_schema = { "flat", sizeof(inner), flat_fields, NULL };
static const conf_field outer_fields[] = {
    ROW(outer, "text", CONF_STRING, text, OMIT),
    ROW(outer, "secret", CONF_SECRET, secret, OMIT),
    ROW(outer, "url", CONF_URL, url, OMIT),
    ROW(outer, "path", CONF_PATH, path, OMIT),
    ROW(outer, "color", CONF_ENUM, color, .names = colors, OMIT, .enum_error = "no color: $"),
    ROW(outer, "on", CONF_BOOL, on, .deflt = "true"),
    ROW(outer, "maybe", CONF_OPTIONAL_BOOL, maybe, OMIT),
    ROW(outer, "number", CONF_INT, number, OMIT, .check = is_even),
    ROW(outer, "count", CONF_UINT, count, OMIT),
    ROW(outer, "ratio", CONF_FLOAT, ratio, OMIT),
    ROW(outer, "wait", CONF_DURATION, wait_ms, .deflt = "1m30s", OMIT),
    ROW(outer, "size", CONF_SIZE, size, OMIT),
    ROW(outer, "re", CONF_REGEX, re, OMIT),
    STRUCT(outer, "nested", nested, inner_schema, OMIT),
    POINTER(outer, "pointed", pointed, inner_schema, OMIT),
    INLINE(outer, flat, flat_schema),
    LIST(outer, "list", list, .of = &inner_schema, OMIT, .null_error = "null in the list"),
    LIST(outer, "numbers", numbers, .item = CONF_INT, .flags = CONF_OMIT_EMPTY | CONF_FLOW),
    MAP(outer, "map", map, .of = &inner_schema, OMIT),
    ROW(outer, "raw", CONF_RAW, raw, OMIT),
    END_ROW,
};
static const conf_schema outer_schema = { "outer", sizeof(outer), outer_fields, NULL };

static arena a;
static conf_ctx ctx;

static void setup(void)
{
    arena_init(&a, 0);
    ctx = (conf_ctx){ .a = &a };
}

static void teardown(void)
{
    conf_ctx_release(&ctx);
    arena_release(&a);
}

static bool decode(const char *text, outer *out, err *e)
{
    const yaml_node *root;
    return yaml_parse(bytes_of(text), &a, &root, e) && conf_decode(&ctx, root, &outer_schema, out, e);
}

/* What a text becomes when it is read and written. */
static const struct {
    const char *in, *out;
} effects[] = {
    { "", "on: true\nwait: 1m30s\nnested:\n  name: nobody\n" },
    { "on:\nwait: ~\nnested: null\n", "on: false\n" },
    { "on: no\nwait: 0\nnested: {name: ''}\n", "on: false\n" },
    { "nested: {size: 1}\npointed: {}\n",
      "on: true\nwait: 1m30s\nnested:\n  name: nobody\n  size: 1\npointed:\n  name: nobody\n" },
    { "flat_name: x", "on: true\nwait: 1m30s\nnested:\n  name: nobody\nflat_name: x\n" },
    { "text: 5\nsecret: hush\nurl: http://u:p@h\npath: a/b\ncolor: red\nmaybe: off\nnumber: 0x10\ncount: 1e3\nratio: "
      "2\n"
      "size: 1GB1MB\nre: a.*\n",
      "text: \"5\"\nsecret: <secret>\nurl: http://u:xxxxx@h\npath: a/b\ncolor: red\n\"on\": true\nmaybe: "
      "false\nnumber: 16\n"
      "count: 1000\nratio: 2\nwait: 1m30s\nsize: 1GiB1MiB\nre: a.*\nnested:\n  name: nobody\n" },
    { "list: [{}, {name: x}]\nnumbers: [1, 2]\n",
      "wait: 1m30s\nnested:\n  name: nobody\nlist:\n- name: nobody\n- name: x\nnumbers: [1, 2]\n" },
    { "map: {b10: {}, b9: {size: 2}, B: {}}\n", "wait: 1m30s\nnested:\n  name: nobody\nmap:\n  B:\n    name: nobody\n  "
                                                "b9:\n    name: nobody\n    size: 2\n  b10:\n"
                                                "    name: nobody\n" },
    { "raw: {password: x, user: y, list: [{api_token: z}, {token_file: f}]}\n",
      "wait: 1m30s\nnested:\n  name: nobody\nraw:\n  password: <secret>\n  user: y\n  list:\n  - api_token: <secret>\n"
      "  - token_file: f\n" },
};

START_TEST(text_is_read_and_written)
{
    outer o;
    buf out;
    err e = { 0 };
    buf_init(&out, 1 << 16);
    ck_assert_msg(decode(effects[_i].in, &o, &e), "%s", e.msg);
    conf_write(&outer_schema, &o, &out);
    bytes got = buf_bytes(&out);
    /* the row named "on" is quoted, as a YAML 1.1 reader needs it; left out of most of the rows above */
    const char *want = effects[_i].out;
    if (strncmp(want, "wait", 4) == 0) {
        ck_assert(bytes_has_prefix(got, BYTES("\"on\": true\n")));
        got = bytes_sub(got, strlen("\"on\": true\n"), got.len);
    } else if (strncmp(want, "on:", 3) == 0) {
        ck_assert(bytes_has_prefix(got, BYTES("\"on\"")));
        got = bytes_sub(got, strlen("\"on\""), got.len);
        want += 2;
    }
    ck_assert_msg(bytes_eq(got, bytes_of(want)), "%.*s", BYTES_ARG(got));
    buf_release(&out);
}
END_TEST

static const struct {
    const char *in, *err;
} errors[] = {
    { "x: 1", "yaml: unmarshal errors:\n  line 1: field x not found in type outer" },
    { "text: a\ntext: b", "yaml: unmarshal errors:\n  line 2: field text already set in type outer" },
    { "flat_name: a\nflat_name: b", "yaml: unmarshal errors:\n  line 2: field flat_name already set in type outer" },
    { "nested: {x: 1}\nlist: [{y: 1}]",
      "yaml: unmarshal errors:\n  line 1: field x not found in type inner\n  line 2: field y not found in type inner" },
    { "nested: x", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `x` into inner" },
    { "nested: [1]", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into inner" },
    { "text: {}", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!map into string" },
    { "on: 1", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `1` into bool" },
    { "number: 9223372036854775808",
      "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `9223372...` into int" },
    { "count: -1", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `-1` into uint" },
    { "count: .nan", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!float `.nan` into uint" },
    { "numbers: [1, x]", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `x` into int" },
    { "numbers: 1", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `1` into []int" },
    { "map: []", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]inner" },
    { "map: {a: {}, a: {}}", "yaml: unmarshal errors:\n  line 1: key \"a\" already set in map" },
    { "map: {[a]: {}}", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string" },
    { "color: blue", "line 1: no color: blue" },
    { "\n\nnumber: 3", "line 3: an odd number" },
    { "list:\n- size: 1\n- size: -1\n", "line 3: size is negative" },
    { "list: [~]", "line 1: null in the list" },
    { "wait: 5 apples", "line 1: unknown unit \" apples\" in duration \"5 apples\"" },
    { "size: 5", "line 1: units: unknown unit  in 5" },
    { "url: ':x'", "line 1: parse \":x\": missing protocol scheme" },
    { "number: !!int x", "yaml: cannot decode !!str `x` as a !!int" },
    /* a check does not look at what has the wrong type */
    { "nested: {size: x, name: -1}", "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `x` into int" },
};

START_TEST(what_is_wrong_is_said_with_its_line)
{
    outer o;
    err e = { 0 };
    ck_assert(!decode(errors[_i].in, &o, &e));
    ck_assert_str_eq(e.msg, errors[_i].err);
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
}
END_TEST

START_TEST(unknown_keys_may_be_ignored)
{
    outer o;
    err e = { 0 };
    ctx.ignore_unknown = true;
    ck_assert_msg(decode("x: 1\nnested: {y: 2, name: z}\n", &o, &e), "%s", e.msg);
    ck_assert(bytes_eq(o.nested.name, BYTES("z")));
}
END_TEST

START_TEST(absent_and_empty_lists_differ)
{
    outer o;
    err e = { 0 };
    ck_assert(decode("", &o, &e));
    ck_assert_ptr_null(o.numbers.p);
    ck_assert_ptr_nonnull(o.text.p);
    ck_assert_int_eq(o.maybe, -1);
    ck_assert(decode("numbers: []", &o, &e));
    ck_assert_ptr_nonnull(o.numbers.p);
    ck_assert_uint_eq(o.numbers.n, 0);
}
END_TEST

START_TEST(equal_patterns_share_a_regex)
{
    err e = { 0 };
    regex *x = conf_regex(&ctx, BYTES("a.*b"), &e), *y = conf_regex(&ctx, BYTES("a.*b"), &e);
    ck_assert_ptr_nonnull(x);
    ck_assert_ptr_eq(x, y);
    ck_assert_ptr_null(conf_regex(&ctx, BYTES("("), &e));
}
END_TEST

START_TEST(relative_paths_get_the_folder)
{
    outer o;
    err e = { 0 };
    ck_assert(decode("path: x/../y", &o, &e));
    conf_set_dir(&a, &outer_schema, &o, BYTES("/etc"));
    ck_assert_str_eq(o.path.p, "/etc/y");
    conf_set_dir(&a, &outer_schema, &o, BYTES("/other"));
    ck_assert_str_eq(o.path.p, "/etc/y");
}
END_TEST

START_TEST(a_budget_is_kept)
{
    buf text;
    outer o;
    err e = { 0 };
    buf_init(&text, 1 << 20);
    buf_putz(&text, "list: [");
    for (int i = 0; i < 50000; i++)
        buf_putz(&text, "{},");
    buf_putz(&text, "{}]");
    const yaml_node *root;
    ck_assert(yaml_parse(buf_bytes(&text), &a, &root, &e));
    a.limit_bytes = a.used_bytes + (1 << 20); /* 50001 of 24 bytes are more */
    ck_assert(!conf_decode(&ctx, root, &outer_schema, &o, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "line 1: the configuration needs more than"));
    buf_release(&text);
}
END_TEST

/* ---- sizes ---- */

static const struct {
    const char *in;
    int64_t v;
    const char *out, *err;
} sizes[] = {
    { "0", 0, "0B", NULL },
    { "0B", 0, "0B", NULL },
    { "5B", 5, "5B", NULL },
    { "1KB", 1024, "1KiB", NULL },
    { "1KiB", 1024, "1KiB", NULL },
    { "1.5MB", 3 << 19, "1MiB512KiB", NULL },
    { "1GB512MB", INT64_C(3) << 29, "1GiB512MiB", NULL },
    { "-1KB", -1024, "-1KiB", NULL },
    { "+2TB", INT64_C(2) << 40, "2TiB", NULL },
    { "7EB", INT64_C(7) << 60, "7EiB", NULL },
    { "8EB", 0, NULL, "units: overflow parsing unit" },
    { "", 0, NULL, "units: invalid " },
    { "-", 0, NULL, "units: invalid -" },
    { "5", 0, NULL, "units: unknown unit  in 5" },
    { "5kB", 0, NULL, "units: unknown unit kB in 5kB" },
    { "5 MB", 0, NULL, "units: unknown unit  MB in 5 MB" },
    { "MB", 0, NULL, "units: invalid MB" },
    { "1.2.3MB", 0, NULL, "units: invalid 1.2.3MB" },
};

START_TEST(sizes_are_powers_of_two)
{
    int64_t v = -1;
    err e = { 0 };
    bool ok = conf_size_parse(bytes_of(sizes[_i].in), &v, &e);
    ck_assert_msg(ok == (sizes[_i].err == NULL), "%s: %s", sizes[_i].in, e.msg);
    ck_assert_str_eq(e.msg, ok ? "" : sizes[_i].err);
    if (!ok)
        return;
    ck_assert_int_eq(v, sizes[_i].v);
    bytes text = conf_size_format(&a, v);
    ck_assert_msg(bytes_eq(text, bytes_of(sizes[_i].out)), "%.*s", BYTES_ARG(text));
}
END_TEST

Suite *schema_suite(void)
{
    Suite *s = suite_create("schema");
    TCase *tc = tcase_create("schema");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, text_is_read_and_written, 0, sizeof effects / sizeof *effects);
    tcase_add_loop_test(tc, what_is_wrong_is_said_with_its_line, 0, sizeof errors / sizeof *errors);
    tcase_add_test(tc, unknown_keys_may_be_ignored);
    tcase_add_test(tc, absent_and_empty_lists_differ);
    tcase_add_test(tc, equal_patterns_share_a_regex);
    tcase_add_test(tc, relative_paths_get_the_folder);
    tcase_add_test(tc, a_budget_is_kept);
    tcase_add_loop_test(tc, sizes_are_powers_of_two, 0, sizeof sizes / sizeof *sizes);
    suite_add_tcase(s, tc);
    return s;
}
