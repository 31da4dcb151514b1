#include "discovery/lookup.h"

#include "base/buf.h"
#include "base/mem.h"
#include "discovery/dns_answer.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define ATTEMPTS_MAX 4
#define TIMEOUT_MS   2000
#define DNS_PORT     53

struct lookup {
    struct lookups *lookups;
    struct list link;
    struct lookup_params params; /* query: owned */
    uint8_t *query;
    struct dns_message question; /* as it is asked of the servers: with our id */
    struct ip servers[LOOKUP_SERVERS_MAX];
    size_t attempt;
    struct io io; /* the socket, owned */
    struct timer timer;
    bool tcp;
    struct buf out, in; /* TCP's */
};

void lookups_init(struct lookups *lookups, struct loop *loop)
{
    *lookups = (struct lookups){.loop = loop};
    list_init(&lookups->list);
}

static void hang_up(struct lookup *lookup)
{
    io_remove(&lookup->io);
    close_fd(&lookup->io.fd);
    timer_stop(&lookup->timer);
}

void lookup_cancel(struct lookup *lookup)
{
    hang_up(lookup);
    list_remove(&lookup->link);
    lookup->lookups->count--;
    buf_done(&lookup->out);
    buf_done(&lookup->in);
    free(lookup->query);
    free(lookup);
}

void lookups_done(struct lookups *lookups)
{
    struct lookup *lookup;
    list_foreach (lookup, &lookups->list, link)
        lookup_cancel(lookup);
}

static void finish(struct lookup *lookup, const uint8_t *answer, size_t size)
{
    struct lookup_params params = lookup->params;
    lookup_cancel(lookup);
    params.done(params.data, answer, size);
}

static void give_up(struct lookup *lookup)
{
    uint8_t answer[DNS_UDP_SIZE];
    size_t size = dns_refuse(answer, sizeof(answer), lookup->query, &lookup->question, DNS_SERVFAIL);
    finish(lookup, answer, size);
}

/* Hands on what a server said. */
static void pass_on(struct lookup *lookup, uint8_t *answer, size_t size, const struct dns_message *message)
{
    dns_set_id(answer, dns_id(lookup->query));
    if (!lookup->params.long_answers && size > lookup->question.udp_size)
        size = dns_truncate(answer, message);
    finish(lookup, answer, size);
}

/* --- Asking */

static uint16_t random_id(void)
{
    uint16_t id = 0;
    (void)getrandom(&id, sizeof(id), 0);
    return id;
}

