/* sd_file.h: files of target groups, JSON or YAML by their name: what file_sd reads and `check config` checks. */
#ifndef CONFIG_SD_FILE_H
#define CONFIG_SD_FILE_H
#include "config/target_group.h"

/* All in a; text may go. Groups get the label __meta_filepath and the source "PATH:INDEX". Unknown keys are errors, in
 * JSON and in YAML; errors do not name the file. */
bool sd_file_parse(bytes text, const char *path, arena *a, target_group **out, size_t *n, err *e);
/* The same from disk; mtime_sec (may be NULL): the file's time. Blocks: a worker's job. */
bool sd_file_read(const char *path, arena *a, target_group **out, size_t *n, int64_t *mtime_sec, err *e);
#endif
