/* build_info.c: see build_info.h. */
#include "base/build_info.h"
#include "commit_date.h"
#include "version.h"
#include <stdio.h>

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif
#if defined(__x86_64__)
#define ARCH "amd64"
#elif defined(__aarch64__)
#define ARCH "arm64"
#elif defined(__arm__)
#define ARCH "arm"
#elif defined(__riscv)
#define ARCH "riscv64"
#else
#define ARCH "unknown"
#endif

const char build_version[] = TSDBD_VERSION;
const char build_revision[] = TSDBD_REVISION;
const char build_branch[] = "main";
const char build_user[] = "tsdbd";
const char build_date[] = TSDBD_COMMIT_DATE;
const char build_compiler[] = COMPILER;
const char build_platform[] = "linux/" ARCH;

const char *build_text(const char *program)
{
    static char text[512];
    snprintf(text, sizeof text,
             "%s, version %s (branch: %s, revision: %s)\n"
             "  build user:       %s\n"
             "  build date:       %s\n"
             "  compiler:         %s\n"
             "  platform:         %s\n"
             "  compatible with:  Prometheus %s\n",
             program, build_version, build_branch, build_revision, build_user, build_date, build_compiler, build_platform,
             BUILD_API_VERSION);
    return text;
}