static int open_socket(struct lookup *lookup, int type)
{
    struct err ignored;
    struct sockaddr_storage address;
    struct ip_port server = {.ip = lookup->servers[lookup->attempt % lookup->params.server_count], .port = DNS_PORT};
    socklen_t size = ip_to_sockaddr(&server, &address);
    hang_up(lookup);
    lookup->io.fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (lookup->io.fd < 0)
        return -1;
    if (connect(lookup->io.fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS)
        return -1;
    uint32_t events = type == SOCK_STREAM ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if (io_add(&lookup->io, lookup->lookups->loop, lookup->io.fd, events, &ignored) < 0)
        return -1;
    timer_start(&lookup->timer, lookup->lookups->loop, TIMEOUT_MS);
    return 0;
}

/* The query with an id of its own. */
static void put_query(struct lookup *lookup, uint8_t *to)
{
    memcpy(to, lookup->query, lookup->params.size);
    lookup->question.id = random_id();
    dns_set_id(to, lookup->question.id);
}

static int ask_by_udp(struct lookup *lookup)
{
    uint8_t query[DNS_MESSAGE_MAX];
    lookup->tcp = false;
    if (open_socket(lookup, SOCK_DGRAM) < 0)
        return -1;
    put_query(lookup, query);
    return send(lookup->io.fd, query, lookup->params.size, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int ask_by_tcp(struct lookup *lookup)
{
    uint8_t query[DNS_MESSAGE_MAX], length[2] = {(uint8_t)(lookup->params.size >> 8), (uint8_t)lookup->params.size};
    lookup->tcp = true;
    if (open_socket(lookup, SOCK_STREAM) < 0)
        return -1;
    put_query(lookup, query);
    buf_reset(&lookup->in);
    buf_reset(&lookup->out);
    buf_add(&lookup->out, length, sizeof(length));
    buf_add(&lookup->out, query, lookup->params.size);
    return 0;
}

/* On to the next server that can be asked; without one, the asker is told. */
static void ask_next(struct lookup *lookup)
{
    size_t most = 2 * lookup->params.server_count < ATTEMPTS_MAX ? 2 * lookup->params.server_count : ATTEMPTS_MAX;
    while (++lookup->attempt < most)
        if (ask_by_udp(lookup) == 0)
            return;
    give_up(lookup);
}

static void timed_out(struct timer *timer)
{
    ask_next(container_of(timer, struct lookup, timer));
}

/* --- Answers */

/* Takes a message that came; false where it is no answer to what was asked, and waiting goes on. */
static bool take_answer(struct lookup *lookup, uint8_t *data, size_t size)
{
    struct dns_message answer;
    if (!dns_parse(data, size, &answer) || !dns_answers(&answer, &lookup->question))
        return false;
    bool last = lookup->attempt + 1 >= lookup->params.server_count;
    if ((answer.rcode == DNS_SERVFAIL || answer.rcode == DNS_REFUSED) && !last)
        ask_next(lookup);
    else if (!answer.truncated || !lookup->params.long_answers || lookup->tcp || ask_by_tcp(lookup) < 0)
        pass_on(lookup, data, size, &answer);
    return true;
}

static void udp_ready(struct lookup *lookup)
{
    uint8_t data[DNS_MESSAGE_MAX];
    ssize_t n;
    while ((n = recv(lookup->io.fd, data, sizeof(data), MSG_DONTWAIT)) >= 0)
        if (take_answer(lookup, data, (size_t)n))
            return;
    if (errno != EAGAIN && errno != EINTR)
        ask_next(lookup); /* nobody listens there */
}

static int tcp_send(struct lookup *lookup)
{
    ssize_t n = send(lookup->io.fd, lookup->out.data, lookup->out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    buf_consume(&lookup->out, (size_t)n);
    io_want(&lookup->io, lookup->out.size ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return 0;
}

static int tcp_receive(struct lookup *lookup)
{
    void *room = buf_reserve(&lookup->in, 4096);
    ssize_t n = room ? recv(lookup->io.fd, room, 4096, MSG_DONTWAIT) : 0;
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    buf_claim(&lookup->in, (size_t)n);
    uint8_t *data = (uint8_t *)lookup->in.data;
    size_t size = lookup->in.size >= 2 ? dns_id(data) : DNS_MESSAGE_MAX; /* the length stands first, as the id would */
    if (lookup->in.size < 2 + size)
        return 0;
    /* The buffer ends with the lookup, and the answer is handed on from it. */
    uint8_t *answer cleanup_free = mem_memdup(data + 2, size);
    return take_answer(lookup, answer, size) ? 1 : -1;
}

static void lookup_ready(struct io *io, uint32_t events)
{
    struct lookup *lookup = container_of(io, struct lookup, io);
    if (!lookup->tcp) {
        udp_ready(lookup);
        return;
    }
    int r = lookup->out.size ? tcp_send(lookup) : 0;
    if (r == 0 && (events & ~(uint32_t)EPOLLOUT))
        r = tcp_receive(lookup);
    if (r < 0)
        ask_next(lookup);
}

/* --- Starting */

static size_t count_of(const struct lookups *lookups, const struct ip *client)
{
    const struct lookup *lookup;
    size_t count = 0;
    list_foreach (lookup, &lookups->list, link)
        count += ip_equal(&lookup->params.client, client);
    return count;
}

struct lookup *lookup_start(struct lookups *lookups, const struct lookup_params *params)
{
    if (lookups->count >= LOOKUPS_MAX || count_of(lookups, &params->client) >= LOOKUPS_OF_ONE_MAX)
        return NULL;
    struct lookup *lookup = NEW(struct lookup);
    lookup->lookups = lookups;
    lookup->params = *params;
    lookup->io = (struct io){.ready = lookup_ready, .fd = -1};
    lookup->timer.expired = timed_out;
    lookup->in = lookup->out = BUF(DNS_MESSAGE_MAX + 2 + 4096);
    lookup->query = mem_memdup(params->query, params->size);
    memcpy(lookup->servers, params->servers, params->server_count * sizeof(*params->servers));
    list_push(&lookups->list, &lookup->link);
    lookups->count++;
    if (dns_parse(lookup->query, params->size, &lookup->question) && ask_by_udp(lookup) == 0)
        return lookup;
    lookup_cancel(lookup);
    return NULL;
}
