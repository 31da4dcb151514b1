#include "server.h"

#include "connection.h"
#include "sys.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

#define CONNECTIONS_MAX 128
#define BACKLOG         511
#define EVENTS_PER_TURN 16
/* Where all places are taken, the client that has done nothing for the longest time makes place, after so long. */
#define EVICT_AFTER_MS 1000
/* Responses under way when a signal ends the server have so long. */
#define STOPPING_MS 5000

/* What epoll hands back, where it is not the index of a connection. */
enum { LISTENER = CONNECTIONS_MAX, SIGNALS };

/*
 * All memory there is. The lowest free place is taken first and nothing above the highest taken one is looked at, so
 * that pages of places never used are never touched.
 */
static struct {
    int epoll, listener, signals, root;
    bool accepting, stopping;
    int places; /* the highest place taken, plus one */
    int64_t now_ms, stop_ms;
    struct connection connections[CONNECTIONS_MAX];
    char buffers[CONNECTIONS_MAX][REQUEST_MAX];
} server;

static void update_time(void)
{
    struct sys_time now = {0};
    (void)sys_clock_gettime(CLOCK_MONOTONIC, &now);
    server.now_ms = now.seconds * 1000 + now.nanoseconds / 1000000;
}

static long watch(int operation, int fd, int events, uint32_t what)
{
    struct epoll_event event = {.events = (uint32_t)events, .data.u32 = what};
    return sys_epoll_ctl(server.epoll, operation, fd, &event);
}

static void set_accepting(bool accepting)
{
    if (server.accepting != accepting && !server.stopping)
        (void)watch(EPOLL_CTL_MOD, server.listener, accepting ? EPOLLIN : 0, LISTENER);
    server.accepting = accepting;
}

static void forget_closed_places(void)
{
    while (server.places && server.connections[server.places - 1].state == STATE_CLOSED)
        server.places--;
}

/* A free place; where there is none, that of the client that stood still longest; NULL where all are busy. */
static struct connection *find_place(void)
{
    struct connection *oldest = NULL;
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &server.connections[i];
        if (c->state == STATE_CLOSED)
            return c;
        if (!oldest || c->since_ms < oldest->since_ms)
            oldest = c;
    }
    if (server.now_ms - oldest->since_ms < EVICT_AFTER_MS)
        return NULL;
    connection_close(oldest);
    return oldest;
}

/* One at a time: only while somebody waits at the door may somebody else be shown out. */
static void accept_client(void)
{
    struct connection *c = find_place();
    if (!c) {
        set_accepting(false);
        return;
    }
    long fd = sys_accept4(server.listener, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        set_accepting(fd != -EMFILE && fd != -ENFILE && fd != -ENOBUFS && fd != -ENOMEM);
        return;
    }
    int place = (int)(c - server.connections);
    connection_open(c, (int)fd, server.now_ms);
    if (watch(EPOLL_CTL_ADD, (int)fd, c->want, (uint32_t)place) < 0)
        connection_close(c);
    else if (place >= server.places)
        server.places = place + 1;
}

static void serve(uint32_t place)
{
    struct connection *c = &server.connections[place];
    int fd = c->fd, wanted = c->want;
    if (c->state == STATE_CLOSED) /* closed while its event was on the way */
        return;
    connection_step(c, server.buffers[place], server.root, server.stopping, server.now_ms);
    bool done = server.stopping && c->state == STATE_READING;
    if (c->state != STATE_CLOSED && (done || (c->want != wanted && watch(EPOLL_CTL_MOD, fd, c->want, place) < 0)))
        connection_close(c);
}

