/* natsort.h: the order in which people sort names with numbers: node9 before node10. Private to the room. */
#ifndef PROMQL_NATSORT_H
#define PROMQL_NATSORT_H
#include "base/bytes.h"

/* Does a come before b? As facette/natsort, which Prometheus uses for sort_by_label. */
bool natsort_less(bytes a, bytes b);
#endif
