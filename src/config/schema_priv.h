/* schema_priv.h: what schema.c (decoding) and schema_write.c (writing) know together. */
#ifndef CONFIG_SCHEMA_PRIV_H
#define CONFIG_SCHEMA_PRIV_H
#include "config/schema.h"

/* Any CONF_LIST_OF. Read and written by memcpy: the real type differs. */
typedef struct conf_list {
    char *p;
    size_t n;
} conf_list;

static inline conf_list conf_list_at(const void *place)
{
    conf_list l;
    memcpy(&l, place, sizeof l);
    return l;
}

static inline void *conf_at(void *obj, size_t offset)
{
    return (char *)obj + offset;
}

static inline const void *conf_at_const(const void *obj, size_t offset)
{
    return (const char *)obj + offset;
}

/* The type of a list's or map's elements as a row of its own, its value at offset 0. */
conf_field conf_element(const conf_field *f);
#endif
