/* paths.h: file names as Go's path/filepath treats them: joined, cleaned, matched by globs. */
#ifndef CONFIG_PATHS_H
#define CONFIG_PATHS_H
#include "base/arena.h"
#include "base/err.h"

/* Results live in the arena and are NUL-terminated. */
bytes path_clean(arena *a, bytes path);                  /* filepath.Clean: "" gives "." */
bytes path_dir(arena *a, bytes path);                    /* filepath.Dir */
bytes path_base(bytes path);                             /* behind the last '/'; borrowed */
bytes path_ext(bytes path);                              /* ".yml", or empty; borrowed */
bytes path_join_dir(arena *a, bytes dir, bytes path);    /* an empty or absolute path stays as it is */

/* filepath.Match: * ? [a-z] [^a] \x, none of which matches '/'. false with *bad: the pattern is malformed. */
bool path_match(bytes pattern, bytes name, bool *bad);
/* filepath.Glob: existing files, in the order of their names. A pattern without magic gives itself where it exists;
 * folders that cannot be read count as empty. Fails for a malformed pattern only ("syntax error in pattern"). */
bool path_glob(arena *a, bytes pattern, bytes **out, size_t *n, err *e);
#endif
