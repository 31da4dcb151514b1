#include "connection.h"

#include "file.h"
#include "sys.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

/* A turn gives each client that much, so that a fast one does not keep the others waiting. */
#define BYTES_PER_TURN    (256 * 1024)
#define REQUESTS_PER_TURN 16

enum progress { WAIT, GO_ON };

static void set_state(struct connection *c, enum state state, int64_t now_ms)
{
    static const int timeouts_ms[] = {
        [STATE_READING] = REQUEST_MS, [STATE_SENDING] = STALLED_MS, [STATE_DRAINING] = DRAINING_MS};
    c->state = state;
    c->since_ms = now_ms;
    c->deadline_ms = now_ms + timeouts_ms[state];
    c->want = state == STATE_SENDING ? EPOLLOUT : EPOLLIN;
}

void connection_open(struct connection *c, int fd, int64_t now_ms)
{
    *c = (struct connection){.fd = fd, .file = -1};
    set_state(c, STATE_READING, now_ms);
}

static void close_file(struct connection *c)
{
    if (c->file >= 0)
        (void)sys_close(c->file);
    c->file = -1;
}

void connection_close(struct connection *c)
{
    close_file(c);
    (void)sys_close(c->fd);
    c->state = STATE_CLOSED;
}

/* Fills the buffer; false where nothing came. */
static bool fill(struct connection *c, char *buffer, int64_t now_ms)
{
    long n = sys_read(c->fd, buffer + c->filled, (size_t)(REQUEST_MAX - c->filled));
    if (n == -EAGAIN || n == -EINTR)
        return false;
    if (n <= 0) {
        connection_close(c);
        return false;
    }
    if (!c->filled) /* the time for a request runs from its first byte */
        set_state(c, STATE_READING, now_ms);
    c->filled = (uint16_t)(c->filled + n);
    return true;
}

/* Turns the request at the start of the buffer into a response; WAIT where it is not complete. */
static enum progress answer(struct connection *c, char *buffer, int root, bool last, int64_t now_ms)
{
    struct request request;
    struct sys_time now = {0};
    int used = c->filled ? request_parse(buffer, c->filled, &request) : 0;
    if (!used) {
        c->want = EPOLLIN;
        return WAIT;
    }
    (void)sys_clock_gettime(CLOCK_REALTIME, &now);
    c->response = (struct response){.date = now.seconds};
    if (used < 0) {
        c->response.status = -used;
        c->request = c->filled;
    } else {
        c->request = (uint16_t)used;
        c->response.keep_alive = request.keep_alive && !last;
        c->response.head_only = request.method == METHOD_HEAD;
        c->file = file_respond(root, &request, &c->response);
    }
    c->head_sent = 0;
    c->offset = (int64_t)c->response.first;
    c->left = c->file >= 0 ? (int64_t)c->response.length : 0;
    set_state(c, STATE_SENDING, now_ms);
    return GO_ON;
}

/* Notes that n bytes were sent. Nothing sent: WAIT, or the end of the connection. */
static enum progress moved(struct connection *c, long n, int64_t now_ms)
{
    if (n > 0) {
        set_state(c, STATE_SENDING, now_ms);
        return GO_ON;
    }
    if (n != -EAGAIN && n != -EINTR)
        connection_close(c);
    return WAIT;
}

static enum progress send_head(struct connection *c, int64_t now_ms)
{
    char head[RESPONSE_MAX];
    size_t size = response_head(&c->response, head);
    int flags = MSG_NOSIGNAL | (c->left ? MSG_MORE : 0);
    while (c->head_sent < size) {
        long n = sys_send(c->fd, head + c->head_sent, size - c->head_sent, flags);
        if (moved(c, n, now_ms) == WAIT)
            return WAIT;
        c->head_sent = (uint16_t)(c->head_sent + n);
    }
    return GO_ON;
}

/* A file that became shorter meanwhile ends the connection: the length was promised. */
static enum progress send_file(struct connection *c, int64_t now_ms)
{
    int64_t budget = BYTES_PER_TURN;
    while (c->left) {
        if (budget <= 0)
            return WAIT;
        long n = sys_sendfile(c->fd, c->file, &c->offset, (size_t)(c->left < budget ? c->left : budget));
        if (moved(c, n, now_ms) == WAIT)
            return WAIT;
        c->left -= n;
        budget -= n;
    }
    return GO_ON;
}

/* Makes place for the next request, or says goodbye. */
static void finish(struct connection *c, char *buffer, int64_t now_ms)
{
    close_file(c);
    if (!c->response.keep_alive) {
        (void)sys_shutdown(c->fd, SHUT_WR);
        set_state(c, STATE_DRAINING, now_ms);
        return;
    }
    int left = c->filled - c->request;
    for (int i = 0; i < left; i++)
        buffer[i] = buffer[c->request + i];
    c->filled = (uint16_t)left;
    set_state(c, STATE_READING, now_ms);
    if (!left)
        c->deadline_ms = now_ms + IDLE_MS;
}

static void drain(struct connection *c, char *buffer)
{
    long n = sys_read(c->fd, buffer, REQUEST_MAX);
    if (n <= 0 && n != -EAGAIN && n != -EINTR)
        connection_close(c);
}

void connection_step(struct connection *c, char *buffer, int root, bool last, int64_t now_ms)
{
    if (c->state == STATE_DRAINING) {
        drain(c, buffer);
        return;
    }
    if (c->state == STATE_READING && c->want == EPOLLIN && !fill(c, buffer, now_ms))
        return;
    for (int i = 0; i < REQUESTS_PER_TURN; i++) {
        if (c->state == STATE_READING && answer(c, buffer, root, last, now_ms) == WAIT)
            return;
        if (send_head(c, now_ms) == WAIT || send_file(c, now_ms) == WAIT)
            return;
        finish(c, buffer, now_ms);
        if (c->state != STATE_READING)
            return;
    }
    c->want = EPOLLOUT; /* there may be more in the buffer: come back when the others had their turn */
}
