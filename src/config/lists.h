/* lists.h: lists and maps of strings as configuration structs hold them. */
#ifndef CONFIG_LISTS_H
#define CONFIG_LISTS_H
#include "config/schema.h"

typedef CONF_LIST_OF(bytes) bytes_list;
typedef struct string_pair {
    bytes key, value;
} string_pair;
typedef CONF_LIST_OF(string_pair) string_map;
typedef struct strings_pair {
    bytes key;
    bytes_list value;
} strings_pair;
typedef CONF_LIST_OF(strings_pair) strings_map;
#endif
