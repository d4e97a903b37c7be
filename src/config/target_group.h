/* target_group.h: targets with labels in common, as every kind of service discovery yields them. */
#ifndef CONFIG_TARGET_GROUP_H
#define CONFIG_TARGET_GROUP_H
#include "config/lists.h"
#include "model/labels.h"

typedef struct target_group {
    bytes source;                  /* unique within its provider: "0", "/etc/targets.yml:2" */
    const labels *labels;          /* common to all targets; never NULL */
    const labels *const *targets;  /* each has __address__; more for DNS */
    size_t n_targets;
} target_group;

/* A target group as files have it. */
typedef struct static_config {
    bytes_list targets;
    string_map labels;
} static_config;

/* In the arena; in's texts are borrowed. meta (name may be empty) is one more label. */
void target_group_make(arena *a, const static_config *in, bytes source, label meta, target_group *out);
/* A YAML list of target groups, all in a (text may go). Errors as Go's yaml, without the file. */
bool static_configs_parse(bytes text, arena *a, static_config **out, size_t *n, err *e);
#endif
