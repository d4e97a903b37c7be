/* harness.c: see harness.h. */
#include "harness.h"
#include "base/arena.h"
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, STEP_MS = 2 };

void harness_open(harness *h)
{
    *h = (harness){ .n_peers = 0 };
    ck_assert_int_eq(uv_loop_init(&h->loop), 0);
}

static bool is_readable(const peer *p)
{
    return p->fd >= 0 && !p->has_eof && !p->was_reset && !p->is_deaf;
}

static void peer_read(peer *p)
{
    char in[64 << 10];
    while (is_readable(p)) {
        ssize_t n = recv(p->fd, in, sizeof in, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return;
        p->has_eof = n == 0;
        p->was_reset = n < 0;
        if (n > 0)
            buf_put(&p->got, in, (size_t)n);
    }
}

/* Waits for whatever comes first: the loop's descriptor, its next timer, or bytes for a peer. */
static void turn(harness *h, int max_ms)
{
    struct pollfd fds[MAX_PEERS + 1] = { { .fd = uv_backend_fd(&h->loop), .events = POLLIN } };
    nfds_t n = 1;
    uv_run(&h->loop, UV_RUN_NOWAIT);
    for (int i = 0; i < h->n_peers; i++) {
        peer *p = &h->peers[i];
        if (is_readable(p))
            fds[n++] = (struct pollfd){ .fd = p->fd, .events = POLLIN };
    }
    int ms = uv_backend_timeout(&h->loop);
    max_ms = max_ms < STEP_MS ? max_ms : STEP_MS;   /* a watcher made just now is not in the descriptor yet */
    if (uv_loop_alive(&h->loop) || n > 1)
        poll(fds, n, ms < 0 || ms > max_ms ? max_ms : ms);
    for (int i = 0; i < h->n_peers; i++)
        peer_read(&h->peers[i]);
}

static int64_t now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

void loop_until_at(harness *h, condition fn, void *ctx, const char *file, int line)
{
    int64_t until = now_ms() + PATIENCE_MS;
    while (!fn(ctx)) {
        int64_t left = until - now_ms();
        ck_assert_msg(left > 0, "%s:%d: waited in vain", file, line);
        turn(h, (int)left);
    }
}

void loop_for(harness *h, int ms)
{
    int64_t until = now_ms() + ms;
    for (int64_t left; (left = until - now_ms()) > 0;)
        turn(h, (int)left);
}

static bool is_dead(void *ctx)
{
    return !uv_loop_alive(ctx);
}

void harness_close(harness *h)
{
    for (int i = 0; i < h->n_peers; i++) {
        peer_close(&h->peers[i]);
        buf_release(&h->peers[i].got);
    }
    loop_until(h, is_dead, &h->loop);
    ck_assert_int_eq(uv_loop_close(&h->loop), 0);
}

/* ---- raw clients ---- */

peer *peer_open(harness *h, int port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_lt(h->n_peers, MAX_PEERS);
    peer *p = &h->peers[h->n_peers++];
    *p = (peer){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    buf_init(&p->got, 64 << 20);
    ck_assert_int_eq(connect(p->fd, (struct sockaddr *)&sa, sizeof sa), 0);   /* the backlog takes it */
    return p;
}

void peer_send_bytes(harness *h, peer *p, bytes b)
{
    while (b.len && !p->has_eof && !p->was_reset) {
        ssize_t n = send(p->fd, b.p, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return;
        b = bytes_sub(b, n < 0 ? 0 : (size_t)n, b.len);
        if (b.len)
            turn(h, 1);
    }
}

void peer_send(peer *p, const char *text)
{
    size_t len = strlen(text);
    ssize_t n = send(p->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    ck_assert(n < 0 || (size_t)n == len);   /* where it fails the connection has ended, which the test sees */
}

void peer_shutdown(peer *p)
{
    shutdown(p->fd, SHUT_WR);
}

void peer_close(peer *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

void peer_reset(peer *p)
{
    struct linger l = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    peer_close(p);
}

static const char *text_of(peer *p)
{
    buf_putc(&p->got, '\0');
    p->got.len--;
    return p->got.p;
}

static bool has_ended(void *ctx)
{
    const peer *p = ctx;
    return p->has_eof || p->was_reset;
}

const char *peer_read_to_end(harness *h, peer *p)
{
    loop_until(h, has_ended, p);
    return text_of(p);
}

int count_of(const char *in, const char *text)
{
    int n = 0;
    for (const char *at = in; (at = strstr(at, text)); at++)
        n++;
    return n;
}

typedef struct wanted {
    peer *p;
    const char *text;
    int n;
} wanted;

static bool has_come(void *ctx)
{
    wanted *w = ctx;
    return count_of(text_of(w->p), w->text) >= w->n;
}

const char *peer_read_until(harness *h, peer *p, const char *text, int n)
{
    wanted w = { p, text, n };
    loop_until(h, has_come, &w);
    return text_of(p);
}

const char *body_of(const char *answer)
{
    const char *at = strstr(answer, "\r\n\r\n");
    return at ? at + 4 : "(no body)";
}

/* ---- the scripted server ---- */

typedef struct fake_conn {
    uv_tcp_t tcp;
    fake *f;
    size_t seen;      /* of f->got when the request began */
    struct fake_conn *next;
    bool closing;
    char in[64 << 10];
} fake_conn;

static void on_conn_closed(uv_handle_t *h)
{
    fake_conn *c = h->data;
    if (c->f)
        for (fake_conn **at = &c->f->conns; *at; at = &(*at)->next)
            if (*at == c) {
                *at = c->next;
                break;
            }
    free(c);
}

static void conn_end(fake_conn *c, bool reset)
{
    if (c->closing)
        return;
    c->closing = true;
    if (!reset || uv_tcp_close_reset(&c->tcp, on_conn_closed) != 0)
        uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

static void answer(fake_conn *c)
{
    fake *f = c->f;
    if (f->n_requests >= f->n_answers)
        return;
    const fake_answer *a = &f->answers[f->n_requests++];
    if (a->text) {
        uv_buf_t b = uv_buf_init((char *)(uintptr_t)a->text, (unsigned)(a->len ? a->len : strlen(a->text)));
        uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    }
    if (a->then != FAKE_KEEP)
        conn_end(c, a->then == FAKE_RESET);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    fake_conn *c = h->data;
    *out = uv_buf_init(c->in, sizeof c->in);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    fake_conn *c = s->data;
    if (n < 0) {
        conn_end(c, false);
        return;
    }
    buf_put(&c->f->got, b->base, (size_t)n);
    if (bytes_find_bytes(bytes_sub(buf_bytes(&c->f->got), c->seen, c->f->got.len), BYTES("\r\n\r\n")) >= 0) {
        c->seen = c->f->got.len;
        answer(c);
    }
}

static void on_connection(uv_stream_t *s, int status)
{
    fake *f = s->data;
    fake_conn *c = xcalloc(1, sizeof *c);
    c->f = f;
    c->next = f->conns;
    f->conns = c;
    f->n_connections++;
    c->seen = f->got.len;
    c->tcp.data = c;
    uv_tcp_init(s->loop, &c->tcp);
    c->tcp.data = c;
    ck_assert_int_eq(uv_accept(s, (uv_stream_t *)&c->tcp), 0);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

void fake_open(fake *f, harness *h, const fake_answer *answers, int n)
{
    struct sockaddr_in sa;
    int len = sizeof sa;
    *f = (fake){ .answers = answers, .n_answers = n };
    buf_init(&f->got, 1 << 20);
    uv_tcp_init(&h->loop, &f->listener);
    f->listener.data = f;
    uv_ip4_addr("127.0.0.1", 0, &sa);
    ck_assert_int_eq(uv_tcp_bind(&f->listener, (struct sockaddr *)&sa, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&f->listener, 16, on_connection), 0);
    uv_tcp_getsockname(&f->listener, (struct sockaddr *)&sa, &len);
    f->port = ntohs(sa.sin_port);
}

void fake_close(fake *f)
{
    uv_close((uv_handle_t *)&f->listener, NULL);
    for (fake_conn *c = f->conns; c; c = c->next) {
        conn_end(c, false);
        c->f = NULL;
    }
    f->conns = NULL;
    buf_release(&f->got);
}

int free_port(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET };
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    getsockname(fd, (struct sockaddr *)&sa, &len);
    close(fd);
    return ntohs(sa.sin_port);
}
