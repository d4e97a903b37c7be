/* schema_rows.h: short forms for the rows of schema.h. T: the struct, m: its member. Further fields follow as
 * designators: ROW(scrape_config, "scheme", CONF_STRING, scheme, .deflt = "http", OMIT).                    */
#ifndef CONFIG_SCHEMA_ROWS_H
#define CONFIG_SCHEMA_ROWS_H
#include "config/schema.h"

#define OMIT .flags = CONF_OMIT_EMPTY
#define ROW(T, name, t, m, ...) { .key = name, .type = t, .offset = offsetof(T, m), ##__VA_ARGS__ }
/* A nested struct; INLINE: whose keys stand among the parent's. */
#define STRUCT(T, name, m, schema, ...) ROW(T, name, CONF_STRUCT, m, .of = &(schema), ##__VA_ARGS__)
#define POINTER(T, name, m, schema, ...) ROW(T, name, CONF_POINTER, m, .of = &(schema), ##__VA_ARGS__)
#define INLINE(T, m, schema) ROW(T, "", CONF_STRUCT, m, .of = &(schema), .flags = CONF_INLINE)
#define ELEMENT(T, m) __typeof__(*((T *)0)->m.p)
#define LIST(T, name, m, ...)                                                                                  \
    ROW(T, name, CONF_LIST, m, .item_size = sizeof(ELEMENT(T, m)), ##__VA_ARGS__)
#define MAP(T, name, m, ...)                                                                                   \
    ROW(T, name, CONF_MAP, m, .item_size = sizeof(ELEMENT(T, m)), .value_offset = offsetof(ELEMENT(T, m), value), \
        ##__VA_ARGS__)
#define END_ROW { .key = NULL }
#endif
