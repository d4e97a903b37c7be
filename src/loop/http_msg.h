/* http_msg.h: one HTTP/1.x message after another out of a stream of bytes; llhttp behind one face.
 *
 *     begin --> feed (HEAD) ... --> BODY: look at the head, set the body's limit --> feed ... --> COMPLETE --> begin
 *                                                                   any of them --> FAILED (for good)
 * A head is parsed when all of it is there, from one piece of memory in the message's arena, so every name and value
 * is a plain run of bytes. Bodies with a length can be read by the socket straight into place (room, filled).
 * Requests are read strictly: one framing, no folded lines, no bare CR or LF, no control characters (RFC 9112,
 * sections 2.2, 5, 6). Knows no sockets and no clock; one thread at a time. */
#ifndef LOOP_HTTP_MSG_H
#define LOOP_HTTP_MSG_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "loop/values.h"

enum http_msg_kind { HTTP_MSG_REQUEST, HTTP_MSG_RESPONSE };
enum http_msg_state { HTTP_MSG_HEAD, HTTP_MSG_BODY, HTTP_MSG_COMPLETE, HTTP_MSG_FAILED };
enum http_framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

typedef struct http_head {
    unsigned method;          /* request: METHOD_* */
    bytes method_name, target;
    int status;               /* response */
    bytes status_line;        /* "404 Not Found", without a reason "404 " */
    int minor;                /* of HTTP/1.x */
    http_values headers;      /* trailers are not among them */
    enum http_framing framing;
    uint64_t content_length;  /* FRAMING_LENGTH */
    bool keep_alive;          /* may the connection serve another message after this one? */
} http_head;

typedef struct http_msg http_msg;
http_msg *http_msg_new(enum http_msg_kind kind);
void http_msg_free(http_msg *m);   /* NULL is fine */

/* The next message: its head goes to the arena, its body is appended to the (initialised) buf; both are the caller's.
 * no_body: the answer to a HEAD request. */
void http_msg_begin(http_msg *m, arena *a, buf *body, bool no_body);

/* Takes bytes from the front of `in`; *used says how many. It stops behind a head (BODY, or COMPLETE where no body
 * follows) and behind a message, so call again with the rest. */
enum http_msg_state http_msg_feed(http_msg *m, bytes in, size_t *used);
enum http_msg_state http_msg_state(const http_msg *m);
/* In BODY: a body of more bytes fails with 413 (at once where its length is known). Without this body->max holds. */
enum http_msg_state http_msg_limit_body(http_msg *m, size_t max);

/* In BODY, where the bytes can be put straight into the body: memory for at least one more byte, else false. One byte
 * more than is wanted is offered, so that a read that takes all does not look like one that left some behind. */
bool http_msg_room(http_msg *m, char **p, size_t *len);
/* n bytes were put there. The rare bytes behind the message's end are handed back in *rest (borrowed). */
enum http_msg_state http_msg_filled(http_msg *m, size_t n, bytes *rest);
/* The stream has ended: completes a body that runs until then, fails the rest ("EOF" before the first byte, "unexpected
 * EOF" after it). */
enum http_msg_state http_msg_end(http_msg *m);

bool http_msg_is_empty(const http_msg *m);            /* no byte of it has come yet */
const http_head *http_msg_head(const http_msg *m);    /* from BODY on, also when the body failed */
bool http_msg_has_head(const http_msg *m);
/* FAILED: a sentence, and the status a server answers with. */
const err *http_msg_err(const http_msg *m);
int http_msg_err_status(const http_msg *m);
#endif