/* The first signal lets responses that are under way end, the second one does not. */
static void stop(void)
{
    struct signalfd_siginfo info;
    if (sys_read(server.signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (server.stopping)
        server.stop_ms = server.now_ms;
    else
        server.stop_ms = server.now_ms + STOPPING_MS;
    server.stopping = true;
    (void)sys_close(server.listener);
    server.listener = -1;
    for (int i = 0; i < server.places; i++)
        if (server.connections[i].state == STATE_READING)
            connection_close(&server.connections[i]);
}

static void dispatch(uint32_t what)
{
    if (what == LISTENER)
        accept_client();
    else if (what == SIGNALS)
        stop();
    else
        serve(what);
}

/* Ends those whose time is over; returns how long epoll may wait for the next: forever without clients. */
static int expire(void)
{
    int64_t next_ms = server.stopping ? server.stop_ms : INT64_MAX;
    for (int i = 0; i < server.places; i++) {
        struct connection *c = &server.connections[i];
        if (c->state != STATE_CLOSED && c->deadline_ms <= server.now_ms)
            connection_close(c);
        if (c->state != STATE_CLOSED && c->deadline_ms < next_ms)
            next_ms = c->deadline_ms;
    }
    forget_closed_places();
    if (!server.accepting && next_ms > server.now_ms + EVICT_AFTER_MS)
        next_ms = server.now_ms + EVICT_AFTER_MS;
    return next_ms == INT64_MAX ? -1 : (int)(next_ms - server.now_ms);
}

static bool finished(void)
{
    return server.stopping && (!server.places || server.now_ms >= server.stop_ms);
}

/*
 * As PID 1 the kernel keeps signals from a process that has no handler for them, but not those it blocks and reads from
 * a descriptor. Ignoring SIGCHLD reaps whatever orphan ends up here.
 */
long server_start(int listener, int root)
{
    server.listener = listener;
    server.root = root;
    server.accepting = true;
    uint64_t mask = 1ull << (SIGTERM - 1) | 1ull << (SIGINT - 1);
    long failed = sys_block_signals(&mask);
    if (!failed)
        failed = sys_ignore_signal(SIGPIPE);
    if (!failed)
        failed = sys_ignore_signal(SIGCHLD);
    if (failed)
        return failed;
    server.signals = (int)sys_signalfd(&mask, SFD_CLOEXEC | SFD_NONBLOCK);
    server.epoll = (int)sys_epoll_create1(EPOLL_CLOEXEC);
    if (server.signals < 0 || server.epoll < 0)
        return server.signals < 0 ? server.signals : server.epoll;
    failed = watch(EPOLL_CTL_ADD, server.signals, EPOLLIN, SIGNALS);
    return failed ? failed : watch(EPOLL_CTL_ADD, server.listener, EPOLLIN, LISTENER);
}

void server_run(void)
{
    for (;;) {
        struct epoll_event events[EVENTS_PER_TURN] = {0};
        update_time();
        int timeout_ms = expire();
        if (finished())
            return;
        long n = sys_epoll_wait(server.epoll, events, EVENTS_PER_TURN, timeout_ms);
        update_time();
        if (!server.accepting)
            set_accepting(true);
        for (long i = 0; i < n; i++)
            dispatch(events[i].data.u32);
    }
}

static long listen_on(int family, const void *address, size_t size)
{
    long fd = sys_socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    (void)sys_setsockopt((int)fd, SOL_SOCKET, SO_REUSEADDR, 1);
    (void)sys_setsockopt((int)fd, IPPROTO_TCP, TCP_NODELAY, 1); /* inherited by what it accepts */
    if (family == AF_INET6)
        (void)sys_setsockopt((int)fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    long failed = sys_bind((int)fd, address, size);
    if (!failed)
        failed = sys_listen((int)fd, BACKLOG);
    if (!failed)
        return fd;
    (void)sys_close((int)fd);
    return failed;
}

long server_listen(uint16_t port)
{
    uint16_t network_order = __builtin_bswap16(port);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = network_order};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = network_order};
    long fd = listen_on(AF_INET6, &six, sizeof(six));
    /* A kernel, or a container, without IPv6. */
    return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? listen_on(AF_INET, &four, sizeof(four)) : fd;
}

uint16_t server_port(int listener)
{
    struct sockaddr_in6 address = {0}; /* the port stands at the same place in both families */
    int size = sizeof(address);
    (void)sys_getsockname(listener, &address, &size);
    return __builtin_bswap16(address.sin6_port);
}
