/* log.c: lines as Go's log/slog writes them in Prometheus 3: TextHandler (logfmt) and JSONHandler, with Prometheus'
 * `source` attribute and times in UTC with milliseconds.
 *
 * A line is built in memory and goes out with one write(2), so lines of several threads do not mix. A line over
 * LINE_MAX_BYTES is cut at a value. Numbers made by log_i64/log_f64 lie in this thread's ring, by which the JSON form
 * knows that they need no quotes.                                                                             */
#include "base/log.h"
#include "base/buf.h"
#include "base/json_write.h"
#include "base/num.h"
#include "base/os.h"
#include "base/utf8.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 10, RING_SLOTS = 16, RING_TEXT = 512, CUT_BYTES = 500 };

static const char *const level_names[] = { "DEBUG", "INFO", "WARN", "ERROR" };
static _Atomic(int) current_level = LOG_INFO;
static _Atomic(int) current_format = LOG_LOGFMT;

static _Thread_local struct {
    char text[RING_SLOTS][RING_TEXT];
    bool is_number[RING_SLOTS];
    unsigned next;
} ring;

void log_configure(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static char *ring_take(bool is_number)
{
    unsigned slot = ring.next++ % RING_SLOTS;
    ring.is_number[slot] = is_number;
    return ring.text[slot];
}

const char *log_i64(int64_t v)
{
    char *p = ring_take(true);
    p[num_format_i64(v, p)] = '\0';
    return p;
}

const char *log_f64(double v)
{
    char *p = ring_take(isfinite(v));
    p[num_format_g(v, p)] = '\0';
    return p;
}

const char *log_bytes(bytes b)
{
    char *p = ring_take(false);
    size_t n = b.len < CUT_BYTES ? b.len : CUT_BYTES;
    if (n)
        memcpy(p, b.p, n);
    memcpy(p + n, b.len > n ? "..." : "", b.len > n ? 4 : 1);
    return p;
}

static bool is_ring_number(const char *s)
{
    uintptr_t at = (uintptr_t)s, start = (uintptr_t)ring.text;
    return at >= start && at < start + sizeof ring.text && ring.is_number[(at - start) / RING_TEXT];
}

/* slog's TextHandler: quoted where empty, or where it holds a space, '=', a quote, or what does not print. */
static bool needs_quotes(bytes s)
{
    if (s.len == 0)
        return true;
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x80) {
            if (c <= ' ' || c == '=' || c == '"')
                return true;
            i++;
            continue;
        }
        int width;
        uint32_t rune = utf8_decode(bytes_sub(s, i, s.len), &width);
        if (rune == 0xFFFD || !utf8_is_print(rune))
            return true;
        i += (size_t)width;
    }
    return false;
}

static void put_text(buf *b, const char *s)
{
    bytes text = bytes_of(s);
    if (needs_quotes(text))
        utf8_quote(b, text);
    else
        buf_puts(b, text);
}

static void put_time(buf *b)
{
    int64_t now = os.now_ms();
    time_t sec = (time_t)(now / 1000);
    struct tm tm;
    gmtime_r(&sec, &tm);
    buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
               tm.tm_min, tm.tm_sec, (int)(now % 1000));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ap: key, value, ..., NULL. */
static void put_logfmt(buf *b, const char *level, const char *source, const char *msg, va_list ap)
{
    buf_putz(b, "time=");
    put_time(b);
    buf_printf(b, " level=%s source=%s msg=", level, source);
    put_text(b, msg);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        buf_putc(b, ' ');
        put_text(b, key);
        buf_putc(b, '=');
        put_text(b, value);
    }
}

static void put_json(buf *b, const char *level, const char *source, const char *msg, va_list ap)
{
    json_writer w;
    json_init(&w, b);
    json_object(&w);
    json_key(&w, "time");
    json_raw(&w, BYTES("\""));
    put_time(b);
    buf_putc(b, '"');
    json_key(&w, "level");
    json_cstr(&w, level);
    json_key(&w, "source");
    json_cstr(&w, source);
    json_key(&w, "msg");
    json_cstr(&w, msg);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        json_key(&w, key);
        if (is_ring_number(value))
            json_raw(&w, bytes_of(value));
        else
            json_str(&w, bytes_of(value));
    }
    json_end(&w);
}

static void write_line(bytes line)
{
    while (line.len > 0) {
        ssize_t n = write(STDERR_FILENO, line.p, line.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere to say so */
        line = bytes_sub(line, (size_t)n, line.len);
    }
}

void log_write(enum log_level level, const char *file, int line, const char *msg, ...)
{
    char source[300];
    snprintf(source, sizeof source, "%s:%d", base_name(file), line);
    buf b;
    buf_init(&b, LINE_MAX_BYTES);
    va_list ap;
    va_start(ap, msg);
    if (atomic_load_explicit(&current_format, memory_order_relaxed) == LOG_JSON)
        put_json(&b, level_names[level], source, msg, ap);
    else
        put_logfmt(&b, level_names[level], source, msg, ap);
    va_end(ap);
    if (buf_reserve(&b, 1) == NULL && b.len > 0)
        b.len--; /* cut: the last byte gives way to the newline */
    b.overflow = false;
    buf_putc(&b, '\n');
    int saved = errno;
    write_line(buf_bytes(&b));
    errno = saved;
    buf_release(&b);
}
