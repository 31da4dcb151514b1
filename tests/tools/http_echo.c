/*
 * A small daemon on src/http/, for tests/system/test_http.py: one route for each thing that a handler can do. Answers
 * are let go at the end of the turn, as the real daemon's are.
 *
 *     http_echo ADDRESS [MAX_CONNECTIONS]        prints "ready" (and the TCP port) when it listens
 */
#include "base/mem.h"
#include "base/str.h"
#include "codec/json.h"
#include "http/address.h"
#include "http/listener.h"
#include "http/relay.h"
#include "http/reply.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct echo {
    struct loop *loop;
    struct http_server *server;
    int64_t over, gone, waiting;
} echo;

static void ping(struct http_request *request)
{
    http_reply_header(request, "Api-Version", "%d.%d", request->version.major, request->version.minor);
    http_reply(request, 200, "text/plain", "OK", 2);
}

/* What arrived, as JSON. */
static void show(struct http_request *request)
{
    struct buf json cleanup(buf_done) = BUF(1 << 20);
    struct json_out out = {.buf = &json};
    json_put_object(&out);
    json_key_string(&out, "method", http_method_name(request->method));
    json_key_string(&out, "path", request->path);
    json_key_string(&out, "name", http_param(request, "name"));
    json_key(&out, "query");
    json_put_array(&out);
    for (size_t i = 0; i < request->query.count; i++) {
        json_put_string(&out, request->query.items[i].name);
        json_put_string(&out, request->query.items[i].value);
    }
    json_put_array_end(&out);
    json_put_object_end(&out);
    http_reply_json(request, 200, &json);
}

static void give_back(struct http_request *request)
{
    http_reply(request, 200, "application/octet-stream", request->body.data, request->body.size);
}

static void stats(struct http_request *request)
{
    struct rusage usage;
    struct buf json cleanup(buf_done) = BUF(1 << 12);
    struct json_out out = {.buf = &json};
    (void)getrusage(RUSAGE_SELF, &usage);
    json_put_object(&out);
    json_key_int(&out, "over", echo.over);
    json_key_int(&out, "gone", echo.gone);
    json_key_int(&out, "waiting", echo.waiting);
    json_key_int(&out, "connections", (int64_t)http_server_connections(echo.server));
    json_key_int(&out, "requests", (int64_t)http_server_requests(echo.server));
    json_key_int(&out, "cpu_us",
                 usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 +
                     usage.ru_stime.tv_usec);
    json_put_object_end(&out);
    http_reply_json(request, 200, &json);
}

/* --- Answers that come later, or never */

static void count_over(struct http_request *request, bool client_gone)
{
    echo.waiting--;
    echo.over++;
    echo.gone += client_gone;
}

static void wait_forever(struct http_request *request)
{
    echo.waiting++;
    request->over = count_over;
}

struct alarm {
    struct timer timer;
    struct http_request *request;
};

static void ring(struct timer *timer)
{
    struct alarm *alarm = container_of(timer, struct alarm, timer);
    http_reply(alarm->request, 200, "text/plain", "late", 4);
}

static void cancel_alarm(struct http_request *request, bool client_gone)
{
    struct alarm *alarm = request->data;
    timer_stop(&alarm->timer);
    count_over(request, client_gone);
}

static void wait_a_while(struct http_request *request)
{
    struct err err;
    int64_t ms;
    if (http_query_i64(request, "ms", 100, &ms, &err) < 0) {
        http_reply_err(request, &err);
        return;
    }
    struct alarm *alarm = ARENA_NEW(&request->arena, struct alarm);
    alarm->request = request;
    alarm->timer.expired = ring;
    request->data = alarm;
    request->over = cancel_alarm;
    echo.waiting++;
    timer_start(&alarm->timer, echo.loop, ms);
}

/* --- Streams */

static void more_bytes(struct http_request *request)
{
    static const char zeros[HTTP_STREAM_ROOM];
    int64_t *left = request->data;
    size_t n = http_stream_room(request);
    n = (int64_t)n < *left ? n : (size_t)*left;
    http_stream_write(request, zeros, n);
    *left -= (int64_t)n;
    if (!*left)
        http_stream_end(request);
}

static void stream_bytes(struct http_request *request)
{
    struct err err;
    int64_t *left = ARENA_NEW(&request->arena, int64_t);
    if (http_query_i64(request, "size", 1 << 20, left, &err) < 0) {
        http_reply_err(request, &err);
        return;
    }
    request->data = left;
    request->pull = more_bytes;
    request->over = count_over;
    echo.waiting++;
    http_stream_start(request, 200, "application/octet-stream");
}

static void stream_quietly(struct http_request *request)
{
    request->over = count_over;
    echo.waiting++;
    http_stream_start(request, 200, "application/json");
    http_stream_write(request, "{}\n", 3);
}

/* --- Bodies into a pipe: a child counts them */

struct counter {
    struct child child;
    struct http_request *request;
    int from_child;
    bool failed;
};

static void counted(struct child *child, int status)
{
    struct counter *counter = container_of(child, struct counter, child);
    char text[32] = "";
    ssize_t n = read(counter->from_child, text, sizeof(text));
    close_fd(&counter->from_child);
    counter->request->over = NULL;
    http_reply(counter->request, counter->failed ? 500 : 200, "text/plain", text, n > 0 ? (size_t)n : 0);
}

