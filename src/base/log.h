/* log.h: one line per event, logfmt (default) or JSON, to stderr, as Prometheus 3 writes them:
 *
 *     time=2026-01-02T15:04:05.678Z level=INFO source=head.c:123 msg="Head flushed" series=1000
 *
 * Call: log_info("scrape failed", "job", job, "target", url, "err", e.msg). Keys and values are C strings; NULL values
 * print as empty. Numbers through log_i64/log_f64 (a small ring of static buffers per thread: use within the call).
 * Any thread. Never give it a secret: URLs go through url_redact().                                          */
#ifndef BASE_LOG_H
#define BASE_LOG_H
#include "base/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

void log_configure(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);
/* NULL-terminated key, value, key, value... Use the macros. */
void log_write(enum log_level level, const char *file, int line, const char *msg, ...) __attribute__((sentinel));
const char *log_i64(int64_t v);
const char *log_f64(double v);
const char *log_bytes(bytes b);   /* cut at 500 bytes */

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_at(level, ...)                                                                           \
    do {                                                                                             \
        if (log_enabled(level))                                                                      \
            log_write(level, __FILE__, __LINE__, __VA_ARGS__, (const char *)NULL);                   \
    } while (0)
#endif
