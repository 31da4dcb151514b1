/*
 * A whole connection of nano-httpd: the input is what a client sends, cut into pieces whose sizes are its first bytes.
 * What comes back is a row of responses, and never what lies outside the served directory.
 */
#include "connection.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "what nobody may see"
#define TURNS  1000

static char folder[] = "/tmp/shoal-fuzz-nano-XXXXXX";
static int outside = -1, root = -1, home = -1;

static void write_file(int at, const char *name, const char *content, size_t size)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert(fd >= 0 && ftruncate(fd, (off_t)size) == 0 &&
           write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    (void)close(fd);
}

static void remove_site(void)
{
    static const char *const files[] = {"www/index.html", "www/a",  "www/large", "www/f/index.html",
                                        "www/up",         "www/in", "secret"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        (void)unlinkat(outside, files[i], 0);
    (void)unlinkat(outside, "www/f", AT_REMOVEDIR);
    (void)unlinkat(outside, "www", AT_REMOVEDIR);
    (void)rmdir(folder);
}

/* Once: a site with a file of each size that is sent in a way of its own, and a secret beside it. */
static void make_site(void)
{
    assert(mkdtemp(folder));
    outside = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert(outside >= 0 && mkdirat(outside, "www", 0700) == 0 && mkdirat(outside, "www/f", 0700) == 0);
    write_file(outside, "secret", SECRET, 100);
    write_file(outside, "www/index.html", "index", 5);
    write_file(outside, "www/a", "", 0);
    write_file(outside, "www/large", "large", 20000);
    write_file(outside, "www/f/index.html", "folder", 6);
    assert(symlinkat("../secret", outside, "www/up") == 0 && symlinkat("f/index.html", outside, "www/in") == 0);
    root = openat(outside, "www", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)atexit(remove_site);
}

struct client {
    int fd;
    char got[1 << 20];
    size_t size;
};

/* What came back is the start of a response at its start, and holds no secret. */
static void receive(struct client *client)
{
    for (;;) {
        size_t space = sizeof(client->got) - client->size;
        ssize_t n = space ? read(client->fd, client->got + client->size, space) : 0;
        if (n <= 0)
            break;
        client->size += (size_t)n;
    }
    assert(!memmem(client->got, client->size, SECRET, strlen(SECRET)));
    assert(client->size < 9 || memcmp(client->got, "HTTP/1.1 ", 9) == 0);
}

/* Until the connection waits for more of the client, or is over. */
static void serve(struct connection *c, char *buffer, struct turn *turn, struct client *client)
{
    for (int turns = 0; c->state != STATE_CLOSED; turns++) {
        int waiting = 0;
        assert(turns < TURNS);
        connection_step(c, buffer, turn);
        receive(client);
        if (c->state == STATE_CLOSED)
            return;
        assert(c->filled <= REQUEST_MAX && c->deadline_ms > turn->now_ms);
        if (c->want == EPOLLIN && (ioctl(c->fd, FIONREAD, &waiting) < 0 || !waiting))
            return;
    }
}

static void talk(struct client *client, int fd, const uint8_t *data, size_t size)
{
    static struct turn turn;
    struct connection c;
    char *buffer = malloc(REQUEST_MAX); /* its end is watched by the sanitizer */
    size_t piece = size ? data[0] + 1u : 0;
    turn.last = size > 1 && data[1] & 1;
    connection_open(&c, fd, &turn);
    for (size_t at = 2; at < size && c.state != STATE_CLOSED; at += piece) {
        ssize_t sent = send(client->fd, data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL);
        assert(sent > 0);
        serve(&c, buffer, &turn, client);
    }
    (void)shutdown(client->fd, SHUT_WR);
    if (c.state != STATE_CLOSED)
        serve(&c, buffer, &turn, client);
    if (c.state != STATE_CLOSED) /* it read the end before, and waits for a deadline */
        connection_step(&c, buffer, &turn);
    assert(c.state == STATE_CLOSED);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct client client;
    int fds[2];
    if (root < 0)
        make_site();
    assert(fchdir(root) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    client.fd = fds[0];
    client.size = 0;
    talk(&client, fds[1], data, size);
    receive(&client);
    (void)close(client.fd);
    assert(fchdir(home) == 0);
    return 0;
}
