/* output.h: query results as text: promtool's lines, JSON, an aligned table, CSV. Input is the API's own JSON. */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H
#include "base/arena.h"
#include <cjson/cJSON.h>

enum output_format { OUTPUT_PROMQL, OUTPUT_JSON, OUTPUT_TABLE, OUTPUT_CSV };
enum output_format output_format_of(const char *name);

/* data: {"resultType": ..., "result": ...}. */
void output_result(const cJSON *data, enum output_format f, arena *a);
/* A list of label sets / of strings. */
void output_series(const cJSON *list, enum output_format f, arena *a);
void output_strings(const cJSON *list, enum output_format f, arena *a);
#endif
