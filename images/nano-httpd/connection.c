#include "connection.h"

#include "file.h"
#include "sys.h"

/* A turn gives each client that much, so that a fast one does not keep the others waiting. */
#define BYTES_PER_TURN    (256 * 1024)
#define REQUESTS_PER_TURN 16

enum progress { WAIT, GO_ON };

static void set_deadline(struct connection *c, int64_t after_ms, struct turn *turn)
{
    c->deadline_ms = turn->now_ms + after_ms;
    if (c->deadline_ms < turn->deadline_ms)
        turn->deadline_ms = c->deadline_ms;
}

static void set_state(struct connection *c, enum state state, struct turn *turn)
{
    static const uint16_t timeouts_ms[] = {
        [STATE_READING] = REQUEST_MS, [STATE_SENDING] = STALLED_MS, [STATE_DRAINING] = DRAINING_MS};
    c->state = state;
    c->since_ms = turn->now_ms;
    c->want = state == STATE_SENDING ? EPOLLOUT : EPOLLIN;
    set_deadline(c, timeouts_ms[state], turn);
}

void connection_open(struct connection *c, int fd, struct turn *turn)
{
    *c = (struct connection){.fd = fd, .file = -1};
    set_state(c, STATE_READING, turn);
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
static bool fill(struct connection *c, char *buffer, struct turn *turn)
{
    long n = sys_read(c->fd, buffer + c->filled, (size_t)(REQUEST_MAX - c->filled));
    if (n == -EAGAIN || n == -EINTR)
        return false;
    if (n <= 0) {
        connection_close(c);
        return false;
    }
    if (!c->filled) /* the time for a request runs from its first byte */
        set_state(c, STATE_READING, turn);
    c->filled = (uint16_t)(c->filled + n);
    return true;
}

static int64_t date_of(struct turn *turn)
{
    struct sys_time now = {0};
    if (!turn->date) {
        (void)sys_clock_gettime(CLOCK_REALTIME, &now);
        turn->date = now.seconds;
    }
    return turn->date;
}

/* Turns the request at the start of the buffer into a response; WAIT where it is not complete. */
static enum progress answer(struct connection *c, char *buffer, struct turn *turn)
{
    struct request request;
    int used = c->filled ? request_parse(buffer, c->filled, &request) : 0;
    if (!used) {
        c->want = EPOLLIN;
        return WAIT;
    }
    c->response = (struct response){.date = date_of(turn)};
    if (used < 0) {
        c->response.status = -used;
        c->request = c->filled;
        c->drain = true;
    } else {
        c->request = (uint16_t)used;
        c->response.keep_alive = request.keep_alive && !turn->last;
        c->response.head_only = request.method == METHOD_HEAD;
        c->drain = request.body || request.keep_alive;
        c->file = file_respond(&request, &c->response);
    }
    c->head_done = false;
    c->head_sent = 0;
    c->offset = (int64_t)c->response.first;
    c->left = c->file >= 0 ? (int64_t)c->response.length : 0;
    set_state(c, STATE_SENDING, turn);
    return GO_ON;
}

/* Notes that n bytes were sent. Nothing sent: WAIT, or the end of the connection. */
static enum progress moved(struct connection *c, long n, struct turn *turn)
{
    if (n > 0) {
        set_state(c, STATE_SENDING, turn);
        return GO_ON;
    }
    if (n != -EAGAIN && n != -EINTR)
        connection_close(c);
    return WAIT;
}

/* Reads a small file whole to its place behind the head; how much of it, or an error. */
static long read_small(struct connection *c, char *place)
{
    return c->left > SMALL_FILE || c->offset ? 0 : sys_read(c->file, place, (size_t)c->left);
}

/* Sends the head, and a small file with it. Of the file, what was not taken is left to send_file(). */
static enum progress send_head(struct connection *c, struct turn *turn)
{
    size_t head = response_head(&c->response, turn->scratch), size = head;
    if (c->left && !c->head_sent) {
        long n = read_small(c, turn->scratch + head);
        size += n > 0 ? (size_t)n : 0;
    }
    while (c->head_sent < head) {
        int flags = MSG_NOSIGNAL | (c->left > (int64_t)(size - head) ? MSG_MORE : 0);
        long n = sys_send(c->fd, turn->scratch + c->head_sent, size - c->head_sent, flags);
        if (moved(c, n, turn) == WAIT)
            return WAIT;
        size_t sent = c->head_sent + (size_t)n;
        c->head_sent = (uint16_t)(sent < head ? sent : head);
        c->offset += (int64_t)(sent - c->head_sent);
        c->left -= (int64_t)(sent - c->head_sent);
    }
    c->head_done = true;
    return GO_ON;
}

/* A file that became shorter meanwhile ends the connection: the length was promised. */
static enum progress send_file(struct connection *c, struct turn *turn)
{
    int64_t budget = BYTES_PER_TURN;
    while (c->left) {
        if (budget <= 0)
            return WAIT;
        long n = sys_sendfile(c->fd, c->file, &c->offset, (size_t)(c->left < budget ? c->left : budget));
        if (moved(c, n, turn) == WAIT)
            return WAIT;
        c->left -= n;
        budget -= n;
    }
    return GO_ON;
}

/* Makes place for the next request, or says goodbye. */
static void finish(struct connection *c, char *buffer, struct turn *turn)
{
    close_file(c);
    int left = c->filled - c->request;
    if (!c->response.keep_alive && !c->drain && !left) {
        connection_close(c);
        return;
    }
    if (!c->response.keep_alive) {
        (void)sys_shutdown(c->fd, SHUT_WR);
        set_state(c, STATE_DRAINING, turn);
        return;
    }
    for (int i = 0; i < left; i++)
        buffer[i] = buffer[c->request + i];
    c->filled = (uint16_t)left;
    set_state(c, STATE_READING, turn);
    if (!left)
        set_deadline(c, IDLE_MS, turn);
}

static void drain(struct connection *c, char *buffer)
{
    long n = sys_read(c->fd, buffer, REQUEST_MAX);
    if (n <= 0 && n != -EAGAIN && n != -EINTR)
        connection_close(c);
}

void connection_step(struct connection *c, char *buffer, struct turn *turn)
{
    if (c->state == STATE_DRAINING) {
        drain(c, buffer);
        return;
    }
    if (c->state == STATE_READING && c->want == EPOLLIN && !fill(c, buffer, turn))
        return;
    for (int i = 0; i < REQUESTS_PER_TURN; i++) {
        if (c->state == STATE_READING && answer(c, buffer, turn) == WAIT)
            return;
        if ((!c->head_done && send_head(c, turn) == WAIT) || send_file(c, turn) == WAIT)
            return;
        finish(c, buffer, turn);
        if (c->state != STATE_READING)
            return;
    }
    c->want = EPOLLOUT; /* there may be more in the buffer: come back when the others had their turn */
}
