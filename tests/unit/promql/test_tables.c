/* test_tables.c: the function table and the small tables of ast.c keep their promises. */
#include "tests.h"
#include "promql/funcs.h"
#include "promql/lex.h"
#include <stdlib.h>

START_TEST(functions_are_sorted_and_found)
{
    for (size_t i = 0; i < promql_n_funcs; i++) {
        const promql_func *f = &promql_funcs[i];
        if (i > 0)
            ck_assert_msg(strcmp(promql_funcs[i - 1].name, f->name) < 0, "%s", f->name);
        ck_assert_ptr_eq(promql_func_find(bytes_of(f->name)), f);
    }
    ck_assert_ptr_null(promql_func_find(BYTES("rates")));
    ck_assert_ptr_null(promql_func_find(BYTES("Rate")));
    ck_assert_ptr_null(promql_func_find(BYTES("")));
}
END_TEST

START_TEST(function_rows_are_sound)
{
    for (size_t i = 0; i < promql_n_funcs; i++) {
        const promql_func *f = &promql_funcs[i];
        size_t n = strlen(f->args);
        ck_assert_uint_eq(strspn(f->args, "svmt"), n);
        ck_assert(f->variadic == 0 || n > 0);
        ck_assert(f->returns == VALUE_SCALAR || f->returns == VALUE_VECTOR);
        for (size_t j = 0; j < n + 2 && n > 0; j++)
            ck_assert_int_ne(promql_func_arg(f, j), VALUE_NONE);
        if (f->flags & FUNC_OVER_TIME)
            ck_assert_ptr_nonnull(strchr(f->args, 'm'));
    }
}
END_TEST

/* Token kinds of aggregators stand in the order of enum agg_op: the parser subtracts. */
START_TEST(aggregators_line_up)
{
    enum token_kind k;
    int n = 0;
    for (size_t i = 0; lexer_keyword(i, &k); i++) {
        if (!token_is_aggregator(k))
            continue;
        ck_assert_str_eq(agg_op_text((enum agg_op)(k - TOK_FIRST_AGGREGATOR)), lexer_keyword(i, NULL));
        n++;
    }
    ck_assert_int_eq(n, AGG_N);
}
END_TEST

START_TEST(operators_have_names)
{
    for (int i = OP_NONE + 1; i < OP_N; i++)
        ck_assert_msg(ast_op_text((enum ast_op)i)[0] != '\0', "%d", i);
    ck_assert(ast_op_is_comparison(OP_GE) && !ast_op_is_comparison(OP_TRIM_UPPER));
    ck_assert(ast_op_is_set(OP_UNLESS) && !ast_op_is_set(OP_ATAN2));
    ck_assert_str_eq(value_type_doc(VALUE_MATRIX), "range vector");
    ck_assert_str_eq(match_card_text(CARD_ONE_TO_MANY), "one-to-many");
}
END_TEST

Suite *suite_tables(void)
{
    Suite *s = suite_create("promql tables");
    TCase *t = tcase_create("tables");
    tcase_add_test(t, functions_are_sorted_and_found);
    tcase_add_test(t, function_rows_are_sound);
    tcase_add_test(t, aggregators_line_up);
    tcase_add_test(t, operators_have_names);
    suite_add_tcase(s, t);
    return s;
}