static void passed_on(struct http_request *request, struct err *failure)
{
    struct counter *counter = request->data;
    counter->failed = failure != NULL;
}

static void stop_counting(struct http_request *request, bool client_gone)
{
    struct counter *counter = request->data;
    child_remove(&counter->child);
    close_fd(&counter->from_child);
    echo.gone += client_gone;
}

static _Noreturn void count_in_child(int in, int out, const char *command)
{
    (void)dup2(in, 0);
    (void)dup2(out, 1);
    (void)execl("/bin/sh", "sh", "-c", command, NULL);
    _exit(127);
}

static void load(struct http_request *request)
{
    int in[2], out[2];
    struct err err;
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        abort();
    const char *command = http_query(request, "command");
    pid_t pid = fork();
    if (pid == 0)
        count_in_child(in[0], out[1], command ? command : "wc -c");
    (void)close(in[0]);
    (void)close(out[1]);
    struct counter *counter = ARENA_NEW(&request->arena, struct counter);
    counter->request = request;
    counter->from_child = out[0];
    counter->child.exited = counted;
    request->data = counter;
    request->over = stop_counting;
    if (child_add(&counter->child, echo.loop, pid, &err) < 0)
        abort();
    http_body_to_fd(request, in[1], passed_on);
}

/* --- Hijacking: the connection is relayed to a process, stdout and stderr over one socket or framed over pipes */

static void relay_ended(void *data)
{
    relay_free(*(struct relay **)data);
    free(data);
}

static void attached(struct http_request *request, struct http_hijacked *connection)
{
    int pair[2];
    const char *command = http_query(request, "command");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    pid_t pid = fork();
    if (pid == 0)
        count_in_child(pair[1], pair[1], command ? command : "cat; echo tail");
    (void)close(pair[1]);
    struct relay **relay = NEW(struct relay *);
    *relay = relay_new(&(struct relay_options){
        .loop = echo.loop,
        .user = {connection->fd, connection->fd},
        .process = {.in = pair[0], .out = pair[0], .err = -1},
        .early = connection->early->data,
        .early_size = connection->early->size,
        .framed = http_query_bool(request, "framed"),
        .until_process_ends = true,
        .ended = relay_ended,
        .data = relay,
    });
}

static void attach(struct http_request *request)
{
    http_hijack(request, "application/vnd.docker.raw-stream", attached);
}

/* --- */

static const struct http_route routes[] = {
    {HTTP_METHOD_GET, "/_ping", ping, .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_GET, "/show/{name}", show},
    {HTTP_METHOD_DELETE, "/show/{name}", show},
    {HTTP_METHOD_GET, "/images/{name*}/json", show, .flags = HTTP_ROUTE_VERSIONED},
    {HTTP_METHOD_POST, "/echo", give_back},
    {HTTP_METHOD_POST, "/small", give_back, .body_max = 10},
    {HTTP_METHOD_GET, "/stats", stats},
    {HTTP_METHOD_GET, "/wait", wait_forever},
    {HTTP_METHOD_GET, "/late", wait_a_while},
    {HTTP_METHOD_GET, "/bytes", stream_bytes},
    {HTTP_METHOD_GET, "/events", stream_quietly},
    {HTTP_METHOD_POST, "/load", load, .flags = HTTP_ROUTE_STREAM_BODY},
    {HTTP_METHOD_POST, "/attach", attach},
};

static void turn_end(void *data)
{
    http_server_flush(echo.server);
}

static int listen_at(const char *text, struct err *err)
{
    struct http_address address;
    if (http_address_parse(text, "1", &address, err) < 0)
        return -1;
    address.port[0] = '0'; /* whichever is free */
    int fd = address.local ? http_listen_unix(address.path, 0600, (gid_t)-1, err) : http_listen_tcp(&address, err);
    if (fd < 0 || http_server_listen(echo.server, fd, address.local, err) < 0)
        return -1;
    struct sockaddr_in in = {0};
    socklen_t size = sizeof(in);
    (void)getsockname(fd, (struct sockaddr *)&in, &size);
    printf("ready %d\n", address.local ? 0 : ntohs(in.sin_port));
    return fflush(stdout);
}

int main(int argc, char **argv)
{
    struct err err;
    (void)signal(SIGPIPE, SIG_IGN);
    echo.loop = loop_new(&err);
    echo.server = http_server_new(&(struct http_server_options){
        .loop = echo.loop,
        .routes = routes,
        .route_count = ARRAY_SIZE(routes),
        .name = "echo",
        .max_connections = argc > 2 ? strtoul(argv[2], NULL, 10) : 0,
        .head_timeout_ms = 1000,
        .body_timeout_ms = 1000,
    });
    loop_on_turn_end(echo.loop, turn_end, NULL);
    if (argc < 2 || listen_at(argv[1], &err) < 0 || loop_run(echo.loop, &err) < 0) {
        (void)fprintf(stderr, "http_echo: %s\n", argc < 2 ? "which address?" : err.message);
        return 1;
    }
    return 0;
}
