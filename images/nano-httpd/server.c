#include "server.h"

#include "connection.h"
#include "settle.h"
#include "sys.h"

#define CONNECTIONS_MAX  128
#define EVENTS_PER_TURN  64
#define ACCEPTS_PER_TURN 16
/* Where all places are taken, the client that has done nothing for the longest time makes place, after so long. */
#define EVICT_AFTER_MS 1000
/* Responses under way when a signal ends the server have so long. */
#define STOPPING_MS 5000
/* Without a client for that long, everything that serves clients is given back. */
#define QUIET_MS 100

/* What epoll hands back, where it is not the index of a connection. */
enum { LISTENER = CONNECTIONS_MAX, SIGNALS };

static const uint64_t ending_signals = 1ull << (SIGTERM - 1) | 1ull << (SIGINT - 1);

/*
 * What is there while there are clients, and only then. The lowest free place is taken first and nothing above the
 * highest taken one is looked at, so that pages of places never used are never touched.
 */
struct server {
    int epoll, listener, signals;
    bool accepting, stopping;
    int places; /* the highest place taken, plus one */
    int64_t stop_ms;
    struct turn turn;
    struct epoll_event events[EVENTS_PER_TURN];
    struct connection connections[CONNECTIONS_MAX];
    char buffers[CONNECTIONS_MAX][REQUEST_MAX];
};

static void begin_turn(struct turn *turn)
{
    struct sys_time now = {0};
    (void)sys_clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t nanoseconds = (uint64_t)now.nanoseconds;
    (void)divide(&nanoseconds, 1000000);
    turn->now_ms = now.seconds * 1000 + (int64_t)nanoseconds;
    turn->date = 0;
}

static long watch(struct server *s, int operation, int fd, int events, uint32_t what)
{
    struct epoll_event event = {.events = (uint32_t)events, .data = what};
    return sys_epoll_ctl(s->epoll, operation, fd, &event);
}

static void set_accepting(struct server *s, bool accepting)
{
    if (s->accepting != accepting && !s->stopping)
        (void)watch(s, EPOLL_CTL_MOD, s->listener, accepting ? EPOLLIN : 0, LISTENER);
    s->accepting = accepting;
}

/* A place that is free, or NULL; *ret_oldest: the client that stood still longest. */
static struct connection *free_place(struct server *s, struct connection **ret_oldest)
{
    *ret_oldest = s->connections;
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &s->connections[i];
        if (c->state == STATE_CLOSED)
            return c;
        if (c->since_ms < (*ret_oldest)->since_ms)
            *ret_oldest = c;
    }
    return NULL;
}

/* Lets the connection go on, and tells epoll what it waits for then. */
static void serve(struct server *s, uint32_t place)
{
    struct connection *c = &s->connections[place];
    if (c->state == STATE_CLOSED) /* closed while its event was on the way */
        return;
    connection_step(c, s->buffers[place], &s->turn);
    if (c->state == STATE_CLOSED)
        return;
    bool failed = false;
    if (c->watched != c->want)
        failed = watch(s, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, c->want, place) < 0;
    c->watched = c->want;
    if (failed || (s->stopping && c->state == STATE_READING))
        connection_close(c);
}

/* Most requests come right behind the connection: they are answered without asking epoll for them. */
static bool accept_client(struct server *s, struct connection *c)
{
    long fd = sys_accept4(s->listener, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        set_accepting(s, fd != -EMFILE && fd != -ENFILE && fd != -ENOBUFS && fd != -ENOMEM);
        return false;
    }
    int place = (int)(c - s->connections);
    if (place >= s->places)
        s->places = place + 1;
    connection_open(c, (int)fd, &s->turn);
    serve(s, (uint32_t)place);
    return true;
}

/* The first one is at the door for sure, and somebody may be shown out for it. */
static void accept_clients(struct server *s)
{
    struct connection *oldest, *c = free_place(s, &oldest);
    if (!c && s->turn.now_ms - oldest->since_ms >= EVICT_AFTER_MS) {
        connection_close(oldest);
        c = oldest;
    }
    if (!c)
        set_accepting(s, false);
    for (int i = 0; c && i < ACCEPTS_PER_TURN && accept_client(s, c); i++)
        c = free_place(s, &oldest);
}

/* The first signal lets responses that are under way end, the second one does not. */
static void stop(struct server *s)
{
    struct signalfd_siginfo info;
    if (sys_read(s->signals, &info, sizeof(info)) != sizeof(info))
        return;
    s->stop_ms = s->turn.now_ms + (s->stopping ? 0 : STOPPING_MS);
    s->stopping = s->turn.last = true;
    (void)sys_close(s->listener);
    s->listener = -1;
    for (int i = 0; i < s->places; i++)
        if (s->connections[i].state == STATE_READING)
            connection_close(&s->connections[i]);
}

