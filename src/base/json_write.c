/* json_write.c: see json_write.h. A container deeper than JSON_MAX_DEPTH is a broken invariant of the caller: no
 * user's input chooses how deep an answer is.
 *
 * Escapes (Go's encoding/json, SetEscapeHTML(false)): `\"`, `\\`, `\n`, `\r`, `\t`; other control characters,
 * U+2028 and U+2029 as \u00XX; a byte that is no UTF-8 as \ufffd.                                           */
#include "base/json_write.h"
#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"
#include <assert.h>
#include <math.h>

void json_init(json_writer *w, buf *out)
{
    *w = (json_writer){ .out = out };
}

/* The comma before a value or a key, where one is due. */
static void separate(json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    uint64_t bit = UINT64_C(1) << (w->depth - 1);
    if (w->comma & bit)
        buf_putc(w->out, ',');
    w->comma |= bit;
}

static void open_container(json_writer *w, char c, bool is_array)
{
    separate(w);
    if (w->depth == JSON_MAX_DEPTH)
        BUG("json: more than %d levels", JSON_MAX_DEPTH);
    uint64_t bit = UINT64_C(1) << w->depth++;
    w->comma &= ~bit;
    w->is_array = is_array ? w->is_array | bit : w->is_array & ~bit;
    buf_putc(w->out, c);
}

void json_object(json_writer *w)
{
    open_container(w, '{', false);
}

void json_array(json_writer *w)
{
    open_container(w, '[', true);
}

void json_end(json_writer *w)
{
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    buf_putc(w->out, w->is_array >> w->depth & 1 ? ']' : '}');
}

void json_key_bytes(json_writer *w, bytes key)
{
    separate(w);
    json_escape(w->out, key);
    buf_putc(w->out, ':');
    w->after_key = true;
}

void json_key(json_writer *w, const char *key)
{
    json_key_bytes(w, bytes_of(key));
}

void json_str(json_writer *w, bytes s)
{
    separate(w);
    json_escape(w->out, s);
}

void json_cstr(json_writer *w, const char *s)
{
    json_str(w, bytes_of(s));
}

void json_raw(json_writer *w, bytes text)
{
    separate(w);
    buf_puts(w->out, text);
}

void json_bool(json_writer *w, bool v)
{
    json_raw(w, v ? BYTES("true") : BYTES("false"));
}

void json_null(json_writer *w)
{
    json_raw(w, BYTES("null"));
}

void json_i64(json_writer *w, int64_t v)
{
    char text[24];
    json_raw(w, (bytes){ text, num_format_i64(v, text) });
}

void json_double(json_writer *w, double v)
{
    assert(isfinite(v));
    char text[NUM_MAX_TEXT];
    size_t n = num_format_json(v, text);
    if (n >= 4 && text[n - 4] == 'e' && text[n - 3] == '-' && text[n - 2] == '0') { /* 1e-07 is 1e-7 here */
        text[n - 2] = text[n - 1];
        n--;
    }
    json_raw(w, (bytes){ text, n });
}

/* Bytes that stand for themselves. */
static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void escape_ascii(buf *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"': buf_put(out, "\\\"", 2); return;
    case '\\': buf_put(out, "\\\\", 2); return;
    case '\n': buf_put(out, "\\n", 2); return;
    case '\r': buf_put(out, "\\r", 2); return;
    case '\t': buf_put(out, "\\t", 2); return;
    default: buf_put(out, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
    }
}

void json_escape(buf *out, bytes s)
{
    buf_putc(out, '"');
    size_t done = 0; /* written up to here */
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_plain(c)) {
            i++;
            continue;
        }
        int width = 1;
        uint32_t rune = c;
        if (c >= 0x80) {
            rune = utf8_decode((bytes){ s.p + i, s.len - i }, &width);
            bool broken = rune == 0xFFFD && width == 1;
            if (!broken && rune != 0x2028 && rune != 0x2029) {
                i += (size_t)width;
                continue;
            }
        }
        buf_put(out, s.p + done, i - done);
        if (c < 0x80)
            escape_ascii(out, c);
        else
            buf_putz(out, rune == 0x2028 ? "\\u2028" : rune == 0x2029 ? "\\u2029" : "\\ufffd");
        i += (size_t)width;
        done = i;
    }
    if (done < s.len)
        buf_put(out, s.p + done, s.len - done);
    buf_putc(out, '"');
}
