/* target_group.h: targets with labels in common, as every kind of service discovery yields them. */
#ifndef CONFIG_TARGET_GROUP_H
#define CONFIG_TARGET_GROUP_H
#include "model/labels.h"

typedef struct target_group {
    bytes source;                  /* unique within its provider: "0", "/etc/targets.yml:2" */
    const labels *labels;          /* common to all targets; never NULL */
    const labels *const *targets;  /* each has __address__; more for DNS */
    size_t n_targets;
} target_group;
#endif
