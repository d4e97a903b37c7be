/* fuzz_regex.c: pattern, text and template, split at newlines: no crash, a shape's answer is the engine's, and a text
 * expands exactly where it matches. */
#include "base/limits.h"
#include "base/re2_shim.h"
#include "base/regex.h"
#include "base/utf8.h"
#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* RE2 takes patterns that Go does not, and (?<name>) is unknown to it; so it is asked only where it compiles. */
static void compare(const regex *r, bytes pattern, bytes text)
{
    re2_error why;
    re2_program *p = re2_program_new(pattern.p, pattern.len, LIMIT_REGEX_PROGRAM, &why);
    if (p)
        must(regex_match(r, text) == re2_program_match(p, text.p, text.len));
    re2_program_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes pattern, text, template, out;
    bytes_cut(bytes_n(data, size), '\n', &pattern, &text);
    bytes_cut(text, '\n', &text, &template);
    err e = { 0 };
    regex *r = regex_new(pattern, &e);
    must((r == NULL) == (e.kind != ERR_NONE));
    if (!r)
        return 0;
    arena a;
    arena_init(&a, 0);
    must(regex_expand(r, text, template, &a, &out) == regex_match(r, text));
    size_t n;
    const bytes *literals = regex_literals(r, &n);
    for (size_t i = 0; i < n; i++)
        must(regex_match(r, literals[i]));
    if (utf8_valid(pattern) && utf8_valid(text))
        compare(r, pattern, text);
    arena_release(&a);
    regex_unref(r);
    return 0;
}
