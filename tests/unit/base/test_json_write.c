/* test_json_write.c: the JSON writer: commas, escapes, numbers. */
#include "tests.h"
#include "base/json_write.h"
#include <signal.h>

START_TEST(json_puts_commas_by_itself)
{
    buf b;
    buf_init(&b, 1000);
    json_writer w;
    json_init(&w, &b);
    json_object(&w);
    json_key(&w, "status");
    json_cstr(&w, "success");
    json_key(&w, "data");
    json_array(&w);
    json_i64(&w, -1);
    json_bool(&w, true);
    json_null(&w);
    json_array(&w);
    json_end(&w);
    json_object(&w);
    json_key_bytes(&w, BYTES("a\"b"));
    json_raw(&w, BYTES("[1,2]"));
    json_key(&w, "e");
    json_object(&w);
    json_end(&w);
    json_end(&w);
    json_end(&w);
    json_key(&w, "n");
    json_double(&w, 1.5);
    json_end(&w);
    ck_bytes(buf_bytes(&b),
             "{\"status\":\"success\",\"data\":[-1,true,null,[],{\"a\\\"b\":[1,2],\"e\":{}}],\"n\":1.5}");
    ck_assert_int_eq(w.depth, 0);
    buf_release(&b);
}
END_TEST

START_TEST(json_nests_to_its_maximum)
{
    buf b;
    buf_init(&b, 1000);
    json_writer w;
    json_init(&w, &b);
    for (int i = 0; i < JSON_MAX_DEPTH; i++) {
        if (i % 2)
            json_object(&w), json_key(&w, "k");
        else
            json_array(&w);
    }
    json_i64(&w, 1);
    for (int i = 0; i < JSON_MAX_DEPTH; i++)
        json_end(&w);
    ck_assert(bytes_has_prefix(buf_bytes(&b), BYTES("[{\"k\":[{\"k\":")));
    ck_assert_int_ge(bytes_find_bytes(buf_bytes(&b), BYTES("{\"k\":1}]}]}]")), 0);
    ck_assert(bytes_has_suffix(buf_bytes(&b), BYTES("}]}]}]")));
    buf_release(&b);
}
END_TEST

START_TEST(json_refuses_to_nest_deeper)
{
    buf b;
    buf_init(&b, 1000);
    json_writer w;
    json_init(&w, &b);
    for (int i = 0; i <= JSON_MAX_DEPTH; i++)
        json_array(&w);
}
END_TEST

static const struct {
    const char *in, *out;
} escapes[] = {
    { "", "\"\"" },
    { "plain <b>&'", "\"plain <b>&'\"" },
    { "\"\\/", "\"\\\"\\\\/\"" },
    { "\n\r\t", "\"\\n\\r\\t\"" },
    { "\b\f\x01\x1f\x7f", "\"\\u0008\\u000c\\u0001\\u001f\x7f\"" },
    { "é€😀", "\"é€😀\"" },
    { "\xe2\x80\xa8x\xe2\x80\xa9", "\"\\u2028x\\u2029\"" },
    { "a\xff"
      "b\xe2\x82",
      "\"a\\ufffdb\\ufffd\\ufffd\"" },
    { "\xef\xbf\xbd", "\"\xef\xbf\xbd\"" },
};

START_TEST(json_escapes_as_go_escapes)
{
    buf b;
    buf_init(&b, 1000);
    json_escape(&b, bytes_of(escapes[_i].in));
    ck_bytes(buf_bytes(&b), escapes[_i].out);
    buf_clear(&b);
    json_escape(&b, BYTES("a\0b"));
    ck_bytes(buf_bytes(&b), "\"a\\u0000b\"");
    buf_release(&b);
}
END_TEST

START_TEST(json_numbers_are_those_of_encoding_json)
{
    static const struct {
        double v;
        const char *text;
    } rows[] = { { 0, "0" },
                 { -0.0, "-0" },
                 { 1e20, "100000000000000000000" },
                 { 1e21, "1e+21" },
                 { 1e-6, "0.000001" },
                 { 1e-7, "1e-7" },
                 { -1.5e-9, "-1.5e-9" },
                 { 1e-10, "1e-10" },
                 { 0.1, "0.1" },
                 { 1e100, "1e+100" } };
    buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < N_ROWS(rows); i++) {
        json_writer w;
        buf_clear(&b);
        json_init(&w, &b);
        json_double(&w, rows[i].v);
        ck_bytes(buf_bytes(&b), rows[i].text);
    }
    buf_release(&b);
}
END_TEST

TCase *json_cases(void)
{
    TCase *tc = tcase_create("json_write");
    tcase_add_test(tc, json_puts_commas_by_itself);
    tcase_add_test(tc, json_nests_to_its_maximum);
    tcase_add_test_raise_signal(tc, json_refuses_to_nest_deeper, SIGABRT);
    tcase_add_loop_test(tc, json_escapes_as_go_escapes, 0, N_ROWS(escapes));
    tcase_add_test(tc, json_numbers_are_those_of_encoding_json);
    return tc;
}