static void dispatch(struct server *s, uint32_t what)
{
    if (what == LISTENER)
        accept_clients(s);
    else if (what == SIGNALS)
        stop(s);
    else
        serve(s, what);
}

static void expire(struct server *s)
{
    struct turn *turn = &s->turn;
    turn->deadline_ms = INT64_MAX;
    for (int i = 0; i < s->places; i++) {
        struct connection *c = &s->connections[i];
        if (c->state != STATE_CLOSED && c->deadline_ms <= turn->now_ms)
            connection_close(c);
        if (c->state != STATE_CLOSED && c->deadline_ms < turn->deadline_ms)
            turn->deadline_ms = c->deadline_ms;
    }
}

/* Ends those whose time is over, and forgets the free places at the end. */
static void tidy(struct server *s)
{
    if (s->turn.now_ms >= s->turn.deadline_ms)
        expire(s);
    while (s->places && s->connections[s->places - 1].state == STATE_CLOSED)
        s->places--;
}

/* How long epoll may wait. */
static int patience_ms(const struct server *s)
{
    int64_t now_ms = s->turn.now_ms, until_ms = s->places ? s->turn.deadline_ms : now_ms + QUIET_MS;
    if (s->stopping && s->stop_ms < until_ms)
        until_ms = s->stop_ms;
    if (!s->accepting && now_ms + EVICT_AFTER_MS < until_ms)
        until_ms = now_ms + EVICT_AFTER_MS;
    return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

/* Until there was no client for a while, or a signal has ended it. */
static void serve_clients(struct server *s)
{
    for (;;) {
        tidy(s);
        if (s->stopping && (!s->places || s->turn.now_ms >= s->stop_ms))
            return;
        long n = sys_epoll_wait(s->epoll, s->events, EVENTS_PER_TURN, patience_ms(s));
        begin_turn(&s->turn);
        if (!n && !s->places && !s->stopping)
            return;
        if (!s->accepting)
            set_accepting(s, true);
        for (long i = 0; i < n; i++)
            dispatch(s, (uint32_t)s->events[i].data);
    }
}

static long open_server(struct server *s, int listener)
{
    s->listener = listener;
    s->accepting = true;
    s->turn.deadline_ms = INT64_MAX;
    s->signals = (int)sys_signalfd(&ending_signals, SFD_CLOEXEC | SFD_NONBLOCK);
    s->epoll = (int)sys_epoll_create1(EPOLL_CLOEXEC);
    long failed = watch(s, EPOLL_CTL_ADD, s->signals, EPOLLIN, SIGNALS);
    begin_turn(&s->turn);
    return failed ? failed : watch(s, EPOLL_CTL_ADD, listener, EPOLLIN, LISTENER);
}

static void close_server(struct server *s)
{
    (void)sys_close(s->epoll);
    (void)sys_close(s->signals);
    (void)sys_munmap((uintptr_t)s, sizeof(*s));
}

/* From the first client to the last. False where the memory or the descriptors for that are missing. */
static bool wake_up(int listener)
{
    long place = sys_mmap(sizeof(struct server));
    if (place < 0 && place > -4096)
        return false;
    struct server *s = (struct server *)place; /* NOLINT(performance-no-int-to-ptr): the kernel says where */
    long failed = open_server(s, listener);
    if (!failed)
        serve_clients(s);
    if (s->stopping)
        sys_exit(0);
    close_server(s);
    return !failed;
}

/* While nobody is served, a signal ends the server right here. */
static _Noreturn void end(void)
{
    sys_exit(0);
}

static void sleep_until(struct pollfd *fds, unsigned count, const long timeout[2])
{
    static const uint64_t none = 0;
    (void)sys_ppoll(fds, count, timeout, &none);
}

/*
 * As PID 1 the kernel keeps signals from a process that has no handler for them. Those that are blocked it keeps for
 * it. Ignoring SIGCHLD reaps whatever orphan ends up here.
 */
long server_catch_signals(void)
{
    long failed = sys_block_signals(&ending_signals);
    if (!failed)
        failed = sys_sigaction(SIGPIPE, SIG_IGN);
    return failed ? failed : sys_sigaction(SIGCHLD, SIG_IGN);
}

void server_run(int listener, uintptr_t moved)
{
    static const long moment[2] = {0, 100 * 1000000};
    settle_forget_start(moved);
    (void)sys_sigaction(SIGTERM, (uintptr_t)end);
    (void)sys_sigaction(SIGINT, (uintptr_t)end);
    for (;;) {
        struct pollfd fd = {.fd = listener, .events = POLLIN};
        sleep_until(&fd, 1, NULL);
        if (!wake_up(listener))
            sleep_until(NULL, 0, moment);
        settle_shrink_stack(moved);
    }
}
