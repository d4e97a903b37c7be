/* test_err.c: errors: one sentence, bounded. */
#include "tests.h"
#include <signal.h>

START_TEST(err_set_and_wrap_build_the_sentence)
{
    err e = { 0 };
    ck_assert(!err_set(&e, ERR_BAD_DATA, "bad %s at %d", "thing", 7));
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
    ck_assert_str_eq(e.msg, "bad thing at 7");
    ck_assert(!err_wrap(&e, "%s", "file.yml"));
    ck_assert(!err_wrap(&e, "loading"));
    ck_assert_str_eq(e.msg, "loading: file.yml: bad thing at 7");
    ck_assert_int_eq(e.kind, ERR_BAD_DATA);
}
END_TEST

START_TEST(err_may_be_absent_or_empty)
{
    err e = { 0 };
    ck_assert(!err_set(NULL, ERR_INTERNAL, "x"));
    ck_assert(!err_wrap(NULL, "x"));
    ck_assert(!err_wrap(&e, "x"));
    ck_assert_str_eq(e.msg, "");
}
END_TEST

START_TEST(err_text_is_cut_at_its_end)
{
    err e = { 0 };
    char big[3000];
    memset(big, 'b', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    err_set(&e, ERR_INTERNAL, "%s", big);
    ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
    err_wrap(&e, "head");
    ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
    ck_assert(strncmp(e.msg, "head: bbb", 9) == 0);
    err_wrap(&e, "%s", big);
    ck_assert_uint_le(strlen(e.msg), sizeof e.msg - 1);
}
END_TEST

START_TEST(err_kinds_have_the_status_that_prometheus_answers_with)
{
    static const struct {
        enum err_kind kind;
        const char *type;
        int status;
    } rows[] = {
        { ERR_BAD_DATA, "bad_data", 400 },   { ERR_EXECUTION, "execution", 422 },
        { ERR_CANCELED, "canceled", 499 },   { ERR_TIMEOUT, "timeout", 503 },
        { ERR_INTERNAL, "internal", 500 },   { ERR_UNAVAILABLE, "unavailable", 503 },
        { ERR_NOT_FOUND, "not_found", 404 }, { ERR_NOT_ACCEPTABLE, "not_acceptable", 406 },
    };
    for (int i = 0; i < N_ROWS(rows); i++) {
        ck_assert_str_eq(err_kind_row(rows[i].kind)->type, rows[i].type);
        ck_assert_int_eq(err_kind_row(rows[i].kind)->http_status, rows[i].status);
    }
    for (int k = 0; k < ERR_N_KINDS; k++)
        ck_assert_ptr_nonnull(err_kind_row((enum err_kind)k)->type);
}
END_TEST

START_TEST(bug_ends_the_process)
{
    BUG("series %d has two open chunks", 7);
}
END_TEST

TCase *err_cases(void)
{
    TCase *tc = tcase_create("err");
    tcase_add_test(tc, err_set_and_wrap_build_the_sentence);
    tcase_add_test(tc, err_may_be_absent_or_empty);
    tcase_add_test(tc, err_text_is_cut_at_its_end);
    tcase_add_test(tc, err_kinds_have_the_status_that_prometheus_answers_with);
    tcase_add_test_raise_signal(tc, bug_ends_the_process, SIGABRT);
    return tc;
}
