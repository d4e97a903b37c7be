/* json_write.h: JSON to a buf, commas by itself. No tree, no allocation but the buf's.
 *
 *     json_writer w; json_init(&w, &b);
 *     json_object(&w); json_key(&w, "status"); json_cstr(&w, "success"); json_end(&w);
 * Strings are escaped as Go's encoder does with HTML escaping off; invalid UTF-8 becomes U+FFFD.             */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H
#include "base/buf.h"

enum { JSON_MAX_DEPTH = 64 };
typedef struct json_writer {
    buf *out;
    uint64_t comma;      /* bit per depth: a value stands before */
    uint64_t is_array;   /* bit per depth */
    int depth;
    bool after_key;
} json_writer;

void json_init(json_writer *w, buf *out);
void json_object(json_writer *w);
void json_array(json_writer *w);
void json_end(json_writer *w);                     /* closes the innermost */
void json_key(json_writer *w, const char *key);
void json_key_bytes(json_writer *w, bytes key);
void json_str(json_writer *w, bytes s);
void json_cstr(json_writer *w, const char *s);
void json_bool(json_writer *w, bool v);
void json_null(json_writer *w);
void json_i64(json_writer *w, int64_t v);
void json_double(json_writer *w, double v);        /* a JSON number as Go's encoding/json prints it; v finite */
void json_raw(json_writer *w, bytes text);         /* text that is JSON already */
/* The escaped string with its quotes, without the writer's commas. */
void json_escape(buf *out, bytes s);
#endif
