#include "api/stream.h"

#include "api/detach_keys.h"
#include "api/version.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"
#include "http/relay.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#define STDOUT_STREAM 1
#define HEAD_WAIT_MS  200

struct stream {
    struct api *api;
    struct list link; /* in api->streams */
    int input, output;
    bool detachable;
    struct detach_keys keys;
    char *last_words; /* framed already; owned */
    size_t last_words_size;
    int connection; /* the client's, between its taking and the relay */
    struct buf early;
    struct timer head_timer;
    int64_t head_deadline_ms;
    struct relay *relay; /* NULL until the head was read */
};

static void stream_free(struct stream *stream)
{
    list_remove(&stream->link);
    close_fd(&stream->input);
    close_fd(&stream->output);
    close_fd(&stream->connection);
    timer_stop(&stream->head_timer);
    buf_done(&stream->early);
    relay_freep(&stream->relay);
    free(stream->last_words);
    free(stream);
}

static void client_gone(struct http_request *request, bool gone)
{
    stream_free(request->data);
}

static size_t filter(void *data, char *bytes, size_t size, bool *detach)
{
    struct stream *stream = data;
    return detach_keys_feed(&stream->keys, bytes, size, detach);
}

static void relay_ended(void *data)
{
    stream_free(data);
}

static void say_last_words(struct stream *stream)
{
    (void)send(stream->connection, stream->last_words, stream->last_words_size, MSG_NOSIGNAL | MSG_DONTWAIT);
    stream_free(stream);
}

static void join(struct stream *stream)
{
    int connection = take_fd(&stream->connection);
    stream->relay = relay_new(&(struct relay_options){
        .loop = stream->api->options.loop,
        .user = {.in = connection, .out = connection},
        .process = {.in = take_fd(&stream->output), .err = -1, .out = take_fd(&stream->input)},
        .early = stream->early.data,
        .early_size = stream->early.size,
        .until_process_ends = true,
        .filter = stream->detachable ? filter : NULL,
        .ended = relay_ended,
        .data = stream,
    });
    buf_done(&stream->early);
}

/* Has the client read all that was sent to it? (A unix socket counts what its peer has not read.) */
static bool head_is_read(const struct stream *stream)
{
    int unread = 0;
    return ioctl(stream->connection, SIOCOUTQ, &unread) < 0 || unread == 0;
}

/*
 * Output that comes right behind the head is lost to clients that read the head through a buffer of their own and then
 * the connection itself (python3-docker does): it waits until the head was read.
 */
static void go_on(struct stream *stream)
{
    if (!head_is_read(stream) && clock_monotonic_ms() < stream->head_deadline_ms)
        timer_start(&stream->head_timer, stream->api->options.loop, 1);
    else if (stream->last_words)
        say_last_words(stream);
    else
        join(stream);
}

static void look_again(struct timer *timer)
{
    go_on(container_of(timer, struct stream, head_timer));
}

static void taken(struct http_request *request, struct http_hijacked *connection)
{
    struct stream *stream = request->data;
    stream->connection = connection->fd;
    stream->early = BUF(connection->early->size);
    buf_add(&stream->early, connection->early->data, connection->early->size);
    stream->head_deadline_ms = clock_monotonic_ms() + (request->local ? HEAD_WAIT_MS : 0);
    go_on(stream);
}

void stream_header(char header[STREAM_HEADER_SIZE], int stream, size_t size)
{
    memcpy(header,
           (char[]){(char)stream, 0, 0, 0, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size},
           STREAM_HEADER_SIZE);
}

static void set_last_words(struct stream *stream, const char *words, bool tty)
{
    char header[STREAM_HEADER_SIZE];
    struct buf b cleanup(buf_done) = BUF(2 * ERR_MESSAGE_MAX);
    stream_header(header, STDOUT_STREAM, strlen(words) + 2);
    if (!tty)
        buf_add(&b, header, sizeof(header));
    buf_printf(&b, "%s\r\n", words);
    stream->last_words_size = b.size;
    stream->last_words = buf_take(&b);
}

const char *stream_content_type(const struct http_request *request, bool tty)
{
    return !tty && api_speaks(request, 42) ? "application/vnd.docker.multiplexed-stream"
                                           : "application/vnd.docker.raw-stream";
}

int stream_start(struct api *api, struct http_request *request, const struct stream_options *options, struct err *err)
{
    struct stream *stream = NEW(struct stream);
    stream->api = api;
    stream->input = options->input;
    stream->output = options->output;
    stream->connection = -1;
    stream->head_timer.expired = look_again;
    stream->detachable = options->tty && options->input >= 0;
    list_push(&api->streams, &stream->link);
    if (detach_keys_parse(options->detach_keys, &stream->keys, err) < 0) {
        stream_free(stream);
        return -1;
    }
    if (options->last_words)
        set_last_words(stream, options->last_words, options->tty);
    request->data = stream;
    request->over = client_gone;
    http_hijack(request, stream_content_type(request, options->tty), taken);
    return 0;
}

void streams_done(struct api *api)
{
    while (!list_empty(&api->streams))
        stream_free(container_of(api->streams.next, struct stream, link));
}
