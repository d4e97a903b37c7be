/* file.h: whole files, with a size limit and errors a user can read ("open FILE: no such file or directory", as Go's
 * os package words them: lower-case strerror). */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include "base/buf.h"
#include "base/err.h"

/* Reads the whole file; more than max bytes is an error. *out is the caller's: buf_release() it. */
bool file_read(const char *path, size_t max, buf *out, err *e);
/* Writes path through a temporary file in the same folder: fsync, rename, fsync of the folder. */
bool file_write_atomic(const char *path, bytes data, int mode, err *e);
/* Makes the folder and its parents. */
bool dir_make(const char *path, err *e);
/* errno as Go prints it: "no such file or directory", "permission denied"... Static text. */
const char *file_errno_text(int errnum);
#endif
