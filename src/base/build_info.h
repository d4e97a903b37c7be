/* build_info.h: which program this is. The version comes from meson.build, the revision from git. */
#ifndef BASE_BUILD_INFO_H
#define BASE_BUILD_INFO_H

/* The Prometheus version whose flags, configuration, API and PromQL are spoken. */
#define BUILD_API_VERSION "3.14.0"

extern const char build_version[], build_revision[], build_branch[], build_user[], build_date[], build_compiler[], build_platform[];
/* What --version prints, in Prometheus' layout. program is "tsdbd" or "tsdbctl". Static text, one at a time. */
const char *build_text(const char *program);
#endif
