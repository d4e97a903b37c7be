/* relabel.h: relabelling rules (prometheus.yml relabel_configs), every action, as model/relabel/relabel.go. */
#ifndef MODEL_RELABEL_H
#define MODEL_RELABEL_H
#include "base/regex.h"
#include "model/labels.h"

enum relabel_action {
    RELABEL_REPLACE, RELABEL_KEEP, RELABEL_DROP, RELABEL_KEEPEQUAL, RELABEL_DROPEQUAL, RELABEL_HASHMOD,
    RELABEL_LABELMAP, RELABEL_LABELDROP, RELABEL_LABELKEEP, RELABEL_LOWERCASE, RELABEL_UPPERCASE,
    RELABEL_N_ACTIONS
};
extern const char *const relabel_action_names[RELABEL_N_ACTIONS];   /* "replace", ... */

typedef struct relabel_rule {
    enum relabel_action action;
    bytes *source_labels;
    size_t n_source_labels;
    bytes separator;        /* default ";" */
    regex *re;              /* default (.*); one reference, the configuration's */
    uint64_t modulus;
    bytes target_label;
    bytes replacement;      /* default $1 */
    bool has_regex;         /* the configuration names one: what it prints */
    uint32_t line;          /* where the rule stands in its file; 0: nowhere */
} relabel_rule;

/* Applies the rules in order to b. false: dropped. */
bool relabel_apply(const relabel_rule *rules, size_t n, labels_builder *b);
#endif
