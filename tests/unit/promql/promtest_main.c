/* promtest_main.c: promtest [-v] [-1] [-d] FILE.test...: runs scripts, prints `N passed, N failed, N skipped`; exit code 1 where
 * one failed. -d: without delayed name removal and the other features. */
#include "promtest.h"
#include "promql/parse.h"
#include <stdio.h>

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
            ok = promtest_run(argv[i], &o, &c) && ok;
    }
    printf("%zu passed, %zu failed, %zu skipped\n", c.passed, c.failed, c.skipped);
    return !ok || c.failed;
}
