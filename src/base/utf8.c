/* utf8.c: see utf8.h. What is a valid sequence is RFC 3629's table, as in Go: no surrogates, nothing over U+10FFFF, no
 * longer form than needed. Classes and cases of runes are rows of unicode_tables.c.                         */
#include "base/utf8.h"
#include "base/unicode_tables.h"

enum { RUNE_ERROR = 0xFFFD, RUNE_MAX = 0x10FFFF };

/* Width of the valid sequence at the start of s, and its rune; 0 where there is none. */
static int decode(bytes s, uint32_t *rune)
{
    const unsigned char *p = (const unsigned char *)s.p;
    uint32_t c = p[0];
    if (c < 0x80) {
        *rune = c;
        return 1;
    }
    int width = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || s.len < (size_t)width)
        return 0;
    uint32_t r = c & (0x7fu >> width);
    for (int i = 1; i < width; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        r = r << 6 | (p[i] & 0x3fu);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (r < least[width] || r > RUNE_MAX || (r >= 0xD800 && r <= 0xDFFF))
        return 0;
    *rune = r;
    return width;
}

bool utf8_valid(bytes s)
{
    size_t i = 0;
    while (i < s.len) {
        uint64_t word;
        if (s.len - i >= sizeof word) { /* eight ASCII bytes at once */
            memcpy(&word, s.p + i, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof word;
                continue;
            }
        }
        uint32_t rune;
        int width = decode((bytes){ s.p + i, s.len - i }, &rune);
        if (width == 0)
            return false;
        i += (size_t)width;
    }
    return true;
}

uint32_t utf8_decode(bytes s, int *width)
{
    uint32_t rune;
    *width = s.len ? decode(s, &rune) : 0;
    if (*width)
        return rune;
    *width = s.len > 0;
    return RUNE_ERROR;
}

int utf8_encode(uint32_t rune, char out[4])
{
    if (rune > RUNE_MAX || (rune >= 0xD800 && rune <= 0xDFFF))
        rune = RUNE_ERROR;
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    int width = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (int i = width - 1; i > 0; i--, rune >>= 6)
        out[i] = (char)(0x80 | (rune & 0x3f));
    out[0] = (char)(lead[width] | rune);
    return width;
}

static bool in_ranges(const struct rune_range *rows, size_t n, uint32_t rune)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (rune > rows[mid].last)
            low = mid + 1;
        else if (rune < rows[mid].first)
            high = mid;
        else
            return true;
    }
    return false;
}

static uint32_t map_case(const struct rune_case *rows, size_t n, uint32_t rune)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (rune > rows[mid].last)
            low = mid + 1;
        else if (rune < rows[mid].first)
            high = mid;
        else
            return (rune - rows[mid].first) % rows[mid].stride ? rune : rune + (uint32_t)rows[mid].distance;
    }
    return rune;
}

bool utf8_is_print(uint32_t rune)
{
    if (rune < 0x80)
        return rune >= 0x20 && rune < 0x7f;
    return in_ranges(unicode_print, unicode_print_len, rune);
}

bool utf8_is_word(uint32_t rune)
{
    if (rune < 0x80)
        return (rune >= '0' && rune <= '9') || ((rune | 0x20) >= 'a' && (rune | 0x20) <= 'z');
    return in_ranges(unicode_word, unicode_word_len, rune);
}

uint32_t utf8_to_lower(uint32_t rune)
{
    if (rune < 0x80)
        return rune >= 'A' && rune <= 'Z' ? rune + 32 : rune;
    return map_case(unicode_lower, unicode_lower_len, rune);
}

uint32_t utf8_to_upper(uint32_t rune)
{
    if (rune < 0x80)
        return rune >= 'a' && rune <= 'z' ? rune - 32 : rune;
    return map_case(unicode_upper, unicode_upper_len, rune);
}

/* One rune within quotes of the given kind (strconv.appendEscapedRune). */
static void put_escaped(buf *out, uint32_t rune, char quote)
{
    static const char letters[] = "abtnvfr"; /* \a is 7, \b 8, ... \r 13 */
    char text[4];
    if (rune == (unsigned char)quote || rune == '\\')
        buf_put(out, (char[]){ '\\', (char)rune }, 2);
    else if (utf8_is_print(rune))
        buf_put(out, text, (size_t)utf8_encode(rune, text));
    else if (rune >= 7 && rune <= 13)
        buf_put(out, (char[]){ '\\', letters[rune - 7] }, 2);
    else if (rune < ' ' || rune == 0x7f)
        buf_printf(out, "\\x%02x", rune);
    else
        buf_printf(out, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
}

void utf8_quote(buf *out, bytes s)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < s.len;) {
        int width;
        uint32_t rune = utf8_decode((bytes){ s.p + i, s.len - i }, &width);
        if (rune == RUNE_ERROR && width == 1)
            buf_printf(out, "\\x%02x", (unsigned char)s.p[i]);
        else
            put_escaped(out, rune, '"');
        i += (size_t)width;
    }
    buf_putc(out, '"');
}

void utf8_quote_rune(buf *out, uint32_t rune)
{
    bool is_rune = rune <= RUNE_MAX && (rune < 0xD800 || rune > 0xDFFF);
    buf_putc(out, '\'');
    put_escaped(out, is_rune ? rune : RUNE_ERROR, '\'');
    buf_putc(out, '\'');
}
