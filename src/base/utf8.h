/* utf8.h: UTF-8 as Go reads it. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include "base/buf.h"

bool utf8_valid(bytes s);
/* Decodes the first rune; invalid or short input gives 0xFFFD and *width = 1. Empty input: width 0. */
uint32_t utf8_decode(bytes s, int *width);
/* Writes the rune (U+FFFD for what is none); returns its width (1..4). */
int utf8_encode(uint32_t rune, char out[4]);
/* Go's strconv.Quote (%q of a string) and QuoteRune (%q of a rune), appended with their quotes. */
void utf8_quote(buf *out, bytes s);
void utf8_quote_rune(buf *out, uint32_t rune);
/* Is the rune printable as Go's strconv.IsPrint says? */
bool utf8_is_print(uint32_t rune);
/* A letter or a decimal digit (unicode.IsLetter, unicode.IsDigit)? */
bool utf8_is_word(uint32_t rune);
/* The rune in the other case, itself where it has none (unicode.ToLower, ToUpper). */
uint32_t utf8_to_lower(uint32_t rune);
uint32_t utf8_to_upper(uint32_t rune);
#endif
