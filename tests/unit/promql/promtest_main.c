/* promtest_main.c: promtest [-v] [-1] [-d] FILE.test or FOLDER...: runs scripts, prints `N passed, N failed, N
 * skipped`; exit code 1 where one failed. -d: without delayed name removal and the other features. */
#include "promtest.h"
#include "promql/parse.h"
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

/* A folder stands for the scripts in it. One that is absent is no failure: the shared kits are not everywhere. */
static bool run(const char *path, const promtest_options *o, promtest_counts *c)
{
    struct stat st;
    char pattern[4096];
    glob_t g;
    if (stat(path, &st) != 0) {
        printf("skipped: %s is absent\n", path);
        return true;
    }
    if (!S_ISDIR(st.st_mode))
        return promtest_run(path, o, c);
    bool ok = true;
    snprintf(pattern, sizeof pattern, "%s/*.test", path);
    if (glob(pattern, 0, NULL, &g) != 0)
        return true;
    for (size_t i = 0; i < g.gl_pathc; i++)
        ok = promtest_run(g.gl_pathv[i], o, c) && ok;
    globfree(&g);
    return ok;
}

int main(int argc, char **argv)
{
    promtest_options o = { .features = PROMQL_EXPERIMENTAL_FUNCTIONS | PROMQL_EXTENDED_SELECTORS | PROMQL_FILL_MODIFIERS
                                       | PROMQL_DELAYED_NAME_REMOVAL };
    promtest_counts c = { 0 };
    bool ok = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            o.verbose = true;
        else if (strcmp(argv[i], "-1") == 0)
            o.once = true;
        else if (strcmp(argv[i], "-d") == 0)
            o.features = 0;
        else
            ok = run(argv[i], &o, &c) && ok;
    }
    printf("%zu passed, %zu failed, %zu skipped\n", c.passed, c.failed, c.skipped);
    return !ok || c.failed;
}
