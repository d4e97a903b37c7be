/* test_log.c: the lines of the log, read back from a file that stands in for stderr. */
#include "tests.h"
#include "base/log.h"
#include "base/os.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t noon(void)
{
    return INT64_C(1767366245678); /* 2026-01-02T15:04:05.678Z */
}

static FILE *captured;
static int saved_stderr;

static void capture(void)
{
    os.now_ms = noon;
    captured = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured), STDERR_FILENO);
}

static void uncapture(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    fclose(captured);
}

/* What was written since the last call. */
static const char *lines(void)
{
    static char text[200000];
    rewind(captured);
    size_t n = fread(text, 1, sizeof text - 1, captured);
    text[n] = '\0';
    rewind(captured);
    ck_assert_int_eq(ftruncate(fileno(captured), 0), 0);
    lseek(STDERR_FILENO, 0, SEEK_SET);
    return text;
}

START_TEST(log_writes_logfmt_as_slog_does)
{
    log_write(LOG_INFO, "/src/tsdb/head.c", 123, "Head flushed", "series", log_i64(-1000), "v", log_f64(0.25), "path",
              "/tmp/x", "empty", "", "none", (const char *)NULL, "q", "a=b", "quote", "say \"hi\"\n", "back", "a\\b",
              "utf", "é", "ctl", "\x7f", "bad", "\xff", (const char *)NULL);
    ck_assert_str_eq(lines(), "time=2026-01-02T15:04:05.678Z level=INFO source=head.c:123 msg=\"Head flushed\" "
                              "series=-1000 v=0.25 path=/tmp/x empty=\"\" none=\"\" q=\"a=b\" "
                              "quote=\"say \\\"hi\\\"\\n\" back=a\\b utf=é ctl=\x7f bad=\"\\xff\"\n");
}
END_TEST

START_TEST(log_writes_json)
{
    log_configure(LOG_INFO, LOG_JSON);
    log_write(LOG_ERROR, "x.c", 7, "no \"go\"", "n", log_i64(42), "f", log_f64(1.5), "nan", log_f64(NAN), "s", "42",
              (const char *)NULL);
    ck_assert_str_eq(lines(), "{\"time\":\"2026-01-02T15:04:05.678Z\",\"level\":\"ERROR\",\"source\":\"x.c:7\","
                              "\"msg\":\"no \\\"go\\\"\",\"n\":42,\"f\":1.5,\"nan\":\"NaN\",\"s\":\"42\"}\n");
}
END_TEST

START_TEST(log_keeps_to_its_level)
{
    log_configure(LOG_WARN, LOG_LOGFMT);
    log_debug("d");
    log_info("i");
    ck_assert_str_eq(lines(), "");
    log_warn("w");
    log_error("e", "k", "v");
    const char *text = lines();
    ck_assert_ptr_nonnull(strstr(text, "level=WARN source=test_log.c:"));
    ck_assert_ptr_nonnull(strstr(text, "msg=e k=v\n"));
    ck_assert(!log_enabled(LOG_INFO) && log_enabled(LOG_ERROR));
    log_configure(LOG_DEBUG, LOG_LOGFMT);
    log_debug("d");
    ck_assert_ptr_nonnull(strstr(lines(), "level=DEBUG"));
}
END_TEST

START_TEST(log_cuts_what_is_long)
{
    static char big[150000];
    memset(big, 'b', sizeof big - 1);
    log_info("m", "short", log_bytes(bytes_of(big)));
    const char *text = lines();
    ck_assert_uint_lt(strlen(text), 700);
    ck_assert_ptr_nonnull(strstr(text, "bbb..."));
    log_info("m", "k", big);
    text = lines();
    ck_assert_uint_le(strlen(text), 65536);
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    log_info("m", "bytes", log_bytes(bytes_n("a\0b", 1)));
    ck_assert_ptr_nonnull(strstr(lines(), "bytes=a\n"));
}
END_TEST

static void *write_many(void *ctx)
{
    for (int i = 0; i < 200; i++)
        log_info("line of a thread", "thread", log_i64((int64_t)(intptr_t)ctx), "i", log_i64(i));
    return NULL;
}

START_TEST(log_lines_of_threads_do_not_mix)
{
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_many, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    const char *text = lines();
    int n = 0;
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1, n++) {
        ck_assert(strncmp(text, "time=2026-01-02T15:04:05.678Z level=INFO source=test_log.c:", 59) == 0);
        ck_assert_ptr_nonnull(strstr(text, "msg=\"line of a thread\" thread="));
    }
    ck_assert_int_eq(n, 800);
}
END_TEST

TCase *log_cases(void)
{
    TCase *tc = tcase_create("log");
    tcase_add_checked_fixture(tc, capture, uncapture);
    tcase_add_test(tc, log_writes_logfmt_as_slog_does);
    tcase_add_test(tc, log_writes_json);
    tcase_add_test(tc, log_keeps_to_its_level);
    tcase_add_test(tc, log_cuts_what_is_long);
    tcase_add_test(tc, log_lines_of_threads_do_not_mix);
    return tc;
}
