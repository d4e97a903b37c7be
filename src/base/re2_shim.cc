/* re2_shim.cc: the one C++ file of the tree: RE2 behind re2_shim.h. No exception leaves it: RE2 throws none, and out of
 * memory ends the process here as everywhere. */
#include "base/re2_shim.h"
#include <re2/re2.h>
#include <cstdio>
#include <cstring>
#include <vector>

struct re2_program {
    re2::RE2 re;
    re2_program(const re2::StringPiece &pattern, const re2::RE2::Options &options) : re(pattern, options) {}
};

/* RE2's codes in the words of Go's regexp/syntax. Most never show, since the parser before has refused the pattern. */
static const char *go_text(re2::RE2::ErrorCode code)
{
    switch (code) {
    case re2::RE2::ErrorBadEscape: return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass: return "invalid character class";
    case re2::RE2::ErrorBadCharRange: return "invalid character class range";
    case re2::RE2::ErrorMissingBracket: return "missing closing ]";
    case re2::RE2::ErrorMissingParen: return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen: return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize: return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8: return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture: return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
    }
}

extern "C" re2_program *re2_program_new(const char *pattern, size_t len, size_t max_mem, re2_error *e)
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(static_cast<int64_t>(max_mem));
    re2_program *p = new re2_program(re2::StringPiece(pattern, len), options);
    if (p->re.ok())
        return p;
    bool is_too_large = p->re.error_code() == re2::RE2::ErrorPatternTooLarge;
    const std::string arg = is_too_large ? std::string(pattern, len) : p->re.error_arg();
    e->what = go_text(p->re.error_code());
    snprintf(e->expr, sizeof e->expr, "%.*s", static_cast<int>(arg.size()), arg.data());
    delete p;
    return nullptr;
}

extern "C" void re2_program_free(re2_program *p)
{
    delete p;
}

extern "C" bool re2_program_match(const re2_program *p, const char *text, size_t len)
{
    return p->re.Match(re2::StringPiece(text ? text : "", len), 0, len, re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

extern "C" bool re2_program_groups(const re2_program *p, const char *text, size_t len, re2_span *groups, size_t n)
{
    std::vector<re2::StringPiece> pieces(n);
    const re2::StringPiece whole(text ? text : "", len); /* no NULL: that is what an absent group has */
    if (!p->re.Match(whole, 0, len, re2::RE2::ANCHOR_BOTH, pieces.data(), static_cast<int>(n)))
        return false;
    for (size_t i = 0; i < n; i++)
        groups[i] = re2_span{ pieces[i].data(), pieces[i].size() };
    return true;
}
